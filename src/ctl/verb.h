/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "ctl/ctl.h"

/*
 * A command of storkitctl: each lives in a file under verbs/, and verbs.c lists them all.
 */

/** The kinds of a verb's arguments, for shell completion. */
typedef enum {
    ARGUMENT_NONE,
    ARGUMENT_RUN,      /* one STORY[/AGENT]; more words are free text */
    ARGUMENT_ANSWER,   /* one, then a question of it, or its answer, or both */
    ARGUMENT_RUNS,     /* any number */
    ARGUMENT_NEW_RUN,  /* a story to start */
    ARGUMENT_WORKTREE, /* one story that has a worktree */
    ARGUMENT_WORKTREES,
    ARGUMENT_VERB,
} ArgumentKind;

typedef struct Verb {
    const char *name;
    const char *synopsis; /* of its arguments */
    const char *summary;  /* one line for --help */
    ArgumentKind arguments;
    guint least, most;           /* how many arguments; G_MAXUINT: any number */
    const GOptionEntry *options; /* its own, or NULL */
    gboolean passes_on;          /* words after "--" are for the program it runs */
    gboolean offline;            /* opens the connection itself, if at all */
    gboolean here;               /* runs here with -H, too, and has no connection then */
    gboolean in_job;             /* of a run that a job of Slurm has, it runs there */
    const char *stands_for;      /* it is this option of storkitctl, as a word; it has no run */

    /** Returns the exit status. @arguments ends in NULL; @passed (after "--") too. On failure sets
     *  @error, from which the status then comes. */
    int (*run)(Ctl *ctl, char **arguments, char **passed, GError **error);

    /** The same over all of ctl->hosts, without a connection to the bus. NULL: it takes one
     *  host. */
    int (*run_on_hosts)(Ctl *ctl, char **arguments, GError **error);
} Verb;

extern const Verb list_verb, show_verb, start_verb, run_verb, submit_verb, resume_verb, stop_verb,
    freeze_verb, thaw_verb, max_agents_verb, top_verb, watch_verb, wait_verb, log_verb, status_verb,
    attach_verb, send_verb, worktrees_verb, path_verb, shell_verb, diff_verb, merge_verb,
    fetch_verb, remove_verb, config_verb, mcp_verb, help_verb, version_verb, sandbox_verb,
    questions_verb, answer_verb;

/** The verbs by heading, in the order of --help; the last group has no title. */
typedef struct {
    const char *title;
    const Verb *const *verbs; /* ends in NULL */
} VerbGroup;

extern const VerbGroup verb_groups[];

/** The verb of that name, or NULL. */
const Verb *verb_find(const char *name);

/** The name of the verb most likely meant by @typed, or NULL. */
const char *verb_nearest(const char *typed);

/** `storkitctl _complete WORD…`: what may stand for the last word. Never fails. */
int complete(Ctl *ctl, char **words);
