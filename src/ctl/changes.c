/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ctl/changes.h"

#include "ctl/message-json.h"

/* One change comes in several signals, and agents at work give many. */
#define SETTLE_USEC (100 * G_TIME_SPAN_MILLISECOND)

#define EVENT_MATCH(type)                                                                          \
    "type='signal',sender='" STORKIT_BUS_NAME "',interface='" STORKIT_INTERFACE                    \
    "',member='AgentEvent',arg2='" type "'"
#define PROPERTIES_MATCH                                                                           \
    "type='signal',sender='" STORKIT_BUS_NAME                                                      \
    "',interface='org.freedesktop.DBus.Properties',member='PropertiesChanged'"
#define POOL_MATCH PROPERTIES_MATCH ",path='" STORKIT_OBJECT_PATH "'"
#define RUNS_MATCH PROPERTIES_MATCH ",arg0='org.storkit.Run'"
#define OWNER_MATCH                                                                                \
    "type='signal',sender='org.freedesktop.DBus',member='NameOwnerChanged',arg0="                  \
    "'" STORKIT_BUS_NAME "'"

struct Changes {
    Ctl *ctl;
    ChangesHandler handler;
    gpointer data;
    sd_bus_slot *matches[6];
    sd_bus_slot *look;
    sd_event_source *timer;
    gboolean again; /* something has changed since the service was asked */
};

static void look(Changes *changes);

static void on_listed(sd_bus_message *reply, const GError *error, gpointer data)
{
    Changes *changes = data;
    g_autoptr(JsonNode) list = reply ? message_read_json(reply) : NULL;
    changes->look = sd_bus_slot_unref(changes->look);
    changes->handler(list, changes->data);
    if (changes->again)
        look(changes);
}

/* Many changes at once are one question. */
static void look(Changes *changes)
{
    g_autoptr(sd_bus_message) message = NULL;
    changes->again = changes->look != NULL;
    if (changes->look || !(message = bus_message_new(changes->ctl->bus, "List", NULL)))
        return;
    sd_bus_message_set_auto_start(message, FALSE);
    (void)bus_send_async(changes->ctl->bus, message, on_listed, changes, &changes->look, NULL);
}

static int on_settled(sd_event_source *source, guint64 usec, void *userdata)
{
    look(userdata);
    return 0;
}

static int on_changed(sd_bus_message *signal, void *userdata, sd_bus_error *unused)
{
    Changes *changes = userdata;
    int enabled;
    if (sd_event_source_get_enabled(changes->timer, &enabled) == 0 || enabled == SD_EVENT_OFF) {
        (void)sd_event_source_set_time_relative(changes->timer, SETTLE_USEC);
        (void)sd_event_source_set_enabled(changes->timer, SD_EVENT_ONESHOT);
    }
    return 0;
}

static gboolean listen(Changes *changes, ChangesKind kind, GError **error)
{
    static const char *const matches[] = {
        EVENT_MATCH("status"), EVENT_MATCH("done"), EVENT_MATCH("error"), POOL_MATCH,
        OWNER_MATCH,           RUNS_MATCH,
    };
    gsize n = G_N_ELEMENTS(matches) - (kind == CHANGES_OF_STATE ? 1 : 0);
    G_STATIC_ASSERT(G_N_ELEMENTS(matches) == G_N_ELEMENTS(changes->matches));
    for (gsize i = 0; i < n; i++) {
        int r = sd_bus_add_match(changes->ctl->bus, &changes->matches[i], matches[i], on_changed,
                                 changes);
        if (r < 0) {
            g_set_error(error, CTL_ERROR, CTL_ERROR_FAILED, "cannot listen on the session bus: %s",
                        g_strerror(-r));
            return FALSE;
        }
    }
    return TRUE;
}

Changes *changes_new(Ctl *ctl, ChangesKind kind, ChangesHandler handler, gpointer data,
                     GError **error)
{
    g_autoptr(Changes) changes = g_new0(Changes, 1);
    changes->ctl = ctl;
    changes->handler = handler;
    changes->data = data;
    if (!listen(changes, kind, error) || !ctl_attach_event(ctl, error))
        return NULL;
    (void)sd_event_add_time_relative(ctl->event, &changes->timer, CLOCK_MONOTONIC, 0, 0, on_settled,
                                     changes);
    (void)sd_event_source_set_enabled(changes->timer, SD_EVENT_OFF);
    look(changes);
    return g_steal_pointer(&changes);
}

void changes_free(Changes *changes)
{
    for (gsize i = 0; i < G_N_ELEMENTS(changes->matches); i++)
        sd_bus_slot_unref(changes->matches[i]);
    sd_bus_slot_unref(changes->look);
    sd_event_source_disable_unref(changes->timer);
    g_free(changes);
}
