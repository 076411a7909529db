/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <json-glib/json-glib.h>

#include "ctl/terminal.h"

/** One line on what a JSON line of an agent says: the tool it uses and on what, the first line of
 *  what came back, how a turn ended. NULL for lines that tell a person nothing (their text comes as
 *  `output`, or they are bookkeeping). @ret_style says how to show it. Nothing in it is made
 *  harmless yet. Caller frees. */
char *summarise_line(JsonObject *line, Style *ret_style);
