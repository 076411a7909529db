/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

#include "agents/kind.h"
#include "base/json-tape.h"

/*
 * The JSON of an agent's line, as the kinds read it: every function accepts that a member is absent
 * or has an unexpected type. Values are named by their path from the given one
 * ("error.data.message"); "" is that value itself.
 */

/** A line that the scan (json-scan.h) accepted as an object, with the scan's tape. */
typedef struct {
    const char *text;
    const JsonTape *tape;
    GPtrArray *strings; /* that were asked for, or NULL */
} LineDocument;

/** Of @text and @tape, which outlive it. */
static inline LineDocument line_document(const char *text, const JsonTape *tape)
{
    return (LineDocument){text, tape, NULL};
}

void line_document_clear(LineDocument *document);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(LineDocument, line_document_clear)

/** LineJson: a value inside a line. Returned values belong to the document, unless stated
 * otherwise.
 */
struct LineJson {
    LineDocument *document; /* NULL: no value */
    guint32 index;          /* of its token */
};

/** The line itself. */
static inline LineJson line_document_root(LineDocument *document)
{
    return (LineJson){document, 0};
}

/** NULL if there is no string. Half a surrogate pair and a \u0000 in it become U+FFFD. */
const char *line_json_string(LineJson json, const char *path);

/** The same, but the caller frees it. */
char *line_json_dup_string(LineJson json, const char *path);

/** The JSON text of the value at @path, as it was printed; NULL where there is none. Caller frees.
 */
char *line_json_dup_raw(LineJson json, const char *path);

/** Whether the string at @path is @expected, of at most 64 bytes. */
gboolean line_json_is(LineJson json, const char *path, const char *expected);

/** Whether the member is there, and neither null nor false. */
gboolean line_json_is_set(LineJson json, const char *path);

/** A number from 0 to @max. FALSE if there is none, and leaves @ret unchanged. An integer's @max is
 *  at most 2^53 (a double holds it on the way), a fraction is cut off. */
gboolean line_json_double(LineJson json, const char *path, double max, double *ret);
gboolean line_json_uint(LineJson json, const char *path, guint64 max, guint64 *ret);

/** Calls @each for every element of the array, or every member's value of the object, at @path. */
void line_json_foreach(LineJson json, const char *path, void (*each)(LineJson value, gpointer data),
                       gpointer data);
