/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

#include "config.h"

/** Runs every component's `teardown` commands of @config in the worktree @path, in order, with
 *  @environment. Blocking (worker threads only), at most two minutes a command, after which its
 *  process group is killed. The first that fails sets STORKIT_ERROR_WORKTREE_FAILED, which names
 *  the command, its status and its last lines; those after it do not run. */
gboolean teardown_run(const ProjectConfig *config, const char *path, char *const *environment,
                      GError **error);
