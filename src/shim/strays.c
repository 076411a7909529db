/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "shim/strays.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include "shim/cgroup.h"
#include "shim/shim-util.h"

void strays_adopt(void)
{
    if (prctl(PR_SET_CHILD_SUBREAPER, 1) < 0)
        complain("becoming a subreaper: %s", strerror(errno));
}

bool strays_reap(pid_t child)
{
    siginfo_t info = {0};
    if (waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) < 0 || info.si_pid == 0 ||
        info.si_pid == child)
        return false;
    waitpid(info.si_pid, NULL, 0);
    return true;
}

bool strays_exist(void)
{
    siginfo_t info;
    return waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) == 0;
}

unsigned strays_signal(int signal)
{
    unsigned count = 0;
    int pid;
    FILE *children = fopen("/proc/thread-self/children", "re");
    if (!children)
        return 0; /* a kernel without CONFIG_PROC_CHILDREN */
    /* None of them is reaped meanwhile, so a pid can't become another process's. */
    while (fscanf(children, "%d", &pid) == 1)
        if (!cgroup_holds(pid) && kill(pid, signal) == 0)
            count++;
    fclose(children);
    return count;
}
