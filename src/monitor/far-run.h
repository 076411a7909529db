/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <storkit/storkit.h>

/*
 * A run of another machine. Its properties are told by storkitctl, and what is done to it goes
 * through storkitctl: command.h.
 */

/** The run of @info on @host. Caller: g_object_unref(). */
StorkitRun *far_run_new(const char *host, GVariant *info);

/** Its machine, as the `hosts` of ctl.toml name it; NULL: this one, as of no run (NULL). */
const char *far_run_get_host(StorkitRun *run);
