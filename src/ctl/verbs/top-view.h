/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "ctl/verbs/top-model.h"

/** Takes over the terminal's other screen; top_view_close() gives it back. */
void top_view_open(void);
void top_view_close(void);

/** Draws the whole frame over the last one, in one write. @selected is the marked row, @footer the
 *  bottom line (a question, a message), or NULL for the keys. @away: the service does not answer,
 *  what is shown is old. */
void top_view_draw(const TopModel *model, int selected, const char *footer, gboolean away);
