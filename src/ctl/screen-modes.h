/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

/*
 * What a program does to the terminal that it writes to, and how to undo it: most modes can be
 * reset without looking, but the other screen must not be left without need (that would move the
 * cursor). So the output is read for that.
 */

typedef struct {
    guint other_screen; /* the mode that switched to it; 0: the main one is shown */

    /* Of the sequence that has begun; it may go on in the next bytes. */
    enum {
        SCREEN_TEXT,
        SCREEN_ESCAPE,
        SCREEN_SEQUENCE,
    } state;
    gboolean is_private; /* ESC [ ? */
    guint numbers[16], n_numbers;
} ScreenModes;

/** Reads what the terminal is sent. Zeros are the start. */
void screen_modes_feed(ScreenModes *modes, const char *bytes, gsize length);

/** The sequence that makes the terminal fit for a shell again. Caller frees. */
char *screen_modes_undo(const ScreenModes *modes);
