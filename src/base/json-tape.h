/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * The tape of a scan (json-scan.h): where in a text its values are, in the text's order, so that
 * nobody reads the text a second time to find them. A member of an object is two tokens, its name
 * and its value. libc only.
 */

typedef enum {
    JSON_OBJECT,
    JSON_ARRAY,
    JSON_STRING, /* a member's name, too */
    JSON_NUMBER,
    JSON_TRUE,
    JSON_FALSE,
    JSON_NULL,
} JsonType;

typedef struct {
    uint32_t begin, end; /* of a string, between its quotes; of the others, @begin alone is set */
    uint32_t next;       /* the index of the first token after it and its content */
    uint8_t type;        /* a JsonType */
    bool escaped;        /* a string with a backslash in it: it must be decoded */
} JsonToken;

/** Lives wherever its user likes. Most lines fit into `first`. */
typedef struct {
    JsonToken *tokens;
    uint32_t count, size;
    uint32_t open; /* the innermost container that is open; its `next` is the one around it */
    JsonToken first[64];
} JsonTape;

/** Makes @tape empty; json_tape_clear() frees its memory. */
void json_tape_init(JsonTape *tape);
void json_tape_clear(JsonTape *tape);

/** Adds a token that begins at @begin. The scan's own, like the two that follow. */
JsonToken *json_tape_add(JsonTape *tape, JsonType type, uint32_t begin);

/** Opens and closes an object or an array. */
void json_tape_open(JsonTape *tape, JsonType type, uint32_t begin);
void json_tape_close(JsonTape *tape);

/** The index of the value of the member @name of the object @index of @text; of the last one if
 * there are several. 0, which is the outermost object, if there is none. */
uint32_t json_tape_member(const JsonTape *tape, const char *text, uint32_t index, const char *name,
                          size_t length);

/** Whether the string @token of @text means @expected, which is at most 64 bytes long. */
bool json_string_is(const char *text, const JsonToken *token, const char *expected, size_t length);

/** Writes the decoded string @token of @text to @to, which must have space for as many bytes as the
 * text has, and returns their number. A \u0000 and half a surrogate pair become U+FFFD. No NUL is
 * written. */
size_t json_string_decode(const char *text, const JsonToken *token, char *to);
