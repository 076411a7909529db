/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "agents/line-json.h"
#include "run/run.h"

/*
 * A line of a run's transcript, read back: it holds word for word what is to be answered.
 */

typedef struct ReadLine ReadLine;

/** The line of JSON at @place. Sets STORKIT_ERROR_INVALID_ARGUMENT where it cannot be read back. */
ReadLine *run_read_line(const Run *run, const LinePlace *place, GError **error);
void read_line_free(ReadLine *line);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ReadLine, read_line_free)

/** Its object, for as long as @line is there. */
LineJson read_line_json(ReadLine *line);
