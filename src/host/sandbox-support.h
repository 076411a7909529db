/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "base/sandbox-config.h"

/*
 * How much of a sandbox this machine can enforce.
 */

/** The versions of Landlock that brought something we use. */
enum {
    SANDBOX_ABI_FILES = 2,
    SANDBOX_ABI_TRUNCATE = 3,
    SANDBOX_ABI_PORTS = 4,
    SANDBOX_ABI_SIGNALS = 6,
};

/** The version of this kernel; 0: none. */
int sandbox_landlock_abi(void);

/** Whether a process can have mounts of its own: unprivileged user namespaces may be switched off,
 *  used up, or refused by a security module or a container. Tried once; blocking. */
gboolean sandbox_has_mounts(void);

/** Whether a filter of system calls can be had: a kernel, or the container around us, may have
 * none. */
gboolean sandbox_has_filters(void);

/** What @config asks for and this machine can't enforce: "files", "truncate", "metadata",
 * "signals", "calls", "ports", "bus", "sockets"; or NULL. Caller frees. */
char **sandbox_find_missing(const SandboxConfig *config);
