/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "host/systemd.h"

#include <stdlib.h>
#include <systemd/sd-bus.h>
#include <unistd.h>

#include "host/bus-source.h"
#include "host/cgroup.h"
#include "base/error.h"
#include "base/util.h"

#define SERVICE "org.freedesktop.systemd1"
#define MANAGER_PATH "/org/freedesktop/systemd1"
#define MANAGER "org.freedesktop.systemd1.Manager"

/* How often a Start looks for its scope where the manager was away, or has not told of it, and for
 * how long it waits for the manager to come back. */
#define LOOK_MSEC 100
#define LOOK_LATER_MSEC 1000
#define AWAY_USEC (10 * G_USEC_PER_SEC)

static const SystemdCalls manager_calls;

/* Systemd over the bus of the user manager. */
typedef struct {
    Systemd parent;
    sd_bus *bus;
    GSource *source;
    void (*failed)(gpointer data);
    gpointer data;
} Manager;

static void on_failed(int error, gpointer data)
{
    Manager *manager = data;
    g_warning("lost the connection to the user manager: %s", g_strerror(-error));
    manager->failed(manager->data);
}

int systemd_connect(sd_bus **ret_bus)
{
    const char *runtime_dir = g_getenv("XDG_RUNTIME_DIR");
    g_autofree char *socket =
        runtime_dir ? g_build_filename(runtime_dir, "bus", NULL) : g_strdup("");
    if (!g_file_test(socket, G_FILE_TEST_EXISTS))
        return sd_bus_open_user(ret_bus);

    g_autofree char *escaped = g_uri_escape_string(socket, "/", FALSE);
    g_autofree char *address = g_strconcat("unix:path=", escaped, NULL);
    sd_bus *bus = NULL;
    int r = sd_bus_new(&bus);
    if (r >= 0)
        r = sd_bus_set_address(bus, address);
    if (r >= 0)
        r = sd_bus_set_bus_client(bus, 1);
    if (r >= 0)
        r = sd_bus_start(bus);
    if (r < 0) {
        sd_bus_unref(bus);
        return r;
    }
    *ret_bus = bus;
    return 0;
}

/* It is between two lives, or was when it had the call. */
static gboolean is_away(const sd_bus_error *error)
{
    return sd_bus_error_has_names(error, SD_BUS_ERROR_NO_REPLY, SD_BUS_ERROR_DISCONNECTED,
                                  SD_BUS_ERROR_SERVICE_UNKNOWN, SD_BUS_ERROR_NAME_HAS_NO_OWNER) ||
           g_str_has_prefix(error->name, "org.freedesktop.DBus.Error.Spawn.");
}

/* --- Scopes --- */

static char *manager_find_scope(Systemd *systemd, const char *unit, pid_t pid)
{
    g_autofree char *folder = cgroup_of_process(pid);
    g_autofree char *name = folder ? g_path_get_basename(folder) : NULL;
    return g_strcmp0(name, unit) == 0 ? g_steal_pointer(&folder) : NULL;
}

/* One scope being made. The job's end may be announced before the method replies with its path. */
typedef struct {
    Manager *manager;
    GTask *task; /* NULL once it has returned; the task owns this */
    char *unit, *description;
    pid_t pid;
    guint64 timeout_stop_usec;
    Limits limits;
    sd_bus_slot *match, *call;
    char *job;           /* once the method has replied */
    GHashTable *removed; /* jobs that ended before that: path -> result */
    gboolean without_oom_policy;
    guint look_source;
    gint64 began; /* monotonic */
    gboolean again;
} ScopeStart;

static void scope_start_free(ScopeStart *start)
{
    g_clear_handle_id(&start->look_source, g_source_remove);
    sd_bus_slot_unref(start->match);
    sd_bus_slot_unref(start->call);
    g_clear_pointer(&start->removed, g_hash_table_unref);
    g_free(start->unit);
    g_free(start->description);
    g_free(start->job);
    g_free(start);
}

static void scope_start_fail(ScopeStart *start, const char *what)
{
    g_autoptr(GTask) task = g_steal_pointer(&start->task);
    if (task)
        g_task_return_new_error(task, STORKIT_ERROR, STORKIT_ERROR_SCOPE_FAILED,
                                "systemd could not create the scope %s: %s", start->unit, what);
}

static void scope_start_finish(ScopeStart *start, const char *job_result)
{
    if (!g_str_equal(job_result, "done")) {
        g_autofree char *what = g_strdup_printf("its job finished as '%s'", job_result);
        scope_start_fail(start, what);
        return;
    }
    g_autoptr(GTask) task = g_steal_pointer(&start->task);
    if (task)
        g_task_return_boolean(task, TRUE);
}

static int on_job_removed(sd_bus_message *m, void *userdata, sd_bus_error *ret_error)
{
    ScopeStart *start = userdata;
    const char *path, *unit, *result;
    if (sd_bus_message_read(m, "uoss", NULL, &path, &unit, &result) < 0 ||
        !g_str_equal(unit, start->unit))
        return 0;
    if (!start->job)
        g_hash_table_insert(start->removed, g_strdup(path), g_strdup(result));
    else if (g_str_equal(start->job, path))
        scope_start_finish(start, result);
    return 0;
}

static void call_start(ScopeStart *start);
static void look_later(ScopeStart *start, guint msec);

/* systemd that executes itself anew (daemon-reexec, an upgrade) is off the bus for a moment.
 * Whether it has taken the call by then, its job and the announcement of it may be lost: what
 * counts is that the process is in its scope. */
static gboolean on_look(gpointer user_data)
{
    ScopeStart *start = user_data;
    start->look_source = 0;
    g_autofree char *folder = manager_find_scope(NULL, start->unit, start->pid);
    if (folder)
        scope_start_finish(start, "done");
    else if (start->job)
        look_later(start, LOOK_LATER_MSEC);
    else
        call_start(start);
    return G_SOURCE_REMOVE;
}

static void look_later(ScopeStart *start, guint msec)
{
    g_clear_handle_id(&start->look_source, g_source_remove);
    start->look_source = g_timeout_add(msec, on_look, start);
}

/* Whether the call is to be made again; a unit that is there already is that of the first one. */
static gboolean is_worth_another(const ScopeStart *start, const sd_bus_error *error)
{
    if (g_get_monotonic_time() - start->began > AWAY_USEC)
        return FALSE;
    return is_away(error) || (start->again && sd_bus_error_has_name(error, SERVICE ".UnitExists"));
}

static int on_start_reply(sd_bus_message *m, void *userdata, sd_bus_error *ret_error)
{
    ScopeStart *start = userdata;
    const char *job;
    const sd_bus_error *error = sd_bus_message_get_error(m);
    if (error && !start->without_oom_policy &&
        sd_bus_error_has_name(error, SD_BUS_ERROR_PROPERTY_READ_ONLY)) {
        start->without_oom_policy = TRUE;
        call_start(start);
        return 0;
    }
    if (error && is_worth_another(start, error)) {
        start->again = TRUE;
        look_later(start, LOOK_MSEC);
        return 0;
    }
    if (error || sd_bus_message_read(m, "o", &job) < 0) {
        scope_start_fail(start, error ? error->message : "its reply names no job");
        return 0;
    }

    start->job = g_strdup(job);
    const char *result = g_hash_table_lookup(start->removed, job);
    if (result)
        scope_start_finish(start, result);
    else
        look_later(start, LOOK_LATER_MSEC);
    return 0;
}

static int append_limits(sd_bus_message *m, const Limits *limits)
{
    int r = 0;
    for (gsize i = 0; r >= 0 && i < LIMITS_COUNT; i++) {
        const char *property = limits_info(i)->property;
        if (property && limits_get(limits, i) != LIMIT_UNSET)
            r = sd_bus_message_append(m, "(sv)", property, "t", limits_get(limits, i));
    }
    return r;
}

static int append_properties(sd_bus_message *m, const ScopeStart *start)
{
    /* OOMPolicy: one killed compiler must not end the whole run. CollectMode: a scope that failed
     * is gone too. Delegate: for the sub-cgroup. SendSIGHUP: as closing a terminal would. */
    int r = sd_bus_message_open_container(m, 'a', "(sv)");
    if (r >= 0)
        r = sd_bus_message_append(
            m, "(sv)(sv)(sv)(sv)(sv)(sv)(sv)(sv)(sv)(sv)", "Description", "s", start->description,
            "Slice", "s", "app-storkit.slice", "PIDs", "au", 1, (guint32)start->pid, "CollectMode",
            "s", "inactive-or-failed", "SendSIGHUP", "b", 1, "TimeoutStopUSec", "t",
            start->timeout_stop_usec, "Delegate", "b", 1, "MemoryAccounting", "b", 1,
            "CPUAccounting", "b", 1, "TasksAccounting", "b", 1);
    if (r >= 0 && !start->without_oom_policy)
        r = sd_bus_message_append(m, "(sv)", "OOMPolicy", "s", "continue");
    if (r >= 0)
        r = append_limits(m, &start->limits);
    return r < 0 ? r : sd_bus_message_close_container(m);
}

static void call_start(ScopeStart *start)
{
    sd_bus_message *m = NULL;
    int r = sd_bus_message_new_method_call(start->manager->bus, &m, SERVICE, MANAGER_PATH, MANAGER,
                                           "StartTransientUnit");
    if (r >= 0)
        r = sd_bus_message_append(m, "ss", start->unit, "fail");
    if (r >= 0)
        r = append_properties(m, start);
    if (r >= 0)
        r = sd_bus_message_append(m, "a(sa(sv))", 0);
    start->call = sd_bus_slot_unref(start->call);
    if (r >= 0)
        r = sd_bus_call_async(start->manager->bus, &start->call, m, on_start_reply, start, 0);
    sd_bus_message_unref(m);
    if (r < 0)
        scope_start_fail(start, g_strerror(-r));
}

static void manager_start_scope(Systemd *systemd, const ScopeSpec *spec, GCancellable *cancellable,
                                GAsyncReadyCallback callback, gpointer user_data)
{
    Manager *manager = (Manager *)systemd;
    ScopeStart *start = g_new0(ScopeStart, 1);
    *start = (ScopeStart){
        .manager = manager,
        .task = g_task_new(NULL, cancellable, callback, user_data),
        .unit = g_strdup(spec->unit),
        .description = g_strdup(spec->description),
        .pid = spec->pid,
        .timeout_stop_usec = spec->timeout_stop_usec,
        .limits = *spec->limits,
        .began = g_get_monotonic_time(),
        .removed = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free),
    };
    g_task_set_task_data(start->task, start, (GDestroyNotify)scope_start_free);

    /* The match first, the call after it: the bus keeps their order. No `arg2` in the rule, though
     * it would fit: sd-bus cannot compare arguments that follow a number. */
    int r = sd_bus_add_match_async(manager->bus, &start->match,
                                   "type='signal',sender='" SERVICE "',interface='" MANAGER
                                   "',member='JobRemoved'",
                                   on_job_removed, NULL, start);
    if (r < 0)
        scope_start_fail(start, g_strerror(-r));
    else
        call_start(start);
}

static int ignore_reply(sd_bus_message *m, void *userdata, sd_bus_error *ret_error)
{
    return 0;
}

static void manager_stop_unit(Systemd *systemd, const char *unit)
{
    Manager *manager = (Manager *)systemd;
    int r = sd_bus_call_method_async(manager->bus, NULL, SERVICE, MANAGER_PATH, MANAGER, "StopUnit",
                                     ignore_reply, NULL, "ss", unit, "replace");
    if (r < 0)
        g_warning("asking systemd to stop %s: %s", unit, g_strerror(-r));
}

static void manager_thaw_unit(Systemd *systemd, const char *unit)
{
    Manager *manager = (Manager *)systemd;
    int r = sd_bus_call_method_async(manager->bus, NULL, SERVICE, MANAGER_PATH, MANAGER, "ThawUnit",
                                     ignore_reply, NULL, "s", unit);
    if (r < 0)
        g_warning("asking systemd to thaw %s: %s", unit, g_strerror(-r));
}

/* --- Units that are there already --- */

typedef struct {
    GroupQuery parent;
    sd_bus_slot *call;
    GroupFound found;
    gpointer data;
} ManagerQuery;

static void query_free(GroupQuery *parent)
{
    ManagerQuery *query = (ManagerQuery *)parent;
    sd_bus_slot_unref(query->call);
    g_free(query);
}

static int on_control_group(sd_bus_message *m, void *userdata, sd_bus_error *ret_error)
{
    ManagerQuery *query = userdata;
    const char *group = NULL;
    if (!sd_bus_message_get_error(m) && sd_bus_message_read(m, "v", "s", &group) < 0)
        group = NULL;
    query->found(group && *group ? group : NULL, query->data);
    return 0;
}

static char *unit_object_path(const char *unit)
{
    char *path = NULL;
    if (sd_bus_path_encode("/org/freedesktop/systemd1/unit", unit, &path) < 0)
        return NULL;
    return path;
}

static GroupQuery *manager_ask_control_group(Systemd *systemd, const char *unit, GroupFound found,
                                             gpointer data)
{
    Manager *manager = (Manager *)systemd;
    ManagerQuery *query = g_new0(ManagerQuery, 1);
    query->parent.calls = &manager_calls;
    query->found = found;
    query->data = data;
    char *path = unit_object_path(unit);
    int r = sd_bus_call_method_async(manager->bus, &query->call, SERVICE, path,
                                     "org.freedesktop.DBus.Properties", "Get", on_control_group,
                                     query, "ss", SERVICE ".Scope", "ControlGroup");
    free(path);
    if (r < 0)
        g_warning("asking for the cgroup of %s: %s", unit, g_strerror(-r));
    return &query->parent;
}

/* --- The end of a unit --- */

typedef struct {
    UnitWatch parent;
    Manager *manager;
    char *unit;
    sd_bus_slot *match, *call;
    guint retry_source;
    UnitGone gone;
    gpointer data;
    gboolean told;
} ManagerWatch;

static void ask_for_unit(ManagerWatch *watch);

static gboolean on_retry(gpointer user_data)
{
    ManagerWatch *watch = user_data;
    watch->retry_source = 0;
    ask_for_unit(watch);
    return G_SOURCE_REMOVE;
}

/* Only systemd's word that it knows no such unit counts: one that hangs is asked again. */
static int on_unit(sd_bus_message *m, void *userdata, sd_bus_error *ret_error)
{
    ManagerWatch *watch = userdata;
    if (watch->told || !sd_bus_message_is_method_error(m, NULL))
        return 0;
    if (!sd_bus_message_is_method_error(m, SERVICE ".NoSuchUnit")) {
        if (watch->retry_source == 0)
            watch->retry_source = g_timeout_add_seconds(1, on_retry, watch);
        return 0;
    }
    watch->told = TRUE;
    watch->gone(watch->data);
    return 0;
}

static void ask_for_unit(ManagerWatch *watch)
{
    watch->call = sd_bus_slot_unref(watch->call);
    int r = sd_bus_call_method_async(watch->manager->bus, &watch->call, SERVICE, MANAGER_PATH,
                                     MANAGER, "GetUnit", on_unit, watch, "s", watch->unit);
    if (r < 0)
        g_warning("watching %s: %s", watch->unit, g_strerror(-r));
}

/* A reason to ask, and no more: at a reload the manager announces every unit as removed, and then
 * as new. */
static int on_unit_removed(sd_bus_message *m, void *userdata, sd_bus_error *ret_error)
{
    ask_for_unit(userdata);
    return 0;
}

static UnitWatch *manager_watch_gone(Systemd *systemd, const char *unit, UnitGone gone,
                                     gpointer data)
{
    ManagerWatch *watch = g_new0(ManagerWatch, 1);
    watch->parent.calls = &manager_calls;
    watch->manager = (Manager *)systemd;
    watch->unit = g_strdup(unit);
    watch->gone = gone;
    watch->data = data;
    g_autofree char *rule = g_strdup_printf("type='signal',sender='" SERVICE "',interface='" MANAGER
                                            "',member='UnitRemoved',arg0='%s'",
                                            unit);
    int r = sd_bus_add_match_async(watch->manager->bus, &watch->match, rule, on_unit_removed, NULL,
                                   watch);
    if (r < 0)
        g_warning("watching %s: %s", unit, g_strerror(-r));
    ask_for_unit(watch);
    return &watch->parent;
}

static void watch_free(UnitWatch *parent)
{
    ManagerWatch *watch = (ManagerWatch *)parent;
    g_clear_handle_id(&watch->retry_source, g_source_remove);
    sd_bus_slot_unref(watch->match);
    sd_bus_slot_unref(watch->call);
    g_free(watch->unit);
    g_free(watch);
}

/* --- The manager --- */

static void manager_free(Systemd *systemd)
{
    Manager *manager = (Manager *)systemd;
    if (manager->source) {
        g_source_destroy(manager->source);
        g_source_unref(manager->source);
    }
    sd_bus_close_unref(manager->bus);
    g_free(manager);
}

static const SystemdCalls manager_calls = {
    .free = manager_free,
    .start_scope = manager_start_scope,
    .find_scope = manager_find_scope,
    .stop_unit = manager_stop_unit,
    .thaw_unit = manager_thaw_unit,
    .ask_control_group = manager_ask_control_group,
    .query_free = query_free,
    .watch_gone = manager_watch_gone,
    .watch_free = watch_free,
};

Systemd *systemd_new(void (*failed)(gpointer data), gpointer data, GError **error)
{
    Manager *manager = g_new0(Manager, 1);
    manager->parent.calls = &manager_calls;
    int r = systemd_connect(&manager->bus);
    /* Without it the manager announces no unit's end to anybody. */
    if (r >= 0)
        r = sd_bus_call_method_async(manager->bus, NULL, SERVICE, MANAGER_PATH, MANAGER,
                                     "Subscribe", NULL, NULL, "");
    if (r < 0) {
        set_errno_error(
            error, -r,
            "connecting to the user's systemd (log in, not by su or sudo, or set "
            "XDG_RUNTIME_DIR=/run/user/%u; `systemctl --user status` shows whether it runs)",
            (guint)getuid());
        manager_free(&manager->parent);
        return NULL;
    }
    manager->failed = failed;
    manager->data = data;
    manager->source = bus_source_new(manager->bus, NULL, on_failed, manager);
    return &manager->parent;
}
