/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "ctl/ctl.h"
#include "ctl/info.h"

/*
 * Finds the runs that a person means by STORY[/AGENT]. A story or an agent may be shortened as long
 * as only one begins that way; a pattern (42*) means each run that matches, a run's id that run.
 */

typedef enum {
    SELECT_ONE = 0,         /* each argument names one run: of several agents the only live one */
    SELECT_ALL_AGENTS = 1,  /* STORY alone means the runs of all of its agents */
    SELECT_ALL_IF_NONE = 2, /* no argument means every run, or those of the worktree we are in */
} SelectFlags;

/** The runs that @arguments name, each once: a GPtrArray of RunInfo. Without arguments, in a
 *  story's worktree, that story's. Sets CTL_ERROR_NO_SUCH_RUN, and CTL_ERROR_USAGE where a name is
 *  ambiguous. Caller: g_ptr_array_unref(). */
GPtrArray *select_runs(Ctl *ctl, char *const *arguments, SelectFlags flags, GError **error);

/** Sets CTL_ERROR_USAGE where @arguments name no run and @flags want one. */
gboolean select_check_named(Ctl *ctl, char *const *arguments, SelectFlags flags, GError **error);

/** The same as select_runs() from @listed, the runs that there are. */
GPtrArray *select_listed(Ctl *ctl, GPtrArray *listed, char *const *arguments, SelectFlags flags,
                         GError **error);

/** The same for commands that do what they can: the others are found even if an argument names no
 * run, or several. Sets @error for the first such one, and warns of the others. Caller:
 * g_ptr_array_unref(). */
GPtrArray *select_each(Ctl *ctl, GPtrArray *listed, char *const *arguments, GError **error);

/** Whether @argument is a pattern as a shell has them, for stories or STORY/AGENT. */
gboolean select_is_pattern(const char *argument);

/** The one run that @argument names (NULL: the story we are in). Caller: run_info_free(). */
RunInfo *select_run(Ctl *ctl, const char *argument, GError **error);

/** Splits STORY[/AGENT]; the agent is that of -a, or NULL, where it has none. Caller frees both. */
void select_split(Ctl *ctl, const char *argument, char **ret_story, char **ret_agent);

/** Which of @names (a GPtrArray of strings) @typed means: the equal one, or the only one that
 *  begins with it. For the message that there is none: @what it would be ("run of story"), and
 *  the @advice where to look. The result belongs to @names. */
const char *select_name(GPtrArray *names, const char *what, const char *advice, const char *typed,
                        GError **error);
