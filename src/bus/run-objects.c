/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "bus/run-objects.h"

#include "bus/run-methods.h"
#include "base/bus-names.h"
#include "base/names.h"
#include "bus/variant.h"
#include "run/run-info.h"

struct BusRuns {
    BusParts *parts;
    sd_bus *bus;       /* that hears of changes, or NULL */
    GHashTable *shown; /* run id -> Object * */
};

typedef struct {
    BusRuns *owner;
    Run *run;
    char *path;
    GVariant *state; /* a{sv}: the values that clients know */
    RunFacts facts;  /* that it was made from */
} Object;

static void take_state(Object *object)
{
    g_clear_pointer(&object->state, g_variant_unref);
    object->state = runs_get_state(pool_get_runs(object->owner->parts->pool), object->run);
    run_facts_clear(&object->facts);
    run_facts_copy(run_get_facts(object->run), &object->facts);
}

static void object_free(Object *object)
{
    g_variant_unref(object->state);
    run_facts_clear(&object->facts);
    run_unref(object->run);
    g_free(object->path);
    g_free(object);
}

/* --- Methods and properties --- */

static int method_of_run(sd_bus_message *m, void *userdata, sd_bus_error *ret_error)
{
    Object *object = userdata;
    g_autoptr(Run) run = run_ref(object->run); /* the object may go meanwhile */
    run_method_find(m)(object->owner->parts, run, m);
    return 1;
}

/* "SessionId" -> "session_id": the info's key. Caller frees. */
static char *key_of_property(const char *property)
{
    GString *key = g_string_new(NULL);
    for (const char *p = property; *p; p++) {
        if (g_ascii_isupper(*p) && p > property)
            g_string_append_c(key, '_');
        g_string_append_c(key, g_ascii_tolower(*p));
    }
    return g_string_free(key, FALSE);
}

/* D-Bus knows no absent value: "", 0, false or an empty array. */
static int append_empty(sd_bus_message *reply, const char *type)
{
    guint64 zero = 0;
    if (*type == 's')
        return sd_bus_message_append_basic(reply, 's', "");
    if (*type != 'a')
        return sd_bus_message_append_basic(reply, *type, &zero);
    int r = sd_bus_message_open_container(reply, 'a', type + 1);
    return r < 0 ? r : sd_bus_message_close_container(reply);
}

static int append_property(sd_bus_message *reply, GVariant *info, const char *property)
{
    g_autofree char *key = key_of_property(property);
    g_autoptr(GVariant) value = g_variant_lookup_value(info, key, NULL);
    if (value)
        return bus_append_variant(reply, value);
    return append_empty(reply, sd_bus_message_get_signature(reply, 0));
}

static int get_property(sd_bus *bus, const char *path, const char *interface, const char *property,
                        sd_bus_message *reply, void *userdata, sd_bus_error *ret_error)
{
    Object *object = userdata;
    return append_property(reply, object->state, property);
}

static int get_figure(sd_bus *bus, const char *path, const char *interface, const char *property,
                      sd_bus_message *reply, void *userdata, sd_bus_error *ret_error)
{
    Object *object = userdata;
    g_autoptr(GVariant) info = g_variant_ref_sink(run_get_info(object->run));
    return append_property(reply, info, property);
}

/* --- The interface --- */

#define METHOD(name, in, in_names, out, out_names)                                                 \
    SD_BUS_METHOD_WITH_NAMES(name, in, in_names, out, out_names, method_of_run,                    \
                             SD_BUS_VTABLE_UNPRIVILEGED)
#define COMMAND(name) SD_BUS_METHOD(name, "", "", method_of_run, SD_BUS_VTABLE_UNPRIVILEGED)

#define IDENTITY(name, type)                                                                       \
    SD_BUS_PROPERTY(name, type, get_property, 0, SD_BUS_VTABLE_PROPERTY_CONST)
#define STATE(name, type)                                                                          \
    SD_BUS_PROPERTY(name, type, get_property, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE)
#define FIGURE(name, type) SD_BUS_PROPERTY(name, type, get_figure, 0, 0)

/* Those that change, with a signal each time. */
#define EACH_STATE(EACH)                                                                           \
    EACH("Status", "s")                                                                            \
    EACH("SessionId", "s")                                                                         \
    EACH("WorktreePath", "s")                                                                      \
    EACH("Branch", "s")                                                                            \
    EACH("BaseBranch", "s")                                                                        \
    EACH("Pid", "u")                                                                               \
    EACH("Started", "t")                                                                           \
    EACH("Ended", "t")                                                                             \
    EACH("ExitCode", "i")                                                                          \
    EACH("ExitSignal", "i")                                                                        \
    EACH("Error", "s")                                                                             \
    EACH("RetryAt", "t")                                                                           \
    EACH("CostUsd", "d")                                                                           \
    EACH("Turns", "u")                                                                             \
    EACH("InputTokens", "t")                                                                       \
    EACH("OutputTokens", "t")                                                                      \
    EACH("Frozen", "b")                                                                            \
    EACH("DiskFull", "b")                                                                          \
    EACH("OomKills", "t")                                                                          \
    EACH("QueuePosition", "u")                                                                     \
    EACH("Unenforced", "as")                                                                       \
    EACH("Limits", "a{sv}")                                                                        \
    EACH("UnfinishedLine", "s")

#define VTABLE_ENTRY(name, type) STATE(name, type),
#define NAME_ENTRY(name, type) name,

static const char *const state_names[] = {EACH_STATE(NAME_ENTRY)};

static const sd_bus_vtable vtable[] = {
    SD_BUS_VTABLE_START(0),
    COMMAND("Stop"),
    METHOD("Wait", "", , "a{sv}", SD_BUS_PARAM(info)),
    METHOD("Subscribe", "t", SD_BUS_PARAM(cursor), "h", SD_BUS_PARAM(events)),
    METHOD("SendInput", "ay", SD_BUS_PARAM(bytes), "", ),
    METHOD("SendMessage", "s", SD_BUS_PARAM(text), "", ),
    COMMAND("CloseInput"),
    METHOD("Resize", "qq", SD_BUS_PARAM(rows) SD_BUS_PARAM(columns), "", ),
    METHOD("Attach", "", , "h", SD_BUS_PARAM(terminal)),
    COMMAND("Freeze"),
    COMMAND("Thaw"),
    IDENTITY("ProjectRoot", "s"),
    IDENTITY("StoryId", "s"),
    IDENTITY("AgentName", "s"),
    IDENTITY("RunId", "s"),
    IDENTITY("Unit", "s"),
    IDENTITY("Parent", "s"),
    EACH_STATE(VTABLE_ENTRY) /* each with its comma */
    FIGURE("Cursor", "t"),
    FIGURE("Memory", "t"),
    FIGURE("MemoryPeak", "t"),
    FIGURE("CpuUsec", "t"),
    FIGURE("Processes", "u"),
    SD_BUS_VTABLE_END,
};

static int find_object(sd_bus *bus, const char *path, const char *interface, void *userdata,
                       void **ret_found, sd_bus_error *ret_error)
{
    BusRuns *runs = userdata;
    char *run_id = NULL;
    int r = sd_bus_path_decode(path, STORKIT_RUNS_PATH, &run_id);
    if (r <= 0)
        return r;
    *ret_found = g_hash_table_lookup(runs->shown, run_id);
    free(run_id);
    return *ret_found != NULL;
}

static int list_objects(sd_bus *bus, const char *prefix, void *userdata, char ***ret_paths,
                        sd_bus_error *ret_error)
{
    BusRuns *runs = userdata;
    GHashTableIter iter;
    gpointer object;
    guint n = 0;
    /* sd-bus frees these with free(), which GLib's are fit for (since 2.46). */
    char **paths = g_new0(char *, g_hash_table_size(runs->shown) + 1);
    g_hash_table_iter_init(&iter, runs->shown);
    while (g_hash_table_iter_next(&iter, NULL, &object))
        paths[n++] = g_strdup(((const Object *)object)->path);
    *ret_paths = paths;
    return 0;
}

/* --- Coming, changing, going --- */

static gboolean differs(GVariant *before, GVariant *after, const char *property)
{
    g_autofree char *key = key_of_property(property);
    g_autoptr(GVariant) a = g_variant_lookup_value(before, key, NULL);
    g_autoptr(GVariant) b = g_variant_lookup_value(after, key, NULL);
    return a && b ? !g_variant_equal(a, b) : a != b;
}

static void update(Object *object)
{
    BusRuns *runs = object->owner;
    const char *changed[G_N_ELEMENTS(state_names) + 1];
    guint n = 0;
    g_autoptr(GVariant) before = g_variant_ref(object->state);
    take_state(object);
    for (guint i = 0; i < G_N_ELEMENTS(state_names); i++)
        if (differs(before, object->state, state_names[i]))
            changed[n++] = state_names[i];
    changed[n] = NULL;
    if (n > 0 && runs->bus)
        sd_bus_emit_properties_changed_strv(runs->bus, object->path, STORKIT_RUN_INTERFACE,
                                            (char **)changed);
}

static void add(BusRuns *runs, Run *run)
{
    Object *object = g_new0(Object, 1);
    object->owner = runs;
    object->run = run_ref(run);
    object->path = run_object_path(run_get_id(run));
    take_state(object);
    /* The record, and its strings, may be replaced. */
    g_hash_table_insert(runs->shown, g_strdup(run_get_id(run)), object);
    if (runs->bus)
        sd_bus_emit_object_added(runs->bus, object->path);
}

static void take_away(BusRuns *runs, Object *object)
{
    /* sd-bus looks which interfaces the object has: it must still be there. */
    if (runs->bus)
        sd_bus_emit_object_removed(runs->bus, object->path);
    g_hash_table_remove(runs->shown, run_get_id(object->run));
}

/* The object comes, changes, or goes. */
static void on_changed(BusRuns *runs, Run *run)
{
    Object *object = g_hash_table_lookup(runs->shown, run_get_id(run));
    gboolean shown = runs_is_shown(pool_get_runs(runs->parts->pool), run);
    if (object && shown)
        update(object);
    else if (object)
        take_away(runs, object);
    else if (shown)
        add(runs, run);
}

/* The run has printed more: its session and its totals may be others. */
static void on_events(BusRuns *runs, Run *run)
{
    Object *object = g_hash_table_lookup(runs->shown, run_get_id(run));
    if (object && !run_facts_look_equal(&object->facts, run_get_facts(run)))
        update(object);
}

static void heard(const RunNews *news, gpointer data)
{
    if (news->kind == NEWS_CHANGED)
        on_changed(data, news->run);
    else if (news->kind == NEWS_EVENTS)
        on_events(data, news->run);
}

/* --- The bus --- */

int bus_runs_register(BusRuns *runs, sd_bus *bus)
{
    int r = sd_bus_add_object_manager(bus, NULL, STORKIT_OBJECT_PATH);
    if (r >= 0)
        r = sd_bus_add_fallback_vtable(bus, NULL, STORKIT_RUNS_PATH, STORKIT_RUN_INTERFACE, vtable,
                                       find_object, runs);
    if (r >= 0)
        r = sd_bus_add_node_enumerator(bus, NULL, STORKIT_RUNS_PATH, list_objects, runs);
    return r;
}

void bus_runs_set_bus(BusRuns *runs, sd_bus *bus)
{
    runs->bus = bus;
}

BusRuns *bus_runs_new(BusParts *parts)
{
    BusRuns *runs = g_new0(BusRuns, 1);
    runs->parts = parts;
    runs->shown =
        g_hash_table_new_full(g_str_hash, g_str_equal, g_free, (GDestroyNotify)object_free);
    runs_add_listener(pool_get_runs(parts->pool), heard, runs);
    return runs;
}

void bus_runs_free(BusRuns *runs)
{
    if (!runs)
        return;
    runs_remove_listener(pool_get_runs(runs->parts->pool), runs);
    g_hash_table_unref(runs->shown);
    g_free(runs);
}
