/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "ctl/info.h"

/*
 * What runs ask, as their infos have it.
 */

typedef struct {
    const RunInfo *run;
    JsonObject *json;
    /* They point into `json`. */
    const char *id, *title, *detail; /* @detail: or "" */
} OpenQuestion;

/** The open questions of @runs, which outlive them, in the order of the runs. Caller:
 *  g_ptr_array_unref(). */
GPtrArray *open_questions(GPtrArray *runs);

/** The first one of @run; FALSE where there is none. */
gboolean open_question_first(const RunInfo *run, OpenQuestion *ret_question);

/** How long ago it was asked. Caller frees. */
char *open_question_age(const OpenQuestion *question);

/** How many options it has, and their ids and names; NULL where there is none with that index. */
guint open_question_count_options(const OpenQuestion *question);
const char *open_question_option(const OpenQuestion *question, guint index, const char **ret_name);

/** The id of the option that a person means by @word: an id or a name, or the only one that begins
 *  so; "yes" and "no" are "allow" and "deny". Sets CTL_ERROR_USAGE. */
const char *open_question_find_option(const OpenQuestion *question, const char *word,
                                      GError **error);

/** A call of `Answer`. @message and @input may be NULL. Caller: sd_bus_message_unref(). */
sd_bus_message *open_question_answer(sd_bus *bus, const OpenQuestion *question, const char *option,
                                     const char *message, const char *input, GError **error);
