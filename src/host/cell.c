/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "host/cell.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/util.h"
#include "host/cell-home.h"
#include "host/cgroup.h"

#define KILL_MSEC 5000

struct Cell {
    char *folder;    /* of its cgroup, or NULL */
    int fd;          /* that folder */
    GArray *leaders; /* pid_t: of the sessions, if there is no cgroup */
};

/* --- Its cgroup --- */

static char *make_cgroup(void)
{
    static gint number;
    g_autofree char *home = cell_home_folder();
    if (!home)
        return NULL;
    g_autofree char *folder =
        g_strdup_printf("%s/work-%d-%d", home, (int)getpid(), g_atomic_int_add(&number, 1));
    if (mkdir(folder, 0755) < 0)
        return NULL;
    cell_home_limit(folder);
    return g_steal_pointer(&folder);
}

Cell *cell_new(void)
{
    Cell *cell = g_new0(Cell, 1);
    cell->leaders = g_array_new(FALSE, FALSE, sizeof(pid_t));
    cell->folder = make_cgroup();
    cell->fd = cell->folder ? open(cell->folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
    return cell;
}

/* --- A process in it --- */

/* From here to exec there is only what signal-safety(7) allows. */

static void reset_signals(void)
{
    const struct sigaction plain = {.sa_handler = SIG_DFL};
    sigset_t none;
    for (int number = 1; number < NSIG; number++)
        (void)sigaction(number, &plain, NULL);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
}

static gboolean move_fds(const SpawnPlan *plan)
{
    int null = open("/dev/null", O_RDONLY | O_CLOEXEC);
    if (null < 0 || dup2(null, STDIN_FILENO) < 0)
        return FALSE;
    for (gsize i = 0; i < plan->n_fds; i++)
        if (dup2(plan->fds[i][0], plan->fds[i][1]) < 0)
            return FALSE;
    return TRUE;
}

/* Does not return. Why it failed goes to @report. */
static void become(const SpawnPlan *plan, gboolean dies_with_thread, int report)
{
    setsid();
    if (dies_with_thread)
        prctl(PR_SET_PDEATHSIG, SIGKILL);
    reset_signals();
    if (move_fds(plan) && (!plan->folder || chdir(plan->folder) == 0))
        execve(plan->argv[0], plan->argv, plan->environment);
    int error = errno;
    (void)!write(report, &error, sizeof error);
    _exit(127);
}

/* fork() into a cgroup. */
static pid_t fork_into(int cgroup, int *ret_pidfd)
{
    struct clone_args arguments = {
        .flags = CLONE_PIDFD | (cgroup >= 0 ? CLONE_INTO_CGROUP : 0),
        .pidfd = (guint64)(uintptr_t)ret_pidfd,
        .exit_signal = SIGCHLD,
        .cgroup = cgroup >= 0 ? (guint64)cgroup : 0,
    };
    return (pid_t)syscall(SYS_clone3, &arguments, sizeof arguments);
}

/* No handler of ours may run in the child before it has reset them. */
static pid_t fork_quietly(int cgroup, int *ret_pidfd, sigset_t *old_mask)
{
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, old_mask);
    return fork_into(cgroup, ret_pidfd);
}

int cell_spawn(Cell *cell, const SpawnPlan *plan, gboolean dies_with_thread, pid_t *ret_pid,
               int *ret_pidfd)
{
    int ends[2], pidfd = -1, error = 0;
    sigset_t mask;
    if (pipe2(ends, O_CLOEXEC) < 0)
        return errno;
    pid_t pid = fork_quietly(cell->fd, &pidfd, &mask);
    if (pid == 0)
        become(plan, dies_with_thread, ends[1]);
    error = pid < 0 ? errno : 0;
    pthread_sigmask(SIG_SETMASK, &mask, NULL);
    close(ends[1]);
    if (pid > 0 && TEMP_FAILURE_RETRY(read(ends[0], &error, sizeof error)) > 0) {
        waitpid(pid, NULL, 0);
        close(pidfd);
    }
    close(ends[0]);
    if (error != 0)
        return error;
    g_array_append_val(cell->leaders, pid);
    *ret_pid = pid;
    *ret_pidfd = pidfd;
    return 0;
}

/* --- Its end --- */

static gboolean wait_until_empty(const Cell *cell)
{
    autofd events = openat(cell->fd, "cgroup.events", O_RDONLY | O_CLOEXEC);
    gint64 end = g_get_monotonic_time() + KILL_MSEC * 1000;
    char buffer[128];
    /* The read comes first: it arms the poll. */
    while (events >= 0 && pread(events, buffer, sizeof buffer, 0) > 0 &&
           cgroup_get_keyed(cell->folder, "cgroup.events", "populated", 0) != 0) {
        if (g_get_monotonic_time() > end)
            return FALSE;
        poll(&(struct pollfd){.fd = events, .events = POLLPRI}, 1, 50);
    }
    return TRUE;
}

gboolean cell_kill(Cell *cell)
{
    for (guint i = 0; i < cell->leaders->len; i++)
        kill(-g_array_index(cell->leaders, pid_t, i), SIGKILL);
    g_array_set_size(cell->leaders, 0);
    if (cell->fd < 0)
        return TRUE;
    cgroup_kill(cell->folder);
    if (wait_until_empty(cell))
        return TRUE;
    g_warning("a process in %s cannot be killed: it is stuck in the kernel", cell->folder);
    cell_home_lift_limits();
    return FALSE;
}

char *cell_describe_excess(const Cell *cell)
{
    return cell->folder ? cell_home_describe_excess(cell->folder) : NULL;
}

/* Those inside first: a process of the cell may have had cells of its own. */
static void remove_cgroup(const char *folder)
{
    g_autoptr(GDir) names = g_dir_open(folder, 0, NULL);
    const char *name;
    while (names && (name = g_dir_read_name(names))) {
        g_autofree char *below = g_build_filename(folder, name, NULL);
        if (g_file_test(below, G_FILE_TEST_IS_DIR))
            remove_cgroup(below);
    }
    (void)rmdir(folder);
}

void cell_free(Cell *cell)
{
    if (cell_kill(cell) && cell->folder)
        remove_cgroup(cell->folder);
    fd_clear(&cell->fd);
    g_array_unref(cell->leaders);
    g_free(cell->folder);
    g_free(cell);
}
