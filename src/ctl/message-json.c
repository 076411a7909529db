/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ctl/message-json.h"

static JsonNode *node_of_string(const char *text)
{
    return json_node_init_string(json_node_alloc(), text);
}

static JsonNode *node_of_int(gint64 value)
{
    return json_node_init_int(json_node_alloc(), value);
}

static JsonNode *node_of_double(double value)
{
    return json_node_init_double(json_node_alloc(), value);
}

/* json-glib's integers are signed: what does not fit ("infinity") is still a number. */
static JsonNode *node_of_uint64(guint64 value)
{
    return value > G_MAXINT64 ? node_of_double((double)value) : node_of_int((gint64)value);
}

static JsonNode *read_basic(sd_bus_message *message, char type)
{
    union {
        const char *text;
        double real;
        guint64 u64;
        gint64 i64;
        guint32 u32;
        gint32 i32;
        guint16 u16;
        gint16 i16;
        guint8 u8;
        int boolean;
    } value;

    if (sd_bus_message_read_basic(message, type, &value) <= 0)
        return NULL;
    switch (type) {
    case SD_BUS_TYPE_STRING:
    case SD_BUS_TYPE_OBJECT_PATH:
    case SD_BUS_TYPE_SIGNATURE:
        return node_of_string(value.text);
    case SD_BUS_TYPE_BOOLEAN:
        return json_node_init_boolean(json_node_alloc(), value.boolean);
    case SD_BUS_TYPE_DOUBLE:
        return node_of_double(value.real);
    case SD_BUS_TYPE_UINT64:
        return node_of_uint64(value.u64);
    case SD_BUS_TYPE_INT64:
        return node_of_int(value.i64);
    case SD_BUS_TYPE_UINT32:
        return node_of_int(value.u32);
    case SD_BUS_TYPE_INT32:
        return node_of_int(value.i32);
    case SD_BUS_TYPE_UINT16:
        return node_of_int(value.u16);
    case SD_BUS_TYPE_INT16:
        return node_of_int(value.i16);
    case SD_BUS_TYPE_BYTE:
        return node_of_int(value.u8);
    default:
        return NULL;
    }
}

static gboolean read_member(sd_bus_message *message, JsonObject *object)
{
    const char *key;
    if (sd_bus_message_read_basic(message, SD_BUS_TYPE_STRING, &key) <= 0)
        return FALSE;
    JsonNode *value = message_read_json(message);
    if (!value)
        return FALSE;
    json_object_set_member(object, key, value);
    return sd_bus_message_exit_container(message) >= 0;
}

static JsonNode *read_object(sd_bus_message *message, const char *entry)
{
    g_autoptr(JsonObject) object = json_object_new();
    g_autofree char *contents = g_strndup(entry + 1, strlen(entry) - 2);
    int r;
    if (contents[0] != SD_BUS_TYPE_STRING ||
        sd_bus_message_enter_container(message, SD_BUS_TYPE_ARRAY, entry) <= 0)
        return NULL;
    while ((r = sd_bus_message_enter_container(message, SD_BUS_TYPE_DICT_ENTRY, contents)) > 0)
        if (!read_member(message, object))
            return NULL;
    if (r < 0 || sd_bus_message_exit_container(message) < 0)
        return NULL;
    return json_node_init_object(json_node_alloc(), object);
}

static JsonNode *read_array(sd_bus_message *message, const char *contents)
{
    g_autoptr(JsonArray) array = json_array_new();
    if (sd_bus_message_enter_container(message, SD_BUS_TYPE_ARRAY, contents) <= 0)
        return NULL;
    while (sd_bus_message_at_end(message, FALSE) == 0) {
        JsonNode *element = message_read_json(message);
        if (!element)
            return NULL;
        json_array_add_element(array, element);
    }
    if (sd_bus_message_exit_container(message) < 0)
        return NULL;
    return json_node_init_array(json_node_alloc(), array);
}

static JsonNode *read_variant(sd_bus_message *message, const char *contents)
{
    if (sd_bus_message_enter_container(message, SD_BUS_TYPE_VARIANT, contents) <= 0)
        return NULL;
    g_autoptr(JsonNode) value = message_read_json(message);
    if (!value || sd_bus_message_exit_container(message) < 0)
        return NULL;
    return g_steal_pointer(&value);
}

JsonNode *message_read_json(sd_bus_message *message)
{
    const char *contents;
    char type;
    if (sd_bus_message_peek_type(message, &type, &contents) <= 0)
        return NULL;
    if (type == SD_BUS_TYPE_ARRAY)
        return contents[0] == SD_BUS_TYPE_DICT_ENTRY_BEGIN ? read_object(message, contents)
                                                           : read_array(message, contents);
    if (type == SD_BUS_TYPE_VARIANT)
        return read_variant(message, contents);
    return read_basic(message, type);
}
