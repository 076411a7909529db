/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lib/pool-internal.h"

#include "base/bus-names.h"
#include "lib/run-internal.h"

#define INFO G_VARIANT_TYPE("(a{sv})")
#define INFOS G_VARIANT_TYPE("(aa{sv})")

static void start_call(StorkitPool *self, const char *method, GVariant *parameters,
                       const GVariantType *type, GCancellable *cancellable,
                       GAsyncReadyCallback callback, gpointer data)
{
    CallTarget target = pool_target(self);
    call_async(&target, method, parameters, type, self, cancellable, callback, data);
}

static GVariant *call_and_wait(StorkitPool *self, const char *method, GVariant *parameters,
                               const GVariantType *type, GCancellable *cancellable, GError **error)
{
    CallTarget target = pool_target(self);
    return call_sync(&target, method, parameters, type, cancellable, error);
}

/* What a reply gives, which is the reader's. */

static gboolean read_nothing(StorkitPool *self, GVariant *reply)
{
    g_autoptr(GVariant) owned = reply;
    return owned != NULL;
}

static GVariant *read_value(StorkitPool *self, GVariant *given)
{
    g_autoptr(GVariant) reply = given;
    return reply ? g_variant_get_child_value(reply, 0) : NULL;
}

/* A run of the list; the reply may come before the signal. */
static StorkitRun *read_listed(StorkitPool *self, GVariant *reply)
{
    g_autoptr(GVariant) info = read_value(self, reply);
    StorkitRun *run = info ? pool_take_info(self, info) : NULL;
    return run ? g_object_ref(run) : NULL;
}

/* A run that may have left the list. */
static StorkitRun *read_any(StorkitPool *self, GVariant *reply)
{
    g_autoptr(GVariant) info = read_value(self, reply);
    const char *run_id = "";
    if (!info)
        return NULL;
    (void)g_variant_lookup(info, "run_id", "&s", &run_id);
    StorkitRun *run = storkit_pool_get_run(self, run_id);
    CallTarget target = pool_target(self);
    if (!run)
        return run_new(self->bus, target.no_auto_start, info);
    run_update(run, info, TRUE);
    return g_object_ref(run);
}

static GVariant *key(const char *project_root, const char *story_id, const char *agent_name)
{
    return g_variant_new("(sss)", project_root, story_id, agent_name ? agent_name : "");
}

static GVariant *start(const char *project_root, const char *story_id, const char *agent_name,
                       GVariant *options)
{
    if (!options)
        options = g_variant_new("a{sv}", NULL);
    return g_variant_new("(sss@a{sv})", project_root, story_id, agent_name ? agent_name : "",
                         options);
}

static GVariant *max_agents_value(guint max_agents)
{
    return g_variant_new("(ssv)", STORKIT_INTERFACE, "MaxAgents", g_variant_new_uint32(max_agents));
}

/* The three forms of a method: @variant is what goes to the bus, of the parameters that follow,
 * each with a comma behind it; @read makes a Result of the reply. */
#define CALL(Result, name, method, type, read, variant, ...)                                       \
    Result storkit_pool_##name(StorkitPool *self, __VA_ARGS__ GCancellable *cancellable,           \
                               GError **error)                                                     \
    {                                                                                              \
        g_return_val_if_fail(STORKIT_IS_POOL(self), 0);                                            \
        return read(self, call_and_wait(self, method, variant, type, cancellable, error));         \
    }                                                                                              \
    void storkit_pool_##name##_async(StorkitPool *self, __VA_ARGS__ GCancellable *cancellable,     \
                                     GAsyncReadyCallback callback, gpointer user_data)             \
    {                                                                                              \
        g_return_if_fail(STORKIT_IS_POOL(self));                                                   \
        start_call(self, method, variant, type, cancellable, callback, user_data);                 \
    }                                                                                              \
    Result storkit_pool_##name##_finish(StorkitPool *self, GAsyncResult *result, GError **error)   \
    {                                                                                              \
        g_return_val_if_fail(STORKIT_IS_POOL(self), 0);                                            \
        return read(self, call_finish(self, result, error));                                       \
    }

/* clang-format off */
CALL(StorkitRun *, start, "StartWithOptions", INFO, read_listed,
     start(project_root, story_id, agent_name, options),
     const char *project_root, const char *story_id, const char *agent_name, GVariant *options,)
CALL(StorkitRun *, find, "Get", INFO, read_listed, key(project_root, story_id, agent_name),
     const char *project_root, const char *story_id, const char *agent_name,)
CALL(StorkitRun *, find_run, "GetRun", INFO, read_any, g_variant_new("(s)", run_id),
     const char *run_id,)
CALL(GVariant *, list_worktrees, "ListWorktrees", INFOS, read_value,
     g_variant_new("(s)", project_root), const char *project_root,)
CALL(GVariant *, get_config, "GetConfig", INFO, read_value,
     g_variant_new("(s)", project_root), const char *project_root,)
CALL(gboolean, remove_worktree, "RemoveWorktree", NULL, read_nothing,
     g_variant_new("(ssb)", project_root, story_id, force),
     const char *project_root, const char *story_id, gboolean force,)
/* clang-format on */

static CallTarget properties_target(StorkitPool *self)
{
    CallTarget target = pool_target(self);
    target.interface = "org.freedesktop.DBus.Properties";
    return target;
}

gboolean storkit_pool_set_max_agents(StorkitPool *self, guint max_agents, GCancellable *cancellable,
                                     GError **error)
{
    g_return_val_if_fail(STORKIT_IS_POOL(self), FALSE);
    CallTarget target = properties_target(self);
    GVariant *value = max_agents_value(max_agents);
    return read_nothing(self, call_sync(&target, "Set", value, NULL, cancellable, error));
}

void storkit_pool_set_max_agents_async(StorkitPool *self, guint max_agents,
                                       GCancellable *cancellable, GAsyncReadyCallback callback,
                                       gpointer user_data)
{
    g_return_if_fail(STORKIT_IS_POOL(self));
    CallTarget target = properties_target(self);
    call_async(&target, "Set", max_agents_value(max_agents), NULL, self, cancellable, callback,
               user_data);
}

gboolean storkit_pool_set_max_agents_finish(StorkitPool *self, GAsyncResult *result, GError **error)
{
    g_return_val_if_fail(STORKIT_IS_POOL(self), FALSE);
    return read_nothing(self, call_finish(self, result, error));
}
