/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ctl/progress.h"

#include <stdio.h>

#include "ctl/format.h"
#include "ctl/terminal.h"
#include "ctl/text.h"

#define TICK_USEC (200 * G_TIME_SPAN_MILLISECOND)
#define GLYPH_WIDTH 2
#define WIPE "\r\033[K"

struct Progress {
    sd_event_source *timer; /* NULL: nobody is looking */
    char *text;
    gint64 began;
    guint ticks;
};

static void draw(Progress *progress)
{
    static const char *const frames[] = {"⠋", "⠙", "⠸", "⠴", "⠦", "⠇"};
    static const char *const ascii_frames[] = {"|", "/", "-", "\\", "|", "-"};
    guint frame = progress->ticks++ % G_N_ELEMENTS(frames);
    g_autofree char *span = format_span((guint64)(g_get_monotonic_time() - progress->began) /
                                        G_USEC_PER_SEC * G_USEC_PER_SEC);
    g_autofree char *rest = g_strdup_printf(" (%s)", span);
    /* A line as wide as the terminal would leave a copy behind as it scrolls. */
    int room = terminal_stderr_width() - 1 - GLYPH_WIDTH - text_width(rest);
    g_autofree char *text = text_shorten(progress->text, room);

    fprintf(stderr, WIPE "%s %s%s", text_glyph(frames[frame], ascii_frames[frame]), text,
            room > 0 ? rest : "");
}

static int on_tick(sd_event_source *source, guint64 usec, void *userdata)
{
    draw(userdata);
    (void)sd_event_source_set_time_relative(source, TICK_USEC);
    (void)sd_event_source_set_enabled(source, SD_EVENT_ONESHOT);
    return 0;
}

Progress *progress_new(Ctl *ctl, const char *text)
{
    Progress *progress = g_new0(Progress, 1);
    progress->text = text_clean(text, FALSE);
    progress->began = g_get_monotonic_time();
    if (terminal_is_stderr() && !ctl->quiet)
        (void)sd_event_add_time_relative(ctl->event, &progress->timer, CLOCK_MONOTONIC, TICK_USEC,
                                         0, on_tick, progress);
    return progress;
}

void progress_set(Progress *progress, const char *text)
{
    g_free(progress->text);
    progress->text = text_clean(text, FALSE);
}

void progress_free(Progress *progress)
{
    if (progress->ticks > 0)
        fputs(WIPE, stderr);
    sd_event_source_disable_unref(progress->timer);
    g_free(progress->text);
    g_free(progress);
}
