/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib-object.h>

G_BEGIN_DECLS

/**
 * StorkitEventKind:
 * @STORKIT_EVENT_KIND_UNKNOWN: one that this version of the library does not know
 * @STORKIT_EVENT_KIND_STATUS: the run's status has changed
 * @STORKIT_EVENT_KIND_OUTPUT: a line that the agent has printed, or a text of its model's
 * @STORKIT_EVENT_KIND_AGENT_JSON: a line of JSON that the agent has printed
 * @STORKIT_EVENT_KIND_DONE: the run has completed; the last event
 * @STORKIT_EVENT_KIND_ERROR: the run has failed; the last event
 *
 * What an event tells of.
 */
typedef enum {
    STORKIT_EVENT_KIND_UNKNOWN,
    STORKIT_EVENT_KIND_STATUS,
    STORKIT_EVENT_KIND_OUTPUT,
    STORKIT_EVENT_KIND_AGENT_JSON,
    STORKIT_EVENT_KIND_DONE,
    STORKIT_EVENT_KIND_ERROR,
} StorkitEventKind;

#define STORKIT_TYPE_EVENT_KIND (storkit_event_kind_get_type())
GType storkit_event_kind_get_type(void) G_GNUC_CONST;

/**
 * StorkitEvent:
 *
 * An event of a run: a JSON object, and what most clients want of it. It never changes.
 */
#define STORKIT_TYPE_EVENT (storkit_event_get_type())
G_DECLARE_FINAL_TYPE(StorkitEvent, storkit_event, STORKIT, EVENT, GObject)

/**
 * storkit_event_new:
 * @json: a line of `storkitctl watch --json`, without its newline
 * @length: its length in bytes
 *
 * Reads an event that comes from elsewhere than a [class@EventStream]: of another machine, say.
 *
 * Returns: (transfer full) (nullable): the event; %NULL for a line that is none
 */
StorkitEvent *storkit_event_new(const char *json, gsize length);

/**
 * storkit_event_get_kind:
 * @self: an event
 *
 * Gets what the event tells of.
 *
 * Returns: its kind
 */
StorkitEventKind storkit_event_get_kind(StorkitEvent *self);

/**
 * storkit_event_get_cursor:
 * @self: an event
 *
 * Gets the place in the run's events just after this one: a stream from there goes on with the
 * next.
 *
 * Returns: a cursor of the event's run
 */
guint64 storkit_event_get_cursor(StorkitEvent *self);

/**
 * storkit_event_get_time:
 * @self: an event
 *
 * Gets when it happened.
 *
 * Returns: µs since the epoch
 */
gint64 storkit_event_get_time(StorkitEvent *self);

/**
 * storkit_event_get_last:
 * @self: an event
 *
 * Gets whether no other event of its run follows: the run is done, has failed or was stopped.
 *
 * Returns: %TRUE for a run's last event
 */
gboolean storkit_event_get_last(StorkitEvent *self);

/**
 * storkit_event_get_text:
 * @self: an event
 *
 * Gets what it says: the text of an `output`, the message of an `error`, the status of a `status`.
 *
 * Returns: (nullable): UTF-8, which belongs to the event; %NULL for other kinds
 */
const char *storkit_event_get_text(StorkitEvent *self);

/**
 * storkit_event_get_json:
 * @self: an event
 *
 * Gets the whole event, as the service has sent it: see org.storkit.AgentPool(5).
 *
 * Returns: a JSON object on one line, which belongs to the event
 */
const char *storkit_event_get_json(StorkitEvent *self);

/**
 * storkit_event_dup_member:
 * @self: an event
 * @name: the name of a member, such as `data`
 *
 * Gets a member of the event's object as JSON.
 *
 * Returns: (nullable) (transfer full): the text of a JSON value; %NULL if there is no such member
 */
char *storkit_event_dup_member(StorkitEvent *self, const char *name);

/**
 * storkit_event_dup_string:
 * @self: an event
 * @name: the name of a member, such as `session_id`
 *
 * Gets a member of the event's object that is a string.
 *
 * Returns: (nullable) (transfer full): the string, where a NUL is U+FFFD; %NULL if there is no such
 *   member or it is something else
 */
char *storkit_event_dup_string(StorkitEvent *self, const char *name);

/**
 * storkit_event_get_number:
 * @self: an event
 * @name: the name of a member, such as `cost_usd`
 * @fallback: what to return if there is no such member or it is something else
 *
 * Gets a member of the event's object that is a number.
 *
 * Returns: the number, exact up to 2^53
 */
double storkit_event_get_number(StorkitEvent *self, const char *name, double fallback);

G_END_DECLS
