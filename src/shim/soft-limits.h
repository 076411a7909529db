/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/resource.h>

/*
 * Soft resource limits of a process that is about to begin.
 */

typedef struct SoftLimits {
    bool is_set[RLIM_NLIMITS];
    uint64_t soft[RLIM_NLIMITS];
} SoftLimits;

void soft_limits_set(SoftLimits *limits, unsigned resource, uint64_t soft);

/** Sets them for this process, none above its hard limit. Those that the kernel refuses stay as
 * they are. Async-signal-safe. */
void soft_limits_apply(const SoftLimits *limits);
