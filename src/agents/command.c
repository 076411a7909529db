/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agents/command.h"

#include <json-glib/json-glib.h>
#include <string.h>

#include "base/error.h"

/* What Linux takes as one argument of execve(), its NUL included (MAX_ARG_STRLEN). */
#define ARGUMENT_MAX (128u * 1024)

/* The command line while it grows. */
typedef struct {
    const AgentConfig *agent;
    const CommandContext *context;
    char *prompt; /* expanded; NULL for a kind that takes none */
    GPtrArray *argv;
    char *stdin_text;
} Builder;

static const char *placeholder_value(const char *name, gsize length, const CommandContext *context)
{
    const struct {
        const char *name;
        const char *value;
    } placeholders[] = {
        {"worktree_path", context->worktree_path},
        {"story_id", context->story_id},
        {"base_branch", context->base_branch},
    };

    for (gsize i = 0; i < G_N_ELEMENTS(placeholders); i++) {
        if (strlen(placeholders[i].name) == length &&
            strncmp(placeholders[i].name, name, length) == 0)
            return placeholders[i].value;
    }
    return NULL;
}

char *template_expand(const char *text, const CommandContext *context)
{
    g_autoptr(GString) expanded = g_string_new(NULL);

    while (*text) {
        const char *open = strstr(text, "{{");
        const char *close = open ? strstr(open, "}}") : NULL;
        if (!close)
            break;
        const char *value = placeholder_value(open + 2, (gsize)(close - open - 2), context);
        if (value) {
            g_string_append_len(expanded, text, open - text);
            g_string_append(expanded, value);
            text = close + 2;
        } else {
            /* One brace on: "{{{story_id}}" has a placeholder in it. */
            g_string_append_len(expanded, text, open + 1 - text);
            text = open + 1;
        }
    }
    g_string_append(expanded, text);
    return g_string_free(g_steal_pointer(&expanded), FALSE);
}

/* --- Pieces --- */

static void add(Builder *builder, const char *argument)
{
    g_ptr_array_add(builder->argv, g_strdup(argument));
}

static void add_option(Builder *builder, const char *option, const char *value)
{
    if (!value)
        return;
    add(builder, option);
    add(builder, value);
}

static void add_expanded(Builder *builder, const char *template)
{
    g_ptr_array_add(builder->argv, template_expand(template, builder->context));
}

static void add_program(Builder *builder)
{
    add_expanded(builder, builder->agent->command);
}

static void add_args(Builder *builder)
{
    for (char **arg = builder->agent->args; *arg; arg++)
        add_expanded(builder, *arg);
}

/* The fewest digits that read back as the same number, whatever the locale: 0.1 is "0.1". */
static char *format_amount(double amount)
{
    static const char *const formats[] = {"%.15g", "%.16g", "%.17g"};
    char text[G_ASCII_DTOSTR_BUF_SIZE];

    for (gsize i = 0; i < G_N_ELEMENTS(formats); i++) {
        g_ascii_formatd(text, sizeof(text), formats[i], amount);
        if (g_ascii_strtod(text, NULL) == amount)
            break;
    }
    return g_strdup(text);
}

/* Whether the prompt can stand on the command line: it would be taken for an option where it begins
 * with '-', and the kernel refuses a long one. */
static gboolean prompt_fits(const Builder *builder)
{
    return builder->prompt[0] != '-' && strlen(builder->prompt) <= PROMPT_ARGUMENT_MAX;
}

static void prompt_to_stdin(Builder *builder)
{
    builder->stdin_text = g_strdup(builder->prompt);
}

/* --- Kinds --- */

static void add_claude_options(Builder *builder)
{
    const AgentConfig *agent = builder->agent;

    add_option(builder, "--model", agent->model);
    if (agent->allowed_tools[0]) {
        g_autofree char *tools = g_strjoinv(",", agent->allowed_tools);
        add_option(builder, "--allowedTools", tools);
    }
    if (agent->max_turns > 0) {
        g_autofree char *turns = g_strdup_printf("%u", agent->max_turns);
        add_option(builder, "--max-turns", turns);
    }
    if (agent->max_budget_usd > 0) {
        g_autofree char *budget = format_amount(agent->max_budget_usd);
        add_option(builder, "--max-budget-usd", budget);
    }
    if (agent->system_prompt) {
        add(builder, "--append-system-prompt");
        add_expanded(builder, agent->system_prompt);
    }
    add_option(builder, "--resume", builder->context->resume);
    add_option(builder, "--output-format", "stream-json");
    add(builder, "--verbose");
    add_option(builder, "--permission-mode", "bypassPermissions");
}

static void build_claude(Builder *builder)
{
    gboolean interactive = builder->agent->interactive;
    gboolean is_long = strlen(builder->prompt) > PROMPT_ARGUMENT_MAX;

    add_program(builder);
    add(builder, "-p");
    if (!interactive && prompt_fits(builder))
        add(builder, builder->prompt);
    add_args(builder);
    add_claude_options(builder);
    if (interactive) {
        add_option(builder, "--input-format", "stream-json");
        builder->stdin_text = agent_message_build(AGENT_KIND_CLAUDE, builder->prompt);
    } else if (is_long) {
        prompt_to_stdin(builder);
    } else if (!prompt_fits(builder)) {
        add_option(builder, "--", builder->prompt);
    }
}

/* Known from its help: the prompt "-" means stdin. Assumed: of `exec resume` too. */
static void build_codex(Builder *builder)
{
    add_program(builder);
    add(builder, "exec");
    add(builder, "--json");
    add(builder, "--skip-git-repo-check");
    add(builder, "--dangerously-bypass-approvals-and-sandbox");
    add_option(builder, "-m", builder->agent->model);
    add_args(builder);
    add_option(builder, "resume", builder->context->resume);
    if (prompt_fits(builder)) {
        add(builder, builder->prompt);
    } else {
        add(builder, "-");
        prompt_to_stdin(builder);
    }
}

/* Known: a stdin that is no terminal makes it run headless and is the prompt (with -p, the text
 * before the prompt). Assumed: --output-format goes with that as with -p. */
static void build_gemini(Builder *builder)
{
    add_program(builder);
    if (prompt_fits(builder))
        add_option(builder, "-p", builder->prompt);
    else
        prompt_to_stdin(builder);
    add_args(builder);
    add_option(builder, "-m", builder->agent->model);
    add_option(builder, "--resume", builder->context->resume);
    add_option(builder, "--output-format", "stream-json");
    add(builder, "--yolo");
    add(builder, "--skip-trust");
}

/* Assumed: `run` without a message takes what a stdin that is no terminal gives as the message. */
static void build_opencode(Builder *builder)
{
    add_program(builder);
    add(builder, "run");
    add_option(builder, "--format", "json");
    add_option(builder, "-m", builder->agent->model);
    add_option(builder, "--session", builder->context->resume);
    add_args(builder);
    if (prompt_fits(builder))
        add(builder, builder->prompt);
    else
        prompt_to_stdin(builder);
}

/* A program that knows nothing of us: it finds its story in the placeholders and in STORKIT_*. */
static void build_raw(Builder *builder)
{
    add_program(builder);
    add_args(builder);
}

static void (*const build_kind[])(Builder *builder) = {
    [AGENT_KIND_CLAUDE] = build_claude, [AGENT_KIND_CODEX] = build_codex,
    [AGENT_KIND_GEMINI] = build_gemini, [AGENT_KIND_OPENCODE] = build_opencode,
    [AGENT_KIND_RAW] = build_raw,
};

/* --- The command --- */

static gboolean refuse(GError **error, const char *message)
{
    g_set_error_literal(error, STORKIT_ERROR, STORKIT_ERROR_INVALID_ARGUMENT, message);
    return FALSE;
}

static gboolean check_resume(const AgentConfig *agent, const char *resume, GError **error)
{
    if (!resume)
        return TRUE;
    if (agent->kind == AGENT_KIND_RAW)
        return refuse(error, "resume is not for an agent of kind raw, which has no sessions: "
                             "leave it out");
    if (*resume == '\0' || *resume == '-')
        return refuse(error, "resume must be a session id, not empty and not beginning with \"-\"");
    return TRUE;
}

/* Expands the prompt that holds: the caller's, the agent's or the default one. */
static gboolean expand_prompt(Builder *builder, GError **error)
{
    const char *template = builder->context->prompt;
    gboolean given = template && *template;

    if (given && builder->agent->kind == AGENT_KIND_RAW)
        return refuse(error, "prompt is not for an agent of kind raw, which takes none: leave it "
                             "out, or use env");
    if (builder->agent->kind == AGENT_KIND_RAW)
        return TRUE;
    if (!given)
        template = builder->agent->prompt ? builder->agent->prompt : PROMPT_DEFAULT;
    builder->prompt = template_expand(template, builder->context);
    if (strlen(builder->prompt) > PROMPT_MAX)
        return refuse(error, "the prompt is larger than 4 MiB: put the text into a file of the "
                             "worktree and tell the agent to read it");
    return TRUE;
}

/* Better here, with a name, than as E2BIG from execve(). */
static gboolean check_arguments(const Builder *builder, GError **error)
{
    for (guint i = 0; i < builder->argv->len; i++) {
        gsize length = strlen(g_ptr_array_index(builder->argv, i));

        if (length < ARGUMENT_MAX)
            continue;
        const char *option = i > 0 ? g_ptr_array_index(builder->argv, i - 1) : "";
        g_set_error(error, STORKIT_ERROR, STORKIT_ERROR_INVALID_ARGUMENT,
                    "agent \"%s\": the argument after \"%.40s\" has %" G_GSIZE_FORMAT
                    " bytes, and Linux takes less than 128 KiB: make it shorter",
                    builder->agent->name, option, length);
        return FALSE;
    }
    return TRUE;
}

static void builder_clear(Builder *builder)
{
    g_free(builder->prompt);
    g_ptr_array_unref(builder->argv);
    g_free(builder->stdin_text);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Builder, builder_clear)

AgentCommand *agent_command_build(const AgentConfig *agent, const CommandContext *context,
                                  GError **error)
{
    g_auto(Builder) builder = {
        .agent = agent,
        .context = context,
        .argv = g_ptr_array_new_with_free_func(g_free),
    };

    if (!check_resume(agent, context->resume, error) || !expand_prompt(&builder, error))
        return NULL;
    build_kind[agent->kind](&builder);
    if (!check_arguments(&builder, error))
        return NULL;
    g_ptr_array_add(builder.argv, NULL);

    AgentCommand *command = g_new0(AgentCommand, 1);
    command->argv = (char **)g_ptr_array_steal(builder.argv, NULL);
    command->stdin_text = g_steal_pointer(&builder.stdin_text);
    return command;
}

void agent_command_free(AgentCommand *command)
{
    if (!command)
        return;
    g_strfreev(command->argv);
    g_free(command->stdin_text);
    g_free(command);
}

/* --- Environment --- */

/* What systemd and the bus tell the daemon's own service, what a Claude Code around us tells its
 * children, and what is true of another terminal or folder than the agent's. */
static gboolean is_dropped(const char *name)
{
    static const char *const names[] = {
        "NOTIFY_SOCKET",
        "INVOCATION_ID",
        "JOURNAL_STREAM",
        "LOG_NAMESPACE",
        "MANAGERPID",
        "MANAGERPIDFDID",
        "SYSTEMD_EXEC_PID",
        "MAINPID",
        "CREDENTIALS_DIRECTORY",
        "RUNTIME_DIRECTORY",
        "STATE_DIRECTORY",
        "CACHE_DIRECTORY",
        "LOGS_DIRECTORY",
        "CONFIGURATION_DIRECTORY",
        "SERVICE_RESULT",
        "EXIT_CODE",
        "EXIT_STATUS",
        "FDSTORE",
        "CLAUDECODE",
        "CLAUDE_CODE_ENTRYPOINT",
        "COLUMNS",
        "LINES",
        "OLDPWD",
        NULL,
    };
    static const char *const prefixes[] = {"LISTEN_", "WATCHDOG_", "MEMORY_PRESSURE_",
                                           "DBUS_STARTER_", "TRIGGER_"};

    for (gsize i = 0; i < G_N_ELEMENTS(prefixes); i++) {
        if (g_str_has_prefix(name, prefixes[i]))
            return TRUE;
    }
    return g_strv_contains(names, name);
}

/* Sets the variables of @from (NAME=VALUE) in @environment; what has no name is skipped. */
static char **merge(char **environment, char *const *from, gboolean (*skip)(const char *name))
{
    for (; from && *from; from++) {
        const char *equals = strchr(*from, '=');
        if (!equals || equals == *from)
            continue;
        g_autofree char *name = g_strndup(*from, (gsize)(equals - *from));
        if (!skip || !skip(name))
            environment = g_environ_setenv(environment, name, equals + 1, TRUE);
    }
    return environment;
}

char **environment_without_service(char *const *base)
{
    return merge(g_new0(char *, 1), base, is_dropped);
}

char **agent_environment_build(char *const *base, const AgentConfig *agent,
                               const CommandContext *context, char *const *extra)
{
    const struct {
        const char *name;
        const char *value;
    } own[] = {
        {"NO_COLOR", "1"},
        {"TERM", "xterm-256color"},
        {"PWD", context->worktree_path},
        {"STORKIT_STORY", context->story_id},
        {"STORKIT_AGENT", agent->name},
        {"STORKIT_WORKTREE", context->worktree_path},
        {"STORKIT_BASE_BRANCH", context->base_branch},
    };

    char **environment = environment_without_service(base);
    for (gsize i = 0; i < G_N_ELEMENTS(own); i++)
        environment = g_environ_setenv(environment, own[i].name, own[i].value, TRUE);
    environment = merge(environment, agent->env, NULL);
    return merge(environment, extra, NULL);
}

/* --- Messages --- */

static void add_string_member(JsonBuilder *builder, const char *name, const char *value)
{
    json_builder_set_member_name(builder, name);
    json_builder_add_string_value(builder, value);
}

/* {"type":"user","message":{"role":"user","content":[{"type":"text","text":TEXT}]}} */
static char *build_claude_message(const char *text)
{
    g_autoptr(JsonBuilder) builder = json_builder_new();

    json_builder_begin_object(builder);
    add_string_member(builder, "type", "user");
    json_builder_set_member_name(builder, "message");
    json_builder_begin_object(builder);
    add_string_member(builder, "role", "user");
    json_builder_set_member_name(builder, "content");
    json_builder_begin_array(builder);
    json_builder_begin_object(builder);
    add_string_member(builder, "type", "text");
    add_string_member(builder, "text", text);
    json_builder_end_object(builder);
    json_builder_end_array(builder);
    json_builder_end_object(builder);
    json_builder_end_object(builder);

    g_autoptr(JsonNode) root = json_builder_get_root(builder);
    g_autofree char *json = json_to_string(root, FALSE);
    return g_strconcat(json, "\n", NULL);
}

char *agent_message_build(AgentKind kind, const char *text)
{
    return kind == AGENT_KIND_CLAUDE ? build_claude_message(text) : NULL;
}
