/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>

#include "shim/mounts.h"

/*
 * The agent's confinement: mounts of its own; Landlock for files, TCP, signals and abstract
 * sockets, then a seccomp filter for system calls. The plan is the file `sandbox` of the run's
 * folder (shim-protocol.h says its form), the filter, already compiled, the file `sandbox.filter`
 * beside it.
 */

typedef struct Confinement {
    bool wanted;
    char *paths;       /* to which the rules point */
    MountRule *mounts; /* NULL: it has the mounts of all */
    size_t n_mounts;
    int ruleset; /* -1: this kernel has no Landlock, and the plan does not count on it */
    int filter;  /* -1: none */
} Confinement;

#define CONFINEMENT_NONE                                                                           \
    (Confinement)                                                                                  \
    {                                                                                              \
        .wanted = false, .ruleset = -1, .filter = -1                                               \
    }

/** Reads the plan in @folder and makes the ruleset. Returns 0; or -errno, with a complaint, where
 *  less than the plan promises could be had (-ENOSYS) or the plan is not sound (-EINVAL). */
int confine_prepare(Confinement *ret_confinement, int folder);

/** Confines this process, and all that it starts, for good. False with errno if that failed: the
 * process must not continue then. */
bool confine_enter(const Confinement *confinement);

void confine_clear(Confinement *confinement);
