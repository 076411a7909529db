/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "host/login-environment.h"

#include <errno.h>
#include <glib-unix.h>
#include <pwd.h>
#include <signal.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define OUTPUT_MAX (8 * 1024 * 1024)
#define CACHE_USEC (60 * G_USEC_PER_SEC)

/* How the shell is asked, in this order, each with its time limit. Debian's .bashrc returns early
 * where the shell is not interactive; but what is made for a terminal may also wait for one. */
static struct {
    const char *option;
    guint timeout_msec;
} attempts[] = {
    {"-ilc", 5000},
    {"-lc", 2000},
};

/* One question to the shell, over all its attempts. */
typedef struct {
    char *shell;
    guint attempt;
    char *begin; /* markers around the environment: profiles print things */
    char *end;
    GByteArray *output;
    pid_t pid; /* of the shell, leader of a process group of its own; unreaped while it is set */
    int pidfd;
    int output_fd;
    guint exit_source;
    guint output_source;
    guint timeout_source;
} Question;

static GPtrArray *waiting; /* GTask *: who gets the answer of the question in flight; or NULL */
static char **cached;
static gint64 cached_until; /* monotonic */
static char *configured_shell;

static void attempt_start(Question *question);

/* --- The answer --- */

/* True of the shell that was asked and of nobody else. */
static gboolean is_shells_own(const char *name)
{
    static const char *const names[] = {"SHLVL", "PWD", "OLDPWD", "_", NULL};

    return g_strv_contains(names, name);
}

static char **drop_shells_own(char **environment)
{
    char **kept = environment;

    for (char **entry = environment; *entry; entry++) {
        g_autofree char *name = g_strndup(*entry, strcspn(*entry, "="));
        if (is_shells_own(name))
            g_free(*entry);
        else
            *kept++ = *entry;
    }
    *kept = NULL;
    return environment;
}

/* The daemon's environment overridden by the @length bytes of NAME=VALUE entries at @entries, each
 * of which ends in NUL. */
static char **merge(const char *entries, gsize length)
{
    char **environment = g_get_environ();
    const char *end = entries + length;

    for (const char *entry = entries; entry < end; entry += strlen(entry) + 1) {
        const char *equals = strchr(entry, '=');
        if (!equals || equals == entry)
            continue;
        g_autofree char *name = g_strndup(entry, (gsize)(equals - entry));
        environment = g_environ_setenv(environment, name, equals + 1, TRUE);
    }
    return drop_shells_own(environment);
}

static void question_free(Question *question)
{
    g_free(question->shell);
    g_free(question->begin);
    g_free(question->end);
    g_byte_array_unref(question->output);
    g_free(question);
}

/* Takes @environment. The fallback is kept as long as a real answer: a profile that hangs should
 * not cost every Start its time limit. */
static void answer(Question *question, char **environment)
{
    g_autoptr(GPtrArray) tasks = g_steal_pointer(&waiting);

    g_strfreev(cached);
    cached = environment;
    cached_until = g_get_monotonic_time() + CACHE_USEC;
    for (guint i = 0; i < tasks->len; i++)
        g_task_return_pointer(g_ptr_array_index(tasks, i), g_strdupv(cached),
                              (GDestroyNotify)g_strfreev);
    question_free(question);
}

/* --- One attempt --- */

/* A job that bash was just forking has lost the first signal: until it executes its program, bash's
 * own handler takes it and nobody looks. */
static gboolean on_reapable(int pidfd, GIOCondition condition, gpointer data)
{
    pid_t pid = GPOINTER_TO_INT(data);
    kill(-pid, SIGHUP);
    waitpid(pid, NULL, 0);
    close(pidfd);
    return G_SOURCE_REMOVE;
}

/* Ends the attempt: @signal to what is left of the shell's group. The shell is unreaped until then,
 * so the group's number can be nobody else's. What left the group (ssh-agent, gpg-agent) lives. */
static void attempt_end(Question *question, int signal)
{
    g_clear_handle_id(&question->exit_source, g_source_remove);
    g_clear_handle_id(&question->output_source, g_source_remove);
    g_clear_handle_id(&question->timeout_source, g_source_remove);
    close(question->output_fd);
    kill(-question->pid, signal);
    g_unix_fd_add(question->pidfd, G_IO_IN, on_reapable, GINT_TO_POINTER(question->pid));
    question->pid = 0;
}

static void attempt_failed(Question *question)
{
    if (++question->attempt < G_N_ELEMENTS(attempts)) {
        attempt_start(question);
        return;
    }
    g_warning("The shell %s does not tell its environment: agents get that of the service, where "
              "programs of nvm, npm or ~/.local/bin may be missing. See whether \"%s -ilc env\" "
              "works and ends by itself",
              question->shell, question->shell);
    answer(question, merge("", 0));
}

/* Looks for the end marker in what came from @from on, and answers once it is there. */
static gboolean try_answer(Question *question, gsize from)
{
    char *text = (char *)question->output->data;
    gsize length = question->output->len;
    gsize marker = strlen(question->end);

    from = from > marker ? from - marker : 0;
    char *end = memmem(text + from, length - from, question->end, marker);
    if (!end)
        return FALSE;
    *end = '\0'; /* the last entry ends here, whatever else was printed between the markers */
    const char *begin = memmem(text, (gsize)(end - text), question->begin, marker);
    attempt_end(question, SIGHUP); /* as a terminal that closes */
    if (begin)
        answer(question, merge(begin + marker, (gsize)(end - begin) - marker));
    else
        attempt_failed(question);
    return TRUE;
}

/* One read. TRUE while the attempt goes on; @ret_n as read() returns it. */
static gboolean read_some(Question *question, gssize *ret_n)
{
    char buffer[64 * 1024];
    gsize before = question->output->len;

    *ret_n = TEMP_FAILURE_RETRY(read(question->output_fd, buffer, sizeof(buffer)));
    if (*ret_n <= 0)
        return TRUE;
    g_byte_array_append(question->output, (guint8 *)buffer, (guint)*ret_n);
    if (try_answer(question, before))
        return FALSE;
    if (question->output->len <= OUTPUT_MAX)
        return TRUE;
    attempt_end(question, SIGKILL);
    attempt_failed(question);
    return FALSE;
}

static gboolean on_output(int fd, GIOCondition condition, gpointer data)
{
    Question *question = data;
    gssize n;

    if (!read_some(question, &n))
        return G_SOURCE_CONTINUE; /* gone with the attempt */
    if (n > 0 || (n < 0 && errno == EAGAIN))
        return G_SOURCE_CONTINUE;
    question->output_source = 0;
    return G_SOURCE_REMOVE;
}

static gboolean on_shell_exit(int pidfd, GIOCondition condition, gpointer data)
{
    Question *question = data;
    gssize n;

    /* Its last words may still be in the pipe. */
    do {
        if (!read_some(question, &n))
            return G_SOURCE_CONTINUE;
    } while (n > 0);
    attempt_end(question, SIGHUP);
    attempt_failed(question);
    return G_SOURCE_CONTINUE;
}

static gboolean on_timeout(gpointer data)
{
    Question *question = data;

    attempt_end(question, SIGKILL);
    attempt_failed(question);
    return G_SOURCE_CONTINUE;
}

/* In the child, after fork: async-signal-safe calls only. */
static void become_leader(gpointer data)
{
    sigset_t none;

    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    setsid();
}

/* The user's shell has only to start one program, in words that sh, csh and fish share; so no
 * prompt hook or trap of its can print between the markers. A marker is in two pieces here, since a
 * hook may print this very command. */
static char *question_command(const Question *question)
{
    return g_strdup_printf(
        "exec /bin/sh -c 'printf %%s%%s %.8s %s; /usr/bin/env -0; printf %%s%%s %.8s %s'",
        question->begin, question->begin + 8, question->end, question->end + 8);
}

/* Runs the shell; sets pid, pidfd and output_fd. */
static gboolean spawn(Question *question)
{
    g_autofree char *command = question_command(question);
    const char *argv[] = {question->shell, attempts[question->attempt].option, command, NULL};
    g_autoptr(GError) error = NULL;

    if (!g_spawn_async_with_pipes(
            NULL, (char **)argv, NULL,
            G_SPAWN_DO_NOT_REAP_CHILD | G_SPAWN_STDERR_TO_DEV_NULL | G_SPAWN_CLOEXEC_PIPES,
            become_leader, NULL, &question->pid, NULL, &question->output_fd, NULL, &error)) {
        g_warning("Cannot run the shell %s: %s", question->shell, error->message);
        return FALSE;
    }
    question->pidfd = (int)syscall(SYS_pidfd_open, question->pid, 0);
    if (question->pidfd < 0) {
        g_warning("Cannot watch the shell %s: %s", question->shell, g_strerror(errno));
        kill(-question->pid, SIGKILL);
        waitpid(question->pid, NULL, 0);
        close(question->output_fd);
        return FALSE;
    }
    g_unix_set_fd_nonblocking(question->output_fd, TRUE, NULL);
    return TRUE;
}

static void attempt_start(Question *question)
{
    g_byte_array_set_size(question->output, 0);
    if (!spawn(question)) {
        attempt_failed(question);
        return;
    }
    question->exit_source = g_unix_fd_add(question->pidfd, G_IO_IN, on_shell_exit, question);
    question->output_source =
        g_unix_fd_add(question->output_fd, G_IO_IN | G_IO_HUP | G_IO_ERR, on_output, question);
    question->timeout_source =
        g_timeout_add(attempts[question->attempt].timeout_msec, on_timeout, question);
}

/* --- The question --- */

static gboolean is_usable_shell(const char *path)
{
    return path && g_path_is_absolute(path) && access(path, X_OK) == 0 &&
           !g_str_has_suffix(path, "/nologin") && !g_str_has_suffix(path, "/false");
}

/* In a thread: the user database may be a directory service. */
static void find_shell(GTask *task, gpointer source, gpointer data, GCancellable *cancellable)
{
    struct passwd entry, *found = NULL;
    char buffer[16 * 1024];
    const char *shell = NULL;

    getpwuid_r(getuid(), &entry, buffer, sizeof(buffer), &found);
    if (configured_shell)
        shell = configured_shell;
    else if (found && is_usable_shell(found->pw_shell))
        shell = found->pw_shell;
    else if (is_usable_shell(g_getenv("SHELL")))
        shell = g_getenv("SHELL");
    g_task_return_pointer(task, g_strdup(shell ? shell : "/bin/sh"), g_free);
}

static void on_shell_found(GObject *source, GAsyncResult *result, gpointer data)
{
    Question *question = g_new0(Question, 1);

    question->shell = g_task_propagate_pointer(G_TASK(result), NULL);
    question->begin = g_uuid_string_random();
    question->end = g_uuid_string_random();
    question->output = g_byte_array_new();
    attempt_start(question);
}

static void ask(void)
{
    g_autoptr(GTask) task = g_task_new(NULL, NULL, on_shell_found, NULL);

    waiting = g_ptr_array_new_with_free_func(g_object_unref);
    g_task_run_in_thread(task, find_shell);
}

void login_environment_get_async(GCancellable *cancellable, GAsyncReadyCallback callback,
                                 gpointer user_data)
{
    g_autoptr(GTask) task = g_task_new(NULL, cancellable, callback, user_data);

    if (cached && g_get_monotonic_time() < cached_until) {
        g_task_return_pointer(task, g_strdupv(cached), (GDestroyNotify)g_strfreev);
        return;
    }
    if (!waiting)
        ask();
    g_ptr_array_add(waiting, g_steal_pointer(&task));
}

char **login_environment_get_finish(GAsyncResult *result, GError **error)
{
    return g_task_propagate_pointer(G_TASK(result), error);
}

void login_environment_configure(const char *shell, guint interactive_msec, guint login_msec)
{
    g_free(configured_shell);
    configured_shell = g_strdup(shell);
    attempts[0].timeout_msec = interactive_msec;
    attempts[1].timeout_msec = login_msec;
    g_clear_pointer(&cached, g_strfreev);
}
