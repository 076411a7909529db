/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gio/gio.h>

#include "desktop/action-done.h"

/** Does "stop", "resume" or an answer to the run @info of another machine, by storkitctl; @done (or
 *  NULL) is called once, maybe at once. FALSE: @action is another one. */
gboolean action_run_far(const char *action, GVariant *info, ActionDone done, gpointer data);
