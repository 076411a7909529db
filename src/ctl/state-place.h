/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "ctl/ctl.h"

/** Warns where the service keeps its runs on a network file system, as @config, the reply of
 *  GetConfig (or NULL), says. With @once, only the first time of a login. */
void state_place_warn(const Ctl *ctl, JsonNode *config, gboolean once);
