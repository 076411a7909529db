/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "bus/publisher.h"

#include "bus/gauge.h"
#include "base/pace.h"
#include "base/test-hooks.h"
#include "bus/signal.h"
#include "transcript/reader.h"

/* Well below what dbus-daemon carries (75,000 a second to one subscriber), so that calls of others
 * find it awake. */
#define SIGNALS_PER_SECOND 25000
#define BURST 2500

/* Of agents that flood their terminals, together: at the full rate the bus and this process would
 * take a core from them. Others do not wait for these. */
#define FLOOD_SIGNALS_PER_SECOND 1000
#define FLOOD_BURST 100

/* A run's share before the next one has its turn. */
#define TURN 64

/* So many tokens may be owed for runs that print little: less than a turn since they had nothing to
 * send. They do not wait for those that have used up the tokens. */
#define MAX_OWED 500

/* How many bytes go out before the bus is asked about them, and how many at most before it has
 * answered: so much may a reader that has just stopped hoard unnoticed. */
#define ASK_EVERY (1u * 1024 * 1024)
#define MAX_UNCONFIRMED (16u * 1024 * 1024)

/* A signal's own bytes beside those of the text. */
#define SIGNAL_BYTES 512

/* How often the bus is asked whether it has room again. */
#define HOLD_SECONDS 1

/* How much of the missed output a restarted daemon still publishes. */
#define MAX_BACKLOG (4u * 1024 * 1024)

typedef struct {
    Run *run;
    SinkCursors *cursors; /* or NULL */
    RunLog *log;
    LogReader *reader;
    EventBatch *batch;
    guint next;      /* event of the batch */
    guint in_a_row;  /* sent since there was nothing to send */
    gboolean active; /* in the queue of those that have something */

    /* Cursors: of the last event on the socket, of the last one before the question to the bus that
     * is under way, and of the last one that the bus has taken for certain. */
    guint64 sent, asked, taken;
} Publication;

struct BusPublisher {
    Runs *runs;
    sd_bus *bus;
    GHashTable *publications; /* Run * -> Publication * */
    GQueue active;
    guint source;
    Publication *in_flight; /* its event batch->events[next - 1] is not on the socket yet */
    gint64 in_flight_since;
    BusGauge *gauge;      /* of @bus */
    gsize unasked, asked; /* bytes sent after the last question, and before it */
    gboolean leaving;     /* this connection, once the bus has accepted everything */
    gboolean full;        /* the bus: nothing goes out until it has room */
    guint hold_timer;     /* while it is, and there is something to publish */
    const BusPublisherOwner *owner;
    gpointer data;
    Pace pace, flood_pace;
};

static void publication_free(Publication *publication)
{
    event_batch_unref(publication->batch);
    log_reader_free(publication->reader);
    run_log_unref(publication->log);
    sink_cursors_unref(publication->cursors);
    run_unref(publication->run);
    g_free(publication);
}

/* --- The order of things --- */

static void send_event(BusPublisher *publisher, const RunIdentity *identity, const Event *event)
{
    int r = bus_send_event(publisher->bus, identity, event);
    /* A lost connection is reported once; the event is sent again on the next one. */
    if (r < 0 && r != -ENOTCONN && r != -ECONNRESET && r != -EPIPE)
        g_warning("cannot publish an event of run %s: %s", identity->run_id, g_strerror(-r));
}

static gboolean has_room(const BusPublisher *publisher)
{
    uint64_t queued = 0;
    return publisher->bus && sd_bus_get_n_queued_write(publisher->bus, &queued) >= 0 && queued == 0;
}

static void commit(BusPublisher *publisher, Publication *publication)
{
    const Event *event = event_batch_get(publication->batch, publication->next - 1);
    publication->sent = event->cursor;
    publisher->unasked += MIN(event->length, EVENT_BUS_MAX) + SIGNAL_BYTES;
    if (publication->cursors)
        sink_cursors_set(publication->cursors, SINK_BUS, event->cursor);
    if (event_is_last(event))
        fault_point("last-signal-kept");
}

static gboolean has_published(const Publication *publication)
{
    return !publication->batch || publication->next >= publication->batch->events->len;
}

/* NULL: none now; with an empty batch, there may be more in the next turn. */
static const Event *peek(Publication *publication)
{
    if (!has_published(publication))
        return event_batch_get(publication->batch, publication->next);
    g_clear_pointer(&publication->batch, event_batch_unref);
    publication->batch = log_reader_decode(publication->reader, NULL);
    publication->next = 0;
    return publication->batch && publication->batch->events->len > 0
               ? event_batch_get(publication->batch, 0)
               : NULL;
}

static gboolean is_open(const BusPublisher *publisher)
{
    return !publisher->in_flight && !publisher->leaving && !publisher->full &&
           publisher->unasked + publisher->asked < MAX_UNCONFIRMED && has_room(publisher);
}

static Pace *pace_of(BusPublisher *publisher, const Publication *publication)
{
    return run_is_flooding(publication->run) ? &publisher->flood_pace : &publisher->pace;
}

static gboolean may_send(BusPublisher *publisher, const Publication *publication)
{
    guint debt = publication->in_a_row < TURN ? MAX_OWED : 0;
    return pace_may_owe(pace_of(publisher, publication), debt) && is_open(publisher);
}

/* A run's turn: TRUE if it has more. */
static gboolean take_turn(BusPublisher *publisher, Publication *publication)
{
    for (guint i = 0; i < TURN && may_send(publisher, publication); i++) {
        const Event *event = peek(publication);
        if (!event)
            return publication->batch != NULL;
        send_event(publisher, publication->batch->identity, event);
        if (event_is_last(event))
            fault_point("last-signal");
        pace_take(pace_of(publisher, publication), 1);
        publication->next++;
        publication->in_a_row++;
        if (has_room(publisher)) {
            commit(publisher, publication);
        } else {
            publisher->in_flight = publication;
            publisher->in_flight_since = g_get_monotonic_time();
            publisher->owner->waits(publisher->data);
        }
    }
    return TRUE;
}

static gboolean is_over(const Publication *publication)
{
    return !publication->active && log_reader_is_at_end(publication->reader) &&
           publication->taken == publication->sent;
}

static void retire(BusPublisher *publisher, Publication *publication)
{
    publication->active = FALSE;
    publication->in_a_row = 0;
    if (is_over(publication))
        g_hash_table_remove(publisher->publications, publication->run);
}

static gboolean on_tick(gpointer user_data);

static gboolean any_may_send(BusPublisher *publisher)
{
    for (const GList *link = publisher->active.head; link; link = link->next)
        if (may_send(publisher, link->data))
            return TRUE;
    return FALSE;
}

static void schedule(BusPublisher *publisher)
{
    /* While it is not open, opening it is under way. */
    if (publisher->source != 0 || publisher->active.length == 0 || !is_open(publisher))
        return;
    publisher->source = any_may_send(publisher) ? g_idle_add(on_tick, publisher)
                                                : g_timeout_add_full(G_PRIORITY_DEFAULT_IDLE, 20,
                                                                     on_tick, publisher, NULL);
}

static void note_taken(BusPublisher *publisher)
{
    GHashTableIter iter;
    Publication *publication;
    g_hash_table_iter_init(&iter, publisher->publications);
    while (g_hash_table_iter_next(&iter, NULL, (gpointer *)&publication)) {
        publication->taken = publication->asked;
        if (is_over(publication))
            g_hash_table_iter_remove(&iter);
    }
}

/* One question at a time: while the bus is busy, one covers many events. */
static void ask(BusPublisher *publisher)
{
    if (!publisher->gauge || publisher->in_flight || bus_gauge_asked_at(publisher->gauge) > 0)
        return;
    publisher->asked = publisher->unasked;
    publisher->unasked = 0;
    GHashTableIter iter;
    Publication *publication;
    g_hash_table_iter_init(&iter, publisher->publications);
    while (g_hash_table_iter_next(&iter, NULL, (gpointer *)&publication))
        publication->asked = publication->sent;
    bus_gauge_ask(publisher->gauge);
    publisher->owner->waits(publisher->data);
}

static void ask_if_due(BusPublisher *publisher)
{
    gboolean is_last = publisher->active.length == 0 || publisher->leaving;
    if (publisher->unasked >= ASK_EVERY || (publisher->unasked > 0 && is_last))
        ask(publisher);
}

static gboolean on_hold_timer(gpointer user_data)
{
    ask(user_data);
    return G_SOURCE_CONTINUE;
}

static void watch_for_room(BusPublisher *publisher)
{
    if (!publisher->full || publisher->active.length == 0)
        g_clear_handle_id(&publisher->hold_timer, g_source_remove);
    else if (publisher->hold_timer == 0)
        publisher->hold_timer = g_timeout_add_seconds(HOLD_SECONDS, on_hold_timer, publisher);
}

static void on_gauge(gboolean taken, BusGaugeLevel level, gpointer data)
{
    BusPublisher *publisher = data;
    publisher->asked = 0;
    if (taken)
        note_taken(publisher);
    publisher->full = level == BUS_GAUGE_WAIT;
    watch_for_room(publisher);
    publisher->leaving |= level == BUS_GAUGE_LEAVE;
    ask_if_due(publisher);
    if (publisher->leaving && !publisher->in_flight && bus_gauge_asked_at(publisher->gauge) == 0)
        publisher->owner->wants_new_bus(publisher->data);
    schedule(publisher);
}

static void pump(BusPublisher *publisher)
{
    pace_refill(&publisher->pace);
    pace_refill(&publisher->flood_pace);
    for (guint turns = publisher->active.length; turns > 0 && is_open(publisher); turns--) {
        Publication *publication = g_queue_pop_head(&publisher->active);
        if (take_turn(publisher, publication))
            g_queue_push_tail(&publisher->active, publication);
        else
            retire(publisher, publication);
    }
    ask_if_due(publisher);
    schedule(publisher);
}

static gboolean on_tick(gpointer user_data)
{
    BusPublisher *publisher = user_data;
    publisher->source = 0;
    pump(publisher);
    return G_SOURCE_REMOVE;
}

void bus_publisher_on_processed(BusPublisher *publisher)
{
    if (!has_room(publisher))
        return;
    Publication *publication = g_steal_pointer(&publisher->in_flight);
    if (publication) {
        commit(publisher, publication);
        ask_if_due(publisher);
    }
    schedule(publisher);
}

/* --- Publishing --- */

static LogReader *open_reader(SinkCursors *cursors, RunLog *log)
{
    guint64 cursor = cursors ? sink_cursors_get(cursors, SINK_BUS) : 0;
    LogReader *reader = log_reader_new_again(log, cursor);
    if (reader && log_reader_backlog(reader) <= MAX_BACKLOG)
        return reader;
    log_reader_free(reader);
    return log_reader_new_at_head(log);
}

static void take_batch(BusPublisher *publisher, Publication *publication, EventBatch *batch)
{
    if (publication == publisher->in_flight || !has_published(publication) ||
        !log_reader_take(publication->reader, batch))
        return;
    g_clear_pointer(&publication->batch, event_batch_unref);
    publication->batch = event_batch_ref(batch);
    publication->next = 0;
}

/* The log of @run has more to read: @batch comes next for a reader at its head, or NULL. */
static void wake(BusPublisher *publisher, Run *run, EventBatch *batch)
{
    Publication *publication = g_hash_table_lookup(publisher->publications, run);
    if (publication && batch)
        take_batch(publisher, publication, batch);
    if (!publication || publication->active)
        return;
    publication->active = TRUE;
    g_queue_push_head(&publisher->active, publication);
    if (publisher->full && publisher->hold_timer == 0)
        ask(publisher); /* nobody has for a while */
    watch_for_room(publisher);
    pump(publisher);
}

static void add(BusPublisher *publisher, Run *run)
{
    g_autoptr(RunLog) log = run_open_log(run, NULL);
    if (!log || g_hash_table_contains(publisher->publications, run))
        return;
    Publication *publication = g_new0(Publication, 1);
    publication->run = run_ref(run);
    publication->cursors = run_ref_cursors(run);
    publication->reader = open_reader(publication->cursors, log);
    publication->sent = publication->asked = publication->taken =
        log_reader_cursor(publication->reader);
    publication->log = g_steal_pointer(&log);
    g_hash_table_insert(publisher->publications, run, publication);
    wake(publisher, run, NULL);
}

/* Of the last event of the run that has gone out. */
static guint64 cursor_here(const BusPublisher *publisher, Run *run)
{
    const Publication *publication = g_hash_table_lookup(publisher->publications, run);
    if (!publication)
        return run_get_last_cursor(run);
    return publication == publisher->in_flight
               ? event_batch_get(publication->batch, publication->next - 1)->cursor
               : publication->sent;
}

/* Sends a status that is not an event of the log (`frozen`, `running` at a thaw), with the cursor
 * of the run's event sent before it. */
static void send_live(BusPublisher *publisher, Run *run, const char *status)
{
    if (!run_get_log(run) || !publisher->bus)
        return;
    GVariant *own_keys = run_status_details(run, status);
    g_autoptr(GVariant) details = own_keys ? g_variant_ref_sink(own_keys) : NULL;
    Event event = event_live_status(cursor_here(publisher, run), status, details);
    send_event(publisher, run_log_identity(run_get_log(run)), &event);
}

/* Goes back to the last event that the bus has certainly accepted. */
static void rewind_publication(BusPublisher *publisher, Publication *publication)
{
    LogReader *reader = log_reader_new_again(publication->log, publication->taken);
    if (!reader)
        return;
    log_reader_free(publication->reader);
    publication->reader = reader;
    g_clear_pointer(&publication->batch, event_batch_unref);
    publication->sent = publication->asked = publication->taken;
    if (publication->cursors) /* a service that is killed before the next bus is there */
        sink_cursors_set(publication->cursors, SINK_BUS, publication->taken);
    if (!publication->active)
        g_queue_push_tail(&publisher->active, publication);
    publication->active = TRUE;
}

static void rewind_all(BusPublisher *publisher)
{
    const Publication *in_flight = g_steal_pointer(&publisher->in_flight);
    GHashTableIter iter;
    Publication *publication;
    g_hash_table_iter_init(&iter, publisher->publications);
    while (g_hash_table_iter_next(&iter, NULL, (gpointer *)&publication))
        if (publication == in_flight || publication->taken != publication->sent)
            rewind_publication(publisher, publication);
}

void bus_publisher_set_bus(BusPublisher *publisher, sd_bus *bus)
{
    g_clear_pointer(&publisher->gauge, bus_gauge_free);
    g_clear_handle_id(&publisher->hold_timer, g_source_remove);
    publisher->unasked = publisher->asked = 0;
    publisher->leaving = publisher->full = FALSE;
    publisher->bus = bus;
    if (bus)
        publisher->gauge = bus_gauge_new(bus, on_gauge, publisher);
    rewind_all(publisher);
    schedule(publisher);
}

gint64 bus_publisher_waits_since(const BusPublisher *publisher)
{
    gint64 asked_at = publisher->gauge ? bus_gauge_asked_at(publisher->gauge) : 0;
    if (asked_at > 0)
        return asked_at;
    return publisher->in_flight ? publisher->in_flight_since : 0;
}

gboolean bus_publisher_is_idle(const BusPublisher *publisher)
{
    return publisher->active.length == 0 && !publisher->in_flight &&
           publisher->unasked + publisher->asked == 0;
}

static void heard(const RunNews *news, gpointer data)
{
    if (news->kind == NEWS_VISIBLE)
        add(data, news->run);
    else if (news->kind == NEWS_EVENTS)
        wake(data, news->run, news->batch);
    else if (news->kind == NEWS_NOTE)
        send_live(data, news->run, run_note_to_status(news->note));
}

BusPublisher *bus_publisher_new(Runs *runs, const BusPublisherOwner *owner, gpointer data)
{
    BusPublisher *publisher = g_new0(BusPublisher, 1);
    publisher->runs = runs;
    runs_add_listener(runs, heard, publisher);
    publisher->owner = owner;
    publisher->data = data;
    publisher->publications =
        g_hash_table_new_full(NULL, NULL, NULL, (GDestroyNotify)publication_free);
    g_queue_init(&publisher->active);
    guint pace = test_limit("STORKIT_SIGNALS_PER_SECOND", SIGNALS_PER_SECOND);
    pace_init(&publisher->pace, pace, BURST, BURST);
    pace_init(&publisher->flood_pace, FLOOD_SIGNALS_PER_SECOND, FLOOD_BURST, FLOOD_BURST);
    return publisher;
}

void bus_publisher_free(BusPublisher *publisher)
{
    if (!publisher)
        return;
    runs_remove_listener(publisher->runs, publisher);
    g_clear_handle_id(&publisher->source, g_source_remove);
    g_clear_handle_id(&publisher->hold_timer, g_source_remove);
    bus_gauge_free(publisher->gauge);
    g_queue_clear(&publisher->active);
    g_hash_table_unref(publisher->publications);
    g_free(publisher);
}
