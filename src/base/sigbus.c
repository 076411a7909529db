/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/sigbus.h"

#include <errno.h>
#include <signal.h>
#include <sys/mman.h>
#include <unistd.h>

/* The place that this thread is accessing. SIGBUS goes to the thread that caused it, so this is
 * enough for the handler to tell ours from others: no list, no lock. */
static __thread guint64 *volatile touched;
static gsize page_size;

static void on_sigbus(int number, siginfo_t *info, void *context)
{
    int saved = errno;
    void *page = (void *)((guintptr)info->si_addr & ~(page_size - 1));
    if (!touched || info->si_addr != (void *)touched ||
        mmap(page, page_size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1,
             0) == MAP_FAILED)
        signal(SIGBUS, SIG_DFL); /* it comes again, and is deadly */
    errno = saved;
}

void sigbus_init(void)
{
    page_size = (gsize)sysconf(_SC_PAGESIZE);
    struct sigaction action = {.sa_sigaction = on_sigbus, .sa_flags = SA_SIGINFO | SA_RESTART};
    sigemptyset(&action.sa_mask);
    sigaction(SIGBUS, &action, NULL);
}

guint64 sigbus_load(guint64 *place)
{
    touched = place;
    __atomic_signal_fence(__ATOMIC_SEQ_CST);
    guint64 value = __atomic_load_n(place, __ATOMIC_RELAXED);
    __atomic_signal_fence(__ATOMIC_SEQ_CST);
    touched = NULL;
    return value;
}

void sigbus_store(guint64 *place, guint64 value)
{
    touched = place;
    __atomic_signal_fence(__ATOMIC_SEQ_CST);
    __atomic_store_n(place, value, __ATOMIC_RELAXED);
    __atomic_signal_fence(__ATOMIC_SEQ_CST);
    touched = NULL;
}
