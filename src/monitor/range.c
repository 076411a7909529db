/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "monitor/range.h"

struct _MonitorRange {
    GObject parent;
    GListModel *source;
    guint begin, end;
};

static void list_model_init(GListModelInterface *interface);

G_DEFINE_FINAL_TYPE_WITH_CODE(MonitorRange, monitor_range, G_TYPE_OBJECT,
                              G_IMPLEMENT_INTERFACE(G_TYPE_LIST_MODEL, list_model_init))

/* --- What changes --- */

static void tell(MonitorRange *self, guint position, guint removed, guint added)
{
    if (removed > 0 || added > 0)
        g_list_model_items_changed(G_LIST_MODEL(self), position, removed, added);
}

static void move_end(MonitorRange *self, guint end)
{
    guint old = self->end, kept = MIN(old, end);
    self->end = end;
    tell(self, kept - self->begin, old - kept, end - kept);
}

static void move_begin(MonitorRange *self, guint begin)
{
    guint old = self->begin, kept = MAX(old, begin);
    self->begin = begin;
    tell(self, 0, kept - old, kept - begin);
}

static void replace(MonitorRange *self, guint begin, guint end)
{
    guint old = self->end - self->begin;
    self->begin = begin;
    self->end = end;
    tell(self, 0, old, end - begin);
}

void monitor_range_set(MonitorRange *self, guint begin, guint end)
{
    end = MIN(end, g_list_model_get_n_items(self->source));
    begin = MIN(begin, end);
    if (begin >= self->end || end <= self->begin) {
        replace(self, begin, end);
        return;
    }
    move_end(self, end);
    move_begin(self, begin);
}

guint monitor_range_get_begin(MonitorRange *self)
{
    return self->begin;
}

/* What is added at an end of the range is not in it. */
static void on_source(MonitorRange *self, guint position, guint removed, guint added)
{
    guint past = position + removed;
    if (position >= self->end)
        return;
    if (past <= self->begin) {
        self->begin += added - removed;
        self->end += added - removed;
        return;
    }
    guint first = MAX(position, self->begin), gone = MIN(past, self->end) - first;
    guint at = first - self->begin, length = self->end - self->begin - gone + added;
    self->begin = MIN(position, self->begin);
    self->end = self->begin + length;
    tell(self, at, gone, added);
}

/* --- The object --- */

static GType get_item_type(GListModel *model)
{
    return g_list_model_get_item_type(MONITOR_RANGE(model)->source);
}

static guint get_n_items(GListModel *model)
{
    MonitorRange *self = MONITOR_RANGE(model);
    return self->end - self->begin;
}

static gpointer get_item(GListModel *model, guint position)
{
    MonitorRange *self = MONITOR_RANGE(model);
    return position < get_n_items(model)
               ? g_list_model_get_item(self->source, self->begin + position)
               : NULL;
}

static void list_model_init(GListModelInterface *interface)
{
    interface->get_item_type = get_item_type;
    interface->get_n_items = get_n_items;
    interface->get_item = get_item;
}

static void monitor_range_finalize(GObject *object)
{
    MonitorRange *self = MONITOR_RANGE(object);
    g_signal_handlers_disconnect_by_data(self->source, self);
    g_object_unref(self->source);
    G_OBJECT_CLASS(monitor_range_parent_class)->finalize(object);
}

static void monitor_range_class_init(MonitorRangeClass *class)
{
    G_OBJECT_CLASS(class)->finalize = monitor_range_finalize;
}

static void monitor_range_init(MonitorRange *self)
{
}

MonitorRange *monitor_range_new(GListModel *source)
{
    MonitorRange *self = g_object_new(MONITOR_TYPE_RANGE, NULL);
    self->source = g_object_ref(source);
    g_signal_connect_swapped(source, "items-changed", G_CALLBACK(on_source), self);
    return self;
}
