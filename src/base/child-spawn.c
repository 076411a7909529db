/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/child-spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/pidfd.h>
#include <sys/wait.h>
#include <unistd.h>

static int spawn(const SpawnPlan *plan, pid_t *ret_pid)
{
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    sigset_t none, all;
    short flags = POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF;
    sigemptyset(&none);
    sigfillset(&all);

    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    for (gsize i = 0; i < plan->n_fds; i++)
        posix_spawn_file_actions_adddup2(&actions, plan->fds[i][0], plan->fds[i][1]);
    if (plan->folder)
        posix_spawn_file_actions_addchdir_np(&actions, plan->folder);
    posix_spawnattr_init(&attributes);
    posix_spawnattr_setsigmask(&attributes, &none);
    posix_spawnattr_setsigdefault(&attributes, &all);
    posix_spawnattr_setflags(&attributes, plan->own_session ? flags | POSIX_SPAWN_SETSID : flags);
    int r =
        posix_spawn(ret_pid, plan->argv[0], &actions, &attributes, plan->argv, plan->environment);
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&actions);
    return r;
}

int spawn_process(const SpawnPlan *plan, pid_t *ret_pid, int *ret_pidfd)
{
    int r = spawn(plan, ret_pid);
    if (r != 0)
        return r;
    *ret_pidfd = pidfd_open(*ret_pid, 0);
    if (*ret_pidfd >= 0)
        return 0;
    /* Without a pidfd nobody could watch it. */
    r = errno;
    kill(*ret_pid, SIGKILL);
    waitpid(*ret_pid, NULL, 0);
    return r;
}
