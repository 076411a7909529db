/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ctl/questions.h"

#include "ctl/bus.h"
#include "ctl/format.h"
#include "ctl/json-path.h"

static JsonArray *questions_of(const RunInfo *run)
{
    return json_get_array(run->json, "questions");
}

static gboolean read_question(const RunInfo *run, guint index, OpenQuestion *ret)
{
    JsonObject *json = json_array_get_object(questions_of(run), index);
    if (!json || !json_get_string(json, "id"))
        return FALSE;
    *ret = (OpenQuestion){
        .run = run,
        .json = json,
        .id = json_get_string(json, "id"),
        .title = json_get_string(json, "title") ?: "",
        .detail = json_get_string(json, "detail") ?: "",
    };
    return TRUE;
}

gboolean open_question_first(const RunInfo *run, OpenQuestion *ret_question)
{
    return json_array_length(questions_of(run)) > 0 && read_question(run, 0, ret_question);
}

GPtrArray *open_questions(GPtrArray *runs)
{
    GPtrArray *questions = g_ptr_array_new_with_free_func(g_free);
    for (guint i = 0; i < runs->len; i++) {
        const RunInfo *run = runs->pdata[i];
        for (guint j = 0; j < json_array_length(questions_of(run)); j++) {
            OpenQuestion question;
            if (read_question(run, j, &question))
                g_ptr_array_add(questions, g_memdup2(&question, sizeof(question)));
        }
    }
    return questions;
}

char *open_question_age(const OpenQuestion *question)
{
    guint64 time = (guint64)json_get_int(question->json, "time");
    guint64 now = (guint64)g_get_real_time();
    return format_span(time > 0 && now > time ? now - time : 0);
}

guint open_question_count_options(const OpenQuestion *question)
{
    return json_array_length(json_get_array(question->json, "options"));
}

const char *open_question_option(const OpenQuestion *question, guint index, const char **ret_name)
{
    JsonArray *options = json_get_array(question->json, "options");
    JsonObject *option =
        index < json_array_length(options) ? json_array_get_object(options, index) : NULL;
    const char *id = option ? json_get_string(option, "id") : NULL;
    *ret_name = id ? json_get_string(option, "name") ?: id : NULL;
    return id;
}

static gboolean begins_with(const char *text, const char *word)
{
    g_autofree char *a = g_utf8_casefold(text, -1), *b = g_utf8_casefold(word, -1);
    return g_str_has_prefix(a, b);
}

/* The options as a person may write them. */
static char *list_options(const OpenQuestion *question)
{
    GString *text = g_string_new(NULL);
    const char *name, *id;
    for (guint i = 0; (id = open_question_option(question, i, &name)); i++)
        g_string_append_printf(text, "%s%s (%s)", i > 0 ? ", " : "", id, name);
    return g_string_free(text, FALSE);
}

static const char *find_exact(const OpenQuestion *question, const char *word)
{
    const char *name, *id;
    for (guint i = 0; (id = open_question_option(question, i, &name)); i++)
        if (g_str_equal(id, word) || g_str_equal(name, word))
            return id;
    return NULL;
}

/* NULL where none begins so, or several do. */
static const char *find_begun(const OpenQuestion *question, const char *word)
{
    const char *found = NULL, *name, *id;
    for (guint i = 0; *word && (id = open_question_option(question, i, &name)); i++) {
        if (!begins_with(id, word) && !begins_with(name, word))
            continue;
        if (found)
            return NULL;
        found = id;
    }
    return found;
}

static const char *translate(const char *word)
{
    if (g_str_equal(word, "y") || g_str_equal(word, "yes"))
        return "allow";
    return g_str_equal(word, "n") || g_str_equal(word, "no") ? "deny" : word;
}

const char *open_question_find_option(const OpenQuestion *question, const char *word,
                                      GError **error)
{
    const char *found = find_exact(question, word) ?: find_exact(question, translate(word));
    if (!found)
        found = find_begun(question, word);
    if (found)
        return found;
    g_autofree char *options = list_options(question);
    g_set_error(error, CTL_ERROR, CTL_ERROR_USAGE, "'%s' is none of the answers to question %s: %s",
                word, question->id, options);
    return NULL;
}

static int append_text(sd_bus_message *message, const char *key, const char *text)
{
    return text ? sd_bus_message_append(message, "{sv}", key, "s", text) : 0;
}

sd_bus_message *open_question_answer(sd_bus *bus, const OpenQuestion *question, const char *option,
                                     const char *message, const char *input, GError **error)
{
    g_autoptr(sd_bus_message) call = bus_message_new(bus, "Answer", error);
    if (!call)
        return NULL;
    int r = sd_bus_message_append(call, "sss", question->run->run_id, question->id, option);
    if (r >= 0)
        r = sd_bus_message_open_container(call, 'a', "{sv}");
    if (r >= 0)
        r = append_text(call, "message", message);
    if (r >= 0)
        r = append_text(call, "input", input);
    if (r >= 0)
        r = sd_bus_message_close_container(call);
    if (r >= 0)
        return g_steal_pointer(&call);
    g_set_error(error, CTL_ERROR, CTL_ERROR_FAILED, "can't send the answer: %s", g_strerror(-r));
    return NULL;
}
