/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

/*
 * Descendants that moved themselves out of the scope, by writing their pid into another cgroup's
 * cgroup.procs: its kill does not reach them. They stay our descendants, and become our children
 * once their parents have ended.
 */

/** Makes this process the parent of every descendant whose own parent ends. */
void strays_adopt(void);

/** Reaps one descendant that has ended, unless it is @child. False if there is none. */
bool strays_reap(pid_t child);

/** Whether a descendant is left, in the scope or out of it. */
bool strays_exist(void);

/** Sends @signal (0: only counts) to our children out of the scope. Returns how many there were. */
unsigned strays_signal(int signal);
