/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "start/start-prepare.h"

#include <fcntl.h>
#include <string.h>

#include "agents/command.h"
#include "agents/environment.h"
#include "base/error.h"
#include "base/test-hooks.h"
#include "git/calls.h"
#include "git/claim.h"
#include "base/names.h"
#include "host/login-environment.h"
#include "host/sandbox-support.h"
#include "store/messages.h"
#include "store/sandbox-plan.h"
#include "store/sessions.h"
#include "store/shim-client.h"
#include "base/util.h"
#include "store/folder.h"

/* What a session that a usage limit has cut short is told. A template. */
#define PROMPT_CONTINUE "A usage limit interrupted you. It is over: continue where you were."

void preparation_clear(Preparation *preparation)
{
    g_clear_object(&preparation->cancellable);
    g_clear_pointer(&preparation->environment, g_strfreev);
    g_clear_pointer(&preparation->agents_environment, g_strfreev);
    g_clear_pointer(&preparation->sandbox_environment, g_strfreev);
    g_clear_pointer(&preparation->cursors, sink_cursors_unref);
    g_clear_pointer(&preparation->plan, run_record_free);
    fd_clear(&preparation->folder_fd);
    g_clear_error(&preparation->error);
}

/* --- The record --- */

RunRecord *start_new_record(const Target *target, StartOptions *options, const RunRecord *parent)
{
    RunRecord *record = g_new0(RunRecord, 1);
    record->run_id = run_id_new(target->story, target->agent);
    record->unit = run_unit_name(record->run_id);
    record->project_root = g_strdup(target->root);
    record->story = g_strdup(target->story);
    record->agent = g_strdup(target->agent);
    record->machine = machine_copy(machine_get());
    record->kind = target_get_agent(target)->kind;
    record->created = now_usec();
    record->options = options;
    record->account = g_strdup(target_get_agent(target)->account);
    if (parent)
        run_family_of_child(parent->run_id, &parent->family, parent->children.max_depth,
                            &record->family);
    return record;
}

/* Its prompt has been given; what is missing is the rest of the work. A run whose session is not
 * known has done nothing yet, and begins again. */
static StartOptions *options_to_continue(const RunRecord *ended, const char *session)
{
    StartOptions *options = start_options_copy(ended->options);
    if (!session || !agent_kind_takes(ended->kind, "resume"))
        return options;
    g_free(options->resume);
    options->resume = g_strdup(session);
    g_free(options->prompt);
    options->prompt = g_strdup(PROMPT_CONTINUE);
    return options;
}

RunRecord *start_continued_record(const RunRecord *ended, const char *session, guint64 limit_until)
{
    RunRecord *record = g_new0(RunRecord, 1);
    record->run_id = run_id_new(ended->story, ended->agent);
    record->unit = run_unit_name(record->run_id);
    record->project_root = g_strdup(ended->project_root);
    record->story = g_strdup(ended->story);
    record->agent = g_strdup(ended->agent);
    record->machine = machine_copy(machine_get());
    record->kind = ended->kind;
    record->created = now_usec();
    record->options = options_to_continue(ended, session);
    run_family_of_next(ended->run_id, &ended->family, &record->family);
    record->account = g_strdup(ended->account);
    record->continues = g_strdup(ended->run_id);
    record->attempt = ended->attempt + 1;
    record->limit_until = limit_until;
    return record;
}

static RunRecord *copy_identity(const RunRecord *record)
{
    RunRecord *plan = g_new0(RunRecord, 1);
    plan->run_id = g_strdup(record->run_id);
    plan->unit = g_strdup(record->unit);
    plan->project_root = g_strdup(record->project_root);
    plan->story = g_strdup(record->story);
    plan->agent = g_strdup(record->agent);
    plan->machine = machine_copy(machine_get()); /* a queued run may have seen another boot */
    plan->kind = record->kind;
    plan->created = record->created;
    plan->queued = record->queued;
    plan->options = start_options_copy(record->options);
    run_family_copy(&record->family, &plan->family);
    plan->continues = g_strdup(record->continues);
    plan->attempt = record->attempt;
    plan->limit_until = record->limit_until;
    plan->hurries = record->hurries;
    return plan;
}

/* --- The program --- */

static char **list_setup(const ProjectConfig *config, const Worktree *worktree)
{
    g_autoptr(GStrvBuilder) builder = g_strv_builder_new();
    for (guint i = 0; i < config->components->len && !worktree->prepared; i++) {
        const ComponentConfig *component = g_ptr_array_index(config->components, i);
        g_autofree char *folder = g_build_filename(worktree->path, component->path, NULL);
        for (char **command = component->setup; *command; command++) {
            g_strv_builder_add(builder, folder);
            g_strv_builder_add(builder, *command);
        }
    }
    return g_strv_builder_end(builder);
}

/* --- Its sandbox --- */

static SandboxConfig sandbox_of(const RunRecord *plan, const AgentConfig *agent)
{
    SandboxConfig config = agent->sandbox; /* its lists stay the agent's */
    if (plan->options->sandbox != SANDBOX_UNSET)
        config.mode = plan->options->sandbox;
    return config;
}

static gboolean plan_sandbox(RunRecord *plan, const AgentConfig *agent, GError **error)
{
    SandboxConfig config = sandbox_of(plan, agent);
    if (!sandbox_is_wanted(&config))
        return TRUE;
    if (agent->mcp && !config.bus) {
        g_set_error(
            error, STORKIT_ERROR, STORKIT_ERROR_INVALID_CONFIG,
            "agent '%s' has mcp, whose server needs the session bus, and bus = false closes "
            "that in its sandbox: leave one of them out",
            agent->name);
        return FALSE;
    }
    plan->sandbox = g_strdup(sandbox_mode_to_string(config.mode));
    plan->sandbox_missing = sandbox_find_missing(&config);
    return sandbox_check_required(&config, plan->sandbox_missing, error);
}

static char *run_folder_of(const RunRecord *record)
{
    g_autofree char *runs = runs_folder();
    return g_build_filename(runs, record->run_id, NULL);
}

static void adapt_environment(Preparation *preparation, const AgentConfig *agent)
{
    const RunRecord *plan = preparation->plan;
    SandboxConfig config = sandbox_of(plan, agent);
    g_autofree char *folder = run_folder_of(plan);
    if (!plan->sandbox)
        return;
    preparation->sandbox_environment = g_strdupv(preparation->agents_environment);
    preparation->agents_environment =
        sandbox_adapt_environment(&config, folder, preparation->agents_environment);
}

/* Once the worktree is there. */
static gboolean make_sandbox(const Preparation *preparation, int folder_fd, const RunRecord *record,
                             const AgentConfig *agent, GError **error)
{
    if (!record->sandbox)
        return TRUE;
    SandboxConfig config = sandbox_of(record, agent);
    g_autofree char *folder = run_folder_of(record);
    g_autofree char *admin = worktree_admin_of(record->worktree);
    SandboxPlaces places = {
        .project_root = record->project_root,
        .worktree = record->worktree->path,
        .admin = admin,
        .branch = record->worktree->branch,
        .kind = record->kind->name,
        .program = record->argv[0],
        .run_folder = folder,
        .environment = preparation->sandbox_environment,
    };
    return sandbox_write(&config, &places, folder_fd, error);
}

static void add_variables(Preparation *preparation, char *const *variables)
{
    for (; variables && *variables; variables++) {
        g_auto(GStrv) parts = g_strsplit(*variables, "=", 2);
        preparation->agents_environment =
            g_environ_setenv(preparation->agents_environment, parts[0], parts[1], TRUE);
    }
}

/* The command line, the environment and the bounds, from the roster and the caller's options. */
static AgentCommand *plan_command(Preparation *preparation, const AgentConfig *agent,
                                  GError **error)
{
    RunRecord *plan = preparation->plan;
    CommandContext context = {
        .worktree_path = plan->worktree->path,
        .story_id = plan->story,
        .base_branch = plan->worktree->base_branch,
        .prompt = plan->options->prompt,
        .resume = plan->options->resume,
    };
    preparation->agents_environment =
        agent_environment_build(preparation->environment, agent, &context, plan->options->env);
    context.environment = preparation->agents_environment;
    g_autoptr(AgentCommand) command = agent_command_build(agent, &context, error);
    if (!command)
        return NULL;

    add_variables(preparation, command->variables);
    plan->environment_problem = login_environment_problem();
    plan->argv = g_steal_pointer(&command->argv);
    plan->interactive = agent->interactive;
    plan->permission = agent->permissions.mode;
    if (agent->kind->reply) {
        plan->allow = g_strdupv(agent->permissions.allow);
        plan->deny = g_strdupv(agent->permissions.deny);
        plan->mode = g_strdup(agent->mode);
        plan->model = g_strdup(agent->model);
        plan->mcp_servers = g_steal_pointer(&command->servers);
    }
    plan->ask_timeout_usec = agent->permissions.ask_timeout_usec;
    plan->timeout_stops = agent->permissions.timeout_stops;
    plan->account = g_strdup(agent->account);
    plan->waits_out_limits = agent->waits_out_limits;
    plan->limit_retries = agent->limit_retries;
    plan->children = agent->children;
    plan->children.may_start = g_strdupv(agent->children.may_start);
    plan->stop_grace_usec = agent->stop_grace_usec;
    plan->result_grace_usec = agent->result_grace_usec;
    plan->limits = agent->limits;
    limits_override(&plan->limits, &plan->options->limits);
    if (plan->options->resume && agent->kind->counts_session)
        session_usage_find(plan->options->resume, &plan->session_before);
    if (!plan_sandbox(plan, agent, error))
        return NULL;
    return g_steal_pointer(&command);
}

/* --- The folder --- */

/* An existing one is removed in any case: the rest of an earlier try of a queued run would be a
 * message to an interactive agent, and a FIFO or a link is not ours. */
static gboolean write_text(int folder_fd, const char *name, const char *text, GError **error)
{
    unlinkat(folder_fd, name, 0);
    if (!text)
        return TRUE;
    autofd fd = open_regular(folder_fd, name, O_WRONLY | O_CREAT | O_EXCL);
    if (fd >= 0 && write_all(fd, text, strlen(text)))
        return TRUE;
    set_errno_error(error, errno, "writing the agent's %s", name);
    return FALSE;
}

static gboolean fill_folder(Preparation *preparation, int folder_fd, const AgentCommand *command,
                            GError **error)
{
    if (!run_record_write(preparation->plan, folder_fd, error))
        return FALSE;
    fault_point("record");
    preparation->has_stdin = command->stdin_text != NULL;
    return shim_make_fifos(folder_fd, error) &&
           write_text(folder_fd, "stdin", command->stdin_text, error) &&
           (!command->message ||
            messages_begin(folder_fd, command->message, preparation->plan->interactive, error));
}

gboolean start_prepare_folder(Preparation *preparation, const RunRecord *record, GError **error)
{
    preparation->folder_fd = run_folder_create(record->run_id, error);
    fault_point("folder");
    if (preparation->folder_fd < 0 || !run_record_write(record, preparation->folder_fd, error))
        return FALSE;
    preparation->cursors = sink_cursors_open(preparation->folder_fd, error);
    return preparation->cursors != NULL;
}

/* --- All of it --- */

/* Before the agent is there to lose them. */
static void look_after_sessions(const Preparation *preparation, int folder_fd)
{
    const RunRecord *plan = preparation->plan;
    g_autofree char *runs = runs_folder();
    const SessionPlaces places = {
        .folder_fd = folder_fd,
        .runs_folder = runs,
        .worktree = plan->worktree->path,
        .resume = plan->options->resume,
        .environment = preparation->agents_environment,
    };
    if (plan->kind->look_after_sessions)
        plan->kind->look_after_sessions(&places);
}

/* Before anything is changed: to make a tree anew, git's folder of a missing one is removed. */
static gboolean check_claim(const Worktree *worktree, GError **error)
{
    g_autofree char *admin = worktree_admin_of(worktree);
    return worktree_claim_check(admin, error);
}

gboolean start_prepare_plan(Preparation *preparation, int folder_fd, const RunRecord *record,
                            const Target *target, GError **error)
{
    const ProjectConfig *config = target->config;
    const AgentConfig *agent = target_get_agent(target);
    /* Not the agent's environment: that may have secrets for the agent only. */
    const GitContext git = {preparation->environment, preparation->cancellable};
    RunRecord *plan = preparation->plan = copy_identity(record);
    plan->kind = agent->kind;
    plan->budget_usd = config->budget_usd;
    plan->budget_stops = config->budget_stops;
    plan->worktree = git_call_plan(&git, plan->project_root, plan->story,
                                   plan->options->base_branch, config->worktrees, error);
    if (!plan->worktree || !check_claim(plan->worktree, error))
        return FALSE;

    plan->setup = list_setup(config, plan->worktree);
    g_autoptr(AgentCommand) command = plan_command(preparation, agent, error);
    if (!command || !fill_folder(preparation, folder_fd, command, error))
        return FALSE;
    look_after_sessions(preparation, folder_fd);
    adapt_environment(preparation, agent);
    fault_point("files");
    return TRUE;
}

gboolean start_prepare_worktree(Preparation *preparation, int folder_fd, const RunRecord *record,
                                const Target *target, GError **error)
{
    const GitContext git = {preparation->environment, preparation->cancellable};
    gboolean has_setup = *record->setup != NULL;
    return git_call_create(&git, record->worktree, has_setup,
                           (const char *const *)target->config->copy, error) &&
           make_sandbox(preparation, folder_fd, record, target_get_agent(target), error);
}
