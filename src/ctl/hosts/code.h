/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "ctl/ctl.h"

/*
 * The code of a story, to another machine and back, by git over the same ssh. A branch that comes
 * from here is storkit/BRANCH there, a remote-tracking one: no branch that is checked out moves.
 */

/** The remote-tracking branches, on the other machine, of what came from here. */
#define CODE_REMOTE "storkit/"

/** Takes @base, a branch of the project around the current folder (NULL: the one checked out), to
 *  the project on the only host of @ctl, and the branch of @story where there is one. @ret_base
 *  gets what the story is to be based on there; NULL: what that project has decides, for it has
 *  begun the story, is another one, or there is no such branch here. Sets CTL_ERROR_NOT_FOUND where
 *  the project is missing there, and CTL_ERROR_UNREACHABLE. Caller frees. */
gboolean code_push(Ctl *ctl, const char *story, const char *base, char **ret_base, GError **error);

/** Checks that the project is on the only host of @ctl, and leaves a connection open. Sets an error
 *  as code_push() does. */
gboolean code_find(Ctl *ctl, GError **error);

/** Fetches @branch from there into the local reference @into, which it may force. */
gboolean code_fetch(Ctl *ctl, const char *branch, const char *into, GError **error);
