/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "run/questions.h"

#include <string.h>

#include "base/error.h"
#include "base/test-hooks.h"
#include "base/util.h"
#include "run/read-line.h"
#include "store/answers.h"

#define RETRY_MSEC 1000

struct Questions {
    Runs *runs;
    Steering *steering;
    GHashTable *timers; /* Run * -> Timer *, of the runs with a limit for an answer */
};

typedef struct {
    Questions *owner;
    Run *run;
    guint source;
} Timer;

static void timer_free(gpointer data)
{
    Timer *timer = data;
    g_clear_handle_id(&timer->source, g_source_remove);
    run_unref(timer->run);
    g_free(timer);
}

/* --- Building an answer --- */

/* The line that asked is read back: it holds what is to be allowed, word for word. */
static char *build_answer(const Run *run, const AgentQuestion *question, const AgentAnswer *answer,
                          GError **error)
{
    g_autoptr(ReadLine) line = run_read_line(run, &question->place, error);
    return line ? run_get_record(run)->kind->build_answer(read_line_json(line), answer, error)
                : NULL;
}

/* --- Answering --- */

static AgentQuestion *find_open(Run *run, const char *id, GError **error)
{
    const GPtrArray *open = run_get_condition(run)->questions;
    for (guint i = 0; open && i < open->len; i++) {
        AgentQuestion *question = open->pdata[i];
        if (g_str_equal(question->id, id))
            return agent_question_ref(question);
    }
    gboolean answered =
        *id && strspn(id, "0123456789") == strlen(id) && answer_is_kept(run_get_folder_fd(run), id);
    g_set_error(error, STORKIT_ERROR, STORKIT_ERROR_INVALID_ARGUMENT,
                answered ? "question %s of run %s is answered already"
                         : "run %2$s has no open question %1$s: see `questions` in its info",
                id, run_get_id(run));
    return NULL;
}

static gboolean check_option(const AgentQuestion *question, const char *option, GError **error)
{
    if (agent_question_has_option(question, option))
        return TRUE;
    g_autoptr(GString) names = g_string_new(NULL);
    for (guint i = 0; i < question->options->len; i++)
        g_string_append_printf(names, "%s%s", i > 0 ? ", " : "",
                               ((QuestionOption *)question->options->pdata[i])->id);
    g_set_error(error, STORKIT_ERROR, STORKIT_ERROR_INVALID_ARGUMENT,
                "question %s has no option '%.100s': it has %s", question->id, option, names->str);
    return FALSE;
}

/* A service that came back has not read all of the transcript yet. */
static gboolean check_caught_up(const Run *run, GError **error)
{
    if (run_get_condition(run)->caught_up)
        return TRUE;
    g_set_error(error, STORKIT_ERROR, STORKIT_ERROR_NOT_RUNNING,
                "the service is still reading the output of run %s: try again in a moment",
                run_get_id(run));
    return FALSE;
}

/* Keeps the answer: from here on it is given, by this service or the next. */
static gboolean keep_answer(Run *run, const char *id, const AgentAnswer *answer, GError **error)
{
    if (!run_check_running(run, error) || !check_caught_up(run, error))
        return FALSE;
    g_autoptr(AgentQuestion) question = find_open(run, id, error);
    if (!question || !check_option(question, answer->option, error))
        return FALSE;
    g_autofree char *text = build_answer(run, question, answer, error);
    if (!text || !answer_keep(run_get_folder_fd(run), id, text, error))
        return FALSE;
    question->given = TRUE;
    return TRUE;
}

void questions_answer(Questions *questions, Run *run, const char *id, const AgentAnswer *answer,
                      Reply reply, gpointer data)
{
    g_autoptr(GError) error = NULL;
    if (!keep_answer(run, id, answer, &error)) {
        reply(NULL, error, data);
        return;
    }
    fault_point("answer");
    steering_send_answer(questions->steering, run, id, reply, data);
    run_check_waiting(run);
}

static gboolean is_text(GVariant *value)
{
    return g_variant_is_of_type(value, G_VARIANT_TYPE_STRING);
}

static gboolean take_detail(AgentAnswer *answer, const char *key, GVariant *value)
{
    if (g_str_equal(key, "message") && is_text(value))
        answer->message = g_variant_get_string(value, NULL);
    else if (g_str_equal(key, "input") && is_text(value))
        answer->input = g_variant_get_string(value, NULL);
    else if (g_str_equal(key, "answers") && g_variant_is_of_type(value, G_VARIANT_TYPE("a{ss}")))
        answer->answers = g_variant_ref(value);
    else
        return FALSE;
    return TRUE;
}

void answer_clear(AgentAnswer *answer)
{
    g_clear_pointer(&answer->answers, g_variant_unref);
}

gboolean answer_read_details(GVariant *details, AgentAnswer *answer, GError **error)
{
    GVariantIter iter;
    const char *key;
    GVariant *value;
    g_variant_iter_init(&iter, details);
    while (g_variant_iter_loop(&iter, "{&sv}", &key, &value)) {
        if (take_detail(answer, key, value))
            continue;
        g_set_error(error, STORKIT_ERROR, STORKIT_ERROR_INVALID_ARGUMENT,
                    "'%.100s' is not a detail of an answer, or has the wrong type: the details are "
                    "`message` s, `input` s and `answers` a{ss}",
                    key);
        g_variant_unref(value);
        return FALSE;
    }
    return TRUE;
}

/* --- When nobody answers --- */

static void on_answered(GVariant *value, const GError *error, gpointer data)
{
    g_autofree char *run_id = data;
    if (error)
        g_debug("run %s: %s", run_id, error->message);
}

static void refuse(Questions *questions, Run *run, const AgentQuestion *question)
{
    AgentAnswer answer = {.option = OPTION_DENY, .message = "Nobody answered in time."};
    questions_answer(questions, run, question->id, &answer, on_answered, g_strdup(run_get_id(run)));
}

static guint64 deadline(const Run *run, const AgentQuestion *question)
{
    return question->time + run_get_record(run)->ask_timeout_usec;
}

static void look_after(Questions *questions, Run *run);

static gboolean on_timeout(gpointer user_data)
{
    Timer *timer = user_data;
    Questions *questions = timer->owner;
    g_autoptr(Run) run = run_ref(timer->run);
    const GPtrArray *open = run_get_condition(run)->questions;
    g_autoptr(AgentQuestion) first =
        open && open->len > 0 ? agent_question_ref(open->pdata[0]) : NULL;
    timer->source = 0;
    if (first && now_usec() >= deadline(run, first)) {
        if (run_get_record(run)->timeout_stops)
            run_give_up(run);
        else
            refuse(questions, run, first);
    }
    look_after(questions, run);
    return G_SOURCE_REMOVE;
}

/* The first of them is the oldest. */
static void look_after(Questions *questions, Run *run)
{
    const GPtrArray *open = run_get_condition(run)->questions;
    guint64 now = now_usec();
    g_hash_table_remove(questions->timers, run);
    if (!open || open->len == 0 || run_get_record(run)->ask_timeout_usec == 0 ||
        run_is_giving_up(run))
        return;
    guint64 at = deadline(run, open->pdata[0]);
    Timer *timer = g_new0(Timer, 1);
    *timer = (Timer){.owner = questions, .run = run_ref(run)};
    /* Not all of a long time at once: it passes while the machine is suspended, too. One that is
     * due could not be refused yet (the disk is full, say), and is tried again. */
    guint64 left_msec = at > now ? (at - now) / 1000 + 1 : RETRY_MSEC;
    timer->source = g_timeout_add((guint)MIN(left_msec, 60 * 1000), on_timeout, timer);
    g_hash_table_insert(questions->timers, run, timer);
}

/* --- What runs tell --- */

/* It runs, and may ask. */
static gboolean asks(const Run *run)
{
    return run_get_phase(run) == RUN_RUNNING && run_get_record(run)->permission == PERMISSION_ASK;
}

/* Of answers that a service before this one kept, the shim may not know. */
static void give_again(Questions *questions, Run *run)
{
    const GPtrArray *asked = asks(run) ? run_get_facts(run)->questions : NULL;
    for (guint i = 0; asked && i < asked->len; i++) {
        AgentQuestion *question = asked->pdata[i];
        if (question->given || !answer_is_kept(run_get_folder_fd(run), question->id))
            continue;
        question->given = TRUE;
        steering_send_answer(questions->steering, run, question->id, on_answered,
                             g_strdup(run_get_id(run)));
    }
}

/* One that is not interactive has no more to read behind its result, and ends. */
static void close_behind_result(Questions *questions, Run *run)
{
    const RunRecord *record = run_get_record(run);
    const RunFacts *facts = run_get_facts(run);
    if (asks(run) && !record->kind->reply && !record->interactive && facts->closed &&
        !facts->empty && !run_is_input_closed(run))
        steering_end_input(questions->steering, run);
}

static void heard(const RunNews *news, gpointer data)
{
    Questions *questions = data;
    if (news->kind == NEWS_CHANGED) {
        look_after(questions, news->run);
        give_again(questions, news->run);
    } else if (news->kind == NEWS_EVENTS) {
        close_behind_result(questions, news->run);
    }
}

Questions *questions_new(Runs *runs, Steering *steering)
{
    Questions *questions = g_new0(Questions, 1);
    questions->runs = runs;
    questions->steering = steering;
    questions->timers = g_hash_table_new_full(NULL, NULL, NULL, timer_free);
    runs_add_listener(runs, heard, questions);
    return questions;
}

void questions_free(Questions *questions)
{
    if (!questions)
        return;
    runs_remove_listener(questions->runs, questions);
    g_hash_table_unref(questions->timers);
    g_free(questions);
}
