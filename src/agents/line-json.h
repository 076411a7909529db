/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <json-glib/json-glib.h>

/*
 * json-glib for the lines of an agent: what it gets is safe for it, and what is asked of it never
 * minds that a member is absent or of another type than expected. Members are named by their path
 * ("error.data.message"); an answer belongs to the object.
 */

/** Parses @text, which the scan (json-scan.h) took for an object. A \u0000 or lone surrogate in it
 *  becomes U+FFFD. Caller unrefs. NULL where json-glib will not have it all the same. */
JsonObject *line_json_parse(const char *text, gsize length);

/** NULL where there is no such object, array or string. */
JsonObject *line_json_object(JsonObject *object, const char *path);
JsonArray *line_json_array(JsonObject *object, const char *path);
const char *line_json_string(JsonObject *object, const char *path);

/** The object at @index of @array, or NULL where something else is there. */
JsonObject *line_json_element(JsonArray *array, guint index);

/** The strings among the elements of @array with "; " between them. NULL where there are none.
 *  Caller frees. */
char *line_json_join(JsonArray *array);

/** Whether the string at @path is @expected. */
gboolean line_json_is(JsonObject *object, const char *path, const char *expected);

/** Whether the member is there, and neither null nor false. */
gboolean line_json_is_set(JsonObject *object, const char *path);

/** A number from 0 to @max. FALSE where there is none, and leaves @ret alone. An integer's @max is
 *  at most 2^53 (a double holds it on the way), a fraction is cut off. */
gboolean line_json_double(JsonObject *object, const char *path, double max, double *ret);
gboolean line_json_uint(JsonObject *object, const char *path, guint64 max, guint64 *ret);
