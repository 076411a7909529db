/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <json-glib/json-glib.h>
#include <locale.h>
#include <string.h>

#include "agents/command-line.h"
#include "agents/command.h"
#include "agents/environment.h"
#include "base/error.h"
#include "project/roster.h"

static const CommandContext context = {
    .worktree_path = "/p/.storkit/worktrees/42_login",
    .story_id = "42_login",
    .base_branch = "main",
};

/* The roster of one agent named `coder`, with the lines @extra in its table. */
static ProjectConfig *roster(const char *extra)
{
    g_autofree char *text = g_strconcat("[[agent]]\nname = 'coder'\n", extra, "\n", NULL);
    g_autoptr(GError) error = NULL;
    ProjectConfig *config = project_config_parse(text, strlen(text), "test", &error);

    g_assert_no_error(error);
    return config;
}

static AgentCommand *build(const char *extra, const CommandContext *with)
{
    g_autoptr(ProjectConfig) config = roster(extra);
    g_autoptr(GError) error = NULL;
    AgentCommand *command = agent_command_build(g_ptr_array_index(config->agents, 0), with, &error);

    g_assert_no_error(error);
    return command;
}

static void assert_refused(const char *extra, const CommandContext *with, const char *what)
{
    g_autoptr(ProjectConfig) config = roster(extra);
    g_autoptr(GError) error = NULL;

    g_assert_null(agent_command_build(g_ptr_array_index(config->agents, 0), with, &error));
    g_assert_error(error, STORKIT_ERROR, STORKIT_ERROR_INVALID_ARGUMENT);
    g_assert_nonnull(strstr(error->message, what));
}

static void assert_argv(const AgentCommand *command, const char *joined)
{
    g_autofree char *actual = g_strjoinv("|", command->argv);

    g_assert_cmpstr(actual, ==, joined);
}

#define CLAUDE_END "|--output-format|stream-json|--verbose|--permission-mode|bypassPermissions"
#define CLAUDE_ALL                                                                                 \
    "args = ['--add-dir', '/x']\nmodel = 'opus'\nallowed_tools = ['Read', 'Edit']\n"               \
    "max_turns = 50\nmax_budget_usd = 5.0\nsystem_prompt = 'On {{base_branch}}.'"
#define CLAUDE_ALL_ARGS                                                                            \
    "|--add-dir|/x|--model|opus|--allowedTools|Read,Edit|--max-turns|50|--max-budget-usd|5"        \
    "|--append-system-prompt|On main."
#define CODEX "codex|exec|--json|--skip-git-repo-check|--dangerously-bypass-approvals-and-sandbox"
#define QWEN_END "|--output-format|stream-json|--yolo"
#define GEMINI_END "|--output-format|stream-json|--yolo|--skip-trust"

static const struct {
    const char *config;
    const char *prompt;
    const char *resume;
    const char *argv;
    const char *stdin_text;
} commands[] = {
    {"", NULL, NULL, "claude|-p|Work on story 42_login." CLAUDE_END, NULL},
    {"", "", NULL, "claude|-p|Work on story 42_login." CLAUDE_END, NULL},
    {"prompt = 'Do {{story_id}}'", NULL, NULL, "claude|-p|Do 42_login" CLAUDE_END, NULL},
    {"prompt = 'x'", "Fix {{base_branch}}", NULL, "claude|-p|Fix main" CLAUDE_END, NULL},
    {CLAUDE_ALL, "P", "id-1", "claude|-p|P" CLAUDE_ALL_ARGS "|--resume|id-1" CLAUDE_END, NULL},
    {CLAUDE_ALL, "-rf", NULL, "claude|-p" CLAUDE_ALL_ARGS CLAUDE_END "|--|-rf", NULL},
    {"command = '{{worktree_path}}/bin/agent'", "P", NULL,
     "/p/.storkit/worktrees/42_login/bin/agent|-p|P" CLAUDE_END, NULL},
    {"max_budget_usd = 0.1", "P", NULL, "claude|-p|P|--max-budget-usd|0.1" CLAUDE_END, NULL},
    {"max_budget_usd = 1000000", "P", NULL, "claude|-p|P|--max-budget-usd|1000000" CLAUDE_END,
     NULL},
    {"interactive = true", "P", NULL, "claude|-p" CLAUDE_END "|--input-format|stream-json",
     "{\"type\":\"user\",\"message\":{\"role\":\"user\",\"content\":"
     "[{\"type\":\"text\",\"text\":\"P\"}]}}\n"},
    {"kind = 'codex'\nmodel = 'o'\nargs = ['-c', 'x=1']", "P", NULL, CODEX "|-m|o|-c|x=1|P", NULL},
    {"kind = 'codex'", "P", "id-1", CODEX "|resume|id-1|P", NULL},
    {"kind = 'codex'", "-x", NULL, CODEX "|-", "-x"},
    {"kind = 'gemini'\nmodel = 'g'\nargs = ['-d']", "P", "id-1",
     "gemini|-p|P|-d|-m|g|--resume|id-1" GEMINI_END, NULL},
    {"kind = 'gemini'", "-x", NULL, "gemini" GEMINI_END, "-x"},
    {"kind = 'opencode'\nmodel = 'a/b'\nargs = ['--x']", "P", "id-1",
     "opencode|run|--format|json|-m|a/b|--session|id-1|--x|P", NULL},
    {"kind = 'opencode'", "-x", NULL, "opencode|run|--format|json", "-x"},
    {"kind = 'qwen'\nmodel = 'q'\nargs = ['--auth-type', 'openai']", "P", "id-1",
     "qwen|-p|P|--auth-type|openai|-m|q|--resume|id-1" QWEN_END, NULL},
    {"kind = 'qwen'", "-x", NULL, "qwen" QWEN_END, "-x"},
    {"kind = 'pi'\nmodel = 'p'\nargs = ['--provider', 'x']", "P", "id-1",
     "pi|--mode|json|-p|--model|p|--session|id-1|--provider|x|P", NULL},
    {"kind = 'pi'", "-x", NULL, "pi|--mode|json|-p|--|-x", NULL},
    {"kind = 'copilot'\nmodel = 'm'\nargs = ['--x']", "P", "id-1",
     "copilot|-p|P|--allow-all-tools|--model|m|--x|--resume|id-1|--output-format|json", NULL},
    {"kind = 'kimi'\nmodel = 'm'\nargs = ['--x']", "-P", "id-1",
     "kimi|-p|-P|--x|-m|m|--session|id-1|--output-format|stream-json", NULL},
    {"kind = 'cline'\nmodel = 'm'\nargs = ['--x']", "P", NULL, "cline|--json|-m|m|--x|P", NULL},
    {"kind = 'cline'", "-x", NULL, "cline|--json|--|-x", NULL},
    {"kind = 'raw'\ncommand = 'make'\nargs = ['{{story_id}}', '{{prompt}}']", "", NULL,
     "make|42_login|{{prompt}}", NULL},
};

static void test_each_kind_has_the_command_line_of_the_contract(void)
{
    for (gsize i = 0; i < G_N_ELEMENTS(commands); i++) {
        CommandContext with = context;
        with.prompt = commands[i].prompt;
        with.resume = commands[i].resume;
        g_autoptr(AgentCommand) command = build(commands[i].config, &with);
        assert_argv(command, commands[i].argv);
        g_assert_cmpstr(command->stdin_text, ==, commands[i].stdin_text);
    }
}

static void test_a_long_prompt_goes_to_stdin(void)
{
    static const struct {
        const char *config;
        const char *argv;
    } cases[] = {
        {"", "claude|-p" CLAUDE_END},
        {"kind = 'codex'", CODEX "|-"},
        {"kind = 'gemini'", "gemini" GEMINI_END},
        {"kind = 'opencode'", "opencode|run|--format|json"},
    };
    g_autofree char *fits = g_strnfill(PROMPT_ARGUMENT_MAX, 'x');
    g_autofree char *prompt = g_strnfill(PROMPT_ARGUMENT_MAX + 1, 'x');
    g_autofree char *dashed = g_strconcat("-", prompt, NULL);

    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        CommandContext with = context;
        with.prompt = prompt;
        g_autoptr(AgentCommand) command = build(cases[i].config, &with);
        assert_argv(command, cases[i].argv);
        g_assert_cmpstr(command->stdin_text, ==, prompt);
        with.prompt = dashed;
        g_autoptr(AgentCommand) also = build(cases[i].config, &with);
        assert_argv(also, cases[i].argv);
        g_assert_cmpstr(also->stdin_text, ==, dashed);
        with.prompt = fits;
        g_autoptr(AgentCommand) argument = build(cases[i].config, &with);
        g_assert_null(argument->stdin_text);
        g_assert_true(g_strv_contains((const char *const *)argument->argv, fits));
    }
}

static void test_a_prompt_over_the_limit_is_refused(void)
{
    g_autofree char *largest = g_strnfill(PROMPT_MAX, 'x');
    g_autofree char *prompt = g_strnfill(PROMPT_MAX + 1, 'x');
    CommandContext with = context;

    with.prompt = largest;
    g_autoptr(AgentCommand) command = build("", &with);
    g_assert_cmpstr(command->stdin_text, ==, largest);
    with.prompt = prompt;
    assert_refused("", &with, "4 MiB");
    assert_refused("interactive = true", &with, "4 MiB");
}

static void test_a_resume_that_is_no_session_id_is_refused(void)
{
    CommandContext with = context;

    with.resume = "--help";
    assert_refused("", &with, "resume");
    with.resume = "";
    assert_refused("", &with, "resume");
    with.resume = "id";
    assert_refused("kind = 'raw'\ncommand = 'make'", &with, "resume");
}

static void test_a_prompt_for_a_program_that_takes_none_is_refused(void)
{
    CommandContext with = context;

    with.prompt = "Do it.";
    assert_refused("kind = 'raw'\ncommand = 'make'", &with, "take no prompt");
}

static void test_an_argument_that_linux_does_not_take_is_refused(void)
{
    g_autofree char *text = g_strnfill(128 * 1024, 'x');
    g_autofree char *config = g_strdup_printf("system_prompt = '%s'", text);

    assert_refused(config, &context, "agent 'coder': the argument after '--append-system-prompt'");
}

static void test_numbers_do_not_depend_on_the_locale(void)
{
    if (!setlocale(LC_NUMERIC, "de_DE.UTF-8")) {
        g_test_skip("no locale de_DE.UTF-8 on this machine");
        return;
    }
    g_autoptr(AgentCommand) command = build("max_budget_usd = 0.5\nprompt = 'P'", &context);
    assert_argv(command, "claude|-p|P|--max-budget-usd|0.5" CLAUDE_END);
    setlocale(LC_NUMERIC, "C");
}

static void test_a_template_is_expanded_in_one_pass(void)
{
    static const struct {
        const char *text;
        const char *expanded;
    } cases[] = {
        {"", ""},
        {"plain } { }} text", "plain } { }} text"},
        {"{{story_id}}", "{{base_branch}}"},
        {"a{{base_branch}}b{{base_branch}}", "amainbmain"},
        {"{{worktree_path}}/{{unknown}}", "/w/{{unknown}}"},
        {"{{{base_branch}}}", "{main}"},
        {"{{base_branch", "{{base_branch"},
        {"{{ base_branch }}", "{{ base_branch }}"},
        {"{{x {{base_branch}}", "{{x main"},
        {"{{}}{{base_branc}}", "{{}}{{base_branc}}"},
    };
    const CommandContext with = {
        .worktree_path = "/w",
        .story_id = "{{base_branch}}",
        .base_branch = "main",
    };

    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *expanded = template_expand(cases[i].text, &with);
        g_assert_cmpstr(expanded, ==, cases[i].expanded);
    }
}

#define PAIR "\"DBUS_SESSION_BUS_ADDRESS\":\"unix:path=/b\""
#define SETTINGS                                                                                   \
    "{\"mcpServers\":{\"storkit\":{\"command\":\"/bin/ctl\",\"args\":[\"mcp\"],\"env\":{" PAIR     \
    "}}}}"

/* Each kind in its program's own words. */
static void test_a_server_is_given_as_the_kind_reads_it(void)
{
    char *environment[] = {(char *)"DBUS_SESSION_BUS_ADDRESS=unix:path=/b", (char *)"A=1", NULL};
    static const struct {
        const char *kind, *argument, *variable, *servers;
    } cases[] = {
        {"claude", SETTINGS, NULL, NULL},
        {"qwen", SETTINGS, NULL, NULL},
        {"codex",
         "mcp_servers.storkit={command=\"/bin/ctl\",args=[\"mcp\"],"
         "env={DBUS_SESSION_BUS_ADDRESS=\"unix:path=/b\"}}",
         NULL, NULL},
        {"opencode", NULL,
         "OPENCODE_CONFIG_CONTENT={\"mcp\":{\"storkit\":{\"type\":\"local\",\"command\":"
         "[\"/bin/ctl\",\"mcp\"],\"enabled\":true,\"environment\":{" PAIR "}}}}",
         NULL},
        {"acp", NULL, NULL,
         "[{\"name\":\"storkit\",\"command\":\"/bin/ctl\",\"args\":[\"mcp\"],\"env\":[{\"name\":"
         "\"DBUS_SESSION_BUS_ADDRESS\",\"value\":\"unix:path=/b\"}]}]"},
    };
    CommandContext with = context;
    with.environment = environment;
    g_setenv("STORKITCTL", "/bin/ctl", TRUE);
    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *lines =
            g_strdup_printf("kind = '%s'\ncommand = 'x'\nmcp = true", cases[i].kind);
        g_autoptr(AgentCommand) command = build(lines, &with);
        g_assert_cmpstr(command->variables ? command->variables[0] : NULL, ==, cases[i].variable);
        g_assert_cmpstr(command->servers, ==, cases[i].servers);
        g_assert_true(!cases[i].argument ||
                      g_strv_contains((const char *const *)command->argv, cases[i].argument));
    }
}

static void test_a_variable_that_is_set_is_not_replaced(void)
{
    char *environment[] = {(char *)"OPENCODE_CONFIG_CONTENT={}", NULL};
    CommandContext with = context;
    with.environment = environment;
    assert_refused("kind = 'opencode'\nmcp = true", &with, "OPENCODE_CONFIG_CONTENT");
    g_autoptr(AgentCommand) command = build("kind = 'opencode'", &with);
    g_assert_null(command->variables);
}

static void test_the_environment_is_the_agents_own(void)
{
    char *base[] = {
        (char *)"HOME=/home/u",
        (char *)"PATH=/bin",
        (char *)"NOTIFY_SOCKET=/run/n",
        (char *)"LISTEN_FDS=1",
        (char *)"LISTEN_PID=1",
        (char *)"LISTEN_FDNAMES=x",
        (char *)"INVOCATION_ID=1",
        (char *)"JOURNAL_STREAM=1",
        (char *)"WATCHDOG_PID=1",
        (char *)"WATCHDOG_USEC=1",
        (char *)"MANAGERPID=1",
        (char *)"MANAGERPIDFDID=1",
        (char *)"SYSTEMD_EXEC_PID=1",
        (char *)"MAINPID=1",
        (char *)"STATE_DIRECTORY=/x",
        (char *)"MEMORY_PRESSURE_W=x",
        (char *)"CLAUDECODE=1",
        (char *)"COLUMNS=80",
        (char *)"LINES=25",
        (char *)"OLDPWD=/x",
        (char *)"PWD=/elsewhere",
        (char *)"TERM=dumb",
        (char *)"DBUS_STARTER_BUS_TYPE=session",
        (char *)"CREDENTIALS_DIRECTORY=/x",
        (char *)"PATH=/usr/bin",
        (char *)"CLAUDE_CODE_ENTRYPOINT=cli",
        (char *)"=x",
        (char *)"nonsense",
        (char *)"MULTI=a\nb=c",
        NULL,
    };
    char *extra[] = {(char *)"RUST_LOG=trace", (char *)"EMPTY=", NULL};
    g_autoptr(ProjectConfig) config =
        roster("env = { RUST_LOG = 'info', TERM = 'vt100', CLAUDECODE = 'mine' }");
    const AgentConfig *agent = g_ptr_array_index(config->agents, 0);
    g_auto(GStrv) environment = agent_environment_build(base, agent, &context, extra);
    g_autofree char *joined = g_strjoinv("|", environment);

    g_assert_cmpstr(joined, ==,
                    "HOME=/home/u|PATH=/usr/bin|PWD=/p/.storkit/worktrees/42_login|TERM=vt100|"
                    "MULTI=a\nb=c|NO_COLOR=1|PAGER=cat|GIT_PAGER=cat|GIT_EDITOR=true|"
                    "GIT_TERMINAL_PROMPT=0|STORKIT_STORY=42_login|STORKIT_AGENT=coder|"
                    "STORKIT_WORKTREE=/p/.storkit/worktrees/42_login|STORKIT_BASE_BRANCH=main|"
                    "CLAUDECODE=mine|RUST_LOG=trace|EMPTY=");
}

static void test_an_environment_needs_no_base(void)
{
    g_autoptr(ProjectConfig) config = roster("");
    g_auto(GStrv) environment =
        agent_environment_build(NULL, g_ptr_array_index(config->agents, 0), &context, NULL);

    g_assert_cmpstr(g_environ_getenv(environment, "TERM"), ==, "xterm-256color");
    g_assert_cmpstr(g_environ_getenv(environment, "NO_COLOR"), ==, "1");
}

static void test_what_a_terminal_is_told_does_not_reach_the_agent(void)
{
    char *base[] = {"GPG_TTY=not a tty",  "FORCE_COLOR=1", "CLICOLOR_FORCE=1",
                    "SYSTEMD_PAGER=less", "PAGER=less",    NULL};
    char *extra[] = {"FORCE_COLOR=1", "PAGER=more", NULL};
    g_autoptr(ProjectConfig) config = roster("");
    const AgentConfig *agent = g_ptr_array_index(config->agents, 0);
    g_auto(GStrv) environment = agent_environment_build(base, agent, &context, NULL);
    g_auto(GStrv) asked = agent_environment_build(base, agent, &context, extra);

    g_assert_null(g_environ_getenv(environment, "GPG_TTY"));
    g_assert_null(g_environ_getenv(environment, "FORCE_COLOR"));
    g_assert_null(g_environ_getenv(environment, "CLICOLOR_FORCE"));
    g_assert_null(g_environ_getenv(environment, "SYSTEMD_PAGER"));
    g_assert_cmpstr(g_environ_getenv(environment, "PAGER"), ==, "cat");
    g_assert_cmpstr(g_environ_getenv(environment, "NO_COLOR"), ==, "1");
    g_assert_cmpstr(g_environ_getenv(asked, "PAGER"), ==, "more");
    g_assert_null(g_environ_getenv(asked, "NO_COLOR"));
}

static void test_a_message_is_one_line_whatever_it_says(void)
{
    static const char text[] = "a \"quoted\"\nline\\ \xc3\xa9 \x01";
    g_autofree char *message = agent_kind_claude.build_message(text);
    g_autoptr(JsonNode) root = json_from_string(message, NULL);

    g_assert_true(strchr(message, '\n') == message + strlen(message) - 1);
    g_assert_nonnull(root);
    JsonObject *object = json_object_get_object_member(json_node_get_object(root), "message");
    JsonArray *content = json_object_get_array_member(object, "content");
    JsonObject *block = json_array_get_object_element(content, 0);
    g_assert_cmpstr(json_object_get_string_member(block, "text"), ==, text);
    g_assert_null(agent_kind_codex.build_message);
    g_assert_null(agent_kind_raw.build_message);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/agent-command/each-kind-has-the-command-line-of-the-contract",
                    test_each_kind_has_the_command_line_of_the_contract);
    g_test_add_func("/agent-command/what-a-terminal-is-told-does-not-reach-the-agent",
                    test_what_a_terminal_is_told_does_not_reach_the_agent);
    g_test_add_func("/agent-command/a-long-prompt-goes-to-stdin", test_a_long_prompt_goes_to_stdin);
    g_test_add_func("/agent-command/a-prompt-for-a-program-that-takes-none-is-refused",
                    test_a_prompt_for_a_program_that_takes_none_is_refused);
    g_test_add_func("/agent-command/a-prompt-over-the-limit-is-refused",
                    test_a_prompt_over_the_limit_is_refused);
    g_test_add_func("/agent-command/a-resume-that-is-no-session-id-is-refused",
                    test_a_resume_that_is_no_session_id_is_refused);
    g_test_add_func("/agent-command/an-argument-that-linux-does-not-take-is-refused",
                    test_an_argument_that_linux_does_not_take_is_refused);
    g_test_add_func("/agent-command/numbers-do-not-depend-on-the-locale",
                    test_numbers_do_not_depend_on_the_locale);
    g_test_add_func("/agent-command/a-template-is-expanded-in-one-pass",
                    test_a_template_is_expanded_in_one_pass);
    g_test_add_func("/agent-command/a-server-is-given-as-the-kind-reads-it",
                    test_a_server_is_given_as_the_kind_reads_it);
    g_test_add_func("/agent-command/a-variable-that-is-set-is-not-replaced",
                    test_a_variable_that_is_set_is_not_replaced);
    g_test_add_func("/agent-command/the-environment-is-the-agents-own",
                    test_the_environment_is_the_agents_own);
    g_test_add_func("/agent-command/an-environment-needs-no-base",
                    test_an_environment_needs_no_base);
    g_test_add_func("/agent-command/a-message-is-one-line-whatever-it-says",
                    test_a_message_is_one_line_whatever_it_says);
    return g_test_run();
}
