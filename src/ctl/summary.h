/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <json-glib/json-glib.h>

#include "ctl/terminal.h"

/** A one-line summary of a JSON line of an agent: the tool and its argument, the first line of its
 * result, how a turn ended. NULL for lines without interest for people (their text comes as
 * `output`, or they are bookkeeping). @ret_style says how to show it. Not sanitized yet. Caller
 * frees. */
char *summarise_line(JsonObject *line, Style *ret_style);
