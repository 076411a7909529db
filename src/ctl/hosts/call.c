/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ctl/hosts/call.h"

#include <gio/gio.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "ctl/hosts/names.h"
#include "ctl/hosts/ssh.h"

#define PREFIX "storkitctl: "

/* Shared by its owner and the reads and the wait under way, each of which has a reference. */
struct HostCall {
    const HostHandler *handler; /* NULL: freed by its owner */
    gpointer data;
    GSubprocess *process;
    GDataInputStream *output, *errors;
    GCancellable *cancel;
    char *folder; /* looked for there, for people; or NULL */
    char *said;
    guint open; /* output, errors and the process itself */
    gboolean paused, reading, drained;
};

static void read_output(HostCall *call);
static void read_errors(HostCall *call);

static void clear(gpointer data)
{
    HostCall *call = data;
    g_clear_object(&call->process);
    g_clear_object(&call->output);
    g_clear_object(&call->errors);
    g_clear_object(&call->cancel);
    g_free(call->folder);
    g_free(call->said);
}

static void unref(HostCall *call)
{
    g_rc_box_release_full(call, clear);
}

const char *host_state_word(HostState state)
{
    static const char *const words[] = {
        [HOST_FINE] = "fine",
        [HOST_UNREACHABLE] = "unreachable",
        [HOST_NO_PROJECT] = "no project",
        [HOST_FAILED] = "failed",
    };
    return words[state];
}

static const char *without_prefix(const char *said)
{
    return g_str_has_prefix(said, PREFIX) ? said + strlen(PREFIX) : said;
}

static int exit_status(GSubprocess *process)
{
    return g_subprocess_get_if_exited(process) ? g_subprocess_get_exit_status(process)
                                               : SSH_STATUS_FAILED;
}

static void tell_end(HostCall *call)
{
    int status = exit_status(call->process);
    HostEnd end = {.state = HOST_FINE, .status = status, .said = without_prefix(call->said ?: "")};
    g_autofree char *missing = NULL;
    if (status == SSH_STATUS_FAILED) {
        end.state = HOST_UNREACHABLE;
        end.status = CTL_EXIT_UNREACHABLE;
    } else if (status == SSH_STATUS_NO_FOLDER && call->folder) {
        missing = g_strdup_printf("no folder %s: `git clone` the project to there", call->folder);
        end = (HostEnd){HOST_NO_PROJECT, 0, missing};
    } else if (status == SSH_STATUS_NO_PROGRAM) {
        end = (HostEnd){HOST_FAILED, 4,
                        "no storkitctl on the PATH of ssh's commands: install storkit there"};
    } else if (status == 4) {
        end.state = HOST_FAILED;
    }
    call->handler->end(&end, call->data);
}

static void close_one(HostCall *call)
{
    if (--call->open == 0 && call->handler)
        tell_end(call);
}

/* The next line; NULL at the end, or where the call has been freed. Caller frees. */
static char *finish_line(GObject *source, GAsyncResult *result, gsize *ret_length)
{
    return g_data_input_stream_read_line_finish(G_DATA_INPUT_STREAM(source), result, ret_length,
                                                NULL);
}

static void on_output(GObject *source, GAsyncResult *result, gpointer data)
{
    HostCall *call = data;
    gsize length;
    g_autofree char *line = finish_line(source, result, &length);
    call->reading = FALSE;
    call->drained = line == NULL;
    if (!line)
        close_one(call);
    else if (call->handler)
        call->handler->line(line, length, call->data);
    if (line && call->handler && !call->paused)
        read_output(call);
    unref(call);
}

static void read_output(HostCall *call)
{
    if (call->reading || call->drained)
        return;
    call->reading = TRUE;
    g_data_input_stream_read_line_async(call->output, G_PRIORITY_DEFAULT, call->cancel, on_output,
                                        g_rc_box_acquire(call));
}

static void on_errors(GObject *source, GAsyncResult *result, gpointer data)
{
    HostCall *call = data;
    gsize length;
    char *line = finish_line(source, result, &length);
    if (line && *g_strstrip(line)) {
        g_free(call->said);
        call->said = g_steal_pointer(&line);
        read_errors(call);
    } else if (line) {
        g_free(line);
        read_errors(call);
    } else {
        close_one(call);
    }
    unref(call);
}

static void read_errors(HostCall *call)
{
    g_data_input_stream_read_line_async(call->errors, G_PRIORITY_DEFAULT, call->cancel, on_errors,
                                        g_rc_box_acquire(call));
}

static void on_exit_status(GObject *source, GAsyncResult *result, gpointer data)
{
    HostCall *call = data;
    (void)g_subprocess_wait_finish(G_SUBPROCESS(source), result, NULL);
    close_one(call);
    unref(call);
}

static void add(GPtrArray *words, const char *word)
{
    if (word)
        g_ptr_array_add(words, (char *)word);
}

/* @words with the options that say on what to act. */
static GPtrArray *complete_words(const Ctl *ctl, char *const *words)
{
    GPtrArray *all = g_ptr_array_new();
    add(all, "--json");
    add(all, ctl->directory ? "-C" : NULL);
    add(all, ctl->directory);
    add(all, ctl->agent ? "-a" : NULL);
    add(all, ctl->agent);
    for (; *words; words++)
        add(all, *words);
    g_ptr_array_add(all, NULL);
    return all;
}

static char **argv_for(HostCall *call, const Ctl *ctl, const char *host, char *const *words)
{
    g_autoptr(GPtrArray) all = complete_words(ctl, words);
    if (hosts_is_here(host)) {
        g_ptr_array_insert(all, 0, (char *)"/proc/self/exe");
        return g_strdupv((char **)all->pdata);
    }
    g_autofree char *folder = ssh_find_folder(ctl, &call->folder);
    g_autofree char *command = ssh_command(folder, "", (char **)all->pdata);
    return ssh_argv(host, SSH_UNATTENDED, command);
}

/* A file in memory: it takes any length, and needs nobody who writes. */
static void set_input(GSubprocessLauncher *launcher, const char *input)
{
    int fd = memfd_create("storkitctl-input", MFD_CLOEXEC);
    if (fd < 0)
        return;
    gsize length = strlen(input);
    if (write(fd, input, length) == (ssize_t)length && lseek(fd, 0, SEEK_SET) == 0)
        g_subprocess_launcher_take_stdin_fd(launcher, fd);
    else
        close(fd);
}

static gboolean on_not_started(gpointer data)
{
    HostCall *call = data;
    const HostEnd end = {HOST_FAILED, 1, call->said};
    if (call->handler)
        call->handler->end(&end, call->data);
    unref(call);
    return G_SOURCE_REMOVE;
}

HostCall *host_call_new(const Ctl *ctl, const char *host, char *const *words, const char *input,
                        const HostHandler *handler, gpointer data)
{
    g_autoptr(GError) problem = NULL;
    HostCall *call = g_rc_box_new0(HostCall);
    call->handler = handler;
    call->data = data;
    g_auto(GStrv) argv = argv_for(call, ctl, host, words);
    g_autoptr(GSubprocessLauncher) launcher =
        g_subprocess_launcher_new(G_SUBPROCESS_FLAGS_STDOUT_PIPE | G_SUBPROCESS_FLAGS_STDERR_PIPE);
    g_subprocess_launcher_set_child_setup(launcher, ssh_die_with_parent, NULL, NULL);
    if (input)
        set_input(launcher, input);
    call->process = g_subprocess_launcher_spawnv(launcher, (const char *const *)argv, &problem);
    if (!call->process) {
        call->said = g_strdup(problem->message);
        g_idle_add(on_not_started, g_rc_box_acquire(call));
        return call;
    }
    call->cancel = g_cancellable_new();
    call->output = g_data_input_stream_new(g_subprocess_get_stdout_pipe(call->process));
    call->errors = g_data_input_stream_new(g_subprocess_get_stderr_pipe(call->process));
    call->open = 3;
    read_output(call);
    read_errors(call);
    g_subprocess_wait_async(call->process, call->cancel, on_exit_status, g_rc_box_acquire(call));
    return call;
}

void host_call_pause(HostCall *call, gboolean paused)
{
    call->paused = paused;
    if (!paused && call->output)
        read_output(call);
}

void host_call_free(HostCall *call)
{
    call->handler = NULL;
    if (call->cancel)
        g_cancellable_cancel(call->cancel);
    if (call->process && call->open > 0)
        g_subprocess_send_signal(call->process, SIGTERM);
    unref(call);
}
