/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "monitor/paragraph.h"

/* Whatever the text is, so that its width needs no layout; in characters. */
#define WIDTH_MIN 12
#define WIDTH_NATURAL 100

struct _MonitorParagraph {
    GtkWidget parent;
    PangoLayout *layout;
    int width, height; /* the last answer; width is -1 where there is none */
    guint serial;      /* of the font it was for */
};

G_DEFINE_FINAL_TYPE(MonitorParagraph, monitor_paragraph, GTK_TYPE_WIDGET)

static PangoContext *context_of(MonitorParagraph *self)
{
    return pango_layout_get_context(self->layout);
}

static int characters(MonitorParagraph *self, int n)
{
    PangoFontMetrics *metrics = pango_context_get_metrics(context_of(self), NULL, NULL);
    int width = pango_font_metrics_get_approximate_char_width(metrics);
    pango_font_metrics_unref(metrics);
    return PANGO_PIXELS_CEIL(n * width);
}

/* A single line is as high in any width. */
static gboolean is_known(MonitorParagraph *self, int width)
{
    gboolean same = self->width == width || pango_layout_get_single_paragraph_mode(self->layout);
    return same && self->width >= 0 && self->serial == pango_context_get_serial(context_of(self));
}

/* In its least width, in which it is never shown: a scrolled window asks for it. */
static int height_in_least_width(MonitorParagraph *self)
{
    int lines = 1 + pango_layout_get_character_count(self->layout) / WIDTH_MIN;
    return lines * characters(self, 2);
}

static int height_for(MonitorParagraph *self, int width)
{
    if (is_known(self, width))
        return self->height;
    if (width <= characters(self, WIDTH_MIN))
        return height_in_least_width(self);
    pango_layout_set_width(self->layout, width * PANGO_SCALE);
    pango_layout_get_pixel_size(self->layout, NULL, &self->height);
    self->width = width;
    self->serial = pango_context_get_serial(context_of(self));
    return self->height;
}

static void monitor_paragraph_measure(GtkWidget *widget, GtkOrientation orientation, int for_size,
                                      int *minimum, int *natural, int *minimum_baseline,
                                      int *natural_baseline)
{
    MonitorParagraph *self = MONITOR_PARAGRAPH(widget);
    if (orientation == GTK_ORIENTATION_HORIZONTAL) {
        *minimum = characters(self, WIDTH_MIN);
        *natural = characters(self, WIDTH_NATURAL);
    } else {
        *minimum = height_for(self, for_size >= 0 ? for_size : characters(self, WIDTH_NATURAL));
        *natural = *minimum;
    }
}

static GtkSizeRequestMode monitor_paragraph_get_request_mode(GtkWidget *widget)
{
    return GTK_SIZE_REQUEST_HEIGHT_FOR_WIDTH;
}

static void monitor_paragraph_snapshot(GtkWidget *widget, GtkSnapshot *snapshot)
{
    MonitorParagraph *self = MONITOR_PARAGRAPH(widget);
    pango_layout_set_width(self->layout, gtk_widget_get_width(widget) * PANGO_SCALE);
    gtk_snapshot_render_layout(snapshot, gtk_widget_get_style_context(widget), 0, 0, self->layout);
}

void monitor_paragraph_set_text(MonitorParagraph *self, const char *text)
{
    if (g_str_equal(pango_layout_get_text(self->layout), text))
        return; /* GTK's list gives a row its item again where its position has changed */
    pango_layout_set_text(self->layout, text, -1);
    self->width = -1;
    gtk_accessible_update_property(GTK_ACCESSIBLE(self), GTK_ACCESSIBLE_PROPERTY_LABEL, text, -1);
    gtk_widget_queue_resize(GTK_WIDGET(self));
}

void monitor_paragraph_set_single_line(MonitorParagraph *self)
{
    pango_layout_set_single_paragraph_mode(self->layout, TRUE);
    pango_layout_set_height(self->layout, -1);
    pango_layout_set_ellipsize(self->layout, PANGO_ELLIPSIZE_END);
}

static void monitor_paragraph_finalize(GObject *object)
{
    g_clear_object(&MONITOR_PARAGRAPH(object)->layout);
    G_OBJECT_CLASS(monitor_paragraph_parent_class)->finalize(object);
}

static void monitor_paragraph_class_init(MonitorParagraphClass *class)
{
    GtkWidgetClass *widget = GTK_WIDGET_CLASS(class);
    G_OBJECT_CLASS(class)->finalize = monitor_paragraph_finalize;
    widget->measure = monitor_paragraph_measure;
    widget->get_request_mode = monitor_paragraph_get_request_mode;
    widget->snapshot = monitor_paragraph_snapshot;
    gtk_widget_class_set_css_name(widget, "label");
    gtk_widget_class_set_accessible_role(widget, GTK_ACCESSIBLE_ROLE_LABEL);
}

static void monitor_paragraph_init(MonitorParagraph *self)
{
    self->layout = gtk_widget_create_pango_layout(GTK_WIDGET(self), NULL);
    self->width = -1;
    pango_layout_set_wrap(self->layout, PANGO_WRAP_WORD_CHAR);
}

GtkWidget *monitor_paragraph_new(void)
{
    return g_object_new(MONITOR_TYPE_PARAGRAPH, NULL);
}
