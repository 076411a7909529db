/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

#include "project/target.h"
#include "run/register.h"

/*
 * Runs that start runs: whose child a Start makes, whether its parent may, and whom a Stop ends,
 * too. All of it follows from the records of the runs there are (store/family.h).
 */

/** The live run in whose scope a process of the cgroup @cgroup is, or NULL. The register's. */
Run *family_find_by_cgroup(const Runs *runs, const char *cgroup);

/** Whether @parent may start @target's agent, by its record: the roster may have changed. @except:
 *  a run that waits, and is to start now; or NULL. Sets STORKIT_ERROR_NOT_ALLOWED, which names the
 *  key. */
gboolean family_check_start(const Runs *runs, const Run *parent, const Target *target,
                            const Run *except, GError **error);

/** The live runs that @run has started, and those that they have, and so on; oldest first. Caller
 *  unrefs. */
GPtrArray *family_list_below(const Runs *runs, const Run *run);

/** The live runs below a run that was stopped: the service died before it could stop them, too.
 *  Caller unrefs. */
GPtrArray *family_list_orphans(const Runs *runs);
