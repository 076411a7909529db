/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lib/pool-internal.h"

#include "base/bus-names.h"
#include "lib/run-internal.h"

/*
 * A service that comes is subscribed to first and asked for its runs then. Signals that come before
 * the reply wait, and are taken after it: they are of things that happened before it or after it,
 * and each tells the present state of what it is about.
 */

#define PROPERTIES_INTERFACE "org.freedesktop.DBus.Properties"
#define MANAGER_INTERFACE "org.freedesktop.DBus.ObjectManager"
#define STATUS_MATCH                                                                               \
    "type='signal',sender='" STORKIT_BUS_NAME "',path='" STORKIT_OBJECT_PATH                       \
    "',interface='" STORKIT_INTERFACE "',member='AgentEvent',arg2='status'"

typedef struct {
    char *path, *name;
    GVariant *parameters;
} PoolSignal;

static void pool_signal_free(gpointer data)
{
    PoolSignal *signal = data;
    g_free(signal->path);
    g_free(signal->name);
    g_variant_unref(signal->parameters);
    g_free(signal);
}

CallTarget pool_target(StorkitPool *self)
{
    return (CallTarget){self->bus, STORKIT_OBJECT_PATH, STORKIT_INTERFACE,
                        (self->flags & STORKIT_POOL_FLAGS_NO_AUTO_START) != 0};
}

/* An object's properties do not have its path, by which we find it. */
static void take_added(StorkitPool *self, GVariant *parameters)
{
    const char *path;
    g_autoptr(GVariant) interfaces = NULL;
    g_variant_get(parameters, "(&o@a{sa{sv}})", &path, &interfaces);
    g_autoptr(GVariant) values =
        g_variant_lookup_value(interfaces, STORKIT_RUN_INTERFACE, G_VARIANT_TYPE_VARDICT);
    if (!values)
        return;
    GVariantDict dict;
    g_variant_dict_init(&dict, values);
    g_variant_dict_insert(&dict, "object_path", "o", path);
    g_autoptr(GVariant) info = g_variant_ref_sink(g_variant_dict_end(&dict));
    pool_take_info(self, info);
}

static void take_removed(StorkitPool *self, GVariant *parameters)
{
    const char *path;
    g_autofree const char **interfaces = NULL;
    g_variant_get(parameters, "(&o^a&s)", &path, &interfaces);
    if (g_strv_contains(interfaces, STORKIT_RUN_INTERFACE))
        pool_remove(self, path);
}

static void take_changed(StorkitPool *self, const char *path, GVariant *parameters)
{
    const char *interface;
    g_autoptr(GVariant) values = NULL;
    g_variant_get(parameters, "(&s@a{sv}@as)", &interface, &values, NULL);
    StorkitRun *run = g_hash_table_lookup(self->by_path, path);
    if (g_str_equal(interface, STORKIT_INTERFACE))
        pool_take_properties(self, values);
    else if (run && g_str_equal(interface, STORKIT_RUN_INTERFACE))
        run_update(run, values, FALSE);
}

static void on_refreshed(GObject *source, GAsyncResult *result, gpointer data)
{
    g_autoptr(GError) error = NULL;
    if (!storkit_run_refresh_finish(STORKIT_RUN(source), result, &error))
        g_debug("cannot ask the service for a run: %s", error->message);
}

/* Questions are in the info alone. */
static void take_event(StorkitPool *self, GVariant *parameters)
{
    const char *type, *status = "", *run_id = "";
    g_autoptr(GVariant) data = NULL;
    g_variant_get(parameters, "(&s&s&s@a{sv})", NULL, NULL, &type, &data);
    if (!g_str_equal(type, "status"))
        return;
    (void)g_variant_lookup(data, "status", "&s", &status);
    (void)g_variant_lookup(data, "run_id", "&s", &run_id);
    StorkitRun *run = storkit_pool_get_run(self, run_id);
    if (run && (g_str_equal(status, "waiting") || storkit_run_get_waiting(run)))
        storkit_run_refresh_async(run, self->life, on_refreshed, NULL);
}

static void take_signal(StorkitPool *self, const char *path, const char *name, GVariant *parameters)
{
    if (g_str_equal(name, "InterfacesAdded"))
        take_added(self, parameters);
    else if (g_str_equal(name, "InterfacesRemoved"))
        take_removed(self, parameters);
    else if (g_str_equal(name, "PropertiesChanged"))
        take_changed(self, path, parameters);
    else if (g_str_equal(name, "AgentEvent"))
        take_event(self, parameters);
}

static void on_signal(GDBusConnection *bus, const char *sender, const char *path,
                      const char *interface, const char *name, GVariant *parameters, gpointer data)
{
    StorkitPool *self = data;
    if (self->scanned) {
        take_signal(self, path, name, parameters);
        return;
    }
    PoolSignal *signal = g_new(PoolSignal, 1);
    *signal = (PoolSignal){g_strdup(path), g_strdup(name), g_variant_ref(parameters)};
    g_queue_push_tail(&self->waiting, signal);
}

static void forget_owner(StorkitPool *self)
{
    for (gsize i = 0; i < G_N_ELEMENTS(self->signals); i++) {
        if (self->signals[i] > 0)
            g_dbus_connection_signal_unsubscribe(self->bus, self->signals[i]);
        self->signals[i] = 0;
    }
    self->scanned = FALSE;
    g_queue_clear_full(&self->waiting, pool_signal_free);
    g_clear_pointer(&self->owner, g_free);
}

void pool_link_begin(StorkitPool *self, const char *owner)
{
    static const struct {
        const char *interface, *name, *path, *arg0;
        GDBusSignalFlags flags;
    } wanted[] = {
        {MANAGER_INTERFACE, NULL, STORKIT_OBJECT_PATH, NULL, G_DBUS_SIGNAL_FLAGS_NONE},
        {PROPERTIES_INTERFACE, "PropertiesChanged", NULL, STORKIT_RUN_INTERFACE,
         G_DBUS_SIGNAL_FLAGS_NONE},
        {PROPERTIES_INTERFACE, "PropertiesChanged", STORKIT_OBJECT_PATH, STORKIT_INTERFACE,
         G_DBUS_SIGNAL_FLAGS_NONE},
        /* GDBus makes match rules of the first argument only, and all that agents print would
         * come: STATUS_MATCH. */
        {STORKIT_INTERFACE, "AgentEvent", STORKIT_OBJECT_PATH, NULL,
         G_DBUS_SIGNAL_FLAGS_NO_MATCH_RULE},
    };
    G_STATIC_ASSERT(G_N_ELEMENTS(wanted) == G_N_ELEMENTS(self->signals));
    forget_owner(self);
    self->owner = g_strdup(owner);
    for (gsize i = 0; i < G_N_ELEMENTS(wanted); i++)
        self->signals[i] = g_dbus_connection_signal_subscribe(
            self->bus, owner, wanted[i].interface, wanted[i].name, wanted[i].path, wanted[i].arg0,
            wanted[i].flags, on_signal, self, NULL);
}

void pool_link_scanned(StorkitPool *self, GVariant *runs, GVariant *properties)
{
    g_autoptr(GVariant) values = g_variant_get_child_value(properties, 0);
    self->scanned = TRUE;
    pool_take_properties(self, values);
    pool_take_list(self, runs);
    PoolSignal *signal;
    while ((signal = g_queue_pop_head(&self->waiting))) {
        take_signal(self, signal->path, signal->name, signal->parameters);
        pool_signal_free(signal);
    }
    g_object_notify(G_OBJECT(self), "available");
}

/* Two calls; the second reply is that of the list. */

static CallTarget properties_target(StorkitPool *self)
{
    CallTarget target = pool_target(self);
    target.interface = PROPERTIES_INTERFACE;
    return target;
}

static GVariant *all_of_pool(void)
{
    return g_variant_new("(s)", STORKIT_INTERFACE);
}

static void on_list(GObject *source, GAsyncResult *result, gpointer data)
{
    StorkitPool *self = STORKIT_POOL(source);
    g_autoptr(GTask) task = data;
    GError *error = NULL;
    g_autoptr(GVariant) runs = call_finish(self, result, &error);
    if (!runs) {
        g_task_return_error(task, error);
        return;
    }
    pool_link_scanned(self, runs, g_task_get_task_data(task));
    g_task_return_boolean(task, TRUE);
}

static void on_properties(GObject *source, GAsyncResult *result, gpointer data)
{
    StorkitPool *self = STORKIT_POOL(source);
    GTask *task = data;
    GError *error = NULL;
    GVariant *properties = call_finish(self, result, &error);
    if (!properties) {
        g_task_return_error(task, error);
        g_object_unref(task);
        return;
    }
    CallTarget target = pool_target(self);
    g_task_set_task_data(task, properties, (GDestroyNotify)g_variant_unref);
    call_async(&target, "List", NULL, G_VARIANT_TYPE("(aa{sv})"), self,
               g_task_get_cancellable(task), on_list, task);
}

void pool_link_scan_async(StorkitPool *self, GCancellable *cancellable,
                          GAsyncReadyCallback callback, gpointer data)
{
    CallTarget target = properties_target(self);
    call_async(&target, "GetAll", all_of_pool(), G_VARIANT_TYPE("(a{sv})"), self, cancellable,
               on_properties, g_task_new(self, cancellable, callback, data));
}

gboolean pool_link_scan_finish(StorkitPool *self, GAsyncResult *result, GError **error)
{
    return g_task_propagate_boolean(G_TASK(result), error);
}

gboolean pool_link_scan(StorkitPool *self, GCancellable *cancellable, GError **error)
{
    CallTarget target = properties_target(self), pool = pool_target(self);
    g_autoptr(GVariant) properties =
        call_sync(&target, "GetAll", all_of_pool(), G_VARIANT_TYPE("(a{sv})"), cancellable, error);
    if (!properties)
        return FALSE;
    g_autoptr(GVariant) runs =
        call_sync(&pool, "List", NULL, G_VARIANT_TYPE("(aa{sv})"), cancellable, error);
    if (runs)
        pool_link_scanned(self, runs, properties);
    return runs != NULL;
}

static void on_scanned(GObject *source, GAsyncResult *result, gpointer data)
{
    g_autoptr(GError) error = NULL;
    if (!pool_link_scan_finish(STORKIT_POOL(source), result, &error))
        g_debug("cannot ask the service for its runs: %s", error->message);
}

static void on_appeared(GDBusConnection *bus, const char *name, const char *owner, gpointer data)
{
    StorkitPool *self = data;
    if (g_strcmp0(self->owner, owner) == 0)
        return;
    pool_link_begin(self, owner);
    pool_link_scan_async(self, self->life, on_scanned, NULL);
}

static void on_vanished(GDBusConnection *bus, const char *name, gpointer data)
{
    StorkitPool *self = data;
    if (!self->owner)
        return;
    forget_owner(self);
    g_object_notify(G_OBJECT(self), "available");
}

static void call_bus(StorkitPool *self, const char *method)
{
    g_dbus_connection_call(self->bus, "org.freedesktop.DBus", "/org/freedesktop/DBus",
                           "org.freedesktop.DBus", method, g_variant_new("(s)", STATUS_MATCH), NULL,
                           G_DBUS_CALL_FLAGS_NONE, -1, NULL, NULL, NULL);
}

void pool_link_watch(StorkitPool *self)
{
    call_bus(self, "AddMatch");
    self->watch =
        g_bus_watch_name_on_connection(self->bus, STORKIT_BUS_NAME, G_BUS_NAME_WATCHER_FLAGS_NONE,
                                       on_appeared, on_vanished, self, NULL);
}

void pool_link_end(StorkitPool *self)
{
    if (self->watch > 0)
        call_bus(self, "RemoveMatch");
    g_clear_handle_id(&self->watch, g_bus_unwatch_name);
    forget_owner(self);
}
