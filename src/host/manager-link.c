/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "host/manager-link.h"

#include <errno.h>

#include "base/test-hooks.h"
#include "host/bus-source.h"
#include "host/systemd.h"

/* A bus that restarts is tried again, a bit later each time, until it is gone for good. */
#define ATTEMPTS 20
#define STEP_MSEC 100

struct ManagerLink {
    sd_bus *bus; /* a lost one until there is the next */
    GSource *source;
    sd_bus_slot *subscribe;
    GPtrArray *requests, *to_begin; /* ManagerRequest *, not owned */
    guint attempts, timer;
    gboolean is_new; /* it has not been subscribed to, and its requests are still the last one's */
    void (*gone)(gpointer data);
    gpointer data;
};

/* --- The connection --- */

static void on_failed(int error, gpointer data);

static void drop_source(ManagerLink *link)
{
    if (!link->source)
        return;
    g_source_destroy(link->source);
    g_clear_pointer(&link->source, g_source_unref);
}

static void begin_all(ManagerLink *link)
{
    /* Beginning one may end others. */
    g_ptr_array_set_size(link->to_begin, 0);
    g_ptr_array_extend(link->to_begin, link->requests, NULL, NULL);
    while (link->to_begin->len > 0) {
        ManagerRequest *request = g_ptr_array_steal_index_fast(link->to_begin, 0);
        request->begin(request);
    }
}

static int on_subscribed(sd_bus_message *m, void *userdata, sd_bus_error *ret_error)
{
    ManagerLink *link = userdata;
    const sd_bus_error *error = sd_bus_message_get_error(m);
    /* A bus that is there before its manager is. */
    if (error && manager_is_away(error)) {
        if (sd_bus_is_open(link->bus) > 0)
            sd_bus_close(link->bus); /* on_failed() follows */
        return 0;
    }
    link->attempts = 0;
    if (!link->is_new)
        return 0;
    link->is_new = FALSE;
    g_message("back at the user manager");
    begin_all(link);
    return 0;
}

/* Does not wait. The manager announces the ends of units to subscribers only. */
static int link_connect(ManagerLink *link)
{
    sd_bus *bus = NULL;
    int r = systemd_connect(&bus);
    if (r < 0)
        return r;
    drop_source(link);
    link->subscribe = sd_bus_slot_unref(link->subscribe);
    sd_bus_close_unref(link->bus);
    link->bus = bus;
    link->source = bus_source_new(bus, NULL, on_failed, link);
    return sd_bus_call_method_async(bus, &link->subscribe, SYSTEMD_SERVICE, SYSTEMD_PATH,
                                    SYSTEMD_MANAGER, "Subscribe", on_subscribed, link, "");
}

static void try_later(ManagerLink *link);

static gboolean on_timer(gpointer user_data)
{
    ManagerLink *link = user_data;
    link->timer = 0;
    if (link_connect(link) < 0)
        try_later(link);
    return G_SOURCE_REMOVE;
}

static void try_later(ManagerLink *link)
{
    drop_source(link);
    if (link->attempts >= ATTEMPTS) {
        link->gone(link->data);
        return;
    }
    g_clear_handle_id(&link->timer, g_source_remove);
    guint step = test_limit("STORKIT_MANAGER_STEP_MSEC", STEP_MSEC);
    link->timer = g_timeout_add(step * link->attempts++, on_timer, link);
}

static void on_failed(int error, gpointer data)
{
    ManagerLink *link = data;
    if (!link->is_new)
        g_warning("lost the connection to the user manager: %s", g_strerror(-error));
    link->is_new = TRUE;
    try_later(link);
}

ManagerLink *manager_link_new(void (*gone)(gpointer data), gpointer data, int *ret_error)
{
    ManagerLink *link = g_new0(ManagerLink, 1);
    link->requests = g_ptr_array_new();
    link->to_begin = g_ptr_array_new();
    link->gone = gone;
    link->data = data;
    *ret_error = link_connect(link);
    if (*ret_error < 0)
        g_clear_pointer(&link, manager_link_free);
    return link;
}

void manager_link_free(ManagerLink *link)
{
    g_assert(link->requests->len == 0);
    g_clear_handle_id(&link->timer, g_source_remove);
    drop_source(link);
    sd_bus_slot_unref(link->subscribe);
    sd_bus_close_unref(link->bus);
    g_ptr_array_unref(link->requests);
    g_ptr_array_unref(link->to_begin);
    g_free(link);
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

/* --- What is asked over it --- */

void manager_request_begin(ManagerRequest *request, ManagerLink *link,
                           void (*begin)(ManagerRequest *request))
{
    request->link = link;
    request->begin = begin;
    g_ptr_array_add(link->requests, request);
    begin(request);
}

void manager_request_end(ManagerRequest *request)
{
    g_clear_handle_id(&request->later_source, g_source_remove);
    request->match = sd_bus_slot_unref(request->match);
    request->call = sd_bus_slot_unref(request->call);
    if (!request->link)
        return;
    g_ptr_array_remove_fast(request->link->requests, request);
    g_ptr_array_remove_fast(request->link->to_begin, request);
}

static gboolean on_later(gpointer user_data)
{
    ManagerRequest *request = user_data;
    request->later_source = 0;
    request->then(request);
    return G_SOURCE_REMOVE;
}

void manager_request_later(ManagerRequest *request, guint msec,
                           void (*then)(ManagerRequest *request))
{
    g_clear_handle_id(&request->later_source, g_source_remove);
    request->then = then;
    request->later_source = g_timeout_add(msec, on_later, request);
}

gboolean manager_request_is_lost(const ManagerRequest *request)
{
    return sd_bus_is_open(request->link->bus) <= 0;
}

/* What fails because the connection is lost begins again with the next one. */
static int unless_lost(int r)
{
    return r == -ENOTCONN || r == -ECONNRESET ? 0 : r;
}

int manager_request_match(ManagerRequest *request, const char *rule,
                          sd_bus_message_handler_t handler)
{
    g_autofree char *whole = g_strconcat(
        "type='signal',sender='" SYSTEMD_SERVICE "',interface='" SYSTEMD_MANAGER "',", rule, NULL);
    request->match = sd_bus_slot_unref(request->match);
    return unless_lost(
        sd_bus_add_match_async(request->link->bus, &request->match, whole, handler, NULL, request));
}

sd_bus_message *manager_request_message(ManagerRequest *request, const char *path,
                                        const char *interface, const char *member)
{
    sd_bus_message *m = NULL;
    (void)sd_bus_message_new_method_call(request->link->bus, &m, SYSTEMD_SERVICE, path, interface,
                                         member);
    return m;
}

int manager_request_send(ManagerRequest *request, sd_bus_message *message_taken,
                         sd_bus_message_handler_t handler)
{
    request->call = sd_bus_slot_unref(request->call);
    int r =
        sd_bus_call_async(request->link->bus, &request->call, message_taken, handler, request, 0);
    sd_bus_message_unref(message_taken);
    return unless_lost(r);
}

gboolean manager_is_away(const sd_bus_error *error)
{
    return sd_bus_error_has_names(error, SD_BUS_ERROR_NO_REPLY, SD_BUS_ERROR_DISCONNECTED,
                                  SD_BUS_ERROR_SERVICE_UNKNOWN, SD_BUS_ERROR_NAME_HAS_NO_OWNER) ||
           g_str_has_prefix(error->name, "org.freedesktop.DBus.Error.Spawn.");
}
