/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "desktop/awake.h"

#include <gio/gio.h>
#include <gio/gunixfdlist.h>
#include <unistd.h>

#include "desktop/settings.h"

#define LOGIND_NAME "org.freedesktop.login1"
#define LOGIND_PATH "/org/freedesktop/login1"
#define LOGIND_MANAGER "org.freedesktop.login1.Manager"
#define UPOWER_NAME "org.freedesktop.UPower"
#define UPOWER_PATH "/org/freedesktop/UPower"

/* Best first. Where polkit lets nobody block sleep (a user without a seat), it may be delayed. */
typedef enum {
    LOCK_BOTH,
    LOCK_IDLE,
    LOCK_DELAY,
    N_LOCKS,
} LockKind;

static const struct {
    const char *what, *mode;
} locks[N_LOCKS] = {
    [LOCK_BOTH] = {"sleep:idle", "block"},
    [LOCK_IDLE] = {"idle", "block"},
    [LOCK_DELAY] = {"sleep", "delay"},
};

typedef enum {
    LOCK_LEFT, /* neither held nor asked for */
    LOCK_ASKED,
    LOCK_HELD,
    LOCK_REFUSED, /* until it is no longer wanted */
} LockState;

typedef struct {
    Awake *awake;
    LockKind kind;
} LockCall;

struct Awake {
    AwakeSleeps sleeps;
    gpointer data;
    GDBusConnection *bus; /* the system's; NULL: none yet */
    GCancellable *cancellable;
    LockState states[N_LOCKS];
    int fds[N_LOCKS]; /* of those that are held */
    guint sleep_signal, power_signal;
    guint n;
    gboolean connecting, sleeping, on_battery;
};

static gboolean is_wanted(const Awake *awake)
{
    AwakeWhen when = settings_get()->awake;
    return awake->n > 0 && (when == AWAKE_ALWAYS || (when == AWAKE_ON_MAINS && !awake->on_battery));
}

static gboolean is_kind_wanted(const Awake *awake, LockKind kind)
{
    if (!is_wanted(awake))
        return FALSE;
    if (kind == LOCK_BOTH)
        return TRUE;
    return awake->states[LOCK_BOTH] == LOCK_REFUSED && (kind == LOCK_IDLE || !awake->sleeping);
}

/* One that is under way is given back as soon as it comes. */
static void release(Awake *awake, LockKind kind)
{
    if (awake->states[kind] == LOCK_ASKED)
        return;
    if (awake->states[kind] == LOCK_HELD)
        close(awake->fds[kind]);
    awake->states[kind] = LOCK_LEFT;
}

static void lock(Awake *awake, LockKind kind);

static void update(Awake *awake)
{
    for (LockKind kind = 0; kind < N_LOCKS; kind++) {
        if (!is_kind_wanted(awake, kind))
            release(awake, kind);
        else if (awake->bus && awake->states[kind] == LOCK_LEFT)
            lock(awake, kind);
    }
}

static int take_fd(GVariant *reply, GUnixFDList *fds)
{
    gint32 index;
    g_variant_get(reply, "(h)", &index);
    return fds ? g_unix_fd_list_get(fds, index, NULL) : -1;
}

static void on_locked(GObject *bus, GAsyncResult *result, gpointer data)
{
    g_autofree LockCall *call = data;
    g_autoptr(GUnixFDList) fds = NULL;
    g_autoptr(GError) error = NULL;
    g_autoptr(GVariant) reply = g_dbus_connection_call_with_unix_fd_list_finish(
        G_DBUS_CONNECTION(bus), &fds, result, &error);
    int fd = reply ? take_fd(reply, fds) : -1;
    if (g_error_matches(error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
        return;
    if (error)
        g_info("logind refused an inhibitor for %s (%s): %s", locks[call->kind].what,
               locks[call->kind].mode, error->message);
    call->awake->states[call->kind] = fd >= 0 ? LOCK_HELD : LOCK_REFUSED;
    call->awake->fds[call->kind] = fd;
    update(call->awake);
}

/* Without a password: logind does not let polkit ask for one here, and refuses instead. */
static void lock(Awake *awake, LockKind kind)
{
    LockCall *call = g_new(LockCall, 1);
    *call = (LockCall){awake, kind};
    awake->states[kind] = LOCK_ASKED;
    g_dbus_connection_call_with_unix_fd_list(awake->bus, LOGIND_NAME, LOGIND_PATH, LOGIND_MANAGER,
                                             "Inhibit",
                                             g_variant_new("(ssss)", locks[kind].what, "storkit",
                                                           "Agents are at work", locks[kind].mode),
                                             G_VARIANT_TYPE("(h)"), G_DBUS_CALL_FLAGS_NONE, -1,
                                             NULL, awake->cancellable, on_locked, call);
}

/* --- The system's answers --- */

static void on_sleep(GDBusConnection *bus, const char *sender, const char *path,
                     const char *interface, const char *signal, GVariant *parameters, gpointer data)
{
    Awake *awake = data;
    if (!g_variant_is_of_type(parameters, G_VARIANT_TYPE("(b)")))
        return;
    g_variant_get(parameters, "(b)", &awake->sleeping);
    if (awake->sleeping && awake->states[LOCK_DELAY] == LOCK_HELD)
        awake->sleeps(awake->n, awake->data);
    update(awake);
}

static void take_power(Awake *awake, GVariant *properties)
{
    if (g_variant_lookup(properties, "OnBattery", "b", &awake->on_battery))
        update(awake);
}

static void on_power(GDBusConnection *bus, const char *sender, const char *path,
                     const char *interface, const char *signal, GVariant *parameters, gpointer data)
{
    if (!g_variant_is_of_type(parameters, G_VARIANT_TYPE("(sa{sv}as)")))
        return;
    g_autoptr(GVariant) properties = g_variant_get_child_value(parameters, 1);
    take_power(data, properties);
}

static void on_power_known(GObject *bus, GAsyncResult *result, gpointer data)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GVariant) reply =
        g_dbus_connection_call_finish(G_DBUS_CONNECTION(bus), result, &error);
    if (!reply) /* without UPower it is a machine without a battery */
        return;
    g_autoptr(GVariant) properties = g_variant_get_child_value(reply, 0);
    take_power(data, properties);
}

static void listen(Awake *awake)
{
    awake->sleep_signal = g_dbus_connection_signal_subscribe(
        awake->bus, LOGIND_NAME, LOGIND_MANAGER, "PrepareForSleep", LOGIND_PATH, NULL,
        G_DBUS_SIGNAL_FLAGS_NONE, on_sleep, awake, NULL);
    awake->power_signal = g_dbus_connection_signal_subscribe(
        awake->bus, UPOWER_NAME, "org.freedesktop.DBus.Properties", "PropertiesChanged",
        UPOWER_PATH, UPOWER_NAME, G_DBUS_SIGNAL_FLAGS_NONE, on_power, awake, NULL);
    g_dbus_connection_call(awake->bus, UPOWER_NAME, UPOWER_PATH, "org.freedesktop.DBus.Properties",
                           "GetAll", g_variant_new("(s)", UPOWER_NAME), G_VARIANT_TYPE("(a{sv})"),
                           G_DBUS_CALL_FLAGS_NONE, -1, awake->cancellable, on_power_known, awake);
}

static void on_connected(GObject *source, GAsyncResult *result, gpointer data)
{
    g_autoptr(GError) error = NULL;
    GDBusConnection *bus = g_bus_get_finish(result, &error);
    Awake *awake = data;
    if (g_error_matches(error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
        return;
    awake->connecting = FALSE;
    if (!bus) {
        g_info("no system bus, so the machine may go to sleep: %s", error->message);
        return;
    }
    g_dbus_connection_set_exit_on_close(bus, FALSE);
    awake->bus = bus;
    listen(awake);
    update(awake);
}

/* The system's bus is of interest only once an agent is at work. */
void awake_set_busy(Awake *awake, guint n)
{
    awake->n = n;
    if (n > 0 && !awake->bus && !awake->connecting) {
        awake->connecting = TRUE;
        g_bus_get(G_BUS_TYPE_SYSTEM, awake->cancellable, on_connected, awake);
    }
    update(awake);
}

/* --- Life and end --- */

Awake *awake_new(AwakeSleeps sleeps, gpointer data)
{
    Awake *awake = g_new0(Awake, 1);
    awake->sleeps = sleeps;
    awake->data = data;
    awake->cancellable = g_cancellable_new();
    return awake;
}

void awake_free(Awake *awake)
{
    g_cancellable_cancel(awake->cancellable);
    for (LockKind kind = 0; kind < N_LOCKS; kind++)
        release(awake, kind);
    if (awake->bus) {
        g_dbus_connection_signal_unsubscribe(awake->bus, awake->sleep_signal);
        g_dbus_connection_signal_unsubscribe(awake->bus, awake->power_signal);
        g_object_unref(awake->bus);
    }
    g_object_unref(awake->cancellable);
    g_free(awake);
}
