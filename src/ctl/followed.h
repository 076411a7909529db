/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "ctl/ctl.h"

/*
 * Tells the desktop which runs the user is looking at, so that it shows no notifications for them:
 * by a name on the bus for each, released when this process ends: storkit-desktop(8).
 */

/** The run @run_id is shown from now on, where standard output is a terminal. */
void followed_announce(Ctl *ctl, const char *run_id);
