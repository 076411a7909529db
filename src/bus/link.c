/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "bus/link.h"

#include <errno.h>

#include "bus/name.h"
#include "base/bus-names.h"
#include "bus/reply.h"
#include "host/bus-source.h"
#include "base/error.h"

/* A bus that throws us out or restarts is tried again, a bit later each time, until it is gone for
 * good. */
#define RETURN_ATTEMPTS 10
#define RETURN_STEP_MSEC 100

#define BUS_NAME "org.freedesktop.DBus"

/* Connections that were left, and are kept for the answers to calls that came on them. */
#define MAX_FORMER 8

#define FLUSH_SECONDS 2

/* A bus that closes so many spares, each within a second, does not want one. */
#define SPARE_ATTEMPTS 10

typedef struct {
    BusLink *link;
    sd_bus *bus;
    GSource *source;
    gint64 opened; /* monotonic */
} Connection;

struct BusLink {
    const BusLinkOwner *owner;
    gpointer data;
    Connection *current; /* NULL: none at the moment */
    Connection *spare;   /* waits in the bus's queue for the name */
    GPtrArray *former;   /* Connection *, oldest first */
    guint move_source, return_timer;
    guint return_attempts, spare_attempts;
    gint64 opened;    /* the last one; monotonic */
    gboolean named;   /* the current one has the name */
    gboolean leaving; /* for good */
    gboolean ending;  /* only the last replies still matter */
    void (*released)(gpointer data);
    gpointer released_data;
};

static void connection_free(Connection *connection)
{
    if (!connection)
        return;
    if (connection->source) {
        g_source_destroy(connection->source);
        g_source_unref(connection->source);
    }
    sd_bus_close_unref(connection->bus);
    g_free(connection);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Connection, connection_free)

/* --- Losing it, and coming back --- */

static void connect_again(BusLink *link);
static void make_spare(BusLink *link);

static void disconnect(BusLink *link)
{
    link->named = FALSE;
    link->owner->down(link->data);
    g_clear_handle_id(&link->move_source, g_source_remove);
    g_clear_handle_id(&link->return_timer, g_source_remove);
    g_clear_pointer(&link->current, connection_free);
}

void bus_link_reopen(BusLink *link)
{
    /* The bus may not have noticed yet that the old connection is gone: it reads it no more. */
    disconnect(link);
    connect_again(link);
}

static gboolean on_move(gpointer user_data)
{
    BusLink *link = user_data;
    link->move_source = 0;
    link->named = FALSE;
    link->owner->down(link->data);
    g_ptr_array_add(link->former, g_steal_pointer(&link->current));
    if (link->former->len > MAX_FORMER)
        g_ptr_array_remove_index(link->former, 0);
    connect_again(link);
    return G_SOURCE_REMOVE;
}

void bus_link_move(BusLink *link)
{
    /* From the loop: who wants this is often called by the connection's own dispatch. */
    if (link->move_source == 0)
        link->move_source = g_idle_add(on_move, link);
}

static gboolean on_return_timer(gpointer user_data)
{
    BusLink *link = user_data;
    link->return_timer = 0;
    bus_link_reopen(link);
    return G_SOURCE_REMOVE;
}

/* A bus that hangs is waited for, however long it takes: each attempt at it is a long one. */
static void wait_to_return(BusLink *link, int error)
{
    if (g_get_monotonic_time() - link->opened > G_USEC_PER_SEC)
        link->return_attempts = 0;
    g_autofree char *why = bus_name_describe_error(error);
    if (error == -EEXIST) {
        link->owner->taken(why, link->data);
        return;
    }
    if (link->return_attempts >= RETURN_ATTEMPTS) {
        link->owner->gone(why, link->data);
        return;
    }
    guint msec = RETURN_STEP_MSEC * link->return_attempts++;
    g_clear_handle_id(&link->return_timer, g_source_remove);
    link->return_timer = g_timeout_add(msec, on_return_timer, link);
}

static void lose_current(BusLink *link, int error)
{
    if (link->leaving) { /* the session ends */
        link->owner->gone(g_strerror(-error), link->data);
        return;
    }
    g_warning("lost the connection to the bus: %s", g_strerror(-error));
    disconnect(link);
    if (link->spare)
        connect_again(link);
    else
        wait_to_return(link, error);
}

static void lose_spare(BusLink *link)
{
    if (g_get_monotonic_time() - link->spare->opened > G_USEC_PER_SEC)
        link->spare_attempts = 0;
    g_clear_pointer(&link->spare, connection_free);
    if (link->spare_attempts++ < SPARE_ATTEMPTS)
        make_spare(link);
}

static void on_failed(int error, gpointer data)
{
    Connection *connection = data;
    BusLink *link = connection->link;
    if (connection == link->current)
        lose_current(link, error);
    else if (connection == link->spare)
        lose_spare(link);
    else
        g_ptr_array_remove(link->former, connection);
}

/* --- A connection --- */

static gboolean is_current(const BusLink *link, sd_bus_message *m)
{
    return link->current && sd_bus_message_get_bus(m) == link->current->bus;
}

/* 1: it is dealt with. */
static int refuse_message(sd_bus_message *m)
{
    g_autoptr(GError) error = g_error_new_literal(STORKIT_ERROR, STORKIT_ERROR_SHUTTING_DOWN,
                                                  "the service is shutting down: ask again");
    if (sd_bus_message_is_method_call(m, NULL, NULL) > 0)
        bus_reply_error(m, error);
    return 1;
}

/* A filter, since the bus sends NameLost to us alone: there is nothing to subscribe to. */
static int on_message(sd_bus_message *m, void *userdata, sd_bus_error *ret_error)
{
    BusLink *link = userdata;
    const char *name;
    if (link->ending)
        return refuse_message(m);
    if (!sd_bus_message_is_signal(m, BUS_NAME, "NameLost") ||
        g_strcmp0(sd_bus_message_get_sender(m), BUS_NAME) != 0)
        return 0;
    /* On a former connection it is our own doing. The bus also says it of the connection's unique
     * name, as that ends. */
    if (sd_bus_message_read(m, "s", &name) < 0 || !g_str_equal(name, STORKIT_BUS_NAME) ||
        !is_current(link, m) || link->leaving)
        return 0;
    link->owner->taken("another program has taken the bus name " STORKIT_BUS_NAME, link->data);
    return 0;
}

static void on_processed(gpointer data)
{
    const Connection *connection = data;
    const BusLink *link = connection->link;
    if (connection == link->current)
        link->owner->processed(link->data);
}

/* Makes a connection with our objects, and without a name. Nothing here waits for the bus. NULL:
 * @ret_error is a negative errno. */
static Connection *connection_new(BusLink *link, int *ret_error)
{
    g_autoptr(Connection) connection = g_new0(Connection, 1);
    connection->link = link;
    connection->opened = g_get_monotonic_time();
    int r = sd_bus_open_user_with_description(&connection->bus, "storkitd");
    if (r >= 0)
        r = sd_bus_add_filter(connection->bus, NULL, on_message, link);
    if (r >= 0)
        r = link->owner->add_objects(connection->bus, link->data);
    *ret_error = r;
    return r < 0 ? NULL : g_steal_pointer(&connection);
}

static void watch(Connection *connection)
{
    connection->source = bus_source_new(connection->bus, on_processed, on_failed, connection);
}

/* Where the bus throws the current connection out, the spare is the name's next owner in the same
 * breath: callers notice nothing, and systemd, which stops a service of Type=dbus the moment its
 * name has no owner, sees one all the time. The bus closes a spare that it does not let wait. */
static void make_spare(BusLink *link)
{
    if (link->leaving || link->spare)
        return;
    int r = 0;
    link->spare = connection_new(link, &r);
    if (link->spare)
        r = sd_bus_request_name_async(link->spare->bus, NULL, STORKIT_BUS_NAME,
                                      SD_BUS_NAME_ALLOW_REPLACEMENT | SD_BUS_NAME_QUEUE, NULL,
                                      NULL);
    if (r >= 0) {
        watch(link->spare);
        return;
    }
    g_warning("cannot open a spare connection to the bus: %s", g_strerror(-r));
    g_clear_pointer(&link->spare, connection_free);
}

gboolean bus_link_open(BusLink *link, GError **error)
{
    int r = 0;
    link->current = connection_new(link, &r);
    if (link->current)
        r = bus_name_take(link->current->bus);
    if (r < 0) {
        g_autofree char *why = bus_name_describe_error(r);
        g_set_error_literal(error, G_FILE_ERROR, G_FILE_ERROR_FAILED, why);
        return FALSE;
    }
    link->opened = link->current->opened;
    watch(link->current);
    link->named = TRUE;
    make_spare(link);
    return TRUE;
}

static int on_name(sd_bus_message *m, void *userdata, sd_bus_error *ret_error)
{
    BusLink *link = userdata;
    int r = bus_name_read_reply(m);
    if (!is_current(link, m))
        return 0;
    if (r < 0) {
        g_warning("cannot take the bus name again: %s", g_strerror(-r));
        wait_to_return(link, r);
        return 0;
    }
    g_message("back on the bus");
    link->named = TRUE;
    link->owner->up(link->current->bus, link->data);
    make_spare(link);
    return 0;
}

/* The spare, or a new one. */
static Connection *next_connection(BusLink *link, int *ret_error)
{
    if (link->spare)
        return g_steal_pointer(&link->spare);
    Connection *connection = connection_new(link, ret_error);
    if (connection)
        watch(connection);
    return connection;
}

/* Agents, subscribers and calls on former connections continue while the bus takes its time. */
static void connect_again(BusLink *link)
{
    link->opened = g_get_monotonic_time();
    int r = 0;
    link->current = next_connection(link, &r);
    if (link->current)
        r = sd_bus_request_name_async(link->current->bus, NULL, STORKIT_BUS_NAME,
                                      SD_BUS_NAME_ALLOW_REPLACEMENT | SD_BUS_NAME_REPLACE_EXISTING,
                                      on_name, link);
    if (r >= 0)
        return;
    disconnect(link);
    wait_to_return(link, r);
}

/* --- The end --- */

void bus_link_set_leaving(BusLink *link)
{
    link->leaving = TRUE;
}

static int on_released(sd_bus_message *m, void *userdata, sd_bus_error *ret_error)
{
    const BusLink *link = userdata;
    link->released(link->released_data);
    return 0;
}

static gboolean release_current(BusLink *link)
{
    return link->named && sd_bus_release_name_async(link->current->bus, NULL, STORKIT_BUS_NAME,
                                                    on_released, link) >= 0;
}

static int on_spare_released(sd_bus_message *m, void *userdata, sd_bus_error *ret_error)
{
    BusLink *link = userdata;
    if (!release_current(link))
        link->released(link->released_data);
    return 0;
}

/* The spare leaves the queue first, or the name would be its. */
gboolean bus_link_release_name(BusLink *link, void (*released)(gpointer data), gpointer data)
{
    link->released = released;
    link->released_data = data;
    if (link->spare && sd_bus_release_name_async(link->spare->bus, NULL, STORKIT_BUS_NAME,
                                                 on_spare_released, link) >= 0)
        return TRUE;
    return release_current(link);
}

/* Not sd_bus_flush(), which waits for a bus that hangs for as long as that does. */
void bus_link_flush(BusLink *link)
{
    gint64 left, until = g_get_monotonic_time() + FLUSH_SECONDS * G_USEC_PER_SEC;
    sd_bus *bus = bus_link_get(link);
    uint64_t queued = 0;
    int r = 0;
    link->ending = TRUE;
    while (bus && r >= 0 && sd_bus_get_n_queued_write(bus, &queued) >= 0 && queued > 0 &&
           (left = until - g_get_monotonic_time()) > 0) {
        r = sd_bus_process(bus, NULL);
        if (r == 0)
            r = sd_bus_wait(bus, (uint64_t)left);
    }
}

void bus_link_close(BusLink *link)
{
    g_clear_pointer(&link->spare, connection_free);
    disconnect(link);
    g_ptr_array_set_size(link->former, 0);
}

sd_bus *bus_link_get(const BusLink *link)
{
    return link->named ? link->current->bus : NULL;
}

BusLink *bus_link_new(const BusLinkOwner *owner, gpointer data)
{
    BusLink *link = g_new0(BusLink, 1);
    link->owner = owner;
    link->data = data;
    link->former = g_ptr_array_new_with_free_func((GDestroyNotify)connection_free);
    return link;
}

void bus_link_free(BusLink *link)
{
    if (!link)
        return;
    g_assert(!link->current && !link->spare); /* closed */
    g_ptr_array_unref(link->former);
    g_free(link);
}
