/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <adwaita.h>
#include <storkit/storkit.h>

/*
 * What a run asks, with its answers; hidden where it asks nothing.
 */

#define MONITOR_TYPE_QUESTION_BAR (monitor_question_bar_get_type())
G_DECLARE_FINAL_TYPE(MonitorQuestionBar, monitor_question_bar, MONITOR, QUESTION_BAR, AdwBin)

/** Shows the first open question of @run, as they come and go; NULL: none. */
void monitor_question_bar_set_run(MonitorQuestionBar *self, StorkitRun *run);
