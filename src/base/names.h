/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

/*
 * The names of the contract: those of stories, agents, runs and units.
 */

/** Whether @name may be a story id or an agent's name: [A-Za-z0-9][A-Za-z0-9._-]{0,63}, without
 *  "..", not ending in "." or ".lock" (it becomes part of a git branch and of a path). */
gboolean name_is_valid(const char *name);

/** Like name_is_valid(), but says what is wrong: @what ("story id", "agent name") and the rule are
 *  in the message of the STORKIT_ERROR_INVALID_ARGUMENT it sets. */
gboolean name_check(const char *what, const char *name, GError **error);

/** Any text from a client in a form fit for a message: valid UTF-8, at most 80 characters (then
 *  "…"), U+FFFD for each that does not print. Caller frees. */
char *name_for_message(const char *name);

/** Whether @name may name an environment variable: [A-Za-z_][A-Za-z0-9_]*. */
gboolean environment_name_is_valid(const char *name);

/** A new run id: STORY.AGENT. and ten characters of [a-z0-9] that sort by time; no two calls
 *  of one process give the same, and later ones sort after. From any thread. Caller frees. */
char *run_id_new(const char *story, const char *agent);

/** Makes later ids sort after @id, one of an earlier process: the clock may have been set back
 * since. One of the last years that the form has digits for is nobody's, and is ignored. */
void run_id_keep_after(const char *id);

/** Whether @id has the form that run_id_new() makes: it is used as a folder's name, so nothing
 *  else may ever reach the file system. */
gboolean run_id_is_valid(const char *id);

/** The scope of a new run: app-storkit-WORD.scope, where desktops read "storkit" as the application
 *  (app[-LAUNCHER]-ID-RANDOM.scope, RANDOM of letters and digits) and people the run: its id with a
 *  capital for each separator. An older run may have another, so a run's unit is always that of its
 *  record. Caller frees. */
char *run_unit_name(const char *run_id);

/** The object path of a run on the bus, as sd_bus_path_encode() makes it. Caller frees. */
char *run_object_path(const char *run_id);
