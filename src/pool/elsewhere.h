/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

#include "run/run.h"

/*
 * The runs of other machines: hosts with one home have one state folder. They are not in the
 * register, and nothing here follows, decides, changes or removes them: whoever asks for them gets
 * what their folders say at that moment. All of these block: worker threads only.
 */

typedef struct Elsewhere Elsewhere;

/** Reads a folder as a run, as adopt_read() does. Caller unrefs. */
typedef Run *(*ElsewhereRead)(const char *run_id, gboolean *ret_listed, gpointer data);

Elsewhere *elsewhere_new(ElsewhereRead read, gpointer data);
void elsewhere_free(Elsewhere *elsewhere);

/** Those that their machines list, the oldest first: the live ones, and of each key the last that
 *  has ended. Run *; caller unrefs. */
GPtrArray *elsewhere_list(Elsewhere *elsewhere);

/** The last of them with this key, a live one first; @agent "" is any. NULL: none. Caller unrefs.
 */
Run *elsewhere_find(Elsewhere *elsewhere, const char *root, const char *story, const char *agent);
