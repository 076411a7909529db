/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gtk/gtk.h>

/*
 * A text that wraps, laid out once for each width. GtkLabel lays such a text out some twenty times
 * for a row of a list: it is asked for a width at each height, and searches for it.
 */

#define MONITOR_TYPE_PARAGRAPH (monitor_paragraph_get_type())
G_DECLARE_FINAL_TYPE(MonitorParagraph, monitor_paragraph, MONITOR, PARAGRAPH, GtkWidget)

GtkWidget *monitor_paragraph_new(void);

/** Shows @text, which is UTF-8. */
void monitor_paragraph_set_text(MonitorParagraph *self, const char *text);

/** Shows one line of it, with an ellipsis at its end. */
void monitor_paragraph_set_single_line(MonitorParagraph *self);
