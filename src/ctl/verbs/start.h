/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "ctl/info.h"
#include "ctl/start-options.h"

/** Starts @target, waiting with it in the queue unless --no-block. Returns its info; Caller:
 *  run_info_free(). Sets CTL_ERROR_STOPPED where it is stopped before it starts. */
RunInfo *start_run(Ctl *ctl, const StartTarget *target, GError **error);
