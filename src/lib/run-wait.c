/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lib/loop.h"
#include "lib/run-internal.h"

#include <storkit/error.h>

/*
 * Waiting for the end of a run. A service that dies while it is asked is asked again when it is
 * back, and a run that has left the list meanwhile is known by its folder.
 */

static void ask(GTask *task);

static void end(GTask *task, GError *error)
{
    if (error)
        g_task_return_error(task, error);
    else
        g_task_return_boolean(task, TRUE);
    g_object_unref(task);
}

static void on_paused(GObject *source, GAsyncResult *result, gpointer data)
{
    GError *error = NULL;
    if (call_pause_finish(result, &error))
        ask(data);
    else
        end(data, error);
}

/* Asks again later if @error says only that the service has gone, and ends if it is another. */
static void ask_again_or_end(GTask *task, GError *error)
{
    StorkitRun *self = g_task_get_source_object(task);
    guint *attempts = g_task_get_task_data(task);
    gboolean absent = g_error_matches(error, STORKIT_ERROR, STORKIT_ERROR_NO_SERVICE);
    if (!call_may_be_repeated(error)) {
        end(task, error);
        return;
    }
    call_pause_async(self->bus, (*attempts)++, absent, g_task_get_cancellable(task), on_paused,
                     task);
    g_error_free(error);
}

static gboolean has_ended(StorkitRun *self)
{
    StorkitRunStatus status = storkit_run_get_status(self);
    return status == STORKIT_RUN_STATUS_COMPLETED || status == STORKIT_RUN_STATUS_FAILED;
}

static void on_info(GObject *source, GAsyncResult *result, gpointer data)
{
    StorkitRun *self = STORKIT_RUN(source);
    GError *error = NULL;
    if (!storkit_run_refresh_finish(self, result, &error))
        ask_again_or_end(data, error);
    else if (has_ended(self))
        end(data, NULL);
    else /* between two services: it is not on the list of the new one yet */
        ask_again_or_end(data, g_error_new_literal(STORKIT_ERROR, STORKIT_ERROR_LOST, ""));
}

static void on_ended(GObject *source, GAsyncResult *result, gpointer data)
{
    StorkitRun *self = STORKIT_RUN(source);
    GTask *task = data;
    GError *error = NULL;
    g_autoptr(GVariant) reply = call_finish(self, result, &error);
    if (reply) {
        g_autoptr(GVariant) info = g_variant_get_child_value(reply, 0);
        run_update(self, info, TRUE);
        end(task, NULL);
    } else if (g_error_matches(error, STORKIT_ERROR, STORKIT_ERROR_NO_SUCH_RUN)) {
        g_error_free(error);
        storkit_run_refresh_async(self, g_task_get_cancellable(task), on_info, task);
    } else {
        ask_again_or_end(task, error);
    }
}

static void ask(GTask *task)
{
    StorkitRun *self = g_task_get_source_object(task);
    CallTarget target = run_target(self);
    call_async(&target, "Wait", NULL, G_VARIANT_TYPE("(a{sv})"), self, g_task_get_cancellable(task),
               on_ended, task);
}

void storkit_run_wait_async(StorkitRun *self, GCancellable *cancellable,
                            GAsyncReadyCallback callback, gpointer user_data)
{
    g_return_if_fail(STORKIT_IS_RUN(self));
    GTask *task = g_task_new(self, cancellable, callback, user_data);
    g_task_set_task_data(task, g_new0(guint, 1), g_free);
    ask(task);
}

gboolean storkit_run_wait_finish(StorkitRun *self, GAsyncResult *result, GError **error)
{
    g_return_val_if_fail(STORKIT_IS_RUN(self) && g_task_is_valid(result, self), FALSE);
    return g_task_propagate_boolean(G_TASK(result), error);
}

gboolean storkit_run_wait(StorkitRun *self, GCancellable *cancellable, GError **error)
{
    g_return_val_if_fail(STORKIT_IS_RUN(self), FALSE);
    Loop loop;
    loop_begin(&loop);
    storkit_run_wait_async(self, cancellable, loop_on_result, &loop);
    gboolean ended = storkit_run_wait_finish(self, loop_run(&loop), error);
    loop_end(&loop);
    return ended;
}
