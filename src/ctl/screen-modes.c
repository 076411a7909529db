/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ctl/screen-modes.h"

#define ESC '\033'
#define CANCEL 0x18
#define SUBSTITUTE 0x1A

/* The kitty protocol's keys, which each screen has for itself. */
#define PLAIN_KEYS "\033[=0u"

/* The whole screen scrolls; that moves the cursor, so it is kept. Terminals that don't know the
 * sequence for the keys may take it for "back to the kept cursor", which does no harm here. */
#define WHOLE_SCREEN                                                                               \
    "\0337"                                                                                        \
    "\033[r" PLAIN_KEYS "\0338"

/* Long lines wrap, characters replace others; the keypad and the arrows send what a shell knows;
 * ASCII. */
#define PLAIN_TYPING "\033[?7h\033[4l\033[?1l\033>\033(B\017"

/* Nothing is told of the mouse, of focus and of pasted text; a frame that was begun is shown. */
#define NO_REPORTS "\033[?1000l\033[?1002l\033[?1003l\033[?1006l\033[?1004l\033[?2004l\033[?2026l"

#define CURSOR_AND_NO_COLOURS "\033[?25h\033[0m"

static gboolean is_other_screen(guint mode)
{
    return mode == 47 || mode == 1047 || mode == 1049;
}

static void begin_sequence(ScreenModes *modes)
{
    modes->state = SCREEN_SEQUENCE;
    modes->is_private = FALSE;
    modes->n_numbers = 1;
    modes->numbers[0] = 0;
}

static void end_sequence(ScreenModes *modes, char final)
{
    modes->state = SCREEN_TEXT;
    if (!modes->is_private || (final != 'h' && final != 'l'))
        return;
    for (guint i = 0; i < MIN(modes->n_numbers, G_N_ELEMENTS(modes->numbers)); i++)
        if (is_other_screen(modes->numbers[i]))
            modes->other_screen = final == 'h' ? modes->numbers[i] : 0;
}

/* More numbers than there is room for are counted, and not kept. */
static void take_digit(ScreenModes *modes, char digit)
{
    guint *number = &modes->numbers[modes->n_numbers - 1];

    if (modes->n_numbers <= G_N_ELEMENTS(modes->numbers))
        *number = MIN(*number * 10 + (guint)(digit - '0'), 9999);
}

static void next_number(ScreenModes *modes)
{
    if (modes->n_numbers < G_N_ELEMENTS(modes->numbers))
        modes->numbers[modes->n_numbers] = 0;
    if (modes->n_numbers <= G_N_ELEMENTS(modes->numbers))
        modes->n_numbers++;
}

static void feed_sequence(ScreenModes *modes, char c)
{
    if (g_ascii_isdigit(c))
        take_digit(modes, c);
    else if (c == ';')
        next_number(modes);
    else if (c == '?')
        modes->is_private = TRUE;
    else if (c >= 0x40 && c < 0x7F)
        end_sequence(modes, c);
    else if (c == CANCEL || c == SUBSTITUTE)
        modes->state = SCREEN_TEXT;
}

static void feed_escape(ScreenModes *modes, char c)
{
    modes->state = SCREEN_TEXT;
    if (c == '[')
        begin_sequence(modes);
    else if (c == 'c')
        modes->other_screen = 0; /* a reset of everything */
}

void screen_modes_feed(ScreenModes *modes, const char *bytes, gsize length)
{
    for (gsize i = 0; i < length; i++) {
        if (bytes[i] == ESC)
            modes->state = SCREEN_ESCAPE;
        else if (modes->state == SCREEN_ESCAPE)
            feed_escape(modes, bytes[i]);
        else if (modes->state == SCREEN_SEQUENCE)
            feed_sequence(modes, bytes[i]);
    }
}

char *screen_modes_undo(const ScreenModes *modes)
{
    GString *undo = g_string_new(NULL);

    if (modes->other_screen > 0)
        g_string_append_printf(undo, PLAIN_KEYS "\033[?%ul", modes->other_screen);
    g_string_append(undo, WHOLE_SCREEN PLAIN_TYPING NO_REPORTS CURSOR_AND_NO_COLOURS);
    return g_string_free(undo, FALSE);
}
