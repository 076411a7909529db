/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "ctl/ctl.h"

/** `start --on @engine` of @named, STORY[/AGENT] (NULL: the story we are in), with its options as
 *  parsed. Needs no connection to the bus. Returns the exit status. */
int submit_on(Ctl *ctl, const char *engine, const char *named, GError **error);
