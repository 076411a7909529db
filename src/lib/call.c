/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lib/call.h"

#include <gio/gunixfdlist.h>
#include <storkit/error.h>

#include "base/bus-names.h"

static GDBusCallFlags flags_of(const CallTarget *target)
{
    return target->no_auto_start ? G_DBUS_CALL_FLAGS_NO_AUTO_START : G_DBUS_CALL_FLAGS_NONE;
}

static void on_reply(GObject *bus, GAsyncResult *result, gpointer data)
{
    g_autoptr(GTask) task = data;
    g_autoptr(GUnixFDList) fds = NULL;
    GError *error = NULL;
    GVariant *reply = g_dbus_connection_call_with_unix_fd_list_finish(G_DBUS_CONNECTION(bus), &fds,
                                                                      result, &error);
    if (!reply) {
        g_task_return_error(task, call_error(error, g_task_get_task_data(task)));
        return;
    }
    g_task_set_task_data(task, NULL, NULL);
    if (fds)
        g_task_set_task_data(task, g_steal_pointer(&fds), g_object_unref);
    g_task_return_pointer(task, reply, (GDestroyNotify)g_variant_unref);
}

/* A run of another machine has no bus. */
static GError *not_connected(void)
{
    return g_error_new_literal(G_IO_ERROR, G_IO_ERROR_NOT_CONNECTED,
                               "the run is not one of the service here");
}

/* Takes parameters that are not used. */
static void forget(GVariant *parameters)
{
    if (parameters)
        g_variant_unref(g_variant_ref_sink(parameters));
}

void call_async(const CallTarget *target, const char *method, GVariant *parameters,
                const GVariantType *type, gpointer source, GCancellable *cancellable,
                GAsyncReadyCallback callback, gpointer data)
{
    (void)STORKIT_ERROR; /* GDBus knows our errors from now on */
    GTask *task = g_task_new(source, cancellable, callback, data);
    if (!target->bus) {
        forget(parameters);
        g_task_return_error(task, not_connected());
        g_object_unref(task);
        return;
    }
    g_task_set_task_data(task, g_strdup(target->path), g_free);
    g_dbus_connection_call_with_unix_fd_list(
        target->bus, STORKIT_BUS_NAME, target->path, target->interface, method, parameters, type,
        flags_of(target), G_MAXINT, NULL, cancellable, on_reply, task);
}

GVariant *call_finish(gpointer source, GAsyncResult *result, GError **error)
{
    g_return_val_if_fail(g_task_is_valid(result, source), NULL);
    return g_task_propagate_pointer(G_TASK(result), error);
}

static int take_fd(GUnixFDList *fds, GError **error)
{
    if (fds && g_unix_fd_list_get_length(fds) > 0)
        return g_unix_fd_list_get(fds, 0, error);
    g_set_error_literal(error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA,
                        "the reply of the service has no descriptor");
    return -1;
}

int call_finish_fd(gpointer source, GAsyncResult *result, GError **error)
{
    g_autoptr(GVariant) reply = call_finish(source, result, error);
    return reply ? take_fd(g_task_get_task_data(G_TASK(result)), error) : -1;
}

static GVariant *call_for_all(const CallTarget *target, const char *method, GVariant *parameters,
                              const GVariantType *type, GUnixFDList **fds,
                              GCancellable *cancellable, GError **error)
{
    (void)STORKIT_ERROR;
    if (!target->bus) {
        forget(parameters);
        g_propagate_error(error, not_connected());
        return NULL;
    }
    GError *failure = NULL;
    GVariant *reply = g_dbus_connection_call_with_unix_fd_list_sync(
        target->bus, STORKIT_BUS_NAME, target->path, target->interface, method, parameters, type,
        flags_of(target), G_MAXINT, NULL, fds, cancellable, &failure);
    if (!reply)
        g_propagate_error(error, call_error(failure, target->path));
    return reply;
}

GVariant *call_sync(const CallTarget *target, const char *method, GVariant *parameters,
                    const GVariantType *type, GCancellable *cancellable, GError **error)
{
    return call_for_all(target, method, parameters, type, NULL, cancellable, error);
}

int call_sync_fd(const CallTarget *target, const char *method, GVariant *parameters,
                 GCancellable *cancellable, GError **error)
{
    g_autoptr(GUnixFDList) fds = NULL;
    g_autoptr(GVariant) reply =
        call_for_all(target, method, parameters, G_VARIANT_TYPE("(h)"), &fds, cancellable, error);
    return reply ? take_fd(fds, error) : -1;
}
