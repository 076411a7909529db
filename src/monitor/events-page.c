/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "monitor/events-page.h"

#include <glib/gi18n.h>

#include "monitor/entry-list.h"
#include "monitor/entry-row.h"

/* A list lays out two hundred rows where there are so many. What comes in such numbers is gone
 * before anybody could scroll to it: so long, there are only as many as can be seen, a line each.
 */
#define FLOOD 200
#define TAIL 40
#define FLOOD_MS 2000 /* longer than from one change of the list to the next */

struct _MonitorEventsPage {
    AdwBin parent;
    GtkLabel *note;
    GtkSearchBar *search_bar;
    GtkSearchEntry *search_entry;
    GtkScrolledWindow *scrolled;
    GtkListView *list;
    GtkWidget *to_end;
    MonitorEntryList *entries;
    GtkFilterListModel *found;
    GtkSliceListModel *shown;          /* of those: all, or in a flood the last ones */
    GtkListItemFactory *whole, *brief; /* what makes the rows: brief ones in a flood */
    GtkStringFilter *filter;
    gboolean follows; /* the last entry stays in view */
    guint flood;      /* a timer until it is over; 0: there is none */
};

G_DEFINE_FINAL_TYPE(MonitorEventsPage, monitor_events_page, ADW_TYPE_BIN)

/* --- The end of the list --- */

static void scroll_to_end(MonitorEventsPage *self)
{
    guint n = g_list_model_get_n_items(G_LIST_MODEL(gtk_list_view_get_model(self->list)));
    if (n > 0)
        gtk_widget_activate_action(GTK_WIDGET(self->list), "list.scroll-to-item", "u", n - 1);
}

static void show_all(MonitorEventsPage *self)
{
    g_clear_handle_id(&self->flood, g_source_remove);
    gtk_list_view_set_factory(self->list, self->whole);
    gtk_slice_list_model_set_offset(self->shown, 0);
    gtk_slice_list_model_set_size(self->shown, G_MAXUINT);
}

static gboolean on_flood_over(gpointer data)
{
    MonitorEventsPage *self = data;
    self->flood = 0;
    show_all(self);
    scroll_to_end(self);
    return G_SOURCE_REMOVE;
}

static void show_tail(MonitorEventsPage *self)
{
    guint n = g_list_model_get_n_items(G_LIST_MODEL(self->found));
    g_clear_handle_id(&self->flood, g_source_remove);
    self->flood = g_timeout_add(FLOOD_MS, on_flood_over, self);
    gtk_list_view_set_factory(self->list, self->brief);
    gtk_slice_list_model_set_size(self->shown, TAIL);
    gtk_slice_list_model_set_offset(self->shown, n - MIN(n, TAIL));
}

static void set_follows(MonitorEventsPage *self, gboolean follows)
{
    self->follows = follows;
    gtk_widget_set_visible(self->to_end, !follows);
    if (!follows && self->flood > 0)
        show_all(self);
}

static void on_to_end(MonitorEventsPage *self)
{
    set_follows(self, TRUE);
    scroll_to_end(self);
}

static gboolean is_at_end(MonitorEventsPage *self)
{
    GtkAdjustment *place = gtk_scrolled_window_get_vadjustment(self->scrolled);
    return gtk_adjustment_get_value(place) + gtk_adjustment_get_page_size(place) + 2 >=
           gtk_adjustment_get_upper(place);
}

/* A person scrolls with the wheel, a finger, a key or the bar: whatever it is, it changes the
 * value; a list that grows does not. */
static void on_scrolled(MonitorEventsPage *self)
{
    if (is_at_end(self))
        set_follows(self, TRUE);
}

static gboolean on_scroll_up(MonitorEventsPage *self, double dx, double dy)
{
    if (dy < 0)
        set_follows(self, FALSE);
    return GDK_EVENT_PROPAGATE;
}

static gboolean on_key(MonitorEventsPage *self, guint key, guint code, GdkModifierType state)
{
    if (key == GDK_KEY_Up || key == GDK_KEY_Page_Up || key == GDK_KEY_Home)
        set_follows(self, FALSE);
    if (key == GDK_KEY_End)
        set_follows(self, TRUE);
    return GDK_EVENT_PROPAGATE;
}

static void on_changed(MonitorEventsPage *self, guint position, guint removed, guint added)
{
    gboolean first = gtk_slice_list_model_get_size(self->shown) == 0;
    if (first && added <= FLOOD)
        show_all(self);
    if (!self->follows && !first)
        return;
    if (added > FLOOD || (added > 0 && self->flood > 0))
        show_tail(self);
    scroll_to_end(self);
}

/* --- What there is to say about the list --- */

static void on_note(MonitorEventsPage *self)
{
    guint64 dropped = monitor_entry_list_get_dropped(self->entries);
    const char *problem = monitor_entry_list_get_problem(self->entries);
    g_autofree char *text = NULL;
    g_autofree char *count = g_strdup_printf("%" G_GUINT64_FORMAT, dropped);
    if (problem)
        text = g_strdup_printf(_("The events cannot be read: %s"), problem);
    else if (dropped > 0)
        text = g_strdup_printf(_("%s older lines are not here; `storkitctl log` has them."), count);
    gtk_label_set_text(self->note, text ?: "");
    gtk_widget_set_visible(GTK_WIDGET(self->note), text != NULL);
}

/* --- Rows --- */

static void on_setup(GtkSignalListItemFactory *factory, GtkListItem *item, gpointer data)
{
    gtk_list_item_set_child(item, monitor_entry_row_new());
}

static void on_setup_brief(GtkSignalListItemFactory *factory, GtkListItem *item, gpointer data)
{
    on_setup(factory, item, data);
    monitor_entry_row_set_brief(MONITOR_ENTRY_ROW(gtk_list_item_get_child(item)));
}

static void on_bind(GtkSignalListItemFactory *factory, GtkListItem *item, gpointer data)
{
    monitor_entry_row_set_entry(MONITOR_ENTRY_ROW(gtk_list_item_get_child(item)),
                                gtk_list_item_get_item(item));
}

static void on_unbind(GtkSignalListItemFactory *factory, GtkListItem *item, gpointer data)
{
    monitor_entry_row_set_entry(MONITOR_ENTRY_ROW(gtk_list_item_get_child(item)), NULL);
}

static void on_activate(MonitorEventsPage *self, guint position)
{
    g_autoptr(MonitorEntry) entry =
        g_list_model_get_item(G_LIST_MODEL(gtk_list_view_get_model(self->list)), position);
    if (entry)
        monitor_entry_set_open(entry, !monitor_entry_get_open(entry));
}

/* --- The search --- */

/* Without a text nothing is compared: an entry's text is decoded when it is asked for. */
static void on_search(MonitorEventsPage *self)
{
    const char *text = gtk_editable_get_text(GTK_EDITABLE(self->search_entry));
    gtk_string_filter_set_search(self->filter, text);
    gtk_filter_list_model_set_filter(self->found, *text ? GTK_FILTER(self->filter) : NULL);
}

void monitor_events_page_search(MonitorEventsPage *self)
{
    gtk_search_bar_set_search_mode(self->search_bar, TRUE);
    gtk_widget_grab_focus(GTK_WIDGET(self->search_entry));
}

/* --- The run --- */

static void forget_run(MonitorEventsPage *self)
{
    if (!self->entries)
        return;
    g_signal_handlers_disconnect_by_data(self->entries, self);
    gtk_filter_list_model_set_model(self->found, NULL);
    monitor_entry_list_close(self->entries);
    g_clear_object(&self->entries);
}

void monitor_events_page_set_run(MonitorEventsPage *self, StorkitRun *run)
{
    forget_run(self);
    show_all(self);
    gtk_widget_set_visible(GTK_WIDGET(self->note), FALSE);
    gtk_search_bar_set_search_mode(self->search_bar, FALSE);
    set_follows(self, TRUE);
    if (!run)
        return;
    g_autoptr(StorkitEventStream) stream = storkit_run_follow(run, 0);
    gtk_slice_list_model_set_size(self->shown, 0); /* until it is seen whether it is a flood */
    self->entries = monitor_entry_list_new(stream);
    g_signal_connect_swapped(self->entries, "notify", G_CALLBACK(on_note), self);
    gtk_filter_list_model_set_model(self->found, G_LIST_MODEL(self->entries));
}

static void monitor_events_page_dispose(GObject *object)
{
    MonitorEventsPage *self = MONITOR_EVENTS_PAGE(object);
    forget_run(self);
    g_clear_handle_id(&self->flood, g_source_remove);
    g_clear_object(&self->shown);
    g_clear_object(&self->whole);
    g_clear_object(&self->brief);
    g_clear_object(&self->filter);
    g_clear_object(&self->found);
    G_OBJECT_CLASS(monitor_events_page_parent_class)->dispose(object);
}

static void monitor_events_page_class_init(MonitorEventsPageClass *class)
{
    GtkWidgetClass *widget = GTK_WIDGET_CLASS(class);
    G_OBJECT_CLASS(class)->dispose = monitor_events_page_dispose;
    gtk_widget_class_set_template_from_resource(widget, "/org/storkit/Monitor/events-page.ui");
    gtk_widget_class_bind_template_child(widget, MonitorEventsPage, note);
    gtk_widget_class_bind_template_child(widget, MonitorEventsPage, search_bar);
    gtk_widget_class_bind_template_child(widget, MonitorEventsPage, search_entry);
    gtk_widget_class_bind_template_child(widget, MonitorEventsPage, scrolled);
    gtk_widget_class_bind_template_child(widget, MonitorEventsPage, list);
    gtk_widget_class_bind_template_child(widget, MonitorEventsPage, to_end);
    gtk_widget_class_bind_template_callback(widget, on_search);
    gtk_widget_class_bind_template_callback(widget, on_activate);
    gtk_widget_class_bind_template_callback(widget, on_to_end);
    gtk_widget_class_bind_template_callback(widget, on_scroll_up);
    gtk_widget_class_bind_template_callback(widget, on_key);
}

static GtkListItemFactory *make_factory(GCallback setup)
{
    GtkListItemFactory *factory = gtk_signal_list_item_factory_new();
    g_signal_connect(factory, "setup", setup, NULL);
    g_signal_connect(factory, "bind", G_CALLBACK(on_bind), NULL);
    g_signal_connect(factory, "unbind", G_CALLBACK(on_unbind), NULL);
    return factory;
}

static GtkStringFilter *make_filter(void)
{
    GtkStringFilter *filter =
        gtk_string_filter_new(gtk_property_expression_new(MONITOR_TYPE_ENTRY, NULL, "text"));
    gtk_string_filter_set_match_mode(filter, GTK_STRING_FILTER_MATCH_MODE_SUBSTRING);
    return filter;
}

static void monitor_events_page_init(MonitorEventsPage *self)
{
    gtk_widget_init_template(GTK_WIDGET(self));
    self->whole = make_factory(G_CALLBACK(on_setup));
    self->brief = make_factory(G_CALLBACK(on_setup_brief));
    self->filter = make_filter();
    self->found = gtk_filter_list_model_new(NULL, NULL);
    gtk_filter_list_model_set_incremental(self->found, TRUE);
    self->shown = gtk_slice_list_model_new(g_object_ref(G_LIST_MODEL(self->found)), 0, G_MAXUINT);
    GtkSingleSelection *selection =
        gtk_single_selection_new(g_object_ref(G_LIST_MODEL(self->shown)));
    gtk_single_selection_set_autoselect(selection, FALSE);
    gtk_single_selection_set_can_unselect(selection, TRUE);
    gtk_list_view_set_factory(self->list, self->whole);
    gtk_list_view_set_model(self->list, GTK_SELECTION_MODEL(selection));
    g_signal_connect_object(self->found, "items-changed", G_CALLBACK(on_changed), self,
                            G_CONNECT_SWAPPED | G_CONNECT_AFTER);
    g_object_unref(selection);
    g_signal_connect_swapped(gtk_scrolled_window_get_vadjustment(self->scrolled), "value-changed",
                             G_CALLBACK(on_scrolled), self);
    gtk_search_bar_connect_entry(self->search_bar, GTK_EDITABLE(self->search_entry));
}
