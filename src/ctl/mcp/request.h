/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <json-glib/json-glib.h>

/*
 * One request of an MCP client. Since the revision of 2026-07-28 each request says which revision
 * it speaks, in `_meta`; before, `initialize` agreed on one. The server keeps no state between
 * requests in either case, so both kinds may be mixed.
 */

/** The revision whose requests carry their version. */
#define MCP_MODERN "2026-07-28"

typedef struct {
    JsonNode *id;
    char *method;
    JsonObject *params;       /* or NULL */
    JsonNode *progress_token; /* or NULL: no progress is wanted */
    gboolean modern;
} Request;

/** Reads @message, which has an `id` and a `method`. Caller: request_free(). */
Request *request_new(JsonObject *message);

void request_free(Request *request);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Request, request_free)

/** Whether @request speaks a revision that this server knows; else it has been answered. */
gboolean request_check_version(const Request *request);

/** Sends the result; takes @result, to which a modern request's members are added. */
void request_reply(const Request *request, JsonObject *result_taken);

/** The same for a result that must not be kept: it is another one at the next call. */
void request_reply_uncacheable(const Request *request, JsonObject *result_taken);

/** Answers with an error of the protocol. */
void request_fail(const Request *request, int code, const char *message);

/** Reports progress to the client, if it asked for that. @progress must grow. */
void request_tell_progress(const Request *request, gint64 progress, const char *message);

/** `initialize` of the earlier revisions, and `server/discover` of the modern one. */
void request_initialize(const Request *request);
void request_discover(const Request *request);
