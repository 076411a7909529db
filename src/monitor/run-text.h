/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <storkit/storkit.h>

/*
 * A run in words and pictures, for people.
 */

/** Queued, being prepared, or running. */
gboolean run_is_live(StorkitRun *run);

/** The last component of the project's path. Caller frees. */
char *run_dup_project_name(StorkitRun *run);

/** "42_login, coder". Caller frees. */
char *run_dup_name(StorkitRun *run);

/** What it does or how it ended, in a few words: "running since 15:20", "asks: May it use Bash?".
 *  Caller frees. */
char *run_dup_status(StorkitRun *run);

/** "3 turns · $0.01 · 1.2k tokens in, 300 out"; "" as long as the agent reports nothing. Caller
 *  frees. */
char *run_dup_totals(StorkitRun *run);

/** The name of a symbolic icon for its state, and the CSS class of that one's colour or NULL. */
const char *run_icon(StorkitRun *run);
const char *run_style(StorkitRun *run);

/** The options that start it again where it ended (a{sv}, floating). */
GVariant *run_resume_options(StorkitRun *run);
