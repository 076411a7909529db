/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

#include "ctl/terminal.h"

/*
 * A table for people. It fits the terminal: flexible columns are cut, the widest first; where that
 * does not do the last ones are left out. So is a column without a single cell of text.
 */

typedef struct {
    const char *title;
    gboolean right;
    int minimum; /* a flexible column is never cut below this; 0: not flexible */
    int least;   /* it is never narrower, whatever is in it, so that the next ones stay in place */
} Column;

typedef struct Table Table;

/** A table of the @n_columns @columns, which outlive it. Caller: table_free(). */
Table *table_new(const Column *columns, guint n_columns);

/** Adds the next cell, row by row from the left. @text may be NULL or anything an agent wrote: it
 *  is made harmless here. */
void table_add(Table *table, Style style, const char *text);

/** Lays the table out for @width columns; no line is wider. Returns its rows as lines without
 *  newline, the first one the header. Caller: g_ptr_array_unref(). */
GPtrArray *table_lines(Table *table, int width);

/** Prints it to standard output; the header only with @header. */
void table_print(Table *table, gboolean header);

void table_free(Table *table);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Table, table_free)
