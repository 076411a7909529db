/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/json-file.h"

#include <fcntl.h>
#include <stdio.h>

#include "base/file-read.h"
#include "base/json-scan.h"
#include "base/util.h"

/* run.json holds a command line and the prompt of a queued start: 4 MiB, at worst escaped. */
#define JSON_FILE_MAX (32u * 1024 * 1024)

static gboolean is_one_object(const char *text, gsize length)
{
    JsonScan scan;
    json_scan_init(&scan);
    return json_scan_push(&scan, text, length) && json_scan_finish(&scan);
}

JsonObject *json_file_read(int folder_fd, const char *name, GError **error)
{
    g_autofree char *text = NULL;
    gsize length;
    if (!file_read_own(folder_fd, name, JSON_FILE_MAX, &text, &length, error))
        return NULL;

    g_autoptr(JsonParser) parser = json_parser_new();
    if (!is_one_object(text, length) ||
        !json_parser_load_from_data(parser, text, (gssize)length, NULL)) {
        g_set_error(error, G_FILE_ERROR, G_FILE_ERROR_INVAL, "%s: not a JSON object", name);
        return NULL;
    }
    return json_object_ref(json_node_get_object(json_parser_get_root(parser)));
}

/* Checks that it can be read back: a record with text that is not UTF-8 could not, and the next
 * service would miss it. */
static gboolean check_readable(const char *name, const char *text, GError **error)
{
    gsize length = strlen(text);
    if (length <= JSON_FILE_MAX && is_one_object(text, length))
        return TRUE;
    g_set_error(error, G_FILE_ERROR, G_FILE_ERROR_INVAL,
                "writing %s: it would hold more than %u bytes, or text that is not UTF-8", name,
                JSON_FILE_MAX);
    return FALSE;
}

gboolean json_file_write(int folder_fd, const char *name, JsonBuilder *builder, gboolean sync,
                         GError **error)
{
    g_autoptr(JsonNode) root = json_builder_get_root(builder);
    g_autofree char *text = json_to_string(root, TRUE);
    g_autofree char *temporary = g_strconcat(name, ".new", NULL);
    if (!check_readable(name, text, error))
        return FALSE;
    /* A crash may have left a file there, or somebody created a FIFO to make us wait. */
    unlinkat(folder_fd, temporary, 0);
    autofd fd = open_regular(folder_fd, temporary, O_WRONLY | O_CREAT | O_EXCL);
    if (fd < 0 || !write_all(fd, text, strlen(text)) || (sync && fsync(fd) < 0) ||
        renameat(folder_fd, temporary, folder_fd, name) < 0 || (sync && fsync(folder_fd) < 0)) {
        set_errno_error(error, errno, "writing %s", name);
        unlinkat(folder_fd, temporary, 0);
        return FALSE;
    }
    return TRUE;
}

static JsonNode *get_value(JsonObject *object, const char *member, GType type)
{
    JsonNode *node = json_object_get_member(object, member);
    return node && JSON_NODE_HOLDS_VALUE(node) && json_node_get_value_type(node) == type ? node
                                                                                         : NULL;
}

const char *json_get_string(JsonObject *object, const char *member)
{
    JsonNode *node = get_value(object, member, G_TYPE_STRING);
    return node ? json_node_get_string(node) : NULL;
}

char *json_dup_string(JsonObject *object, const char *member)
{
    const char *text = json_get_string(object, member);
    return g_strdup(text ? text : "");
}

guint64 json_get_uint(JsonObject *object, const char *member, guint64 fallback)
{
    JsonNode *node = get_value(object, member, G_TYPE_INT64);
    return node && json_node_get_int(node) >= 0 ? (guint64)json_node_get_int(node) : fallback;
}

char **json_get_strv(JsonObject *object, const char *member)
{
    g_autoptr(GStrvBuilder) builder = g_strv_builder_new();
    JsonNode *node = json_object_get_member(object, member);
    JsonArray *array = node && JSON_NODE_HOLDS_ARRAY(node) ? json_node_get_array(node) : NULL;
    for (guint i = 0; array && i < json_array_get_length(array); i++) {
        JsonNode *element = json_array_get_element(array, i);
        if (JSON_NODE_HOLDS_VALUE(element) && json_node_get_string(element))
            g_strv_builder_add(builder, json_node_get_string(element));
    }
    return g_strv_builder_end(builder);
}

JsonObject *json_get_object(JsonObject *object, const char *member)
{
    JsonNode *node = json_object_get_member(object, member);
    return node && JSON_NODE_HOLDS_OBJECT(node) ? json_node_get_object(node) : NULL;
}

void json_add_string(JsonBuilder *builder, const char *member, const char *value)
{
    if (!value)
        return;
    json_builder_set_member_name(builder, member);
    json_builder_add_string_value(builder, value);
}

void json_add_uint(JsonBuilder *builder, const char *member, guint64 value)
{
    json_builder_set_member_name(builder, member);
    json_builder_add_int_value(builder, (gint64)value);
}

void json_add_boolean(JsonBuilder *builder, const char *member, gboolean value)
{
    json_builder_set_member_name(builder, member);
    json_builder_add_boolean_value(builder, value);
}

void json_add_strv(JsonBuilder *builder, const char *member, char *const *values)
{
    if (!values)
        return;
    json_builder_set_member_name(builder, member);
    json_builder_begin_array(builder);
    for (; *values; values++)
        json_builder_add_string_value(builder, *values);
    json_builder_end_array(builder);
}
