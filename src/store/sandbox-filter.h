/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

/** Writes the seccomp filter of a sandboxed run, compiled, into the file @fd, for the shim to load.
 *  Refuses with EPERM what reaches into other processes (tracing them only where there is no
 *  Landlock to refuse it), what changes mounts, keyrings and the kernel, and typing into a terminal
 *  (TIOCSTI); with @no_unix every unix socket but a pair, and with @no_network every socket but
 *  unix and netlink ones. System calls of another architecture (32-bit programs) fail with ENOSYS:
 *  their arguments could not be looked at. Sets SPAWN_FAILED. */
gboolean sandbox_filter_write(int fd, gboolean no_unix, gboolean no_network, GError **error);
