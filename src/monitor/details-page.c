/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "monitor/details-page.h"

#include <glib/gi18n.h>

#include "ctl/format.h"
#include "monitor/far-run.h"
#include "monitor/plot.h"
#include "monitor/run-text.h"
#include "monitor/sandbox-plan.h"

#define REFRESH_SECONDS 2

struct _MonitorDetailsPage {
    AdwBin parent;
    AdwPreferencesGroup *facts, *bounds;
    GtkLabel *memory, *cpu;
    MonitorPlot *memory_plot, *cpu_plot;
    GPtrArray *rows; /* those in `facts` and `bounds`, each with its group before it */
    StorkitRun *run;
    GCancellable *asking;
    guint timer;      /* while it is looked at and the run lives */
    guint idle;       /* a change that is not shown yet */
    gint64 sampled;   /* when the figures came last; 0: never */
    guint64 cpu_usec; /* at that time */
};

G_DEFINE_FINAL_TYPE(MonitorDetailsPage, monitor_details_page, ADW_TYPE_BIN)

/* --- Facts --- */

static void remove_rows(MonitorDetailsPage *self)
{
    for (guint i = 0; i + 1 < self->rows->len; i += 2)
        adw_preferences_group_remove(self->rows->pdata[i], self->rows->pdata[i + 1]);
    g_ptr_array_set_size(self->rows, 0);
}

static void add_row(MonitorDetailsPage *self, AdwPreferencesGroup *group, const char *title,
                    const char *value)
{
    if (!value || !*value)
        return;
    GtkWidget *row = adw_action_row_new();
    GtkWidget *label = gtk_label_new(value);
    gtk_label_set_wrap(GTK_LABEL(label), TRUE);
    gtk_label_set_wrap_mode(GTK_LABEL(label), PANGO_WRAP_WORD_CHAR);
    gtk_label_set_selectable(GTK_LABEL(label), TRUE);
    gtk_label_set_xalign(GTK_LABEL(label), 1);
    gtk_label_set_justify(GTK_LABEL(label), GTK_JUSTIFY_RIGHT);
    gtk_widget_add_css_class(label, "dim-label");
    gtk_widget_set_hexpand(label, TRUE);
    adw_preferences_row_set_title(ADW_PREFERENCES_ROW(row), title);
    adw_action_row_add_suffix(ADW_ACTION_ROW(row), label);
    gtk_list_box_row_set_activatable(GTK_LIST_BOX_ROW(row), FALSE);
    adw_preferences_group_add(group, row);
    g_ptr_array_add(self->rows, group);
    g_ptr_array_add(self->rows, row);
}

static void add_strv(MonitorDetailsPage *self, const char *title, GVariant *value)
{
    if (!value)
        return;
    g_autofree const char **names = g_variant_get_strv(value, NULL);
    g_autofree char *text = g_strjoinv(", ", (char **)names);
    add_row(self, self->bounds, title, text);
}

static void add_time(MonitorDetailsPage *self, const char *title, guint64 usec)
{
    g_autofree char *text = usec > 0 ? format_time(usec) : NULL;
    add_row(self, self->facts, title, text);
}

static void add_facts(MonitorDetailsPage *self)
{
    g_autofree char *status = run_dup_status(self->run), *totals = run_dup_totals(self->run);
    add_row(self, self->facts, _("Status"), status);
    add_row(self, self->facts, _("Reported by the agent"), totals);
    add_time(self, _("Started"), storkit_run_get_started(self->run));
    add_time(self, _("Ended"), storkit_run_get_ended(self->run));
    add_row(self, self->facts, _("Machine"), far_run_get_host(self->run));
    add_row(self, self->facts, _("Project"), storkit_run_get_project_root(self->run));
    add_row(self, self->facts, _("Worktree"), storkit_run_get_worktree_path(self->run));
    add_row(self, self->facts, _("Branch"), storkit_run_get_branch(self->run));
    add_row(self, self->facts, _("Based on"), storkit_run_get_base_branch(self->run));
    add_row(self, self->facts, _("Started by"), storkit_run_get_parent(self->run));
    add_row(self, self->facts, _("Session"), storkit_run_get_session_id(self->run));
    add_row(self, self->facts, _("Unit"), storkit_run_get_unit(self->run));
    add_row(self, self->facts, _("Run"), storkit_run_get_run_id(self->run));
}

/* --- Bounds --- */

static const struct {
    const char *key, *title;
} limit_titles[] = {
    {"memory_max", N_("Memory at most")},
    {"memory_high", N_("Memory, slowed down above")},
    {"cpu_quota_usec", N_("CPU at most")},
    {"cpu_weight", N_("CPU weight")},
    {"io_weight", N_("Disk weight")},
    {"tasks_max", N_("Processes at most")},
    {"runtime_max_usec", N_("Time at most")},
    {"idle_timeout_usec", N_("Time without output at most")},
};

static const char *limit_title(const char *key)
{
    for (gsize i = 0; i < G_N_ELEMENTS(limit_titles); i++)
        if (g_str_equal(limit_titles[i].key, key))
            return _(limit_titles[i].title);
    return key;
}

static void add_limits(MonitorDetailsPage *self)
{
    GVariant *limits = storkit_run_get_limits(self->run);
    GVariantIter iter;
    const char *key;
    GVariant *value;
    if (!limits)
        return;
    g_variant_iter_init(&iter, limits);
    while (g_variant_iter_loop(&iter, "{&sv}", &key, &value)) {
        g_autofree char *text = g_variant_is_of_type(value, G_VARIANT_TYPE_UINT64)
                                    ? format_limit(key, g_variant_get_uint64(value))
                                    : g_variant_print(value, FALSE);
        add_row(self, self->bounds, limit_title(key), text);
    }
}

static void add_sandbox(MonitorDetailsPage *self)
{
    const char *sandbox = storkit_run_get_sandbox(self->run);
    add_row(self, self->bounds, _("Sandbox"), sandbox ?: _("none: it may do what you may do"));
    add_strv(self, _("Missing in the sandbox"), storkit_run_get_sandbox_missing(self->run));
    g_autoptr(MonitorSandboxPlan) plan =
        sandbox && !far_run_get_host(self->run)
            ? monitor_sandbox_plan_read(storkit_run_get_run_id(self->run))
            : NULL;
    if (!plan)
        return;
    add_row(self, self->bounds, _("It may write"), plan->writable);
    add_row(self, self->bounds, _("It may not read"), plan->unreadable);
    add_row(self, self->bounds, _("Network"), plan->network);
}

static void add_bounds(MonitorDetailsPage *self)
{
    add_limits(self);
    add_strv(self, _("Not enforced on this machine"), storkit_run_get_unenforced(self->run));
    add_sandbox(self);
}

static gboolean show_facts(gpointer data)
{
    MonitorDetailsPage *self = data;
    self->idle = 0;
    remove_rows(self);
    if (self->run) {
        add_facts(self);
        add_bounds(self);
    }
    return G_SOURCE_REMOVE;
}

/* --- Figures --- */

static void show_memory(MonitorDetailsPage *self, gint64 now)
{
    g_autofree char *memory = format_bytes(storkit_run_get_memory(self->run));
    g_autofree char *peak = format_bytes(storkit_run_get_memory_peak(self->run));
    g_autofree char *text = g_strdup_printf(ngettext("%s, %s at most so far, %u process",
                                                     "%s, %s at most so far, %u processes",
                                                     storkit_run_get_processes(self->run)),
                                            memory, peak, storkit_run_get_processes(self->run));
    gtk_label_set_text(self->memory, text);
    monitor_plot_add(self->memory_plot, now, (double)storkit_run_get_memory(self->run));
}

static void show_cpu(MonitorDetailsPage *self, gint64 now)
{
    guint64 usec = storkit_run_get_cpu_usec(self->run);
    g_autofree char *span = format_span(usec);
    if (self->sampled > 0 && now > self->sampled && usec >= self->cpu_usec) {
        double share = (double)(usec - self->cpu_usec) / (double)(now - self->sampled);
        g_autofree char *text =
            g_strdup_printf(_("%.0f %% of a CPU, %s in all"), share * 100, span);
        gtk_label_set_text(self->cpu, text);
        monitor_plot_add(self->cpu_plot, now, share);
    }
    self->sampled = now;
    self->cpu_usec = usec;
}

static void show_last_figures(MonitorDetailsPage *self)
{
    g_autofree char *peak = format_bytes(storkit_run_get_memory_peak(self->run));
    g_autofree char *memory = g_strdup_printf(_("%s at most"), peak);
    g_autofree char *span = format_span(storkit_run_get_cpu_usec(self->run));
    g_autofree char *cpu = g_strdup_printf(_("%s in all"), span);
    gtk_label_set_text(self->memory, memory);
    gtk_label_set_text(self->cpu, cpu);
}

static void on_refreshed(GObject *run, GAsyncResult *result, gpointer data)
{
    g_autoptr(MonitorDetailsPage) self = data;
    g_autoptr(GError) error = NULL;
    gint64 now = g_get_monotonic_time();
    gboolean ok = storkit_run_refresh_finish(STORKIT_RUN(run), result, &error);
    if (!ok || self->run != STORKIT_RUN(run))
        return; /* without the service there are no figures */
    if (storkit_run_get_status(self->run) != STORKIT_RUN_STATUS_RUNNING) {
        show_last_figures(self);
        return;
    }
    show_memory(self, now);
    show_cpu(self, now);
}

static void ask_for_figures(MonitorDetailsPage *self)
{
    storkit_run_refresh_async(self->run, self->asking, on_refreshed, g_object_ref(self));
}

static gboolean on_time(gpointer data)
{
    MonitorDetailsPage *self = data;
    ask_for_figures(self);
    return G_SOURCE_CONTINUE;
}

/* --- Who looks --- */

static gboolean is_looked_at(MonitorDetailsPage *self)
{
    return self->run && gtk_widget_get_mapped(GTK_WIDGET(self)) && run_is_live(self->run);
}

static void start_or_stop_asking(MonitorDetailsPage *self)
{
    if (!is_looked_at(self)) {
        g_clear_handle_id(&self->timer, g_source_remove);
        return;
    }
    if (self->timer == 0)
        self->timer = g_timeout_add_seconds(REFRESH_SECONDS, on_time, self);
}

static void monitor_details_page_map(GtkWidget *widget)
{
    MonitorDetailsPage *self = MONITOR_DETAILS_PAGE(widget);
    GTK_WIDGET_CLASS(monitor_details_page_parent_class)->map(widget);
    if (!self->run)
        return;
    show_facts(self);
    ask_for_figures(self);
    start_or_stop_asking(self);
}

static void monitor_details_page_unmap(GtkWidget *widget)
{
    MonitorDetailsPage *self = MONITOR_DETAILS_PAGE(widget);
    GTK_WIDGET_CLASS(monitor_details_page_parent_class)->unmap(widget);
    g_clear_handle_id(&self->timer, g_source_remove);
    g_clear_handle_id(&self->idle, g_source_remove);
    self->sampled = 0;
}

/* The figures are no facts, and come all the time. */
static void on_notify(MonitorDetailsPage *self, GParamSpec *spec)
{
    static const char *const figures[] = {"memory",    "memory-peak", "cpu-usec",
                                          "processes", "cursor",      NULL};
    if (g_strv_contains(figures, spec->name) || !gtk_widget_get_mapped(GTK_WIDGET(self)))
        return;
    if (self->idle == 0)
        self->idle = g_idle_add(show_facts, self);
    start_or_stop_asking(self);
}

/* --- The run --- */

static void forget_run(MonitorDetailsPage *self)
{
    g_clear_handle_id(&self->timer, g_source_remove);
    g_clear_handle_id(&self->idle, g_source_remove);
    g_cancellable_cancel(self->asking);
    g_clear_object(&self->asking);
    if (self->run)
        g_signal_handlers_disconnect_by_data(self->run, self);
    g_clear_object(&self->run);
    self->sampled = 0;
}

void monitor_details_page_set_run(MonitorDetailsPage *self, StorkitRun *run)
{
    forget_run(self);
    monitor_plot_clear(self->memory_plot);
    monitor_plot_clear(self->cpu_plot);
    if (!run)
        return;
    self->run = g_object_ref(run);
    self->asking = g_cancellable_new();
    show_last_figures(self);
    g_signal_connect_swapped(run, "notify", G_CALLBACK(on_notify), self);
    if (!gtk_widget_get_mapped(GTK_WIDGET(self)))
        return;
    show_facts(self);
    ask_for_figures(self);
    start_or_stop_asking(self);
}

static void monitor_details_page_dispose(GObject *object)
{
    MonitorDetailsPage *self = MONITOR_DETAILS_PAGE(object);
    forget_run(self);
    g_clear_pointer(&self->rows, g_ptr_array_unref);
    G_OBJECT_CLASS(monitor_details_page_parent_class)->dispose(object);
}

static void monitor_details_page_class_init(MonitorDetailsPageClass *class)
{
    GtkWidgetClass *widget = GTK_WIDGET_CLASS(class);
    G_OBJECT_CLASS(class)->dispose = monitor_details_page_dispose;
    widget->map = monitor_details_page_map;
    widget->unmap = monitor_details_page_unmap;
    g_type_ensure(MONITOR_TYPE_PLOT);
    gtk_widget_class_set_template_from_resource(widget, "/org/storkit/Monitor/details-page.ui");
    gtk_widget_class_bind_template_child(widget, MonitorDetailsPage, facts);
    gtk_widget_class_bind_template_child(widget, MonitorDetailsPage, bounds);
    gtk_widget_class_bind_template_child(widget, MonitorDetailsPage, memory);
    gtk_widget_class_bind_template_child(widget, MonitorDetailsPage, cpu);
    gtk_widget_class_bind_template_child(widget, MonitorDetailsPage, memory_plot);
    gtk_widget_class_bind_template_child(widget, MonitorDetailsPage, cpu_plot);
}

static void monitor_details_page_init(MonitorDetailsPage *self)
{
    self->rows = g_ptr_array_new();
    gtk_widget_init_template(GTK_WIDGET(self));
}
