/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gio/gio.h>

/*
 * The actions on a run from a notification, the search or the panel.
 */

/** @error is NULL where it worked. */
typedef void (*ActionDone)(const GError *error, gpointer data);

/** Does @action to the run @info: "show" opens storkit-monitor, or a terminal where that is not
 * installed; "attach" and "diff" open a terminal; "resume" and "stop" ask the service,
 * "answer:OPTION" answers the run's first question. @token (or NULL) gives the opened window the
 * focus. @done (or NULL) is called once, maybe at once. */
void action_run(GDBusConnection *bus, const char *action, GVariant *info, const char *token,
                ActionDone done, gpointer data);

/** Opens the live table of the project @root, or of all projects where it is NULL. */
gboolean action_open_top(GDBusConnection *bus, const char *root, const char *token, GError **error);
