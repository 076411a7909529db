/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "ctl/ctl.h"

/** Serves the Model Context Protocol on standard input and output until its client closes the
 *  former. Of both kinds of the protocol: with a handshake (2025-03-26 to 2025-11-25) and without
 *  one (2026-07-28). */
gboolean mcp_serve(Ctl *ctl, GError **error);
