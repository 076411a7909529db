/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <json-glib/json-glib.h>

/*
 * Reading JSON whose shape is a promise of others: every function takes NULL for "not there", and
 * a member of another type than expected is not there either.
 */

JsonObject *json_get_object(JsonObject *object, const char *key);
JsonArray *json_get_array(JsonObject *object, const char *key);
const char *json_get_string(JsonObject *object, const char *key);

/** FALSE where it is not there. */
gboolean json_get_boolean(JsonObject *object, const char *key);

/** 0 where it is not there; numbers of the other kind are converted. */
gint64 json_get_int(JsonObject *object, const char *key);
double json_get_double(JsonObject *object, const char *key);

/** The element at @index as an object, or NULL. */
JsonObject *json_array_get_object(JsonArray *array, guint index);

/** The length, 0 for NULL. */
guint json_array_length(JsonArray *array);

/** Parses one object of @length bytes; NULL if it is not one. Caller: json_object_unref(). */
JsonObject *json_parse_object(const char *text, gsize length);
