/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "service.h"

#include <systemd/sd-daemon.h>

#include "bus-names.h"
#include "bus-pool.h"
#include "bus-reply.h"
#include "bus-run.h"
#include "bus-source.h"
#include "error.h"
#include "journal-sink.h"
#include "message-ids.h"
#include "util.h"

/* A bus that has taken nothing of us for this long has stopped reading us. */
#define STUCK_SECONDS 10

/* A bus that throws us out (dbus-broker's quota counts what others do not read) or that restarts is
 * tried again, a bit later each time, until it is gone for good. */
#define RETURN_ATTEMPTS 10
#define RETURN_STEP_MSEC 100

#define BUS_NAME "org.freedesktop.DBus"

/* What the bus answers to RequestName. */
#define NAME_IS_OURS 1
#define NAME_WAS_OURS 4

/* Connections that were left, and are kept for the answers to calls that came on them. */
#define MAX_FORMER 8

/* How long a service that goes down waits for the bus to take its last answers. */
#define FLUSH_SECONDS 2

/* How long a service that goes down waits for steps that are under way. */
#define STOP_SECONDS 20

struct Service {
    GMainLoop *loop;
    BusPool parts;
    BusRuns *runs;
    JournalSink *journal;
    sd_bus *bus;
    GSource *source;
    GPtrArray *former; /* Former *, oldest first */
    guint move_source, return_timer;
    guint return_attempts;
    gint64 opened;  /* the connection; monotonic */
    gboolean named; /* it has the name */
    guint stuck_timer, stop_timer, quiet_timer, idle_timer;
    gint64 last_activity;  /* monotonic */
    guint running, queued; /* as last announced */
    gboolean stopping;
    gboolean ending; /* nothing is looked after any more but the last answers */
    int exit_status;
};

static void give_up(Service *service, const char *why)
{
    g_critical("%s: ending; runs go on, and the next service finds them", why);
    service->exit_status = 1;
    g_main_loop_quit(service->loop);
}

/* Caller frees. */
static char *describe_bus_error(int error)
{
    if (error == -EEXIST)
        return g_strdup("the bus name " STORKIT_BUS_NAME
                        " is taken: another storkitd runs on this bus");
    return g_strdup_printf("taking the bus name " STORKIT_BUS_NAME " on the session bus: %s",
                           g_strerror(-error));
}

/* --- The connection --- */

static void connect_again(Service *service);
static void announce_counts(Service *service);

static void disconnect(Service *service)
{
    if (service->parts.publisher)
        bus_publisher_set_bus(service->parts.publisher, NULL);
    bus_runs_set_bus(service->runs, NULL);
    g_clear_handle_id(&service->stuck_timer, g_source_remove);
    g_clear_handle_id(&service->move_source, g_source_remove);
    g_clear_handle_id(&service->return_timer, g_source_remove);
    if (service->source) {
        g_source_destroy(service->source);
        g_clear_pointer(&service->source, g_source_unref);
    }
    sd_bus_close(service->bus);
    service->bus = sd_bus_unref(service->bus);
    service->named = FALSE;
}

/* The bus may not have noticed yet that the old connection is gone: it reads it no more. */
static void reconnect(Service *service)
{
    g_warning("the bus has taken no event for %d s: opening a new connection", STUCK_SECONDS);
    disconnect(service);
    connect_again(service);
}

typedef struct {
    Service *service;
    sd_bus *bus;
    GSource *source;
} Former;

static void former_free(Former *former)
{
    g_source_destroy(former->source);
    g_source_unref(former->source);
    sd_bus_close_unref(former->bus);
    g_free(former);
}

static void on_former_failed(int error, gpointer data)
{
    Former *former = data;
    g_ptr_array_remove(former->service->former, former);
}

static void keep_former(Service *service)
{
    Former *former = g_new0(Former, 1);
    former->service = service;
    former->bus = g_steal_pointer(&service->bus);
    g_source_destroy(service->source);
    g_clear_pointer(&service->source, g_source_unref);
    service->named = FALSE;
    former->source = bus_source_new(former->bus, NULL, on_former_failed, former);
    g_ptr_array_add(service->former, former);
    if (service->former->len > MAX_FORMER)
        g_ptr_array_remove_index(service->former, 0);
}

/* Events go on, and calls come, on a new connection; those that came on the old one are answered
 * there. */
static gboolean move_to_new_bus(gpointer user_data)
{
    Service *service = user_data;
    service->move_source = 0;
    g_message("somebody on the bus does not read our events, which are kept for them: going on "
              "with a new connection");
    bus_publisher_set_bus(service->parts.publisher, NULL);
    bus_runs_set_bus(service->runs, NULL);
    keep_former(service);
    connect_again(service);
    return G_SOURCE_REMOVE;
}

/* From the loop: this comes out of the connection's own dispatch. */
static void on_wants_new_bus(gpointer data)
{
    Service *service = data;
    if (service->move_source == 0)
        service->move_source = g_idle_add(move_to_new_bus, service);
}

static void watch_for_stuck(Service *service);

static gboolean on_stuck_timer(gpointer user_data)
{
    Service *service = user_data;
    gint64 since = bus_publisher_waits_since(service->parts.publisher);
    service->stuck_timer = 0;
    if (since > 0 && g_get_monotonic_time() - since >= STUCK_SECONDS * G_USEC_PER_SEC)
        reconnect(service);
    else
        watch_for_stuck(service);
    return G_SOURCE_REMOVE;
}

/* The timer runs only while the bus owes us something, so that an idle service makes no wake-ups.
 */
static void watch_for_stuck(Service *service)
{
    gint64 since = bus_publisher_waits_since(service->parts.publisher);
    gint64 left = since + STUCK_SECONDS * G_USEC_PER_SEC - g_get_monotonic_time();
    if (since == 0)
        g_clear_handle_id(&service->stuck_timer, g_source_remove);
    else if (service->stuck_timer == 0)
        service->stuck_timer =
            g_timeout_add((guint)(MAX(left, 0) / 1000) + 1, on_stuck_timer, service);
}

static void on_waits(gpointer data)
{
    watch_for_stuck(data);
}

static void on_processed(gpointer data)
{
    Service *service = data;
    service->last_activity = g_get_monotonic_time();
    bus_publisher_on_processed(service->parts.publisher);
    watch_for_stuck(service);
}

static gboolean on_return_timer(gpointer user_data)
{
    Service *service = user_data;
    service->return_timer = 0;
    disconnect(service);
    connect_again(service);
    return G_SOURCE_REMOVE;
}

/* A bus that hangs is waited for, however long it takes: each attempt at it is a long one. */
static void wait_to_return(Service *service, int error)
{
    if (g_get_monotonic_time() - service->opened > G_USEC_PER_SEC)
        service->return_attempts = 0;
    if (error == -EEXIST || service->return_attempts >= RETURN_ATTEMPTS) {
        g_autofree char *why = describe_bus_error(error);
        give_up(service, why);
        return;
    }
    guint msec = RETURN_STEP_MSEC * service->return_attempts++;
    g_clear_handle_id(&service->return_timer, g_source_remove);
    service->return_timer = g_timeout_add(msec, on_return_timer, service);
}

static void on_bus_failed(int error, gpointer data)
{
    Service *service = data;
    if (service->stopping) { /* the session ends */
        g_main_loop_quit(service->loop);
        return;
    }
    g_warning("the connection to the bus is lost: %s", g_strerror(-error));
    disconnect(service);
    wait_to_return(service, error);
}

/* Its handlers have nothing left to work with. 1: it is dealt with. */
static int refuse_message(sd_bus_message *m)
{
    g_autoptr(GError) error = g_error_new_literal(STORKIT_ERROR, STORKIT_ERROR_SHUTTING_DOWN,
                                                  "the service is going down: ask again");
    if (sd_bus_message_is_method_call(m, NULL, NULL) > 0)
        bus_reply_error(m, error);
    return 1;
}

/* A filter, since the bus sends NameLost to us alone: there is nothing to subscribe to. */
static int on_message(sd_bus_message *m, void *userdata, sd_bus_error *ret_error)
{
    Service *service = userdata;
    if (service->ending)
        return refuse_message(m);
    if (!sd_bus_message_is_signal(m, BUS_NAME, "NameLost") ||
        g_strcmp0(sd_bus_message_get_sender(m), BUS_NAME) != 0)
        return 0;
    /* On a former connection it is our own doing. The bus also says it of the connection's unique
     * name, as that ends. */
    const char *name;
    if (sd_bus_message_read(m, "s", &name) < 0 || !g_str_equal(name, STORKIT_BUS_NAME) ||
        sd_bus_message_get_bus(m) != service->bus || service->stopping)
        return 0;
    give_up(service, "somebody else has taken the bus name " STORKIT_BUS_NAME);
    return 0;
}

/* Makes a connection with our objects: who finds the name finds them there. Nothing here waits for
 * the bus. */
static int open_bus(Service *service)
{
    service->opened = g_get_monotonic_time();
    int r = sd_bus_open_user_with_description(&service->bus, "storkitd");
    if (r >= 0)
        r = sd_bus_add_filter(service->bus, NULL, on_message, service);
    if (r >= 0)
        r = bus_pool_register(service->bus, &service->parts);
    return r < 0 ? r : bus_runs_register(service->runs, service->bus);
}

static void take_bus(Service *service)
{
    service->named = TRUE;
    bus_publisher_set_bus(service->parts.publisher, service->bus);
}

static void watch_bus(Service *service)
{
    service->source = bus_source_new(service->bus, on_processed, on_bus_failed, service);
}

/* The first time: there is nothing yet that could not wait. */
static gboolean connect_bus(Service *service, GError **error)
{
    int r = open_bus(service);
    if (r >= 0)
        r = sd_bus_request_name(service->bus, STORKIT_BUS_NAME, SD_BUS_NAME_ALLOW_REPLACEMENT);
    if (r < 0) {
        g_autofree char *why = describe_bus_error(r);
        g_set_error_literal(error, G_FILE_ERROR, G_FILE_ERROR_FAILED, why);
        return FALSE;
    }
    watch_bus(service);
    take_bus(service);
    return TRUE;
}

/* 0, or a negative errno. */
static int read_name_reply(sd_bus_message *m)
{
    uint32_t answer = 0;
    if (sd_bus_message_is_method_error(m, NULL))
        return -sd_bus_message_get_errno(m);
    int r = sd_bus_message_read(m, "u", &answer);
    if (r < 0)
        return r;
    return answer == NAME_IS_OURS || answer == NAME_WAS_OURS ? 0 : -EEXIST;
}

static int on_name(sd_bus_message *m, void *userdata, sd_bus_error *ret_error)
{
    Service *service = userdata;
    int r = read_name_reply(m);
    if (sd_bus_message_get_bus(m) != service->bus)
        return 0;
    if (r < 0) {
        g_warning("the bus does not give us our name: %s", g_strerror(-r));
        wait_to_return(service, r);
        return 0;
    }
    g_message("on the bus again");
    take_bus(service);
    bus_runs_set_bus(service->runs, service->bus);
    announce_counts(service);
    return 0;
}

/* Agents, subscribers and calls on former connections go on while the bus takes its time. */
static void connect_again(Service *service)
{
    int r = open_bus(service);
    if (r >= 0)
        r = sd_bus_request_name_async(service->bus, NULL, STORKIT_BUS_NAME,
                                      SD_BUS_NAME_ALLOW_REPLACEMENT | SD_BUS_NAME_REPLACE_EXISTING,
                                      on_name, service);
    if (r >= 0) {
        watch_bus(service);
    } else {
        disconnect(service);
        wait_to_return(service, r);
    }
}

/* --- Going when there is nothing to do --- */

static void watch_for_idle(Service *service);

static gboolean is_idle(Service *service)
{
    return pool_is_idle(service->parts.pool) &&
           subscriptions_count(service->parts.subscriptions) == 0 &&
           bus_publisher_is_idle(service->parts.publisher) &&
           !journal_sink_is_busy(service->journal);
}

static gboolean quit_when_quiet(gpointer user_data)
{
    Service *service = user_data;
    if (!pool_is_quiet(service->parts.pool))
        return G_SOURCE_CONTINUE;
    service->quiet_timer = 0;
    g_main_loop_quit(service->loop);
    return G_SOURCE_REMOVE;
}

static gboolean on_stop_timeout(gpointer user_data)
{
    Service *service = user_data;
    service->stop_timer = 0;
    g_main_loop_quit(service->loop);
    return G_SOURCE_REMOVE;
}

/* systemd is told, so that it does not take this end for a crash. */
static void begin_to_stop(Service *service)
{
    service->stopping = TRUE;
    sd_notify(0, "STOPPING=1");
    service->stop_timer = g_timeout_add_seconds(STOP_SECONDS, on_stop_timeout, service);
}

static void wait_for_quiet(Service *service)
{
    if (service->quiet_timer == 0)
        service->quiet_timer = g_timeout_add(10, quit_when_quiet, service);
}

static int on_released(sd_bus_message *m, void *userdata, sd_bus_error *ret_error)
{
    wait_for_quiet(userdata);
    return 0;
}

/* Calls that the bus delivered before it took the name back are answered: they come before its
 * reply. Later ones start the next service. */
static void leave(Service *service)
{
    g_debug("nothing to do: ending, until the next call");
    begin_to_stop(service);
    if (!service->named ||
        sd_bus_release_name_async(service->bus, NULL, STORKIT_BUS_NAME, on_released, service) < 0)
        wait_for_quiet(service);
}

static gboolean on_idle_timer(gpointer user_data)
{
    Service *service = user_data;
    guint64 limit = pool_get_settings(service->parts.pool)->idle_exit_usec;
    service->idle_timer = 0;
    if (is_idle(service) && g_get_monotonic_time() - service->last_activity >= (gint64)limit)
        leave(service);
    else
        watch_for_idle(service);
    return G_SOURCE_REMOVE;
}

/* Only while no agent runs: an idle pool of agents makes no wake-ups. */
static void watch_for_idle(Service *service)
{
    guint64 limit = pool_get_settings(service->parts.pool)->idle_exit_usec;
    gboolean wanted = limit > 0 && !service->stopping &&
                      pool_count_running(service->parts.pool) == 0 &&
                      pool_count_queued(service->parts.pool) == 0;
    if (!wanted)
        g_clear_handle_id(&service->idle_timer, g_source_remove);
    else if (service->idle_timer == 0)
        service->idle_timer =
            g_timeout_add((guint)MIN(limit / 1000 + 1, G_MAXINT), on_idle_timer, service);
}

/* --- What the pool tells --- */

static void on_run_visible(Run *run, gpointer data)
{
    Service *service = data;
    g_autoptr(RunLog) log = run_open_log(run, NULL);
    bus_publisher_add(service->parts.publisher, run);
    if (log)
        journal_sink_add(service->journal, log, run->cursors, run->record->unit);
}

static void on_run_has_events(Run *run, gpointer data)
{
    Service *service = data;
    subscriptions_wake(service->parts.subscriptions, run);
    bus_publisher_wake(service->parts.publisher, run);
    journal_sink_wake(service->journal);
    bus_runs_on_events(service->runs, run);
}

static void on_run_output(Run *run, gpointer data)
{
    Service *service = data;
    attachments_wake(service->parts.attachments, run);
}

static void on_run_changed(Run *run, gpointer data)
{
    Service *service = data;
    if (!run->listed)
        drains_forget(service->parts.drains, run);
    bus_runs_on_changed(service->runs, run);
}

static const struct {
    const char *status;  /* as a live status on the bus and to subscribers */
    const char *message; /* for the journal */
    const char *message_id;
} notes[] = {
    [NOTE_FROZEN] = {"frozen", "Agent is frozen", NULL},
    [NOTE_THAWED] = {"running", "Agent goes on", NULL},
    [NOTE_DISK_FULL] = {"disk_full", "The disk is full: the agent is held back until there is room",
                        STORKIT_MESSAGE_DISK_FULL},
    [NOTE_DISK_ROOM] = {"running", "There is room on the disk again: the agent goes on", NULL},
    [NOTE_OOM_KILL] = {"oom_kill",
                       "The kernel killed a process of the agent for memory; the rest "
                       "of the run goes on",
                       STORKIT_MESSAGE_OOM_KILL},
};

static void on_run_noted(Run *run, RunNote note, gpointer data)
{
    Service *service = data;
    bus_publisher_send_live(service->parts.publisher, run, notes[note].status);
    subscriptions_send_live(service->parts.subscriptions, run, notes[note].status);
    if (run->log)
        journal_sink_note(service->journal, run->log, run->record->unit, notes[note].message,
                          notes[note].message_id);
}

static void announce_counts(Service *service)
{
    guint running = pool_count_running(service->parts.pool);
    guint queued = pool_count_queued(service->parts.pool);
    if (!service->named)
        return;
    if (running != service->running)
        sd_bus_emit_properties_changed(service->bus, STORKIT_OBJECT_PATH, STORKIT_INTERFACE,
                                       "Running", NULL);
    if (queued != service->queued)
        sd_bus_emit_properties_changed(service->bus, STORKIT_OBJECT_PATH, STORKIT_INTERFACE,
                                       "Queued", NULL);
    service->running = running;
    service->queued = queued;
}

static void on_counts_changed(gpointer data)
{
    Service *service = data;
    announce_counts(service);
    watch_for_idle(service);
}

static const PoolListener pool_listener = {
    .run_visible = on_run_visible,
    .run_output = on_run_output,
    .run_has_events = on_run_has_events,
    .run_changed = on_run_changed,
    .run_noted = on_run_noted,
    .counts_changed = on_counts_changed,
};

static const BusPublisherOwner publisher_owner = {
    .wants_new_bus = on_wants_new_bus,
    .waits = on_waits,
};

static void on_pool_lost(gpointer data)
{
    give_up(data, "the user manager is out of reach");
}

/* --- The service --- */

Service *service_new(GMainLoop *loop, GError **error)
{
    g_autoptr(Service) service = g_new0(Service, 1);
    service->loop = loop;
    service->former = g_ptr_array_new_with_free_func((GDestroyNotify)former_free);
    service->parts.publisher = bus_publisher_new(&publisher_owner, service);
    service->parts.subscriptions = subscriptions_new();
    service->parts.drains = drains_new();
    service->parts.steering = steering_new();
    service->parts.attachments = attachments_new();
    service->runs = bus_runs_new(&service->parts);
    service->parts.pool = pool_new(on_pool_lost, service, error);
    if (!service->parts.pool)
        return NULL;
    service->journal = journal_sink_new();
    pool_add_listener(service->parts.pool, &pool_listener, service);

    /* The runs before the name: the first call already finds them. But the name before anything is
     * changed: two services on one state folder must not both undo what is half done. */
    if (!connect_bus(service, error))
        return NULL;
    service->last_activity = g_get_monotonic_time();
    pool_adopt(service->parts.pool);
    bus_runs_set_bus(service->runs, service->bus);
    watch_for_idle(service);
    sd_notify(0, "READY=1");
    return g_steal_pointer(&service);
}

/* Not sd_bus_flush(), which waits for a bus that hangs for as long as that does. */
static void flush(Service *service)
{
    gint64 left, until = g_get_monotonic_time() + FLUSH_SECONDS * G_USEC_PER_SEC;
    uint64_t queued = 0;
    int r = 0;
    service->ending = TRUE;
    while (r >= 0 && sd_bus_get_n_queued_write(service->bus, &queued) >= 0 && queued > 0 &&
           (left = until - g_get_monotonic_time()) > 0) {
        r = sd_bus_process(service->bus, NULL);
        if (r == 0)
            r = sd_bus_wait(service->bus, (uint64_t)left);
    }
}

gboolean service_close(Service *service)
{
    g_clear_handle_id(&service->stop_timer, g_source_remove);
    g_clear_handle_id(&service->quiet_timer, g_source_remove);
    g_clear_handle_id(&service->idle_timer, g_source_remove);
    /* What still waits is answered while there is a connection. */
    g_clear_pointer(&service->parts.steering, steering_free);
    if (service->parts.pool) /* none where there is no user manager */
        pool_refuse_waiters(service->parts.pool);
    g_clear_pointer(&service->parts.drains, drains_free);
    /* Before the connection, which is not lost: the bus still reads what is on its socket. */
    g_clear_pointer(&service->parts.publisher, bus_publisher_free);
    if (service->named)
        flush(service);
    disconnect(service);
    g_clear_pointer(&service->former, g_ptr_array_unref);
    return !service->parts.pool || pool_is_quiet(service->parts.pool);
}

void service_free(Service *service)
{
    if (!service)
        return;
    service_close(service);
    bus_runs_free(service->runs);
    attachments_free(service->parts.attachments);
    journal_sink_free(service->journal);
    subscriptions_free(service->parts.subscriptions);
    pool_free(service->parts.pool);
    g_free(service);
}

void service_stop(Service *service)
{
    if (service->stopping)
        return;
    begin_to_stop(service);
    pool_shut_down(service->parts.pool);
    wait_for_quiet(service);
}

int service_get_exit_status(const Service *service)
{
    return service->exit_status;
}
