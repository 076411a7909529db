/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "monitor/events-page.h"

#include <glib/gi18n.h>

#include "monitor/entry-list.h"
#include "monitor/entry-row.h"
#include "monitor/range.h"

/* GTK's list keeps two hundred rows, and to make and lay out so many takes as long as a person
 * notices. So there are never more new ones in a frame than are seen: at first as many as fill the
 * window, then some more in each frame until there are so many that all the others cost nothing.
 * What comes in larger numbers is gone before anybody could scroll to it: so long, there are only
 * the last ones, a line each. */
#define ROWS_AT_FIRST 24
#define ROWS_A_FRAME 6
#define ROWS_OF_LIST 200
#define FLOOD 40
#define FLOOD_MS 800 /* longer than from one change of the list to the next */

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
    MonitorRange *shown;               /* of those: all, or the last ones */
    GtkListItemFactory *whole, *brief; /* what makes the rows: brief ones in a flood */
    GtkStringFilter *filter;
    gboolean follows; /* the last entry stays in view */
    guint flood;      /* a timer until it is over; 0: there is none */
    guint growth;     /* a callback in each frame, until all are shown; or 0 */
    gboolean held;    /* what has come since a person scrolled up is not in `shown` */
};

G_DEFINE_FINAL_TYPE(MonitorEventsPage, monitor_events_page, ADW_TYPE_BIN)

/* --- The end of the list --- */

static void scroll_to_end(MonitorEventsPage *self)
{
    guint n = g_list_model_get_n_items(G_LIST_MODEL(gtk_list_view_get_model(self->list)));
    if (n > 0)
        gtk_widget_activate_action(GTK_WIDGET(self->list), "list.scroll-to-item", "u", n - 1);
}

static guint count_found(MonitorEventsPage *self)
{
    return g_list_model_get_n_items(G_LIST_MODEL(self->found));
}

/* No row is made that is not shown. */
static void show_last(MonitorEventsPage *self, GtkListItemFactory *factory, guint n)
{
    guint found = count_found(self);
    if (gtk_list_view_get_factory(self->list) != factory) {
        monitor_range_set(self->shown, 0, 0);
        gtk_list_view_set_factory(self->list, factory);
    }
    monitor_range_set(self->shown, found - MIN(found, n), found);
    self->held = FALSE;
    scroll_to_end(self);
}

static void stop_growth(MonitorEventsPage *self)
{
    if (self->growth > 0)
        gtk_widget_remove_tick_callback(GTK_WIDGET(self->list), self->growth);
    self->growth = 0;
}

static gboolean grow(GtkWidget *list, GdkFrameClock *clock, gpointer data)
{
    MonitorEventsPage *self = data;
    guint begin = monitor_range_get_begin(self->shown);
    guint n = g_list_model_get_n_items(G_LIST_MODEL(self->shown));
    gboolean done = begin <= ROWS_A_FRAME || n > ROWS_OF_LIST;
    monitor_range_set(self->shown, done ? 0 : begin - ROWS_A_FRAME, begin + n);
    if (self->follows)
        scroll_to_end(self);
    if (!done)
        return G_SOURCE_CONTINUE;
    self->growth = 0;
    return G_SOURCE_REMOVE;
}

static void show_all(MonitorEventsPage *self)
{
    g_clear_handle_id(&self->flood, g_source_remove);
    stop_growth(self);
    show_last(self, self->whole, ROWS_AT_FIRST);
    if (monitor_range_get_begin(self->shown) > 0)
        self->growth = gtk_widget_add_tick_callback(GTK_WIDGET(self->list), grow, self, NULL);
}

static gboolean on_flood_over(gpointer data)
{
    MonitorEventsPage *self = data;
    self->flood = 0;
    show_all(self);
    return G_SOURCE_REMOVE;
}

static void show_flood(MonitorEventsPage *self)
{
    g_clear_handle_id(&self->flood, g_source_remove);
    self->flood = g_timeout_add(FLOOD_MS, on_flood_over, self);
    stop_growth(self);
    show_last(self, self->brief, FLOOD);
}

static void set_follows(MonitorEventsPage *self, gboolean follows)
{
    self->follows = follows;
    gtk_widget_set_visible(self->to_end, !follows);
    if (follows ? self->held : self->flood > 0)
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

static void show_new(MonitorEventsPage *self)
{
    if (!self->held)
        monitor_range_set(self->shown, monitor_range_get_begin(self->shown), G_MAXUINT);
    if (self->follows)
        scroll_to_end(self);
}

static void on_changed(MonitorEventsPage *self, guint position, guint removed, guint added)
{
    gboolean many = added > (self->flood > 0 ? ROWS_A_FRAME : FLOOD);
    gboolean searched = gtk_filter_list_model_get_filter(self->found) != NULL;
    if (many && self->follows) {
        show_flood(self);
    } else if (self->flood > 0) {
        show_last(self, self->brief, FLOOD);
    } else {
        /* While a person reads, a flood is not added below: it would be in the way at its end. */
        self->held = self->held || (many && !searched);
        show_new(self);
    }
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
    GtkWidget *line = monitor_paragraph_new();
    monitor_paragraph_set_single_line(MONITOR_PARAGRAPH(line));
    gtk_list_item_set_child(item, line);
}

static void on_bind_brief(GtkSignalListItemFactory *factory, GtkListItem *item, gpointer data)
{
    monitor_entry_row_show_brief(MONITOR_PARAGRAPH(gtk_list_item_get_child(item)),
                                 gtk_list_item_get_item(item));
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
    if (self->flood == 0)
        show_all(self);
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
    self->entries = monitor_entry_list_new(run);
    g_signal_connect_swapped(self->entries, "notify", G_CALLBACK(on_note), self);
    gtk_filter_list_model_set_model(self->found, G_LIST_MODEL(self->entries));
}

static void monitor_events_page_dispose(GObject *object)
{
    MonitorEventsPage *self = MONITOR_EVENTS_PAGE(object);
    forget_run(self);
    g_clear_handle_id(&self->flood, g_source_remove);
    if (self->list)
        stop_growth(self);
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

static GtkListItemFactory *make_whole(void)
{
    GtkListItemFactory *factory = gtk_signal_list_item_factory_new();
    g_signal_connect(factory, "setup", G_CALLBACK(on_setup), NULL);
    g_signal_connect(factory, "bind", G_CALLBACK(on_bind), NULL);
    g_signal_connect(factory, "unbind", G_CALLBACK(on_unbind), NULL);
    return factory;
}

static GtkListItemFactory *make_brief(void)
{
    GtkListItemFactory *factory = gtk_signal_list_item_factory_new();
    g_signal_connect(factory, "setup", G_CALLBACK(on_setup_brief), NULL);
    g_signal_connect(factory, "bind", G_CALLBACK(on_bind_brief), NULL);
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
    self->whole = make_whole();
    self->brief = make_brief();
    self->filter = make_filter();
    self->found = gtk_filter_list_model_new(NULL, NULL);
    gtk_filter_list_model_set_incremental(self->found, TRUE);
    self->shown = monitor_range_new(G_LIST_MODEL(self->found));
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
