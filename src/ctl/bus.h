/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <json-glib/json-glib.h>
#include <systemd/sd-bus.h>

#include "base/bus-names.h"
#include "ctl/ctl-error.h"

/*
 * The connection to org.storkit.AgentPool. Every failure is a GError of the CTL_ERROR domain whose
 * message is a sentence for people: it says what to do next.
 */

#define STORKIT_UNIT "storkitd.service"

/** Connects to the bus that the user's service is on: the session's, or where it is not there, the
 *  one that bus_find_service() finds. @ret_elsewhere: whether it is another than the session's.
 *  Caller: sd_bus_flush_close_unref(). */
sd_bus *bus_open(gboolean *ret_elsewhere, GError **error);

/** Calls @method with arguments as sd_bus_message_append() takes them, and waits for the reply. A
 *  reply that takes as long as a run does (Stop, Wait, RemoveWorktree), or until its agent reads
 *  (SendInput, SendMessage, CloseInput), is waited for without limit, any other 25 s. @ret_reply
 * may be NULL; else the caller owns the message. */
gboolean bus_call(sd_bus *bus, const char *method, sd_bus_message **ret_reply, GError **error,
                  const char *types, ...);

/** bus_call() for a method that replies with one value, as JSON. Caller: json_node_unref(). */
JsonNode *bus_call_json(sd_bus *bus, const char *method, GError **error, const char *types, ...);

/** bus_call() for a method that replies with a file descriptor: made non-blocking, the caller's to
 *  close. Returns -1 on error. */
int bus_call_fd(sd_bus *bus, const char *method, GError **error, const char *types, ...);

/** Called once with either @reply or @error. */
typedef void (*BusDone)(sd_bus_message *reply, const GError *error, gpointer data);

/** Calls @method and returns at once; @done (or NULL) is called from the event loop that the bus is
 * attached to. Freeing the slot that @ret_slot gets cancels it; with @ret_slot NULL the call lives
 * until its reply. */
gboolean bus_call_async(sd_bus *bus, const char *method, BusDone done, gpointer data,
                        sd_bus_slot **ret_slot, GError **error, const char *types, ...);

/** Builds a call of @method without arguments yet: for those whose arguments are a dictionary.
 *  Caller: sd_bus_message_unref(). */
sd_bus_message *bus_message_new(sd_bus *bus, const char *method, GError **error);

/** bus_call_async() of a message that bus_message_new() made. */
gboolean bus_send_async(sd_bus *bus, sd_bus_message *message, BusDone done, gpointer data,
                        sd_bus_slot **ret_slot, GError **error);

/** The file descriptor in @reply, duplicated, non-blocking and close-on-exec; -1 on error. */
int bus_reply_fd(sd_bus_message *reply, GError **error);

/** Whether the running service (it is not started for this) answers within a second to @method,
 *  whose one value is returned; NULL otherwise. For what does without
 *  it: shell completion, the journal. */
JsonNode *bus_ask_quickly(sd_bus *bus, const char *method, const char *types, ...);

/** The service's property `ProjectRoot`, "" where it has none. Caller frees. */
gboolean bus_get_project_root(sd_bus *bus, char **ret_root, GError **error);

/** The service's property `MaxAgents`: how many agents run at a time. */
gboolean bus_get_max_agents(sd_bus *bus, guint32 *ret_limit, GError **error);
gboolean bus_set_max_agents(sd_bus *bus, guint32 limit, GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(sd_bus_message, sd_bus_message_unref)
