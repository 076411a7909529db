/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/** A place where tests kill the daemon: it dies by SIGKILL here when the environment variable
 *  STORKIT_FAULT is @name. One comparison, else. From any thread. */
void fault_point(const char *name);
