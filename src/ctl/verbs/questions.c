/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdio.h>
#include <unistd.h>

#include "ctl/hosts/ask.h"
#include "ctl/questions.h"
#include "ctl/select.h"
#include "ctl/table.h"
#include "ctl/text.h"
#include "ctl/verb.h"

/*
 * What runs ask, and the answers.
 */

#define NO_QUESTIONS "No run asks anything."

static gboolean arg_everywhere;
static char *arg_message, *arg_input;

/* The first one is for several hosts only. */
static const Column columns[] = {
    {"HOST"},
    {"STORY", .minimum = 10},
    {"AGENT", .minimum = 6},
    {"QUESTION"},
    {"AGE", .right = TRUE},
    {"ASKS", .minimum = 10},
    {"ABOUT", .minimum = 20},
};

enum { COLUMN_ASKS = 5, COLUMN_ABOUT = 6 };

static GPtrArray *choose_runs(Ctl *ctl, char **arguments, GError **error)
{
    if (arguments[0])
        return select_runs(ctl, arguments, SELECT_ALL_AGENTS, error);
    return run_info_list(ctl->bus, arg_everywhere ? NULL : ctl->project, error);
}

static JsonNode *to_json(GPtrArray *questions)
{
    g_autoptr(JsonArray) array = json_array_new();
    for (guint i = 0; i < questions->len; i++) {
        const OpenQuestion *question = questions->pdata[i];
        json_object_set_string_member(question->json, "run_id", question->run->run_id);
        json_object_set_string_member(question->json, "story_id", question->run->story);
        json_object_set_string_member(question->json, "agent_name", question->run->agent);
        json_object_set_string_member(question->json, "project_root", question->run->project);
        const char *host = run_info_string(question->run, "host");
        if (host)
            json_object_set_string_member(question->json, "host", host);
        json_array_add_object_element(array, json_object_ref(question->json));
    }
    return json_node_init_array(json_node_alloc(), array);
}

static void add_row(Table *table, const OpenQuestion *question)
{
    g_autofree char *age = open_question_age(question);
    table_add(table, STYLE_NAME, question->run->story);
    table_add(table, STYLE_NONE, question->run->agent);
    table_add(table, STYLE_NONE, question->id);
    table_add(table, STYLE_NONE, age);
    table_add(table, STYLE_WARN, question->title);
    table_add(table, STYLE_NONE, question->detail);
}

static void print_table(const Ctl *ctl, GPtrArray *questions)
{
    g_autoptr(Table) table = table_new(columns + 1, G_N_ELEMENTS(columns) - 1);
    for (guint i = 0; i < questions->len; i++)
        add_row(table, questions->pdata[i]);
    if (questions->len > 0)
        table_print(table, !ctl->no_legend);
    if (!ctl->no_legend)
        puts(questions->len > 0 ? "\n`storkitctl answer` goes through them." : NO_QUESTIONS);
}

static int list_questions(Ctl *ctl, char **arguments, char **passed, GError **error)
{
    g_autoptr(GPtrArray) runs = choose_runs(ctl, arguments, error);
    if (!runs)
        return -1;
    g_autoptr(GPtrArray) questions = open_questions(runs);
    if (!ctl->json) {
        print_table(ctl, questions);
        return 0;
    }
    g_autoptr(JsonNode) node = to_json(questions);
    ctl_print_json(node);
    return 0;
}

static void print_table_of_hosts(const Ctl *ctl, GPtrArray *answers, GPtrArray *questions)
{
    g_autoptr(Table) table = table_new(columns, G_N_ELEMENTS(columns));
    for (guint i = 0; i < questions->len; i++) {
        const OpenQuestion *question = questions->pdata[i];
        table_add(table, STYLE_NAME, run_info_string(question->run, "host"));
        add_row(table, question);
    }
    hosts_add_problems(answers, table, G_N_ELEMENTS(columns), COLUMN_ASKS, COLUMN_ABOUT);
    if (questions->len > 0 || hosts_have_problem(answers))
        table_print(table, !ctl->no_legend);
    if (!ctl->no_legend)
        puts(questions->len > 0 ? "\n`storkitctl -H HOST answer` goes through those of a host."
                                : NO_QUESTIONS);
}

/* A run's info has what it asks, so `list` has all of it. */
static int list_on_hosts(Ctl *ctl, char **arguments, GError **error)
{
    g_autoptr(GPtrArray) answers = hosts_ask(ctl, "list", arg_everywhere ? "-e" : NULL, NULL);
    g_autoptr(GPtrArray) listed = hosts_runs(answers);
    g_autoptr(GPtrArray) runs =
        arguments[0] ? select_listed(ctl, listed, arguments, SELECT_ALL_AGENTS, error)
                     : g_ptr_array_ref(listed);
    if (!runs)
        return -1;
    g_autoptr(GPtrArray) questions = open_questions(runs);
    if (!ctl->json) {
        print_table_of_hosts(ctl, answers, questions);
        return hosts_status(answers);
    }
    g_autoptr(JsonNode) node = to_json(questions);
    ctl_print_json(node);
    hosts_warn(answers);
    return hosts_status(answers);
}

/* --- Answering one --- */

typedef struct {
    gboolean done;
    GError *error;
} Call;

static void on_taken(sd_bus_message *reply, const GError *error, gpointer data)
{
    Call *call = data;
    call->error = error ? g_error_copy(error) : NULL;
    call->done = TRUE;
}

/* The service replies once the answer is on its way, which an agent that does not read delays. */
static gboolean wait_for_reply(Ctl *ctl, sd_bus_message *message, GError **error)
{
    sd_bus_slot *slot = NULL;
    Call call = {0};
    if (!ctl_attach_event(ctl, error) ||
        !bus_send_async(ctl->bus, message, on_taken, &call, &slot, error))
        return FALSE;
    gboolean ok = ctl_run_event(ctl, &call.done, error);
    sd_bus_slot_unref(slot);
    if (!call.error)
        return ok;
    g_propagate_error(error, call.error);
    return FALSE;
}

/* What the service finds invalid by now is how things are: it is answered, or taken back. */
static gboolean send_answer(Ctl *ctl, const OpenQuestion *question, const char *option,
                            const char *message, GError **error)
{
    g_autoptr(GError) problem = NULL;
    g_autoptr(sd_bus_message) call =
        open_question_answer(ctl->bus, question, option, message, arg_input, error);
    if (!call)
        return FALSE;
    if (wait_for_reply(ctl, call, &problem)) {
        ctl_note(ctl, "%s/%s: %s", question->run->story, question->run->agent, option);
        return TRUE;
    }
    if (g_error_matches(problem, CTL_ERROR, CTL_ERROR_USAGE))
        problem->code = CTL_ERROR_REFUSED;
    g_propagate_error(error, g_steal_pointer(&problem));
    return FALSE;
}

static const OpenQuestion *find_question(GPtrArray *questions, const char *id, GError **error)
{
    for (guint i = 0; id && i < questions->len; i++) {
        const OpenQuestion *question = questions->pdata[i];
        if (g_str_equal(question->id, id))
            return question;
    }
    if (!id && questions->len == 1)
        return questions->pdata[0];
    if (id)
        g_set_error(error, CTL_ERROR, CTL_ERROR_REFUSED,
                    "no open question %s: `storkitctl questions` lists them", id);
    else if (questions->len == 0)
        g_set_error_literal(error, CTL_ERROR, CTL_ERROR_REFUSED, "no question is open");
    else
        g_set_error(error, CTL_ERROR, CTL_ERROR_USAGE,
                    "%u questions are open: name the run and the question, as `storkitctl "
                    "questions` lists them",
                    questions->len);
    return NULL;
}

/* [RUN [QUESTION]] OPTION */
static int answer_one(Ctl *ctl, char **arguments, GPtrArray *questions, GError **error)
{
    guint n = g_strv_length(arguments);
    const OpenQuestion *question = find_question(questions, n == 3 ? arguments[1] : NULL, error);
    if (!question)
        return -1;
    const char *option = open_question_find_option(question, arguments[n - 1], error);
    return option && send_answer(ctl, question, option, arg_message, error) ? 0 : -1;
}

/* --- Going through them --- */

static void print_question(const OpenQuestion *question)
{
    g_autofree char *age = open_question_age(question);
    g_autofree char *title = text_clean(question->title, FALSE);
    g_autofree char *detail = text_clean(question->detail, TRUE);
    const char *name, *id;
    printf("%s%s/%s%s asks since %s: %s%s%s\n", style_begin(STYLE_NAME), question->run->story,
           question->run->agent, style_end(STYLE_NAME), age, style_begin(STYLE_WARN), title,
           style_end(STYLE_WARN));
    if (*detail)
        printf("%s\n", detail);
    for (guint i = 0; (id = open_question_option(question, i, &name)); i++) {
        g_autofree char *clean = text_clean(name, FALSE);
        printf("  %u) %s\n", i + 1, clean);
    }
}

/* FALSE at the end of input. @ret gets the line without its newline; caller frees. */
static gboolean ask_person(const char *prompt, char **ret)
{
    char line[4096];
    printf("%s", prompt);
    fflush(stdout);
    if (!fgets(line, sizeof(line), stdin))
        return FALSE;
    *ret = g_strdup(g_strstrip(line));
    return TRUE;
}

/* By its number, or as on the command line; NULL where the word means none. */
static const char *option_of_word(const OpenQuestion *question, const char *word)
{
    g_autoptr(GError) error = NULL;
    guint64 number;
    const char *name, *id;
    if (g_ascii_string_to_unsigned(word, 10, 1, open_question_count_options(question), &number,
                                   NULL))
        return open_question_option(question, (guint)number - 1, &name);
    id = open_question_find_option(question, word, &error);
    if (!id)
        ctl_warn("%s", error->message);
    return id;
}

static gboolean wants_words(const char *option)
{
    return g_str_equal(option, "deny") || g_str_equal(option, "other");
}

/* FALSE: the person has had enough. */
static gboolean walk_one(Ctl *ctl, const OpenQuestion *question)
{
    g_autofree char *word = NULL, *message = NULL;
    g_autoptr(GError) error = NULL;
    const char *option = NULL;
    print_question(question);
    while (!option) {
        g_clear_pointer(&word, g_free);
        if (!ask_person("Answer (Enter: later, q: no more): ", &word) || g_str_equal(word, "q"))
            return FALSE;
        if (!*word)
            return TRUE;
        option = option_of_word(question, word);
    }
    if (wants_words(option) && !ask_person("In words (Enter: none): ", &message))
        return FALSE;
    if (!send_answer(ctl, question, option, message && *message ? message : NULL, &error))
        ctl_warn("%s", error->message);
    puts("");
    return TRUE;
}

static int walk(Ctl *ctl, GPtrArray *questions, GError **error)
{
    if (!isatty(STDIN_FILENO) || !terminal_is_stdout()) {
        g_set_error_literal(error, CTL_ERROR, CTL_ERROR_USAGE,
                            "answer without an answer needs a terminal: `storkitctl questions` "
                            "lists what is asked");
        return -1;
    }
    for (guint i = 0; i < questions->len; i++)
        if (!walk_one(ctl, questions->pdata[i]))
            return 0;
    if (questions->len == 0)
        puts(NO_QUESTIONS);
    return 0;
}

static int answer(Ctl *ctl, char **arguments, char **passed, GError **error)
{
    guint n = g_strv_length(arguments);
    char *run[] = {n > 1 ? arguments[0] : NULL, NULL};
    g_autoptr(GPtrArray) runs = choose_runs(ctl, run, error);
    if (!runs)
        return -1;
    g_autoptr(GPtrArray) questions = open_questions(runs);
    return n == 0 ? walk(ctl, questions, error) : answer_one(ctl, arguments, questions, error);
}

static const GOptionEntry list_options[] = {
    {"everywhere", 'e', 0, G_OPTION_ARG_NONE, &arg_everywhere,
     "Runs of every project, not only of this one", NULL},
    {NULL},
};

static const GOptionEntry answer_options[] = {
    {"everywhere", 'e', 0, G_OPTION_ARG_NONE, &arg_everywhere,
     "Runs of every project, not only of this one", NULL},
    {"message", 'm', 0, G_OPTION_ARG_STRING, &arg_message,
     "Why it is refused, or the answer in words", "TEXT"},
    {"input", 0, 0, G_OPTION_ARG_STRING, &arg_input,
     "The input to allow instead of the one it asked for", "JSON"},
    {NULL},
};

const Verb questions_verb = {
    .name = "questions",
    .synopsis = "[RUN…]",
    .summary = "List what runs ask and wait to have answered",
    .arguments = ARGUMENT_RUNS,
    .most = G_MAXUINT,
    .options = list_options,
    .in_job = TRUE,
    .run = list_questions,
    .run_on_hosts = list_on_hosts,
};

const Verb answer_verb = {
    .name = "answer",
    .synopsis = "[[RUN [QUESTION]] ANSWER]",
    .summary = "Answer a question, or go through all of them",
    .arguments = ARGUMENT_ANSWER,
    .most = 3,
    .options = answer_options,
    .in_job = TRUE,
    .run = answer,
};
