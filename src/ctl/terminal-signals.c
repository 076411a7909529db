/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ctl/terminal-signals.h"

#include <signal.h>

static const int killers[] = {SIGINT, SIGQUIT, SIGTERM, SIGHUP};

void terminal_signals_listen(TerminalSignals *signals, sd_event *event,
                             sd_event_signal_handler_t resized, sd_event_signal_handler_t killed,
                             gpointer data)
{
    sd_event_source **source = signals->sources;
    sigset_t set;
    G_STATIC_ASSERT(G_N_ELEMENTS(signals->sources) == G_N_ELEMENTS(killers) + 1);
    sigemptyset(&set);
    sigaddset(&set, SIGWINCH);
    for (gsize i = 0; i < G_N_ELEMENTS(killers); i++)
        sigaddset(&set, killers[i]);
    sigprocmask(SIG_BLOCK, &set, NULL);
    (void)sd_event_add_signal(event, source++, SIGWINCH, resized, data);
    for (gsize i = 0; i < G_N_ELEMENTS(killers); i++)
        (void)sd_event_add_signal(event, source++, killers[i], killed, data);
}

void terminal_signals_clear(TerminalSignals *signals)
{
    for (gsize i = 0; i < G_N_ELEMENTS(signals->sources); i++)
        signals->sources[i] = sd_event_source_disable_unref(signals->sources[i]);
}
