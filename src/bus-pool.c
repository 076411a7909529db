/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "bus-pool.h"

#include <string.h>

#include "bus-names.h"
#include "bus-variant.h"
#include "error.h"
#include "start-options.h"
#include "util.h"

/* --- Replies --- */

static void reply_error(sd_bus_message *call, const GError *error)
{
    sd_bus_reply_method_errorf(call, storkit_error_dbus_name(error), "%s", error->message);
}

static void reply_value(sd_bus_message *call, GVariant *value)
{
    sd_bus_message *m = NULL;
    int r = sd_bus_message_new_method_return(call, &m);
    if (r >= 0 && value)
        r = bus_append_variant(m, value);
    if (r >= 0)
        r = sd_bus_send(NULL, m, NULL);
    sd_bus_message_unref(m);
    if (r < 0)
        sd_bus_reply_method_errno(call, r, NULL);
}

/* A PoolReply; @data is the call, of which it drops the reference. */
static void reply_to_call(GVariant *value, const GError *error, gpointer data)
{
    sd_bus_message *call = data;
    g_autoptr(GVariant) owned = value ? g_variant_ref_sink(value) : NULL;
    if (error)
        reply_error(call, error);
    else
        reply_value(call, owned);
    sd_bus_message_unref(call);
}

static int reply_fd(sd_bus_message *call, int fd, const GError *error)
{
    if (fd < 0) {
        reply_error(call, error);
        return 1;
    }
    int r = sd_bus_reply_method_return(call, "h", fd);
    close(fd);
    return r < 0 ? r : 1;
}

/* --- Start, Stop, and the questions of one run --- */

typedef struct {
    const char *root, *story, *agent;
} Names;

static int read_names(sd_bus_message *m, Names *ret)
{
    return sd_bus_message_read(m, "sss", &ret->root, &ret->story, &ret->agent);
}

typedef void (*Ask)(Pool *pool, const char *root, const char *story, const char *agent,
                    PoolReply reply, gpointer data);

static int ask(sd_bus_message *m, void *userdata, Ask question)
{
    BusPool *self = userdata;
    Names names;
    int r = read_names(m, &names);
    if (r < 0)
        return r;
    question(self->pool, names.root, names.story, names.agent, reply_to_call,
             sd_bus_message_ref(m));
    return 1;
}

static int method_start(sd_bus_message *m, void *userdata, sd_bus_error *ret_error)
{
    BusPool *self = userdata;
    Names names;
    int r = read_names(m, &names);
    if (r < 0)
        return r;
    pool_start(self->pool, names.root, names.story, names.agent, start_options_new(),
               reply_to_call, sd_bus_message_ref(m));
    return 1;
}

static int method_start_with_options(sd_bus_message *m, void *userdata, sd_bus_error *ret_error)
{
    BusPool *self = userdata;
    g_autoptr(GVariant) dict = NULL;
    g_autoptr(GError) error = NULL;
    Names names;
    int r = read_names(m, &names);
    if (r >= 0)
        r = bus_read_dict(m, &dict);
    if (r < 0)
        return r;

    StartOptions *options = start_options_parse(dict, &error);
    if (!options) {
        reply_error(m, error);
        return 1;
    }
    pool_start(self->pool, names.root, names.story, names.agent, options, reply_to_call,
               sd_bus_message_ref(m));
    return 1;
}

static int method_stop(sd_bus_message *m, void *userdata, sd_bus_error *ret_error)
{
    return ask(m, userdata, pool_stop);
}

static int method_get(sd_bus_message *m, void *userdata, sd_bus_error *ret_error)
{
    return ask(m, userdata, pool_get);
}

static int method_wait(sd_bus_message *m, void *userdata, sd_bus_error *ret_error)
{
    return ask(m, userdata, pool_wait);
}

static int method_list(sd_bus_message *m, void *userdata, sd_bus_error *ret_error)
{
    BusPool *self = userdata;
    g_autoptr(GVariant) list = g_variant_ref_sink(pool_list(self->pool));
    reply_value(m, list);
    return 1;
}

static int method_get_config(sd_bus_message *m, void *userdata, sd_bus_error *ret_error)
{
    BusPool *self = userdata;
    const char *root;
    int r = sd_bus_message_read(m, "s", &root);
    if (r < 0)
        return r;
    pool_get_config(self->pool, root, reply_to_call, sd_bus_message_ref(m));
    return 1;
}

static int method_list_worktrees(sd_bus_message *m, void *userdata, sd_bus_error *ret_error)
{
    BusPool *self = userdata;
    const char *root;
    int r = sd_bus_message_read(m, "s", &root);
    if (r < 0)
        return r;
    pool_list_worktrees(self->pool, root, reply_to_call, sd_bus_message_ref(m));
    return 1;
}

static int method_remove_worktree(sd_bus_message *m, void *userdata, sd_bus_error *ret_error)
{
    BusPool *self = userdata;
    const char *root, *story;
    int force;
    int r = sd_bus_message_read(m, "ssb", &root, &story, &force);
    if (r < 0)
        return r;
    pool_remove_worktree(self->pool, root, story, force, reply_to_call, sd_bus_message_ref(m));
    return 1;
}

/* --- Events --- */

/* A call that is about one run, while the pool looks for it. */
typedef struct {
    BusPool *self;
    sd_bus_message *call;
    guint64 cursor;
    gboolean frozen;
} RunCall;

static RunCall *run_call_new(BusPool *self, sd_bus_message *m)
{
    RunCall *call = g_new0(RunCall, 1);
    call->self = self;
    call->call = sd_bus_message_ref(m);
    return call;
}

static void run_call_free(RunCall *call)
{
    sd_bus_message_unref(call->call);
    g_free(call);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC(RunCall, run_call_free)

static void subscribe_found(Run *run, const GError *error, gpointer data)
{
    g_autoptr(RunCall) call = data;
    g_autoptr(GError) own_error = NULL;
    int fd = -1;
    if (!error)
        fd = subscriptions_add(call->self->subscriptions, run, call->cursor, &own_error);
    reply_fd(call->call, fd, error ? error : own_error);
}

static int method_subscribe(sd_bus_message *m, void *userdata, sd_bus_error *ret_error)
{
    BusPool *self = userdata;
    Names names;
    guint64 cursor;
    int r = read_names(m, &names);
    if (r >= 0)
        r = sd_bus_message_read(m, "t", &cursor);
    if (r < 0)
        return r;
    RunCall *call = run_call_new(self, m);
    call->cursor = cursor;
    pool_find(self->pool, names.root, names.story, names.agent, FALSE, subscribe_found, call);
    return 1;
}

static int method_subscribe_run(sd_bus_message *m, void *userdata, sd_bus_error *ret_error)
{
    BusPool *self = userdata;
    g_autoptr(GError) error = NULL;
    const char *run_id;
    guint64 cursor;
    int r = sd_bus_message_read(m, "st", &run_id, &cursor);
    if (r < 0)
        return r;
    g_autoptr(Run) run = pool_find_by_id(self->pool, run_id, &error);
    RunCall *call = run_call_new(self, m);
    call->cursor = cursor;
    subscribe_found(run, error, call);
    return 1;
}

static void drain_found(Run *run, const GError *error, gpointer data)
{
    g_autoptr(RunCall) call = data;
    g_autoptr(GError) own_error = NULL;
    GVariant *events = error ? NULL : drains_take(call->self->drains, run, &own_error);
    reply_to_call(events, error ? error : own_error, sd_bus_message_ref(call->call));
}

static int method_drain(sd_bus_message *m, void *userdata, sd_bus_error *ret_error)
{
    BusPool *self = userdata;
    Names names;
    int r = read_names(m, &names);
    if (r < 0)
        return r;
    pool_find(self->pool, names.root, names.story, names.agent, FALSE, drain_found,
              run_call_new(self, m));
    return 1;
}

/* --- Control --- */

static void freeze_found(Run *run, const GError *error, gpointer data)
{
    g_autoptr(RunCall) call = data;
    g_autoptr(GError) own_error = NULL;
    if (!error)
        run_set_frozen(run, call->frozen, &own_error);
    reply_to_call(NULL, error ? error : own_error, sd_bus_message_ref(call->call));
}

static int set_frozen(sd_bus_message *m, BusPool *self, gboolean frozen)
{
    Names names;
    int r = read_names(m, &names);
    if (r < 0)
        return r;
    RunCall *call = run_call_new(self, m);
    call->frozen = frozen;
    pool_find(self->pool, names.root, names.story, names.agent, TRUE, freeze_found, call);
    return 1;
}

static int method_freeze(sd_bus_message *m, void *userdata, sd_bus_error *ret_error)
{
    return set_frozen(m, userdata, TRUE);
}

static int method_thaw(sd_bus_message *m, void *userdata, sd_bus_error *ret_error)
{
    return set_frozen(m, userdata, FALSE);
}

/* --- Properties --- */

static int get_version(sd_bus *bus, const char *path, const char *interface, const char *property,
                       sd_bus_message *reply, void *userdata, sd_bus_error *ret_error)
{
    return sd_bus_message_append(reply, "s", STORKIT_VERSION);
}

static int get_project_root(sd_bus *bus, const char *path, const char *interface,
                            const char *property, sd_bus_message *reply, void *userdata,
                            sd_bus_error *ret_error)
{
    BusPool *self = userdata;
    return sd_bus_message_append(reply, "s", pool_get_project_root(self->pool));
}

static int set_error(sd_bus_error *ret_error, const GError *error)
{
    return sd_bus_error_set(ret_error, storkit_error_dbus_name(error), error->message);
}

static int set_project_root(sd_bus *bus, const char *path, const char *interface,
                            const char *property, sd_bus_message *value, void *userdata,
                            sd_bus_error *ret_error)
{
    BusPool *self = userdata;
    g_autoptr(GError) error = NULL;
    const char *root;
    int r = sd_bus_message_read(value, "s", &root);
    if (r < 0)
        return r;
    if (!pool_set_project_root(self->pool, root, &error))
        return set_error(ret_error, error);
    return sd_bus_emit_properties_changed(bus, path, interface, property, NULL);
}

static int get_max_agents(sd_bus *bus, const char *path, const char *interface,
                          const char *property, sd_bus_message *reply, void *userdata,
                          sd_bus_error *ret_error)
{
    BusPool *self = userdata;
    return sd_bus_message_append(reply, "u", pool_get_max_agents(self->pool));
}

static int set_max_agents(sd_bus *bus, const char *path, const char *interface,
                          const char *property, sd_bus_message *value, void *userdata,
                          sd_bus_error *ret_error)
{
    BusPool *self = userdata;
    g_autoptr(GError) error = NULL;
    guint32 max_agents;
    int r = sd_bus_message_read(value, "u", &max_agents);
    if (r < 0)
        return r;
    if (!pool_set_max_agents(self->pool, max_agents, &error))
        return set_error(ret_error, error);
    return sd_bus_emit_properties_changed(bus, path, interface, property, NULL);
}

static int get_running(sd_bus *bus, const char *path, const char *interface, const char *property,
                       sd_bus_message *reply, void *userdata, sd_bus_error *ret_error)
{
    BusPool *self = userdata;
    return sd_bus_message_append(reply, "u", pool_count_running(self->pool));
}

static int get_queued(sd_bus *bus, const char *path, const char *interface, const char *property,
                      sd_bus_message *reply, void *userdata, sd_bus_error *ret_error)
{
    BusPool *self = userdata;
    return sd_bus_message_append(reply, "u", pool_count_queued(self->pool));
}

/* --- The interface --- */

#define RUN_NAMES                                                                                  \
    SD_BUS_PARAM(project_root)                                                                     \
    SD_BUS_PARAM(story_id) SD_BUS_PARAM(agent_name)

#define METHOD(name, in, in_names, out, out_names, handler)                                        \
    SD_BUS_METHOD_WITH_NAMES(name, in, in_names, out, out_names, handler,                          \
                             SD_BUS_VTABLE_UNPRIVILEGED)

/* The bus itself lets only the user in: see SECURITY.md. */
static const sd_bus_vtable vtable[] = {
    SD_BUS_VTABLE_START(0),
    METHOD("Start", "sss", RUN_NAMES, "a{sv}", SD_BUS_PARAM(info), method_start),
    METHOD("StartWithOptions", "sssa{sv}", RUN_NAMES SD_BUS_PARAM(options), "a{sv}",
           SD_BUS_PARAM(info), method_start_with_options),
    METHOD("Stop", "sss", RUN_NAMES, "", , method_stop),
    METHOD("List", "", , "aa{sv}", SD_BUS_PARAM(runs), method_list),
    METHOD("Get", "sss", RUN_NAMES, "a{sv}", SD_BUS_PARAM(info), method_get),
    METHOD("Wait", "sss", RUN_NAMES, "a{sv}", SD_BUS_PARAM(info), method_wait),
    METHOD("Subscribe", "ssst", RUN_NAMES SD_BUS_PARAM(cursor), "h", SD_BUS_PARAM(events),
           method_subscribe),
    METHOD("SubscribeRun", "st", SD_BUS_PARAM(run_id) SD_BUS_PARAM(cursor), "h",
           SD_BUS_PARAM(events), method_subscribe_run),
    METHOD("Drain", "sss", RUN_NAMES, "as", SD_BUS_PARAM(events), method_drain),
    METHOD("Freeze", "sss", RUN_NAMES, "", , method_freeze),
    METHOD("Thaw", "sss", RUN_NAMES, "", , method_thaw),
    METHOD("ListWorktrees", "s", SD_BUS_PARAM(project_root), "aa{sv}", SD_BUS_PARAM(worktrees),
           method_list_worktrees),
    METHOD("RemoveWorktree", "ssb",
           SD_BUS_PARAM(project_root) SD_BUS_PARAM(story_id) SD_BUS_PARAM(force), "", ,
           method_remove_worktree),
    METHOD("GetConfig", "s", SD_BUS_PARAM(project_root), "a{sv}", SD_BUS_PARAM(config),
           method_get_config),
    SD_BUS_SIGNAL_WITH_NAMES("AgentEvent", "sssa{sv}",
                             SD_BUS_PARAM(story_id) SD_BUS_PARAM(agent_name) SD_BUS_PARAM(type)
                                 SD_BUS_PARAM(data),
                             0),
    SD_BUS_PROPERTY("Version", "s", get_version, 0, SD_BUS_VTABLE_PROPERTY_CONST),
    SD_BUS_WRITABLE_PROPERTY("ProjectRoot", "s", get_project_root, set_project_root, 0,
                             SD_BUS_VTABLE_UNPRIVILEGED | SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
    SD_BUS_WRITABLE_PROPERTY("MaxAgents", "u", get_max_agents, set_max_agents, 0,
                             SD_BUS_VTABLE_UNPRIVILEGED | SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
    SD_BUS_PROPERTY("Running", "u", get_running, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
    SD_BUS_PROPERTY("Queued", "u", get_queued, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
    SD_BUS_VTABLE_END,
};

int bus_pool_register(sd_bus *bus, BusPool *bus_pool)
{
    return sd_bus_add_object_vtable(bus, NULL, STORKIT_OBJECT_PATH, STORKIT_INTERFACE, vtable,
                                    bus_pool);
}
