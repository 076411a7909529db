/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "bus/gauge.h"

#include <unistd.h>

#include "bus/variant.h"

#define BUS_NAME "org.freedesktop.DBus"
#define BUS_PATH "/org/freedesktop/DBus"
#define STATS_INTERFACE "org.freedesktop.DBus.Debug.Stats"
#define BROKER_STATS "org.bus1.DBus.Debug.Stats."

/* dbus-daemon stops reading a connection of whose messages it holds 1 GB; the answers to questions
 * that are under way take a while to come. */
#define MAX_HOARDED (256u * 1024 * 1024)

struct BusGauge {
    sd_bus *bus;
    sd_bus_slot *question;
    gint64 asked_at;
    gboolean is_broker;
    BusGaugeLevel level;
    BusGaugeFunc func;
    gpointer data;
};

/* --- Reading an answer --- */

/* The value of @key in the a{sv} in @m, if it has that type. */
static GVariant *read_stat(sd_bus_message *m, const char *key, const char *type)
{
    g_autoptr(GVariant) value = NULL;
    if (sd_bus_message_rewind(m, TRUE) < 0 || bus_read_entry(m, key, &value) < 0 || !value ||
        !g_variant_is_of_type(value, G_VARIANT_TYPE(type)))
        return NULL;
    return g_steal_pointer(&value);
}

static BusGaugeLevel level_of_daemon(sd_bus_message *m)
{
    g_autoptr(GVariant) bytes = read_stat(m, "IncomingBytes", "u");
    return bytes && g_variant_get_uint32(bytes) > MAX_HOARDED ? BUS_GAUGE_LEAVE : BUS_GAUGE_FINE;
}

/* How many bytes this user may still have on the bus, and how many it may have in all. */
static gboolean find_room(GVariant *users, guint32 *ret_left, guint32 *ret_all)
{
    gboolean found = FALSE;
    guint32 uid;
    GVariant *slots;
    GVariantIter iter;
    g_variant_iter_init(&iter, users);
    while (!found && g_variant_iter_next(&iter, "(u@a(suu)@a{ua{su}})", &uid, &slots, NULL)) {
        const char *slot;
        GVariantIter slot_iter;
        g_variant_iter_init(&slot_iter, slots);
        while (!found && g_variant_iter_next(&slot_iter, "(&suu)", &slot, ret_left, ret_all))
            found = uid == getuid() && g_str_equal(slot, "Bytes");
        g_variant_unref(slots);
    }
    return found;
}

static BusGaugeLevel level_of_broker(sd_bus_message *m)
{
    g_autoptr(GVariant) users = read_stat(m, BROKER_STATS "UserAccounting", "a(ua(suu)a{ua{su}})");
    guint32 left, all;
    if (!users || !find_room(users, &left, &all))
        return BUS_GAUGE_FINE;
    return left < all / 2 ? BUS_GAUGE_WAIT : BUS_GAUGE_FINE;
}

/* The connection that hoards most, its process and its bytes. Caller frees. */
static char *describe_hoarder(sd_bus_message *m)
{
    g_autoptr(GVariant) peers = read_stat(m, BROKER_STATS "PeerAccounting", "a(sa{sv}a{su})");
    if (!peers)
        return g_strdup("somebody");
    const char *name, *most_name = NULL;
    guint32 most = 0, most_pid = 0;
    GVariant *credentials, *numbers;
    GVariantIter iter;
    g_variant_iter_init(&iter, peers);
    while (g_variant_iter_next(&iter, "(&s@a{sv}@a{su})", &name, &credentials, &numbers)) {
        guint32 bytes = 0;
        if (g_variant_lookup(numbers, "OutgoingBytes", "u", &bytes) && bytes > most) {
            most = bytes;
            most_name = name;
            g_variant_lookup(credentials, "ProcessID", "u", &most_pid);
        }
        g_variant_unref(credentials);
        g_variant_unref(numbers);
    }
    return most_name
               ? g_strdup_printf("process %u (%s), with %u MB", most_pid, most_name, most / 1000000)
               : g_strdup("somebody");
}

/* --- Asking --- */

static void set_level(BusGauge *gauge, BusGaugeLevel level, sd_bus_message *m)
{
    if (level == BUS_GAUGE_WAIT && gauge->level != level) {
        g_autofree char *hoarder = describe_hoarder(m);
        g_warning("unread messages take half of this user's share of the bus, most of it held "
                  "for %s: signals wait until they are read or their reader exits",
                  hoarder);
    } else if (level == BUS_GAUGE_FINE && gauge->level == BUS_GAUGE_WAIT) {
        g_message("the bus has room again: signals continue");
    }
    gauge->level = level;
}

static int on_answer(sd_bus_message *m, void *userdata, sd_bus_error *ret_error)
{
    BusGauge *gauge = userdata;
    gboolean is_error = sd_bus_message_is_method_error(m, NULL);
    gauge->question = sd_bus_slot_unref(gauge->question);
    /* A refusal is an answer too; the lack of one is not. */
    gboolean taken = !sd_bus_message_is_method_error(m, SD_BUS_ERROR_NO_REPLY);
    if (!is_error)
        set_level(gauge, gauge->is_broker ? level_of_broker(m) : level_of_daemon(m), m);
    else if (taken)
        gauge->is_broker = TRUE; /* it knows GetStats only */
    gauge->func(taken, gauge->level, gauge->data);
    return 0;
}

static int send_question(BusGauge *gauge)
{
    if (gauge->is_broker)
        return sd_bus_call_method_async(gauge->bus, &gauge->question, BUS_NAME, BUS_PATH,
                                        STATS_INTERFACE, "GetStats", on_answer, gauge, NULL);
    const char *name;
    int r = sd_bus_get_unique_name(gauge->bus, &name);
    return r < 0 ? r
                 : sd_bus_call_method_async(gauge->bus, &gauge->question, BUS_NAME, BUS_PATH,
                                            STATS_INTERFACE, "GetConnectionStats", on_answer, gauge,
                                            "s", name);
}

void bus_gauge_ask(BusGauge *gauge)
{
    if (gauge->question)
        return;
    gauge->asked_at = g_get_monotonic_time();
    int r = send_question(gauge);
    if (r < 0)
        g_warning("cannot ask the bus for its queues: %s", g_strerror(-r));
}

gint64 bus_gauge_asked_at(const BusGauge *gauge)
{
    return gauge->question ? gauge->asked_at : 0;
}

BusGauge *bus_gauge_new(sd_bus *bus, BusGaugeFunc func, gpointer data)
{
    BusGauge *gauge = g_new0(BusGauge, 1);
    gauge->bus = sd_bus_ref(bus);
    gauge->func = func;
    gauge->data = data;
    return gauge;
}

void bus_gauge_free(BusGauge *gauge)
{
    if (!gauge)
        return;
    sd_bus_slot_unref(gauge->question);
    sd_bus_unref(gauge->bus);
    g_free(gauge);
}
