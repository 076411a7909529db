/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <adwaita.h>
#include <storkit/storkit.h>

/*
 * The terminal of a run's agent: in the window where VTE was found, else the user's own terminal.
 */

#define MONITOR_TYPE_TERMINAL_PAGE (monitor_terminal_page_get_type())
G_DECLARE_FINAL_TYPE(MonitorTerminalPage, monitor_terminal_page, MONITOR, TERMINAL_PAGE, AdwBin)

/** The terminal of @run, once somebody attaches to it; NULL: of none. */
void monitor_terminal_page_set_run(MonitorTerminalPage *self, StorkitRun *run);

/** Attaches to the agent's terminal. */
void monitor_terminal_page_attach(MonitorTerminalPage *self);
