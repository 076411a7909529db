/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/*
 * The agent's own view of the file system, in a user and a mount namespace of its own: all is
 * read-only but what it may write, so that modes, times and attributes cannot be changed either,
 * which Landlock does not cover; and some folders are empty.
 */

typedef enum MountKind {
    MOUNT_KEEP, /* a file or folder: stays as it is, writable, also beneath a hidden one */
    MOUNT_READ, /* the same, read-only: of interest beneath a hidden one only */
    MOUNT_HIDE, /* a folder: empty but for what is kept beneath it; a file or socket: none */
} MountKind;

typedef struct MountRule {
    MountKind kind;
    const char *path; /* absolute, without links */
} MountRule;

/** Sorts @rules as mounts_enter() needs them: a path after those above it. */
void mounts_sort(MountRule *rules, size_t n);

/** Moves this process, which must be single-threaded, into namespaces of its own, where it has the
 *  same ids. A path that is not there needs no mount. Returns 0 or -errno; after an error the
 * process must not continue. */
int mounts_enter(const MountRule *rules, size_t n);
