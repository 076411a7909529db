/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The processes that agents leave behind, in every way that they are known to.
 */

/** Starts @count children of the kind named @kind and says their pids on stdout once all are set
 *  up. Returns -1 for a kind that there is not. */
int family_start(long count, const char *kind);
