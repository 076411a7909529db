/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

#include "agents/kind.h"
#include "agents/question.h"
#include "agents/usage.h"

/*
 * The meaning of one line of a transcript.
 */

typedef enum {
    LINE_NOTHING, /* blank, perhaps after its escape sequences were removed */
    LINE_OUTPUT,  /* text */
    LINE_JSON,    /* one strict JSON object, whatever the agent's kind */
} LineClass;

/** Facts about the whole run in a line of an agent's JSON; a member is unset (NULL, FALSE, 0) if
 * the line does not have it. They are for display; none decides whether the agent runs: a tool can
 * forge a line. */
typedef struct {
    char *session_id;   /* the kind's session id, never empty */
    gboolean opening;   /* the kind's opening line (claude: system/init) */
    gboolean closing;   /* the kind's closing line (claude: result) */
    gboolean success;   /* of a closing line: it reports success */
    gboolean empty;     /* of a closing line: it reports that nothing was done */
    char *error;        /* the CLI's own words for a failure, on its closing line or before it */
    gboolean assistant; /* the model spoke or acted: a resume that was refused never has it */
    guint64 retry_at;   /* µs since the epoch: a rejected rate limit's reset */
    gboolean stalled;   /* it waits in silence for a limit to end */
    AgentQuestion *question; /* the agent asks, and waits for an answer; or NULL */
    LinePlace place;         /* set by the transcript's reader */
    gboolean due;            /* the service owes the agent a reply: see AgentKind */
    GPtrArray *settled;      /* char *, requests and subjects of questions that are over; or NULL */
    Usage used;              /* since the line before that said so: adds up */
    Usage so_far;            /* since the start of the run: replaces earlier values */
    Usage session;           /* of the session, with its earlier runs: takes the place too */
} LineFacts;

struct DecodedLine {
    LineClass class;
    const char *text; /* OUTPUT: valid UTF-8 without NUL. JSON: the object's bytes as printed
                       (or as cleaned, if it only is one without the escape sequences around it).
                       Not NUL-terminated: it is a part of the line, or `cleaned` */
    gsize length;     /* of text, in bytes */
    char *cleaned;    /* or NULL */
    char *shown;      /* OUTPUT: the line as a terminal shows it, if that differs, or NULL */
    GPtrArray *texts; /* JSON: char *, the texts that each become an `output` before it; or NULL */
    /* Of a kind whose messages come in pieces: see transcript/text-join.h. */
    char *piece;        /* of a message; or NULL */
    char *message;      /* the name of that message; or NULL */
    gboolean ends_it;   /* no message continues behind this line */
    gboolean is_update; /* of the session: an old one where a resumed session is shown again */
    LineFacts facts;
};

void decoded_line_clear(DecodedLine *line);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(DecodedLine, decoded_line_clear)
