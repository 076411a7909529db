/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "transcript/event.h"

/*
 * The one JSON form of an event: a line of a Subscribe, a text of a Drain, the journal's
 * STORKIT_DATA.
 */

/** Appends one event's JSON object, without a newline. @max cuts an output's text and leaves an
 *  agent_json's data out where it is longer (0: never), with `truncated` and `length`. */
void event_append_json(GString *to, const RunIdentity *identity, const Event *event, gsize max);

/** All events of the batch as NDJSON, encoded once for all who ask (main thread only). Caller
 *  unrefs. */
GBytes *event_batch_ndjson(EventBatch *batch);
