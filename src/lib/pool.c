/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lib/pool-internal.h"

#include "base/bus-names.h"
#include "lib/event-stream-internal.h"

static void list_model_init(GListModelInterface *interface);

G_DEFINE_FINAL_TYPE_WITH_CODE(StorkitPool, storkit_pool, G_TYPE_OBJECT,
                              G_IMPLEMENT_INTERFACE(G_TYPE_INITABLE, pool_initable_init)
                                  G_IMPLEMENT_INTERFACE(G_TYPE_ASYNC_INITABLE,
                                                        pool_async_initable_init)
                                      G_IMPLEMENT_INTERFACE(G_TYPE_LIST_MODEL, list_model_init))

G_DEFINE_FLAGS_TYPE(StorkitPoolFlags, storkit_pool_flags,
                    G_DEFINE_ENUM_VALUE(STORKIT_POOL_FLAGS_NONE, "none"),
                    G_DEFINE_ENUM_VALUE(STORKIT_POOL_FLAGS_NO_AUTO_START, "no-auto-start"))

enum {
    PROP_CONNECTION = 1,
    PROP_FLAGS,
    PROP_AVAILABLE,
    PROP_VERSION,
    PROP_MAX_AGENTS,
    PROP_RUNNING,
    PROP_QUEUED,
    N_PROPS
};

static GParamSpec *specs[N_PROPS];

/* What the service says of itself, by its names on the bus. */
static const struct {
    const char *name, *type;
    guint property;
} values[] = {
    {"Version", "s", PROP_VERSION},
    {"MaxAgents", "u", PROP_MAX_AGENTS},
    {"Running", "u", PROP_RUNNING},
    {"Queued", "u", PROP_QUEUED},
};

void pool_take_properties(StorkitPool *self, GVariant *given)
{
    for (gsize i = 0; i < G_N_ELEMENTS(values); i++) {
        GVariant *value =
            g_variant_lookup_value(given, values[i].name, G_VARIANT_TYPE(values[i].type));
        if (!value)
            continue;
        g_hash_table_insert(self->values, (gpointer)values[i].name, value);
        g_object_notify_by_pspec(G_OBJECT(self), specs[values[i].property]);
    }
}

static guint read_uint(StorkitPool *self, const char *name)
{
    GVariant *value = g_hash_table_lookup(self->values, name);
    return value ? g_variant_get_uint32(value) : 0;
}

gboolean storkit_pool_get_available(StorkitPool *self)
{
    g_return_val_if_fail(STORKIT_IS_POOL(self), FALSE);
    return self->scanned;
}

const char *storkit_pool_get_version(StorkitPool *self)
{
    g_return_val_if_fail(STORKIT_IS_POOL(self), NULL);
    GVariant *value = g_hash_table_lookup(self->values, "Version");
    return value ? g_variant_get_string(value, NULL) : NULL;
}

guint storkit_pool_get_max_agents(StorkitPool *self)
{
    g_return_val_if_fail(STORKIT_IS_POOL(self), 0);
    return read_uint(self, "MaxAgents");
}

guint storkit_pool_get_running(StorkitPool *self)
{
    g_return_val_if_fail(STORKIT_IS_POOL(self), 0);
    return read_uint(self, "Running");
}

guint storkit_pool_get_queued(StorkitPool *self)
{
    g_return_val_if_fail(STORKIT_IS_POOL(self), 0);
    return read_uint(self, "Queued");
}

StorkitEventStream *storkit_pool_follow(StorkitPool *self, const char *run_id, guint64 cursor)
{
    g_return_val_if_fail(STORKIT_IS_POOL(self) && run_id, NULL);
    CallTarget target = pool_target(self);
    return storkit_event_stream_new(self->bus, target.no_auto_start, run_id, cursor);
}

static GType get_item_type(GListModel *model)
{
    return STORKIT_TYPE_RUN;
}

static guint get_n_items(GListModel *model)
{
    return STORKIT_POOL(model)->runs->len;
}

static gpointer get_item(GListModel *model, guint position)
{
    GPtrArray *runs = STORKIT_POOL(model)->runs;
    return position < runs->len ? g_object_ref(runs->pdata[position]) : NULL;
}

static void list_model_init(GListModelInterface *interface)
{
    interface->get_item_type = get_item_type;
    interface->get_n_items = get_n_items;
    interface->get_item = get_item;
}

static void storkit_pool_get_property(GObject *object, guint id, GValue *value, GParamSpec *spec)
{
    StorkitPool *self = STORKIT_POOL(object);
    switch (id) {
    case PROP_CONNECTION:
        g_value_set_object(value, self->bus);
        break;
    case PROP_FLAGS:
        g_value_set_flags(value, self->flags);
        break;
    case PROP_AVAILABLE:
        g_value_set_boolean(value, storkit_pool_get_available(self));
        break;
    case PROP_VERSION:
        g_value_set_string(value, storkit_pool_get_version(self));
        break;
    case PROP_MAX_AGENTS:
        g_value_set_uint(value, storkit_pool_get_max_agents(self));
        break;
    case PROP_RUNNING:
        g_value_set_uint(value, storkit_pool_get_running(self));
        break;
    case PROP_QUEUED:
        g_value_set_uint(value, storkit_pool_get_queued(self));
        break;
    default:
        G_OBJECT_WARN_INVALID_PROPERTY_ID(object, id, spec);
    }
}

static void storkit_pool_set_property(GObject *object, guint id, const GValue *value,
                                      GParamSpec *spec)
{
    StorkitPool *self = STORKIT_POOL(object);
    if (id == PROP_CONNECTION)
        self->bus = g_value_dup_object(value);
    else if (id == PROP_FLAGS)
        self->flags = g_value_get_flags(value);
    else
        G_OBJECT_WARN_INVALID_PROPERTY_ID(object, id, spec);
}

static void storkit_pool_dispose(GObject *object)
{
    StorkitPool *self = STORKIT_POOL(object);
    g_cancellable_cancel(self->life);
    pool_link_end(self);
    G_OBJECT_CLASS(storkit_pool_parent_class)->dispose(object);
}

static void storkit_pool_finalize(GObject *object)
{
    StorkitPool *self = STORKIT_POOL(object);
    g_object_unref(self->life);
    g_hash_table_unref(self->by_path);
    g_hash_table_unref(self->values);
    g_ptr_array_unref(self->runs);
    g_clear_object(&self->bus);
    G_OBJECT_CLASS(storkit_pool_parent_class)->finalize(object);
}

static void install_properties(GObjectClass *object)
{
    const GParamFlags flags = G_PARAM_READABLE | G_PARAM_STATIC_STRINGS | G_PARAM_EXPLICIT_NOTIFY;
    const GParamFlags given = G_PARAM_READWRITE | G_PARAM_CONSTRUCT_ONLY | G_PARAM_STATIC_STRINGS;
    /**
     * StorkitPool:connection:
     *
     * The bus on which the service is; the session bus if it is not given.
     */
    specs[PROP_CONNECTION] =
        g_param_spec_object("connection", NULL, NULL, G_TYPE_DBUS_CONNECTION, given);
    /**
     * StorkitPool:flags:
     *
     * How the pool behaves.
     */
    specs[PROP_FLAGS] = g_param_spec_flags("flags", NULL, NULL, STORKIT_TYPE_POOL_FLAGS, 0, given);
    /**
     * StorkitPool:available:
     *
     * Whether the service is on the bus, and its runs are known.
     */
    specs[PROP_AVAILABLE] = g_param_spec_boolean("available", NULL, NULL, FALSE, flags);
    /**
     * StorkitPool:version:
     *
     * The version of the service.
     */
    specs[PROP_VERSION] = g_param_spec_string("version", NULL, NULL, NULL, flags);
    /**
     * StorkitPool:max-agents:
     *
     * How many runs may be live at once; [method@Pool.set_max_agents] sets it.
     */
    specs[PROP_MAX_AGENTS] = g_param_spec_uint("max-agents", NULL, NULL, 0, G_MAXUINT, 0, flags);
    /**
     * StorkitPool:running:
     *
     * How many runs are live, without those in the queue.
     */
    specs[PROP_RUNNING] = g_param_spec_uint("running", NULL, NULL, 0, G_MAXUINT, 0, flags);
    /**
     * StorkitPool:queued:
     *
     * How many runs wait in the queue.
     */
    specs[PROP_QUEUED] = g_param_spec_uint("queued", NULL, NULL, 0, G_MAXUINT, 0, flags);
    g_object_class_install_properties(object, N_PROPS, specs);
}

static void storkit_pool_class_init(StorkitPoolClass *class)
{
    GObjectClass *object = G_OBJECT_CLASS(class);
    object->dispose = storkit_pool_dispose;
    object->finalize = storkit_pool_finalize;
    object->get_property = storkit_pool_get_property;
    object->set_property = storkit_pool_set_property;
    install_properties(object);
    /**
     * StorkitPool::run-added:
     * @self: a pool
     * @run: a run that is in the list now
     *
     * A run has come.
     */
    g_signal_new("run-added", STORKIT_TYPE_POOL, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL,
                 G_TYPE_NONE, 1, STORKIT_TYPE_RUN);
    /**
     * StorkitPool::run-removed:
     * @self: a pool
     * @run: a run that was in the list
     *
     * A run was stopped, replaced by a newer one, or pruned.
     */
    g_signal_new("run-removed", STORKIT_TYPE_POOL, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL,
                 G_TYPE_NONE, 1, STORKIT_TYPE_RUN);
}

static void storkit_pool_init(StorkitPool *self)
{
    self->runs = g_ptr_array_new_with_free_func(g_object_unref);
    self->by_path = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    self->values =
        g_hash_table_new_full(g_str_hash, g_str_equal, NULL, (GDestroyNotify)g_variant_unref);
    self->life = g_cancellable_new();
    g_queue_init(&self->waiting);
}
