/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "transcript/event.h"

#include <string.h>

#include "base/util.h"

static const char *const type_names[] = {
    [EVENT_STATUS] = "status", [EVENT_OUTPUT] = "output", [EVENT_AGENT_JSON] = "agent_json",
    [EVENT_DONE] = "done",     [EVENT_ERROR] = "error",
};

const char *event_type_to_string(EventType type)
{
    return type_names[type];
}

EventBatch *event_batch_new(const RunIdentity *identity)
{
    EventBatch *batch = g_new0(EventBatch, 1);
    g_atomic_ref_count_init(&batch->references);
    batch->identity = identity;
    batch->events = g_array_new(FALSE, FALSE, sizeof(Event));
    batch->strings = g_ptr_array_new_with_free_func(g_free);
    batch->variants = g_ptr_array_new_with_free_func((GDestroyNotify)g_variant_unref);
    return batch;
}

EventBatch *event_batch_ref(EventBatch *batch)
{
    g_atomic_ref_count_inc(&batch->references);
    return batch;
}

void event_batch_unref(EventBatch *batch)
{
    if (!batch || !g_atomic_ref_count_dec(&batch->references))
        return;
    g_array_unref(batch->events);
    g_ptr_array_unref(batch->strings);
    g_ptr_array_unref(batch->variants);
    g_clear_pointer(&batch->ndjson, g_bytes_unref);
    g_free(batch);
}

char *event_batch_alloc(EventBatch *batch, gsize size)
{
    char *bytes = g_malloc(size);
    g_ptr_array_add(batch->strings, bytes);
    return bytes;
}

void event_batch_add(EventBatch *batch, const Event *event, char *text_taken)
{
    Event own = *event;
    if (text_taken) {
        g_ptr_array_add(batch->strings, text_taken);
        own.text = text_taken;
    }
    if (own.details) {
        own.details = g_variant_ref_sink(own.details);
        g_ptr_array_add(batch->variants, own.details);
    }
    g_array_append_val(batch->events, own);
}

Event event_live_status(guint64 cursor, const char *status, GVariant *details)
{
    return (Event){.type = EVENT_STATUS,
                   .cursor = cursor,
                   .time = now_usec(),
                   .text = status,
                   .length = strlen(status),
                   .details = details};
}

gsize event_cut_length(const char *text, gsize length, gsize max)
{
    if (length <= max)
        return length;
    while (max > 0 && ((guchar)text[max] & 0xc0) == 0x80)
        max--;
    return max;
}
