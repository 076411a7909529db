/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "bus/pool-object.h"

#include "bus/caller.h"
#include "bus/run-methods.h"
#include "base/bus-names.h"
#include "bus/reply.h"
#include "bus/variant.h"
#include "run/run-info.h"
#include "base/test-hooks.h"
#include "store/start-options.h"
#include "base/util.h"

/* --- Starting --- */

typedef struct {
    const char *root, *story, *agent;
} Names;

static int read_names(sd_bus_message *m, Names *ret)
{
    return sd_bus_message_read(m, "sss", &ret->root, &ret->story, &ret->agent);
}

typedef struct {
    BusParts *self;
    sd_bus_message *call;
    Names names; /* the message's */
    StartOptions *options;
} StartCall;

static void ask(BusParts *self, sd_bus_message *m, CallerFound found, gpointer data)
{
    self->asking++;
    bus_find_caller(m, found, data);
}

/* Other calls keep their place behind a Start that waits for the bus: they may be about its run. */

typedef int (*Handler)(BusParts *self, sd_bus_message *call);

typedef struct {
    BusParts *self;
    sd_bus_message *call;
    Handler handle;
} Turn;

static void on_turn(const Caller *caller, gpointer data)
{
    g_autofree Turn *turn = data;
    turn->self->asking--;
    int r = turn->handle(turn->self, turn->call);
    if (r < 0)
        sd_bus_reply_method_errno(turn->call, r, NULL);
    sd_bus_message_unref(turn->call);
}

static int handle_in_turn(BusParts *self, sd_bus_message *m, Handler handle)
{
    if (self->asking == 0)
        return handle(self, m);
    Turn *turn = g_new(Turn, 1);
    *turn = (Turn){self, sd_bus_message_ref(m), handle};
    ask(self, m, on_turn, turn);
    return 1;
}

static void on_caller(const Caller *caller, gpointer data)
{
    g_autofree StartCall *call = data;
    g_autoptr(StartOptions) options = call->options;
    g_autoptr(GError) error = NULL;
    const Names *names = &call->names;
    call->self->asking--;
    if (start_options_set_caller(options, caller->pid, &error))
        pool_start(call->self->pool, caller->cgroup, names->root, names->story, names->agent,
                   g_steal_pointer(&options), bus_reply_to_call, sd_bus_message_ref(call->call));
    else
        bus_reply_error(call->call, error);
    sd_bus_message_unref(call->call);
}

/* Takes @options. Who calls decides whose child the run is. */
static void start(BusParts *self, sd_bus_message *m, const Names *names, StartOptions *options)
{
    StartCall *call = g_new(StartCall, 1);
    *call = (StartCall){self, sd_bus_message_ref(m), *names, options};
    ask(self, m, on_caller, call);
}

static int method_start(sd_bus_message *m, void *userdata, sd_bus_error *ret_error)
{
    BusParts *self = userdata;
    Names names;
    int r = read_names(m, &names);
    if (r < 0)
        return r;
    start(self, m, &names, start_options_new());
    return 1;
}

static int method_start_with_options(sd_bus_message *m, void *userdata, sd_bus_error *ret_error)
{
    BusParts *self = userdata;
    g_autoptr(GVariant) dict = NULL;
    g_autoptr(GError) error = NULL;
    Names names;
    int r = read_names(m, &names);
    if (r >= 0)
        r = bus_read_dict(m, &dict);
    if (r == -E2BIG)
        return sd_bus_error_set(ret_error, STORKIT_INTERFACE ".Error.InvalidArgument",
                                "the options have too many values");
    if (r < 0)
        return r;

    StartOptions *options = start_options_parse(dict, &error);
    if (!options) {
        bus_reply_error(m, error);
        return 1;
    }
    start(self, m, &names, options);
    return 1;
}

/* --- The project and all of its runs --- */

/* A reply that grows run by run. */
typedef struct {
    sd_bus_message *call, *reply;
    int r;
} ListCall;

static int append_info(sd_bus_message *reply, GVariant *state, GVariant *figures)
{
    int r = sd_bus_message_open_container(reply, 'a', "{sv}");
    if (r >= 0)
        r = bus_append_children(reply, state);
    if (r >= 0)
        r = bus_append_children(reply, figures);
    return r < 0 ? r : sd_bus_message_close_container(reply);
}

/* In another thread: nothing but the reply is touched. */
static void on_listed(GVariant *state, GVariant *figures, gpointer data)
{
    ListCall *call = data;
    if (call->r >= 0)
        call->r = append_info(call->reply, state, figures);
}

static void on_list_end(gpointer data)
{
    g_autofree ListCall *call = data;
    if (call->r >= 0)
        call->r = sd_bus_message_close_container(call->reply);
    if (call->r >= 0)
        call->r = sd_bus_send(NULL, call->reply, NULL);
    if (call->r < 0)
        sd_bus_reply_method_errno(call->call, call->r, NULL);
    sd_bus_message_unref(call->reply);
    sd_bus_message_unref(call->call);
}

static int method_list(sd_bus_message *m, void *userdata, sd_bus_error *ret_error)
{
    BusParts *self = userdata;
    sd_bus_message *reply = NULL;
    int r = sd_bus_message_new_method_return(m, &reply);
    if (r >= 0)
        r = sd_bus_message_open_container(reply, 'a', "a{sv}");
    if (r < 0) {
        sd_bus_message_unref(reply);
        return r;
    }
    ListCall *call = g_new(ListCall, 1);
    *call = (ListCall){sd_bus_message_ref(m), reply, 0};
    pool_list(self->pool, on_listed, on_list_end, call);
    return 1;
}

static int method_get_config(sd_bus_message *m, void *userdata, sd_bus_error *ret_error)
{
    BusParts *self = userdata;
    const char *root;
    int r = sd_bus_message_read(m, "s", &root);
    if (r < 0)
        return r;
    pool_get_config(self->pool, root, bus_reply_to_call, sd_bus_message_ref(m));
    return 1;
}

static int method_list_worktrees(sd_bus_message *m, void *userdata, sd_bus_error *ret_error)
{
    BusParts *self = userdata;
    const char *root;
    int r = sd_bus_message_read(m, "s", &root);
    if (r < 0)
        return r;
    pool_list_worktrees(self->pool, root, bus_reply_to_call, sd_bus_message_ref(m));
    return 1;
}

static int remove_worktree(BusParts *self, sd_bus_message *m)
{
    const char *root, *story;
    int force;
    int r = sd_bus_message_read(m, "ssb", &root, &story, &force);
    if (r < 0)
        return r;
    pool_remove_worktree(self->pool, root, story, force, bus_reply_to_call, sd_bus_message_ref(m));
    return 1;
}

static int method_remove_worktree(sd_bus_message *m, void *userdata, sd_bus_error *ret_error)
{
    return handle_in_turn(userdata, m, remove_worktree);
}

/* --- One run --- */

/* A call that is about one run, while the pool looks for it. */
typedef struct {
    BusParts *self;
    sd_bus_message *call;
    RunMethod method;
} RunCall;

static void on_run_found(Run *run, const GError *error, gpointer data)
{
    g_autofree RunCall *call = data;
    g_autoptr(GError) own_error = NULL;
    if (!error && !run_method_check_reach(call->call, run, &own_error))
        error = own_error;
    if (error)
        bus_reply_error(call->call, error);
    else
        call->method(call->self, run, call->call);
    sd_bus_message_unref(call->call);
}

static int find_run(BusParts *self, sd_bus_message *m)
{
    Names names;
    int r = read_names(m, &names);
    if (r < 0)
        return r;
    RunCall *call = g_new(RunCall, 1);
    *call = (RunCall){self, sd_bus_message_ref(m), run_method_find(m)};
    pool_find(self->pool, names.root, names.story, names.agent, on_run_found, call);
    return 1;
}

static int method_of_run(sd_bus_message *m, void *userdata, sd_bus_error *ret_error)
{
    return handle_in_turn(userdata, m, find_run);
}

typedef struct {
    BusParts *self;
    sd_bus_message *call;
    guint64 cursor;
} SubscribeCall;

static void on_run_found_by_id(Run *run, const GError *error, gpointer data)
{
    g_autofree SubscribeCall *call = data;
    g_autoptr(GError) own_error = NULL;
    gboolean here = run && run_check_here(run, &own_error);
    int fd =
        here ? subscriptions_add(call->self->subscriptions, run, call->cursor, &own_error) : -1;
    bus_reply_fd(call->call, fd, error ? error : own_error);
    sd_bus_message_unref(call->call);
}

static int method_subscribe_run(sd_bus_message *m, void *userdata, sd_bus_error *ret_error)
{
    BusParts *self = userdata;
    const char *run_id;
    guint64 cursor;
    int r = sd_bus_message_read(m, "st", &run_id, &cursor);
    if (r < 0)
        return r;
    SubscribeCall *call = g_new(SubscribeCall, 1);
    *call = (SubscribeCall){self, sd_bus_message_ref(m), cursor};
    pool_find_by_id(self->pool, run_id, on_run_found_by_id, call);
    return 1;
}

static void on_get_run_found(Run *run, const GError *error, gpointer data)
{
    GVariant *info = run ? run_get_info(run) : NULL;
    bus_reply_to_call(info, error, data);
}

static int method_get_run(sd_bus_message *m, void *userdata, sd_bus_error *ret_error)
{
    BusParts *self = userdata;
    const char *run_id;
    int r = sd_bus_message_read(m, "s", &run_id);
    if (r < 0)
        return r;
    pool_find_by_id(self->pool, run_id, on_get_run_found, sd_bus_message_ref(m));
    return 1;
}

/* --- Questions --- */

static int method_answer(sd_bus_message *m, void *userdata, sd_bus_error *ret_error)
{
    BusParts *self = userdata;
    const char *run_id;
    int r = sd_bus_message_read(m, "s", &run_id);
    if (r < 0)
        return r;
    RunCall *call = g_new(RunCall, 1);
    *call = (RunCall){self, sd_bus_message_ref(m), run_method_find(m)};
    pool_find_by_id(self->pool, run_id, on_run_found, call);
    return 1;
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
    BusParts *self = userdata;
    return sd_bus_message_append(reply, "s", pool_get_project_root(self->pool));
}

static int set_project_root(sd_bus *bus, const char *path, const char *interface,
                            const char *property, sd_bus_message *value, void *userdata,
                            sd_bus_error *ret_error)
{
    BusParts *self = userdata;
    g_autoptr(GError) error = NULL;
    const char *root;
    int r = sd_bus_message_read(value, "s", &root);
    if (r < 0)
        return r;
    if (!pool_set_project_root(self->pool, root, &error))
        return bus_error_set(ret_error, error);
    return sd_bus_emit_properties_changed(bus, path, interface, property, NULL);
}

static int get_max_agents(sd_bus *bus, const char *path, const char *interface,
                          const char *property, sd_bus_message *reply, void *userdata,
                          sd_bus_error *ret_error)
{
    BusParts *self = userdata;
    return sd_bus_message_append(reply, "u", pool_get_max_agents(self->pool));
}

static int set_max_agents(sd_bus *bus, const char *path, const char *interface,
                          const char *property, sd_bus_message *value, void *userdata,
                          sd_bus_error *ret_error)
{
    BusParts *self = userdata;
    g_autoptr(GError) error = NULL;
    guint32 max_agents;
    int r = sd_bus_message_read(value, "u", &max_agents);
    if (r < 0)
        return r;
    if (!pool_set_max_agents(self->pool, max_agents, &error))
        return bus_error_set(ret_error, error);
    return sd_bus_emit_properties_changed(bus, path, interface, property, NULL);
}

static int get_running(sd_bus *bus, const char *path, const char *interface, const char *property,
                       sd_bus_message *reply, void *userdata, sd_bus_error *ret_error)
{
    BusParts *self = userdata;
    return sd_bus_message_append(reply, "u", runs_count_running(pool_get_runs(self->pool)));
}

static int get_queued(sd_bus *bus, const char *path, const char *interface, const char *property,
                      sd_bus_message *reply, void *userdata, sd_bus_error *ret_error)
{
    BusParts *self = userdata;
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
    METHOD("Stop", "sss", RUN_NAMES, "", , method_of_run),
    METHOD("List", "", , "aa{sv}", SD_BUS_PARAM(runs), method_list),
    METHOD("Get", "sss", RUN_NAMES, "a{sv}", SD_BUS_PARAM(info), method_of_run),
    METHOD("GetRun", "s", SD_BUS_PARAM(run_id), "a{sv}", SD_BUS_PARAM(info), method_get_run),
    METHOD("Wait", "sss", RUN_NAMES, "a{sv}", SD_BUS_PARAM(info), method_of_run),
    METHOD("Subscribe", "ssst", RUN_NAMES SD_BUS_PARAM(cursor), "h", SD_BUS_PARAM(events),
           method_of_run),
    METHOD("SubscribeRun", "st", SD_BUS_PARAM(run_id) SD_BUS_PARAM(cursor), "h",
           SD_BUS_PARAM(events), method_subscribe_run),
    METHOD("Drain", "sss", RUN_NAMES, "as", SD_BUS_PARAM(events), method_of_run),
    METHOD("SendInput", "sssay", RUN_NAMES SD_BUS_PARAM(bytes), "", , method_of_run),
    METHOD("SendMessage", "ssss", RUN_NAMES SD_BUS_PARAM(text), "", , method_of_run),
    METHOD("Answer", "sssa{sv}",
           SD_BUS_PARAM(run_id) SD_BUS_PARAM(question) SD_BUS_PARAM(option) SD_BUS_PARAM(details),
           "", , method_answer),
    METHOD("CloseInput", "sss", RUN_NAMES, "", , method_of_run),
    METHOD("Resize", "sssqq", RUN_NAMES SD_BUS_PARAM(rows) SD_BUS_PARAM(columns), "", ,
           method_of_run),
    METHOD("Attach", "sss", RUN_NAMES, "h", SD_BUS_PARAM(terminal), method_of_run),
    METHOD("Freeze", "sss", RUN_NAMES, "", , method_of_run),
    METHOD("Thaw", "sss", RUN_NAMES, "", , method_of_run),
    METHOD("ListWorktrees", "s", SD_BUS_PARAM(project_root), "aa{sv}", SD_BUS_PARAM(worktrees),
           method_list_worktrees),
    METHOD("RemoveWorktree", "ssb",
           SD_BUS_PARAM(project_root) SD_BUS_PARAM(story_id) SD_BUS_PARAM(force), "", ,
           method_remove_worktree),
    METHOD("GetConfig", "s", SD_BUS_PARAM(project_root), "a{sv}", SD_BUS_PARAM(config),
           method_get_config),
    SD_BUS_SIGNAL_WITH_NAMES(
        "AgentEvent", "sssa{sv}",
        SD_BUS_PARAM(story_id) SD_BUS_PARAM(agent_name) SD_BUS_PARAM(type) SD_BUS_PARAM(data), 0),
    SD_BUS_PROPERTY("Version", "s", get_version, 0, SD_BUS_VTABLE_PROPERTY_CONST),
    SD_BUS_WRITABLE_PROPERTY("ProjectRoot", "s", get_project_root, set_project_root, 0,
                             SD_BUS_VTABLE_UNPRIVILEGED | SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
    SD_BUS_WRITABLE_PROPERTY("MaxAgents", "u", get_max_agents, set_max_agents, 0,
                             SD_BUS_VTABLE_UNPRIVILEGED | SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
    SD_BUS_PROPERTY("Running", "u", get_running, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
    SD_BUS_PROPERTY("Queued", "u", get_queued, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
    SD_BUS_VTABLE_END,
};

/* For the tests of clients: each call is a place where the service can die. */
static int on_message(sd_bus_message *m, void *userdata, sd_bus_error *ret_error)
{
    if (sd_bus_message_is_method_call(m, STORKIT_INTERFACE, NULL) > 0)
        fault_point(sd_bus_message_get_member(m));
    return 0;
}

int bus_pool_register(sd_bus *bus, BusParts *parts)
{
    int r = sd_bus_add_filter(bus, NULL, on_message, NULL);
    if (r < 0)
        return r;
    return sd_bus_add_object_vtable(bus, NULL, STORKIT_OBJECT_PATH, STORKIT_INTERFACE, vtable,
                                    parts);
}
