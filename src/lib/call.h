/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gio/gio.h>

/*
 * Calls to the service: without a time limit, since a call may take hours and has a cancellable,
 * and with errors of StorkitError.
 */

/** Who is called: an object of the service. Nothing in it is owned. */
typedef struct {
    GDBusConnection *bus;
    const char *path, *interface;
    gboolean no_auto_start;
} CallTarget;

/** Calls @method with @parameters (floating, or NULL); @type is that of the reply, or NULL. The
 * result is a GTask of @source's. */
void call_async(const CallTarget *target, const char *method, GVariant *parameters,
                const GVariantType *type, gpointer source, GCancellable *cancellable,
                GAsyncReadyCallback callback, gpointer data);

/** The reply of call_async(), or NULL with @error. */
GVariant *call_finish(gpointer source, GAsyncResult *result, GError **error);

/** The same for a reply that is a descriptor, which the caller closes: -1 with @error. */
int call_finish_fd(gpointer source, GAsyncResult *result, GError **error);

/** What call_async() does, while the thread waits. */
GVariant *call_sync(const CallTarget *target, const char *method, GVariant *parameters,
                    const GVariantType *type, GCancellable *cancellable, GError **error);
int call_sync_fd(const CallTarget *target, const char *method, GVariant *parameters,
                 GCancellable *cancellable, GError **error);

/** Takes the error of a call to @path and returns what a client sees: the same, or one of
 * StorkitError. */
GError *call_error(GError *error, const char *path);

/** Whether the error says only that the service has gone: one that comes back may be asked again.
 */
gboolean call_may_be_repeated(const GError *error);

/** Returns when it is time to ask a service that has gone once more: after the @attempt-th pause
 * (none at first, 2 s in the end), and if @absent, when its name has an owner. */
void call_pause_async(GDBusConnection *bus, guint attempt, gboolean absent,
                      GCancellable *cancellable, GAsyncReadyCallback callback, gpointer data);

/** False with @error if it was cancelled. */
gboolean call_pause_finish(GAsyncResult *result, GError **error);
