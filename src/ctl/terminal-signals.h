/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <systemd/sd-event.h>

/*
 * The signals that concern a command which has taken over the terminal. A terminal left raw, or on
 * its other screen, would be the worst: so they end the command in the ordinary way.
 */

typedef struct {
    sd_event_source *sources[5];
} TerminalSignals;

/** From now on @resized is called at SIGWINCH, and @killed at each signal that asks for the end.
 *  Both get @data. */
void terminal_signals_listen(TerminalSignals *signals, sd_event *event,
                             sd_event_signal_handler_t resized, sd_event_signal_handler_t killed,
                             gpointer data);

/** The signals stay blocked: those that come now, at the end, are too late to matter. */
void terminal_signals_clear(TerminalSignals *signals);
