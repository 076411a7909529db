/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <adwaita.h>

/** Tells the person at the window of @widget that something did not work. A cancelled call is no
 * news. */
void report_error(GtkWidget *widget, const GError *error);

/** Says @text in passing. */
void report_done(GtkWidget *widget, const char *text);
