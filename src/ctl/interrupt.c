/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ctl/interrupt.h"

#include <signal.h>
#include <stdio.h>

#include "ctl/terminal.h"

struct Interrupt {
    Ctl *ctl;
    sd_event_source *source;
    char *advice;
};

static void block_interrupt(int how)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGINT);
    sigprocmask(how, &set, NULL);
}

/* The shell that waits for this program has to see that the signal ended it. */
static int on_interrupt(sd_event_source *source, const struct signalfd_siginfo *info,
                        void *userdata)
{
    const Interrupt *interrupt = userdata;
    if (terminal_is_stderr()) /* below the progress line and the terminal's ^C */
        fputs("\n", stderr);
    ctl_note(interrupt->ctl, "%s", interrupt->advice);
    signal(SIGINT, SIG_DFL);
    block_interrupt(SIG_UNBLOCK);
    return raise(SIGINT);
}

Interrupt *interrupt_new(Ctl *ctl, const char *advice)
{
    Interrupt *interrupt = g_new0(Interrupt, 1);
    interrupt->ctl = ctl;
    interrupt->advice = g_strdup(advice);
    block_interrupt(SIG_BLOCK);
    (void)sd_event_add_signal(ctl->event, &interrupt->source, SIGINT, on_interrupt, interrupt);
    return interrupt;
}

void interrupt_set(Interrupt *interrupt, const char *advice)
{
    g_free(interrupt->advice);
    interrupt->advice = g_strdup(advice);
}

void interrupt_free(Interrupt *interrupt)
{
    sd_event_source_disable_unref(interrupt->source);
    block_interrupt(SIG_UNBLOCK);
    g_free(interrupt->advice);
    g_free(interrupt);
}
