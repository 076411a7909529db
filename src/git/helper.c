/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "git/helper.h"

#include <errno.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cancel-fd.h"
#include "base/error.h"
#include "base/install-paths.h"
#include "base/util.h"
#include "git/message.h"
#include "git/places.h"
#include "host/cell.h"

/* How long one waits for the next call, and how many do. */
#define IDLE_MSEC 30000
#define IDLE_MAX 4

/* How long a helper has to kill git's program and to undo its work. */
#define CANCEL_MSEC 5000

typedef struct {
    Cell *cell;
    pid_t pid;
    int pidfd;
    int socket;  /* calls and answers */
    int control; /* a byte cancels the call; closing it ends the helper */
} Helper;

static GMutex idle_mutex;
static GQueue idle = G_QUEUE_INIT; /* Helper *: the one used last first */
static guint idle_timer;

/* --- Its begin and its end --- */

static void helper_free(Helper *helper)
{
    gboolean gone = cell_kill(helper->cell);
    (void)TEMP_FAILURE_RETRY(waitpid(helper->pid, NULL, gone ? 0 : WNOHANG));
    cell_free(helper->cell);
    fd_clear(&helper->pidfd);
    fd_clear(&helper->socket);
    fd_clear(&helper->control);
    g_free(helper);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Helper, helper_free)

static int spawn(Helper *helper, int socket, int control)
{
    const char *program = g_getenv("STORKIT_GIT");
    const char *argv[] = {program && *program ? program : STORKIT_GIT_PATH, NULL};
    g_auto(GStrv) environment = g_get_environ();
    autofd log = dup(STDERR_FILENO);
    const int fds[][2] = {{socket, STDOUT_FILENO}, {control, STDIN_FILENO}, {log, STDERR_FILENO}};
    const SpawnPlan plan = {
        .argv = (char **)argv,
        .environment = environment,
        .folder = "/",
        .fds = fds,
        .n_fds = G_N_ELEMENTS(fds),
    };
    return cell_spawn(helper->cell, &plan, FALSE, &helper->pid, &helper->pidfd);
}

static void fail_to_start(GError **error, int errnum)
{
    worktree_fail(error, "cannot start the git helper: %s: %s", g_strerror(errnum),
                  errno_is_shortage(errnum) ? "try again" : "reinstall storkit");
}

static gboolean make_socket(int ends[2])
{
    return socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == 0;
}

static Helper *helper_new(GError **error)
{
    int sockets[2] = {-1, -1}, controls[2] = {-1, -1};
    int r = make_socket(sockets) && make_socket(controls) ? 0 : errno;
    autofd its_socket = sockets[1], its_control = controls[1];
    Helper *helper = g_new0(Helper, 1);
    *helper = (Helper){cell_new(), 0, -1, sockets[0], controls[0]};
    if (r == 0)
        r = spawn(helper, its_socket, its_control);
    if (r == 0)
        return helper;
    fail_to_start(error, r);
    cell_free(helper->cell);
    fd_clear(&helper->socket);
    fd_clear(&helper->control);
    g_free(helper);
    return NULL;
}

/* --- Those that are idle --- */

static gboolean on_idle(gpointer unused)
{
    g_mutex_lock(&idle_mutex);
    GQueue ended = idle;
    g_queue_init(&idle);
    idle_timer = 0;
    g_mutex_unlock(&idle_mutex);
    /* Idle ones die at once. */
    g_queue_clear_full(&ended, (GDestroyNotify)helper_free);
    return G_SOURCE_REMOVE;
}

static gboolean is_alive(const Helper *helper)
{
    return poll(&(struct pollfd){.fd = helper->pidfd, .events = POLLIN}, 1, 0) == 0;
}

static Helper *take_idle(void)
{
    g_mutex_lock(&idle_mutex);
    Helper *helper = g_queue_pop_head(&idle);
    g_mutex_unlock(&idle_mutex);
    if (!helper || is_alive(helper))
        return helper;
    helper_free(helper);
    return take_idle();
}

static void give_back(Helper *helper_taken)
{
    g_autoptr(Helper) helper = helper_taken;
    g_mutex_lock(&idle_mutex);
    if (g_queue_get_length(&idle) < IDLE_MAX)
        g_queue_push_head(&idle, g_steal_pointer(&helper));
    g_clear_handle_id(&idle_timer, g_source_remove);
    idle_timer = g_timeout_add(IDLE_MSEC, on_idle, NULL);
    g_mutex_unlock(&idle_mutex);
}

/* --- One call --- */

typedef enum { ANSWERED, DIED, TOO_LATE, CANCELLED } Waited;

/* Until the helper answers, dies, or has had its time. */
static Waited wait_for_answer(const Helper *helper, guint limit_msec, GCancellable *cancellable)
{
    gint64 end = g_get_monotonic_time() + (gint64)limit_msec * 1000;
    CancelFd cancel;
    cancel_fd_open(&cancel, cancellable);
    gboolean cancelled = FALSE;
    Waited waited = ANSWERED;
    for (;;) {
        gint64 left = (end - g_get_monotonic_time() + 999) / 1000;
        struct pollfd fds[] = {{helper->socket, POLLIN, 0},
                               {cancelled ? -1 : cancel.fd, POLLIN, 0}};
        if (left <= 0) {
            waited = cancelled ? CANCELLED : TOO_LATE;
            break;
        }
        if (poll(fds, G_N_ELEMENTS(fds), (int)MIN(left, G_MAXINT)) < 0)
            continue;
        if (fds[0].revents) {
            waited = cancelled ? CANCELLED : ANSWERED;
            break;
        }
        if (fds[1].revents) {
            cancelled = TRUE;
            (void)send(helper->control, "c", 1, MSG_NOSIGNAL);
            end = g_get_monotonic_time() + CANCEL_MSEC * 1000;
        }
    }
    cancel_fd_close(&cancel);
    return waited;
}

static gboolean has_answered(const Helper *helper)
{
    return poll(&(struct pollfd){.fd = helper->socket, .events = POLLIN}, 1, 0) > 0;
}

/* @excess: the limit of its cell that it has reached, or NULL. */
static void set_lost_error(Waited waited, const char *excess, guint limit_msec, GVariant *arguments,
                           GError **error)
{
    const char *root = "the repository";
    g_variant_lookup(arguments, "root", "^&ay", &root);
    g_autofree char *shown = g_utf8_make_valid(root, -1);
    if (waited == CANCELLED)
        worktree_fail(error, "git in %s was interrupted", shown);
    else if (excess)
        worktree_fail(error, "git in %s was killed: %s; check the filters in its git config", shown,
                      excess);
    else if (waited == TOO_LATE)
        worktree_fail(
            error,
            "git in %s did not finish in %.3g s and was killed: check whether its disk, or "
            "a special file in it, hangs",
            shown, limit_msec / 1000.0);
    else
        worktree_fail(error,
                      "git in %s crashed, or exceeded its memory limit: run `git fsck` there, and "
                      "see the journal",
                      shown);
}

/* The helper's answer, or the error that it is, of which @excess may be the reason. */
static GVariant *take_answer(GVariant *answer_taken, const char *excess, GError **error)
{
    g_autoptr(GVariant) answer = answer_taken;
    g_autofree char *text = NULL;
    gint32 code = STORKIT_ERROR_WORKTREE_FAILED;
    if (!g_variant_lookup(answer, "error", "^ay", &text))
        return g_steal_pointer(&answer);
    g_variant_lookup(answer, "code", "i", &code);
    g_set_error(error, STORKIT_ERROR, code, excess ? "%s (%s)" : "%s", text, excess);
    return NULL;
}

GVariant *git_helper_call(const char *method, GVariant *arguments_taken, guint limit_msec,
                          GCancellable *cancellable, GError **error)
{
    g_autoptr(GVariant) arguments = g_variant_ref_sink(arguments_taken);
    g_autoptr(Helper) helper = take_idle();
    if (!helper)
        helper = helper_new(error);
    if (!helper)
        return NULL;
    GVariantDict call = G_VARIANT_DICT_INIT(arguments);
    g_variant_dict_insert(&call, "method", "s", method);
    Waited waited = DIED;
    if (message_send(helper->socket, g_variant_dict_end(&call)))
        waited = wait_for_answer(helper, limit_msec, cancellable);
    GVariant *answer = has_answered(helper) ? message_receive(helper->socket) : NULL;
    g_autofree char *excess = cell_describe_excess(helper->cell);
    if (!answer) {
        set_lost_error(waited, excess, limit_msec, arguments, error);
        return NULL;
    }
    /* The next call starts with a cell that has reached no limit. */
    if (waited == ANSWERED && !excess)
        give_back(g_steal_pointer(&helper));
    return take_answer(answer, excess, error);
}
