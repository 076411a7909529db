/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ctl/bus.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>

#include "ctl/bus-find.h"
#include "ctl/message-json.h"

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(sd_bus_error, sd_bus_error_free)

#define QUICK_USEC (G_USEC_PER_SEC)
#define LOOK_USEC (90 * G_USEC_PER_SEC)
#define LOOK_AT_UNIT                                                                               \
    "`systemctl --user status " STORKIT_UNIT "` and `journalctl --user -u " STORKIT_UNIT "` say "  \
    "why"

/* What to say about an error, by its D-Bus name. Without a sentence the service's own message is
 * shown: those of its own errors name the thing and say what to do. A name that ends in '.' is a
 * prefix.
 */
static const struct {
    const char *name;
    CtlError code;
    const char *sentence;
} bus_errors[] = {
    {STORKIT_INTERFACE ".Error.NoSuchRun", CTL_ERROR_NO_SUCH_RUN, NULL},
    {STORKIT_INTERFACE ".Error.NoSuchProject", CTL_ERROR_NOT_FOUND, NULL},
    {STORKIT_INTERFACE ".Error.NotAGitRepository", CTL_ERROR_NOT_FOUND, NULL},
    {STORKIT_INTERFACE ".Error.NoSuchAgent", CTL_ERROR_NOT_FOUND, NULL},
    {STORKIT_INTERFACE ".Error.NoAgentsConfigured", CTL_ERROR_NOT_FOUND, NULL},
    {STORKIT_INTERFACE ".Error.InvalidArgument", CTL_ERROR_USAGE, NULL},
    {STORKIT_INTERFACE ".Error.AlreadyRunning", CTL_ERROR_REFUSED, NULL},
    {STORKIT_INTERFACE ".Error.NotRunning", CTL_ERROR_REFUSED, NULL},
    {STORKIT_INTERFACE ".Error.OnOtherHost", CTL_ERROR_REFUSED, NULL},
    {STORKIT_INTERFACE ".Error.WorktreeBusy", CTL_ERROR_REFUSED, NULL},
    {STORKIT_INTERFACE ".Error.WorktreeDirty", CTL_ERROR_REFUSED, NULL},
    {STORKIT_INTERFACE ".Error.ShuttingDown", CTL_ERROR_LOST, NULL},
    {STORKIT_INTERFACE ".Error.Stopped", CTL_ERROR_STOPPED, NULL},
    {SD_BUS_ERROR_SERVICE_UNKNOWN, CTL_ERROR_NO_SERVICE,
     "nothing on the session bus provides " STORKIT_BUS_NAME
     ": install storkit for this user or the system, or, if it is installed, run `systemctl --user "
     "daemon-reload` and log in again"},
    {SD_BUS_ERROR_NAME_HAS_NO_OWNER, CTL_ERROR_NO_SERVICE,
     "the storkit service is not running: `systemctl --user start " STORKIT_UNIT "` starts it"},
    {"org.freedesktop.DBus.Error.Spawn.", CTL_ERROR_NO_SERVICE,
     "the storkit service does not start: " LOOK_AT_UNIT},
    {"org.freedesktop.systemd1.", CTL_ERROR_NO_SERVICE,
     "the storkit service does not start: " LOOK_AT_UNIT},
    {SD_BUS_ERROR_NO_REPLY, CTL_ERROR_LOST,
     "the storkit service exited before it replied: `storkitctl list` shows what "
     "became of the request, " LOOK_AT_UNIT},
    {SD_BUS_ERROR_TIMEOUT, CTL_ERROR_FAILED, "the storkit service does not answer: " LOOK_AT_UNIT},
    {SD_BUS_ERROR_DISCONNECTED, CTL_ERROR_NO_SERVICE,
     "the session bus closed the connection: agents keep running; try again"},
    {SD_BUS_ERROR_ACCESS_DENIED, CTL_ERROR_NO_SERVICE,
     "this user may not talk to the storkit service on this session bus: each user has a service "
     "of their own; use it from their own login (`machinectl shell USER@`)"},
    {SD_BUS_ERROR_UNKNOWN_METHOD, CTL_ERROR_FAILED,
     "the running storkit service is older than this storkitctl and lacks this command: "
     "`systemctl --user restart " STORKIT_UNIT "` starts the new one; agents are not disturbed"},
};

/* Methods whose reply takes as long as a run or its end does, or as its agent takes to read. */
static const char *const unbounded_methods[] = {
    "Stop", "Wait", "RemoveWorktree", "SendInput", "SendMessage", "CloseInput", NULL,
};

/* Methods whose reply waits for a look at a repository, for which the service takes up to a minute:
 * its error says more than that it did not answer. */
static const char *const looking_methods[] = {
    "GetConfig", "ListWorktrees", "Start", "StartWithOptions", NULL,
};

/* Questions, which change nothing. */
static const char *const repeatable_methods[] = {
    "Get", "GetConfig", "GetRun", "List", "ListWorktrees", NULL,
};

static gboolean name_matches(const char *pattern, const char *name)
{
    return g_str_has_suffix(pattern, ".") ? g_str_has_prefix(name, pattern)
                                          : g_str_equal(name, pattern);
}

static void set_bus_error(GError **error, const sd_bus_error *bus_error)
{
    for (gsize i = 0; i < G_N_ELEMENTS(bus_errors); i++) {
        if (!name_matches(bus_errors[i].name, bus_error->name))
            continue;
        g_set_error_literal(error, CTL_ERROR, (int)bus_errors[i].code,
                            bus_errors[i].sentence ?: bus_error->message);
        return;
    }
    g_set_error_literal(error, CTL_ERROR, CTL_ERROR_FAILED, bus_error->message ?: bus_error->name);
}

static gboolean set_bus_errno(GError **error, int r)
{
    g_auto(sd_bus_error) bus_error = SD_BUS_ERROR_NULL;
    if (r == -ECONNRESET || r == -ENOTCONN || r == -EPIPE)
        sd_bus_error_set_const(&bus_error, SD_BUS_ERROR_DISCONNECTED, NULL);
    else
        sd_bus_error_set_errno(&bus_error, r);
    set_bus_error(error, &bus_error);
    return FALSE;
}

/* What became of a call: @bus_error as the peer sent it, or what happened on the way. */
static gboolean set_call_error(GError **error, int r, const sd_bus_error *bus_error)
{
    if (r == -ECONNRESET || r == -ENOTCONN || !sd_bus_error_is_set(bus_error))
        return set_bus_errno(error, r);
    set_bus_error(error, bus_error);
    return FALSE;
}

static gboolean set_reply_error(GError **error)
{
    g_set_error_literal(
        error, CTL_ERROR, CTL_ERROR_FAILED,
        "cannot read the reply of the storkit service: install it and storkitctl from "
        "the same version");
    return FALSE;
}

sd_bus *bus_open(gboolean *ret_elsewhere, GError **error)
{
    sd_bus *session = NULL;
    int r = sd_bus_open_user(&session);
    sd_bus *other = bus_find_service(session, STORKIT_BUS_NAME);
    *ret_elsewhere = session && other;
    if (other) {
        sd_bus_flush_close_unref(session);
        return other;
    }
    if (session)
        return session;
    if (r == -EPERM) /* no socket, let alone a bus: a filter of system calls */
        g_set_error(
            error, CTL_ERROR, CTL_ERROR_NO_SERVICE,
            "this agent's sandbox closes the session bus: may_start (to start other agents) "
            "or bus = true in .storkit/project.toml opens it");
    else
        g_set_error(error, CTL_ERROR, CTL_ERROR_NO_SERVICE,
                    "cannot reach the session bus (%s): log in as the user whose agents these are "
                    "(from root, with `machinectl shell USER@`), or set DBUS_SESSION_BUS_ADDRESS",
                    g_strerror(-r));
    return NULL;
}

sd_bus_message *bus_message_new(sd_bus *bus, const char *method, GError **error)
{
    sd_bus_message *message = NULL;
    int r = sd_bus_message_new_method_call(bus, &message, STORKIT_BUS_NAME, STORKIT_OBJECT_PATH,
                                           STORKIT_INTERFACE, method);
    if (r < 0) {
        set_bus_errno(error, r);
        return NULL;
    }
    return message;
}

static sd_bus_message *message_build(sd_bus *bus, const char *method, GError **error,
                                     const char *types, va_list arguments)
{
    g_autoptr(sd_bus_message) message = bus_message_new(bus, method, error);
    int r;
    if (!message)
        return NULL;
    if (types && (r = sd_bus_message_appendv(message, types, arguments)) < 0) {
        g_set_error(error, CTL_ERROR, CTL_ERROR_USAGE,
                    "an argument is not valid UTF-8, which the bus requires (%s)", g_strerror(-r));
        return NULL;
    }
    return g_steal_pointer(&message);
}

static guint64 timeout_of(sd_bus_message *message)
{
    const char *method = sd_bus_message_get_member(message);
    if (g_strv_contains(unbounded_methods, method))
        return G_MAXUINT64;
    return g_strv_contains(looking_methods, method) ? LOOK_USEC : 0;
}

/* How often a question is asked: of each of the two connections of a service that has died, and of
 * the next service. */
#define ATTEMPTS 3

/* A service that has just died owns its name until the bus sees it, and who calls then gets no
 * reply: a call after that starts the next service. Where that fails, the first error says more. */
static int call_service(sd_bus *bus, sd_bus_message *message, sd_bus_message **ret_reply,
                        sd_bus_error *ret_error)
{
    int first = sd_bus_call(bus, message, timeout_of(message), ret_error, ret_reply);
    if (!sd_bus_error_has_name(ret_error, SD_BUS_ERROR_NO_REPLY) ||
        !g_strv_contains(repeatable_methods, sd_bus_message_get_member(message)))
        return first;
    for (int i = 1; i < ATTEMPTS; i++) {
        g_auto(sd_bus_error) error = SD_BUS_ERROR_NULL;
        int r = sd_bus_call(bus, message, timeout_of(message), &error, ret_reply);
        if (sd_bus_error_has_name(&error, SD_BUS_ERROR_NO_REPLY))
            continue;
        if (r < 0 && !(error.name && g_str_has_prefix(error.name, STORKIT_INTERFACE ".")))
            break;
        sd_bus_error_free(ret_error);
        sd_bus_error_move(ret_error, &error);
        return r;
    }
    return first;
}

/* bus_call() of a message that bus_message_new() made. */
static gboolean call_message(sd_bus *bus, sd_bus_message *message, sd_bus_message **ret_reply,
                             GError **error)
{
    g_auto(sd_bus_error) bus_error = SD_BUS_ERROR_NULL;
    if (!message)
        return FALSE;
    int r = call_service(bus, message, ret_reply, &bus_error);
    return r >= 0 || set_call_error(error, r, &bus_error);
}

gboolean bus_call(sd_bus *bus, const char *method, sd_bus_message **ret_reply, GError **error,
                  const char *types, ...)
{
    va_list arguments;
    va_start(arguments, types);
    g_autoptr(sd_bus_message) message = message_build(bus, method, error, types, arguments);
    va_end(arguments);
    return call_message(bus, message, ret_reply, error);
}

JsonNode *bus_call_json(sd_bus *bus, const char *method, GError **error, const char *types, ...)
{
    g_autoptr(sd_bus_message) reply = NULL;
    va_list arguments;
    va_start(arguments, types);
    g_autoptr(sd_bus_message) message = message_build(bus, method, error, types, arguments);
    va_end(arguments);
    if (!call_message(bus, message, &reply, error))
        return NULL;
    JsonNode *node = message_read_json(reply);
    if (!node)
        set_reply_error(error);
    return node;
}

int bus_reply_fd(sd_bus_message *reply, GError **error)
{
    int fd;
    if (sd_bus_message_read_basic(reply, SD_BUS_TYPE_UNIX_FD, &fd) <= 0) {
        set_reply_error(error);
        return -1;
    }
    fd = fcntl(fd, F_DUPFD_CLOEXEC, 3);
    if (fd >= 0)
        (void)fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
    else
        set_bus_errno(error, -errno);
    return fd;
}

int bus_call_fd(sd_bus *bus, const char *method, GError **error, const char *types, ...)
{
    g_autoptr(sd_bus_message) reply = NULL;
    va_list arguments;
    va_start(arguments, types);
    g_autoptr(sd_bus_message) message = message_build(bus, method, error, types, arguments);
    va_end(arguments);
    if (!call_message(bus, message, &reply, error))
        return -1;
    return bus_reply_fd(reply, error);
}

typedef struct {
    BusDone done;
    gpointer data;
} AsyncCall;

static int on_reply(sd_bus_message *reply, void *userdata, sd_bus_error *unused)
{
    AsyncCall *call = userdata;
    g_autoptr(GError) error = NULL;
    if (sd_bus_message_is_method_error(reply, NULL))
        set_bus_error(&error, sd_bus_message_get_error(reply));
    if (call->done)
        call->done(error ? NULL : reply, error, call->data);
    return 0;
}

gboolean bus_send_async(sd_bus *bus, sd_bus_message *message, BusDone done, gpointer data,
                        sd_bus_slot **ret_slot, GError **error)
{
    AsyncCall *call = g_new(AsyncCall, 1);
    sd_bus_slot *slot = NULL;
    *call = (AsyncCall){.done = done, .data = data};
    int r = sd_bus_call_async(bus, &slot, message, on_reply, call, timeout_of(message));
    if (r < 0) {
        g_free(call);
        return set_bus_errno(error, r);
    }
    sd_bus_slot_set_destroy_callback(slot, g_free);
    if (ret_slot) {
        *ret_slot = slot;
    } else {
        sd_bus_slot_set_floating(slot, TRUE);
        sd_bus_slot_unref(slot);
    }
    return TRUE;
}

gboolean bus_call_async(sd_bus *bus, const char *method, BusDone done, gpointer data,
                        sd_bus_slot **ret_slot, GError **error, const char *types, ...)
{
    va_list arguments;
    va_start(arguments, types);
    g_autoptr(sd_bus_message) message = message_build(bus, method, error, types, arguments);
    va_end(arguments);
    return message && bus_send_async(bus, message, done, data, ret_slot, error);
}

JsonNode *bus_ask_quickly(sd_bus *bus, const char *method, const char *types, ...)
{
    g_autoptr(sd_bus_message) reply = NULL;
    va_list arguments;
    va_start(arguments, types);
    g_autoptr(sd_bus_message) message = message_build(bus, method, NULL, types, arguments);
    va_end(arguments);
    if (!message)
        return NULL;
    sd_bus_message_set_auto_start(message, FALSE);
    if (sd_bus_call(bus, message, QUICK_USEC, NULL, &reply) < 0)
        return NULL;
    return message_read_json(reply);
}

gboolean bus_get_project_root(sd_bus *bus, char **ret_root, GError **error)
{
    g_auto(sd_bus_error) bus_error = SD_BUS_ERROR_NULL;
    char *root = NULL;
    int r = sd_bus_get_property_string(bus, STORKIT_BUS_NAME, STORKIT_OBJECT_PATH,
                                       STORKIT_INTERFACE, "ProjectRoot", &bus_error, &root);
    if (r < 0)
        return set_call_error(error, r, &bus_error);
    *ret_root = root;
    return TRUE;
}

gboolean bus_get_max_agents(sd_bus *bus, guint32 *ret_limit, GError **error)
{
    g_auto(sd_bus_error) bus_error = SD_BUS_ERROR_NULL;
    int r = sd_bus_get_property_trivial(bus, STORKIT_BUS_NAME, STORKIT_OBJECT_PATH,
                                        STORKIT_INTERFACE, "MaxAgents", &bus_error, 'u', ret_limit);
    return r >= 0 || set_call_error(error, r, &bus_error);
}

gboolean bus_set_max_agents(sd_bus *bus, guint32 limit, GError **error)
{
    g_auto(sd_bus_error) bus_error = SD_BUS_ERROR_NULL;
    int r = sd_bus_set_property(bus, STORKIT_BUS_NAME, STORKIT_OBJECT_PATH, STORKIT_INTERFACE,
                                "MaxAgents", &bus_error, "u", limit);
    return r >= 0 || set_call_error(error, r, &bus_error);
}
