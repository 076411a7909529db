/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "shim/child.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "shim/shim-util.h"

#define OOM_SCORE_STEP 100

typedef enum Step {
    STEP_PROCESS,
    STEP_CGROUP,
    STEP_TERMINAL,
    STEP_CWD,
    STEP_SANDBOX,
    STEP_EXEC
} Step;

static const char *const step_names[] = {
    [STEP_PROCESS] = "process", [STEP_CGROUP] = "cgroup",   [STEP_TERMINAL] = "terminal",
    [STEP_CWD] = "cwd",         [STEP_SANDBOX] = "sandbox", [STEP_EXEC] = "exec",
};

/* Comes through the close-on-exec pipe where the program could not be executed. */
struct Report {
    Step step;
    int error;
};

static ChildFailure failure(Step step, int error)
{
    return (ChildFailure){.step = step_names[step], .error = error};
}

/* In the child from here on. */

static _Noreturn void give_up(int report_fd, Step step)
{
    struct Report report = {.step = step, .error = errno};
    /* The shim is gone when this fails: nobody is left to tell. */
    if (write(report_fd, &report, sizeof report) < 0)
        _exit(126);
    _exit(127);
}

static void reset_signals(void)
{
    sigset_t none;
    for (int number = 1; number < NSIG; number++)
        signal(number, SIG_DFL);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
}

static void die_with(pid_t shim)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != shim) /* it died before we asked */
        _exit(126);
}

/* Where memory runs out the kernel shall choose one of the agent's processes and not the shim: the
 * rest of the run, and why it ended, would be lost with it. */
static void stand_before_the_shim(void)
{
    char text[16] = {0};
    autofd fd = open("/proc/self/oom_score_adj", O_RDWR | O_CLOEXEC);
    if (fd < 0 || read(fd, text, sizeof text - 1) <= 0)
        return;
    long score = strtol(text, NULL, 10) + OOM_SCORE_STEP;
    int length = snprintf(text, sizeof text, "%ld", score < 1000 ? score : 1000);
    if (pwrite(fd, text, (size_t)length, 0) < 0)
        return; /* no harm: the choice is the kernel's, as before */
}

static bool take_terminal(const ChildPlan *plan)
{
    if (plan->controlling && ioctl(plan->terminal, TIOCSCTTY, 0) < 0)
        return false;
    return dup2(plan->input, STDIN_FILENO) >= 0 && dup2(plan->output, STDOUT_FILENO) >= 0 &&
           dup2(plan->terminal, STDERR_FILENO) >= 0;
}

/* As gpg-agent(1) recommends for .bashrc; the roster may override it. */
static void tell_gpg_the_terminal(void)
{
    char name[64];
    if (ttyname_r(STDERR_FILENO, name, sizeof name) == 0)
        setenv("GPG_TTY", name, 0);
}

static _Noreturn void become(const ChildPlan *plan, int report_fd, pid_t shim)
{
    die_with(shim);
    setsid();
    if (!take_terminal(plan))
        give_up(report_fd, STEP_TERMINAL);
    tell_gpg_the_terminal();
    soft_limits_apply(plan->limits);
    if (plan->umask >= 0)
        umask((mode_t)plan->umask);
    stand_before_the_shim();
    if (chdir(plan->cwd) < 0)
        give_up(report_fd, STEP_CWD);
    reset_signals();
    if (plan->confinement && !confine_enter(plan->confinement))
        give_up(report_fd, STEP_SANDBOX);
    execvp(plan->argv[0], plan->argv);
    give_up(report_fd, STEP_EXEC);
}

/* In the shim again. */

static pid_t clone_into(const Cgroup *cgroup)
{
    struct clone_args arguments = {
        .flags = CLONE_INTO_CGROUP,
        .exit_signal = SIGCHLD,
        .cgroup = (uint64_t)cgroup->agent,
    };
    return (pid_t)syscall(SYS_clone3, &arguments, sizeof arguments);
}

/* Slower. The seccomp filters of some container runtimes, and valgrind, have no clone3. */
static pid_t fork_into(const Cgroup *cgroup, int report_fd)
{
    pid_t pid = fork();
    if (pid == 0 && write_text_at(cgroup->agent, "cgroup.procs", "0") < 0)
        give_up(report_fd, STEP_CGROUP);
    return pid;
}

ChildFailure child_spawn(Child *ret_child, const ChildPlan *plan, const Cgroup *cgroup)
{
    int ends[2];
    pid_t shim = getpid();
    if (pipe2(ends, O_CLOEXEC) < 0)
        return failure(STEP_PROCESS, errno);
    autofd report = ends[0], child_report = ends[1];

    pid_t pid = clone_into(cgroup);
    if (pid < 0 && errno == ENOSYS)
        pid = fork_into(cgroup, child_report);
    if (pid < 0)
        return failure(STEP_PROCESS, errno);
    if (pid == 0)
        become(plan, child_report, shim);

    *ret_child = (Child){.pid = pid, .report = report};
    report = -1;
    return (ChildFailure){NULL, 0};
}

ChildFailure child_read_report(Child *child)
{
    struct Report report;
    ssize_t n = read(child->report, &report, sizeof report);
    fd_clear(&child->report);
    if (n != sizeof report)
        return (ChildFailure){NULL, 0};
    return failure(report.step, report.error);
}

bool child_has_exited(const Child *child)
{
    siginfo_t info = {0};
    return child->pid > 0 &&
           waitid(P_PID, (id_t)child->pid, &info, WEXITED | WNOHANG | WNOWAIT) == 0 &&
           info.si_pid == child->pid;
}

void child_reap(Child *child, int *ret_code, int *ret_signal)
{
    int status = 0;
    waitpid(child->pid, &status, 0);
    *ret_code = WIFEXITED(status) ? WEXITSTATUS(status) : 0;
    *ret_signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
    fd_clear(&child->report);
    child->pid = 0;
}

void child_interrupt(const Child *child)
{
    /* Before its setsid() there is no such group yet. */
    if (kill(-child->pid, SIGINT) < 0)
        kill(child->pid, SIGINT);
    kill(-child->pid, SIGCONT);
}
