/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lib/loop.h"

void loop_begin(Loop *loop)
{
    loop->context = g_main_context_new();
    loop->result = NULL;
    g_main_context_push_thread_default(loop->context);
}

void loop_on_result(GObject *source, GAsyncResult *result, gpointer data)
{
    Loop *loop = data;
    loop->result = g_object_ref(result);
}

GAsyncResult *loop_run(Loop *loop)
{
    while (!loop->result)
        g_main_context_iteration(loop->context, TRUE);
    return loop->result;
}

void loop_end(Loop *loop)
{
    g_clear_object(&loop->result);
    g_main_context_pop_thread_default(loop->context);
    g_main_context_unref(loop->context);
}
