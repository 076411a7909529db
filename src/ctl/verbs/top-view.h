/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "ctl/verbs/top-model.h"

/** Takes over the terminal's other screen; top_view_close() gives it back. */
void top_view_open(void);
void top_view_close(void);

/** Which rows are on the screen; kept by top_view_draw() from frame to frame. */
typedef struct {
    int first; /* the topmost */
    int n;     /* how many fit */
} TopScroll;

/** Draws the whole frame over the last one, in one write, scrolled so that the @selected row, which
 *  is marked, is among those shown. @footer is the bottom line (a question, a message), or NULL for
 *  the keys. @away: the service does not answer, the figures are old. */
void top_view_draw(const TopModel *model, TopScroll *scroll, int selected, const char *footer,
                   gboolean away);

/** Draws the help instead. */
void top_view_draw_help(void);
