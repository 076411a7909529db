/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lib/run-internal.h"

#include <string.h>

#include "base/bus-names.h"
#include "lib/event-stream-internal.h"

G_DEFINE_FINAL_TYPE(StorkitRun, storkit_run, G_TYPE_OBJECT)

G_DEFINE_ENUM_TYPE(StorkitRunStatus, storkit_run_status,
                   G_DEFINE_ENUM_VALUE(STORKIT_RUN_STATUS_UNKNOWN, "unknown"),
                   G_DEFINE_ENUM_VALUE(STORKIT_RUN_STATUS_PENDING, "pending"),
                   G_DEFINE_ENUM_VALUE(STORKIT_RUN_STATUS_RUNNING, "running"),
                   G_DEFINE_ENUM_VALUE(STORKIT_RUN_STATUS_COMPLETED, "completed"),
                   G_DEFINE_ENUM_VALUE(STORKIT_RUN_STATUS_FAILED, "failed"))

/* Each but `status`, with its type on the bus. */
static const struct {
    const char *name, *type;
} properties[] = {
    /**
     * StorkitRun:project-root:
     *
     * The project's folder.
     */
    {"project-root", "s"},
    /**
     * StorkitRun:story-id:
     *
     * The story.
     */
    {"story-id", "s"},
    /**
     * StorkitRun:agent-name:
     *
     * The agent, by its name in the roster.
     */
    {"agent-name", "s"},
    /**
     * StorkitRun:run-id:
     *
     * The id of the run.
     */
    {"run-id", "s"},
    /**
     * StorkitRun:object-path:
     *
     * The path of the run's object on the bus.
     */
    {"object-path", "o"},
    /**
     * StorkitRun:unit:
     *
     * The systemd scope that holds all that the run starts.
     */
    {"unit", "s"},
    /**
     * StorkitRun:parent:
     *
     * The id of the run whose agent has started this one; %NULL: none has.
     */
    {"parent", "s"},
    /**
     * StorkitRun:session-id:
     *
     * The last session that the agent reported; the option `resume` takes it.
     */
    {"session-id", "s"},
    /**
     * StorkitRun:worktree-path:
     *
     * The story's worktree.
     */
    {"worktree-path", "s"},
    /**
     * StorkitRun:branch:
     *
     * The story's branch.
     */
    {"branch", "s"},
    /**
     * StorkitRun:base-branch:
     *
     * The branch that it started from.
     */
    {"base-branch", "s"},
    /**
     * StorkitRun:error:
     *
     * Why the run has failed.
     */
    {"error", "s"},
    /**
     * StorkitRun:unfinished-line:
     *
     * What the agent has printed after its last newline, once it has been quiet for a
     * second.
     */
    {"unfinished-line", "s"},
    /**
     * StorkitRun:waiting:
     *
     * What the run waits for: `permission`, `input`, `limit` or `setup`; %NULL: nothing.
     */
    {"waiting", "s"},
    /**
     * StorkitRun:sandbox:
     *
     * How the run is confined, as project.toml names it; %NULL: it is not.
     */
    {"sandbox", "s"},
    /**
     * StorkitRun:pid:
     *
     * The agent's process, while it runs.
     */
    {"pid", "u"},
    /**
     * StorkitRun:turns:
     *
     * The number of turns, as the agent reports it.
     */
    {"turns", "u"},
    /**
     * StorkitRun:queue-position:
     *
     * The place in the queue, from 1; 0 for a run that does not wait in it.
     */
    {"queue-position", "u"},
    /**
     * StorkitRun:processes:
     *
     * How many processes the run had at the last [method@Run.refresh].
     */
    {"processes", "u"},
    /**
     * StorkitRun:exit-code:
     *
     * The exit status of its program, once it has ended.
     */
    {"exit-code", "i"},
    /**
     * StorkitRun:exit-signal:
     *
     * The signal that ended its program, or 0.
     */
    {"exit-signal", "i"},
    /**
     * StorkitRun:started:
     *
     * When its program was executed, in µs since the epoch; 0: not yet.
     */
    {"started", "t"},
    /**
     * StorkitRun:ended:
     *
     * When it ended, in µs since the epoch; 0: not yet.
     */
    {"ended", "t"},
    /**
     * StorkitRun:retry-at:
     *
     * When the usage limit that the agent reported ends, in µs since the epoch; 0: there is
     * none.
     */
    {"retry-at", "t"},
    /**
     * StorkitRun:waiting-since:
     *
     * Since when it waits, in µs since the epoch; 0: it does not.
     */
    {"waiting-since", "t"},
    /**
     * StorkitRun:input-tokens:
     *
     * Input tokens, as the agent reports them.
     */
    {"input-tokens", "t"},
    /**
     * StorkitRun:cached-input-tokens:
     *
     * Those of the input tokens that were in the model's cache.
     */
    {"cached-input-tokens", "t"},
    /**
     * StorkitRun:output-tokens:
     *
     * Output tokens, as the agent reports them.
     */
    {"output-tokens", "t"},
    /**
     * StorkitRun:oom-kills:
     *
     * How many processes of the run the kernel has killed for lack of memory.
     */
    {"oom-kills", "t"},
    /**
     * StorkitRun:cursor:
     *
     * The cursor of its last event at the last [method@Run.refresh].
     */
    {"cursor", "t"},
    /**
     * StorkitRun:memory:
     *
     * The memory that the run used at the last [method@Run.refresh], in bytes.
     */
    {"memory", "t"},
    /**
     * StorkitRun:memory-peak:
     *
     * The most memory that the run had used by then, in bytes.
     */
    {"memory-peak", "t"},
    /**
     * StorkitRun:cpu-usec:
     *
     * The CPU time that the run had used by then, in µs.
     */
    {"cpu-usec", "t"},
    /**
     * StorkitRun:cost-usd:
     *
     * The cost of the run in US dollars, as the agent reports it.
     */
    {"cost-usd", "d"},
    /**
     * StorkitRun:frozen:
     *
     * Whether the run is frozen.
     */
    {"frozen", "b"},
    /**
     * StorkitRun:disk-full:
     *
     * Whether the agent is paused because there is no space for its output.
     */
    {"disk-full", "b"},
    /**
     * StorkitRun:limits:
     *
     * The limits that are set for the run (`a{sv}`): sizes in bytes, times in µs.
     */
    {"limits", "a{sv}"},
    /**
     * StorkitRun:questions:
     *
     * What the agent asks (`aa{sv}`: `id`, `kind`, `title`, `detail`, `options`); %NULL:
     * nothing. [method@Run.answer] answers it.
     */
    {"questions", "aa{sv}"},
    /**
     * StorkitRun:unenforced:
     *
     * Limits of the run that this machine does not delegate to the user (`as`).
     */
    {"unenforced", "as"},
    /**
     * StorkitRun:sandbox-missing:
     *
     * Parts of the sandbox that this machine cannot give (`as`).
     */
    {"sandbox-missing", "as"},
};

enum { PROP_STATUS = 1, PROP_OTHERS, N_PROPS = PROP_OTHERS + G_N_ELEMENTS(properties) };

static GParamSpec *specs[N_PROPS];

/* `run_id` and `RunId` are both `run-id`. */
static char *property_name(const char *key)
{
    GString *name = g_string_new(NULL);
    for (const char *c = key; *c; c++) {
        if (g_ascii_isupper(*c) && c > key)
            g_string_append_c(name, '-');
        g_string_append_c(name, *c == '_' ? '-' : g_ascii_tolower(*c));
    }
    return g_string_free(name, FALSE);
}

/* On the bus, an empty value stands for one that an info does not have. */
static gboolean is_empty(GVariant *value)
{
    if (g_variant_is_of_type(value, G_VARIANT_TYPE_STRING))
        return *g_variant_get_string(value, NULL) == '\0';
    if (g_variant_is_container(value))
        return g_variant_n_children(value) == 0;
    static const char zero[sizeof(guint64)];
    gsize size = g_variant_get_size(value);
    return size <= sizeof zero && memcmp(g_variant_get_data(value), zero, size) == 0;
}

static GParamSpec *find_spec(const char *name)
{
    for (guint i = PROP_STATUS; i < N_PROPS; i++)
        if (g_str_equal(specs[i]->name, name))
            return specs[i];
    return NULL;
}

static const char *type_of(GParamSpec *spec)
{
    return spec == specs[PROP_STATUS] ? "s" : properties[spec->param_id - PROP_OTHERS].type;
}

static void set_value(StorkitRun *self, GParamSpec *spec, GVariant *value)
{
    GVariant *before = g_hash_table_lookup(self->values, spec->name);
    if (value && is_empty(value))
        value = NULL;
    if (before == value || (before && value && g_variant_equal(before, value)))
        return;
    if (value)
        g_hash_table_insert(self->values, (gpointer)spec->name, g_variant_ref(value));
    else
        g_hash_table_remove(self->values, spec->name);
    g_object_notify_by_pspec(G_OBJECT(self), spec);
}

/* Those that @named, a set of specs, does not have, have no value. */
static void clear_others(StorkitRun *self, GHashTable *named)
{
    for (guint i = PROP_STATUS; i < N_PROPS; i++)
        if (!g_hash_table_contains(named, specs[i]))
            set_value(self, specs[i], NULL);
}

/* JSON has numbers of one kind, and no paths. NULL: @value can't be of @type. */
static GVariant *fit(GVariant *value, const char *type)
{
    if (g_variant_is_of_type(value, G_VARIANT_TYPE(type)))
        return g_variant_ref(value);
    if (*type == 'o' && g_variant_is_of_type(value, G_VARIANT_TYPE_STRING) &&
        g_variant_is_object_path(g_variant_get_string(value, NULL)))
        return g_variant_ref_sink(g_variant_new_object_path(g_variant_get_string(value, NULL)));
    if (!g_variant_is_of_type(value, G_VARIANT_TYPE_UINT64) &&
        !g_variant_is_of_type(value, G_VARIANT_TYPE_INT64))
        return NULL;
    gint64 number = g_variant_is_of_type(value, G_VARIANT_TYPE_INT64)
                        ? g_variant_get_int64(value)
                        : (gint64)g_variant_get_uint64(value);
    switch (*type) {
    case 'u':
        return g_variant_ref_sink(g_variant_new_uint32((guint32)number));
    case 'i':
        return g_variant_ref_sink(g_variant_new_int32((gint32)number));
    case 't':
        return g_variant_ref_sink(g_variant_new_uint64((guint64)number));
    case 'd':
        return g_variant_ref_sink(g_variant_new_double((double)number));
    default:
        return NULL;
    }
}

void run_update(StorkitRun *self, GVariant *values, gboolean whole)
{
    g_autoptr(GHashTable) named = g_hash_table_new(NULL, NULL);
    GVariantIter iter;
    const char *key;
    GVariant *value;
    g_object_freeze_notify(G_OBJECT(self));
    g_variant_iter_init(&iter, values);
    while (g_variant_iter_loop(&iter, "{&sv}", &key, &value)) {
        g_autofree char *name = property_name(key);
        GParamSpec *spec = find_spec(name);
        g_autoptr(GVariant) fitting = spec ? fit(value, type_of(spec)) : NULL;
        if (!fitting)
            continue;
        set_value(self, spec, fitting);
        g_hash_table_add(named, spec);
    }
    if (whole)
        clear_others(self, named);
    g_object_thaw_notify(G_OBJECT(self));
}

GVariant *run_value(StorkitRun *self, const char *property)
{
    return g_hash_table_lookup(self->values, property);
}

CallTarget run_target(StorkitRun *self)
{
    return (CallTarget){self->bus, storkit_run_get_object_path(self), STORKIT_RUN_INTERFACE,
                        self->no_auto_start};
}

CallTarget run_pool_target(StorkitRun *self)
{
    return (CallTarget){self->bus, STORKIT_OBJECT_PATH, STORKIT_INTERFACE, self->no_auto_start};
}

StorkitRun *run_new(GDBusConnection *bus, gboolean no_auto_start, GVariant *info)
{
    StorkitRun *self = g_object_new(STORKIT_TYPE_RUN, NULL);
    self->bus = g_object_ref(bus);
    self->no_auto_start = no_auto_start;
    run_update(self, info, TRUE);
    return self;
}

StorkitRun *storkit_run_new(GVariant *info)
{
    StorkitRun *self = g_object_new(STORKIT_TYPE_RUN, NULL);
    storkit_run_set_info(self, info);
    return self;
}

void storkit_run_set_info(StorkitRun *self, GVariant *info)
{
    g_return_if_fail(STORKIT_IS_RUN(self) && !self->bus);
    g_return_if_fail(g_variant_is_of_type(info, G_VARIANT_TYPE_VARDICT));
    run_update(self, info, TRUE);
}

StorkitRunStatus storkit_run_get_status(StorkitRun *self)
{
    g_return_val_if_fail(STORKIT_IS_RUN(self), STORKIT_RUN_STATUS_UNKNOWN);
    GVariant *value = run_value(self, "status");
    g_autoptr(GEnumClass) class = g_type_class_ref(STORKIT_TYPE_RUN_STATUS);
    GEnumValue *status =
        value ? g_enum_get_value_by_nick(class, g_variant_get_string(value, NULL)) : NULL;
    return status ? status->value : STORKIT_RUN_STATUS_UNKNOWN;
}

#define GETTER(type, none, name, property, read)                                                   \
    type storkit_run_get_##name(StorkitRun *self)                                                  \
    {                                                                                              \
        g_return_val_if_fail(STORKIT_IS_RUN(self), none);                                          \
        GVariant *value = run_value(self, property);                                               \
        return value ? read : none;                                                                \
    }
#define GET_STRING(name, property)                                                                 \
    GETTER(const char *, NULL, name, property, g_variant_get_string(value, NULL))
#define GET_UINT(name, property) GETTER(guint, 0, name, property, g_variant_get_uint32(value))
#define GET_INT(name, property) GETTER(int, 0, name, property, g_variant_get_int32(value))
#define GET_UINT64(name, property) GETTER(guint64, 0, name, property, g_variant_get_uint64(value))
#define GET_DOUBLE(name, property) GETTER(double, 0, name, property, g_variant_get_double(value))
#define GET_BOOLEAN(name, property)                                                                \
    GETTER(gboolean, FALSE, name, property, g_variant_get_boolean(value))
#define GET_VARIANT(name, property) GETTER(GVariant *, NULL, name, property, value)

/* clang-format off */
GET_STRING(project_root, "project-root")
GET_STRING(story_id, "story-id")
GET_STRING(agent_name, "agent-name")
GET_STRING(run_id, "run-id")
GET_STRING(object_path, "object-path")
GET_STRING(unit, "unit")
GET_STRING(parent, "parent")
GET_STRING(session_id, "session-id")
GET_STRING(worktree_path, "worktree-path")
GET_STRING(branch, "branch")
GET_STRING(base_branch, "base-branch")
GET_STRING(error, "error")
GET_STRING(unfinished_line, "unfinished-line")
GET_STRING(waiting, "waiting")
GET_STRING(sandbox, "sandbox")
GET_UINT(pid, "pid")
GET_UINT(turns, "turns")
GET_UINT(queue_position, "queue-position")
GET_UINT(processes, "processes")
GET_INT(exit_code, "exit-code")
GET_INT(exit_signal, "exit-signal")
GET_UINT64(started, "started")
GET_UINT64(ended, "ended")
GET_UINT64(retry_at, "retry-at")
GET_UINT64(waiting_since, "waiting-since")
GET_UINT64(input_tokens, "input-tokens")
GET_UINT64(cached_input_tokens, "cached-input-tokens")
GET_UINT64(output_tokens, "output-tokens")
GET_UINT64(oom_kills, "oom-kills")
GET_UINT64(cursor, "cursor")
GET_UINT64(memory, "memory")
GET_UINT64(memory_peak, "memory-peak")
GET_UINT64(cpu_usec, "cpu-usec")
GET_DOUBLE(cost_usd, "cost-usd")
GET_BOOLEAN(frozen, "frozen")
GET_BOOLEAN(disk_full, "disk-full")
GET_VARIANT(limits, "limits")
GET_VARIANT(questions, "questions")
GET_VARIANT(unenforced, "unenforced")
GET_VARIANT(sandbox_missing, "sandbox-missing")
/* clang-format on */

StorkitEventStream *storkit_run_follow(StorkitRun *self, guint64 cursor)
{
    g_return_val_if_fail(STORKIT_IS_RUN(self), NULL);
    return storkit_event_stream_new(self->bus, self->no_auto_start, storkit_run_get_run_id(self),
                                    cursor);
}

static void storkit_run_get_property(GObject *object, guint id, GValue *value, GParamSpec *spec)
{
    StorkitRun *self = STORKIT_RUN(object);
    GVariant *variant = run_value(self, spec->name);
    if (id == PROP_STATUS)
        g_value_set_enum(value, (int)storkit_run_get_status(self));
    else if (variant && G_IS_PARAM_SPEC_VARIANT(spec))
        g_value_set_variant(value, variant);
    else if (variant) {
        g_value_unset(value);
        g_dbus_gvariant_to_gvalue(variant, value);
    }
}

static void storkit_run_finalize(GObject *object)
{
    StorkitRun *self = STORKIT_RUN(object);
    g_hash_table_unref(self->values);
    g_clear_object(&self->bus);
    G_OBJECT_CLASS(storkit_run_parent_class)->finalize(object);
}

static GParamSpec *make_spec(const char *name, const char *type)
{
    const GParamFlags flags = G_PARAM_READABLE | G_PARAM_STATIC_STRINGS | G_PARAM_EXPLICIT_NOTIFY;
    switch (*type) {
    case 's':
    case 'o':
        return g_param_spec_string(name, NULL, NULL, NULL, flags);
    case 'u':
        return g_param_spec_uint(name, NULL, NULL, 0, G_MAXUINT, 0, flags);
    case 'i':
        return g_param_spec_int(name, NULL, NULL, G_MININT, G_MAXINT, 0, flags);
    case 't':
        return g_param_spec_uint64(name, NULL, NULL, 0, G_MAXUINT64, 0, flags);
    case 'd':
        return g_param_spec_double(name, NULL, NULL, -G_MAXDOUBLE, G_MAXDOUBLE, 0, flags);
    case 'b':
        return g_param_spec_boolean(name, NULL, NULL, FALSE, flags);
    default:
        return g_param_spec_variant(name, NULL, NULL, G_VARIANT_TYPE(type), NULL, flags);
    }
}

static void storkit_run_class_init(StorkitRunClass *class)
{
    GObjectClass *object = G_OBJECT_CLASS(class);
    object->finalize = storkit_run_finalize;
    object->get_property = storkit_run_get_property;
    /**
     * StorkitRun:status:
     *
     * Where the run is in its life.
     */
    specs[PROP_STATUS] =
        g_param_spec_enum("status", NULL, NULL, STORKIT_TYPE_RUN_STATUS, STORKIT_RUN_STATUS_UNKNOWN,
                          G_PARAM_READABLE | G_PARAM_STATIC_STRINGS | G_PARAM_EXPLICIT_NOTIFY);
    for (guint i = 0; i < G_N_ELEMENTS(properties); i++)
        specs[PROP_OTHERS + i] = make_spec(properties[i].name, properties[i].type);
    g_object_class_install_properties(object, N_PROPS, specs);
}

static void storkit_run_init(StorkitRun *self)
{
    self->values =
        g_hash_table_new_full(g_str_hash, g_str_equal, NULL, (GDestroyNotify)g_variant_unref);
}
