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
    /* One match for all that listen: the bus compares each signal with each match it has. */
    sd_bus_slot *matches[MANAGER_N_SIGNALS];
    GHashTable *listening[MANAGER_N_SIGNALS]; /* unit -> GPtrArray of ManagerRequest * */
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

static void drop_matches(ManagerLink *link)
{
    for (guint i = 0; i < MANAGER_N_SIGNALS; i++)
        link->matches[i] = sd_bus_slot_unref(link->matches[i]);
}

/* Does not wait. The manager announces the ends of units to subscribers only. */
static int link_connect(ManagerLink *link)
{
    sd_bus *bus = NULL;
    int r = systemd_connect(&bus);
    if (r < 0)
        return r;
    drop_source(link);
    drop_matches(link);
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
    for (guint i = 0; i < MANAGER_N_SIGNALS; i++)
        link->listening[i] = g_hash_table_new_full(g_str_hash, g_str_equal, g_free,
                                                   (GDestroyNotify)g_ptr_array_unref);
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
    drop_matches(link);
    sd_bus_slot_unref(link->subscribe);
    sd_bus_close_unref(link->bus);
    for (guint i = 0; i < MANAGER_N_SIGNALS; i++)
        g_hash_table_unref(link->listening[i]);
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

static void stop_listening(ManagerRequest *request);

void manager_request_end(ManagerRequest *request)
{
    g_clear_handle_id(&request->later_source, g_source_remove);
    stop_listening(request);
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

/* --- What the manager tells --- */

static const char *const members[] = {
    [MANAGER_JOB_REMOVED] = "JobRemoved",
    [MANAGER_UNIT_REMOVED] = "UnitRemoved",
};

/* One that hears may end itself, and others. */
static void tell(GPtrArray *listening, sd_bus_message *m)
{
    for (guint i = listening->len; i > 0; i--) {
        if (i > listening->len)
            continue;
        ManagerRequest *request = g_ptr_array_index(listening, i - 1);
        (void)sd_bus_message_rewind(m, TRUE);
        request->heard(request, m);
    }
}

/* NULL: it cannot be read. */
static const char *read_unit(sd_bus_message *m, ManagerSignal signal)
{
    const char *unit = NULL;
    int r = signal == MANAGER_JOB_REMOVED ? sd_bus_message_read(m, "uos", NULL, NULL, &unit)
                                          : sd_bus_message_read(m, "s", &unit);
    return r < 0 ? NULL : unit;
}

static int on_signal(sd_bus_message *m, void *userdata, sd_bus_error *ret_error)
{
    ManagerLink *link = userdata;
    gboolean job = sd_bus_message_is_signal(m, SYSTEMD_MANAGER, members[MANAGER_JOB_REMOVED]);
    ManagerSignal signal = job ? MANAGER_JOB_REMOVED : MANAGER_UNIT_REMOVED;
    const char *unit = read_unit(m, signal);
    GPtrArray *found = unit ? g_hash_table_lookup(link->listening[signal], unit) : NULL;
    g_autoptr(GPtrArray) listening = found ? g_ptr_array_ref(found) : NULL;
    if (listening)
        tell(listening, m);
    return 0;
}

static int match(ManagerLink *link, ManagerSignal signal)
{
    if (link->matches[signal])
        return 0;
    g_autofree char *rule = g_strdup_printf("type='signal',sender='" SYSTEMD_SERVICE
                                            "',interface='" SYSTEMD_MANAGER "',member='%s'",
                                            members[signal]);
    return unless_lost(
        sd_bus_add_match_async(link->bus, &link->matches[signal], rule, on_signal, NULL, link));
}

/* Where nobody listens, signals do not wake us. */
static void stop_listening(ManagerRequest *request)
{
    ManagerLink *link = request->link;
    if (!request->unit)
        return;
    GHashTable *all = link->listening[request->signal];
    GPtrArray *listening = g_hash_table_lookup(all, request->unit);
    g_ptr_array_remove_fast(listening, request);
    if (listening->len == 0)
        g_hash_table_remove(all, request->unit);
    if (g_hash_table_size(all) == 0)
        link->matches[request->signal] = sd_bus_slot_unref(link->matches[request->signal]);
    request->unit = NULL;
}

int manager_request_listen(ManagerRequest *request, ManagerSignal signal, const char *unit,
                           void (*heard)(ManagerRequest *request, sd_bus_message *m))
{
    GHashTable *all = request->link->listening[signal];
    stop_listening(request); /* it begins again */
    request->signal = signal;
    request->unit = unit;
    request->heard = heard;
    GPtrArray *listening = g_hash_table_lookup(all, unit);
    if (!listening) {
        listening = g_ptr_array_new();
        g_hash_table_insert(all, g_strdup(unit), listening);
    }
    g_ptr_array_add(listening, request);
    return match(request->link, signal);
}
