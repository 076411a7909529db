/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "ctl/ctl.h"

/*
 * Telling the desktop what a person has before their eyes: it says nothing of a run that is
 * followed. A name on the bus stands for each, and goes with this process: storkit-desktop(8).
 */

/** The run @run_id is shown from now on, where standard output is a terminal. */
void followed_announce(Ctl *ctl, const char *run_id);
