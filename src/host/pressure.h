/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

/** The share of the last ten seconds, in %, in which some process of the machine stalled for
 *  memory (PSI, /proc/pressure/memory); 0 where the kernel does not tell. */
double pressure_get_memory(void);
