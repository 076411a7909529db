/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdint.h>

/*
 * Landlock by its system calls: libc has no wrappers, and the headers of Debian 12 know less than
 * the kernels that we meet.
 */

#define LANDLOCK_FS_WRITE_FILE (UINT64_C(1) << 1)
#define LANDLOCK_FS_READ_FILE (UINT64_C(1) << 2)
#define LANDLOCK_FS_READ_DIR (UINT64_C(1) << 3)
/* REMOVE_DIR to MAKE_SYM: everything that changes a folder */
#define LANDLOCK_FS_CHANGE_FOLDER (UINT64_C(0x1ff) << 4)
#define LANDLOCK_FS_REFER (UINT64_C(1) << 13)
#define LANDLOCK_FS_TRUNCATE (UINT64_C(1) << 14)
#define LANDLOCK_NET_BIND_TCP (UINT64_C(1) << 0)
#define LANDLOCK_NET_CONNECT_TCP (UINT64_C(1) << 1)
#define LANDLOCK_SCOPES (UINT64_C(3)) /* abstract unix sockets, signals */

/** The first version with … */
enum {
    LANDLOCK_ABI_REFER = 2, /* renames between folders; without them no git works */
    LANDLOCK_ABI_TRUNCATE = 3,
    LANDLOCK_ABI_NET = 4,
    LANDLOCK_ABI_SCOPES = 6,
};

/** The version that this kernel has; 0: none. */
int landlock_abi(void);

/** Returns an fd (close-on-exec) or -errno. @net and @scoped must be 0 where the ABI lacks them. */
int landlock_create(uint64_t fs, uint64_t net, uint64_t scoped);

/** Allows @access beneath the file or folder @fd (or O_PATH). Returns 0 or -errno. */
int landlock_allow_path(int ruleset, int fd, uint64_t access);

/** Allows @access to TCP @port. Returns 0 or -errno. */
int landlock_allow_port(int ruleset, uint16_t port, uint64_t access);

/** Returns 0 or -errno. */
int landlock_enter(int ruleset);
