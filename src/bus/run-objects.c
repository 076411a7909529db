/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "bus/run-objects.h"

#include <errno.h>

#include "bus/managed-reply.h"
#include "bus/run-methods.h"
#include "base/bus-names.h"
#include "base/names.h"
#include "bus/run-properties.h"
#include "run/run-info.h"

#define OBJECT_MANAGER "org.freedesktop.DBus.ObjectManager"

/* How long the figures of a run serve. */
#define FIGURES_FRESH_USEC 20000

struct BusRuns {
    BusParts *parts;
    sd_bus *bus;       /* that hears of changes, or NULL */
    GHashTable *shown; /* run id -> Object * */
    GQueue replies;    /* ManagedReply *: to GetManagedObjects, to be made */
    gboolean replying; /* one is being made */
    GHashTable *held;  /* Run *: that have changed meanwhile */
};

typedef struct {
    BusRuns *owner;
    Run *run;
    char *path;
    GVariant *state; /* a{sv}: the values that clients know; NULL while nobody hears of changes */
    RunFacts facts;  /* that it was made from */
    RunFigures figures;
    gint64 figures_read; /* when; monotonic µs. 0: never */
} Object;

static void forget_state(Object *object)
{
    g_clear_pointer(&object->state, g_variant_unref);
}

static void take_state(Object *object)
{
    forget_state(object);
    object->state = runs_get_state(pool_get_runs(object->owner->parts->pool), object->run);
    run_facts_clear(&object->facts);
    run_facts_copy(run_get_facts(object->run), &object->facts);
}

static GVariant *state_of(Object *object)
{
    if (!object->state)
        take_state(object);
    return object->state;
}

static void object_free(Object *object)
{
    forget_state(object);
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

static int get_property(sd_bus *bus, const char *path, const char *interface, const char *property,
                        sd_bus_message *reply, void *userdata, sd_bus_error *ret_error)
{
    Object *object = userdata;
    return bus_append_run_property(reply, property, state_of(object));
}

/* A reply with all properties asks for one after the other. */
static const RunFigures *read_figures(Object *object)
{
    const char *cgroup = run_get_condition(object->run)->cgroup;
    gint64 now = g_get_monotonic_time();
    if (now < object->figures_read + FIGURES_FRESH_USEC)
        return &object->figures;
    object->figures_read = now;
    object->figures = (RunFigures){0};
    if (cgroup)
        run_figures_read(cgroup, &object->figures);
    return &object->figures;
}

/* Those of an ended run are in its state. */
static int get_figure(sd_bus *bus, const char *path, const char *interface, const char *property,
                      sd_bus_message *reply, void *userdata, sd_bus_error *ret_error)
{
    Object *object = userdata;
    if (run_get_result(object->run) && !g_str_equal(property, "Cursor"))
        return bus_append_run_property(reply, property, state_of(object));
    g_autoptr(GVariant) figures = g_variant_ref_sink(
        run_figures_to_variant(read_figures(object), run_get_last_cursor(object->run)));
    return bus_append_run_property(reply, property, figures);
}

/* --- The interface --- */

#define METHOD(name, in, in_names, out, out_names)                                                 \
    SD_BUS_METHOD_WITH_NAMES(name, in, in_names, out, out_names, method_of_run,                    \
                             SD_BUS_VTABLE_UNPRIVILEGED)
#define COMMAND(name) SD_BUS_METHOD(name, "", "", method_of_run, SD_BUS_VTABLE_UNPRIVILEGED)

#define IDENTITY(name, key, type)                                                                  \
    SD_BUS_PROPERTY(name, type, get_property, 0, SD_BUS_VTABLE_PROPERTY_CONST),
#define STATE(name, key, type)                                                                     \
    SD_BUS_PROPERTY(name, type, get_property, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
#define FIGURE(name, key, type) SD_BUS_PROPERTY(name, type, get_figure, 0, 0),

static const sd_bus_vtable vtable[] = {
    SD_BUS_VTABLE_START(0),
    COMMAND("Stop"),
    METHOD("Wait", "", , "a{sv}", SD_BUS_PARAM(info)),
    METHOD("Subscribe", "t", SD_BUS_PARAM(cursor), "h", SD_BUS_PARAM(events)),
    METHOD("SendInput", "ay", SD_BUS_PARAM(bytes), "", ),
    METHOD("SendMessage", "s", SD_BUS_PARAM(text), "", ),
    METHOD("Answer", "ssa{sv}", SD_BUS_PARAM(question) SD_BUS_PARAM(option) SD_BUS_PARAM(details),
           "", ),
    COMMAND("CloseInput"),
    METHOD("Resize", "qq", SD_BUS_PARAM(rows) SD_BUS_PARAM(columns), "", ),
    METHOD("Attach", "", , "h", SD_BUS_PARAM(terminal)),
    COMMAND("Freeze"),
    COMMAND("Thaw"),
    RUN_IDENTITY(IDENTITY) /* each with its comma */
    RUN_STATE(STATE) RUN_FIGURES(FIGURE) SD_BUS_VTABLE_END,
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

/* What is found at start-up changes some times before anybody can hear of it. */
static void update(Object *object)
{
    const char *changed[RUN_MAX_PROPERTIES];
    sd_bus *bus = object->owner->bus;
    if (!bus) {
        forget_state(object);
        return;
    }
    g_autoptr(GVariant) before = g_variant_ref(state_of(object));
    take_state(object);
    if (bus_compare_run_states(before, object->state, changed) > 0)
        sd_bus_emit_properties_changed_strv(bus, object->path, STORKIT_RUN_INTERFACE,
                                            (char **)changed);
}

/* Not sd_bus_emit_object_added(), which asks for each property by its name. */
static void emit_added(Object *object, sd_bus *bus)
{
    const RunCondition *condition = run_get_condition(object->run);
    g_autoptr(GVariant) figures = g_variant_ref_sink(
        run_figures_to_variant(&condition->figures, run_get_last_cursor(object->run)));
    sd_bus_message *m = NULL;
    int r =
        sd_bus_message_new_signal(bus, &m, STORKIT_OBJECT_PATH, OBJECT_MANAGER, "InterfacesAdded");
    if (r >= 0)
        r = sd_bus_message_append_basic(m, 'o', object->path);
    if (r >= 0)
        r = bus_append_run_interfaces(m, state_of(object), figures);
    if (r >= 0)
        sd_bus_send(bus, m, NULL);
    sd_bus_message_unref(m);
}

static void add(BusRuns *runs, Run *run)
{
    Object *object = g_new0(Object, 1);
    object->owner = runs;
    object->run = run_ref(run);
    object->path = run_object_path(run_get_id(run));
    /* The record, and its strings, may be replaced. */
    g_hash_table_insert(runs->shown, g_strdup(run_get_id(run)), object);
    if (runs->bus)
        emit_added(object, runs->bus);
}

static void take_away(BusRuns *runs, Object *object)
{
    /* sd-bus looks which interfaces the object has: it must still be there. */
    if (runs->bus)
        sd_bus_emit_object_removed(runs->bus, object->path);
    g_hash_table_remove(runs->shown, run_get_id(object->run));
}

/* The object comes, changes, or goes. */
static void show(BusRuns *runs, Run *run)
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

static void on_changed(BusRuns *runs, Run *run)
{
    if (runs->replying)
        g_hash_table_add(runs->held, run_ref(run));
    else
        show(runs, run);
}

/* The run has printed more: its session and its totals may be others. */
static void on_events(BusRuns *runs, Run *run)
{
    Object *object = g_hash_table_lookup(runs->shown, run_get_id(run));
    if (object && object->state && !run_facts_look_equal(&object->facts, run_get_facts(run)))
        on_changed(runs, run);
}

static void heard(const RunNews *news, gpointer data)
{
    if (news->kind == NEWS_CHANGED)
        on_changed(data, news->run);
    else if (news->kind == NEWS_EVENTS)
        on_events(data, news->run);
}

/* --- GetManagedObjects --- */

/*
 * A client takes the reply for what was true when it was sent, and it says what clients had been
 * told when it was begun. So changes are held back until it is sent.
 */

static GHashTable *new_run_set(void)
{
    return g_hash_table_new_full(NULL, NULL, (GDestroyNotify)run_unref, NULL);
}

static void show_held(BusRuns *runs)
{
    g_autoptr(GHashTable) held = g_steal_pointer(&runs->held);
    GHashTableIter iter;
    gpointer run;
    runs->held = new_run_set();
    g_hash_table_iter_init(&iter, held);
    while (g_hash_table_iter_next(&iter, &run, NULL))
        show(runs, run);
}

static void reply_next(BusRuns *runs);

/* Before the next reply is begun, all are told what was held back. */
static void on_replied(gpointer data)
{
    BusRuns *runs = data;
    runs->replying = FALSE;
    show_held(runs);
    reply_next(runs);
}

static void reply_next(BusRuns *runs)
{
    GHashTableIter iter;
    gpointer run_id, value;
    ManagedReply *reply = g_queue_pop_head(&runs->replies);
    if (!reply)
        return;
    g_hash_table_iter_init(&iter, runs->shown);
    while (g_hash_table_iter_next(&iter, &run_id, &value)) {
        Object *object = value;
        managed_reply_add(reply, run_id, object->path, state_of(object));
    }
    runs->replying = TRUE;
    managed_reply_send(reply, runs->parts->pool, on_replied, runs);
}

static int get_managed_objects(BusRuns *runs, sd_bus_message *call)
{
    ManagedReply *reply = managed_reply_new(call);
    if (!reply)
        return -ENOMEM;
    g_queue_push_tail(&runs->replies, reply);
    if (!runs->replying)
        reply_next(runs);
    return 1;
}

/* Comes before sd-bus's own methods of the pool's object. */
static int on_call(sd_bus_message *m, void *userdata, sd_bus_error *ret_error)
{
    gboolean is_it = sd_bus_message_is_method_call(m, OBJECT_MANAGER, "GetManagedObjects") > 0 &&
                     sd_bus_message_has_signature(m, "") > 0;
    return is_it ? get_managed_objects(userdata, m) : 0;
}

/* --- The bus --- */

int bus_runs_register(BusRuns *runs, sd_bus *bus)
{
    int r = sd_bus_add_object(bus, NULL, STORKIT_OBJECT_PATH, on_call, runs);
    if (r >= 0)
        r = sd_bus_add_object_manager(bus, NULL, STORKIT_OBJECT_PATH);
    if (r >= 0)
        r = sd_bus_add_fallback_vtable(bus, NULL, STORKIT_RUNS_PATH, STORKIT_RUN_INTERFACE, vtable,
                                       find_object, runs);
    if (r >= 0)
        r = sd_bus_add_node_enumerator(bus, NULL, STORKIT_RUNS_PATH, list_objects, runs);
    return r;
}

void bus_runs_set_bus(BusRuns *runs, sd_bus *bus)
{
    GHashTableIter iter;
    gpointer object;
    runs->bus = bus;
    g_hash_table_iter_init(&iter, runs->shown);
    while (bus && g_hash_table_iter_next(&iter, NULL, &object))
        (void)state_of(object); /* what clients may know from now on */
}

BusRuns *bus_runs_new(BusParts *parts)
{
    BusRuns *runs = g_new0(BusRuns, 1);
    runs->parts = parts;
    runs->held = new_run_set();
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
    g_queue_clear_full(&runs->replies, (GDestroyNotify)managed_reply_free);
    g_hash_table_unref(runs->held);
    g_hash_table_unref(runs->shown);
    g_free(runs);
}
