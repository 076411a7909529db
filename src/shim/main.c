/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * storkit-shim: stays beside an agent in its scope, owns its terminal and its transcript, ends it,
 * and records how it ended. shim-protocol.h is its whole interface.
 */

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <linux/close_range.h>

#include "shim/confine.h"
#include "shim/loop.h"
#include "shim/options.h"
#include "shim/run.h"
#include "shim/shim-util.h"
#include "shim/strays.h"

#define EXIT_USAGE 2
#define EXIT_NOT_EXECUTED 126

#define CONFINE "--confine="

/* The child's exec must not inherit our descriptors, nor any that the daemon leaked to us. */
static bool descriptors_are_sound(void)
{
    struct stat info;
    if (fstat(SHIM_FD_GATE, &info) < 0 || fstat(SHIM_FD_FOLDER, &info) < 0 ||
        !S_ISDIR(info.st_mode)) {
        complain("the gate must be fd 3 and the run folder fd 4; see shim-protocol.h");
        return false;
    }
    return close_range(SHIM_FD_GATE, ~0U, CLOSE_RANGE_CLOEXEC) == 0;
}

/* Nothing interrupts the shim: two signals come through an fd, all else is blocked or ignored. */
static int catch_signals(void)
{
    static const int ignored[] = {SIGINT, SIGHUP, SIGPIPE, SIGQUIT};
    sigset_t all, ours;
    for (size_t i = 0; i < sizeof ignored / sizeof ignored[0]; i++)
        signal(ignored[i], SIG_IGN);
    signal(SIGCHLD, SIG_DFL); /* ignored, it would take the child's status with it */
    sigfillset(&all);
    sigprocmask(SIG_SETMASK, &all, NULL);
    sigemptyset(&ours);
    sigaddset(&ours, SIGTERM);
    sigaddset(&ours, SIGCHLD);
    return signalfd(-1, &ours, SFD_CLOEXEC | SFD_NONBLOCK);
}

/* Waits until the daemon opens the gate. False: it died, or no longer wants the run. */
static bool pass_gate(int signals)
{
    struct pollfd sources[] = {{.fd = SHIM_FD_GATE, .events = POLLIN},
                               {.fd = signals, .events = POLLIN}};
    char byte;
    poll(sources, 2, -1);
    if (!sources[0].revents) /* SIGTERM */
        return false;
    bool opened = read(SHIM_FD_GATE, &byte, 1) == 1;
    close(SHIM_FD_GATE);
    return opened;
}

/* An entry that can't be removed goes with the run's folder. */
static int remove_entry(const char *path, const struct stat *info, int kind, struct FTW *place)
{
    (void)!remove(path);
    return 0;
}

/* The agent's temporary files end with it. */
static void remove_temporary(int folder)
{
    if (fchdir(folder) == 0)
        nftw(SHIM_SANDBOX_TEMPORARY, remove_entry, 8, FTW_DEPTH | FTW_PHYS | FTW_MOUNT);
}

static bool run_to_its_end(Run *run, int signals)
{
    int error;
    ending_init(&run->ending);
    limits_init(&run->limits);
    const char *step = run_prepare(run, &error);
    if (step)
        run_fail(run, step, error);
    else
        loop_run(run, signals);
    return run_report_end(run);
}

/* `--confine=FOLDER -- COMMAND…`: not beside an agent, but in the confinement of one. */
static int run_confined(const char *folder, char **argv)
{
    Confinement confinement;
    autofd fd = open_at(AT_FDCWD, folder, O_RDONLY | O_DIRECTORY);
    if (fd < 0 || strcmp(argv[0], "--") != 0 || !argv[1]) {
        complain("--confine=FOLDER -- COMMAND…: %s", fd < 0 ? strerror(-fd) : "no command");
        return EXIT_USAGE;
    }
    if (confine_prepare(&confinement, fd) < 0 || !confine_enter(&confinement)) {
        complain("%s: the sandbox cannot be entered", folder);
        return EXIT_NOT_EXECUTED;
    }
    execvp(argv[1], argv + 1);
    complain("%s: %s", argv[1], strerror(errno));
    return EXIT_NOT_EXECUTED;
}

int main(int argc, char **argv)
{
    /* Static: the transcript's buffer is too large for the stack. */
    static Run run = {
        .folder = SHIM_FD_FOLDER,
        .control = -1,
        .cgroup = {-1, -1, -1},
        .pty = {-1, -1},
        .output = {.fd = -1, .holds_until = NEVER},
        .child = {0, -1},
        .report_at = NEVER,
    };

    if (argc > 2 && strncmp(argv[1], CONFINE, strlen(CONFINE)) == 0)
        return run_confined(argv[1] + strlen(CONFINE), argv + 2);
    if (!options_parse(&run.options, argv) || !descriptors_are_sound())
        return EXIT_USAGE;
    int signals = catch_signals();
    if (signals < 0 || !pass_gate(signals))
        return signals < 0 ? EXIT_FAILURE : EXIT_SUCCESS;

    int r = transcript_open(&run.transcript, run.folder);
    if (r < 0) {
        complain("making the transcript: %s", strerror(-r));
        return EXIT_FAILURE;
    }
    strays_adopt();
    bool reported = run_to_its_end(&run, signals);
    cgroup_kill_beside(&run.cgroup);
    if (run.options.sandbox)
        remove_temporary(run.folder);
    return reported ? EXIT_SUCCESS : EXIT_FAILURE;
}
