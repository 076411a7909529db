/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <storkit/error.h>

#include "base/bus-names.h"
#include "lib/pool-internal.h"

/*
 * A pool begins with the bus, a Ping that starts the service if need be, the name's owner, and that
 * one's runs. Where the service must not be started, it may be absent.
 */

static CallTarget ping_target(StorkitPool *self)
{
    CallTarget target = pool_target(self);
    target.interface = "org.freedesktop.DBus.Peer";
    return target;
}

static gboolean may_be_absent(StorkitPool *self, const GError *error)
{
    return (self->flags & STORKIT_POOL_FLAGS_NO_AUTO_START) != 0 &&
           g_error_matches(error, STORKIT_ERROR, STORKIT_ERROR_NO_SERVICE);
}

static GVariant *our_name(void)
{
    return g_variant_new("(s)", STORKIT_BUS_NAME);
}

static void begin_with(StorkitPool *self, GVariant *reply)
{
    const char *owner;
    g_variant_get(reply, "(&s)", &owner);
    pool_link_begin(self, owner);
}

static gboolean end_init(StorkitPool *self, GError *error, GError **failure)
{
    if (error && !may_be_absent(self, error)) {
        g_propagate_error(failure, error);
        return FALSE;
    }
    g_clear_error(&error);
    pool_link_watch(self);
    return TRUE;
}

static void find_service(StorkitPool *self, GCancellable *cancellable, GError **error)
{
    CallTarget target = ping_target(self);
    GError *failure = NULL;
    g_autoptr(GVariant) pong = call_sync(&target, "Ping", NULL, NULL, cancellable, error);
    if (!pong)
        return;
    g_autoptr(GVariant) reply = g_dbus_connection_call_sync(
        self->bus, "org.freedesktop.DBus", "/org/freedesktop/DBus", "org.freedesktop.DBus",
        "GetNameOwner", our_name(), G_VARIANT_TYPE("(s)"), G_DBUS_CALL_FLAGS_NONE, -1, cancellable,
        &failure);
    if (!reply) {
        g_propagate_error(error, call_error(failure, STORKIT_OBJECT_PATH));
        return;
    }
    begin_with(self, reply);
    pool_link_scan(self, cancellable, error);
}

static gboolean init_and_wait(GInitable *initable, GCancellable *cancellable, GError **error)
{
    StorkitPool *self = STORKIT_POOL(initable);
    GError *failure = NULL;
    if (!self->bus)
        self->bus = g_bus_get_sync(G_BUS_TYPE_SESSION, cancellable, error);
    if (!self->bus)
        return FALSE;
    find_service(self, cancellable, &failure);
    return end_init(self, failure, error);
}

static void end_task(GTask *task, GError *error)
{
    GError *failure = NULL;
    if (end_init(g_task_get_source_object(task), error, &failure))
        g_task_return_boolean(task, TRUE);
    else
        g_task_return_error(task, failure);
    g_object_unref(task);
}

static void on_scanned(GObject *source, GAsyncResult *result, gpointer data)
{
    GError *error = NULL;
    pool_link_scan_finish(STORKIT_POOL(source), result, &error);
    end_task(data, error);
}

static void on_owner(GObject *bus, GAsyncResult *result, gpointer data)
{
    StorkitPool *self = g_task_get_source_object(data);
    GError *error = NULL;
    g_autoptr(GVariant) reply =
        g_dbus_connection_call_finish(G_DBUS_CONNECTION(bus), result, &error);
    if (!reply) {
        end_task(data, call_error(error, STORKIT_OBJECT_PATH));
        return;
    }
    begin_with(self, reply);
    pool_link_scan_async(self, g_task_get_cancellable(data), on_scanned, data);
}

static void on_pong(GObject *source, GAsyncResult *result, gpointer data)
{
    StorkitPool *self = STORKIT_POOL(source);
    GError *error = NULL;
    g_autoptr(GVariant) pong = call_finish(self, result, &error);
    if (!pong) {
        end_task(data, error);
        return;
    }
    g_dbus_connection_call(self->bus, "org.freedesktop.DBus", "/org/freedesktop/DBus",
                           "org.freedesktop.DBus", "GetNameOwner", our_name(),
                           G_VARIANT_TYPE("(s)"), G_DBUS_CALL_FLAGS_NONE, -1,
                           g_task_get_cancellable(data), on_owner, data);
}

static void ping(GTask *task)
{
    StorkitPool *self = g_task_get_source_object(task);
    CallTarget target = ping_target(self);
    call_async(&target, "Ping", NULL, NULL, self, g_task_get_cancellable(task), on_pong, task);
}

static void on_bus(GObject *source, GAsyncResult *result, gpointer data)
{
    GTask *task = data;
    StorkitPool *self = g_task_get_source_object(task);
    GError *error = NULL;
    self->bus = g_bus_get_finish(result, &error);
    if (self->bus) {
        ping(task);
        return;
    }
    g_task_return_error(task, error);
    g_object_unref(task);
}

static void init_async(GAsyncInitable *initable, int priority, GCancellable *cancellable,
                       GAsyncReadyCallback callback, gpointer data)
{
    GTask *task = g_task_new(initable, cancellable, callback, data);
    if (STORKIT_POOL(initable)->bus)
        ping(task);
    else
        g_bus_get(G_BUS_TYPE_SESSION, cancellable, on_bus, task);
}

static gboolean init_finish(GAsyncInitable *initable, GAsyncResult *result, GError **error)
{
    return g_task_propagate_boolean(G_TASK(result), error);
}

void pool_initable_init(GInitableIface *interface)
{
    interface->init = init_and_wait;
}

void pool_async_initable_init(GAsyncInitableIface *interface)
{
    interface->init_async = init_async;
    interface->init_finish = init_finish;
}

StorkitPool *storkit_pool_new_sync(StorkitPoolFlags flags, GCancellable *cancellable,
                                   GError **error)
{
    return g_initable_new(STORKIT_TYPE_POOL, cancellable, error, "flags", flags, NULL);
}

void storkit_pool_new(StorkitPoolFlags flags, GCancellable *cancellable,
                      GAsyncReadyCallback callback, gpointer user_data)
{
    g_async_initable_new_async(STORKIT_TYPE_POOL, G_PRIORITY_DEFAULT, cancellable, callback,
                               user_data, "flags", flags, NULL);
}

StorkitPool *storkit_pool_new_finish(GAsyncResult *result, GError **error)
{
    g_autoptr(GObject) source = g_async_result_get_source_object(result);
    GObject *pool = g_async_initable_new_finish(G_ASYNC_INITABLE(source), result, error);
    return pool ? STORKIT_POOL(pool) : NULL;
}
