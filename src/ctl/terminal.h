/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

/*
 * The terminal: its size, its colours, its raw mode.
 */

typedef enum {
    STYLE_NONE,
    STYLE_HEADER,
    STYLE_DIM,
    STYLE_BOLD,
    STYLE_GOOD,
    STYLE_BAD,
    STYLE_WARN,
    STYLE_NAME,
} Style;

/** Whether standard output is a terminal. */
gboolean terminal_is_stdout(void);

/** Whether standard error is a terminal that a user sees. */
gboolean terminal_is_stderr(void);

/** Columns for output: the terminal's, or $COLUMNS; G_MAXINT where there is neither, so that
 *  nothing is cut on its way into a file. */
int terminal_width(void);

/** The same for standard error. */
int terminal_stderr_width(void);

/** The size of the terminal of standard output; 24 by 80 if unknown. */
void terminal_size(int *ret_rows, int *ret_columns);

/** The sequence that begins @style, "" where colours are off: no terminal, NO_COLOR, TERM=dumb. */
const char *style_begin(Style style);

/** The sequence that ends every style but STYLE_NONE. */
const char *style_end(Style style);

/** Makes the terminal of standard input raw, signals of its keys included. FALSE: not possible. */
gboolean terminal_make_raw(void);

/** Undoes terminal_make_raw(); nothing to do without one. */
void terminal_restore(void);

/** Writes all of @length bytes to standard output, past stdio; FALSE: the reader is gone. */
gboolean terminal_write(const void *data, gsize length);
