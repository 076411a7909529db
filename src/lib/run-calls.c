/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lib/run-internal.h"

static void start_call(StorkitRun *self, const char *method, GVariant *parameters,
                       GCancellable *cancellable, GAsyncReadyCallback callback, gpointer data)
{
    CallTarget target = run_target(self);
    call_async(&target, method, parameters, NULL, self, cancellable, callback, data);
}

static gboolean finish_call(StorkitRun *self, GAsyncResult *result, GError **error)
{
    g_autoptr(GVariant) reply = call_finish(self, result, error);
    return reply != NULL;
}

static gboolean call_and_wait(StorkitRun *self, const char *method, GVariant *parameters,
                              GCancellable *cancellable, GError **error)
{
    CallTarget target = run_target(self);
    g_autoptr(GVariant) reply = call_sync(&target, method, parameters, NULL, cancellable, error);
    return reply != NULL;
}

/* The three forms of a method without a result: @declared are its own parameters, each with a comma
 * behind it, and @variant is what goes to the bus. */
#define CALL(name, method, variant, ...)                                                           \
    gboolean storkit_run_##name(StorkitRun *self, __VA_ARGS__ GCancellable *cancellable,           \
                                GError **error)                                                    \
    {                                                                                              \
        g_return_val_if_fail(STORKIT_IS_RUN(self), FALSE);                                         \
        return call_and_wait(self, method, variant, cancellable, error);                           \
    }                                                                                              \
    void storkit_run_##name##_async(StorkitRun *self, __VA_ARGS__ GCancellable *cancellable,       \
                                    GAsyncReadyCallback callback, gpointer user_data)              \
    {                                                                                              \
        g_return_if_fail(STORKIT_IS_RUN(self));                                                    \
        start_call(self, method, variant, cancellable, callback, user_data);                       \
    }                                                                                              \
    gboolean storkit_run_##name##_finish(StorkitRun *self, GAsyncResult *result, GError **error)   \
    {                                                                                              \
        g_return_val_if_fail(STORKIT_IS_RUN(self), FALSE);                                         \
        return finish_call(self, result, error);                                                   \
    }

static GVariant *input(GBytes *bytes)
{
    return g_variant_new("(@ay)", g_variant_new_from_bytes(G_VARIANT_TYPE_BYTESTRING, bytes, TRUE));
}

static GVariant *answer(const char *question, const char *option, GVariant *details)
{
    if (!details)
        details = g_variant_new("a{sv}", NULL);
    return g_variant_new("(ss@a{sv})", question, option, details);
}

static GVariant *size(guint rows, guint columns)
{
    return g_variant_new("(qq)", (guint16)MIN(rows, G_MAXUINT16),
                         (guint16)MIN(columns, G_MAXUINT16));
}

/* clang-format off */
CALL(stop, "Stop", NULL,)
CALL(close_input, "CloseInput", NULL,)
CALL(freeze, "Freeze", NULL,)
CALL(thaw, "Thaw", NULL,)
CALL(send_input, "SendInput", input(bytes), GBytes *bytes,)
CALL(send_message, "SendMessage", g_variant_new("(s)", text), const char *text,)
CALL(answer, "Answer", answer(question, option, details),
     const char *question, const char *option, GVariant *details,)
CALL(resize, "Resize", size(rows, columns), guint rows, guint columns,)
/* clang-format on */

int storkit_run_attach(StorkitRun *self, GCancellable *cancellable, GError **error)
{
    g_return_val_if_fail(STORKIT_IS_RUN(self), -1);
    CallTarget target = run_target(self);
    return call_sync_fd(&target, "Attach", NULL, cancellable, error);
}

void storkit_run_attach_async(StorkitRun *self, GCancellable *cancellable,
                              GAsyncReadyCallback callback, gpointer user_data)
{
    g_return_if_fail(STORKIT_IS_RUN(self));
    CallTarget target = run_target(self);
    call_async(&target, "Attach", NULL, G_VARIANT_TYPE("(h)"), self, cancellable, callback,
               user_data);
}

int storkit_run_attach_finish(StorkitRun *self, GAsyncResult *result, GError **error)
{
    g_return_val_if_fail(STORKIT_IS_RUN(self), -1);
    return call_finish_fd(self, result, error);
}

static gboolean take_info(StorkitRun *self, GVariant *reply)
{
    if (!reply)
        return FALSE;
    g_autoptr(GVariant) info = g_variant_get_child_value(reply, 0);
    run_update(self, info, TRUE);
    return TRUE;
}

static GVariant *id_of(StorkitRun *self)
{
    return g_variant_new("(s)", storkit_run_get_run_id(self));
}

gboolean storkit_run_refresh(StorkitRun *self, GCancellable *cancellable, GError **error)
{
    g_return_val_if_fail(STORKIT_IS_RUN(self), FALSE);
    CallTarget pool = run_pool_target(self);
    g_autoptr(GVariant) reply =
        call_sync(&pool, "GetRun", id_of(self), G_VARIANT_TYPE("(a{sv})"), cancellable, error);
    return take_info(self, reply);
}

void storkit_run_refresh_async(StorkitRun *self, GCancellable *cancellable,
                               GAsyncReadyCallback callback, gpointer user_data)
{
    g_return_if_fail(STORKIT_IS_RUN(self));
    CallTarget pool = run_pool_target(self);
    call_async(&pool, "GetRun", id_of(self), G_VARIANT_TYPE("(a{sv})"), self, cancellable, callback,
               user_data);
}

gboolean storkit_run_refresh_finish(StorkitRun *self, GAsyncResult *result, GError **error)
{
    g_return_val_if_fail(STORKIT_IS_RUN(self), FALSE);
    g_autoptr(GVariant) reply = call_finish(self, result, error);
    return take_info(self, reply);
}
