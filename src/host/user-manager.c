/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "host/systemd.h"

#include <stdlib.h>
#include <string.h>
#include <systemd/sd-bus.h>
#include <unistd.h>

#include "host/cgroup.h"
#include "host/manager-link.h"
#include "base/error.h"
#include "base/util.h"

#define SLICE "app-storkit.slice"

/* How often a Start looks for its scope where the manager was away, or has not told of it, and for
 * how long it waits for the manager to come back. */
#define LOOK_MSEC 100
#define LOOK_LATER_MSEC 1000
#define AWAY_USEC (10 * G_USEC_PER_SEC)

/* How often a manager that does not answer is asked whether it knows a unit. */
#define ASK_LATER_MSEC 1000

static const SystemdCalls manager_calls;

/* Systemd over the bus of the user manager. */
typedef struct {
    Systemd parent;
    ManagerLink *link;
    GPtrArray *orders; /* UnitOrder *, owned: not answered yet */
} Manager;

/* --- Scopes --- */

static char *manager_find_scope(Systemd *systemd, const char *unit, pid_t pid)
{
    g_autofree char *folder = cgroup_of_process(pid);
    g_autofree char *name = folder ? g_path_get_basename(folder) : NULL;
    return g_strcmp0(name, unit) == 0 ? g_steal_pointer(&folder) : NULL;
}

/* One scope being made. The job's end may be announced before the method replies with its path. */
typedef struct {
    ManagerRequest request;
    GTask *task; /* NULL once it has returned; the task owns this */
    char *unit, *description;
    pid_t pid;
    guint64 timeout_stop_usec;
    Limits limits;
    char *job;           /* once the method has replied */
    GHashTable *removed; /* jobs that ended before that: path -> result */
    gboolean without_oom_policy;
    gint64 began; /* monotonic, on this connection; 0: not yet */
} ScopeStart;

static void scope_start_free(ScopeStart *start)
{
    manager_request_end(&start->request);
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
    /* From systemd 257 on; an older one makes it, frozen. */
    if (g_str_equal(job_result, "frozen")) {
        scope_start_fail(start, SLICE " is frozen: `systemctl --user thaw " SLICE "` first");
        return;
    }
    if (!g_str_equal(job_result, "done")) {
        g_autofree char *what = g_strdup_printf("its job finished as '%s'", job_result);
        scope_start_fail(start, what);
        return;
    }
    g_autoptr(GTask) task = g_steal_pointer(&start->task);
    if (task)
        g_task_return_boolean(task, TRUE);
}

static void on_job_removed(ManagerRequest *request, sd_bus_message *m)
{
    ScopeStart *start = (ScopeStart *)request;
    const char *path, *result;
    if (sd_bus_message_read(m, "uoss", NULL, &path, NULL, &result) < 0)
        return;
    if (!start->job)
        g_hash_table_insert(start->removed, g_strdup(path), g_strdup(result));
    else if (g_str_equal(start->job, path))
        scope_start_finish(start, result);
}

static void call_start(ScopeStart *start);

/* Systemd that re-executes itself (daemon-reexec, an upgrade) is off the bus for a moment, and
 * the connection to it may be lost. Whether it has had the call by then, its job and the
 * announcement of it may be lost, too: what counts is that the process is in its scope. */
static void look(ManagerRequest *request)
{
    ScopeStart *start = (ScopeStart *)request;
    g_autofree char *folder = manager_find_scope(NULL, start->unit, start->pid);
    if (folder)
        scope_start_finish(start, "done");
    else if (start->job)
        manager_request_later(request, LOOK_LATER_MSEC, look);
    else
        call_start(start);
}

/* Whether the call is to be made again. A unit that is there already is that of a call before this
 * one, or one of the same name that goes in a moment. */
static gboolean is_worth_another(const ScopeStart *start, const sd_bus_error *error)
{
    if (g_get_monotonic_time() - start->began > AWAY_USEC)
        return FALSE;
    return manager_is_away(error) || sd_bus_error_has_name(error, SYSTEMD_SERVICE ".UnitExists");
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
        manager_request_later(&start->request, LOOK_MSEC, look);
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
        manager_request_later(&start->request, LOOK_LATER_MSEC, look);
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
        r = sd_bus_message_append(m, "(sv)(sv)(sv)(sv)(sv)(sv)(sv)(sv)(sv)(sv)", "Description", "s",
                                  start->description, "Slice", "s", SLICE, "PIDs", "au", 1,
                                  (guint32)start->pid, "CollectMode", "s", "inactive-or-failed",
                                  "SendSIGHUP", "b", 1, "TimeoutStopUSec", "t",
                                  start->timeout_stop_usec, "Delegate", "b", 1, "MemoryAccounting",
                                  "b", 1, "CPUAccounting", "b", 1, "TasksAccounting", "b", 1);
    if (r >= 0 && !start->without_oom_policy)
        r = sd_bus_message_append(m, "(sv)", "OOMPolicy", "s", "continue");
    if (r >= 0)
        r = append_limits(m, &start->limits);
    return r < 0 ? r : sd_bus_message_close_container(m);
}

static void call_start(ScopeStart *start)
{
    sd_bus_message *m = manager_request_message(&start->request, SYSTEMD_PATH, SYSTEMD_MANAGER,
                                                "StartTransientUnit");
    int r = sd_bus_message_append(m, "ss", start->unit, "fail");
    if (r >= 0)
        r = append_properties(m, start);
    if (r >= 0)
        r = sd_bus_message_append(m, "a(sa(sv))", 0);
    if (r >= 0)
        r = manager_request_send(&start->request, sd_bus_message_ref(m), on_start_reply);
    sd_bus_message_unref(m);
    if (r < 0)
        scope_start_fail(start, g_strerror(-r));
}

/* The match first, the call after it: the bus keeps their order. */
static void scope_start_begin(ManagerRequest *request)
{
    ScopeStart *start = (ScopeStart *)request;
    int r = manager_request_listen(request, MANAGER_JOB_REMOVED, start->unit, on_job_removed);
    gboolean again = start->began != 0; /* the manager may have had the call before */
    start->began = g_get_monotonic_time();
    g_clear_pointer(&start->job, g_free);
    if (r < 0)
        scope_start_fail(start, g_strerror(-r));
    else if (again)
        manager_request_later(request, LOOK_MSEC, look);
    else
        call_start(start);
}

static void manager_start_scope(Systemd *systemd, const ScopeSpec *spec, GCancellable *cancellable,
                                GAsyncReadyCallback callback, gpointer user_data)
{
    Manager *manager = (Manager *)systemd;
    ScopeStart *start = g_new0(ScopeStart, 1);
    *start = (ScopeStart){
        .task = g_task_new(NULL, cancellable, callback, user_data),
        .unit = g_strdup(spec->unit),
        .description = g_strdup(spec->description),
        .pid = spec->pid,
        .timeout_stop_usec = spec->timeout_stop_usec,
        .limits = *spec->limits,
        .removed = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free),
    };
    g_task_set_task_data(start->task, start, (GDestroyNotify)scope_start_free);
    manager_request_begin(&start->request, manager->link, scope_start_begin);
}

/* --- Orders: nobody waits for them --- */

typedef struct UnitOrder UnitOrder;
struct UnitOrder {
    ManagerRequest request;
    Manager *manager;
    const char *method;
    char *unit;
    const char *mode;                                         /* NULL for methods without one */
    int (*append)(sd_bus_message *m, const UnitOrder *order); /* what comes after that; or NULL */
    char *service;                                            /* of a timer: what it starts */
    guint64 seconds;                                          /* ... and when, since the epoch */
};

static void order_free(gpointer data)
{
    UnitOrder *order = data;
    manager_request_end(&order->request);
    g_free(order->unit);
    g_free(order->service);
    g_free(order);
}

/* A unit that is gone, or a timer that is there, is not an error. */
static int on_order_reply(sd_bus_message *m, void *userdata, sd_bus_error *ret_error)
{
    UnitOrder *order = userdata;
    const sd_bus_error *error = sd_bus_message_get_error(m);
    if (error && manager_is_away(error))
        manager_request_later(&order->request, LOOK_LATER_MSEC, order->request.begin);
    else
        g_ptr_array_remove_fast(order->manager->orders, order); /* frees it */
    return 0;
}

static void order_begin(ManagerRequest *request)
{
    UnitOrder *order = (UnitOrder *)request;
    sd_bus_message *m =
        manager_request_message(request, SYSTEMD_PATH, SYSTEMD_MANAGER, order->method);
    int r = sd_bus_message_append(m, "s", order->unit);
    if (r >= 0 && order->mode)
        r = sd_bus_message_append(m, "s", order->mode);
    if (r >= 0 && order->append)
        r = order->append(m, order);
    if (r >= 0)
        r = manager_request_send(request, sd_bus_message_ref(m), on_order_reply);
    sd_bus_message_unref(m);
    if (r < 0)
        g_warning("asking systemd to %s %s: %s", order->method, order->unit, g_strerror(-r));
}

static UnitOrder *order_new(Manager *manager, const char *method, const char *unit,
                            const char *mode)
{
    UnitOrder *order = g_new0(UnitOrder, 1);
    order->manager = manager;
    order->method = method;
    order->unit = g_strdup(unit);
    order->mode = mode;
    return order;
}

static void give_order(UnitOrder *order_taken)
{
    Manager *manager = order_taken->manager;
    g_ptr_array_add(manager->orders, order_taken);
    manager_request_begin(&order_taken->request, manager->link, order_begin);
}

static void manager_stop_unit(Systemd *systemd, const char *unit)
{
    give_order(order_new((Manager *)systemd, "StopUnit", unit, "replace"));
}

static void manager_thaw_unit(Systemd *systemd, const char *unit)
{
    give_order(order_new((Manager *)systemd, "ThawUnit", unit, NULL));
}

/* --- Timers --- */

/* A transient timer cannot name its unit: it has one of its own name, which wants the service. */
static int append_trigger(sd_bus_message *m, const char *timer, const char *service)
{
    g_autofree char *stem = g_strndup(timer, strlen(timer) - strlen(".timer"));
    g_autofree char *trigger = g_strconcat(stem, ".service", NULL);
    return sd_bus_message_append(m, "a(sa(sv))", 1, trigger, 4, "Description", "s",
                                 "Starts the agents' service at the end of a usage limit", "Type",
                                 "s", "oneshot", "Wants", "as", 1, service, "ExecStart", "a(sasb)",
                                 1, "/bin/true", 1, "true", 0);
}

/* WakeSystem stays off: nobody's laptop is to wake in a bag for this. */
static int append_timer(sd_bus_message *m, const UnitOrder *order)
{
    g_autofree char *time = g_strdup_printf("@%" G_GUINT64_FORMAT, order->seconds);
    int r = sd_bus_message_append(m, "a(sv)", 4, "Description", "s",
                                  "The end of a usage limit that agents wait for", "TimersCalendar",
                                  "a(ss)", 1, "OnCalendar", time, "AccuracyUSec", "t",
                                  (guint64)G_USEC_PER_SEC, "RemainAfterElapse", "b", 0);
    return r < 0 ? r : append_trigger(m, order->unit, order->service);
}

static void manager_start_timer(Systemd *systemd, const char *timer, const char *service,
                                guint64 seconds)
{
    UnitOrder *order = order_new((Manager *)systemd, "StartTransientUnit", timer, "replace");
    order->service = g_strdup(service);
    order->seconds = seconds;
    order->append = append_timer;
    give_order(order);
}

/* --- Units that are there already --- */

typedef struct {
    GroupQuery parent;
    ManagerRequest request;
    char *unit;
    GroupFound found;
    gpointer data;
} ManagerQuery;

static ManagerQuery *query_of(ManagerRequest *request)
{
    return (ManagerQuery *)((char *)request - G_STRUCT_OFFSET(ManagerQuery, request));
}

static void query_free(GroupQuery *parent)
{
    ManagerQuery *query = (ManagerQuery *)parent;
    manager_request_end(&query->request);
    g_free(query->unit);
    g_free(query);
}

static int on_control_group(sd_bus_message *m, void *userdata, sd_bus_error *ret_error)
{
    ManagerQuery *query = query_of(userdata);
    const char *group = NULL;
    if (manager_request_is_lost(&query->request)) /* asked again */
        return 0;
    if (!sd_bus_message_get_error(m) && sd_bus_message_read(m, "v", "s", &group) < 0)
        group = NULL;
    query->found(group && *group ? group : NULL, query->data);
    return 0;
}

static void query_begin(ManagerRequest *request)
{
    ManagerQuery *query = query_of(request);
    char *path = NULL;
    int r = sd_bus_path_encode(SYSTEMD_PATH "/unit", query->unit, &path);
    if (r < 0)
        return;
    sd_bus_message *m =
        manager_request_message(request, path, "org.freedesktop.DBus.Properties", "Get");
    free(path);
    r = sd_bus_message_append(m, "ss", SYSTEMD_SERVICE ".Scope", "ControlGroup");
    if (r >= 0)
        r = manager_request_send(request, sd_bus_message_ref(m), on_control_group);
    sd_bus_message_unref(m);
    if (r < 0)
        g_warning("asking for the cgroup of %s: %s", query->unit, g_strerror(-r));
}

static GroupQuery *manager_ask_control_group(Systemd *systemd, const char *unit, GroupFound found,
                                             gpointer data)
{
    ManagerQuery *query = g_new0(ManagerQuery, 1);
    query->parent.calls = &manager_calls;
    query->unit = g_strdup(unit);
    query->found = found;
    query->data = data;
    manager_request_begin(&query->request, ((Manager *)systemd)->link, query_begin);
    return &query->parent;
}

/* --- The end of a unit --- */

typedef struct {
    UnitWatch parent;
    ManagerRequest request;
    char *unit;
    UnitGone gone;
    gpointer data;
    gboolean told;
} ManagerWatch;

static ManagerWatch *watch_of(ManagerRequest *request)
{
    return (ManagerWatch *)((char *)request - G_STRUCT_OFFSET(ManagerWatch, request));
}

static void ask_for_unit(ManagerRequest *request);

/* Only systemd's word that it knows no such unit counts: one that hangs is asked again. */
static int on_unit(sd_bus_message *m, void *userdata, sd_bus_error *ret_error)
{
    ManagerWatch *watch = watch_of(userdata);
    if (watch->told || !sd_bus_message_is_method_error(m, NULL))
        return 0;
    if (!sd_bus_message_is_method_error(m, SYSTEMD_SERVICE ".NoSuchUnit")) {
        manager_request_later(&watch->request, ASK_LATER_MSEC, ask_for_unit);
        return 0;
    }
    watch->told = TRUE;
    watch->gone(watch->data);
    return 0;
}

static void ask_for_unit(ManagerRequest *request)
{
    ManagerWatch *watch = watch_of(request);
    sd_bus_message *m = manager_request_message(request, SYSTEMD_PATH, SYSTEMD_MANAGER, "GetUnit");
    int r = sd_bus_message_append(m, "s", watch->unit);
    if (r >= 0)
        r = manager_request_send(request, sd_bus_message_ref(m), on_unit);
    sd_bus_message_unref(m);
    if (r < 0)
        g_warning("watching %s: %s", watch->unit, g_strerror(-r));
}

/* A reason to ask, and no more: at a reload the manager announces every unit as removed, and then
 * as new. */
static void on_unit_removed(ManagerRequest *request, sd_bus_message *m)
{
    ask_for_unit(request);
}

static void watch_begin(ManagerRequest *request)
{
    const ManagerWatch *watch = watch_of(request);
    int r = manager_request_listen(request, MANAGER_UNIT_REMOVED, watch->unit, on_unit_removed);
    if (r < 0)
        g_warning("watching %s: %s", watch->unit, g_strerror(-r));
    ask_for_unit(request);
}

static UnitWatch *manager_watch_gone(Systemd *systemd, const char *unit, UnitGone gone,
                                     gpointer data)
{
    ManagerWatch *watch = g_new0(ManagerWatch, 1);
    watch->parent.calls = &manager_calls;
    watch->unit = g_strdup(unit);
    watch->gone = gone;
    watch->data = data;
    manager_request_begin(&watch->request, ((Manager *)systemd)->link, watch_begin);
    return &watch->parent;
}

static void watch_free(UnitWatch *parent)
{
    ManagerWatch *watch = (ManagerWatch *)parent;
    manager_request_end(&watch->request);
    g_free(watch->unit);
    g_free(watch);
}

/* --- The manager --- */

static void manager_free(Systemd *systemd)
{
    Manager *manager = (Manager *)systemd;
    g_ptr_array_unref(manager->orders);
    g_clear_pointer(&manager->link, manager_link_free);
    g_free(manager);
}

static const SystemdCalls manager_calls = {
    .free = manager_free,
    .start_scope = manager_start_scope,
    .find_scope = manager_find_scope,
    .stop_unit = manager_stop_unit,
    .thaw_unit = manager_thaw_unit,
    .start_timer = manager_start_timer,
    .ask_control_group = manager_ask_control_group,
    .query_free = query_free,
    .watch_gone = manager_watch_gone,
    .watch_free = watch_free,
};

Systemd *systemd_new(void (*gone)(gpointer data), gpointer data, GError **error)
{
    Manager *manager = g_new0(Manager, 1);
    manager->parent.calls = &manager_calls;
    manager->orders = g_ptr_array_new_with_free_func(order_free);
    int r;
    manager->link = manager_link_new(gone, data, &r);
    if (manager->link)
        return &manager->parent;
    set_errno_error(
        error, -r,
        "connecting to the user's systemd (log in, not by su or sudo, or set "
        "XDG_RUNTIME_DIR=/run/user/%u; `systemctl --user status` shows whether it runs)",
        (guint)getuid());
    manager_free(&manager->parent);
    return NULL;
}
