/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <json-glib/json-glib.h>
#include <systemd/sd-event.h>

/*
 * JSON-RPC 2.0 as the Model Context Protocol carries it on standard input and output: one message
 * a line.
 */

#define WIRE_PARSE_ERROR (-32700)
#define WIRE_INVALID_REQUEST (-32600)
#define WIRE_METHOD_NOT_FOUND (-32601)
#define WIRE_INVALID_PARAMS (-32602)
#define WIRE_INTERNAL_ERROR (-32603)
/* The protocol's own. */
#define WIRE_UNSUPPORTED_VERSION (-32022)

/** The longest line that is read, in bytes. */
#define WIRE_LINE_MAX (16 * 1024 * 1024)

typedef struct Wire Wire;

typedef struct {
    /** One message: an object, which is the wire's. */
    void (*message)(JsonObject *message, gpointer data);

    /** The other side has closed its end, or sends what can't be read on. */
    void (*closed)(gpointer data);
} WireHandler;

/** Reads standard input from @event's loop on; a line that is not a JSON object is answered with
 *  an error. Sets CTL_ERROR_USAGE where standard input can't be waited for (a file). Caller:
 *  wire_free(). */
Wire *wire_new(sd_event *event, const WireHandler *handler, gpointer data, GError **error);

void wire_free(Wire *wire);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Wire, wire_free)

/** Writes the response to the request @id; takes @result. */
void wire_send_result(JsonNode *id, JsonObject *result_taken);

/** Writes an error response; @id may be NULL where it is unknown, @data_taken NULL without data. */
void wire_send_error(JsonNode *id, int code, const char *message, JsonObject *data_taken);

/** Writes a notification; takes @params. */
void wire_send_notification(const char *method, JsonObject *params_taken);
