/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "host/login-shell.h"

#include <errno.h>
#include <glib-unix.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/open-files.h"

#define OUTPUT_MAX (8 * 1024 * 1024)

/* How long what a shell has started has to leave its group. */
#define LEAVE_MSEC 1000

/* /proc/PID/limits: proc(5) */
#define LIMITS_HEAD "Limit "
#define LIMITS_COLUMN 26

/*
 * How to call a shell: its options before the command, one attempt after the other. Debian's
 * .bashrc returns early if the shell is not interactive; but a profile made for a terminal may also
 * wait for one. csh reads its .cshrc in any case, and takes -l only alone; elvish reads its rc.elv
 * only if it gets its commands on stdin.
 */
typedef struct {
    const char *name;
    const char *options[LOGIN_SHELL_ATTEMPTS][4];
    gboolean on_stdin;
} Manner;

static const Manner manners[] = {
    {.name = "csh", .options = {{"-c"}}},
    {.name = "tcsh", .options = {{"-c"}}},
    {.name = "nu", .options = {{"-l", "-c"}}},
    {.name = "elvish", .on_stdin = TRUE},
    {.name = NULL, .options = {{"-i", "-l", "-c"}, {"-l", "-c"}}},
};

/* One question to the shell, over all its attempts. */
typedef struct {
    LoginShellQuery query; /* its strings are the question's */
    const Manner *manner;
    LoginShellDone done;
    gpointer data;
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

static void attempt_start(Question *question);

/* --- The answer --- */

/* The n-th line below the head is of the resource with that number, its soft limit in a column. */
static void take_limits(LoginAnswer *answer, const char *text)
{
    g_autoptr(GStrvBuilder) builder = g_strv_builder_new();
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
    for (guint resource = 0; resource < RLIM_NLIMITS && lines[resource + 1]; resource++) {
        const char *line = lines[resource + 1];
        if (strlen(line) <= LIMITS_COLUMN)
            break;
        const char *soft = line + LIMITS_COLUMN;
        guint64 value =
            g_str_has_prefix(soft, "unlimited") ? RLIM_INFINITY : g_ascii_strtoull(soft, NULL, 10);
        g_autofree char *limit = g_strdup_printf("%u=%" G_GUINT64_FORMAT, resource, value);
        g_strv_builder_add(builder, limit);
    }
    g_strfreev(answer->limits);
    answer->limits = g_strv_builder_end(builder);
}

LoginAnswer *login_answer_parse(const char *text, gsize length)
{
    g_autoptr(GStrvBuilder) builder = g_strv_builder_new();
    const char *end = text + length;
    const char *newline = memchr(text, '\n', length);
    LoginAnswer *answer = g_new0(LoginAnswer, 1);
    g_autofree char *first = g_strndup(text, newline ? (gsize)(newline - text) : 0);
    g_auto(GStrv) words = g_strsplit(first, " ", -1);
    answer->mask = (guint)strtoul(text, NULL, 8) & 0777;
    answer->limits = g_strdupv(*words ? words + 1 : words);
    for (const char *entry = newline ? newline + 1 : end; entry < end; entry += strlen(entry) + 1) {
        if (g_str_has_prefix(entry, LIMITS_HEAD))
            take_limits(answer, entry);
        else if (strchr(entry, '=') > entry)
            g_strv_builder_add(builder, entry);
    }
    answer->environment = g_strv_builder_end(builder);
    return answer;
}

void login_answer_free(LoginAnswer *answer)
{
    g_strfreev(answer->environment);
    g_strfreev(answer->limits);
    g_free(answer);
}

static void question_free(Question *question)
{
    g_free((char *)question->query.shell);
    g_strfreev((char **)question->query.environment);
    g_free(question->begin);
    g_free(question->end);
    g_byte_array_unref(question->output);
    g_free(question);
}

static void answer(Question *question, const char *text, gsize length)
{
    g_autoptr(LoginAnswer) told = login_answer_parse(text, length);
    question->done(told, question->data);
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

/* The shell is unreaped until then, so the group's number cannot be reused. */
static void end_group(pid_t pid, int pidfd, int signal)
{
    kill(-pid, signal);
    g_unix_fd_add(pidfd, G_IO_IN, on_reapable, GINT_TO_POINTER(pid));
}

typedef struct {
    pid_t pid;
    int pidfd;
} Group;

static gboolean on_hangup(gpointer data)
{
    const Group *group = data;
    end_group(group->pid, group->pidfd, SIGHUP);
    return G_SOURCE_REMOVE;
}

/* Ends the attempt, and the rest of the shell's group: at once by SIGKILL, or as a terminal that
 * closes. Processes that left the group (ssh-agent, gpg-agent) live on; to leave it they get a
 * moment, since a daemon's first parent ends before its child calls setsid(). */
static void attempt_end(Question *question, gboolean at_once)
{
    Group group = {question->pid, question->pidfd};
    g_clear_handle_id(&question->exit_source, g_source_remove);
    g_clear_handle_id(&question->output_source, g_source_remove);
    g_clear_handle_id(&question->timeout_source, g_source_remove);
    close(question->output_fd);
    question->pid = 0;
    if (at_once)
        end_group(group.pid, group.pidfd, SIGKILL);
    else
        g_timeout_add_full(G_PRIORITY_DEFAULT, LEAVE_MSEC, on_hangup,
                           g_memdup2(&group, sizeof group), g_free);
}

static gboolean has_attempt(const Question *question)
{
    return question->attempt < LOGIN_SHELL_ATTEMPTS &&
           (question->manner->options[question->attempt][0] ||
            (question->manner->on_stdin && question->attempt == 0));
}

static void attempt_failed(Question *question)
{
    question->attempt++;
    if (has_attempt(question)) {
        attempt_start(question);
        return;
    }
    question->done(NULL, question->data);
    question_free(question);
}

/* Looks for the end marker in the output from @from on, and answers once it is there. */
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
    attempt_end(question, FALSE);
    if (begin)
        answer(question, begin + marker, (gsize)(end - begin) - marker);
    else
        attempt_failed(question);
    return TRUE;
}

/* One read. TRUE while the attempt continues; @ret_n as read() returns it. */
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
    attempt_end(question, TRUE);
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
    attempt_end(question, FALSE);
    attempt_failed(question);
    return G_SOURCE_CONTINUE;
}

static gboolean on_timeout(gpointer data)
{
    Question *question = data;
    attempt_end(question, TRUE);
    attempt_failed(question);
    return G_SOURCE_CONTINUE;
}

/* As a terminal's shell has it, and not as the service, which has raised it. */
static void restore_open_files(void)
{
    struct rlimit limit;
    if (open_files_given() == 0 || getrlimit(RLIMIT_NOFILE, &limit) < 0)
        return;
    limit.rlim_cur = open_files_given();
    setrlimit(RLIMIT_NOFILE, &limit);
}

/* In the child, after fork: async-signal-safe calls only. */
static void become_leader(gpointer data)
{
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    setsid();
    restore_open_files();
}

/* The user's shell has only to start one program, in words that all shells share; so no prompt hook
 * or trap of its can print between the markers. A marker is in two pieces here, since a hook may
 * print this very command. */
static char *question_command(const Question *question)
{
    return g_strdup_printf("exec /bin/sh -c 'printf %%s%%s %.8s %s; umask; /usr/bin/env -0; "
                           "cat /proc/self/limits; printf %%s%%s %.8s %s'",
                           question->begin, question->begin + 8, question->end, question->end + 8);
}

/* Under systemd-run, which becomes the shell in a scope of its own: processes that the shell leaves
 * running (ssh-agent) belong to the user, and outlive the service. */
static char **question_argv(const Question *question, const char *command)
{
    static const char *const scope[] = {
        "systemd-run", "--user",    "--scope",
        "--quiet",     "--collect", "--description=Login shell, for its environment",
        "--",          NULL};
    g_autoptr(GStrvBuilder) builder = g_strv_builder_new();
    const char *const *option = question->manner->options[question->attempt];
    if (question->query.in_scope)
        g_strv_builder_addv(builder, (const char **)scope);
    g_strv_builder_add(builder, question->query.shell);
    for (; *option; option++)
        g_strv_builder_add(builder, *option);
    if (!question->manner->on_stdin)
        g_strv_builder_add(builder, command);
    return g_strv_builder_end(builder);
}

/* A pipe takes so few bytes at once. */
static void give_on_stdin(int fd, const char *command)
{
    g_autofree char *line = g_strconcat(command, "\n", NULL);
    if (write(fd, line, strlen(line)) < 0)
        g_debug("the shell takes no commands: %s", g_strerror(errno));
    close(fd);
}

/* Runs the shell; sets pid, pidfd and output_fd. */
static gboolean spawn(Question *question)
{
    g_autofree char *command = question_command(question);
    g_auto(GStrv) argv = question_argv(question, command);
    g_autoptr(GError) error = NULL;
    gboolean on_stdin = question->manner->on_stdin;
    int input_fd = -1;
    if (!g_spawn_async_with_pipes(NULL, argv, (char **)question->query.environment,
                                  G_SPAWN_DO_NOT_REAP_CHILD | G_SPAWN_STDERR_TO_DEV_NULL |
                                      G_SPAWN_CLOEXEC_PIPES | G_SPAWN_SEARCH_PATH,
                                  become_leader, NULL, &question->pid, on_stdin ? &input_fd : NULL,
                                  &question->output_fd, NULL, &error)) {
        g_warning("cannot run the shell %s: %s", question->query.shell, error->message);
        return FALSE;
    }
    if (on_stdin)
        give_on_stdin(input_fd, command);
    question->pidfd = (int)syscall(SYS_pidfd_open, question->pid, 0);
    if (question->pidfd < 0) {
        g_warning("cannot watch the shell %s: %s", question->query.shell, g_strerror(errno));
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
        g_timeout_add(question->query.timeout_msec[question->attempt], on_timeout, question);
}

static const Manner *manner_of(const char *shell)
{
    g_autofree char *name = g_path_get_basename(shell);
    const Manner *manner = manners;
    while (manner->name && !g_str_equal(manner->name, name))
        manner++;
    return manner;
}

void login_shell_ask(const LoginShellQuery *query, LoginShellDone done, gpointer data)
{
    Question *question = g_new0(Question, 1);
    question->query = *query;
    question->query.shell = g_strdup(query->shell);
    question->query.environment = (const char *const *)g_strdupv((char **)query->environment);
    question->manner = manner_of(query->shell);
    question->done = done;
    question->data = data;
    question->begin = g_uuid_string_random();
    question->end = g_uuid_string_random();
    question->output = g_byte_array_new();
    attempt_start(question);
}
