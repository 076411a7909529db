/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "monitor/entry-list.h"

#include "monitor/far-events.h"
#include "monitor/far-run.h"

#define ENTRIES_MAX 20000
#define BYTES_MAX ((gsize)48 * 1024 * 1024)
#define SLACK 4 /* what is above goes once it is a fourth more: dropping moves all that is left */
#define FRAME_MS 16
#define PAUSE_MAX_USEC (G_USEC_PER_SEC / 2)
#define BUDGET_USEC 8000 /* of a frame, for reading */
#define READ_AT_ONCE 256

struct _MonitorEntryList {
    GObject parent;
    StorkitEventStream *stream; /* or */
    FarEvents *far;
    GCancellable *life;
    GPtrArray *entries;
    GPtrArray *batch; /* read, and not yet in the list */
    gsize bytes;      /* of both */
    guint64 dropped;
    char *problem;
    guint timer;      /* the next frame's; 0: there is nothing to publish */
    gint64 spent;     /* reading, in this frame */
    gboolean rests;   /* until the next frame */
    guint settling;   /* an idle source that sees when the last change has been drawn; or 0 */
    gint64 published; /* when the list changed last */
    gint64 pause;     /* from one change to the next: three times what it takes to draw one */
};

static void list_model_init(GListModelInterface *interface);

G_DEFINE_FINAL_TYPE_WITH_CODE(MonitorEntryList, monitor_entry_list, G_TYPE_OBJECT,
                              G_IMPLEMENT_INTERFACE(G_TYPE_LIST_MODEL, list_model_init))

enum { PROP_DROPPED = 1, PROP_PROBLEM, N_PROPS };

static GParamSpec *specs[N_PROPS];

static void read_more(MonitorEntryList *self);

/* --- Once a frame --- */

static gboolean is_too_much(MonitorEntryList *self, guint kept)
{
    return kept > ENTRIES_MAX || self->bytes > BYTES_MAX;
}

static gboolean is_far_too_much(MonitorEntryList *self)
{
    return self->entries->len + self->batch->len > ENTRIES_MAX + ENTRIES_MAX / SLACK ||
           self->bytes > BYTES_MAX + BYTES_MAX / SLACK;
}

/* How many of @entries, from the first one on, have to go; the last one stays. */
static guint count_oldest(MonitorEntryList *self, GPtrArray *entries, guint others)
{
    guint n = 0;
    while (n + (others == 0) < entries->len && is_too_much(self, entries->len - n + others))
        self->bytes -= monitor_entry_get_size(entries->pdata[n++]);
    return n;
}

static void drop_oldest(MonitorEntryList *self)
{
    if (!is_far_too_much(self))
        return;
    guint old = count_oldest(self, self->entries, self->batch->len);
    if (old > 0) {
        g_ptr_array_remove_range(self->entries, 0, old);
        g_list_model_items_changed(G_LIST_MODEL(self), 0, old, 0);
    }
    guint unseen = count_oldest(self, self->batch, 0);
    if (unseen > 0)
        g_ptr_array_remove_range(self->batch, 0, unseen);
    self->dropped += old + unseen;
    if (old + unseen > 0)
        g_object_notify_by_pspec(G_OBJECT(self), specs[PROP_DROPPED]);
}

/* Comes after all that has to be laid out and drawn. */
static gboolean on_settled(gpointer data)
{
    MonitorEntryList *self = data;
    self->settling = 0;
    self->pause = MIN(3 * (g_get_monotonic_time() - self->published), PAUSE_MAX_USEC);
    return G_SOURCE_REMOVE;
}

static gboolean may_publish(MonitorEntryList *self)
{
    gint64 since = g_get_monotonic_time() - self->published;
    return since >= (self->settling == 0 ? self->pause : PAUSE_MAX_USEC);
}

static void publish(MonitorEntryList *self)
{
    drop_oldest(self);
    self->published = g_get_monotonic_time();
    if (self->settling == 0)
        self->settling = g_idle_add_full(G_PRIORITY_LOW, on_settled, self, NULL);
    guint position = self->entries->len, added = self->batch->len;
    for (guint i = 0; i < added; i++)
        g_ptr_array_add(self->entries, g_object_ref(self->batch->pdata[i]));
    g_ptr_array_set_size(self->batch, 0);
    if (added > 0)
        g_list_model_items_changed(G_LIST_MODEL(self), position, 0, added);
}

static gboolean on_frame(gpointer data);

static void publish_soon(MonitorEntryList *self)
{
    if (self->timer == 0)
        self->timer = g_timeout_add(FRAME_MS, on_frame, self);
}

static gboolean on_frame(gpointer data)
{
    MonitorEntryList *self = data;
    self->timer = 0;
    self->spent = 0;
    if (may_publish(self))
        publish(self);
    else
        publish_soon(self);
    if (self->rests) {
        self->rests = FALSE;
        read_more(self);
    }
    return G_SOURCE_REMOVE;
}

/* --- Reading --- */

static void take_events(MonitorEntryList *self, GPtrArray *events)
{
    for (guint i = 0; i < events->len; i++) {
        MonitorEntry *entry = monitor_entry_new(events->pdata[i]);
        if (!entry)
            continue;
        self->bytes += monitor_entry_get_size(entry);
        g_ptr_array_add(self->batch, entry);
    }
    drop_oldest(self);
    publish_soon(self);
}

static void end(MonitorEntryList *self, const GError *error)
{
    if (!error)
        return;
    self->problem = g_strdup(error->message);
    g_object_notify_by_pspec(G_OBJECT(self), specs[PROP_PROBLEM]);
}

static GPtrArray *read_finish(GObject *source, GAsyncResult *result, GError **error)
{
    return FAR_IS_EVENTS(source) ? far_events_next_finish(FAR_EVENTS(source), result, error)
                                 : storkit_event_stream_next_events_finish(
                                       STORKIT_EVENT_STREAM(source), result, error);
}

static void on_events(GObject *source, GAsyncResult *result, gpointer data)
{
    g_autoptr(MonitorEntryList) self = data;
    g_autoptr(GError) error = NULL;
    gint64 began = g_get_monotonic_time();
    g_autoptr(GPtrArray) events = read_finish(source, result, &error);
    if (g_cancellable_is_cancelled(self->life))
        return;
    if (!events) {
        end(self, error);
        return;
    }
    take_events(self, events);
    self->spent += g_get_monotonic_time() - began;
    if (self->spent < BUDGET_USEC)
        read_more(self);
    else
        self->rests = TRUE;
}

/* The stream reads what there is at once. */
static void read_more(MonitorEntryList *self)
{
    gint64 began = g_get_monotonic_time();
    if (self->far)
        far_events_next_async(self->far, READ_AT_ONCE, self->life, on_events, g_object_ref(self));
    else
        storkit_event_stream_next_events_async(self->stream, READ_AT_ONCE, self->life, on_events,
                                               g_object_ref(self));
    self->spent += g_get_monotonic_time() - began;
}

/* --- The object --- */

MonitorEntryList *monitor_entry_list_new(StorkitRun *run)
{
    MonitorEntryList *self = g_object_new(MONITOR_TYPE_ENTRY_LIST, NULL);
    if (far_run_get_host(run))
        self->far = far_events_new(run);
    else
        self->stream = storkit_run_follow(run, 0);
    read_more(self);
    return self;
}

void monitor_entry_list_close(MonitorEntryList *self)
{
    g_cancellable_cancel(self->life);
    if (self->far)
        far_events_close(self->far);
    g_clear_handle_id(&self->timer, g_source_remove);
    g_clear_handle_id(&self->settling, g_source_remove);
}

guint64 monitor_entry_list_get_dropped(MonitorEntryList *self)
{
    return self->dropped;
}

const char *monitor_entry_list_get_problem(MonitorEntryList *self)
{
    return self->problem;
}

static GType get_item_type(GListModel *model)
{
    return MONITOR_TYPE_ENTRY;
}

static guint get_n_items(GListModel *model)
{
    return MONITOR_ENTRY_LIST(model)->entries->len;
}

static gpointer get_item(GListModel *model, guint position)
{
    GPtrArray *entries = MONITOR_ENTRY_LIST(model)->entries;
    return position < entries->len ? g_object_ref(entries->pdata[position]) : NULL;
}

static void list_model_init(GListModelInterface *interface)
{
    interface->get_item_type = get_item_type;
    interface->get_n_items = get_n_items;
    interface->get_item = get_item;
}

static void monitor_entry_list_get_property(GObject *object, guint id, GValue *value,
                                            GParamSpec *spec)
{
    MonitorEntryList *self = MONITOR_ENTRY_LIST(object);
    if (id == PROP_DROPPED)
        g_value_set_uint64(value, self->dropped);
    else if (id == PROP_PROBLEM)
        g_value_set_string(value, self->problem);
    else
        G_OBJECT_WARN_INVALID_PROPERTY_ID(object, id, spec);
}

static void monitor_entry_list_finalize(GObject *object)
{
    MonitorEntryList *self = MONITOR_ENTRY_LIST(object);
    monitor_entry_list_close(self);
    g_object_unref(self->life);
    g_clear_object(&self->stream);
    g_clear_object(&self->far);
    g_ptr_array_unref(self->entries);
    g_ptr_array_unref(self->batch);
    g_free(self->problem);
    G_OBJECT_CLASS(monitor_entry_list_parent_class)->finalize(object);
}

static void monitor_entry_list_class_init(MonitorEntryListClass *class)
{
    GObjectClass *object = G_OBJECT_CLASS(class);
    const GParamFlags flags = G_PARAM_READABLE | G_PARAM_STATIC_STRINGS | G_PARAM_EXPLICIT_NOTIFY;
    object->finalize = monitor_entry_list_finalize;
    object->get_property = monitor_entry_list_get_property;
    specs[PROP_DROPPED] = g_param_spec_uint64("dropped", NULL, NULL, 0, G_MAXUINT64, 0, flags);
    specs[PROP_PROBLEM] = g_param_spec_string("problem", NULL, NULL, NULL, flags);
    g_object_class_install_properties(object, N_PROPS, specs);
}

static void monitor_entry_list_init(MonitorEntryList *self)
{
    self->life = g_cancellable_new();
    self->entries = g_ptr_array_new_with_free_func(g_object_unref);
    self->batch = g_ptr_array_new_with_free_func(g_object_unref);
}
