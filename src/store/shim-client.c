/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "store/shim-client.h"

#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>

#include "base/child-spawn.h"
#include "base/error.h"
#include "base/install-paths.h"
#include "base/open-files.h"
#include "base/util.h"
#include "host/login-environment.h"
#include "store/folder.h"
#include "store/shim-protocol.h"

/* Above every fixed number of the protocol, so that no dup2() of the spawn steps on another. */
#define FD_SAFE 10

/* An agent that was told that no more is to come has nothing left to do; codex-acp stays. */
#define INPUT_END_GRACE_USEC (5 * G_USEC_PER_SEC)

void shim_clear(Shim *shim)
{
    fd_clear(&shim->pidfd);
    fd_clear(&shim->gate);
}

/* For a service that runs from its build folder. */
static const char *shim_program(void)
{
    const char *program = g_getenv("STORKIT_SHIM");
    return program && *program ? program : STORKIT_SHIM_PATH;
}

static void add_option(GPtrArray *argv, const char *name, guint64 value)
{
    g_ptr_array_add(argv, g_strdup_printf("--%s=%" G_GUINT64_FORMAT, name, value));
}

/* The settings of the user's shell for programs in a terminal. */
static void add_shells_settings(GPtrArray *argv)
{
    g_auto(GStrv) limits = login_environment_limits();
    int mask = login_environment_umask();
    if (mask >= 0)
        g_ptr_array_add(argv, g_strdup_printf("--umask=%03o", (guint)mask));
    for (char **limit = limits; *limit; limit++)
        g_ptr_array_add(argv, g_strdup_printf("--rlimit=%s", *limit));
}

static void add_bounds(GPtrArray *argv, const RunRecord *record)
{
    add_option(argv, "stop-grace", record->stop_grace_usec);
    if (record->limits.runtime_max_usec != LIMIT_UNSET)
        add_option(argv, "runtime-max", record->limits.runtime_max_usec);
    if (record->limits.idle_timeout_usec != LIMIT_UNSET)
        add_option(argv, "idle-timeout", record->limits.idle_timeout_usec);
    if (open_files_given())
        add_option(argv, "nofile", open_files_given());
    add_shells_settings(argv);

    /* After a result, an interactive agent waits for its next message: no reason to end it. */
    const char *type = record->kind->closing_type;
    if (record->kind->reply && record->result_grace_usec > 0)
        add_option(argv, "result-grace", MIN(record->result_grace_usec, INPUT_END_GRACE_USEC));
    if (!type || record->interactive || record->result_grace_usec == 0)
        return;
    add_option(argv, "result-grace", record->result_grace_usec);
    g_ptr_array_add(argv, g_strdup_printf("--closing-type=%s", type));
}

static char **command_line(const RunRecord *record, gboolean has_stdin)
{
    GPtrArray *argv = g_ptr_array_new();
    g_ptr_array_add(argv, g_strdup(shim_program()));
    add_option(argv, "format", SHIM_FORMAT);
    g_ptr_array_add(argv, g_strdup_printf("--cwd=%s", record->worktree->path));
    for (char **pair = record->setup; pair && pair[0] && pair[1]; pair += 2) {
        g_ptr_array_add(argv, g_strdup("--setup"));
        g_ptr_array_add(argv, g_strdup(pair[0]));
        g_ptr_array_add(argv, g_strdup(pair[1]));
    }
    if (record->setup && *record->setup)
        g_ptr_array_add(argv, g_strdup_printf("--setup-record=%s", record->worktree->record));
    g_ptr_array_add(argv, g_strdup_printf("--stdin=%s", run_record_has_pipe(record) ? "pipe"
                                                        : has_stdin                 ? "file"
                                                                                    : "tty"));
    if (record->kind->reply)
        g_ptr_array_add(argv, g_strdup("--stdout=pipe"));
    if (record->sandbox)
        g_ptr_array_add(argv, g_strdup("--sandbox"));
    add_bounds(argv, record);
    g_ptr_array_add(argv, g_strdup("--"));
    for (char **word = record->argv; *word; word++)
        g_ptr_array_add(argv, g_strdup(*word));
    g_ptr_array_add(argv, NULL);
    return (char **)g_ptr_array_free(argv, FALSE);
}

/* The run's folder under a lock that only the shim will hold. */
static int open_locked(const char *run_id, GError **error)
{
    autofd fd = run_folder_open(run_id, error);
    if (fd < 0)
        return -1;
    if (flock(fd, LOCK_EX | LOCK_NB) < 0) {
        set_errno_error(error, errno, "locking the folder of run %s", run_id);
        return -1;
    }
    int safe = fcntl(fd, F_DUPFD_CLOEXEC, FD_SAFE);
    if (safe < 0)
        set_errno_error(error, errno, "opening the folder of run %s once more", run_id);
    return safe;
}

gboolean shim_spawn(const RunRecord *record, char *const *environment, gboolean has_stdin,
                    Shim *ret_shim, GError **error)
{
    autofd folder = open_locked(record->run_id, error);
    if (folder < 0)
        return FALSE;
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) < 0) {
        set_errno_error(error, errno, "making the gate of run %s", record->run_id);
        return FALSE;
    }
    g_auto(Shim) shim = SHIM_INIT;
    shim.gate = ends[1];
    autofd low_gate = ends[0];
    autofd gate = fcntl(low_gate, F_DUPFD_CLOEXEC, FD_SAFE);

    g_auto(GStrv) argv = command_line(record, has_stdin);
    const int fds[][2] = {{gate, SHIM_FD_GATE}, {folder, SHIM_FD_FOLDER}};
    SpawnPlan plan = {
        .argv = argv,
        .environment = environment,
        .fds = fds,
        .n_fds = G_N_ELEMENTS(fds),
    };
    int r = gate < 0 ? errno : spawn_process(&plan, &shim.pid, &shim.pidfd);
    if (r != 0) {
        g_set_error(error, STORKIT_ERROR, STORKIT_ERROR_SPAWN_FAILED, "cannot start %s: %s",
                    argv[0], g_strerror(r));
        return FALSE;
    }
    *ret_shim = shim;
    shim = (Shim)SHIM_INIT;
    return TRUE;
}

gboolean shim_open_gate(Shim *shim, GError **error)
{
    ssize_t n = write(shim->gate, "g", 1);
    if (n != 1) {
        g_set_error(error, STORKIT_ERROR, STORKIT_ERROR_SPAWN_FAILED,
                    "the shim exited before it could start the agent: %s",
                    g_strerror(n < 0 ? errno : EIO));
        return FALSE;
    }
    fd_clear(&shim->gate);
    return TRUE;
}

gboolean shim_is_alive(int folder_fd)
{
    /* Shared: of two that look at the same moment, neither takes the other for a shim. */
    autofd fd = openat(folder_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return fd >= 0 ? flock(fd, LOCK_SH | LOCK_NB) < 0 : errno_is_shortage(errno);
}

gboolean shim_make_fifos(int folder_fd, GError **error)
{
    static const char *const names[] = {"control", "input"};
    for (gsize i = 0; i < G_N_ELEMENTS(names); i++) {
        /* A queued run whose first try was cut short has them. */
        if (mkfifoat(folder_fd, names[i], 0600) == 0 || errno == EEXIST)
            continue;
        set_errno_error(error, errno, "making the run's FIFO %s", names[i]);
        return FALSE;
    }
    return TRUE;
}

/* @access O_WRONLY: fails with ENXIO where nobody reads. O_RDWR: we are a reader ourselves. */
static int open_fifo(int folder_fd, const char *name, int access, GError **error)
{
    int fd = openat(folder_fd, name, access | O_NONBLOCK | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0)
        set_errno_error(error, errno, "opening the run's %s FIFO", name);
    return fd;
}

static gboolean write_record(int fd, guint8 type, const void *payload, gsize length)
{
    char bytes[PIPE_BUF];
    struct ShimRecord header = {
        .version = SHIM_RECORD_VERSION, .type = type, .length = (guint16)length};
    memcpy(bytes, &header, sizeof(header));
    if (length > 0)
        memcpy(bytes + sizeof(header), payload, length);
    ssize_t n;
    do
        n = write(fd, bytes, sizeof(header) + length);
    while (n < 0 && errno == EINTR);
    return n >= 0;
}

/* Returns the FIFO's fd or -1. */
static int send_control(int folder_fd, int access, guint8 type, const void *payload, gsize length,
                        GError **error)
{
    autofd fd = open_fifo(folder_fd, "control", access, error);
    if (fd < 0)
        return -1;
    if (!write_record(fd, type, payload, length)) {
        set_errno_error(error, errno, "writing to the run's control FIFO");
        return -1;
    }
    return fd_steal(&fd);
}

int shim_send_stop(int folder_fd, guint64 grace_usec, GError **error)
{
    /* With us as a reader a FIFO never says that it has none. */
    if (!shim_is_alive(folder_fd)) {
        g_set_error(error, STORKIT_ERROR, STORKIT_ERROR_NOT_RUNNING, "the run's shim is gone");
        return -1;
    }
    return send_control(folder_fd, O_RDWR, SHIM_CONTROL_STOP, &grace_usec, sizeof(grace_usec),
                        error);
}

int shim_send_unanswered(int folder_fd, guint64 grace_usec, GError **error)
{
    return send_control(folder_fd, O_WRONLY, SHIM_CONTROL_UNANSWERED, &grace_usec,
                        sizeof(grace_usec), error);
}

int shim_send_lease_gone(int folder_fd, guint64 grace_usec, GError **error)
{
    return send_control(folder_fd, O_WRONLY, SHIM_CONTROL_LEASE, &grace_usec, sizeof(grace_usec),
                        error);
}

gboolean shim_send_waiting(int folder_fd, gboolean waits)
{
    guint8 state = waits != FALSE;
    autofd fd =
        send_control(folder_fd, O_WRONLY, SHIM_CONTROL_WAITING, &state, sizeof(state), NULL);
    return fd >= 0;
}

gboolean shim_send_resize(int folder_fd, guint16 rows, guint16 columns, GError **error)
{
    guint16 size[] = {rows, columns};
    autofd fd = send_control(folder_fd, O_WRONLY, SHIM_CONTROL_RESIZE, size, sizeof(size), error);
    return fd >= 0;
}

int shim_open_input(int folder_fd, GError **error)
{
    return open_fifo(folder_fd, "input", O_WRONLY, error);
}

gssize shim_write_input(int input_fd, guint8 type, const void *bytes, gsize length)
{
    gsize n = MIN(length, SHIM_RECORD_MAX_PAYLOAD);
    return write_record(input_fd, type, bytes, n) ? (gssize)n : -1;
}
