/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "git/heads.h"
#include "git/library.h"

/*
 * What stays open from one operation to the next: with a thousand branches, opening a repository
 * takes longer than most of what is asked of it. Only a repository that is as it was, with git's
 * files of settings, is taken again (a file that these include is not looked at); its references
 * and objects are always read as they are.
 */

typedef struct Kept Kept;

Kept *kept_new(void);
void kept_free(Kept *kept);

/** Opens the repository whose work tree is @root, or takes the kept one: see git_library_open().
 *  @kept may be NULL. */
git_repository *kept_open(Kept *kept, const char *root, GError **error);

/** The kept repository, if it is still that of @root, else NULL. @kept may be NULL. */
git_repository *kept_take(Kept *kept, const char *root);

/** The operation is over: keeps @git_taken (or NULL), if it is of @kept, else frees it. */
void kept_give_back(Kept *kept, git_repository *git_taken);

/** The HEADs that were read for earlier operations; NULL without @kept. */
Heads *kept_heads(Kept *kept);
