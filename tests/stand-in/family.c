/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "family.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "speech.h"

/* plain: a child as any other. */
static void become_plain(void)
{
}

/* setsid: a session of its own, as Claude's tools have. */
static void become_session(void)
{
    setsid();
}

/* own-pgrp: a process group of its own, in the agent's session. */
static void become_group(void)
{
    setpgid(0, 0);
}

/* double-fork: its parent is gone. */
static void become_orphan(void)
{
    if (fork() != 0)
        _exit(0);
}

/* ignore-term: deaf to everything that asks it to end. */
static void become_deaf(void)
{
    signal(SIGTERM, SIG_IGN);
    signal(SIGINT, SIG_IGN);
    signal(SIGHUP, SIG_IGN);
}

/* daemon: all of these, and without the terminal. */
static void become_daemon(void)
{
    become_session();
    become_orphan();
    become_deaf();
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
        dup2(null, fd);
}

static void be_replaced(int signal_number)
{
    if (fork() != 0)
        _exit(0);
}

/* refork: two processes. One that is asked to end leaves a fresh copy of itself behind, and when
 * the younger is killed the elder makes another. Killing one by one never ends it. */
static void become_hydra(void)
{
    struct sigaction action = {.sa_handler = be_replaced};
    sigaction(SIGTERM, &action, NULL);
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGHUP, &action, NULL);
}

static void live_as_hydra(void)
{
    for (;;) {
        pid_t child = fork();
        if (child == 0)
            return;
        while (waitpid(child, NULL, 0) != child)
            ;
    }
}

static const struct {
    const char *name;
    void (*become)(void);
    void (*live)(void); /* or NULL */
} kinds[] = {
    {"plain", become_plain, NULL},           {"setsid", become_session, NULL},
    {"own-pgrp", become_group, NULL},        {"double-fork", become_orphan, NULL},
    {"ignore-term", become_deaf, NULL},      {"daemon", become_daemon, NULL},
    {"refork", become_hydra, live_as_hydra},
};

_Noreturn static void live(size_t kind, int ready)
{
    kinds[kind].become();
    pid_t pid = getpid();
    if (write(ready, &pid, sizeof(pid)) < 0)
        _exit(1);
    close(ready);
    if (kinds[kind].live)
        kinds[kind].live();
    for (;;)
        pause();
}

static void say_pids(int ready)
{
    char *line;
    size_t length;
    FILE *stream = open_memstream(&line, &length);
    const char *before = "{\"type\":\"children\",\"pids\":[";
    for (pid_t pid; read(ready, &pid, sizeof(pid)) == sizeof(pid); before = ",")
        fprintf(stream, "%s%d", before, (int)pid);
    fputs("]}\n", stream);
    fclose(stream);
    say_bytes(line, length);
    free(line);
}

int family_start(long count, const char *name)
{
    size_t kind = 0;
    int ready[2];
    while (kind < sizeof(kinds) / sizeof(kinds[0]) && strcmp(name, kinds[kind].name) != 0)
        kind++;
    if (kind == sizeof(kinds) / sizeof(kinds[0]) || pipe(ready) < 0)
        return -1;
    for (; count > 0; count--)
        if (fork() == 0)
            live(kind, ready[1]);
    close(ready[1]);
    say_pids(ready[0]);
    close(ready[0]);
    return 0;
}
