/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <limits.h>
#include <stdint.h>

/* clang-format off: it would fill the lists below as if they were prose */
/*
 * What storkitd and storkit-shim say to each other. A shim may outlive several versions of the
 * daemon: this is an interface, versioned by SHIM_FORMAT and SHIM_FILE_FORMAT. A daemon understands
 * every format that was ever released, and so does a shim the command line of an older daemon. It
 * names no type of any library.
 *
 * COMMAND LINE
 *   storkit-shim --format=3 --cwd=DIR [OPTION…] -- PROGRAM [ARGUMENT…]
 *   --setup DIR COMMAND        (two words; any number, in order) run `sh -c COMMAND` in DIR first
 *   --setup-record=FILE        created, empty, once every setup command has succeeded
 *   --stop-grace=USEC          from a stop's SIGINT to its kill; SIGTERM comes after half of it
 *   --result-grace=USEC        0: off. After the agent's closing line; (format 3) without
 *                              --closing-type, after the end of its stdin pipe
 *   --closing-type=TYPE        the top-level "type" of that line ("result")
 *   --runtime-max=USEC         0: off. From the agent's start
 *   --idle-timeout=USEC        0: off. Without a byte of output
 *   --stdin=tty|file|pipe      file: the run folder's `stdin`. pipe: that file's bytes (if there),
 *                              then the messages that come, until the input is closed
 *   --stdout=tty|pipe          (format 3) pipe: the terminal has only what is not written to
 * stdout; between the lines of that, it goes into the transcript, too
 *   --rows=N --columns=N       of the PTY; default 50 and 200
 *   --nofile=N                 the soft limit of open files to give back to the agent
 *   --sandbox                  (format 2) confine the agent as the file `sandbox` says; not setup
 *   --umask=OCTAL              (format 2) of setup and agent; else the one that the shim got
 *   --rlimit=RESOURCE=N        (format 2; any number) a soft limit of setup and agent, at most the
 *                              hard one; RESOURCE is the number that setrlimit(2) takes
 *   storkit-shim --confine=FOLDER -- COMMAND…
 * runs COMMAND in the confinement of the run whose folder that is, and nothing else.
 * The shim's environment is the agent's; PROGRAM is looked up on its PATH.
 *
 * FILE DESCRIPTORS
 *   0 /dev/null, 1 and 2 the daemon's log
 *   3 the gate: one byte opens it; end of file before that: exit without a trace
 *   4 the run folder, under a flock(LOCK_EX) that the shim's copy keeps for as long as it lives:
 *     if that lock can be taken, no shim is there
 *
 * FILES of the run folder
 *   transcript   made by the shim, O_EXCL, as its first act behind the gate: a folder without one
 *                is a Start that never became a run
 *   times        struct ShimTime, native byte order: bytes from `offset` on came at `usec` (until
 *                the next pair); written before those bytes, at most one per 10 ms
 *   control, input   FIFOs, made by the daemon, opened read-write by the shim. A stop that waits in
 *                `control` by then ends the run before anything is begun
 *   stdin        made by the daemon where --stdin asks for it
 *   answer-N     made by the daemon, whole at once: for stdin. N has digits only
 *   cancel       (format 3) made by the daemon, whole at once, while the agent is at work: goes to
 *                the stdin pipe as a stop's first step, a second (or a quarter of the grace) before
 *                its SIGINT, or until the next stop. That SIGINT closes the pipe, too
 *   sandbox      made by the daemon, for --sandbox. Lines, the first of them SHIM_SANDBOX_HEAD:
 *                landlock N      its ABI that the daemon counts on: with less, the start fails
 *                write PATH      the file, or all beneath the folder, may be changed (any number)
 *                device PATH     the device, or those in the folder, may be written to (any number)
 *                unreadable PATH all beneath it may not be read (any number)
 *                read PATH       … but this (any number)
 *                network full|none|ports, port N   TCP connections to these ports only
 *                mounts own      it has mounts of its own, where all but `write` is read-only
 *                hide PATH       … and this folder is empty, this file or socket none (any number)
 *                keep PATH       … but this, beneath such a folder, stays (any number)
 *                filter none     there is no sandbox.filter: this kernel takes none
 *                Nothing else may be changed. A line that the shim does not know fails the start
 *   sandbox.filter  the seccomp filter, struct sock_filter of this machine
 *   tmp          made by the daemon: the agent's temporary folder; emptied at the end
 *   started      JSON, once, atomically:
 *                {"format":1,"shim_pid":P,"agent_pid":P,"offset":N,"time":USEC}: the program
 *                executes, its output begins at `offset` of the transcript; or
 *                {"format":1,"shim_pid":P,"offset":N,"time":USEC,"failed":"exec","step":S,
 *                "errno":N}, S being "exec", "cwd", "stdin", "sandbox", "setup-record", "cgroup" or
 *                another word for what could not be made ready; or {… "failed":"setup",
 *                "setup":INDEX,"exit_code":N or "exit_signal":N, or, where the command could not
 *                even begin, "step":S,"errno":N}. A stop during setup leaves no `started`. Where it
 *                can't be written it is tried again, and the agent's output waits, but no end does:
 *                then there is none either, and the "started" of exit.json tells that the program
 *                executed
 *   exit.json    JSON, once, atomically, its blocks reserved at the start:
 *                {"format":1,"reason":R,"exit_code":N or "exit_signal":N,"started":USEC,
 *                 "ended":USEC,"offset":N,"bytes":N,"left_behind":N,"oom_kills":N,
 *                 "memory_peak":N,"cpu_usec":N, and what `started` says of a failure}
 *                and "lost":N where a stop could not wait for room on a full disk: bytes of output
 *                (a figure the machine does not have is absent; so is `started` where the agent
 *                never was). R is one of the SHIM_REASON_ strings. `bytes` is the transcript's
 *                size: nothing is appended after it. `left_behind` counts those out of the scope
 *                that the shim could find, too
 * While the transcript's file system is full the shim takes the owner's write permission off
 * `transcript` (0400), and gives it back (0600) once bytes go in again: inotify sees both.
 */
/* clang-format on */

#define SHIM_FORMAT 3      /* of the command line */
#define SHIM_FILE_FORMAT 1 /* of `started` and exit.json; keys may be added to them */
#define SHIM_FD_GATE 3
#define SHIM_FD_FOLDER 4

#define SHIM_SANDBOX_PLAN "sandbox"
#define SHIM_SANDBOX_FILTER "sandbox.filter"
#define SHIM_SANDBOX_TEMPORARY "tmp"
#define SHIM_SANDBOX_HEAD "storkit-sandbox 1"

#define SHIM_ANSWER_PREFIX "answer-"
#define SHIM_ANSWER_MAX_DIGITS 20
#define SHIM_CANCEL "cancel"

struct ShimTime {
    uint64_t offset;
    uint64_t usec; /* since the epoch */
};

/* Why a run ended. */
#define SHIM_REASON_EXITED "exited"   /* its program, by itself */
#define SHIM_REASON_STOPPED "stopped" /* a SHIM_CONTROL_STOP */
#define SHIM_REASON_RUNTIME "runtime"
#define SHIM_REASON_IDLE "idle"
#define SHIM_REASON_RESULT "result"         /* result grace */
#define SHIM_REASON_UNANSWERED "unanswered" /* a SHIM_CONTROL_UNANSWERED */
#define SHIM_REASON_LEASE "lease"           /* a SHIM_CONTROL_LEASE */
#define SHIM_REASON_OUTSIDE "outside"       /* a SIGTERM that no record announced */
#define SHIM_REASON_SETUP "setup"           /* a setup command failed */
#define SHIM_REASON_EXEC "exec"             /* the program could not be executed */

/* Records on the FIFOs: a header and its payload, written with one write() of at most PIPE_BUF, so
 * that they never interleave. A record of an unknown version or type is skipped. */
#define SHIM_RECORD_VERSION 1

struct ShimRecord {
    uint8_t version;
    uint8_t type;
    uint16_t length; /* of the payload */
};

#define SHIM_RECORD_MAX_PAYLOAD (PIPE_BUF - sizeof(struct ShimRecord))

enum {
    /* on `control`, which is always read at once */
    SHIM_CONTROL_STOP = 1,    /* payload: uint64_t grace in µs, or nothing: the command line's */
    SHIM_CONTROL_RESIZE = 2,  /* payload: uint16_t rows, uint16_t columns */
    SHIM_CONTROL_WAITING = 3, /* payload: uint8_t, 1: the agent waits for an answer, so its time
                                 does not count from now on; 0: it counts again */
    SHIM_CONTROL_UNANSWERED = 4, /* as SHIM_CONTROL_STOP: nobody answered in time */
    SHIM_CONTROL_LEASE = 5,      /* as SHIM_CONTROL_STOP: the process that it lived for is gone */
    /* on `input`, which is read no faster than the agent takes it: the FIFO is the back-pressure */
    SHIM_INPUT_TERMINAL = 16, /* bytes for the PTY */
    SHIM_INPUT_MESSAGE = 17,  /* bytes for the stdin pipe */
    SHIM_INPUT_CLOSE = 18,    /* close the stdin pipe */
    SHIM_INPUT_ANSWER = 19,   /* payload: the N of answer-N, which goes to the stdin pipe the first
                                 time that it comes; the next ones are skipped */
};
