/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "bus/managed-reply.h"

#include "bus/run-properties.h"

struct ManagedReply {
    sd_bus_message *call, *message;
    GHashTable *objects; /* run id -> Object * */
    int r;
    void (*done)(gpointer data);
    gpointer data;
};

typedef struct {
    char *path;
    GVariant *state;
} Object;

static void object_free(Object *object)
{
    g_free(object->path);
    g_variant_unref(object->state);
    g_free(object);
}

ManagedReply *managed_reply_new(sd_bus_message *call)
{
    sd_bus_message *message = NULL;
    int r = sd_bus_message_new_method_return(call, &message);
    if (r >= 0)
        r = sd_bus_message_open_container(message, 'a', "{oa{sa{sv}}}");
    if (r < 0) {
        sd_bus_message_unref(message);
        return NULL;
    }
    ManagedReply *reply = g_new0(ManagedReply, 1);
    reply->call = sd_bus_message_ref(call);
    reply->message = message;
    reply->objects =
        g_hash_table_new_full(g_str_hash, g_str_equal, g_free, (GDestroyNotify)object_free);
    return reply;
}

void managed_reply_free(ManagedReply *reply)
{
    sd_bus_message_unref(reply->message);
    sd_bus_message_unref(reply->call);
    g_hash_table_unref(reply->objects);
    g_free(reply);
}

void managed_reply_add(ManagedReply *reply, const char *run_id, const char *path, GVariant *state)
{
    Object *object = g_new(Object, 1);
    *object = (Object){g_strdup(path), g_variant_ref(state)};
    g_hash_table_insert(reply->objects, g_strdup(run_id), object);
}

/* --- In the thread: nothing but the reply is touched --- */

static int append_object(sd_bus_message *m, const Object *object, GVariant *figures)
{
    int r = sd_bus_message_open_container(m, 'e', "oa{sa{sv}}");
    if (r >= 0)
        r = sd_bus_message_append_basic(m, 'o', object->path);
    if (r >= 0)
        r = bus_append_run_interfaces(m, object->state, figures);
    return r < 0 ? r : sd_bus_message_close_container(m);
}

/* The listed state may be newer than the object's. */
static void on_listed(GVariant *state, GVariant *figures, gpointer data)
{
    ManagedReply *reply = data;
    const char *run_id;
    const Object *object = g_variant_lookup(state, "run_id", "&s", &run_id)
                               ? g_hash_table_lookup(reply->objects, run_id)
                               : NULL;
    if (object && reply->r >= 0)
        reply->r = append_object(reply->message, object, figures);
}

/* --- On the main loop --- */

static void on_list_end(gpointer data)
{
    ManagedReply *reply = data;
    void (*done)(gpointer data) = reply->done;
    gpointer done_data = reply->data;
    if (reply->r >= 0)
        reply->r = sd_bus_message_close_container(reply->message);
    if (reply->r >= 0)
        reply->r = sd_bus_send(NULL, reply->message, NULL);
    if (reply->r < 0)
        sd_bus_reply_method_errno(reply->call, reply->r, NULL);
    managed_reply_free(reply);
    done(done_data);
}

void managed_reply_send(ManagedReply *reply, Pool *pool, void (*done)(gpointer data), gpointer data)
{
    reply->done = done;
    reply->data = data;
    pool_list(pool, on_listed, on_list_end, reply);
}
