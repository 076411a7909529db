/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "service.h"

#include <systemd/sd-daemon.h>

#include "bus/link.h"
#include "base/bus-names.h"
#include "bus/pool-object.h"
#include "bus/publisher.h"
#include "bus/run-objects.h"
#include "host/login-environment.h"
#include "sinks/journal.h"
#include "store/state-lock.h"
#include "base/util.h"

/* A bus that has taken nothing of us for this long has stopped reading us. */
#define STUCK_SECONDS 10

/* How long a service that goes down waits for steps that are under way. */
#define STOP_SECONDS 20

struct Service {
    GMainLoop *loop;
    BusParts parts;
    BusPublisher *publisher;
    BusRuns *runs;
    JournalSink *journal;
    BusLink *link;
    guint stuck_timer, stop_timer, idle_timer;
    GSource *quiet;        /* while it waits for that */
    gint64 last_activity;  /* monotonic */
    guint running, queued; /* as last announced */
    gboolean stopping;
    int exit_status;
    int lock; /* of the state folder */
};

/* Where there is nothing to serve on, another start would find the same: it is not a failure, after
 * which systemd would try until it has had enough. The bus starts the service with the next call.
 */
static void end_without_bus(Service *service, const char *why)
{
    if (!service->stopping)
        g_message("%s: exiting; runs continue, and the next call starts the service", why);
    g_main_loop_quit(service->loop);
}

/* --- On the bus --- */

static int add_objects(sd_bus *bus, gpointer data)
{
    Service *service = data;
    int r = bus_pool_register(bus, &service->parts);
    return r < 0 ? r : bus_runs_register(service->runs, bus);
}

static void on_down(gpointer data)
{
    Service *service = data;
    g_clear_handle_id(&service->stuck_timer, g_source_remove);
    if (service->publisher)
        bus_publisher_set_bus(service->publisher, NULL);
    if (service->runs) /* none where there is no user manager */
        bus_runs_set_bus(service->runs, NULL);
}

static void announce_counts(Service *service);

static void on_up(sd_bus *bus, gpointer data)
{
    Service *service = data;
    bus_publisher_set_bus(service->publisher, bus);
    bus_runs_set_bus(service->runs, bus);
    announce_counts(service);
}

static void on_name_taken(const char *why, gpointer data)
{
    Service *service = data;
    g_critical("%s: exiting; runs continue, and the next service finds them", why);
    service->exit_status = 1;
    g_main_loop_quit(service->loop);
}

static void on_bus_gone(const char *why, gpointer data)
{
    end_without_bus(data, why);
}

static void on_wants_new_bus(gpointer data)
{
    Service *service = data;
    g_message("a client on the bus does not read its events, which fill the bus's queue: "
              "reconnecting");
    bus_link_move(service->link);
}

static void watch_for_stuck(Service *service);

static gboolean on_stuck_timer(gpointer user_data)
{
    Service *service = user_data;
    gint64 since = bus_publisher_waits_since(service->publisher);
    service->stuck_timer = 0;
    if (since == 0 || g_get_monotonic_time() - since < STUCK_SECONDS * G_USEC_PER_SEC) {
        watch_for_stuck(service);
        return G_SOURCE_REMOVE;
    }
    g_warning("the bus has taken no event for %d s: opening a new connection", STUCK_SECONDS);
    bus_link_reopen(service->link);
    return G_SOURCE_REMOVE;
}

/* The timer runs only while the bus owes us something, so that an idle service makes no wake-ups.
 */
static void watch_for_stuck(Service *service)
{
    gint64 since = bus_publisher_waits_since(service->publisher);
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
    bus_publisher_on_processed(service->publisher);
    watch_for_stuck(service);
}

static const BusLinkOwner link_owner = {
    .add_objects = add_objects,
    .down = on_down,
    .up = on_up,
    .processed = on_processed,
    .taken = on_name_taken,
    .gone = on_bus_gone,
};

/* --- Going when there is nothing to do --- */

static void watch_for_idle(Service *service);

static gboolean is_idle(Service *service)
{
    return pool_is_idle(service->parts.pool) && service->parts.asking == 0 &&
           subscriptions_count(service->parts.subscriptions) == 0 &&
           bus_publisher_is_idle(service->publisher) && !journal_sink_is_busy(service->journal);
}

/* Quiet is what the main loop's other sources make of it, so it is enough to look between them. */
typedef struct {
    GSource source;
    Service *service;
} QuietSource;

static gboolean quiet_is_there(GSource *source)
{
    const BusParts *parts = &((QuietSource *)source)->service->parts;
    return pool_is_quiet(parts->pool) && parts->asking == 0;
}

static gboolean quiet_prepare(GSource *source, int *ret_timeout)
{
    *ret_timeout = -1;
    return quiet_is_there(source);
}

static gboolean quiet_dispatch(GSource *source, GSourceFunc unused, gpointer data)
{
    g_main_loop_quit(((QuietSource *)source)->service->loop);
    return G_SOURCE_REMOVE;
}

static GSourceFuncs quiet_functions = {
    .prepare = quiet_prepare,
    .check = quiet_is_there,
    .dispatch = quiet_dispatch,
};

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
    bus_link_set_leaving(service->link);
    sd_notify(0, "STOPPING=1");
    service->stop_timer = g_timeout_add_seconds(STOP_SECONDS, on_stop_timeout, service);
}

static void wait_for_quiet(Service *service)
{
    if (service->quiet)
        return;
    service->quiet = g_source_new(&quiet_functions, sizeof(QuietSource));
    ((QuietSource *)service->quiet)->service = service;
    g_source_attach(service->quiet, NULL);
}

static void forget_quiet(Service *service)
{
    if (!service->quiet)
        return;
    g_source_destroy(service->quiet);
    g_clear_pointer(&service->quiet, g_source_unref);
}

static void on_released(gpointer data)
{
    wait_for_quiet(data);
}

/* Calls that the bus delivered before it took the name back are answered: they come before its
 * reply. Later ones start the next service. */
static void leave(Service *service)
{
    g_debug("idle: exiting until the next call");
    begin_to_stop(service);
    if (!bus_link_release_name(service->link, on_released, service))
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
                      runs_count_running(pool_get_runs(service->parts.pool)) == 0 &&
                      pool_count_queued(service->parts.pool) == 0;
    if (!wanted)
        g_clear_handle_id(&service->idle_timer, g_source_remove);
    else if (service->idle_timer == 0)
        service->idle_timer =
            g_timeout_add((guint)MIN(limit / 1000 + 1, G_MAXINT), on_idle_timer, service);
}

/* --- What the pool tells --- */

static void announce_counts(Service *service)
{
    guint running = runs_count_running(pool_get_runs(service->parts.pool));
    guint queued = pool_count_queued(service->parts.pool);
    sd_bus *bus = bus_link_get(service->link);
    if (!bus)
        return;
    if (running != service->running)
        sd_bus_emit_properties_changed(bus, STORKIT_OBJECT_PATH, STORKIT_INTERFACE, "Running",
                                       NULL);
    if (queued != service->queued)
        sd_bus_emit_properties_changed(bus, STORKIT_OBJECT_PATH, STORKIT_INTERFACE, "Queued", NULL);
    service->running = running;
    service->queued = queued;
}

static void heard(const RunNews *news, gpointer data)
{
    Service *service = data;
    if (news->kind != NEWS_COUNTS)
        return;
    announce_counts(service);
    watch_for_idle(service);
}

static const BusPublisherOwner publisher_owner = {
    .wants_new_bus = on_wants_new_bus,
    .waits = on_waits,
};

static void on_manager_gone(gpointer data)
{
    end_without_bus(data, "cannot reach the user manager any more");
}

/* --- The service --- */

Service *service_new(GMainLoop *loop, GError **error)
{
    g_autoptr(Service) service = g_new0(Service, 1);
    service->loop = loop;
    service->lock = -1;
    service->link = bus_link_new(&link_owner, service);
    service->parts.pool = pool_new(on_manager_gone, service, error);
    if (!service->parts.pool)
        return NULL;
    Runs *runs = pool_get_runs(service->parts.pool);
    /* The first to hear of news, with no bus between. */
    service->parts.subscriptions = subscriptions_new(runs);
    service->publisher = bus_publisher_new(runs, &publisher_owner, service);
    service->parts.drains = drains_new(runs);
    service->parts.steering = steering_new();
    service->parts.questions = questions_new(runs, service->parts.steering);
    service->parts.conversations = conversations_new(runs, service->parts.steering);
    service->parts.attachments = attachments_new(runs);
    service->runs = bus_runs_new(&service->parts);
    service->journal = journal_sink_new(runs);
    runs_add_listener(runs, heard, service);

    if (!state_lock_take(g_getenv("DBUS_SESSION_BUS_ADDRESS"), &service->lock, error))
        return NULL;
    login_environment_begin();
    /* The runs before the name: the first call already finds them. But the name before anything is
     * changed: two services on one state folder must not both undo what is half done. */
    if (!bus_link_open(service->link, error))
        return NULL;
    bus_publisher_set_bus(service->publisher, bus_link_get(service->link));
    service->last_activity = g_get_monotonic_time();
    pool_adopt(service->parts.pool);
    bus_runs_set_bus(service->runs, bus_link_get(service->link));
    watch_for_idle(service);
    sd_notify(0, "READY=1");
    return g_steal_pointer(&service);
}

gboolean service_close(Service *service)
{
    g_clear_handle_id(&service->stop_timer, g_source_remove);
    forget_quiet(service);
    g_clear_handle_id(&service->idle_timer, g_source_remove);
    /* What still waits is answered while there is a connection. */
    g_clear_pointer(&service->parts.questions, questions_free);
    g_clear_pointer(&service->parts.conversations, conversations_free);
    g_clear_pointer(&service->parts.steering, steering_free);
    if (service->parts.pool) /* none where there is no user manager */
        pool_refuse_waiters(service->parts.pool);
    g_clear_pointer(&service->parts.drains, drains_free);
    /* Before the connection, which is not lost: the bus still reads what is on its socket. */
    g_clear_pointer(&service->publisher, bus_publisher_free);
    bus_link_flush(service->link);
    bus_link_close(service->link);
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
    bus_link_free(service->link);
    fd_clear(&service->lock);
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
