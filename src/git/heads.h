/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

/*
 * The HEADs of a repository's worktrees. Which of a thousand worktrees has a branch is asked at
 * each Start: those that are kept are looked at, and read only where they have changed.
 */

typedef struct Heads Heads;

Heads *heads_new(void);
void heads_free(Heads *heads);

/** The names of the folders in @admins (`.git/worktrees`) whose HEAD has the text @head, but for
 *  white space at its end. @heads: what is known from earlier; NULL: nothing. Caller frees. */
char **heads_find(Heads *heads, const char *admins, const char *head);
