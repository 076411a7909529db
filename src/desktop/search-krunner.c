/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "desktop/info.h"
#include "desktop/names.h"
#include "desktop/search.h"

/*
 * org.kde.krunner1, as Plasma 5 and 6 call it.
 */

/* KRunner's kinds of a match: Plasma 5 and 6 have the same numbers. */
#define POSSIBLE_MATCH 30
#define RELEVANCE_LIVE 0.9
#define RELEVANCE_ENDED 0.6

static const char interface_xml[] =
    "<node><interface name='org.kde.krunner1'>"
    "<method name='Match'><arg type='s' direction='in'/>"
    "<arg type='a(sssida{sv})' direction='out'/></method>"
    "<method name='Actions'><arg type='a(sss)' direction='out'/></method>"
    "<method name='Run'><arg type='s' direction='in'/><arg type='s' direction='in'/></method>"
    "<method name='Config'><arg type='a{sv}' direction='out'/></method>"
    "<method name='SetActivationToken'><arg type='s' direction='in'/></method>"
    "<method name='Teardown'/>"
    "</interface></node>";

typedef struct {
    DesktopPool *pool;
    char *token; /* for what Run opens next, or NULL */
} Krunner;

typedef struct {
    DesktopPool *pool;
    GDBusMethodInvocation *invocation;
    char *text;
} Query;

static GVariant *properties_of(const SearchHit *hit)
{
    static const char *const live[] = {"diff", "stop", NULL},
                             *const ended[] = {"diff", "resume", NULL}, *const none[] = {NULL};
    g_auto(GVariantDict) properties = G_VARIANT_DICT_INIT(NULL);
    const char *const *actions = !hit->info ? none : info_is_live(hit->info) ? live : ended;
    g_variant_dict_insert(&properties, "subtext", "s", hit->description);
    g_variant_dict_insert(&properties, "actions", "^as", actions);
    return g_variant_dict_end(&properties);
}

static void add_match(GVariantBuilder *matches, const SearchHit *hit)
{
    gboolean live = hit->info && info_is_live(hit->info);
    g_variant_builder_add(matches, "(sssid@a{sv})", hit->id, hit->title, DESKTOP_FILE_ID,
                          POSSIBLE_MATCH, live ? RELEVANCE_LIVE : RELEVANCE_ENDED,
                          properties_of(hit));
}

static gboolean answer(gpointer data)
{
    g_autofree Query *query = data;
    g_autofree char *text = query->text;
    g_auto(GStrv) words = g_strsplit_set(text, " \t", -1);
    g_autoptr(GPtrArray) hits =
        search_find(desktop_pool_runs(query->pool), (const char *const *)words);
    g_auto(GVariantBuilder) matches = G_VARIANT_BUILDER_INIT(G_VARIANT_TYPE("a(sssida{sv})"));
    for (guint i = 0; i < hits->len; i++)
        add_match(&matches, hits->pdata[i]);
    g_dbus_method_invocation_return_value(query->invocation,
                                          g_variant_new("(a(sssida{sv}))", &matches));
    return G_SOURCE_REMOVE;
}

/* KRunner asks at each key: a letter alone would find everything. */
static void match(Krunner *krunner, GVariant *parameters, GDBusMethodInvocation *invocation)
{
    const char *text;
    g_variant_get(parameters, "(&s)", &text);
    if (g_utf8_strlen(text, -1) < 3) {
        g_dbus_method_invocation_return_value(
            invocation,
            g_variant_new("(@a(sssida{sv}))",
                          g_variant_new_array(G_VARIANT_TYPE("(sssida{sv})"), NULL, 0)));
        return;
    }
    Query *query = g_new(Query, 1);
    *query = (Query){krunner->pool, invocation, g_strdup(text)};
    desktop_pool_ensure(krunner->pool, answer, query);
}

static void list_actions(Krunner *krunner, GVariant *parameters, GDBusMethodInvocation *invocation)
{
    static const char *const actions[][3] = {
        {"diff", "Show its changes", "vcs-diff"},
        {"resume", "Resume", "media-playback-start"},
        {"stop", "Stop", "process-stop"},
    };
    g_auto(GVariantBuilder) builder = G_VARIANT_BUILDER_INIT(G_VARIANT_TYPE("a(sss)"));
    for (gsize i = 0; i < G_N_ELEMENTS(actions); i++)
        g_variant_builder_add(&builder, "(sss)", actions[i][0], actions[i][1], actions[i][2]);
    g_dbus_method_invocation_return_value(invocation, g_variant_new("(a(sss))", &builder));
}

static void run(Krunner *krunner, GVariant *parameters, GDBusMethodInvocation *invocation)
{
    g_autofree char *token = g_steal_pointer(&krunner->token);
    const char *id, *action;
    g_variant_get(parameters, "(&s&s)", &id, &action);
    search_open(g_dbus_method_invocation_get_connection(invocation),
                desktop_pool_runs(krunner->pool), id, *action ? action : NULL, token);
    g_dbus_method_invocation_return_value(invocation, NULL);
}

static void set_token(Krunner *krunner, GVariant *parameters, GDBusMethodInvocation *invocation)
{
    g_free(krunner->token);
    g_variant_get(parameters, "(s)", &krunner->token);
    g_dbus_method_invocation_return_value(invocation, NULL);
}

static void describe(Krunner *krunner, GVariant *parameters, GDBusMethodInvocation *invocation)
{
    g_auto(GVariantDict) config = G_VARIANT_DICT_INIT(NULL);
    g_variant_dict_insert(&config, "MinLetterCount", "i", 3);
    g_dbus_method_invocation_return_value(invocation,
                                          g_variant_new("(@a{sv})", g_variant_dict_end(&config)));
}

static void do_nothing(Krunner *krunner, GVariant *parameters, GDBusMethodInvocation *invocation)
{
    g_dbus_method_invocation_return_value(invocation, NULL);
}

static void on_call(GDBusConnection *bus, const char *sender, const char *path,
                    const char *interface, const char *method, GVariant *parameters,
                    GDBusMethodInvocation *invocation, gpointer data)
{
    static const struct {
        const char *method;
        void (*handle)(Krunner *, GVariant *, GDBusMethodInvocation *);
    } methods[] = {
        {"Match", match},     {"Actions", list_actions},         {"Run", run},
        {"Config", describe}, {"SetActivationToken", set_token}, {"Teardown", do_nothing},
    };

    for (gsize i = 0; i < G_N_ELEMENTS(methods); i++)
        if (g_str_equal(method, methods[i].method))
            methods[i].handle(data, parameters, invocation);
}

static void krunner_free(gpointer data)
{
    Krunner *krunner = data;
    g_free(krunner->token);
    g_free(krunner);
}

void search_krunner_export(GDBusConnection *bus, DesktopPool *pool)
{
    static const GDBusInterfaceVTable vtable = {.method_call = on_call};
    g_autoptr(GDBusNodeInfo) node = g_dbus_node_info_new_for_xml(interface_xml, NULL);
    Krunner *krunner = g_new0(Krunner, 1);
    krunner->pool = pool;
    g_dbus_connection_register_object(bus, DESKTOP_KRUNNER_PATH, node->interfaces[0], &vtable,
                                      krunner, krunner_free, NULL);
}
