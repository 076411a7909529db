/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <json-glib/json-glib.h>
#include <string.h>

#include "transcript/decoder.h"

#include "base/json-scan.h"
#include "base/line-clean.h"

#define MIB (1024u * 1024)
#define FFFD "\xEF\xBF\xBD"

/* A decoded text ends in no NUL. Caller frees. */
static char *text_of(const DecodedLine *decoded)
{
    return g_strndup(decoded->text, decoded->length);
}

static void assert_text(const DecodedLine *decoded, const char *expected)
{
    g_autofree char *text = text_of(decoded);
    g_assert_cmpstr(text, ==, expected);
}

static void assert_class(const char *line, gsize length, LineClass class, const char *text)
{
    g_auto(DecodedLine) decoded = {0};

    decode_line(&agent_kind_raw, line, length, &decoded);
    g_assert_cmpint(decoded.class, ==, class);
    assert_text(&decoded, text);
    g_assert_cmpuint(decoded.length, ==, text ? strlen(text) : 0);
}

/* The strings of @decoded, joined by "|": one comparison says it all. */
static char *join_texts(const DecodedLine *decoded)
{
    GString *joined = g_string_new(NULL);

    for (guint i = 0; decoded->texts && i < decoded->texts->len; i++)
        g_string_append_printf(joined, "%s%s", i > 0 ? "|" : "", (char *)decoded->texts->pdata[i]);
    return g_string_free(joined, FALSE);
}

static void assert_texts(const AgentKind *kind, const char *line, const char *expected)
{
    g_auto(DecodedLine) decoded = {0};
    g_autofree char *texts = NULL;

    decode_line(kind, line, strlen(line), &decoded);
    g_assert_cmpint(decoded.class, ==, LINE_JSON);
    assert_text(&decoded, line);
    texts = join_texts(&decoded);
    g_assert_cmpstr(texts, ==, expected);
}

/* The captured transcripts */

/* What one transcript gives: events as in index.json, the outputs' texts, the last session id. */
typedef struct {
    GPtrArray *events;
    GPtrArray *outputs;
    char *session_id;
    gboolean json_outputs; /* take the outputs of JSON lines too */
} Transcript;

static void add_output(Transcript *transcript, const char *text)
{
    g_ptr_array_add(transcript->events, g_strdup("output"));
    g_ptr_array_add(transcript->outputs, g_strdup(text));
}

static void add_facts(Transcript *transcript, const LineFacts *facts)
{
    if (facts->session_id) {
        g_free(transcript->session_id);
        transcript->session_id = g_strdup(facts->session_id);
    }
}

static void add_json(Transcript *transcript, const DecodedLine *decoded)
{
    JsonScan scan;

    for (guint i = 0; transcript->json_outputs && decoded->texts && i < decoded->texts->len; i++)
        add_output(transcript, decoded->texts->pdata[i]);
    json_scan_init(&scan);
    g_assert_true(json_scan_push(&scan, decoded->text, decoded->length));
    g_ptr_array_add(transcript->events, g_strconcat("agent_json:", json_scan_type(&scan), NULL));
    add_facts(transcript, &decoded->facts);
}

static void add_line(Transcript *transcript, const AgentKind *kind, const char *line, gsize length)
{
    g_auto(DecodedLine) decoded = {0};

    decode_line(kind, line, length, &decoded);
    g_autofree char *text = text_of(&decoded);
    if (decoded.class == LINE_OUTPUT)
        add_output(transcript, text);
    else if (decoded.class == LINE_JSON)
        add_json(transcript, &decoded);
}

static const AgentKind *kind_of_file(const char *file)
{
    g_autofree char *name = g_strndup(file, strcspn(file, "-"));
    const AgentKind *kind = agent_kind_find(name);

    g_assert_nonnull(kind);
    return kind;
}

static Transcript *transcript_load(const char *file, gboolean json_outputs)
{
    g_autofree char *path = g_test_build_filename(G_TEST_DIST, "..", "data", "agents", file, NULL);
    g_autofree char *bytes = NULL;
    g_autoptr(GError) error = NULL;
    Transcript *transcript = g_new0(Transcript, 1);
    gsize length;
    const char *line, *end;

    transcript->json_outputs = json_outputs;
    transcript->events = g_ptr_array_new_with_free_func(g_free);
    transcript->outputs = g_ptr_array_new_with_free_func(g_free);
    g_file_get_contents(path, &bytes, &length, &error);
    g_assert_no_error(error);
    end = bytes + length;
    for (line = bytes; line < end;) {
        const char *newline = memchr(line, '\n', (gsize)(end - line));
        gsize n = (gsize)((newline ? newline : end) - line);

        add_line(transcript, kind_of_file(file), line, n);
        line += n + 1;
    }
    return transcript;
}

static void transcript_free(Transcript *transcript)
{
    g_ptr_array_unref(transcript->events);
    g_ptr_array_unref(transcript->outputs);
    g_free(transcript->session_id);
    g_free(transcript);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Transcript, transcript_free)

static JsonObject *load_index(void)
{
    g_autofree char *path =
        g_test_build_filename(G_TEST_DIST, "..", "data", "agents", "index.json", NULL);
    g_autoptr(JsonParser) parser = json_parser_new();
    g_autoptr(GError) error = NULL;

    json_parser_load_from_file(parser, path, &error);
    g_assert_no_error(error);
    return json_node_dup_object(json_parser_get_root(parser));
}

/* The index has a long text's length in characters and how it starts. */
static void assert_output(const char *text, JsonNode *expected)
{
    JsonObject *about;

    if (JSON_NODE_HOLDS_VALUE(expected)) {
        g_assert_cmpstr(text, ==, json_node_get_string(expected));
        return;
    }
    about = json_node_get_object(expected);
    g_assert_cmpint(g_utf8_strlen(text, -1), ==, json_object_get_int_member(about, "length"));
    g_assert_true(g_str_has_prefix(text, json_object_get_string_member(about, "starts")));
}

static void assert_transcript(const char *file, JsonObject *expected)
{
    const AgentKind *kind = kind_of_file(file);
    g_autoptr(Transcript) transcript = transcript_load(file, kind == &agent_kind_claude);
    JsonArray *events = json_object_get_array_member(expected, "events");
    JsonArray *outputs = json_object_get_array_member(expected, "output");

    g_test_message("%s", file);
    g_assert_cmpuint(transcript->events->len, ==, json_array_get_length(events));
    for (guint i = 0; i < transcript->events->len; i++)
        g_assert_cmpstr(transcript->events->pdata[i], ==, json_array_get_string_element(events, i));
    g_assert_cmpuint(transcript->outputs->len, ==, json_array_get_length(outputs));
    for (guint i = 0; i < transcript->outputs->len; i++)
        assert_output(transcript->outputs->pdata[i], json_array_get_element(outputs, i));
    if (kind == &agent_kind_claude)
        g_assert_cmpstr(transcript->session_id, ==,
                        json_object_get_string_member_with_default(expected, "session_id", NULL));
}

static void test_captured_transcripts(void)
{
    g_autoptr(JsonObject) index = load_index();
    g_autoptr(GList) files = json_object_get_members(index);

    g_assert_cmpuint(g_list_length(files), ==, 28);
    for (GList *l = files; l; l = l->next)
        assert_transcript(l->data, json_object_get_object_member(index, l->data));
}

/* Lines in general */

static void test_tells_objects_from_output(void)
{
    static const struct {
        const char *line;
        LineClass class;
        const char *text;
    } cases[] = {
        {"", LINE_NOTHING, NULL},
        {" \t\r\f ", LINE_NOTHING, NULL},
        {"hello", LINE_OUTPUT, "hello"},
        {"\t  indented \r", LINE_OUTPUT, "indented"},
        {"{\"a\":1}", LINE_JSON, "{\"a\":1}"},
        {"  { \"a\" : 1 } \r", LINE_JSON, "{ \"a\" : 1 }"},
        /* JSON, but no object */
        {"1", LINE_OUTPUT, "1"},
        {"\"a\"", LINE_OUTPUT, "\"a\""},
        {"null", LINE_OUTPUT, "null"},
        {"[{\"type\":\"result\"}]", LINE_OUTPUT, "[{\"type\":\"result\"}]"},
        /* nearly JSON */
        {"{} {}", LINE_OUTPUT, "{} {}"},
        {"var x={};", LINE_OUTPUT, "var x={};"},
        {"{'a':1}", LINE_OUTPUT, "{'a':1}"},
        {"{\"a\":0x10}", LINE_OUTPUT, "{\"a\":0x10}"},
        {"{\"a\":1/* one */}", LINE_OUTPUT, "{\"a\":1/* one */}"},
        {"^C{\"type\":\"user\"}", LINE_OUTPUT, "^C{\"type\":\"user\"}"},
        {"\xEF\xBB\xBF{}", LINE_OUTPUT, "\xEF\xBB\xBF{}"},
        {"{\"type\":\"resu", LINE_OUTPUT, "{\"type\":\"resu"},
    };

    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++)
        assert_class(cases[i].line, strlen(cases[i].line), cases[i].class, cases[i].text);
}

static void test_removes_escape_sequences(void)
{
    static const struct {
        const char *line, *text;
    } cases[] = {
        {"\x1b[31mred\x1b[0m", "red"},
        {"\x1b[?25h", NULL},
        {"\x1b[1;38:2::1:2:3mx\x1b[m", "x"},
        {"\x1b[>4m\x1b[<u\x1b[?1004l\x1b[?2004l\x1b[?25h\x1b]9;4;0;\x07\x1b]0;\x07\x1b[?25h", NULL},
        {"\x1b[ qx\x1b[2 qy", "xy"},
        {"\x1b]0;title\x07text", "text"},
        {"\x1b]0;title\x1b\\text", "text"},
        {"\x1b]8;;http://a/{b}\x07link\x1b]8;;\x07", "link"},
        {"\x1bP1$r0m\x1b\\text", "text"},
        {"\x1b_apc\x1b\\\x1b^pm\x1b\\\x1bXsos\x1b\\text", "text"},
        {"\x1b]0;cancelled\x18text", "text"},
        {"\x1b"
         "7\x1b(B\x1b=\x1b>\x1b#8\x1b"
         "cx",
         "x"},
        {"a\x1b", "a"},
        {"a\x1b[", "a"},
        {"a\x1b[31", "a"},
        {"a\x1b(", "a"},
        {"\x1b\x1b[31mx", "x"},
        {"\x1bPtmux;\x1b\x1b]0;title\x07\x1b\\text", "text"},
        /* without an end: to the first brace, to what begins next, or to the line's end */
        {"a\x1b]0;title", "a"},
        {"a\x1b]0;title {b} c", "a{b} c"},
        {"a\x1bP title \x1b[31mred", "ared"},
        {"\x1b[31\x1b[32mgreen", "green"},
        {"\x1b[{b}", "{b}"},
        {"\x1b{b}", "{b}"},
    };

    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++)
        assert_class(cases[i].line, strlen(cases[i].line),
                     cases[i].text ? LINE_OUTPUT : LINE_NOTHING, cases[i].text);
}

static void test_finds_an_object_among_escape_sequences(void)
{
    static const char *const around[][2] = {
        {"\x1b[?25h", ""},
        {"", "\x1b[?25h"},
        {"\x1b[2K\r", "\x1b[0m\r"},
        {"\x1b]0;title\x07", "\x1b]0;\x1b\\"},
        {"\x1b[", ""},
        {"\x1b[?25", ""},
        {"\x1b[0 ", ""},
        {"\x1b]0;title without an end ", ""},
        {"\x1b]0;title without an end ", "\x1b]9;4;0;\x07"},
        {"\x1bP1;2q", "\x1b[m"},
        {"\x1b_", ""},
        {"\x1b", "\x1b"},
        {"\x01\x02 \x07", "\x08"},
        {"\v", "\v"},
    };
    static const char object[] = "{\"type\":\"result\",\"a\":\"{b}\"}";

    for (gsize i = 0; i < G_N_ELEMENTS(around); i++) {
        g_autofree char *line = g_strconcat(around[i][0], object, around[i][1], NULL);

        assert_class(line, strlen(line), LINE_JSON, object);
    }
}

static void test_replaces_what_is_no_utf8(void)
{
    static const struct {
        const char *line;
        gsize length;
        const char *text;
    } cases[] = {
        {"a\xff", 2, "a" FFFD},
        {"\xff\xfe", 2, FFFD FFFD},
        {"a\0b\0", 4, "a" FFFD "b" FFFD},
        {"\0", 1, FFFD},
        {"\xc3", 1, FFFD},
        {"\xe2\x82", 2, FFFD},
        {"\xe2\x82x", 3, FFFD "x"},
        {"\xf0\x9f\x98 \xf0\x9f\x98\x80", 8, FFFD " \xf0\x9f\x98\x80"},
        {"\xed\xa0\x80", 3, FFFD FFFD FFFD},
        {"\xc0\xaf", 2, FFFD FFFD},
        {"\xf4\x90\x80\x80", 4, FFFD FFFD FFFD FFFD},
        {"x\x80y", 3, "x" FFFD "y"},
        {"caf\xc3\xa9", 5, "caf\xc3\xa9"},
        {"a\x01\x02\x1f\x7f\tb\xc2\x9b", 9, "a\x7f\tb\xc2\x9b"},
        {"{\"a\":\"\xff\"}", 9, "{\"a\":\"" FFFD "\"}"},
    };

    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        gboolean object = cases[i].line[0] == '{';

        assert_class(cases[i].line, cases[i].length, object ? LINE_JSON : LINE_OUTPUT,
                     cases[i].text);
    }
}

static void test_survives_a_hundred_thousand_brackets(void)
{
    g_autofree char *brackets = g_strnfill(100000, '[');
    g_autofree char *line = g_strconcat("{\"type\":\"assistant\",\"message\":", brackets, NULL);
    g_auto(DecodedLine) decoded = {0};

    decode_line(&agent_kind_claude, line, strlen(line), &decoded);
    g_assert_cmpint(decoded.class, ==, LINE_OUTPUT);
    g_assert_cmpuint(decoded.length, ==, strlen(line));
}

static char *long_assistant(gsize length)
{
    static const char head[] = "{\"type\":\"assistant\",\"message\":{\"content\":[{\"text\":\"";
    static const char tail[] = "\"}]}}";
    g_autofree char *text = g_strnfill(length - strlen(head) - strlen(tail), 'x');

    return g_strconcat(head, text, tail, NULL);
}

static void test_bounds_what_is_parsed(void)
{
    static const struct {
        gsize length;
        guint texts;
    } cases[] = {{DECODER_MAX_PARSED, 1}, {DECODER_MAX_PARSED + 1, 0}, {16 * MIB, 0}};

    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *line = long_assistant(cases[i].length);
        g_auto(DecodedLine) decoded = {0};

        decode_line(&agent_kind_claude, line, cases[i].length, &decoded);
        g_assert_cmpint(decoded.class, ==, LINE_JSON);
        g_assert_cmpuint(decoded.length, ==, cases[i].length);
        g_assert_cmpuint(decoded.texts ? decoded.texts->len : 0, ==, cases[i].texts);
    }
}

static void test_takes_sixteen_mebibytes_of_anything(void)
{
    static const char *const patterns[] = {"\x1b", "\x1b]{", "\x1b[", "\xff", "\xe2\x82", "{", "x"};

    for (gsize i = 0; i < G_N_ELEMENTS(patterns); i++) {
        g_autofree char *line = g_malloc(16 * MIB);
        gsize n = strlen(patterns[i]);
        g_auto(DecodedLine) decoded = {0};

        for (gsize at = 0; at < 16 * MIB; at++)
            line[at] = patterns[i][at % n];
        decode_line(&agent_kind_claude, line, 16 * MIB, &decoded);
        g_assert_cmpint(decoded.class, !=, LINE_JSON);
        g_assert_true(!decoded.text || g_utf8_validate_len(decoded.text, decoded.length, NULL));
    }
}

/* What the kinds say */

#define CLAUDE_TEXT(text)                                                                          \
    "{\"type\":\"assistant\",\"message\":{\"content\":[{\"type\":\"text\",\"text\":\"" text "\"}]" \
    "}}"

static void test_gives_the_texts_of_each_kind(void)
{
    static const struct {
        const AgentKind *kind;
        const char *line, *texts;
    } cases[] = {
        {&agent_kind_claude, CLAUDE_TEXT("hello"), "hello"},
        {&agent_kind_claude,
         "{\"type\":\"assistant\",\"message\":{\"content\":[{\"text\":\"a\"},{\"text\":\"\"}]}}",
         "a|"},
        {&agent_kind_claude, "{\"type\":\"assistant\",\"message\":{\"content\":\"a\"}}", ""},
        {&agent_kind_claude,
         "{\"type\":\"assistant\",\"message\":{\"content\":[{\"text\":\"a\"},{\"type\":\"tool_"
         "use\"}"
         ",7,null,\"b\",[],{\"text\":1},{\"text\":null},{\"text\":\"c\"}]}}",
         "a|c"},
        {&agent_kind_claude,
         "{\"message\":{\"content\":[{\"text\":\"a\"}]},\"parent_tool_use_id\":\"toolu_1\","
         "\"\\u0074ype\":\"assistant\"}",
         "a"},
        {&agent_kind_claude, "{\"type\":\"user\",\"message\":{\"content\":[{\"text\":\"a\"}]}}",
         ""},
        {&agent_kind_claude,
         "{\"type\":\"assistant\\u0000\",\"message\":{\"content\":[{\"text\":"
         "\"a\"}]}}",
         ""},
        {&agent_kind_raw, CLAUDE_TEXT("hello"), ""},
        {&agent_kind_codex, CLAUDE_TEXT("hello"), ""},
        {&agent_kind_codex,
         "{\"type\":\"item.completed\",\"item\":{\"type\":\"agent_message\",\"text\":\"a\"}}", "a"},
        {&agent_kind_codex,
         "{\"type\":\"item.completed\",\"item\":{\"type\":\"reasoning\",\"text\":\"a\"}}", ""},
        {&agent_kind_gemini, "{\"type\":\"message\",\"role\":\"assistant\",\"content\":\"a\"}",
         "a"},
        {&agent_kind_gemini, "{\"type\":\"message\",\"role\":\"user\",\"content\":\"a\"}", ""},
        {&agent_kind_opencode, "{\"type\":\"text\",\"part\":{\"text\":\"a\"}}", "a"},
        {&agent_kind_opencode, "{\"type\":\"reasoning\",\"part\":{\"text\":\"a\"}}", ""},
    };

    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++)
        assert_texts(cases[i].kind, cases[i].line, cases[i].texts);
}

static void test_replaces_lone_surrogates_and_nul_in_texts(void)
{
    static const struct {
        const char *line, *texts;
    } cases[] = {
        {CLAUDE_TEXT("a\\u0000b"), "a" FFFD "b"},
        {CLAUDE_TEXT("a\\ud800b"), "a" FFFD "b"},
        {CLAUDE_TEXT("\\uDFFF"), FFFD},
        {CLAUDE_TEXT("\\ud800\\ud800\\udc00\\udc00"), FFFD "\xf0\x90\x80\x80" FFFD},
        {CLAUDE_TEXT("\\uD83D\\uDE00 \\ud800"), "\xf0\x9f\x98\x80 " FFFD},
        {CLAUDE_TEXT("\\ud83d\\\\ude00"), FFFD "\\ude00"},
        {CLAUDE_TEXT("\\\\u0000 \\\\\\u0000"), "\\u0000 \\" FFFD},
        {CLAUDE_TEXT("\\u00001 \\u0001"), FFFD "1 \x01"},
        {CLAUDE_TEXT("\\n\\\"\\/\\u00e9\x7f\xc2\x9b"), "\n\"/\xc3\xa9\x7f\xc2\x9b"},
    };

    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++)
        assert_texts(&agent_kind_claude, cases[i].line, cases[i].texts);
}

static void test_reads_how_a_run_ends(void)
{
    static const struct {
        const AgentKind *kind;
        const char *line;
        gboolean closing, success;
        const char *error;
    } cases[] = {
        {&agent_kind_claude, "{\"type\":\"result\",\"is_error\":false,\"result\":\"a\"}", TRUE,
         TRUE, NULL},
        {&agent_kind_claude, "{\"result\":\"a\",\"type\":\"result\"}", TRUE, TRUE, NULL},
        {&agent_kind_claude, "{\"type\":\"result\",\"is_error\":null}", TRUE, TRUE, NULL},
        {&agent_kind_claude,
         "{\"type\":\"result\",\"subtype\":\"success\",\"is_error\":true,\"result\":\"API Error\"}",
         TRUE, FALSE, "API Error"},
        {&agent_kind_claude,
         "{\"type\":\"result\",\"subtype\":\"error_max_turns\",\"is_error\":true,"
         "\"errors\":[\"a\",1,\"b\"]}",
         TRUE, FALSE, "a; b"},
        {&agent_kind_claude,
         "{\"type\":\"result\",\"subtype\":\"error_max_turns\",\"is_error\":true,\"result\":\"\","
         "\"errors\":[]}",
         TRUE, FALSE, "error_max_turns"},
        {&agent_kind_claude,
         "{\"type\":\"result\",\"subtype\":\"success\",\"is_error\":true,\"errors\":{}}", TRUE,
         FALSE, NULL},
        {&agent_kind_claude, "{\"type\":\"result\",\"is_error\":\"yes\",\"result\":7}", TRUE, FALSE,
         NULL},
        {&agent_kind_claude, "{\"type\":\"user\",\"is_error\":false,\"result\":\"a\"}", FALSE,
         FALSE, NULL},
        {&agent_kind_codex, "{\"type\":\"turn.completed\",\"usage\":[]}", TRUE, TRUE, NULL},
        {&agent_kind_codex, "{\"type\":\"turn.failed\",\"error\":{\"message\":\"a\"}}", TRUE, FALSE,
         "a"},
        {&agent_kind_codex, "{\"type\":\"error\",\"message\":\"a\"}", FALSE, FALSE, NULL},
        {&agent_kind_gemini, "{\"type\":\"result\",\"status\":\"success\"}", TRUE, TRUE, NULL},
        {&agent_kind_gemini, "{\"type\":\"result\"}", TRUE, FALSE, NULL},
        {&agent_kind_gemini,
         "{\"type\":\"result\",\"status\":\"error\",\"error\":{\"message\":\"a\"}}", TRUE, FALSE,
         "a"},
        {&agent_kind_opencode, "{\"type\":\"step_finish\",\"part\":{\"reason\":\"stop\"}}", TRUE,
         TRUE, NULL},
        {&agent_kind_opencode, "{\"type\":\"step_finish\",\"part\":{\"reason\":\"tool-calls\"}}",
         FALSE, FALSE, NULL},
        {&agent_kind_opencode,
         "{\"type\":\"error\",\"error\":{\"name\":\"a\",\"data\":{\"message\":\"b\"}}}", TRUE,
         FALSE, "b"},
        {&agent_kind_opencode, "{\"type\":\"error\",\"error\":{\"name\":\"a\",\"data\":7}}", TRUE,
         FALSE, "a"},
        {&agent_kind_raw, "{\"type\":\"result\",\"result\":\"a\"}", FALSE, FALSE, NULL},
    };

    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_auto(DecodedLine) decoded = {0};

        g_test_message("%s", cases[i].line);
        decode_line(cases[i].kind, cases[i].line, strlen(cases[i].line), &decoded);
        g_assert_cmpint(decoded.class, ==, LINE_JSON);
        g_assert_cmpint(decoded.facts.closing, ==, cases[i].closing);
        g_assert_cmpint(decoded.facts.success, ==, cases[i].success);
        g_assert_cmpstr(decoded.facts.error, ==, cases[i].error);
    }
}

static void test_reads_the_session(void)
{
    static const struct {
        const AgentKind *kind;
        const char *line, *session_id;
        gboolean opening;
    } cases[] = {
        {&agent_kind_claude, "{\"type\":\"system\",\"subtype\":\"init\",\"session_id\":\"a\"}", "a",
         TRUE},
        {&agent_kind_claude, "{\"type\":\"system\",\"subtype\":\"status\",\"session_id\":\"a\"}",
         "a", FALSE},
        {&agent_kind_claude, "{\"type\":\"system\",\"session_id\":\"\"}", NULL, FALSE},
        {&agent_kind_claude, "{\"type\":\"system\",\"session_id\":7}", NULL, FALSE},
        {&agent_kind_claude, "{\"type\":\"system\",\"session_id\":[\"a\"]}", NULL, FALSE},
        {&agent_kind_claude, "{\"type\":\"assistant\",\"session_id\":\"a\"}", NULL, FALSE},
        {&agent_kind_claude, "{\"type\":\"result\",\"session_id\":\"a\"}", NULL, FALSE},
        {&agent_kind_codex, "{\"type\":\"thread.started\",\"thread_id\":\"a\"}", "a", TRUE},
        {&agent_kind_codex, "{\"type\":\"turn.started\",\"thread_id\":\"a\"}", NULL, FALSE},
        {&agent_kind_gemini, "{\"type\":\"init\",\"session_id\":\"a\"}", "a", TRUE},
        {&agent_kind_gemini, "{\"type\":\"result\",\"session_id\":\"a\"}", NULL, FALSE},
        {&agent_kind_opencode, "{\"type\":\"step_start\",\"sessionID\":\"a\"}", "a", TRUE},
        {&agent_kind_opencode, "{\"type\":\"no such type\",\"sessionID\":\"a\"}", "a", FALSE},
        {&agent_kind_opencode, "{\"sessionID\":\"a\"}", "a", FALSE},
        {&agent_kind_raw, "{\"type\":\"system\",\"session_id\":\"a\"}", NULL, FALSE},
    };

    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_auto(DecodedLine) decoded = {0};

        decode_line(cases[i].kind, cases[i].line, strlen(cases[i].line), &decoded);
        g_assert_cmpstr(decoded.facts.session_id, ==, cases[i].session_id);
        g_assert_cmpint(decoded.facts.opening, ==, cases[i].opening);
    }
}

static void test_knows_when_the_model_acted(void)
{
    static const struct {
        const AgentKind *kind;
        const char *line;
        gboolean assistant;
    } cases[] = {
        {&agent_kind_claude, "{\"type\":\"assistant\"}", TRUE},
        {&agent_kind_claude, "{\"type\":\"assistant\",\"message\":{\"model\":\"m\"}}", TRUE},
        {&agent_kind_claude, "{\"type\":\"assistant\",\"message\":{\"model\":\"<synthetic>\"}}",
         FALSE},
        {&agent_kind_claude, "{\"type\":\"assistant\",\"is_api_error_message\":true}", FALSE},
        {&agent_kind_claude, "{\"type\":\"assistant\",\"isApiErrorMessage\":true}", FALSE},
        {&agent_kind_claude, "{\"type\":\"assistant\",\"isApiErrorMessage\":false}", TRUE},
        {&agent_kind_claude, "{\"type\":\"user\"}", FALSE},
        {&agent_kind_codex, "{\"type\":\"item.completed\",\"item\":{\"type\":\"file_change\"}}",
         TRUE},
        {&agent_kind_codex, "{\"type\":\"item.completed\",\"item\":{\"type\":\"error\"}}", FALSE},
        {&agent_kind_gemini, "{\"type\":\"tool_use\"}", TRUE},
        {&agent_kind_gemini, "{\"type\":\"message\",\"role\":\"assistant\"}", TRUE},
        {&agent_kind_gemini, "{\"type\":\"message\",\"role\":\"user\"}", FALSE},
        {&agent_kind_opencode, "{\"type\":\"tool_use\"}", TRUE},
        {&agent_kind_opencode, "{\"type\":\"text\"}", TRUE},
        {&agent_kind_opencode, "{\"type\":\"step_start\"}", FALSE},
    };

    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_auto(DecodedLine) decoded = {0};

        g_test_message("%s", cases[i].line);
        decode_line(cases[i].kind, cases[i].line, strlen(cases[i].line), &decoded);
        g_assert_cmpint(decoded.facts.assistant, ==, cases[i].assistant);
    }
}

static void test_reads_what_opencode_used(void)
{
    static const char line[] =
        "{\"type\":\"step_finish\",\"part\":{\"reason\":\"stop\",\"cost\":0.25,"
        "\"tokens\":{\"input\":3,\"output\":4}}}";
    g_auto(DecodedLine) decoded = {0};

    decode_line(&agent_kind_opencode, line, sizeof(line) - 1, &decoded);
    g_assert_true(decoded.facts.used.has_cost);
    g_assert_cmpfloat(decoded.facts.used.cost_usd, ==, 0.25);
    g_assert_cmpuint(decoded.facts.used.counts[USAGE_INPUT_TOKENS], ==, 3);
    g_assert_cmpuint(decoded.facts.used.counts[USAGE_OUTPUT_TOKENS], ==, 4);
}

static void assert_count(const Usage *usage, UsageCount count, gboolean known, guint64 value)
{
    g_assert_cmpint(usage->has[count], ==, known);
    g_assert_cmpuint(usage->counts[count], ==, value);
}

static void test_takes_only_sound_numbers(void)
{
    static const struct {
        const char *number;
        gboolean cost, count;
        guint64 value;
    } cases[] = {
        {"7", TRUE, TRUE, 7},
        {"0", TRUE, TRUE, 0},
        {"7.5", TRUE, TRUE, 7},
        {"7e2", TRUE, TRUE, 700},
        {"4294967295", TRUE, TRUE, G_MAXUINT32},
        {"1e300", FALSE, FALSE, 0},
        {"-1", FALSE, FALSE, 0},
        {"-0.5", FALSE, FALSE, 0},
        {"1e999", FALSE, FALSE, 0},
        {"-1e999", FALSE, FALSE, 0},
        {"18446744073709551616", FALSE, FALSE, 0},
        {"\"7\"", FALSE, FALSE, 0},
        {"null", FALSE, FALSE, 0},
        {"true", FALSE, FALSE, 0},
        {"[7]", FALSE, FALSE, 0},
        {"{}", FALSE, FALSE, 0},
    };

    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        const char *number = cases[i].number;
        g_autofree char *line = g_strdup_printf("{\"type\":\"result\",\"total_cost_usd\":%s,"
                                                "\"num_turns\":%s,\"usage\":{\"input_tokens\":%s,"
                                                "\"output_tokens\":%s}}",
                                                number, number, number, number);
        g_auto(DecodedLine) decoded = {0};
        const LineFacts *facts = &decoded.facts;

        decode_line(&agent_kind_claude, line, strlen(line), &decoded);
        g_test_message("%s", number);
        g_assert_true(facts->closing);
        g_assert_cmpint(facts->so_far.has_cost, ==, cases[i].cost);
        g_assert_cmpfloat(facts->so_far.cost_usd, ==,
                          cases[i].cost ? g_ascii_strtod(number, NULL) : 0);
        assert_count(&facts->used, USAGE_TURNS, cases[i].count, cases[i].value);
        assert_count(&facts->used, USAGE_INPUT_TOKENS, cases[i].count, cases[i].value);
        assert_count(&facts->used, USAGE_OUTPUT_TOKENS, cases[i].count, cases[i].value);
    }
}

static void test_reads_a_rate_limits_reset(void)
{
    static const struct {
        const char *line;
        guint64 retry_at;
    } cases[] = {
        {"{\"type\":\"rate_limit_event\",\"rate_limit_info\":{\"status\":\"rejected\","
         "\"resetsAt\":1790000000}}",
         G_GUINT64_CONSTANT(1790000000000000)},
        {"{\"type\":\"rate_limit_event\",\"status\":\"rejected\",\"resetsAt\":1790000000}",
         G_GUINT64_CONSTANT(1790000000000000)},
        {"{\"type\":\"rate_limit_event\",\"rate_limit_info\":{\"status\":\"allowed_warning\","
         "\"resetsAt\":1790000000}}",
         0},
        {"{\"type\":\"rate_limit_event\",\"rate_limit_info\":{\"status\":\"rejected\"}}", 0},
        {"{\"type\":\"rate_limit_event\",\"rate_limit_info\":{\"status\":\"rejected\","
         "\"resetsAt\":1e18}}",
         0},
        {"{\"type\":\"rate_limit_event\",\"rate_limit_info\":[]}", 0},
        {"{\"type\":\"system\",\"status\":\"rejected\",\"resetsAt\":1790000000}", 0},
    };

    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_auto(DecodedLine) decoded = {0};

        decode_line(&agent_kind_claude, cases[i].line, strlen(cases[i].line), &decoded);
        g_assert_cmpuint(decoded.facts.retry_at, ==, cases[i].retry_at);
    }
}

/* Every value of a real line, replaced in turn by one of another type. */
static void test_minds_no_odd_types(void)
{
    static const char *const lines[] = {
        "{\"type\":\"assistant\",\"message\":%s}",
        "{\"type\":\"assistant\",\"message\":{\"model\":%s,\"content\":%s}}",
        "{\"type\":\"assistant\",\"message\":{\"content\":[%s,{\"text\":%s}]}}",
        "{\"type\":\"result\",\"is_error\":%s,\"result\":%s,\"errors\":%s,\"subtype\":%s}",
        "{\"type\":\"result\",\"usage\":%s,\"stats\":%s,\"status\":%s,\"error\":%s}",
        "{\"type\":\"system\",\"session_id\":%s,\"subtype\":%s}",
        "{\"type\":\"rate_limit_event\",\"rate_limit_info\":%s,\"status\":%s,\"resetsAt\":%s}",
        "{\"type\":\"item.completed\",\"item\":%s}",
        "{\"type\":\"item.completed\",\"item\":{\"type\":%s,\"text\":%s}}",
        "{\"type\":\"turn.failed\",\"error\":%s}",
        "{\"type\":\"message\",\"role\":%s,\"content\":%s}",
        "{\"type\":\"step_finish\",\"part\":%s,\"sessionID\":%s}",
        "{\"type\":\"step_finish\",\"part\":{\"tokens\":%s,\"cost\":%s,\"reason\":%s}}",
        "{\"type\":\"text\",\"part\":%s}",
        "{\"type\":\"error\",\"error\":{\"name\":%s,\"data\":%s}}",
        "{\"type\":%s}",
    };
    static const char *const values[] = {
        "null", "true", "-1", "1e999",     "99999999999999999999999", "\"\"", "\"a\"",
        "[]",   "[[]]", "{}", "{\"\":{}}", "[null,{\"text\":{}}]",
    };

    for (gsize i = 0; i < G_N_ELEMENTS(lines) * G_N_ELEMENTS(values); i++) {
        g_auto(GStrv) parts = g_strsplit(lines[i / G_N_ELEMENTS(values)], "%s", -1);
        g_autofree char *line = g_strjoinv(values[i % G_N_ELEMENTS(values)], parts);

        for (const AgentKind *const *kind = agent_kinds(); *kind; kind++) {
            g_auto(DecodedLine) decoded = {0};

            decode_line(*kind, line, strlen(line), &decoded);
            g_assert_cmpint(decoded.class, ==, LINE_JSON);
            assert_text(&decoded, line);
        }
    }
}

static void assert_shown(const char *line, const char *expected)
{
    g_autofree char *text = line_shown(line, strlen(line));
    g_assert_cmpstr(text, ==, expected);
}

static void test_shows_what_a_terminal_would(void)
{
    assert_shown("plain", NULL);
    assert_shown("plain\r", NULL);
    assert_shown("\rProgress: 0%\rProgress: 50%\rProgress: 100%", "Progress: 100%");
    assert_shown("Progress: 100%\rFinished.     ", "Finished.");
    assert_shown("abcdef\rXY", "XYcdef");
    assert_shown("abcdef\r\033[KXY", "XY");
    assert_shown("abcdef\r\033[2KXY", "XY");
    assert_shown("abc\r\033[K", "");
    assert_shown("\033[32mgr\303\274n\r\033[31mr", "rr\303\274n");
    assert_shown("a\377\rb", "b\357\277\275");
    assert_shown("one\ttwo\rONE", "ONE\ttwo");
}

static void test_cleans_a_text(void)
{
    static const char line[] = " \x1b[1m{\"a\":1}\x1b[m\0 ";
    gsize length;
    g_autofree char *text = line_clean(line, sizeof(line) - 1, &length);
    gsize empty_length;
    g_autofree char *empty = line_clean("\x1b[m \r", 5, &empty_length);

    g_assert_cmpstr(text, ==, "{\"a\":1}" FFFD);
    g_assert_cmpuint(length, ==, strlen(text));
    g_assert_cmpstr(empty, ==, "");
    g_assert_cmpuint(empty_length, ==, 0);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);

    g_test_add_func("/decoder/captured-transcripts-give-their-events", test_captured_transcripts);
    g_test_add_func("/decoder/tells-objects-from-output", test_tells_objects_from_output);
    g_test_add_func("/decoder/removes-escape-sequences", test_removes_escape_sequences);
    g_test_add_func("/decoder/finds-an-object-among-escape-sequences",
                    test_finds_an_object_among_escape_sequences);
    g_test_add_func("/decoder/replaces-what-is-no-utf8", test_replaces_what_is_no_utf8);
    g_test_add_func("/decoder/survives-a-hundred-thousand-brackets",
                    test_survives_a_hundred_thousand_brackets);
    g_test_add_func("/decoder/bounds-what-is-parsed", test_bounds_what_is_parsed);
    g_test_add_func("/decoder/takes-sixteen-mebibytes-of-anything",
                    test_takes_sixteen_mebibytes_of_anything);
    g_test_add_func("/decoder/gives-the-texts-of-each-kind", test_gives_the_texts_of_each_kind);
    g_test_add_func("/decoder/replaces-lone-surrogates-and-nul-in-texts",
                    test_replaces_lone_surrogates_and_nul_in_texts);
    g_test_add_func("/decoder/reads-how-a-run-ends", test_reads_how_a_run_ends);
    g_test_add_func("/decoder/reads-the-session", test_reads_the_session);
    g_test_add_func("/decoder/knows-when-the-model-acted", test_knows_when_the_model_acted);
    g_test_add_func("/decoder/reads-what-opencode-used", test_reads_what_opencode_used);
    g_test_add_func("/decoder/takes-only-sound-numbers", test_takes_only_sound_numbers);
    g_test_add_func("/decoder/reads-a-rate-limits-reset", test_reads_a_rate_limits_reset);
    g_test_add_func("/decoder/minds-no-odd-types", test_minds_no_odd_types);
    g_test_add_func("/decoder/shows-what-a-terminal-would", test_shows_what_a_terminal_would);
    g_test_add_func("/decoder/cleans-a-text", test_cleans_a_text);

    return g_test_run();
}
