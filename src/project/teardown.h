/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

#include "project/roster.h"

/** Whether @config has any such command. */
gboolean teardown_is_wanted(const ProjectConfig *config);

/** Runs every component's `teardown` commands of @config in the worktree @path, in order, with
 *  @environment less what belongs to the service itself. Blocking (worker threads only), at most
 * two minutes a command. A command has ended when its shell has; whatever it has left running, in a
 *  session of its own or not, is killed then (see host/cell.h). The first that fails sets
 *  STORKIT_ERROR_WORKTREE_FAILED, which names the command, its status and its last lines; those
 *  after it do not run. */
gboolean teardown_run(const ProjectConfig *config, const char *path, char *const *environment,
                      GError **error);
