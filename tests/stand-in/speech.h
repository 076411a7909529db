/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stddef.h>

/*
 * What the stand-in prints. Everything is written at once and whole; an error of the terminal's is
 * nothing to a program that only talks.
 */

/** The session id of all that follows; without a call it is a random one. */
void set_session_id(const char *id);

/** Replaces \n \r \t \e \\ and \xNN. The result, which ends in NUL, is the caller's; @ret_length
 *  may be NULL. */
char *unescape(const char *text, size_t *ret_length);

void say_bytes(const char *bytes, size_t length);
void say_text(const char *text);
void say_line(const char *text);

void say_init(void);
void say_assistant(const char *text);

/** A result line: success, or with @error is_error and that text. */
void say_result(const char *error);

void say_argv(int argc, char **argv);
void say_numbered_lines(long count, const char *prefix);

/** Assistant and user lines of @line_size bytes, @size bytes in all. */
void say_flood(long size, long line_size);

/** The bytes of the file @path, with the terminal's output processing off meanwhile. Returns -1
 *  with errno set where the file cannot be read. */
int say_file(const char *path);

/** A control request @id: may it use @tool with @input, a JSON object? */
void say_request(const char *id, const char *tool, const char *input);

/** Says the answers to control requests that come on stdin, and what came of each, until there were
 *  @count. */
void take_answers(long count);

/** Answers lines on stdin until it ends. */
void answer_input(void);
