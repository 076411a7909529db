/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "ctl/verbs/top-model.h"

/*
 * Commands that top gives the terminal to for a while.
 */

typedef enum {
    TOP_ATTACH,
    TOP_LOG,
    TOP_SHOW,
    TOP_WATCH,
    TOP_DIFF,
} TopCommand;

/** Runs storkitctl's command for @run, on its host, in the terminal, which is as a shell would have
 * it. If its output would vanish at once with the table back, returns after a key. */
gboolean top_command_run(TopCommand command, const Ctl *ctl, const TopRun *run, GError **error);
