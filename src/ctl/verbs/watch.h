/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "ctl/ctl.h"

/** Prints the events of @runs (of RunInfo), from their start, until all have ended. */
gboolean watch_runs(Ctl *ctl, GPtrArray *runs, GError **error);

/** watch over ctl->hosts, with the N of --lines: the runs that @arguments name, or all. Returns the
 *  exit status; -1 with @error set. In watch-hosts.c. */
int watch_on_hosts(Ctl *ctl, char **arguments, int lines, GError **error);
