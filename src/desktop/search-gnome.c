/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "desktop/actions.h"
#include "desktop/monitor.h"
#include "desktop/names.h"
#include "desktop/search.h"

/*
 * org.gnome.Shell.SearchProvider2.
 */

static const char interface_xml[] =
    "<node><interface name='org.gnome.Shell.SearchProvider2'>"
    "<method name='GetInitialResultSet'><arg type='as' direction='in'/>"
    "<arg type='as' direction='out'/></method>"
    "<method name='GetSubsearchResultSet'><arg type='as' direction='in'/>"
    "<arg type='as' direction='in'/><arg type='as' direction='out'/></method>"
    "<method name='GetResultMetas'><arg type='as' direction='in'/>"
    "<arg type='aa{sv}' direction='out'/></method>"
    "<method name='ActivateResult'><arg type='s' direction='in'/><arg type='as' direction='in'/>"
    "<arg type='u' direction='in'/></method>"
    "<method name='LaunchSearch'><arg type='as' direction='in'/><arg type='u' direction='in'/>"
    "</method></interface></node>";

typedef struct {
    DesktopPool *pool;
    GDBusMethodInvocation *invocation;
    char **terms;
} Query;

static gboolean answer(gpointer data)
{
    g_autofree Query *query = data;
    g_auto(GStrv) terms = query->terms;
    g_autoptr(GPtrArray) hits =
        search_find(desktop_pool_runs(query->pool), (const char *const *)terms);
    g_auto(GVariantBuilder) ids = G_VARIANT_BUILDER_INIT(G_VARIANT_TYPE("as"));
    for (guint i = 0; i < hits->len; i++)
        g_variant_builder_add(&ids, "s", ((SearchHit *)hits->pdata[i])->id);
    g_dbus_method_invocation_return_value(query->invocation, g_variant_new("(as)", &ids));
    return G_SOURCE_REMOVE;
}

static void find(DesktopPool *pool, GVariant *parameters, GDBusMethodInvocation *invocation)
{
    Query *query = g_new(Query, 1);
    gsize last = g_variant_n_children(parameters) - 1;
    g_autoptr(GVariant) terms = g_variant_get_child_value(parameters, last);
    *query = (Query){pool, invocation, g_variant_dup_strv(terms, NULL)};
    desktop_pool_ensure(pool, answer, query);
}

static GVariant *meta_of(const SearchHit *hit)
{
    g_auto(GVariantDict) meta = G_VARIANT_DICT_INIT(NULL);
    g_variant_dict_insert(&meta, "id", "s", hit->id);
    g_variant_dict_insert(&meta, "name", "s", hit->title);
    g_variant_dict_insert(&meta, "description", "s", hit->description);
    g_variant_dict_insert(&meta, "gicon", "s", DESKTOP_FILE_ID);
    return g_variant_dict_end(&meta);
}

static void describe(DesktopPool *pool, GVariant *parameters, GDBusMethodInvocation *invocation)
{
    g_auto(GVariantBuilder) metas = G_VARIANT_BUILDER_INIT(G_VARIANT_TYPE("aa{sv}"));
    g_autofree const char **ids = NULL;
    g_variant_get(parameters, "(^a&s)", &ids);
    for (gsize i = 0; ids[i]; i++) {
        g_autoptr(SearchHit) hit = search_get(desktop_pool_runs(pool), ids[i]);
        if (hit)
            g_variant_builder_add_value(&metas, meta_of(hit));
    }
    g_dbus_method_invocation_return_value(invocation, g_variant_new("(aa{sv})", &metas));
}

static void open_hit(DesktopPool *pool, GVariant *parameters, GDBusMethodInvocation *invocation)
{
    const char *id;
    g_variant_get(parameters, "(&sasu)", &id, NULL, NULL);
    search_open(g_dbus_method_invocation_get_connection(invocation), desktop_pool_runs(pool), id,
                NULL, NULL);
    g_dbus_method_invocation_return_value(invocation, NULL);
}

/* The window, or the table in a terminal where there is none. */
static void on_opened(const GError *problem, gpointer data)
{
    GDBusMethodInvocation *invocation = data;
    GDBusConnection *bus = g_dbus_method_invocation_get_connection(invocation);
    g_autoptr(GError) error = NULL;
    if (g_error_matches(problem, G_IO_ERROR, G_IO_ERROR_NOT_FOUND))
        (void)action_open_top(bus, NULL, NULL, &error);
    else if (problem)
        error = g_error_copy(problem);
    if (error)
        g_dbus_method_invocation_return_gerror(invocation, error);
    else
        g_dbus_method_invocation_return_value(invocation, NULL);
}

static void open_all(DesktopPool *pool, GVariant *parameters, GDBusMethodInvocation *invocation)
{
    desktop_monitor_open(g_dbus_method_invocation_get_connection(invocation), NULL, NULL, on_opened,
                         invocation);
}

static void on_call(GDBusConnection *bus, const char *sender, const char *path,
                    const char *interface, const char *method, GVariant *parameters,
                    GDBusMethodInvocation *invocation, gpointer data)
{
    static const struct {
        const char *method;
        void (*handle)(DesktopPool *, GVariant *, GDBusMethodInvocation *);
    } methods[] = {
        {"GetInitialResultSet", find}, {"GetSubsearchResultSet", find},
        {"GetResultMetas", describe},  {"ActivateResult", open_hit},
        {"LaunchSearch", open_all},
    };

    for (gsize i = 0; i < G_N_ELEMENTS(methods); i++)
        if (g_str_equal(method, methods[i].method))
            methods[i].handle(data, parameters, invocation);
}

void search_gnome_export(GDBusConnection *bus, DesktopPool *pool)
{
    static const GDBusInterfaceVTable vtable = {.method_call = on_call};
    g_autoptr(GDBusNodeInfo) node = g_dbus_node_info_new_for_xml(interface_xml, NULL);
    g_dbus_connection_register_object(bus, DESKTOP_GNOME_PATH, node->interfaces[0], &vtable, pool,
                                      NULL, NULL);
}
