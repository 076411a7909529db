/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "desktop/followed.h"

#include <string.h>

#include "desktop/names.h"

struct Followed {
    GDBusConnection *bus;
    GCancellable *cancellable;
    FollowedSeen seen;
    gpointer data;
    guint signal;
};

struct FollowedNames {
    const char *const *names;
};

typedef struct {
    FollowedAsked done;
    gpointer data;
} Asked;

/* As in the run's object path: a character that is not a letter or digit, or a digit at the
 * beginning, becomes _ and two hexadecimal digits. */
char *followed_name(const char *run_id)
{
    GString *name = g_string_new(FOLLOWED_PREFIX);
    for (const char *c = run_id; *c; c++) {
        if (g_ascii_isalpha(*c) || (g_ascii_isdigit(*c) && c > run_id))
            g_string_append_c(name, *c);
        else
            g_string_append_printf(name, "_%02x", (guint)(guchar)*c);
    }
    return g_string_free(name, FALSE);
}

static char *run_of(const char *name)
{
    GString *run_id = g_string_new(NULL);
    for (const char *c = name + strlen(FOLLOWED_PREFIX); *c; c++) {
        if (*c == '_' && g_ascii_isxdigit(c[1]) && g_ascii_isxdigit(c[2])) {
            g_string_append_c(run_id,
                              (char)(g_ascii_xdigit_value(c[1]) * 16 + g_ascii_xdigit_value(c[2])));
            c += 2;
        } else {
            g_string_append_c(run_id, *c);
        }
    }
    return g_string_free(run_id, FALSE);
}

gboolean followed_has(const FollowedNames *names, const char *run_id)
{
    g_autofree char *name = followed_name(run_id);
    return g_strv_contains(names->names, name) || g_strv_contains(names->names, FOLLOWED_ALL);
}

static void on_names(GObject *bus, GAsyncResult *result, gpointer data)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GVariant) reply =
        g_dbus_connection_call_finish(G_DBUS_CONNECTION(bus), result, &error);
    g_autofree Asked *asked = data;
    g_auto(GStrv) names = NULL;
    if (g_error_matches(error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
        return;
    if (reply)
        g_variant_get(reply, "(^as)", &names);
    else
        names = g_new0(char *, 1);
    const FollowedNames owned = {(const char *const *)names};
    asked->done(&owned, asked->data);
}

void followed_ask(Followed *followed, FollowedAsked done, gpointer data)
{
    Asked *asked = g_new(Asked, 1);
    *asked = (Asked){done, data};
    g_dbus_connection_call(followed->bus, "org.freedesktop.DBus", "/org/freedesktop/DBus",
                           "org.freedesktop.DBus", "ListNames", NULL, G_VARIANT_TYPE("(as)"),
                           G_DBUS_CALL_FLAGS_NONE, -1, followed->cancellable, on_names, asked);
}

static void on_owner_changed(GDBusConnection *bus, const char *sender, const char *path,
                             const char *interface, const char *signal, GVariant *parameters,
                             gpointer data)
{
    Followed *followed = data;
    const char *name, *owner;
    g_variant_get(parameters, "(&s&s&s)", &name, NULL, &owner);
    if (!*owner || !g_str_has_prefix(name, FOLLOWED_PREFIX))
        return;
    g_autofree char *run_id = g_str_equal(name, FOLLOWED_ALL) ? NULL : run_of(name);
    followed->seen(run_id, followed->data);
}

Followed *followed_new(GDBusConnection *bus, FollowedSeen seen, gpointer data)
{
    Followed *followed = g_new0(Followed, 1);
    followed->bus = g_object_ref(bus);
    followed->cancellable = g_cancellable_new();
    followed->seen = seen;
    followed->data = data;
    followed->signal = g_dbus_connection_signal_subscribe(
        bus, "org.freedesktop.DBus", "org.freedesktop.DBus", "NameOwnerChanged",
        "/org/freedesktop/DBus", "org.storkit.Followed", G_DBUS_SIGNAL_FLAGS_MATCH_ARG0_NAMESPACE,
        on_owner_changed, followed, NULL);
    return followed;
}

void followed_free(Followed *followed)
{
    g_cancellable_cancel(followed->cancellable);
    g_dbus_connection_signal_unsubscribe(followed->bus, followed->signal);
    g_object_unref(followed->cancellable);
    g_object_unref(followed->bus);
    g_free(followed);
}
