/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Preloaded into storkit-monitor by costs.py. It writes lines into $FRAMES: "frame" for each frame
 * and "turn" for each turn of the main loop that took more than 50 ms; when it began, how long it
 * took, and how long of that the window had a CPU; in microseconds.
 */
#include <dlfcn.h>
#include <gtk/gtk.h>
#include <stdio.h>
#include <time.h>

#define LONG_USEC 50000

typedef struct {
    gint64 wall, cpu;
} Moment;

static FILE *out;
static Moment woken, frame;
static GPollFunc next_poll;

static Moment now(void)
{
    struct timespec cpu;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &cpu);
    return (Moment){g_get_monotonic_time(), (gint64)cpu.tv_sec * 1000000 + cpu.tv_nsec / 1000};
}

static void note(const char *word, Moment began, gint64 least)
{
    Moment end = now();
    if (began.wall > 0 && end.wall - began.wall >= least)
        fprintf(out, "%s %" G_GINT64_FORMAT " %" G_GINT64_FORMAT " %" G_GINT64_FORMAT "\n", word,
                began.wall, end.wall - began.wall, end.cpu - began.cpu);
}

static int poll_and_note(GPollFD *fds, guint n, int timeout)
{
    note("turn", woken, LONG_USEC);
    int result = next_poll(fds, n, timeout);
    woken = now();
    return result;
}

static void on_frame(GdkFrameClock *clock, gpointer data)
{
    frame = now();
}

static void on_painted(GdkFrameClock *clock, gpointer data)
{
    note("frame", frame, 0);
}

static void watch(GtkWindow *window)
{
    const char *path = g_getenv("FRAMES");
    GdkFrameClock *clock = gtk_widget_get_frame_clock(GTK_WIDGET(window));
    out = path ? fopen(path, "ae") : NULL;
    if (!out)
        return;
    setlinebuf(out);
    next_poll = g_main_context_get_poll_func(NULL);
    g_main_context_set_poll_func(NULL, poll_and_note);
    g_signal_connect(clock, "before-paint", G_CALLBACK(on_frame), NULL);
    g_signal_connect_after(clock, "after-paint", G_CALLBACK(on_painted), NULL);
}

/* In the place of GTK's own, which it calls. */
void gtk_window_present(GtkWindow *window)
{
    void (*present)(GtkWindow *) = (void (*)(GtkWindow *))dlsym(RTLD_NEXT, "gtk_window_present");
    present(window);
    if (!out)
        watch(window);
}
