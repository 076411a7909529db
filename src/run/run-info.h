/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "run/run.h"

/*
 * The contract's info of a run. A key is absent if it has no value.
 */

/** The contract's info, a{sv} (floating). */
GVariant *run_get_info(const Run *run);

/** The same without what changes from moment to moment: its cursor, and the figures of its memory,
 *  CPU time and processes. */
GVariant *run_get_state(const Run *run);
