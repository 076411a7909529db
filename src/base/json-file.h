/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <json-glib/json-glib.h>

/*
 * The small JSON files of a run's folder: read whole, written atomically.
 */

/** The object in the file @name of the folder @folder_fd. Checked by the strict scan first. Sets
 *  G_FILE_ERROR (G_FILE_ERROR_NOENT if there is none) or G_FILE_ERROR_INVAL for anything but a
 *  JSON object. Caller unrefs. */
JsonObject *json_file_read(int folder_fd, const char *name, GError **error);

/** Writes the text of @builder to @name by way of a temporary file: readers see all of it or the
 *  old file. With @sync both the file and the folder are on disk when this returns. Refuses
 *  (G_FILE_ERROR_INVAL) a text that json_file_read() would not take. */
gboolean json_file_write(int folder_fd, const char *name, JsonBuilder *builder, gboolean sync,
                         GError **error);

/** A string member, or NULL if it is absent or not a string. Belongs to @object. */
const char *json_get_string(JsonObject *object, const char *member);

/** The same as a copy, and "" instead of NULL. Caller frees. */
char *json_dup_string(JsonObject *object, const char *member);

/** An integer member, or @fallback if it is absent, not a number, or negative. */
guint64 json_get_uint(JsonObject *object, const char *member, guint64 fallback);

/** An array of strings as a strv (never NULL; other elements are left out). Caller frees. */
char **json_get_strv(JsonObject *object, const char *member);

/** An object member, or NULL. Belongs to @object. */
JsonObject *json_get_object(JsonObject *object, const char *member);

/** Adds a member; nothing for a NULL @value. */
void json_add_string(JsonBuilder *builder, const char *member, const char *value);
void json_add_uint(JsonBuilder *builder, const char *member, guint64 value);
void json_add_boolean(JsonBuilder *builder, const char *member, gboolean value);
void json_add_strv(JsonBuilder *builder, const char *member, char *const *values);
