/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

#include "agents/kind.h"
#include "agents/usage.h"

/*
 * What one line of a transcript means.
 */

typedef enum {
    LINE_NOTHING, /* blank, or nothing left of it once its escape sequences are gone */
    LINE_OUTPUT,  /* text */
    LINE_JSON,    /* one strict JSON object, whatever the agent's kind */
} LineClass;

/** What a line of an agent's JSON says of the run as a whole; a member is unset (NULL, FALSE, 0)
 *  where the line says nothing of it. All of it is display, none of it decides whether the agent
 *  runs: a tool can forge a line. */
typedef struct {
    char *session_id;   /* the kind's session id, never empty */
    gboolean opening;   /* the kind's opening line (claude: system/init) */
    gboolean closing;   /* the kind's closing line (claude: result) */
    gboolean success;   /* of a closing line: it reports success */
    gboolean empty;     /* of a closing line: it reports that nothing was done */
    char *error;        /* the CLI's own words for a failure, on its closing line or before it */
    gboolean assistant; /* the model spoke or acted: a resume that was refused never has it */
    guint64 retry_at;   /* µs since the epoch: a rejected rate limit's reset */
    Usage used;         /* since the line before that said so: adds up */
    Usage so_far;       /* since the run's begin: takes the place of what was said before */
    Usage session;      /* of the session, with its earlier runs: takes the place too */
} LineFacts;

struct DecodedLine {
    LineClass class;
    const char *text; /* OUTPUT: valid UTF-8 without NUL. JSON: the object's bytes as printed
                       (as cleaned, where it is one only without the escape sequences around).
                       No NUL is behind it: it is a part of the line, or `cleaned` */
    gsize length;     /* of text, in bytes */
    char *cleaned;    /* or NULL */
    char *shown;      /* OUTPUT: what a terminal shows of it, where that differs, or NULL */
    GPtrArray *texts; /* JSON: char *, the texts that each become an `output` before it; or NULL */
    LineFacts facts;
};

void decoded_line_clear(DecodedLine *line);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(DecodedLine, decoded_line_clear)
