/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "shim/run.h"

/*
 * The poll loop: it sleeps until an event or a deadline, and passes it to the run.
 */

/** Runs until the run is over. @signals is a signalfd for SIGTERM and SIGCHLD. */
void loop_run(Run *run, int signals);
