/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gio/gio.h>

#include "desktop/action-done.h"

/*
 * The actions on a run from a notification, the search or the panel.
 */

/** Does @action to the run @info: "show" opens storkit-monitor, or a terminal where that is not
 * installed; "attach" and "diff" open a terminal; "resume" and "stop" ask the service,
 * "answer:OPTION" answers the run's first question. @token (or NULL) gives the opened window the
 * focus. @done (or NULL) is called once, maybe at once. */
void action_run(GDBusConnection *bus, const char *action, GVariant *info, const char *token,
                ActionDone done, gpointer data);

/** Opens the live table of the project @root, or of all projects where it is NULL. */
gboolean action_open_top(GDBusConnection *bus, const char *root, const char *token, GError **error);

/** Opens that of the hosts of ctl.toml. */
gboolean action_open_top_of_hosts(GDBusConnection *bus, const char *token, GError **error);
