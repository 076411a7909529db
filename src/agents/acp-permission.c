/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agents/acp-permission.h"

#include <string.h>

#include "agents/json-text.h"
#include "agents/line-facts.h"

#define TOOL "params.toolCall."

/* --- What it is about --- */

/* Where a tool's input names what it is about; the title comes last, as it is for people. */
static const char *const subjects[] = {
    TOOL "rawInput.command",
    TOOL "rawInput.file_path",
    TOOL "rawInput.path",
    TOOL "rawInput.url",
    TOOL "title",
};

static const char *find_subject(LineJson request)
{
    for (gsize i = 0; i < G_N_ELEMENTS(subjects); i++) {
        const char *text = line_json_string(request, subjects[i]);
        if (text && *text)
            return text;
    }
    return "";
}

static const char *describe(LineJson request)
{
    static const struct {
        const char *kind, *title;
    } known[] = {
        {"read", "May it read this?"},     {"edit", "May it change this?"},
        {"delete", "May it delete this?"}, {"move", "May it move this?"},
        {"search", "May it search this?"}, {"execute", "May it run this command?"},
        {"fetch", "May it fetch this?"},   {"switch_mode", "May it change its mode?"},
    };
    for (gsize i = 0; i < G_N_ELEMENTS(known); i++)
        if (line_json_is(request, TOOL "kind", known[i].kind))
            return known[i].title;
    return "May it do this?";
}

/* --- Its options --- */

typedef struct {
    const char *kind; /* of the agent */
    const char *id;   /* of the question */
} OptionKind;

static const OptionKind option_kinds[] = {
    {"allow_once", OPTION_ALLOW},
    {"allow_always", OPTION_ALWAYS},
    {"reject_once", OPTION_DENY},
    {"reject_always", "never"},
};

/* The question's id for @option: of several of one kind, only the first has the usual one. */
static const char *name_option(LineJson option, GHashTable *taken)
{
    const char *own = line_json_string(option, "optionId");
    for (gsize i = 0; own && i < G_N_ELEMENTS(option_kinds); i++)
        if (line_json_is(option, "kind", option_kinds[i].kind) &&
            g_hash_table_add(taken, (gpointer)option_kinds[i].id))
            return option_kinds[i].id;
    return own && *own && g_hash_table_add(taken, (gpointer)own) ? own : NULL;
}

typedef struct {
    GHashTable *taken;
    AgentQuestion *question; /* to which they are added; or */
    const char *wanted;      /* ... the one that is looked for */
    const char *found;       /* its id by the agent */
} Options;

static void visit_option(LineJson option, gpointer data)
{
    Options *options = data;
    const char *id = name_option(option, options->taken);
    if (id && options->question)
        agent_question_add_option(options->question, id, line_json_string(option, "name") ?: id);
    if (id && g_strcmp0(id, options->wanted) == 0)
        options->found = line_json_string(option, "optionId");
}

static void visit_options(LineJson request, Options *options)
{
    g_autoptr(GHashTable) taken = g_hash_table_new(g_str_hash, g_str_equal);
    options->taken = taken;
    line_json_foreach(request, "params.options", visit_option, options);
    options->taken = NULL;
}

/* A no can always be given. */
AgentQuestion *acp_read_question(LineJson json)
{
    AgentQuestion *question = agent_question_new(QUESTION_PERMISSION);
    Options options = {.question = question};
    question->request = line_json_dup_raw(json, "id");
    question->subject = line_dup_string(json, TOOL "toolCallId");
    question->title = g_strdup(describe(json));
    agent_question_set_detail(question, find_subject(json));
    visit_options(json, &options);
    if (!agent_question_has_option(question, OPTION_DENY))
        agent_question_add_option(question, OPTION_DENY, "Deny");
    return question;
}

/* --- Answers --- */

static const char *find_option(LineJson request, const char *id)
{
    Options options = {.wanted = id};
    visit_options(request, &options);
    return options.found;
}

/* With @option NULL none of the agent's own: what it asked about is called off. */
static char *build(LineJson request, const char *option)
{
    g_autofree char *id = line_json_dup_raw(request, "id");
    GString *json = g_string_new(NULL);
    g_string_append_printf(json, "{\"jsonrpc\":\"2.0\",\"id\":%s,\"result\":{\"outcome\":{", id);
    if (option) {
        g_string_append(json, "\"outcome\":\"selected\",\"optionId\":");
        json_append_string(json, option);
    } else {
        g_string_append(json, "\"outcome\":\"cancelled\"");
    }
    g_string_append(json, "}}}\n");
    return g_string_free(json, FALSE);
}

char *acp_build_answer(LineJson request, const AgentAnswer *answer, GError **error)
{
    return build(request, find_option(request, answer->option));
}

/* --- Rules --- */

/* What a shell would run beside the command that a pattern has in mind. */
static gboolean is_compound(LineJson request, const char *subject)
{
    gboolean command = line_json_is(request, TOOL "kind", "execute") ||
                       line_json_string(request, TOOL "rawInput.command");
    return command && strpbrk(subject, ";&|<>`$\n\r");
}

static gboolean names_tool(LineJson request, const char *name)
{
    return g_str_equal(name, "*") || line_json_is(request, TOOL "kind", name) ||
           line_json_is(request, TOOL "name", name);
}

/* A @rule is NAME or NAME(PATTERN). */
static gboolean matches(LineJson request, const char *rule, gboolean allows)
{
    const char *open = strchr(rule, '(');
    g_autofree char *name = open ? g_strndup(rule, (gsize)(open - rule)) : g_strdup(rule);
    if (strlen(name) > 64 || !names_tool(request, name))
        return FALSE;
    if (!open)
        return TRUE;
    const char *subject = find_subject(request);
    g_autofree char *pattern = g_strdup(open + 1);
    if (g_str_has_suffix(pattern, ")"))
        pattern[strlen(pattern) - 1] = '\0';
    return g_pattern_match_simple(pattern, subject) && !(allows && is_compound(request, subject));
}

static gboolean any_matches(LineJson request, char *const *rules, gboolean allows)
{
    for (; rules && *rules; rules++)
        if (matches(request, *rules, allows))
            return TRUE;
    return FALSE;
}

char *acp_decide(LineJson request, const Permissions *permissions)
{
    gboolean denied = any_matches(request, permissions->deny, FALSE);
    gboolean allowed =
        permissions->mode == PERMISSION_BYPASS || any_matches(request, permissions->allow, TRUE);
    if (!denied && !allowed && permissions->mode == PERMISSION_ASK)
        return NULL;
    gboolean yes = allowed && !denied;
    const char *option = find_option(request, yes ? OPTION_ALLOW : OPTION_DENY);
    return build(request, option ?: find_option(request, yes ? OPTION_ALWAYS : "never"));
}
