/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <storkit/event.h>

/** The event of a line of a stream, without its newline; NULL for a line that is none. */
StorkitEvent *storkit_event_new(const char *line, gsize length);
