/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

#include "agents/kind.h"

/*
 * The decoder: a pure function from one line of a transcript to what it means, by the contract's
 * line rules. It keeps no state, does no I/O, and takes any bytes whatever.
 */

/** The longest line whose JSON is looked into; a longer one gives `agent_json` and no `output`. */
#define DECODER_MAX_PARSED (4u * 1024 * 1024)

typedef enum {
    LINE_NOTHING, /* blank, or nothing left of it once its escape sequences are gone */
    LINE_OUTPUT,  /* text */
    LINE_JSON,    /* one strict JSON object, whatever the agent's kind */
} LineClass;

/** What a line of an agent's JSON says of the run as a whole; a member is unset (NULL, FALSE, 0)
 *  where the line says nothing of it. All of it is display, none of it decides whether the agent
 *  runs: a tool can forge a line. */
typedef struct {
    char *session_id; /* the kind's session id, never empty */
    gboolean opening; /* the kind's opening line (claude: system/init) */
    gboolean closing; /* the kind's closing line (claude: result) */
    gboolean success; /* of a closing line: it reports success */
    char *error;      /* of a closing line without success: the CLI's own words, where it has any */
    gboolean assistant; /* the model spoke or acted: a resume that was refused never has it */
    guint64 retry_at;   /* µs since the epoch: a rejected rate limit's reset */
    gboolean step;      /* cost and tokens are those of one step of many: they add up */
    gboolean has_cost, has_turns, has_input_tokens, has_output_tokens;
    double cost_usd;
    guint turns;
    guint64 input_tokens, output_tokens;
} LineFacts;

typedef struct {
    LineClass class;
    char *text;       /* OUTPUT: valid UTF-8 without NUL. JSON: the object's bytes as printed
                       (as cleaned, where it is one only without the escape sequences around) */
    gsize length;     /* of text, in bytes */
    GPtrArray *texts; /* JSON: char *, the texts that each become an `output` before it; or NULL */
    LineFacts facts;
} DecodedLine;

/** Decodes one line, given without its newline. @line may hold any bytes and need not end in NUL;
 *  it is at most 16 MiB (the reader's business). The result belongs to the caller:
 *  decoded_line_clear(). */
void decode_line(AgentKind kind, const char *line, gsize length, DecodedLine *ret);

void decoded_line_clear(DecodedLine *line);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(DecodedLine, decoded_line_clear)

/** The text of an `output`, made from a line's bytes: escape sequences and control characters
 *  removed, what is no UTF-8 made U+FFFD, trimmed. @ret_length is its length. Caller frees. */
char *decode_clean_text(const char *line, gsize length, gsize *ret_length);
