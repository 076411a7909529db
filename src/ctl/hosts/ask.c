/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ctl/hosts/ask.h"

#include "ctl/info.h"

typedef struct {
    GMainLoop *loop;
    guint outstanding;
} Asking;

typedef struct {
    Asking *asking;
    HostAnswer *answer;
    HostCall *call;
} Asked;

static void answer_free(gpointer data)
{
    HostAnswer *answer = data;
    g_free(answer->said);
    json_array_unref(answer->array);
    g_free(answer);
}

static void asked_free(gpointer data)
{
    Asked *asked = data;
    host_call_free(asked->call);
    g_free(asked);
}

/* A run that is another machine's, as @object says itself, stays that one's. */
static void add_object(JsonArray *array, guint index, JsonNode *element, gpointer data)
{
    HostAnswer *answer = data;
    if (!JSON_NODE_HOLDS_OBJECT(element))
        return;
    JsonObject *object = json_node_dup_object(element);
    if (!json_object_has_member(object, "host"))
        json_object_set_string_member(object, "host", answer->host);
    json_array_add_object_element(answer->array, object);
}

static void on_line(const char *line, gsize length, gpointer data)
{
    Asked *asked = data;
    g_autoptr(JsonParser) parser = json_parser_new();
    if (length > G_MAXSSIZE || !json_parser_load_from_data(parser, line, (gssize)length, NULL))
        return;
    JsonNode *root = json_parser_get_root(parser);
    if (root && JSON_NODE_HOLDS_ARRAY(root))
        json_array_foreach_element(json_node_get_array(root), add_object, asked->answer);
}

static void on_end(const HostEnd *end, gpointer data)
{
    Asked *asked = data;
    HostAnswer *answer = asked->answer;
    answer->state = end->state == HOST_FINE && end->status != 0 ? HOST_FAILED : end->state;
    answer->status = end->status;
    answer->said = g_strdup(end->said);
    if (--asked->asking->outstanding == 0)
        g_main_loop_quit(asked->asking->loop);
}

static GPtrArray *ask_each(Ctl *ctl, char *const *words, Asking *asking, GPtrArray *answers)
{
    static const HostHandler handler = {.line = on_line, .end = on_end};
    GPtrArray *all = g_ptr_array_new_with_free_func(asked_free);
    for (gsize i = 0; ctl->hosts[i]; i++) {
        HostAnswer *answer = g_new0(HostAnswer, 1);
        Asked *asked = g_new0(Asked, 1);
        answer->host = ctl->hosts[i];
        answer->array = json_array_new();
        *asked = (Asked){.asking = asking, .answer = answer};
        g_ptr_array_add(answers, answer);
        g_ptr_array_add(all, asked);
        asked->call = host_call_new(ctl, ctl->hosts[i], words, NULL, &handler, asked);
    }
    return all;
}

GPtrArray *hosts_ask(Ctl *ctl, const char *verb, ...)
{
    GPtrArray *answers = g_ptr_array_new_with_free_func(answer_free);
    g_autoptr(GMainLoop) loop = g_main_loop_new(NULL, FALSE);
    g_autoptr(GPtrArray) words = g_ptr_array_new();
    va_list arguments;
    va_start(arguments, verb);
    for (const char *word = verb; word; word = va_arg(arguments, const char *))
        g_ptr_array_add(words, (char *)word);
    va_end(arguments);
    g_ptr_array_add(words, NULL);

    Asking asking = {.loop = loop, .outstanding = g_strv_length(ctl->hosts)};
    g_autoptr(GPtrArray) all = ask_each(ctl, (char **)words->pdata, &asking, answers);
    g_main_loop_run(loop);
    return answers;
}

static JsonObject *problem_object(const HostAnswer *answer)
{
    JsonObject *object = json_object_new();
    json_object_set_string_member(object, "host", answer->host);
    json_object_set_string_member(object, "status", host_state_word(answer->state));
    json_object_set_string_member(object, "error", answer->said);
    return object;
}

void hosts_print_json(GPtrArray *answers)
{
    g_autoptr(JsonArray) all = json_array_new();
    g_autoptr(GPtrArray) objects = hosts_objects(answers);
    for (guint i = 0; i < objects->len; i++)
        json_array_add_object_element(all, json_object_ref(objects->pdata[i]));
    for (guint i = 0; i < answers->len; i++) {
        const HostAnswer *answer = answers->pdata[i];
        if (answer->state != HOST_FINE)
            json_array_add_object_element(all, problem_object(answer));
    }
    g_autoptr(JsonNode) node = json_node_init_array(json_node_alloc(), all);
    ctl_print_json(node);
}

GPtrArray *hosts_objects(GPtrArray *answers)
{
    GPtrArray *objects = g_ptr_array_new();
    for (guint i = 0; i < answers->len; i++) {
        const HostAnswer *answer = answers->pdata[i];
        for (guint j = 0; j < json_array_get_length(answer->array); j++)
            g_ptr_array_add(objects, json_array_get_object_element(answer->array, j));
    }
    return objects;
}

GPtrArray *hosts_runs(GPtrArray *answers)
{
    GPtrArray *runs = g_ptr_array_new_with_free_func((GDestroyNotify)run_info_free);
    for (guint i = 0; i < answers->len; i++) {
        const HostAnswer *answer = answers->pdata[i];
        for (guint j = 0; j < json_array_get_length(answer->array); j++)
            g_ptr_array_add(runs, run_info_new(json_array_get_element(answer->array, j)));
    }
    return runs;
}

void hosts_add_problems(GPtrArray *answers, Table *table, guint n_columns, guint state_column,
                        guint note_column)
{
    for (guint i = 0; i < answers->len; i++) {
        const HostAnswer *answer = answers->pdata[i];
        if (answer->state == HOST_FINE)
            continue;
        Style style = answer->state == HOST_NO_PROJECT ? STYLE_DIM : STYLE_BAD;
        table_add(table, STYLE_NAME, answer->host);
        for (guint column = 1; column < n_columns; column++)
            table_add(table, column == state_column ? style : STYLE_DIM,
                      column == state_column  ? host_state_word(answer->state)
                      : column == note_column ? answer->said
                                              : NULL);
    }
}

void hosts_warn(GPtrArray *answers)
{
    for (guint i = 0; i < answers->len; i++) {
        const HostAnswer *answer = answers->pdata[i];
        if (answer->state != HOST_FINE)
            ctl_warn("%s: %s%s%s", answer->host, host_state_word(answer->state),
                     *answer->said ? ": " : "", answer->said);
    }
}

int hosts_status(GPtrArray *answers)
{
    int status = 0;
    for (guint i = 0; i < answers->len; i++) {
        const HostAnswer *answer = answers->pdata[i];
        if (answer->state == HOST_UNREACHABLE)
            return CTL_EXIT_UNREACHABLE;
        if (status == 0)
            status = answer->status;
    }
    return status;
}

gboolean hosts_have_problem(GPtrArray *answers)
{
    for (guint i = 0; i < answers->len; i++)
        if (((HostAnswer *)answers->pdata[i])->state != HOST_FINE)
            return TRUE;
    return FALSE;
}
