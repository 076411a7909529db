/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agents/claude-questions.h"

#include <string.h>

#include "agents/json-text.h"
#include "agents/line-facts.h"
#include "base/error.h"
#include "base/json-scan.h"

#define CHOICE_TOOL "AskUserQuestion"
#define QUESTIONS "request.input.questions"

/* --- Questions --- */

/* Where a tool's input says in a word what it is about to do. */
static const char *const telling[] = {
    "request.input.command", "request.input.file_path", "request.input.notebook_path",
    "request.input.url",     "request.input.query",     "request.input.plan",
};

static void read_detail(LineJson json, AgentQuestion *question)
{
    for (gsize i = 0; i < G_N_ELEMENTS(telling); i++) {
        g_autofree char *text = line_dup_string(json, telling[i]);
        if (text) {
            agent_question_set_detail(question, text);
            return;
        }
    }
    g_autofree char *input = line_json_dup_raw(json, "request.input");
    if (input)
        agent_question_set_detail(question, input);
}

static AgentQuestion *read_permission(LineJson json)
{
    AgentQuestion *question = agent_question_new(QUESTION_PERMISSION);
    const char *tool = line_json_string(json, "request.display_name");
    if (!tool || !*tool)
        tool = line_json_string(json, "request.tool_name");
    question->title = g_strdup_printf("May it use %s?", tool);
    read_detail(json, question);
    agent_question_add_option(question, OPTION_ALLOW, "Allow");
    if (line_json_is_set(json, "request.permission_suggestions"))
        agent_question_add_option(question, OPTION_ALWAYS, "Allow such in this session");
    agent_question_add_option(question, OPTION_DENY, "Deny");
    return question;
}

static void count(LineJson element, gpointer n)
{
    (*(guint *)n)++;
}

/* Its options are numbered: a label can be anything. */
static void add_choice(LineJson choice, gpointer data)
{
    AgentQuestion *question = data;
    const char *label = line_json_string(choice, "label");
    g_autofree char *id = g_strdup_printf("%u", question->options->len + 1);
    agent_question_add_option(question, id, label ?: "");
}

static void add_choices(LineJson element, gpointer question)
{
    line_json_foreach(element, "options", add_choice, question);
}

static void join_questions(LineJson element, gpointer joined)
{
    const char *text = line_json_string(element, "question");
    if (text)
        g_string_append_printf(joined, "%s%s", ((GString *)joined)->len > 0 ? " " : "", text);
}

static void join_descriptions(LineJson choice, gpointer joined)
{
    const char *label = line_json_string(choice, "label");
    const char *text = line_json_string(choice, "description");
    if (label && text && *text)
        g_string_append_printf(joined, "%s%s: %s", ((GString *)joined)->len > 0 ? "\n" : "", label,
                               text);
}

static void join_element(LineJson element, gpointer joined)
{
    line_json_foreach(element, "options", join_descriptions, joined);
}

/* One question with one answer has its own options; several at once, or one of which several
 * options may be taken, are answered by `answers` or in words. */
static AgentQuestion *read_choice(LineJson json)
{
    AgentQuestion *question = agent_question_new(QUESTION_INPUT);
    g_autoptr(GString) title = g_string_new(NULL), detail = g_string_new(NULL);
    guint n = 0;
    line_json_foreach(json, QUESTIONS, join_questions, title);
    line_json_foreach(json, QUESTIONS, join_element, detail);
    line_json_foreach(json, QUESTIONS, count, &n);
    question->title = g_strdup(title->str);
    if (detail->len > 0)
        agent_question_set_detail(question, detail->str);
    if (n == 1)
        line_json_foreach(json, QUESTIONS, add_choices, question);
    agent_question_add_option(question, OPTION_OTHER, "Answer in words");
    agent_question_add_option(question, OPTION_DENY, "Do not answer");
    return question;
}

void claude_read_request(LineJson json, DecodedLine *line)
{
    g_autofree char *request = line_dup_string(json, "request_id");
    if (!request || !line_json_is(json, "request.subtype", "can_use_tool") ||
        !line_json_string(json, "request.tool_name"))
        return;
    gboolean choice = line_json_is(json, "request.tool_name", CHOICE_TOOL);
    AgentQuestion *question = choice ? read_choice(json) : read_permission(json);
    question->request = g_steal_pointer(&request);
    question->subject = line_dup_string(json, "request.tool_use_id");
    line->facts.question = question;
}

void claude_read_cancel(LineJson json, DecodedLine *line)
{
    line_settle(line, line_dup_string(json, "request_id"));
}

static void settle_tool(LineJson element, gpointer line)
{
    if (line_json_is(element, "type", "tool_result"))
        line_settle(line, line_dup_string(element, "tool_use_id"));
}

void claude_read_user(LineJson json, DecodedLine *line)
{
    line_json_foreach(json, "message.content", settle_tool, line);
}

/* --- Answers --- */

/* Appends @text, a strict JSON object, as one line. */
static gboolean append_object(GString *json, const char *text, GError **error)
{
    JsonScan scan;
    gsize start = json->len;
    json_scan_init(&scan);
    if (!json_scan_push(&scan, text, strlen(text)) || !json_scan_finish(&scan)) {
        g_set_error_literal(error, STORKIT_ERROR, STORKIT_ERROR_INVALID_ARGUMENT,
                            "input must be a JSON object, as the question's own is");
        return FALSE;
    }
    g_string_append(json, text);
    for (char *c = json->str + start; *c; c++) /* none is inside of a string */
        if (*c == '\n' || *c == '\r')
            *c = ' ';
    return TRUE;
}

typedef struct {
    GString *json;
    gboolean has_rules;
} Suggestions;

static void look_for_rules(LineJson element, gpointer data)
{
    Suggestions *suggestions = data;
    suggestions->has_rules |= line_json_is(element, "type", "addRules");
}

/* What is suggested would be written into a file of the worktree: it is for the session here. A
 * mode that allows more than the rules is left out where there are rules. */
static void append_suggestion(LineJson element, gpointer data)
{
    static const struct {
        const char *type, *value;
    } known[] = {{"addRules", "rules"}, {"addDirectories", "directories"}, {"setMode", "mode"}};
    Suggestions *suggestions = data;
    GString *json = suggestions->json;

    for (gsize i = 0; i < G_N_ELEMENTS(known); i++) {
        g_autofree char *value = line_json_dup_raw(element, known[i].value);
        gboolean mode = g_str_equal(known[i].type, "setMode");
        if (!value || !line_json_is(element, "type", known[i].type) ||
            (mode && suggestions->has_rules))
            continue;
        g_string_append_printf(json, "%s{\"type\":\"%s\",\"%s\":%s,",
                               json->str[json->len - 1] == '[' ? "" : ",", known[i].type,
                               known[i].value, value);
        if (g_str_equal(known[i].type, "addRules"))
            g_string_append(json, "\"behavior\":\"allow\",");
        g_string_append(json, "\"destination\":\"session\"}");
    }
}

static void append_suggestions(GString *json, LineJson request)
{
    Suggestions suggestions = {json, FALSE};
    g_string_append(json, ",\"updatedPermissions\":[");
    line_json_foreach(request, "request.permission_suggestions", look_for_rules, &suggestions);
    line_json_foreach(request, "request.permission_suggestions", append_suggestion, &suggestions);
    g_string_append_c(json, ']');
}

static gboolean append_allow(GString *json, LineJson request, const AgentAnswer *answer,
                             GError **error)
{
    g_autofree char *asked = line_json_dup_raw(request, "request.input");
    g_string_append(json, "{\"behavior\":\"allow\",\"updatedInput\":");
    if (answer->input) {
        if (!append_object(json, answer->input, error))
            return FALSE;
    } else {
        g_string_append(json, asked ?: "{}");
    }
    if (g_str_equal(answer->option, OPTION_ALWAYS))
        append_suggestions(json, request);
    g_string_append_c(json, '}');
    return TRUE;
}

static void append_deny(GString *json, const AgentAnswer *answer)
{
    g_string_append(json, "{\"behavior\":\"deny\",\"message\":");
    json_append_string(json, answer->message ?: "The user refused this.");
    g_string_append_c(json, '}');
}

/* --- The model's own questions --- */

typedef struct {
    GString *json;
    const AgentAnswer *answer;
    guint number; /* of the option that is looked for */
    const char *label;
    gboolean missing;
} Choice;

static void find_label(LineJson option, gpointer data)
{
    Choice *choice = data;
    if (choice->number-- == 1)
        choice->label = line_json_string(option, "label");
}

/* What is answered to one question, or NULL. */
static const char *answer_to(LineJson element, const char *question, Choice *choice)
{
    const char *given = NULL;
    if (choice->answer->answers &&
        g_variant_lookup(choice->answer->answers, question, "&s", &given))
        return given;
    if (g_str_equal(choice->answer->option, OPTION_OTHER))
        return choice->answer->message;
    choice->number = (guint)g_ascii_strtoull(choice->answer->option, NULL, 10);
    line_json_foreach(element, "options", find_label, choice);
    return choice->label;
}

static void append_answer(LineJson element, gpointer data)
{
    Choice *choice = data;
    GString *json = choice->json;
    const char *question = line_json_string(element, "question");
    const char *given = question ? answer_to(element, question, choice) : NULL;
    choice->missing |= question && !given;
    if (!given)
        return;
    if (json->str[json->len - 1] != '{')
        g_string_append_c(json, ',');
    json_append_string(json, question);
    g_string_append_c(json, ':');
    json_append_string(json, given);
}

static gboolean append_choice(GString *json, LineJson request, const AgentAnswer *answer,
                              GError **error)
{
    Choice choice = {.json = json, .answer = answer};
    g_autofree char *questions = line_json_dup_raw(request, QUESTIONS);
    g_string_append_printf(json,
                           "{\"behavior\":\"allow\",\"updatedInput\":{\"questions\":%s,"
                           "\"answers\":{",
                           questions ?: "[]");
    line_json_foreach(request, QUESTIONS, append_answer, &choice);
    g_string_append(json, "}}}");
    if (!choice.missing)
        return TRUE;
    g_set_error_literal(error, STORKIT_ERROR, STORKIT_ERROR_INVALID_ARGUMENT,
                        "a part of the question has no answer: pass `message`, or `answers` with "
                        "one for each question that is asked");
    return FALSE;
}

static gboolean append_response(GString *json, LineJson request, const AgentAnswer *answer,
                                GError **error)
{
    if (g_str_equal(answer->option, OPTION_DENY)) {
        append_deny(json, answer);
        return TRUE;
    }
    return line_json_is(request, "request.tool_name", CHOICE_TOOL)
               ? append_choice(json, request, answer, error)
               : append_allow(json, request, answer, error);
}

char *claude_build_answer(LineJson request, const AgentAnswer *answer, GError **error)
{
    g_autoptr(GString) json = g_string_new("{\"type\":\"control_response\",\"response\":{"
                                           "\"subtype\":\"success\",\"request_id\":");
    g_autofree char *id = line_json_dup_raw(request, "request_id");
    g_string_append_printf(json, "%s,\"response\":", id ?: "\"\"");
    if (!append_response(json, request, answer, error))
        return NULL;
    g_string_append(json, "}}\n");
    return g_string_free(g_steal_pointer(&json), FALSE);
}
