/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <adwaita.h>

/*
 * The one instance of the monitor in a session. Its actions, which others call over the bus as
 * org.freedesktop.Application has it: `show-run` (s, the run's id), `new-run`.
 */

#define MONITOR_TYPE_APPLICATION (monitor_application_get_type())
G_DECLARE_FINAL_TYPE(MonitorApplication, monitor_application, MONITOR, APPLICATION, AdwApplication)

MonitorApplication *monitor_application_new(void);
