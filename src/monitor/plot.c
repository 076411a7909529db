/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "monitor/plot.h"

#define WINDOW_USEC (5 * 60 * (gint64)G_USEC_PER_SEC)
#define POINTS_MAX 512
#define HEIGHT 64

typedef struct {
    gint64 usec;
    double value;
} Point;

struct _MonitorPlot {
    GtkWidget parent;
    GArray *points;
};

G_DEFINE_FINAL_TYPE(MonitorPlot, monitor_plot, GTK_TYPE_WIDGET)

void monitor_plot_add(MonitorPlot *self, gint64 usec, double value)
{
    const Point point = {usec, value};
    if (self->points->len == POINTS_MAX)
        g_array_remove_index(self->points, 0);
    g_array_append_val(self->points, point);
    gtk_widget_queue_draw(GTK_WIDGET(self));
}

void monitor_plot_clear(MonitorPlot *self)
{
    g_array_set_size(self->points, 0);
    gtk_widget_queue_draw(GTK_WIDGET(self));
}

static double largest(const GArray *points)
{
    double most = 0;
    for (guint i = 0; i < points->len; i++)
        most = MAX(most, g_array_index(points, Point, i).value);
    return most > 0 ? most : 1;
}

/* The newest point is at the right edge; the line is closed below where it is to be filled. */
static void trace(MonitorPlot *self, cairo_t *cairo, double width, double height, gboolean close)
{
    const double most = largest(self->points) * 1.1;
    const gint64 last = g_array_index(self->points, Point, self->points->len - 1).usec;
    double x = 0;
    for (guint i = 0; i < self->points->len; i++) {
        const Point *point = &g_array_index(self->points, Point, i);
        x = width - (double)(last - point->usec) / (double)WINDOW_USEC * width;
        if (i == 0 && close)
            cairo_move_to(cairo, x, height);
        cairo_line_to(cairo, x, height - 1 - point->value / most * (height - 2));
    }
    if (close)
        cairo_line_to(cairo, x, height);
}

static void monitor_plot_snapshot(GtkWidget *widget, GtkSnapshot *snapshot)
{
    MonitorPlot *self = MONITOR_PLOT(widget);
    const double width = gtk_widget_get_width(widget), height = gtk_widget_get_height(widget);
    GdkRGBA colour;
    if (self->points->len < 2)
        return;
    gtk_style_context_get_color(gtk_widget_get_style_context(widget), &colour);
    cairo_t *cairo =
        gtk_snapshot_append_cairo(snapshot, &GRAPHENE_RECT_INIT(0, 0, (float)width, (float)height));
    colour.alpha = 0.2f;
    gdk_cairo_set_source_rgba(cairo, &colour);
    trace(self, cairo, width, height, TRUE);
    cairo_fill(cairo);
    colour.alpha = 1;
    gdk_cairo_set_source_rgba(cairo, &colour);
    cairo_set_line_width(cairo, 1.5);
    trace(self, cairo, width, height, FALSE);
    cairo_stroke(cairo);
    cairo_destroy(cairo);
}

static void monitor_plot_measure(GtkWidget *widget, GtkOrientation orientation, int size,
                                 int *minimum, int *natural, int *minimum_baseline,
                                 int *natural_baseline)
{
    *minimum = *natural = orientation == GTK_ORIENTATION_VERTICAL ? HEIGHT : 100;
}

static void monitor_plot_finalize(GObject *object)
{
    g_array_unref(MONITOR_PLOT(object)->points);
    G_OBJECT_CLASS(monitor_plot_parent_class)->finalize(object);
}

static void monitor_plot_class_init(MonitorPlotClass *class)
{
    GtkWidgetClass *widget = GTK_WIDGET_CLASS(class);
    G_OBJECT_CLASS(class)->finalize = monitor_plot_finalize;
    widget->snapshot = monitor_plot_snapshot;
    widget->measure = monitor_plot_measure;
    gtk_widget_class_set_css_name(widget, "plot");
    gtk_widget_class_set_accessible_role(widget, GTK_ACCESSIBLE_ROLE_IMG);
}

static void monitor_plot_init(MonitorPlot *self)
{
    self->points = g_array_new(FALSE, FALSE, sizeof(Point));
    gtk_widget_set_overflow(GTK_WIDGET(self), GTK_OVERFLOW_HIDDEN);
}

GtkWidget *monitor_plot_new(void)
{
    return g_object_new(MONITOR_TYPE_PLOT, NULL);
}
