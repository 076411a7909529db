/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "shim/soft-limits.h"

void soft_limits_set(SoftLimits *limits, unsigned resource, uint64_t soft)
{
    limits->is_set[resource] = true;
    limits->soft[resource] = soft;
}

void soft_limits_apply(const SoftLimits *limits)
{
    for (unsigned resource = 0; resource < RLIM_NLIMITS; resource++) {
        struct rlimit limit;
        if (!limits->is_set[resource] || getrlimit(resource, &limit) < 0)
            continue;
        limit.rlim_cur =
            limits->soft[resource] < limit.rlim_max ? limits->soft[resource] : limit.rlim_max;
        setrlimit(resource, &limit);
    }
}
