/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/*
 * AgentQuestion: what an agent asks and waits to have answered: whether it may do something, or
 * which of several things it shall do. And what is answered.
 */

typedef enum {
    QUESTION_PERMISSION,
    QUESTION_INPUT, /* a question of the model's own */
} QuestionKind;

/** "permission", "input": a static string. */
const char *agent_question_kind_to_string(QuestionKind kind);

/** Where a line stands in the transcript. */
typedef struct {
    guint64 id; /* the cursor of its event */
    guint64 offset, end;
} LinePlace;

typedef struct {
    char *id, *name;
} QuestionOption;

typedef struct {
    grefcount references;
    QuestionKind kind;
    char *request; /* the agent's name for it */
    char *subject; /* its name for what it is about, whose outcome ends the question; or NULL */
    char *title;   /* one line */
    char *detail;  /* or NULL; at most QUESTION_DETAIL_MAX bytes */
    GPtrArray *options; /* QuestionOption */
    /* Its place in the transcript, set by the reader of that. */
    char *id; /* its event's cursor, as text */
    LinePlace place;
    guint64 time;   /* µs since the epoch */
    gboolean given; /* its answer is on the way to the agent */
} AgentQuestion;

#define QUESTION_DETAIL_MAX 4096u

/** So many of one run are open at most. */
#define QUESTIONS_MAX 64u

/** A question without a title, a detail or options. Caller unrefs. */
AgentQuestion *agent_question_new(QuestionKind kind);
AgentQuestion *agent_question_ref(AgentQuestion *question);
void agent_question_unref(AgentQuestion *question);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(AgentQuestion, agent_question_unref)

void agent_question_add_option(AgentQuestion *question, const char *id, const char *name);

/** The detail is @text, cut where it is too long. */
void agent_question_set_detail(AgentQuestion *question, const char *text);

gboolean agent_question_has_option(const AgentQuestion *question, const char *id);

/** As the bus has it: `id`, `kind`, `title`, `detail`, `options`. Floating. */
GVariant *agent_question_to_variant(const AgentQuestion *question);

/* The options that agents of several kinds have. */
#define OPTION_ALLOW "allow"
#define OPTION_ALWAYS "always" /* this, and the like of it while the session lasts */
#define OPTION_DENY "deny"
#define OPTION_OTHER "other" /* an answer in words */

/** An answer. Its strings are the caller's. */
typedef struct {
    const char *option;
    const char *message; /* why not, or an answer in words; or NULL */
    const char *input;   /* a JSON object to go on with instead of what was asked for; or NULL */
    GVariant *answers;   /* a{ss}: where several things are asked at once; or NULL */
} AgentAnswer;

G_END_DECLS
