/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "ctl/ctl.h"

/** Prints the events of @runs (of RunInfo), from their start, until all have ended. */
gboolean watch_runs(Ctl *ctl, GPtrArray *runs, GError **error);
