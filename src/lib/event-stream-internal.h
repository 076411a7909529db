/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <storkit/event-stream.h>

/** The events of a run from @cursor on. Nothing is asked before somebody waits for one. */
StorkitEventStream *storkit_event_stream_new(GDBusConnection *bus, gboolean no_auto_start,
                                             const char *run_id, guint64 cursor);
