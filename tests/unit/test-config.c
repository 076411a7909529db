/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <glib/gstdio.h>
#include <string.h>
#include <sys/stat.h>

#include "project/roster.h"
#include "base/error.h"

#define FILENAME "/p/.storkit/project.toml"

static ProjectConfig *parse(const char *text)
{
    g_autoptr(GError) error = NULL;
    ProjectConfig *config = project_config_parse(text, strlen(text), FILENAME, &error);

    g_assert_no_error(error);
    g_assert_nonnull(config);
    return config;
}

static const AgentConfig *agent_at(const ProjectConfig *config, guint index)
{
    g_assert_cmpuint(index, <, config->agents->len);
    return g_ptr_array_index(config->agents, index);
}

static void assert_strv(char **strv, const char *joined)
{
    g_autofree char *actual = g_strjoinv("|", strv);

    g_assert_cmpstr(actual, ==, joined);
}

static void assert_refused(const char *text, gsize length, int code, const char *message)
{
    g_autoptr(GError) error = NULL;

    g_assert_null(project_config_parse(text, length, FILENAME, &error));
    g_assert_error(error, STORKIT_ERROR, code);
    g_assert_cmpstr(error->message, ==, message);
}

static const char contract_example[] =
    "copy = [\".env\", \"config/local.json\"]\n"
    "[[component]]                 # optional; prepared in a new worktree\n"
    "name = \"frontend\"\n"
    "path = \"frontend\"\n"
    "setup = [\"npm ci\"]\n"
    "teardown = [\"docker compose down\"]\n"
    "[[agent]]                     # the first is the default\n"
    "name = \"coder\"\n"
    "role = \"Implements stories\"\n"
    "kind = \"claude\"\n"
    "command = \"claude\"\n"
    "args = [\"--add-dir\", \"{{worktree_path}}\"]\n"
    "prompt = \"\"\"Work on story {{story_id}}.\"\"\"\n"
    "model = \"opus\"\n"
    "max_turns = 50\n"
    "max_budget_usd = 5.0\n"
    "allowed_tools = [\"Read\", \"Edit\"]\n"
    "system_prompt = \"\"\n"
    "env = { RUST_LOG = \"info\" }\n"
    "interactive = true\n"
    "stop_grace = \"20s\"\n"
    "result_grace = \"0\"\n"
    "memory_max = \"4G\"\n"
    "memory_high = 1048576\n"
    "cpu_weight = 200\n"
    "cpu_quota = \"150%\"\n"
    "io_weight = 50\n"
    "tasks_max = 100\n"
    "runtime_max = \"2h\"\n"
    "idle_timeout = 90\n"
    "[[agent]]\n"
    "name = \"reviewer\"\n";

static void test_the_contracts_example_is_understood(void)
{
    g_autoptr(ProjectConfig) config = parse(contract_example);
    const AgentConfig *agent = agent_at(config, 0);

    g_assert_cmpuint(config->agents->len, ==, 2);
    g_assert_cmpuint(config->warnings->len, ==, 0);
    assert_strv(config->copy, ".env|config/local.json");
    g_assert_cmpstr(agent->name, ==, "coder");
    g_assert_cmpstr(agent->role, ==, "Implements stories");
    g_assert_true(agent->kind == &agent_kind_claude);
    g_assert_cmpstr(agent->command, ==, "claude");
    assert_strv(agent->args, "--add-dir|{{worktree_path}}");
    g_assert_cmpstr(agent->prompt, ==, "Work on story {{story_id}}.");
    g_assert_cmpstr(agent->model, ==, "opus");
    g_assert_cmpuint(agent->max_turns, ==, 50);
    g_assert_cmpfloat(agent->max_budget_usd, ==, 5.0);
    assert_strv(agent->allowed_tools, "Read|Edit");
    g_assert_null(agent->system_prompt);
    assert_strv(agent->env, "RUST_LOG=info");
    g_assert_true(agent->interactive);
    g_assert_cmpuint(agent->stop_grace_usec, ==, 20 * G_USEC_PER_SEC);
    g_assert_cmpuint(agent->result_grace_usec, ==, 0);
}

static void test_the_limits_of_an_agent_are_understood(void)
{
    g_autoptr(ProjectConfig) config = parse(contract_example);
    const Limits *limits = &agent_at(config, 0)->limits;

    g_assert_cmpuint(limits->memory_max, ==, G_GUINT64_CONSTANT(4) << 30);
    g_assert_cmpuint(limits->memory_high, ==, 1048576);
    g_assert_cmpuint(limits->cpu_weight, ==, 200);
    g_assert_cmpuint(limits->cpu_quota_usec, ==, 1500000);
    g_assert_cmpuint(limits->io_weight, ==, 50);
    g_assert_cmpuint(limits->tasks_max, ==, 100);
    g_assert_cmpuint(limits->runtime_max_usec, ==, 7200 * (guint64)G_USEC_PER_SEC);
    g_assert_cmpuint(limits->idle_timeout_usec, ==, 90 * G_USEC_PER_SEC);
}

static void test_components_are_understood(void)
{
    g_autoptr(ProjectConfig) config = parse(contract_example);

    g_assert_cmpuint(config->components->len, ==, 1);
    const ComponentConfig *component = g_ptr_array_index(config->components, 0);
    g_assert_cmpstr(component->name, ==, "frontend");
    g_assert_cmpstr(component->path, ==, "frontend");
    assert_strv(component->setup, "npm ci");
    assert_strv(component->teardown, "docker compose down");
}

static void assert_default_agent(const AgentConfig *agent)
{
    g_assert_null(agent->role);
    g_assert_true(agent->kind == &agent_kind_claude);
    g_assert_cmpstr(agent->command, ==, "claude");
    assert_strv(agent->args, "");
    g_assert_null(agent->prompt);
    g_assert_null(agent->model);
    g_assert_cmpuint(agent->max_turns, ==, 0);
    g_assert_cmpfloat(agent->max_budget_usd, ==, 0);
    assert_strv(agent->allowed_tools, "");
    assert_strv(agent->env, "");
    g_assert_false(agent->interactive);
    g_assert_cmpuint(agent->stop_grace_usec, ==, 10 * G_USEC_PER_SEC);
    g_assert_cmpuint(agent->result_grace_usec, ==, 300 * G_USEC_PER_SEC);
    g_assert_cmpuint(agent->limits.memory_max, ==, LIMIT_UNSET);
    g_assert_cmpuint(agent->limits.runtime_max_usec, ==, LIMIT_UNSET);
}

static void test_an_agent_with_only_a_name_has_the_defaults(void)
{
    g_autoptr(ProjectConfig) config = parse("[[agent]]\nname = \"a\"\n");

    assert_default_agent(agent_at(config, 0));
    assert_strv(config->copy, "");
    g_assert_cmpuint(config->components->len, ==, 0);
}

static void test_each_kind_has_its_own_program(void)
{
    g_autoptr(ProjectConfig) config = parse("[[agent]]\nname = \"a\"\nkind = \"codex\"\n"
                                            "[[agent]]\nname = \"b\"\nkind = \"gemini\"\n"
                                            "[[agent]]\nname = \"c\"\nkind = \"opencode\"\n"
                                            "[[agent]]\nname = \"d\"\nkind = \"raw\"\n"
                                            "command = \"make\"\n");
    static const char *const commands[] = {"codex", "gemini", "opencode", "make"};

    for (guint i = 0; i < G_N_ELEMENTS(commands); i++)
        g_assert_cmpstr(agent_at(config, i)->command, ==, commands[i]);
}

static void test_infinity_is_no_limit(void)
{
    g_autoptr(ProjectConfig) config =
        parse("[[agent]]\nname = \"a\"\nmemory_max = \"infinity\"\nruntime_max = 0\n");

    g_assert_cmpuint(agent_at(config, 0)->limits.memory_max, ==, LIMIT_UNSET);
    g_assert_cmpuint(agent_at(config, 0)->limits.runtime_max_usec, ==, LIMIT_UNSET);
}

/* Each after "[[agent]]\nname = \"coder\"\n", so on line 3; the message after "FILE:3:". */
static const struct {
    const char *line;
    const char *message;
} agent_mistakes[] = {
    {"max_turns = \"x\"", "13: agent 'coder': max_turns must be an integer, not a string"},
    {"max_turns = 1.5", "13: agent 'coder': max_turns must be an integer, not a float"},
    {"max_turns = -1", "13: agent 'coder': max_turns must not be negative"},
    {"max_turns = 5000000000", "13: agent 'coder': max_turns is too large"},
    {"max_budget_usd = true", "18: agent 'coder': max_budget_usd must be a number, not a boolean"},
    {"max_budget_usd = -0.5", "18: agent 'coder': max_budget_usd must not be negative"},
    {"max_budget_usd = -9007199254740993",
     "18: agent 'coder': max_budget_usd must not be negative"},
    {"max_budget_usd = 9007199254740993", "18: agent 'coder': max_budget_usd is too large"},
    {"max_budget_usd = nan", "18: agent 'coder': max_budget_usd must be a finite number"},
    {"role = 5", "8: agent 'coder': role must be a string, not an integer"},
    {"prompt = [\"x\"]", "10: agent 'coder': prompt must be a string, not an array"},
    {"prompt = \"a\\u0000b\"", "10: agent 'coder': prompt must not contain a NUL character"},
    {"kind = \"gpt\"", "8: agent 'coder': kind cannot be 'gpt': there are claude, codex, "
                       "gemini, opencode, qwen, pi, copilot, kimi, cline, acp and raw"},
    {"kind = 2020-01-01", "8: agent 'coder': kind must be a string, not a date or time"},
    {"command = \"\"", "11: agent 'coder': command must not be empty"},
    {"args = \"x\"", "8: agent 'coder': args must be an array of strings, not a string"},
    {"args = [\"x\", 5]", "14: agent 'coder': args must hold strings only, not an integer"},
    {"interactive = 1", "15: agent 'coder': interactive must be true or false, not an integer"},
    {"env = [\"A=B\"]", "7: agent 'coder': env must be a table of strings, not an array"},
    {"env = { PORT = 80 }", "16: agent 'coder': env.PORT must be a string, not an integer"},
    {"env = { \"A=B\" = \"x\" }", "7: agent 'coder': env cannot set 'A=B': a variable's name has "
                                  "letters, digits and '_' only"},
    {"stop_grace = 1.5", "14: agent 'coder': stop_grace must be a time such as '10s', or an "
                         "integer (seconds), not a float"},
    {"stop_grace = -1", "14: agent 'coder': stop_grace must not be negative"},
    {"result_grace = \"soon\"", "16: agent 'coder': result_grace cannot be 'soon': write a time "
                                "such as '10s', '5m' or '1h 30m'"},
    {"memory_max = \"lots\"", "14: agent 'coder': memory_max cannot be 'lots': write a size "
                              "such as '4G' or '512M', or "
                              "a number of bytes, or 'infinity'"},
    {"cpu_quota = true",
     "13: agent 'coder': cpu_quota must be a string or an integer, not a boolean"},
    {"cpu_weight = -1", "14: agent 'coder': cpu_weight must not be negative"},
    {"interactive = true\nkind = \"codex\"",
     "15: agent 'coder': interactive needs kind 'claude' or 'acp', not 'codex'"},
};

static void test_a_mistake_in_an_agent_is_named_with_line_and_column(void)
{
    for (gsize i = 0; i < G_N_ELEMENTS(agent_mistakes); i++) {
        g_autofree char *text =
            g_strconcat("[[agent]]\nname = \"coder\"\n", agent_mistakes[i].line, "\n", NULL);
        g_autofree char *message = g_strconcat(FILENAME ":3:", agent_mistakes[i].message, NULL);
        assert_refused(text, strlen(text), STORKIT_ERROR_INVALID_CONFIG, message);
    }
}

#define NAME_RULE                                                                                  \
    " is not valid: use 1 to 64 of the characters A-Z a-z 0-9 . _ -, beginning with a letter or "  \
    "digit, without '..', not ending in '.' or '.lock'"

static const struct {
    const char *text;
    const char *message;
} file_mistakes[] = {
    {"agent = 5", "1:9: agent must be an array of tables, not an integer: write [[agent]]"},
    {"[agent]\nname = \"a\"",
     "1:1: agent must be an array of tables, not a table: write [[agent]]"},
    {"agent = [1]", "1:10: agent must be an array of tables: one element is an integer"},
    {"[component]\n",
     "1:1: component must be an array of tables, not a table: write [[component]]"},
    {"[[agent]]\nrole = \"x\"", "1:1: agent 1: it has no name: add one, such as name = \"coder\""},
    {"[[agent]]\nname = \"\"", "2:8: agent '': name must not be empty"},
    {"[[agent]]\nname = 5", "2:8: agent 1: name must be a string, not an integer"},
    {"[[agent]]\nname = \"a/b\"", "2:8: agent 'a/b': agent name 'a/b'" NAME_RULE},
    {"[[agent]]\nname = \"a\"\n[[agent]]\nname = \"a\"",
     "4:8: agent 'a': the name is taken by one above: choose another"},
    {"[[agent]]\nname = \"a\"\nkind = \"raw\"",
     "1:1: agent 'a': kind 'raw' needs a command: name the program to run"},
    {"[[component]]\nname = \"x y\"", "2:8: component 'x y': component name 'x y'" NAME_RULE},
    {"[[component]]\npath = \"a\"",
     "1:1: component 1: it has no name: add one, such as name = \"frontend\""},
    {"[[component]]\nname = \"a\"",
     "1:1: component 'a': it has no path: '.' is the worktree itself"},
    {"[[component]]\nname = \"a\"\npath = \".\"\n[[component]]\nname = \"a\"\npath = \"b\"",
     "5:8: component 'a': the name is taken by one above: choose another"},
    {"[[component]]\nname = \"a\"\npath = \"/etc\"",
     "3:8: component 'a': path cannot be '/etc': it must be relative"},
    {"[[component]]\nname = \"a\"\npath = \"b/../../c\"",
     "3:8: component 'a': path cannot be 'b/../../c': it leaves the worktree"},
    {"[[component]]\nname = \"a\"\npath = \"\"", "3:8: component 'a': path must not be empty"},
    {"[[component]]\nname = \"a\"\nsetup = \"make\"",
     "3:9: component 'a': setup must be an array of strings, not a string"},
    {"copy = [\"../x\"]", "1:8: copy cannot be '../x': it leaves the worktree"},
    {"copy = [\"/x\"]", "1:8: copy cannot be '/x': it must be relative"},
    {"copy = [\".git/config\"]",
     "1:8: copy cannot be '.git/config': it names files below the project root"},
    {"copy = [\"a/..\"]", "1:8: copy cannot be 'a/..': it names files below the project root"},
};

static void test_a_mistake_in_the_file_is_named_with_line_and_column(void)
{
    for (gsize i = 0; i < G_N_ELEMENTS(file_mistakes); i++) {
        g_autofree char *message = g_strconcat(FILENAME ":", file_mistakes[i].message, NULL);
        assert_refused(file_mistakes[i].text, strlen(file_mistakes[i].text),
                       STORKIT_ERROR_INVALID_CONFIG, message);
    }
}

static void test_a_file_without_agents_says_so(void)
{
    static const char *const texts[] = {"", "# nothing\n", "copy = []\n", "agent = []\n"};

    for (gsize i = 0; i < G_N_ELEMENTS(texts); i++)
        assert_refused(texts[i], strlen(texts[i]), STORKIT_ERROR_NO_AGENTS_CONFIGURED,
                       FILENAME ": no agent is configured: add an [[agent]] with a name, or remove "
                                "the file for the default one");
}

static void test_broken_toml_is_refused_where_it_breaks(void)
{
    g_autoptr(GError) error = NULL;
    static const char text[] = "[[agent]]\nname = \"a\nrole = 5\n";

    g_assert_null(project_config_parse(text, strlen(text), FILENAME, &error));
    g_assert_error(error, STORKIT_ERROR, STORKIT_ERROR_INVALID_CONFIG);
    g_assert_true(g_str_has_prefix(error->message, FILENAME ":2:"));
}

static void test_what_is_no_utf8_is_refused_where_it_begins(void)
{
    static const char latin1[] = "# \xc3\xa9\n# \xc3\xa9 \xe9\n";

    assert_refused(latin1, strlen(latin1), STORKIT_ERROR_INVALID_CONFIG,
                   FILENAME ":2:5: not UTF-8; save the file in that encoding");
    assert_refused("# \0\n", 4, STORKIT_ERROR_INVALID_CONFIG,
                   FILENAME ":1:3: not UTF-8; save the file in that encoding");
}

static void test_an_unknown_key_is_a_warning_that_names_it(void)
{
    g_autoptr(ProjectConfig) config = parse("colour = \"red\"\n"
                                            "[[agent]]\n"
                                            "name = \"coder\"\n"
                                            "max_turn = \"any\"\n"
                                            "modle = 5\n"
                                            "\"a\\nb\" = 1\n"
                                            "[[component]]\n"
                                            "name = \"web\"\n"
                                            "path = \"web\"\n"
                                            "setups = []\n");
    static const char *const warnings[] = {
        FILENAME ":1:1: unknown key 'colour' is ignored",
        FILENAME ":4:1: agent 'coder': unknown key 'max_turn' is ignored; did you mean "
                 "'max_turns'?",
        FILENAME ":5:1: agent 'coder': unknown key 'modle' is ignored; did you mean 'model'?",
        FILENAME ":6:1: agent 'coder': unknown key 'a b' is ignored",
        FILENAME ":10:1: component 'web': unknown key 'setups' is ignored; did you mean "
                 "'setup'?",
    };

    g_assert_cmpuint(config->warnings->len, ==, G_N_ELEMENTS(warnings));
    for (guint i = 0; i < G_N_ELEMENTS(warnings); i++)
        g_assert_cmpstr(g_ptr_array_index(config->warnings, i), ==, warnings[i]);
}

static void test_warnings_are_bounded(void)
{
    g_autoptr(GString) text = g_string_new(NULL);
    for (int i = 0; i < 1000; i++)
        g_string_append_printf(text, "a%d = 1\n", i);
    g_string_append(text, "[[agent]]\nname = \"coder\"\n");
    g_autoptr(ProjectConfig) config = parse(text->str);

    g_assert_cmpuint(config->warnings->len, ==, 21);
    g_assert_cmpstr(g_ptr_array_index(config->warnings, 19), ==,
                    FILENAME ":20:1: unknown key 'a19' is ignored");
    g_assert_cmpstr(g_ptr_array_index(config->warnings, 20), ==, FILENAME ": … and 980 more");
}

/* An agent with @n variables. */
static char *with_variables(guint n)
{
    GString *text = g_string_new("[[agent]]\nname = \"coder\"\n[agent.env]\n");
    for (guint i = 0; i < n; i++)
        g_string_append_printf(text, "A%u = \"\"\n", i);
    return g_string_free(text, FALSE);
}

static void test_variables_are_bounded(void)
{
    g_autofree char *most = with_variables(1024);
    g_autofree char *more = with_variables(1025);
    g_autoptr(ProjectConfig) config = parse(most);

    g_assert_cmpuint(g_strv_length(agent_at(config, 0)->env), ==, 1024);
    assert_refused(more, strlen(more), STORKIT_ERROR_INVALID_CONFIG,
                   FILENAME ":3:1: agent 'coder': env holds more than 1024 variables");
}

static void test_a_budget_that_nothing_enforces_is_a_warning(void)
{
    g_autoptr(ProjectConfig) config = parse("[[agent]]\n"
                                            "name = \"a\"\n"
                                            "kind = \"codex\"\n"
                                            "model = \"m\"\n"
                                            "max_budget_usd = 1\n");

    g_assert_cmpuint(config->warnings->len, ==, 1);
    g_assert_cmpstr(g_ptr_array_index(config->warnings, 0), ==,
                    FILENAME ":5:1: agent 'a': max_budget_usd has no effect with kind 'codex'");
}

static void test_another_kinds_program_is_warned_of(void)
{
    g_autoptr(ProjectConfig) config = parse("[[agent]]\n"
                                            "name = \"a\"\n"
                                            "command = \"/opt/bin/qwen\"\n"
                                            "[[agent]]\n"
                                            "name = \"b\"\n"
                                            "kind = \"raw\"\n"
                                            "command = \"qwen\"\n"
                                            "[[agent]]\n"
                                            "name = \"c\"\n"
                                            "command = \"my-claude\"\n");

    g_assert_cmpuint(config->warnings->len, ==, 1);
    g_assert_cmpstr(g_ptr_array_index(config->warnings, 0), ==,
                    FILENAME ":3:11: agent 'a': command '/opt/bin/qwen' is a program of kind "
                             "'qwen', not 'claude': set kind = \"qwen\"");
}

static char *repeat(const char *piece, gsize times)
{
    GString *text = g_string_new(NULL);

    for (gsize i = 0; i < times; i++)
        g_string_append(text, piece);
    return g_string_free(text, FALSE);
}

static void test_keys_without_end_do_not_overflow_the_stack(void)
{
    g_autofree char *dots = repeat("a.", 400000);
    g_autofree char *quoted = repeat("\"\".", 300000);
    g_autofree char *inline_tables = repeat("[\n{a.a.a.a.a.a.a.a=", 200);
    const char *const starts[] = {dots, quoted, "x = \"\"\"\n\"\"\"\"\"\nb."};

    for (gsize i = 0; i < G_N_ELEMENTS(starts); i++) {
        g_autofree char *text = g_strconcat(starts[i], dots, "a = 1\n", NULL);
        g_autoptr(GError) error = NULL;
        g_assert_null(project_config_parse(text, MIN(strlen(text), 1000000), FILENAME, &error));
        g_assert_error(error, STORKIT_ERROR, STORKIT_ERROR_INVALID_CONFIG);
        g_assert_nonnull(strstr(error->message, "too many dots"));
    }
    g_autofree char *nested = g_strconcat("x = ", inline_tables, NULL);
    g_autoptr(GError) error = NULL;
    g_assert_null(project_config_parse(nested, strlen(nested), FILENAME, &error));
    g_assert_error(error, STORKIT_ERROR, STORKIT_ERROR_INVALID_CONFIG);
}

static char *tables_of(guint number)
{
    GString *text = g_string_new(NULL);
    for (guint i = 0; i < number; i++)
        g_string_append_printf(text, "[[agent]]\nname='n%u'\n", i);
    return g_string_free(text, FALSE);
}

static void test_the_folder_of_worktrees_is_a_path(void)
{
    static const char *const refused[] = {"''",           "'~/wt'",    "'../{story}'",
                                          "'{project}{'", "\"a\\nb\"", "3"};
    g_autoptr(GError) error = NULL;
    const char *text = "worktrees = '../{project}.wt/{project}'\n[[agent]]\nname='x'\n";
    g_autoptr(ProjectConfig) config = project_config_parse(text, strlen(text), FILENAME, &error);
    g_assert_no_error(error);
    g_assert_cmpstr(config->worktrees, ==, "../{project}.wt/{project}");
    for (gsize i = 0; i < G_N_ELEMENTS(refused); i++) {
        g_autofree char *line = g_strdup_printf("worktrees = %s\n", refused[i]);
        g_autoptr(GError) failure = NULL;
        g_assert_null(project_config_parse(line, strlen(line), FILENAME, &failure));
        g_assert_error(failure, STORKIT_ERROR, STORKIT_ERROR_INVALID_CONFIG);
        g_assert_nonnull(strstr(failure->message, "worktrees "));
    }
}

static void test_a_roster_has_a_thousand_agents_at_most(void)
{
    g_autofree char *most = tables_of(1000);
    g_autofree char *more = tables_of(30000);
    g_autoptr(GError) error = NULL;
    g_autoptr(ProjectConfig) config = project_config_parse(most, strlen(most), FILENAME, &error);
    g_assert_no_error(error);
    g_assert_cmpuint(config->agents->len, ==, 1000);
    g_assert_null(project_config_parse(more, strlen(more), FILENAME, &error));
    g_assert_error(error, STORKIT_ERROR, STORKIT_ERROR_INVALID_CONFIG);
    g_assert_nonnull(strstr(error->message, "agent has more than 1000 tables"));
}

static void test_tens_of_thousands_of_unknown_keys_are_told_of_shortly(void)
{
    g_autoptr(GString) text = g_string_new(NULL);
    g_autoptr(GError) error = NULL;
    for (guint i = 0; i < 60000; i++)
        g_string_append_printf(text, "k%u=%u\n", i, i);
    g_string_append(text, "[[agent]]\nname='x'\n");
    g_autoptr(ProjectConfig) config = project_config_parse(text->str, text->len, FILENAME, &error);
    g_assert_no_error(error);
    g_assert_cmpuint(config->warnings->len, ==, 21);
}

static void test_a_prompt_may_have_any_number_of_dots(void)
{
    g_autofree char *dots = repeat("a. ", 5000);
    g_autofree char *text =
        g_strdup_printf("# %s\n[[agent]]\nname = 'a'\nprompt = \"%s\"\nrole = '%s'\n"
                        "model = \"\"\"\\\"%s\"\"\"\"\n",
                        dots, dots, dots, dots);
    g_autoptr(ProjectConfig) config = parse(text);

    g_assert_cmpstr(agent_at(config, 0)->prompt, ==, dots);
}

static void test_an_agent_is_found_by_its_name(void)
{
    g_autoptr(ProjectConfig) config =
        parse("[[agent]]\nname = \"coder\"\n[[agent]]\nname = \"reviewer\"\n");
    g_autoptr(GError) error = NULL;

    g_assert_true(project_config_find_agent(config, "", &error) == agent_at(config, 0));
    g_assert_true(project_config_find_agent(config, "reviewer", &error) == agent_at(config, 1));
    g_assert_no_error(error);
    g_assert_null(project_config_find_agent(config, "tester", &error));
    g_assert_error(error, STORKIT_ERROR, STORKIT_ERROR_NO_SUCH_AGENT);
    g_assert_cmpstr(error->message, ==,
                    "the project has no agent 'tester': its agents are coder, reviewer");
}

/* ---- files ----------------------------------------------------------------------------------- */

typedef struct {
    char *root;
    char *folder;
    char *file;
} Project;

static void project_setup(Project *project, gconstpointer data)
{
    project->root = g_dir_make_tmp("storkit-config-XXXXXX", NULL);
    project->folder = g_build_filename(project->root, ".storkit", NULL);
    project->file = g_build_filename(project->folder, "project.toml", NULL);
    g_assert_cmpint(g_mkdir(project->folder, 0700), ==, 0);
}

static void project_teardown(Project *project, gconstpointer data)
{
    g_remove(project->file);
    g_remove(project->folder);
    g_remove(project->root);
    g_free(project->file);
    g_free(project->folder);
    g_free(project->root);
}

static const GitContext no_context = {NULL, NULL};

static void assert_load_refused(const Project *project, const char *what)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *message = g_strconcat(project->file, what, NULL);

    g_assert_null(project_config_load(&no_context, project->root, &error));
    g_assert_error(error, STORKIT_ERROR, STORKIT_ERROR_INVALID_CONFIG);
    g_assert_cmpstr(error->message, ==, message);
}

static void test_no_file_is_one_default_agent(Project *project, gconstpointer data)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(ProjectConfig) config = project_config_load(&no_context, project->root, &error);

    g_assert_no_error(error);
    g_assert_cmpuint(config->agents->len, ==, 1);
    g_assert_cmpstr(agent_at(config, 0)->name, ==, "default");
    assert_default_agent(agent_at(config, 0));
}

static void test_the_file_of_the_project_is_read(Project *project, gconstpointer data)
{
    g_autoptr(GError) error = NULL;

    g_assert_true(
        g_file_set_contents(project->file, "\xef\xbb\xbf[[agent]]\nname='x'\n", -1, NULL));
    g_autoptr(ProjectConfig) config = project_config_load(&no_context, project->root, &error);
    g_assert_no_error(error);
    g_assert_cmpstr(agent_at(config, 0)->name, ==, "x");
}

static void test_what_is_no_file_is_refused(Project *project, gconstpointer data)
{
    g_assert_cmpint(g_mkdir(project->file, 0700), ==, 0);
    assert_load_refused(project, ": a directory, not a regular file: remove it");
    g_rmdir(project->file);
    g_assert_cmpint(mkfifo(project->file, 0600), ==, 0);
    assert_load_refused(project, ": a FIFO, not a regular file: remove it");
    g_remove(project->file);
    g_rmdir(project->folder);
    g_assert_true(g_file_set_contents(project->folder, "", -1, NULL));
    assert_load_refused(project, ": Not a directory");
}

static void test_a_link_is_read_or_refused_where_it_leads_nowhere(Project *project,
                                                                  gconstpointer data)
{
    g_autofree char *target = g_build_filename(project->root, "roster.toml", NULL);

    g_assert_cmpint(symlink("../roster.toml", project->file), ==, 0);
    assert_load_refused(project, ": a broken symbolic link: create its target, or remove the link");
    g_assert_true(g_file_set_contents(target, "[[agent]]\nname='x'\n", -1, NULL));
    g_autoptr(ProjectConfig) config = project_config_load(&no_context, project->root, NULL);
    g_assert_cmpstr(agent_at(config, 0)->name, ==, "x");
    g_remove(target);
}

static void test_a_file_over_a_mebibyte_is_refused(Project *project, gconstpointer data)
{
    g_autoptr(GString) text = g_string_new("[[agent]]\nname='x'\n#");
    g_autofree char *padding = g_strnfill(1024 * 1024 - text->len, 'x');
    g_autoptr(GError) error = NULL;

    g_string_append(text, padding);
    g_assert_true(g_file_set_contents(project->file, text->str, (gssize)text->len, NULL));
    g_autoptr(ProjectConfig) config = project_config_load(&no_context, project->root, &error);
    g_assert_no_error(error);
    g_assert_cmpuint(config->agents->len, ==, 1);
    g_string_append_c(text, 'x');
    g_assert_true(g_file_set_contents(project->file, text->str, (gssize)text->len, NULL));
    assert_load_refused(project,
                        ": larger than 1 MiB; keep long prompts in files that the agent reads");
}

#define ADD_PROJECT(path, test)                                                                    \
    g_test_add(path, Project, NULL, project_setup, test, project_teardown)

int main(int argc, char **argv)
{
    g_setenv("LC_ALL", "C", TRUE);
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/config/another-kinds-program-is-warned-of",
                    test_another_kinds_program_is_warned_of);
    g_test_add_func("/config/the-contracts-example-is-understood",
                    test_the_contracts_example_is_understood);
    g_test_add_func("/config/the-limits-of-an-agent-are-understood",
                    test_the_limits_of_an_agent_are_understood);
    g_test_add_func("/config/components-are-understood", test_components_are_understood);
    g_test_add_func("/config/an-agent-with-only-a-name-has-the-defaults",
                    test_an_agent_with_only_a_name_has_the_defaults);
    g_test_add_func("/config/each-kind-has-its-own-program", test_each_kind_has_its_own_program);
    g_test_add_func("/config/infinity-is-no-limit", test_infinity_is_no_limit);
    g_test_add_func("/config/a-mistake-in-an-agent-is-named-with-line-and-column",
                    test_a_mistake_in_an_agent_is_named_with_line_and_column);
    g_test_add_func("/config/a-mistake-in-the-file-is-named-with-line-and-column",
                    test_a_mistake_in_the_file_is_named_with_line_and_column);
    g_test_add_func("/config/a-file-without-agents-says-so", test_a_file_without_agents_says_so);
    g_test_add_func("/config/broken-toml-is-refused-where-it-breaks",
                    test_broken_toml_is_refused_where_it_breaks);
    g_test_add_func("/config/what-is-no-utf8-is-refused-where-it-begins",
                    test_what_is_no_utf8_is_refused_where_it_begins);
    g_test_add_func("/config/an-unknown-key-is-a-warning-that-names-it",
                    test_an_unknown_key_is_a_warning_that_names_it);
    g_test_add_func("/config/warnings-are-bounded", test_warnings_are_bounded);
    g_test_add_func("/config/variables-are-bounded", test_variables_are_bounded);
    g_test_add_func("/config/a-budget-that-nothing-enforces-is-a-warning",
                    test_a_budget_that_nothing_enforces_is_a_warning);
    g_test_add_func("/config/keys-without-end-do-not-overflow-the-stack",
                    test_keys_without_end_do_not_overflow_the_stack);
    g_test_add_func("/config/the-folder-of-worktrees-is-a-path",
                    test_the_folder_of_worktrees_is_a_path);
    g_test_add_func("/config/a-roster-has-a-thousand-agents-at-most",
                    test_a_roster_has_a_thousand_agents_at_most);
    g_test_add_func("/config/tens-of-thousands-of-unknown-keys-are-told-of-shortly",
                    test_tens_of_thousands_of_unknown_keys_are_told_of_shortly);
    g_test_add_func("/config/a-prompt-may-have-any-number-of-dots",
                    test_a_prompt_may_have_any_number_of_dots);
    g_test_add_func("/config/an-agent-is-found-by-its-name", test_an_agent_is_found_by_its_name);
    ADD_PROJECT("/config/no-file-is-one-default-agent", test_no_file_is_one_default_agent);
    ADD_PROJECT("/config/the-file-of-the-project-is-read", test_the_file_of_the_project_is_read);
    ADD_PROJECT("/config/what-is-no-file-is-refused", test_what_is_no_file_is_refused);
    ADD_PROJECT("/config/a-link-is-read-or-refused-where-it-leads-nowhere",
                test_a_link_is_read_or_refused_where_it_leads_nowhere);
    ADD_PROJECT("/config/a-file-over-a-mebibyte-is-refused",
                test_a_file_over_a_mebibyte_is_refused);
    return g_test_run();
}
