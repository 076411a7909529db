/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gio/gio.h>

#include "git/status.h"
#include "git/worktree.h"

/*
 * The messages between the service and its helper storkit-git over a socket: dictionaries, each
 * preceded by its length. Both have the same version: the service starts its helpers itself.
 */

/** Sends @message (a{sv}), which is consumed if floating. FALSE with errno. */
gboolean message_send(int socket, GVariant *message);

/** Reads the next one. NULL where the other side is gone, or sends something else. */
GVariant *message_receive(int socket);

GVariant *worktree_to_variant(const Worktree *worktree);
Worktree *worktree_from_variant(GVariant *variant);

GVariant *worktree_status_to_variant(const WorktreeStatus *status);
WorktreeStatus *worktree_status_from_variant(GVariant *variant);
