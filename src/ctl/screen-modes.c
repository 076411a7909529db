/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ctl/screen-modes.h"

#define ESC '\033'
#define CANCEL 0x18
#define SUBSTITUTE 0x1A

/* The kitty protocol's keys, which each screen has for itself. */
#define PLAIN_KEYS "\033[=0u"

/* The whole screen scrolls; that moves the cursor, so it is kept. Terminals that don't know the
 * sequences for the keys may take them for "back to the kept cursor", which does no harm here. */
#define KEEP_CURSOR "\0337"
#define WHOLE_SCREEN "\033[r"
#define KEPT_CURSOR "\0338"

/* Long lines wrap, characters replace others; the keypad and the arrows send codes that a shell
 * knows; ASCII. */
#define PLAIN_TYPING "\033[?7h\033[4l\033[?1l\033>\033(B\017"

/* No reports of the mouse, focus or pasted text; an unfinished frame is shown. */
#define NO_REPORTS "\033[?1000l\033[?1002l\033[?1003l\033[?1006l\033[?1004l\033[?2004l\033[?2026l"

#define CURSOR_AND_NO_COLOURS "\033[?25h\033[0m"

/* Modes that are on in a terminal that nobody has touched: auto-repeat, wrapping, the cursor. */
static const guint16 on_by_default[] = {7, 8, 25};

/* Modes that are undone in their own way, or can't be: the screens, a kept cursor, 132 columns
 * (which wipes the screen), the cursor's blinking (part of its form). */
static const guint16 left_alone[] = {3, 12, 47, 1047, 1048, 1049};

static gboolean is_among(guint number, const guint16 *numbers, gsize n)
{
    for (gsize i = 0; i < n; i++)
        if (numbers[i] == number)
            return TRUE;
    return FALSE;
}

static gboolean is_other_screen(guint mode)
{
    return mode == 47 || mode == 1047 || mode == 1049;
}

static void begin_sequence(ScreenModes *modes)
{
    modes->state = SCREEN_SEQUENCE;
    modes->prefix = modes->intermediate = 0;
    modes->n_numbers = 1;
    modes->numbers[0] = 0;
}

static void note_mode(ScreenModes *modes, guint number, gboolean on)
{
    guint i = 0;
    if (is_other_screen(number))
        modes->other_screen = on ? number : 0;
    if (number > G_MAXUINT16 || is_among(number, left_alone, G_N_ELEMENTS(left_alone)))
        return;
    while (i < modes->n_changed && modes->changed[i].number != number)
        i++;
    if (i == G_N_ELEMENTS(modes->changed))
        return;
    modes->changed[i].number = (guint16)number;
    modes->changed[i].on = on;
    modes->n_changed = MAX(modes->n_changed, i + 1);
}

/* ESC [ > FLAGS u pushes, ESC [ < N u pops. */
static void note_keys(ScreenModes *modes)
{
    guint *pushed = &modes->keys_pushed[modes->other_screen > 0];
    guint n = MAX(modes->numbers[0], 1);
    if (modes->prefix == '>')
        *pushed = MIN(*pushed + 1, 99);
    else if (modes->prefix == '<')
        *pushed -= MIN(n, *pushed);
}

static void note_private(ScreenModes *modes, char final)
{
    guint n = MIN(modes->n_numbers, G_N_ELEMENTS(modes->numbers));
    for (guint i = 0; modes->prefix == '?' && (final == 'h' || final == 'l') && i < n; i++)
        note_mode(modes, modes->numbers[i], final == 'h');
    if (final == 'u')
        note_keys(modes);
    if (modes->prefix == '>' && final == 'm' && modes->numbers[0] < 8)
        modes->key_options |= 1u << modes->numbers[0];
}

static void end_sequence(ScreenModes *modes, char final)
{
    modes->state = SCREEN_TEXT;
    if (modes->intermediate == ' ' && final == 'q')
        modes->cursor_form = TRUE;
    else if (modes->intermediate)
        return;
    else if (modes->prefix)
        note_private(modes, final);
    else if (modes->numbers[0] == 20 && (final == 'h' || final == 'l'))
        modes->new_line = final == 'h';
}

/* A colour is set; "?" after the ";" only asks for it. 104 and 110 to 119 are resets. */
static void end_command(ScreenModes *modes, char next)
{
    guint number = modes->numbers[0];
    modes->state = SCREEN_TEXT;
    if (next == '?')
        return;
    if (number == 4 || number == 5)
        modes->palette = TRUE;
    else if (number >= 10 && number <= 19)
        modes->colours |= 1u << (number - 10);
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
    else if (c >= '<' && c <= '?')
        modes->prefix = c;
    else if (c >= ' ' && c <= '/')
        modes->intermediate = c;
    else if (c >= 0x40 && c < 0x7F)
        end_sequence(modes, c);
    else if (c == CANCEL || c == SUBSTITUTE)
        modes->state = SCREEN_TEXT;
}

/* The number, a ";", and one character more. */
static void feed_command(ScreenModes *modes, char c)
{
    if (modes->intermediate)
        end_command(modes, c);
    else if (g_ascii_isdigit(c))
        take_digit(modes, c);
    else if (c == ';')
        modes->intermediate = c;
    else
        modes->state = SCREEN_TEXT;
}

/* ESC c resets everything. */
static void reset(ScreenModes *modes)
{
    *modes = (ScreenModes){.state = SCREEN_TEXT};
}

static void feed_escape(ScreenModes *modes, char c)
{
    modes->state = SCREEN_TEXT;
    if (c == '[' || c == ']')
        begin_sequence(modes);
    if (c == ']')
        modes->state = SCREEN_COMMAND;
    else if (c == 'c')
        reset(modes);
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
        else if (modes->state == SCREEN_COMMAND)
            feed_command(modes, bytes[i]);
    }
}

/* As many as the program pushed; the one then on top is the user's. */
static void append_keys(GString *undo, guint pushed)
{
    if (pushed > 0)
        g_string_append_printf(undo, "\033[<%uu", pushed);
    else
        g_string_append(undo, PLAIN_KEYS);
}

static void append_modes(GString *undo, const ScreenModes *modes)
{
    for (guint i = 0; i < modes->n_changed; i++) {
        guint number = modes->changed[i].number;
        gboolean wanted = is_among(number, on_by_default, G_N_ELEMENTS(on_by_default));
        if (modes->changed[i].on != wanted)
            g_string_append_printf(undo, "\033[?%u%c", number, wanted ? 'h' : 'l');
    }
}

static void append_looks(GString *undo, const ScreenModes *modes)
{
    for (guint i = 0; i < 8; i++)
        if (modes->key_options & (1u << i))
            g_string_append_printf(undo, "\033[>%um", i);
    for (guint i = 0; i < 10; i++)
        if (modes->colours & (1u << i))
            g_string_append_printf(undo, "\033]%u\033\\", 110 + i);
    if (modes->palette)
        g_string_append(undo, "\033]104\033\\");
    if (modes->cursor_form)
        g_string_append(undo, "\033[0 q");
    if (modes->new_line)
        g_string_append(undo, "\033[20l");
}

char *screen_modes_undo(const ScreenModes *modes)
{
    GString *undo = g_string_new(NULL);
    append_modes(undo, modes);
    append_looks(undo, modes);
    if (modes->other_screen > 0) {
        append_keys(undo, modes->keys_pushed[1]);
        g_string_append_printf(undo, "\033[?%ul", modes->other_screen);
    }
    g_string_append(undo, KEEP_CURSOR WHOLE_SCREEN);
    append_keys(undo, modes->keys_pushed[0]);
    g_string_append(undo, KEPT_CURSOR PLAIN_TYPING NO_REPORTS CURSOR_AND_NO_COLOURS);
    return g_string_free(undo, FALSE);
}
