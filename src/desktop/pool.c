/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/bus-names.h"
#include "desktop/pool.h"

#include "desktop/info.h"

/* What changes comes in several signals. */
#define SETTLE_MS 50
#define STATUS_MATCH                                                                               \
    "type='signal',sender='" STORKIT_BUS_NAME "',interface='" STORKIT_INTERFACE                    \
    "',member='AgentEvent',arg2='status'"

struct DesktopPool {
    GDBusConnection *bus;
    const DesktopPoolListener *listener;
    gpointer data;
    GHashTable *runs; /* run id to GVariant */
    GCancellable *cancellable;
    guint watch, signals[3];
    guint timer; /* until the next look; 0: none is due */
    gboolean looking, look_again, known;
    GQueue waiting; /* of Waiting */
};

typedef struct {
    GSourceFunc done;
    gpointer data;
} Waiting;

static void tell_waiting(DesktopPool *pool)
{
    Waiting *waiting;
    while ((waiting = g_queue_pop_head(&pool->waiting))) {
        waiting->done(waiting->data);
        g_free(waiting);
    }
}

static GHashTable *runs_table(void)
{
    return g_hash_table_new_full(g_str_hash, g_str_equal, g_free, (GDestroyNotify)g_variant_unref);
}

static GHashTable *read_list(GVariant *reply)
{
    g_autoptr(GVariant) list = g_variant_get_child_value(reply, 0);
    GHashTable *runs = runs_table();
    GVariantIter iter;
    GVariant *info;
    g_variant_iter_init(&iter, list);
    while ((info = g_variant_iter_next_value(&iter)))
        g_hash_table_insert(runs, g_strdup(info_name(info, "run_id")), info);
    return runs;
}

static void tell_gone(DesktopPool *pool, GHashTable *before)
{
    GHashTableIter iter;
    gpointer id, info;
    g_hash_table_iter_init(&iter, before);
    while (g_hash_table_iter_next(&iter, &id, &info))
        if (!g_hash_table_contains(pool->runs, id))
            pool->listener->changed(id, info, NULL, pool->data);
}

static void take_list(DesktopPool *pool, GVariant *reply)
{
    g_autoptr(GHashTable) before = g_steal_pointer(&pool->runs);
    GHashTableIter iter;
    gpointer id, info;
    pool->runs = read_list(reply);
    pool->known = TRUE;
    tell_gone(pool, before);
    g_hash_table_iter_init(&iter, pool->runs);
    while (g_hash_table_iter_next(&iter, &id, &info))
        pool->listener->changed(id, g_hash_table_lookup(before, id), info, pool->data);
    pool->listener->looked(pool->data);
}

static void look(DesktopPool *pool, GDBusCallFlags flags);

static void on_listed(GObject *bus, GAsyncResult *result, gpointer data)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GVariant) reply =
        g_dbus_connection_call_finish(G_DBUS_CONNECTION(bus), result, &error);
    DesktopPool *pool = data;
    if (g_error_matches(error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
        return; /* and the pool is gone */
    pool->looking = FALSE;
    if (reply)
        take_list(pool, reply);
    else
        g_debug("cannot list the runs: %s", error->message);
    tell_waiting(pool);
    if (pool->look_again)
        look(pool, G_DBUS_CALL_FLAGS_NO_AUTO_START);
}

static void look(DesktopPool *pool, GDBusCallFlags flags)
{
    pool->look_again = pool->looking;
    if (pool->looking)
        return;
    pool->looking = TRUE;
    g_dbus_connection_call(pool->bus, STORKIT_BUS_NAME, STORKIT_OBJECT_PATH, STORKIT_INTERFACE,
                           "List", NULL, G_VARIANT_TYPE("(aa{sv})"), flags, -1, pool->cancellable,
                           on_listed, pool);
}

static gboolean on_settled(gpointer data)
{
    DesktopPool *pool = data;
    pool->timer = 0;
    look(pool, G_DBUS_CALL_FLAGS_NO_AUTO_START);
    return G_SOURCE_REMOVE;
}

static void look_soon(DesktopPool *pool)
{
    if (pool->timer == 0)
        pool->timer = g_timeout_add(SETTLE_MS, on_settled, pool);
}

static void on_signal(GDBusConnection *bus, const char *sender, const char *path,
                      const char *interface, const char *signal, GVariant *parameters,
                      gpointer data)
{
    DesktopPool *pool = data;
    look_soon(pool);
}

static void on_appeared(GDBusConnection *bus, const char *name, const char *owner, gpointer data)
{
    look_soon(data);
}

/* The runs' objects appear, change and go, each with a signal; live changes (a question, a freeze)
 * are status events, too. */
static void subscribe(DesktopPool *pool)
{
    static const struct {
        const char *interface, *member, *path, *arg0;
    } wanted[] = {
        {"org.freedesktop.DBus.ObjectManager", NULL, STORKIT_OBJECT_PATH, NULL},
        {"org.freedesktop.DBus.Properties", "PropertiesChanged", NULL, "org.storkit.Run"},
    };

    for (gsize i = 0; i < G_N_ELEMENTS(wanted); i++)
        pool->signals[i] = g_dbus_connection_signal_subscribe(
            pool->bus, STORKIT_BUS_NAME, wanted[i].interface, wanted[i].member, wanted[i].path,
            wanted[i].arg0, G_DBUS_SIGNAL_FLAGS_NONE, on_signal, pool, NULL);
    /* GDBus makes match rules of the first argument only, and all that agents print would come. */
    pool->signals[2] = g_dbus_connection_signal_subscribe(
        pool->bus, STORKIT_BUS_NAME, STORKIT_INTERFACE, "AgentEvent", STORKIT_OBJECT_PATH, NULL,
        G_DBUS_SIGNAL_FLAGS_NO_MATCH_RULE, on_signal, pool, NULL);
    g_dbus_connection_call(pool->bus, "org.freedesktop.DBus", "/org/freedesktop/DBus",
                           "org.freedesktop.DBus", "AddMatch", g_variant_new("(s)", STATUS_MATCH),
                           NULL, G_DBUS_CALL_FLAGS_NONE, -1, NULL, NULL, NULL);
}

DesktopPool *desktop_pool_new(GDBusConnection *bus, const DesktopPoolListener *listener,
                              gpointer data)
{
    DesktopPool *pool = g_new0(DesktopPool, 1);
    pool->bus = g_object_ref(bus);
    pool->listener = listener;
    pool->data = data;
    pool->runs = runs_table();
    pool->cancellable = g_cancellable_new();
    g_queue_init(&pool->waiting);
    subscribe(pool);
    pool->watch = g_bus_watch_name_on_connection(
        bus, STORKIT_BUS_NAME, G_BUS_NAME_WATCHER_FLAGS_NONE, on_appeared, NULL, pool, NULL);
    return pool;
}

void desktop_pool_free(DesktopPool *pool)
{
    g_cancellable_cancel(pool->cancellable);
    g_bus_unwatch_name(pool->watch);
    for (gsize i = 0; i < G_N_ELEMENTS(pool->signals); i++)
        if (pool->signals[i] > 0)
            g_dbus_connection_signal_unsubscribe(pool->bus, pool->signals[i]);
    g_clear_handle_id(&pool->timer, g_source_remove);
    g_queue_clear_full(&pool->waiting, g_free);
    g_hash_table_unref(pool->runs);
    g_object_unref(pool->cancellable);
    g_object_unref(pool->bus);
    g_free(pool);
}

GHashTable *desktop_pool_runs(DesktopPool *pool)
{
    return pool->runs;
}

void desktop_pool_ensure(DesktopPool *pool, GSourceFunc done, gpointer data)
{
    if (pool->known) {
        done(data);
        return;
    }
    Waiting *waiting = g_new(Waiting, 1);
    *waiting = (Waiting){done, data};
    g_queue_push_tail(&pool->waiting, waiting);
    if (!pool->looking)
        look(pool, G_DBUS_CALL_FLAGS_NONE);
}
