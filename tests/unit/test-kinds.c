/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <json-glib/json-glib.h>
#include <string.h>

#include "agents/line-json.h"
#include "base/json-scan.h"
#include "store/facts.h"
#include "store/usage-json.h"
#include "transcript/decoder.h"

/*
 * What each kind promises, from what the real CLIs printed (tests/data/agents/promises.json).
 */

typedef struct {
    RunFacts facts;
    GPtrArray *texts;
} Seen;

static void see_line(Seen *seen, const AgentKind *kind, const char *line, gsize length)
{
    g_auto(DecodedLine) decoded = {0};

    decode_line(kind, line, length, &decoded);
    run_facts_add(&seen->facts, &decoded.facts);
    for (guint i = 0; decoded.texts && i < decoded.texts->len; i++)
        g_ptr_array_add(seen->texts, g_strdup(decoded.texts->pdata[i]));
}

static void see_text(Seen *seen, const AgentKind *kind, const char *text)
{
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);

    seen->texts = g_ptr_array_new_with_free_func(g_free);
    for (char **line = lines; *line; line++)
        see_line(seen, kind, *line, strlen(*line));
}

static void seen_clear(Seen *seen)
{
    run_facts_clear(&seen->facts);
    g_ptr_array_unref(seen->texts);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Seen, seen_clear)

static char *read_data(const char *file)
{
    g_autofree char *path = g_test_build_filename(G_TEST_DIST, "..", "data", "agents", file, NULL);
    g_autoptr(GError) error = NULL;
    char *text;

    g_file_get_contents(path, &text, NULL, &error);
    g_assert_no_error(error);
    return text;
}

static const AgentKind *kind_of_file(const char *file)
{
    g_autofree char *name = g_strndup(file, strcspn(file, "-"));
    const AgentKind *kind = agent_kind_find(name);

    g_assert_nonnull(kind);
    return kind;
}

static const char *string_of(JsonObject *promise, const char *name)
{
    return json_object_get_string_member_with_default(promise, name, NULL);
}

static void assert_usage(const Usage *usage, JsonObject *promise, const char *name)
{
    Usage expected;

    json_read_usage(
        json_object_has_member(promise, name) ? json_object_get_object_member(promise, name) : NULL,
        &expected);
    g_assert_cmpint(usage->has_cost, ==, expected.has_cost);
    g_assert_cmpfloat_with_epsilon(usage->cost_usd, expected.cost_usd, 1e-9);
    for (UsageCount i = 0; i < USAGE_COUNTS; i++) {
        g_assert_cmpint(usage->has[i], ==, expected.has[i]);
        g_assert_cmpuint(usage->counts[i], ==, expected.counts[i]);
    }
}

static const char *how_it_ended(const RunFacts *facts)
{
    if (facts->closed)
        return facts->success ? "success" : "failure";
    return facts->opened ? "open" : "unknown";
}

static void assert_promise(const char *file, JsonObject *promise)
{
    g_autofree char *text = read_data(file);
    JsonArray *texts = json_object_get_array_member(promise, "texts");
    g_auto(Seen) seen = {0};

    g_test_message("%s", file);
    see_text(&seen, kind_of_file(file), text);
    g_assert_cmpuint(seen.texts->len, ==, json_array_get_length(texts));
    for (guint i = 0; i < seen.texts->len; i++)
        g_assert_cmpstr(seen.texts->pdata[i], ==, json_array_get_string_element(texts, i));
    g_assert_cmpstr(seen.facts.session_id, ==, string_of(promise, "session_id"));
    g_assert_cmpstr(seen.facts.error, ==, string_of(promise, "error"));
    g_assert_cmpstr(how_it_ended(&seen.facts), ==, string_of(promise, "ended"));
    assert_usage(&seen.facts.usage, promise, "usage");
    assert_usage(&seen.facts.session, promise, "session_usage");
}

static void test_every_capture_gives_what_its_kind_promises(void)
{
    g_autofree char *text = read_data("promises.json");
    g_autoptr(JsonNode) root = json_from_string(text, NULL);
    JsonObject *promises = json_node_get_object(root);
    g_autoptr(GList) files = json_object_get_members(promises);

    g_assert_cmpuint(g_list_length(files), >, 60);
    for (GList *l = files; l; l = l->next)
        assert_promise(l->data, json_object_get_object_member(promises, l->data));
}

/* --- What the captures do not show --- */

#define RESULT(turns, input, output)                                                               \
    "{\"type\":\"result\",\"is_error\":false,\"num_turns\":" turns                                 \
    ",\"usage\":{\"input_tokens\":" input                                                          \
    ",\"cache_read_input_tokens\":0,\"output_tokens\":" output "}}\n"
#define SPOKE "{\"type\":\"assistant\",\"message\":{\"content\":[{\"text\":\"a\"}]}}\n"

static void test_an_empty_first_result_is_not_the_runs(void)
{
    g_auto(Seen) killed = {0};
    g_auto(Seen) ended = {0};

    see_text(&killed, &agent_kind_claude, RESULT("0", "0", "0") SPOKE);
    g_assert_cmpstr(how_it_ended(&killed.facts), ==, "unknown");
    see_text(&ended, &agent_kind_claude, RESULT("0", "0", "0") SPOKE RESULT("2", "24", "14"));
    g_assert_cmpstr(how_it_ended(&ended.facts), ==, "success");
    g_assert_cmpuint(ended.facts.usage.counts[USAGE_TURNS], ==, 2);
}

static void test_several_results_add_up(void)
{
    g_auto(Seen) seen = {0};
    static const char text[] = "{\"type\":\"result\",\"num_turns\":2,\"total_cost_usd\":0.5,"
                               "\"usage\":{\"input_tokens\":24}}\n"
                               "{\"type\":\"result\",\"num_turns\":1,\"total_cost_usd\":0.75,"
                               "\"usage\":{\"input_tokens\":12}}";

    see_text(&seen, &agent_kind_claude, text);
    g_assert_cmpfloat(seen.facts.usage.cost_usd, ==, 0.75);
    g_assert_cmpuint(seen.facts.usage.counts[USAGE_TURNS], ==, 3);
    g_assert_cmpuint(seen.facts.usage.counts[USAGE_INPUT_TOKENS], ==, 36);
}

/* All input, the cached part of it in a figure of its own, whatever the CLI counts. */
static void test_cached_input_is_part_of_the_input(void)
{
    static const struct {
        const AgentKind *kind;
        const char *line;
    } cases[] = {
        {&agent_kind_claude,
         "{\"type\":\"result\",\"usage\":{\"input_tokens\":12,\"cache_read_input_tokens\":4000,"
         "\"cache_creation_input_tokens\":1000}}"},
        {&agent_kind_claude,
         "{\"type\":\"result\",\"usage\":{\"input_tokens\":7},\"model_usage_since_last_result\":"
         "{\"m\":{\"inputTokens\":2,\"cacheReadInputTokens\":4000},"
         "\"n\":{\"inputTokens\":10,\"cacheCreationInputTokens\":1000}}}"},
        {&agent_kind_codex, "{\"type\":\"turn.completed\",\"usage\":{\"input_tokens\":5012,"
                            "\"cached_input_tokens\":4000}}"},
        {&agent_kind_gemini,
         "{\"type\":\"result\",\"stats\":{\"input_tokens\":5012,\"cached\":4000}}"},
        {&agent_kind_opencode, "{\"type\":\"step_finish\",\"part\":{\"tokens\":{\"input\":12,"
                               "\"cache\":{\"read\":4000,\"write\":1000}}}}"},
        {&agent_kind_pi,
         "{\"type\":\"message_end\",\"message\":{\"role\":\"assistant\",\"usage\":{\"input\":12,"
         "\"cacheRead\":4000,\"cacheWrite\":1000}}}"},
    };

    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_auto(Seen) seen = {0};

        see_text(&seen, cases[i].kind, cases[i].line);
        usage_replace(&seen.facts.usage, &seen.facts.session);
        g_assert_cmpuint(seen.facts.usage.counts[USAGE_INPUT_TOKENS], ==, 5012);
        g_assert_cmpuint(seen.facts.usage.counts[USAGE_CACHED_INPUT_TOKENS], ==, 4000);
    }
}

static void test_a_json_body_becomes_its_message(void)
{
    static const struct {
        const char *error, *words;
    } cases[] = {
        {"{\\\"error\\\":{\\\"message\\\":\\\"too long\\\",\\\"code\\\":400}}", "too long"},
        {"401: {\\\"message\\\":\\\"no key\\\"}", "401: no key"},
        {"[API Error: {\\\"error\\\":\\\"{\\\\\\\"message\\\\\\\":\\\\\\\"deep\\\\\\\"}\\\"}]",
         "[API Error: deep]"},
        {"use {braces} here", "use {braces} here"},
        {"{\\\"code\\\":400}", "{\"code\":400}"},
    };

    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *line = g_strdup_printf(
            "{\"type\":\"turn.failed\",\"error\":{\"message\":\"%s\"}}", cases[i].error);
        g_auto(Seen) seen = {0};

        see_text(&seen, &agent_kind_codex, line);
        g_assert_cmpstr(seen.facts.error, ==, cases[i].words);
    }
}

static void test_what_is_not_known_before_is_not_known_after(void)
{
    Usage total = {.has = {[USAGE_INPUT_TOKENS] = TRUE, [USAGE_OUTPUT_TOKENS] = TRUE},
                   .counts = {[USAGE_INPUT_TOKENS] = 24, [USAGE_OUTPUT_TOKENS] = 7}};
    Usage before = {.has = {[USAGE_INPUT_TOKENS] = TRUE}, .counts = {[USAGE_INPUT_TOKENS] = 12}};
    Usage later = {.has = {[USAGE_INPUT_TOKENS] = TRUE}, .counts = {[USAGE_INPUT_TOKENS] = 13}};

    usage_subtract(&total, &before);
    g_assert_cmpuint(total.counts[USAGE_INPUT_TOKENS], ==, 12);
    g_assert_false(total.has[USAGE_OUTPUT_TOKENS]);
    usage_subtract(&total, &later);
    g_assert_false(usage_is_known(&total));
}

/* --- Questions --- */

static const char *const asks =
    "{\"type\":\"control_request\",\"request_id\":\"r-1\",\"request\":{\"subtype\":\"can_use_"
    "tool\","
    "\"tool_name\":\"Bash\",\"display_name\":\"Bash\",\"input\":{\"command\":\"a "
    "\\\"}\\ud83d\\ude00\","
    "\"n\":1.50e3},\"permission_suggestions\":[{\"type\":\"addRules\",\"rules\":[{\"toolName\":"
    "\"Bash\","
    "\"ruleContent\":\"a *\"}],\"behavior\":\"allow\",\"destination\":\"localSettings\"},{\"type\":"
    "\"setMode\",\"mode\":\"acceptEdits\",\"destination\":\"session\"}],\"tool_use_id\":\"toolu_"
    "1\"}}";

/* The answer to the question that @line asks, without its newline. */
static char *answer_line(const char *line, AgentAnswer answer)
{
    JsonScan scan;
    JsonTape tape;
    g_autoptr(GError) error = NULL;

    json_scan_init(&scan);
    json_tape_init(&tape);
    json_scan_record(&scan, &tape);
    g_assert_true(json_scan_push(&scan, line, strlen(line)) && json_scan_finish(&scan));
    g_auto(LineDocument) document = line_document(line, &tape);
    char *text = agent_kind_claude.build_answer(line_document_root(&document), &answer, &error);
    json_tape_clear(&tape);
    return text ? g_strchomp(text) : NULL;
}

static void test_a_question_is_read(void)
{
    g_auto(Seen) seen = {0};

    seen.texts = g_ptr_array_new_with_free_func(g_free);
    see_line(&seen, &agent_kind_claude, asks, strlen(asks));
    g_assert_cmpuint(seen.facts.questions->len, ==, 1);
    const AgentQuestion *question = seen.facts.questions->pdata[0];
    g_assert_cmpstr(question->request, ==, "r-1");
    g_assert_cmpstr(question->title, ==, "May it use Bash?");
    g_assert_cmpstr(question->detail, ==, "a \"}😀");
    g_assert_cmpuint(question->options->len, ==, 3);
}

/* By the outcome of what it is about, or as the agent takes it back; by nothing else. */
static void test_a_question_is_settled(void)
{
    static const char *const other = "{\"type\":\"user\",\"message\":{\"content\":[{\"type\":"
                                     "\"tool_result\",\"tool_use_id\":\"toolu_2\"}]}}";
    static const char *const settles[] = {
        "{\"type\":\"user\",\"message\":{\"content\":[{\"type\":\"tool_result\","
        "\"tool_use_id\":\"toolu_1\"}]}}",
        "{\"type\":\"control_cancel_request\",\"request_id\":\"r-1\"}",
    };

    for (gsize i = 0; i < G_N_ELEMENTS(settles); i++) {
        g_auto(Seen) seen = {0};
        seen.texts = g_ptr_array_new_with_free_func(g_free);
        see_line(&seen, &agent_kind_claude, asks, strlen(asks));
        see_line(&seen, &agent_kind_claude, other, strlen(other));
        g_assert_cmpuint(seen.facts.questions->len, ==, 1);
        see_line(&seen, &agent_kind_claude, settles[i], strlen(settles[i]));
        g_assert_cmpuint(seen.facts.questions->len, ==, 0);
    }
}

#define RESPONSE                                                                                   \
    "{\"type\":\"control_response\",\"response\":{\"subtype\":\"success\",\"request_id\":\"r-1\"," \
    "\"response\":{\"behavior\":"

static void test_an_answer_is_word_for_word(void)
{
    g_autofree char *yes = answer_line(asks, (AgentAnswer){.option = OPTION_ALLOW});
    g_autofree char *always = answer_line(asks, (AgentAnswer){.option = OPTION_ALWAYS});
    g_autofree char *no =
        answer_line(asks, (AgentAnswer){.option = OPTION_DENY, .message = "a \"b\"\n"});

    g_assert_cmpstr(yes, ==,
                    RESPONSE "\"allow\",\"updatedInput\":{\"command\":"
                             "\"a \\\"}\\ud83d\\ude00\",\"n\":1.50e3}}}}");
    g_assert_true(g_str_has_suffix(
        always,
        ",\"updatedPermissions\":[{\"type\":\"addRules\",\"rules\":[{\"toolName\":\"Bash\","
        "\"ruleContent\":\"a *\"}],\"behavior\":\"allow\",\"destination\":\"session\"}]}}}"));
    g_assert_cmpstr(no, ==, RESPONSE "\"deny\",\"message\":\"a \\\"b\\\"\\n\"}}}");
    g_assert_null(answer_line(asks, (AgentAnswer){.option = OPTION_ALLOW, .input = "{} {}"}));
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/kinds/every-capture-gives-what-its-kind-promises",
                    test_every_capture_gives_what_its_kind_promises);
    g_test_add_func("/kinds/an-empty-first-result-is-not-the-runs",
                    test_an_empty_first_result_is_not_the_runs);
    g_test_add_func("/kinds/several-results-add-up", test_several_results_add_up);
    g_test_add_func("/kinds/cached-input-is-part-of-the-input",
                    test_cached_input_is_part_of_the_input);
    g_test_add_func("/kinds/a-json-body-becomes-its-message", test_a_json_body_becomes_its_message);
    g_test_add_func("/kinds/what-is-not-known-before-is-not-known-after",
                    test_what_is_not_known_before_is_not_known_after);
    g_test_add_func("/kinds/question", test_a_question_is_read);
    g_test_add_func("/kinds/question/settled", test_a_question_is_settled);
    g_test_add_func("/kinds/question/answer", test_an_answer_is_word_for_word);
    return g_test_run();
}
