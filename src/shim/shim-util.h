/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/*
 * The few helpers that all of the shim needs.
 */

#define USEC_PER_MSEC UINT64_C(1000)
#define USEC_PER_SEC (1000 * USEC_PER_MSEC)

/** A deadline that never comes. Deadlines are µs of the monotonic clock. */
#define NEVER UINT64_MAX

uint64_t monotonic_usec(void);

/** µs since the epoch: what goes into files. */
uint64_t wall_usec(void);

/** CPU time of all threads of process @pid, without its children; 0 where it is gone. */
uint64_t process_cpu_usec(pid_t pid);

static inline uint64_t earlier(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

/** @span after @now; NEVER where the sum does not fit. */
static inline uint64_t later(uint64_t now, uint64_t span)
{
    return span < NEVER - now ? now + span : NEVER;
}

/** Closes *@fd if it is one, and makes it -1. Keeps errno. */
void fd_clear(int *fd);

/** A file descriptor that is closed when it goes out of scope. */
#define autofd __attribute__((cleanup(fd_clear))) int

/** One line on the daemon's log. */
void complain(const char *format, ...) __attribute__((format(printf, 1, 2)));

/** Opens or makes @name for this user alone, close-on-exec. Returns the fd or -errno. */
int open_at(int folder, const char *name, int flags);

/** Writes all of @text into the existing file @name. Returns 0 or -errno. */
int write_text_at(int folder, const char *name, const char *text);

/** Reads at most @size - 1 bytes of @name and ends them with NUL. Returns 0 or -errno. */
int read_text_at(int folder, const char *name, char *buffer, size_t size);

/** Finds the line "KEY VALUE" of a cgroup's flat-keyed file. */
bool find_figure(const char *text, const char *key, uint64_t *ret_value);
