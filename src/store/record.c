/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "store/record.h"

#include "base/json-file.h"
#include "base/names.h"
#include "store/usage-json.h"

#define RUN_RECORD_FORMAT 1

void run_record_free(RunRecord *record)
{
    if (!record)
        return;
    g_free(record->run_id);
    g_free(record->unit);
    g_free(record->project_root);
    g_free(record->story);
    g_free(record->agent);
    machine_free(record->machine);
    start_options_free(record->options);
    run_family_clear(&record->family);
    g_strfreev(record->children.may_start);
    g_free(record->account);
    g_free(record->continues);
    worktree_free(record->worktree);
    g_strfreev(record->argv);
    g_strfreev(record->setup);
    g_strfreev(record->allow);
    g_strfreev(record->deny);
    g_free(record->mode);
    g_free(record->model);
    g_free(record->mcp_servers);
    g_free(record->environment_problem);
    g_free(record->sandbox);
    g_strfreev(record->sandbox_missing);
    g_free(record);
}

static void add_limits(JsonBuilder *builder, const Limits *limits)
{
    json_builder_set_member_name(builder, "limits");
    json_builder_begin_object(builder);
    for (gsize i = 0; i < LIMITS_COUNT; i++) {
        guint64 value = limits_get(limits, i);
        if (value == LIMIT_NONE)
            json_add_string(builder, limits_info(i)->value_key, "infinity");
        else if (value != LIMIT_UNSET)
            json_add_uint(builder, limits_info(i)->value_key, value);
    }
    json_builder_end_object(builder);
}

static void read_limits(JsonObject *parent, Limits *limits)
{
    limits_init(limits);
    JsonObject *object = json_get_object(parent, "limits");
    for (gsize i = 0; object && i < LIMITS_COUNT; i++) {
        const char *key = limits_info(i)->value_key;
        limits_put(limits, i,
                   json_get_string(object, key) ? LIMIT_NONE
                                                : json_get_uint(object, key, LIMIT_UNSET));
    }
}

static void add_options(JsonBuilder *builder, const StartOptions *options)
{
    json_builder_set_member_name(builder, "options");
    json_builder_begin_object(builder);
    json_add_string(builder, "prompt", options->prompt);
    json_add_string(builder, "resume", options->resume);
    json_add_string(builder, "base_branch", options->base_branch);
    json_add_strv(builder, "env", options->env);
    json_add_string(builder, "sandbox", sandbox_mode_to_string(options->sandbox));
    lease_write(options->lease, builder);
    add_limits(builder, &options->limits);
    json_builder_end_object(builder);
}

static StartOptions *read_options(JsonObject *root)
{
    StartOptions *options = start_options_new();
    JsonObject *object = json_get_object(root, "options");
    if (!object)
        return options;
    options->prompt = g_strdup(json_get_string(object, "prompt"));
    options->resume = g_strdup(json_get_string(object, "resume"));
    options->base_branch = g_strdup(json_get_string(object, "base_branch"));
    options->env = json_get_strv(object, "env");
    const char *sandbox = json_get_string(object, "sandbox");
    if (sandbox && !sandbox_mode_from_string(sandbox, &options->sandbox))
        options->sandbox = SANDBOX_REQUIRED; /* a newer version's: not less than was asked for */
    options->lease = lease_read(object);
    options->leased = options->lease != NULL;
    read_limits(object, &options->limits);
    return options;
}

static void add_worktree(JsonBuilder *builder, const Worktree *worktree)
{
    json_builder_set_member_name(builder, "worktree");
    json_builder_begin_object(builder);
    json_add_string(builder, "path", worktree->path);
    json_add_string(builder, "branch", worktree->branch);
    json_add_string(builder, "base_branch", worktree->base_branch);
    json_add_string(builder, "base_commit", worktree->base_commit);
    json_add_string(builder, "record", worktree->record);
    json_add_boolean(builder, "new_worktree", worktree->new_worktree);
    json_add_boolean(builder, "new_branch", worktree->new_branch);
    json_add_boolean(builder, "new_exclude", worktree->new_exclude);
    json_add_boolean(builder, "prepared", worktree->prepared);
    json_builder_end_object(builder);
}

static Worktree *read_worktree(JsonObject *root, const RunRecord *record)
{
    JsonObject *object = json_get_object(root, "worktree");
    if (!object || !json_get_string(object, "path") || !json_get_string(object, "branch") ||
        !json_get_string(object, "base_branch") || !json_get_string(object, "record"))
        return NULL;
    Worktree *worktree = g_new0(Worktree, 1);
    worktree->root = g_strdup(record->project_root);
    worktree->story = g_strdup(record->story);
    worktree->path = g_strdup(json_get_string(object, "path"));
    worktree->branch = g_strdup(json_get_string(object, "branch"));
    worktree->base_branch = g_strdup(json_get_string(object, "base_branch"));
    worktree->base_commit = g_strdup(json_get_string(object, "base_commit"));
    worktree->record = g_strdup(json_get_string(object, "record"));
    worktree->new_worktree = json_object_get_boolean_member_with_default(object, "new_worktree", 0);
    worktree->new_branch = worktree->base_commit &&
                           json_object_get_boolean_member_with_default(object, "new_branch", FALSE);
    worktree->new_exclude = json_object_get_boolean_member_with_default(object, "new_exclude", 0);
    worktree->prepared = json_object_get_boolean_member_with_default(object, "prepared", 0);
    return worktree;
}

static void add_children(JsonBuilder *builder, const ChildBounds *children)
{
    if (!children->may_start)
        return;
    json_add_strv(builder, "may_start", children->may_start);
    json_add_uint(builder, "max_children", children->max_children);
    json_add_uint(builder, "max_depth", children->max_depth);
}

static void read_children(JsonObject *root, ChildBounds *children)
{
    if (!json_object_has_member(root, "may_start"))
        return;
    children->may_start = json_get_strv(root, "may_start");
    children->max_children = (guint)json_get_uint(root, "max_children", 0);
    children->max_depth = (guint)json_get_uint(root, "max_depth", 0);
}

static void add_plan(JsonBuilder *builder, const RunRecord *record)
{
    add_worktree(builder, record->worktree);
    json_add_strv(builder, "argv", record->argv);
    json_add_strv(builder, "setup", record->setup);
    json_add_boolean(builder, "interactive", record->interactive);
    json_add_string(builder, "permission", permission_mode_to_string(record->permission));
    if (record->allow)
        json_add_strv(builder, "allow", record->allow);
    if (record->deny)
        json_add_strv(builder, "deny", record->deny);
    json_add_string(builder, "mode", record->mode);
    json_add_string(builder, "model", record->model);
    json_add_string(builder, "mcp_servers", record->mcp_servers);
    json_add_uint(builder, "ask_timeout_usec", record->ask_timeout_usec);
    json_add_boolean(builder, "timeout_stops", record->timeout_stops);
    json_add_boolean(builder, "waits_out_limits", record->waits_out_limits);
    json_add_uint(builder, "limit_retries", record->limit_retries);
    add_children(builder, &record->children);
    json_builder_set_member_name(builder, "budget_usd");
    json_builder_add_double_value(builder, record->budget_usd);
    json_add_boolean(builder, "budget_stops", record->budget_stops);
    json_add_uint(builder, "stop_grace_usec", record->stop_grace_usec);
    json_add_uint(builder, "result_grace_usec", record->result_grace_usec);
    json_add_string(builder, "sandbox", record->sandbox);
    if (record->sandbox_missing)
        json_add_strv(builder, "sandbox_missing", record->sandbox_missing);
    add_limits(builder, &record->limits);
    json_add_string(builder, "environment_problem", record->environment_problem);
    json_builder_set_member_name(builder, "session_before");
    json_builder_begin_object(builder);
    json_add_usage(builder, &record->session_before);
    json_builder_end_object(builder);
}

gboolean run_record_write(const RunRecord *record, int folder_fd, GError **error)
{
    g_autoptr(JsonBuilder) builder = json_builder_new();
    json_builder_begin_object(builder);
    json_add_uint(builder, "format", RUN_RECORD_FORMAT);
    json_add_string(builder, "run_id", record->run_id);
    json_add_string(builder, "unit", record->unit);
    json_add_string(builder, "project_root", record->project_root);
    json_add_string(builder, "story_id", record->story);
    json_add_string(builder, "agent_name", record->agent);
    machine_write(record->machine, builder);
    json_add_string(builder, "kind", record->kind->name);
    json_add_uint(builder, "created", record->created);
    json_add_boolean(builder, "queued", record->queued);
    add_options(builder, record->options);
    run_family_write(&record->family, builder);
    json_add_string(builder, "account", record->account);
    json_add_string(builder, "continues", record->continues);
    json_add_uint(builder, "attempt", record->attempt);
    json_add_uint(builder, "limit_until", record->limit_until);
    if (record->worktree)
        add_plan(builder, record);
    json_builder_end_object(builder);
    return json_file_write(folder_fd, "run.json", builder, TRUE, error);
}

static void read_permission(JsonObject *root, RunRecord *record)
{
    const char *mode = json_get_string(root, "permission");
    if (mode)
        permission_mode_from_string(mode, &record->permission);
    record->allow = json_get_strv(root, "allow");
    record->deny = json_get_strv(root, "deny");
    record->mode = g_strdup(json_get_string(root, "mode"));
    record->model = g_strdup(json_get_string(root, "model"));
    record->mcp_servers = g_strdup(json_get_string(root, "mcp_servers"));
    record->ask_timeout_usec = json_get_uint(root, "ask_timeout_usec", 0);
    record->timeout_stops =
        json_object_get_boolean_member_with_default(root, "timeout_stops", FALSE);
}

static void read_limit(JsonObject *root, RunRecord *record)
{
    record->account = g_strdup(json_get_string(root, "account"));
    record->continues = g_strdup(json_get_string(root, "continues"));
    record->attempt = (guint)json_get_uint(root, "attempt", 0);
    record->limit_until = json_get_uint(root, "limit_until", 0);
    record->waits_out_limits =
        json_object_get_boolean_member_with_default(root, "waits_out_limits", FALSE);
    record->limit_retries = (guint)json_get_uint(root, "limit_retries", 0);
}

const char *run_record_host(const RunRecord *record)
{
    return machine_is_ours(record->machine) ? NULL : record->machine->host;
}

gboolean run_record_has_pipe(const RunRecord *record)
{
    return record->interactive || record->permission == PERMISSION_ASK || record->kind->reply;
}

static gboolean record_is_ours(const RunRecord *record, guint64 format)
{
    return format == RUN_RECORD_FORMAT && record->kind && record->run_id &&
           run_id_is_valid(record->run_id) && record->unit && record->project_root &&
           record->story && name_is_valid(record->story) && record->agent &&
           name_is_valid(record->agent);
}

RunRecord *run_record_read(int folder_fd, GError **error)
{
    g_autoptr(JsonObject) root = json_file_read(folder_fd, "run.json", error);
    if (!root)
        return NULL;

    g_autoptr(RunRecord) record = g_new0(RunRecord, 1);
    record->run_id = g_strdup(json_get_string(root, "run_id"));
    record->unit = g_strdup(json_get_string(root, "unit"));
    record->project_root = g_strdup(json_get_string(root, "project_root"));
    record->story = g_strdup(json_get_string(root, "story_id"));
    record->agent = g_strdup(json_get_string(root, "agent_name"));
    record->machine = machine_read(root);
    record->created = json_get_uint(root, "created", 0);
    record->queued = json_object_get_boolean_member_with_default(root, "queued", FALSE);
    const char *kind = json_get_string(root, "kind");
    record->kind = kind ? agent_kind_find(kind) : NULL;
    if (!record_is_ours(record, json_get_uint(root, "format", 0))) {
        g_set_error(error, G_FILE_ERROR, G_FILE_ERROR_INVAL,
                    "run.json has a format that this version does not know");
        return NULL;
    }

    record->options = read_options(root);
    record->worktree = read_worktree(root, record);
    record->argv = json_get_strv(root, "argv");
    record->setup = json_get_strv(root, "setup");
    record->interactive = json_object_get_boolean_member_with_default(root, "interactive", FALSE);
    read_permission(root, record);
    read_limit(root, record);
    run_family_read(root, &record->family);
    read_children(root, &record->children);
    record->budget_usd = json_object_get_double_member_with_default(root, "budget_usd", 0);
    record->budget_stops = json_object_get_boolean_member_with_default(root, "budget_stops", FALSE);
    record->stop_grace_usec = json_get_uint(root, "stop_grace_usec", 10 * G_USEC_PER_SEC);
    record->result_grace_usec = json_get_uint(root, "result_grace_usec", 0);
    record->sandbox = g_strdup(json_get_string(root, "sandbox"));
    record->sandbox_missing = json_get_strv(root, "sandbox_missing");
    read_limits(root, &record->limits);
    record->environment_problem = g_strdup(json_get_string(root, "environment_problem"));
    json_read_usage(json_get_object(root, "session_before"), &record->session_before);
    return g_steal_pointer(&record);
}
