/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

/*
 * The modes that a program sets in its terminal, and how to undo them. Most can be reset without
 * looking. Others cannot: leaving the other screen without need would move the cursor, a stack of
 * key modes must be popped as often as it was pushed, and colours and the cursor's form are the
 * user's own unless the program has changed them. So the output is scanned for those.
 */

#define SCREEN_MODES_MAX 64

typedef struct {
    guint other_screen; /* the mode that switched to it; 0: the main one is shown */

    struct {
        guint16 number;
        gboolean on;
    } changed[SCREEN_MODES_MAX]; /* private modes as the program left them */
    guint n_changed;
    guint keys_pushed[2]; /* onto the kitty protocol's stack: of the main screen, of the other */
    guint key_options;    /* bits: which of xterm's modifyOtherKeys and kin were set */
    guint colours;        /* bits: dynamic colours 10 to 19 that were set */
    gboolean palette, cursor_form, new_line;

    /* For an unfinished sequence, which may continue in the next bytes. */
    enum {
        SCREEN_TEXT,
        SCREEN_ESCAPE,
        SCREEN_SEQUENCE,
        SCREEN_COMMAND, /* ESC ], a number, ";" */
    } state;
    char prefix;       /* ESC [ ?, >, <, =; or 0 */
    char intermediate; /* before the final character, or 0 */
    guint numbers[16], n_numbers;
} ScreenModes;

/** Scans output for the terminal. Initialised with zeros. */
void screen_modes_feed(ScreenModes *modes, const char *bytes, gsize length);

/** The sequence that makes the terminal fit for a shell again. Caller frees. */
char *screen_modes_undo(const ScreenModes *modes);
