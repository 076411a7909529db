/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gio/gio.h>

/*
 * storkit-monitor, where it is installed: the bus starts it.
 */

/** @error is NULL where its window opens, and G_IO_ERROR_NOT_FOUND where it is not installed. */
typedef void (*MonitorDone)(const GError *error, gpointer data);

/** Opens its window, on the run @run_id where it is not NULL. @token (or NULL) lets it take the
 * focus. @done is called once. */
void desktop_monitor_open(GDBusConnection *bus, const char *run_id, const char *token,
                          MonitorDone done, gpointer data);
