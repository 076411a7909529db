/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "desktop/notifications.h"

#include "desktop/names.h"
#include "desktop/notice.h"

#define SERVER_NAME "org.freedesktop.Notifications"
#define SERVER_PATH "/org/freedesktop/Notifications"
#define SERVER_INTERFACE "org.freedesktop.Notifications"

#define URGENCY_NORMAL 1
#define URGENCY_CRITICAL 2
#define EXPIRES_DEFAULT (-1)
#define EXPIRES_NEVER 0

struct Notifications {
    GDBusConnection *bus;
    GCancellable *cancellable;
    char **capabilities; /* NULL: not asked since the server came */
    GPtrArray *bubbles;
    guint watch, signal;
    gboolean asking;
};

struct Bubble {
    Notifications *notifications; /* NULL once it is freed while a call is under way */
    GDBusConnection *bus;
    const BubbleListener *listener;
    gpointer data;
    guint32 id;      /* 0: the server has not got it */
    char *token;     /* of the action that comes next */
    BubbleText next; /* the notice to show once a call returns; we own its texts */
    gboolean has_next, sending, shown;
    guint references;
};

/* --- Texts that outlive the caller's --- */

static void text_clear(BubbleText *text)
{
    g_free((char *)text->title);
    g_free((char *)text->body);
    g_clear_pointer(&text->actions, g_ptr_array_unref);
    *text = (BubbleText){0};
}

static void text_copy(BubbleText *to, const BubbleText *from)
{
    text_clear(to);
    *to = *from;
    to->title = g_strdup(from->title);
    to->body = g_strdup(from->body);
    if (from->actions)
        g_ptr_array_ref(from->actions);
}

/* --- The message --- */

static gboolean can(const Notifications *notifications, const char *capability)
{
    return notifications->capabilities &&
           g_strv_contains((const char *const *)notifications->capabilities, capability);
}

/* A server without buttons may make a dialog of each (notify-osd does), so it gets none. The first
 * is a click's, too. */
static GVariant *actions_of(const Bubble *bubble, const BubbleText *text)
{
    g_auto(GVariantBuilder) builder = G_VARIANT_BUILDER_INIT(G_VARIANT_TYPE("as"));
    gboolean wanted = text->actions && can(bubble->notifications, "actions");
    for (guint i = 0; wanted && i < text->actions->len; i++) {
        const NoticeAction *action = text->actions->pdata[i];
        if (i == 0) {
            g_variant_builder_add(&builder, "s", "default");
            g_variant_builder_add(&builder, "s", action->label);
        }
        g_variant_builder_add(&builder, "s", action->id);
        g_variant_builder_add(&builder, "s", action->label);
    }
    return g_variant_builder_end(&builder);
}

static void add_string_hint(GVariantDict *hints, const char *name, const char *value)
{
    if (value)
        g_variant_dict_insert(hints, name, "s", value);
}

static GVariant *hints_of(const Bubble *bubble, const BubbleText *text)
{
    g_auto(GVariantDict) hints = G_VARIANT_DICT_INIT(NULL);
    add_string_hint(&hints, "desktop-entry", DESKTOP_FILE_ID);
    add_string_hint(&hints, "category", text->category);
    g_variant_dict_insert(&hints, "urgency", "y",
                          text->critical ? URGENCY_CRITICAL : URGENCY_NORMAL);
    if (text->sound && can(bubble->notifications, "sound"))
        add_string_hint(&hints, "sound-name", text->sound);
    else if (!text->sound)
        g_variant_dict_insert(&hints, "suppress-sound", "b", TRUE);
    if (text->stays)
        g_variant_dict_insert(&hints, "resident", "b", TRUE);
    return g_variant_dict_end(&hints);
}

static char *body_of(const Bubble *bubble, const char *text)
{
    if (!can(bubble->notifications, "body"))
        return g_strdup("");
    if (can(bubble->notifications, "body-markup"))
        return g_markup_escape_text(text, -1);
    return g_strdup(text);
}

static GVariant *parameters_of(const Bubble *bubble, const BubbleText *text)
{
    g_autofree char *body = body_of(bubble, text->body);
    return g_variant_new("(susss@as@a{sv}i)", "storkit", bubble->id, DESKTOP_FILE_ID, text->title,
                         body, actions_of(bubble, text), hints_of(bubble, text),
                         text->stays ? EXPIRES_NEVER : EXPIRES_DEFAULT);
}

/* --- Calls --- */

static void bubble_unref(Bubble *bubble)
{
    if (--bubble->references > 0)
        return;
    text_clear(&bubble->next);
    g_object_unref(bubble->bus);
    g_free(bubble->token);
    g_free(bubble);
}

static void call(Notifications *notifications, const char *method, GVariant *parameters,
                 const char *reply, GAsyncReadyCallback done, gpointer data)
{
    g_dbus_connection_call(notifications->bus, SERVER_NAME, SERVER_PATH, SERVER_INTERFACE, method,
                           parameters, G_VARIANT_TYPE(reply), G_DBUS_CALL_FLAGS_NONE, -1,
                           notifications->cancellable, done, data);
}

static void send_next(Bubble *bubble);

static void close_now(Bubble *bubble)
{
    if (bubble->id > 0)
        g_dbus_connection_call(bubble->bus, SERVER_NAME, SERVER_PATH, SERVER_INTERFACE,
                               "CloseNotification", g_variant_new("(u)", bubble->id), NULL,
                               G_DBUS_CALL_FLAGS_NO_AUTO_START, -1, NULL, NULL, NULL);
    bubble->id = 0;
}

static void on_notified(GObject *bus, GAsyncResult *result, gpointer data)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GVariant) reply =
        g_dbus_connection_call_finish(G_DBUS_CONNECTION(bus), result, &error);
    Bubble *bubble = data;
    bubble->sending = FALSE;
    if (reply)
        g_variant_get(reply, "(u)", &bubble->id);
    else if (!g_error_matches(error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
        g_info("no notification server: %s", error->message);
    if (bubble->notifications && bubble->has_next)
        send_next(bubble);
    else if (!bubble->shown)
        close_now(bubble);
    bubble_unref(bubble);
}

static void send_next(Bubble *bubble)
{
    GVariant *parameters = parameters_of(bubble, &bubble->next);
    bubble->has_next = FALSE;
    bubble->sending = TRUE;
    bubble->references++;
    call(bubble->notifications, "Notify", parameters, "(u)", on_notified, bubble);
}

static void send_all(Notifications *notifications)
{
    for (guint i = 0; i < notifications->bubbles->len; i++) {
        Bubble *bubble = notifications->bubbles->pdata[i];
        if (bubble->has_next && !bubble->sending)
            send_next(bubble);
    }
}

static void on_capabilities(GObject *bus, GAsyncResult *result, gpointer data)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GVariant) reply =
        g_dbus_connection_call_finish(G_DBUS_CONNECTION(bus), result, &error);
    Notifications *notifications = data;
    if (g_error_matches(error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
        return;
    notifications->asking = FALSE;
    g_strfreev(notifications->capabilities);
    notifications->capabilities = g_new0(char *, 1);
    if (reply) {
        g_free(notifications->capabilities);
        g_variant_get(reply, "(^as)", &notifications->capabilities);
    }
    send_all(notifications);
}

static void ask_capabilities(Notifications *notifications)
{
    if (notifications->asking)
        return;
    notifications->asking = TRUE;
    call(notifications, "GetCapabilities", NULL, "(as)", on_capabilities, notifications);
}

/* --- The server's answers --- */

static Bubble *find(Notifications *notifications, guint32 id)
{
    for (guint i = 0; id > 0 && i < notifications->bubbles->len; i++) {
        Bubble *bubble = notifications->bubbles->pdata[i];
        if (bubble->id == id)
            return bubble;
    }
    return NULL;
}

static void on_closed(Notifications *notifications, GVariant *parameters)
{
    guint32 id, reason;
    g_variant_get(parameters, "(uu)", &id, &reason);
    Bubble *bubble = find(notifications, id);
    if (!bubble)
        return;
    bubble->id = 0;
    bubble->shown = bubble->has_next || bubble->sending;
    if (!bubble->shown)
        bubble->listener->closed(bubble, bubble->data);
}

static void on_token(Notifications *notifications, GVariant *parameters)
{
    const char *token;
    guint32 id;
    g_variant_get(parameters, "(u&s)", &id, &token);
    Bubble *bubble = find(notifications, id);
    if (bubble) {
        g_free(bubble->token);
        bubble->token = g_strdup(token);
    }
}

static void on_action(Notifications *notifications, GVariant *parameters)
{
    const char *action;
    guint32 id;
    g_variant_get(parameters, "(u&s)", &id, &action);
    Bubble *bubble = find(notifications, id);
    if (!bubble)
        return;
    g_autofree char *token = g_steal_pointer(&bubble->token);
    bubble->listener->action(bubble, action, token, bubble->data);
}

static void on_signal(GDBusConnection *bus, const char *sender, const char *path,
                      const char *interface, const char *signal, GVariant *parameters,
                      gpointer data)
{
    static const struct {
        const char *signal, *type;
        void (*handle)(Notifications *, GVariant *);
    } handlers[] = {
        {"NotificationClosed", "(uu)", on_closed},
        {"ActivationToken", "(us)", on_token},
        {"ActionInvoked", "(us)", on_action},
    };

    for (gsize i = 0; i < G_N_ELEMENTS(handlers); i++)
        if (g_str_equal(signal, handlers[i].signal) &&
            g_variant_is_of_type(parameters, G_VARIANT_TYPE(handlers[i].type)))
            handlers[i].handle(data, parameters);
}

/* A new server neither knows our ids nor has the last one's notifications. */
static void on_vanished(GDBusConnection *bus, const char *name, gpointer data)
{
    Notifications *notifications = data;
    g_clear_pointer(&notifications->capabilities, g_strfreev);
    for (guint i = 0; i < notifications->bubbles->len; i++) {
        Bubble *bubble = notifications->bubbles->pdata[i];
        bubble->id = 0;
        bubble->shown = bubble->has_next || bubble->sending;
    }
}

/* --- Life and end --- */

Notifications *notifications_new(GDBusConnection *bus)
{
    Notifications *notifications = g_new0(Notifications, 1);
    notifications->bus = g_object_ref(bus);
    notifications->cancellable = g_cancellable_new();
    notifications->bubbles = g_ptr_array_new();
    notifications->signal = g_dbus_connection_signal_subscribe(
        bus, SERVER_NAME, SERVER_INTERFACE, NULL, SERVER_PATH, NULL, G_DBUS_SIGNAL_FLAGS_NONE,
        on_signal, notifications, NULL);
    notifications->watch = g_bus_watch_name_on_connection(
        bus, SERVER_NAME, G_BUS_NAME_WATCHER_FLAGS_NONE, NULL, on_vanished, notifications, NULL);
    return notifications;
}

void notifications_free(Notifications *notifications)
{
    g_cancellable_cancel(notifications->cancellable);
    g_bus_unwatch_name(notifications->watch);
    g_dbus_connection_signal_unsubscribe(notifications->bus, notifications->signal);
    g_strfreev(notifications->capabilities);
    g_ptr_array_unref(notifications->bubbles);
    g_object_unref(notifications->cancellable);
    g_object_unref(notifications->bus);
    g_free(notifications);
}

Bubble *bubble_new(Notifications *notifications, const BubbleListener *listener, gpointer data)
{
    Bubble *bubble = g_new0(Bubble, 1);
    bubble->notifications = notifications;
    bubble->bus = g_object_ref(notifications->bus);
    bubble->listener = listener;
    bubble->data = data;
    bubble->references = 1;
    g_ptr_array_add(notifications->bubbles, bubble);
    return bubble;
}

void bubble_free(Bubble *bubble)
{
    g_ptr_array_remove_fast(bubble->notifications->bubbles, bubble);
    bubble->notifications = NULL;
    bubble->has_next = FALSE;
    bubble_unref(bubble);
}

void bubble_show(Bubble *bubble, const BubbleText *text)
{
    text_copy(&bubble->next, text);
    bubble->has_next = bubble->shown = TRUE;
    if (!bubble->notifications->capabilities)
        ask_capabilities(bubble->notifications);
    else if (!bubble->sending)
        send_next(bubble);
}

void bubble_close(Bubble *bubble)
{
    bubble->has_next = bubble->shown = FALSE;
    if (!bubble->sending)
        close_now(bubble);
}

gboolean bubble_is_shown(const Bubble *bubble)
{
    return bubble->shown;
}
