/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

/*
 * The work that would be lost with a work tree, or with a branch.
 */

typedef struct {
    GPtrArray *files;   /* char *: paths with changes, or untracked and not ignored */
    GPtrArray *commits; /* char *: "1234567 subject" of those that nothing else reaches */
} Work;

Work *work_new(void);
void work_free(Work *work);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Work, work_free)

/** "2 changed files (a, b), 1 commit on no other branch (1234567 subject)". Caller frees. */
char *work_describe(const Work *work);

/** Notes that @path cannot be read. */
void work_add_unknown(Work *work, const char *path);

/** Adds the lines of @text, each without its first @skip bytes. */
void work_add_lines(GPtrArray *lines, const char *text, gsize skip);

/** Whether @names has @name. */
gboolean work_is_listed(const GPtrArray *names, const char *name);
