/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

#include "agents/kind.h"

/*
 * The JSON of an agent's line, as the kinds look at it: what is asked of it never minds that a
 * member is absent or of another type than expected. Values are named by their path from the one
 * that is asked ("error.data.message"); "" is that value itself.
 */

/** LineJson: a value inside a line. It and all that it answers belong to the line's document. */
struct LineJson {
    gpointer node; /* line-json.c's own; NULL: no value */
};

/** The document that @text is, which the scan (json-scan.h) took for an object: its root. A \u0000
 *  or lone surrogate in it is U+FFFD. Caller: line_json_free(). Its node is NULL where it can't be
 *  read all the same. */
LineJson line_json_parse(const char *text, gsize length);
void line_json_free(LineJson document);

/** NULL where there is no string. */
const char *line_json_string(LineJson json, const char *path);

/** Whether the string at @path is @expected. */
gboolean line_json_is(LineJson json, const char *path, const char *expected);

/** Whether the member is there, and neither null nor false. */
gboolean line_json_is_set(LineJson json, const char *path);

/** A number from 0 to @max. FALSE where there is none, and leaves @ret alone. An integer's @max is
 *  at most 2^53 (a double holds it on the way), a fraction is cut off. */
gboolean line_json_double(LineJson json, const char *path, double max, double *ret);
gboolean line_json_uint(LineJson json, const char *path, guint64 max, guint64 *ret);

/** Calls @each for every element of the array, or every member's value of the object, at @path. */
void line_json_foreach(LineJson json, const char *path, void (*each)(LineJson value, gpointer data),
                       gpointer data);
