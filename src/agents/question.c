/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agents/question.h"

#include <string.h>

const char *agent_question_kind_to_string(QuestionKind kind)
{
    return kind == QUESTION_INPUT ? "input" : "permission";
}

static void option_free(gpointer data)
{
    QuestionOption *option = data;
    g_free(option->id);
    g_free(option->name);
    g_free(option);
}

AgentQuestion *agent_question_new(QuestionKind kind)
{
    AgentQuestion *question = g_new0(AgentQuestion, 1);
    g_ref_count_init(&question->references);
    question->kind = kind;
    question->options = g_ptr_array_new_with_free_func(option_free);
    return question;
}

AgentQuestion *agent_question_ref(AgentQuestion *question)
{
    g_ref_count_inc(&question->references);
    return question;
}

void agent_question_unref(AgentQuestion *question)
{
    if (!question || !g_ref_count_dec(&question->references))
        return;
    g_free(question->request);
    g_free(question->subject);
    g_free(question->title);
    g_free(question->detail);
    g_free(question->id);
    g_ptr_array_unref(question->options);
    g_free(question);
}

void agent_question_add_option(AgentQuestion *question, const char *id, const char *name)
{
    QuestionOption *option = g_new(QuestionOption, 1);
    *option = (QuestionOption){g_strdup(id), g_strdup(name)};
    g_ptr_array_add(question->options, option);
}

void agent_question_set_detail(AgentQuestion *question, const char *text)
{
    gsize length = strnlen(text, QUESTION_DETAIL_MAX + 1);
    g_free(question->detail);
    if (length <= QUESTION_DETAIL_MAX) {
        question->detail = g_strdup(text);
        return;
    }
    for (length = QUESTION_DETAIL_MAX - strlen("…"); ((guchar)text[length] & 0xc0) == 0x80;)
        length--;
    question->detail = g_strdup_printf("%.*s…", (int)length, text);
}

gboolean agent_question_has_option(const AgentQuestion *question, const char *id)
{
    for (guint i = 0; i < question->options->len; i++) {
        const QuestionOption *option = question->options->pdata[i];
        if (g_str_equal(option->id, id))
            return TRUE;
    }
    return FALSE;
}

static GVariant *options_to_variant(const AgentQuestion *question)
{
    GVariantBuilder builder;
    g_variant_builder_init(&builder, G_VARIANT_TYPE("aa{ss}"));
    for (guint i = 0; i < question->options->len; i++) {
        const QuestionOption *option = question->options->pdata[i];
        g_variant_builder_open(&builder, G_VARIANT_TYPE("a{ss}"));
        g_variant_builder_add(&builder, "{ss}", "id", option->id);
        g_variant_builder_add(&builder, "{ss}", "name", option->name);
        g_variant_builder_close(&builder);
    }
    return g_variant_builder_end(&builder);
}

GVariant *agent_question_to_variant(const AgentQuestion *question)
{
    g_auto(GVariantDict) dict = G_VARIANT_DICT_INIT(NULL);
    g_variant_dict_insert(&dict, "id", "s", question->id);
    g_variant_dict_insert(&dict, "kind", "s", agent_question_kind_to_string(question->kind));
    g_variant_dict_insert(&dict, "title", "s", question->title);
    if (question->detail)
        g_variant_dict_insert(&dict, "detail", "s", question->detail);
    g_variant_dict_insert(&dict, "time", "t", question->time);
    g_variant_dict_insert_value(&dict, "options", options_to_variant(question));
    return g_variant_dict_end(&dict);
}
