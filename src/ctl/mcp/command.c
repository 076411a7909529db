/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ctl/mcp/command.h"

#include <errno.h>
#include <glib-unix.h>
#include <signal.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ctl/ctl-error.h"

#define READ_SIZE (64 * 1024)

/* How much of standard error is kept. */
#define ERR_MAX (64 * 1024)

struct Command {
    const CommandHandler *handler;
    gpointer data;
    pid_t pid; /* 0: reaped */
    int out_fd, err_fd, pidfd;
    sd_event_source *out, *err, *child;
    GString *line; /* read and not yet a whole line */
    GString *err_text;
};

static void take_lines(Command *command, gsize searched)
{
    GString *buffer = command->line;
    gsize start = 0;
    const char *newline;
    while ((newline = memchr(buffer->str + searched, '\n', buffer->len - searched))) {
        gsize end = (gsize)(newline - buffer->str);
        command->handler->line(command, buffer->str + start, end - start, command->data);
        searched = start = end + 1;
    }
    g_string_erase(buffer, 0, (gssize)start);
}

/* Returns FALSE at the end of the file, or where there is nothing more now. */
static gboolean read_out(Command *command)
{
    gsize had = command->line->len;
    g_string_set_size(command->line, had + READ_SIZE);
    ssize_t n = read(command->out_fd, command->line->str + had, READ_SIZE);
    g_string_set_size(command->line, had + (gsize)MAX(n, 0));
    if (n > 0)
        take_lines(command, had);
    return n > 0 || (n < 0 && errno == EINTR);
}

static gboolean read_err(Command *command)
{
    char bytes[4096];
    ssize_t n = read(command->err_fd, bytes, sizeof bytes);
    if (n > 0 && command->err_text->len < ERR_MAX)
        g_string_append_len(command->err_text, bytes, n);
    return n > 0 || (n < 0 && errno == EINTR);
}

static int on_out(sd_event_source *source, int fd, guint32 events, void *userdata)
{
    if (!read_out(userdata) && errno != EAGAIN)
        (void)sd_event_source_set_enabled(source, SD_EVENT_OFF);
    return 0;
}

static int on_err(sd_event_source *source, int fd, guint32 events, void *userdata)
{
    if (!read_err(userdata) && errno != EAGAIN)
        (void)sd_event_source_set_enabled(source, SD_EVENT_OFF);
    return 0;
}

/* Processes that it left behind may hold the pipes open: only their present content counts. */
static int on_ended(sd_event_source *source, int fd, guint32 events, void *userdata)
{
    Command *command = userdata;
    siginfo_t info = {0};
    (void)sd_event_source_set_enabled(source, SD_EVENT_OFF);
    (void)waitid(P_PIDFD, (id_t)fd, &info, WEXITED);
    command->pid = 0;
    while (read_out(command))
        ;
    while (read_err(command))
        ;
    if (command->line->len > 0)
        command->handler->line(command, command->line->str, command->line->len, command->data);
    g_string_truncate(command->line, 0);
    command->handler->ended(command, info.si_code == CLD_EXITED ? info.si_status : -1,
                            command->err_text->str, command->data);
    return 0;
}

static gboolean spawn(Command *command, const char *const *words, GError **error)
{
    g_autoptr(GPtrArray) argv = g_ptr_array_new();
    g_autoptr(GError) problem = NULL;
    g_ptr_array_add(argv, (char *)"/proc/self/exe");
    g_ptr_array_add(argv, (char *)"storkitctl");
    for (const char *const *word = words; *word; word++)
        g_ptr_array_add(argv, (char *)*word);
    g_ptr_array_add(argv, NULL);
    if (g_spawn_async_with_pipes(
            NULL, (char **)argv->pdata, NULL,
            G_SPAWN_DO_NOT_REAP_CHILD | G_SPAWN_FILE_AND_ARGV_ZERO | G_SPAWN_CLOEXEC_PIPES, NULL,
            NULL, &command->pid, NULL, &command->out_fd, &command->err_fd, &problem))
        return g_unix_set_fd_nonblocking(command->out_fd, TRUE, error) &&
               g_unix_set_fd_nonblocking(command->err_fd, TRUE, error);
    g_set_error(error, CTL_ERROR, CTL_ERROR_FAILED, "cannot run storkitctl: %s", problem->message);
    return FALSE;
}

static gboolean watch(Command *command, sd_event *event, GError **error)
{
    int r = sd_event_add_io(event, &command->out, command->out_fd, EPOLLIN, on_out, command);
    command->pidfd = pidfd_open(command->pid, 0);
    if (r >= 0)
        r = sd_event_add_io(event, &command->err, command->err_fd, EPOLLIN, on_err, command);
    if (r >= 0)
        r = sd_event_add_io(event, &command->child, command->pidfd, EPOLLIN, on_ended, command);
    if (r >= 0)
        return TRUE;
    g_set_error(error, CTL_ERROR, CTL_ERROR_FAILED, "cannot wait for a command: %s",
                g_strerror(-r));
    return FALSE;
}

Command *command_new(sd_event *event, const char *const *words, const CommandHandler *handler,
                     gpointer data, GError **error)
{
    g_autoptr(Command) command = g_new0(Command, 1);
    *command = (Command){
        .handler = handler,
        .data = data,
        .out_fd = -1,
        .err_fd = -1,
        .pidfd = -1,
        .line = g_string_new(NULL),
        .err_text = g_string_new(NULL),
    };
    if (!spawn(command, words, error) || !watch(command, event, error))
        return NULL;
    return g_steal_pointer(&command);
}

void command_end(Command *command)
{
    if (command->pid > 0)
        (void)kill(command->pid, SIGTERM);
}

static void close_fd(int fd)
{
    if (fd >= 0)
        close(fd);
}

void command_free(Command *command)
{
    sd_event_source_disable_unref(command->out);
    sd_event_source_disable_unref(command->err);
    sd_event_source_disable_unref(command->child);
    if (command->pid > 0) {
        (void)kill(command->pid, SIGKILL);
        (void)waitpid(command->pid, NULL, 0);
    }
    close_fd(command->out_fd);
    close_fd(command->err_fd);
    close_fd(command->pidfd);
    g_string_free(command->line, TRUE);
    g_string_free(command->err_text, TRUE);
    g_free(command);
}
