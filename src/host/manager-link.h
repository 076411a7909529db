/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <systemd/sd-bus.h>

/*
 * ManagerLink: the connection to the user manager, which is made again where it is lost (its bus
 * was restarted, or has closed it). What was asked of the manager and is still wanted is a
 * ManagerRequest: it is then asked again.
 */

#define SYSTEMD_SERVICE "org.freedesktop.systemd1"
#define SYSTEMD_PATH "/org/freedesktop/systemd1"
#define SYSTEMD_MANAGER "org.freedesktop.systemd1.Manager"

typedef struct ManagerLink ManagerLink;
typedef struct ManagerRequest ManagerRequest;

/** The manager's signals that tell of one unit. */
typedef enum { MANAGER_JOB_REMOVED, MANAGER_UNIT_REMOVED, MANAGER_N_SIGNALS } ManagerSignal;

/** Put first into a struct of its own. */
struct ManagerRequest {
    ManagerLink *link;
    void (*begin)(ManagerRequest *request);
    sd_bus_slot *call;
    ManagerSignal signal;
    const char *unit; /* of which it hears; NULL: of none */
    void (*heard)(ManagerRequest *request, sd_bus_message *m);
    void (*then)(ManagerRequest *request);
    guint later_source;
};

/** Connects. @gone is called once when the connection is lost and cannot be made again: there is no
 *  user manager any more. Returns NULL with a negative errno in @ret_error on failure. */
ManagerLink *manager_link_new(void (*gone)(gpointer data), gpointer data, int *ret_error);

/** All requests must have ended. */
void manager_link_free(ManagerLink *link);

/** Calls @begin now and whenever a new connection was made. */
void manager_request_begin(ManagerRequest *request, ManagerLink *link,
                           void (*begin)(ManagerRequest *request));

/** Forgets what was asked; never calls begin() again. */
void manager_request_end(ManagerRequest *request);

/** Calls @then after @msec, unless it is told the same once more before that. */
void manager_request_later(ManagerRequest *request, guint msec,
                           void (*then)(ManagerRequest *request));

/** Whether the connection is lost at the moment. */
gboolean manager_request_is_lost(const ManagerRequest *request);

/** Has @heard called for the manager's signals @signal of @unit, a text that has to outlive the
 *  request. A request hears of one unit. Returns a negative errno on failure. */
int manager_request_listen(ManagerRequest *request, ManagerSignal signal, const char *unit,
                           void (*heard)(ManagerRequest *request, sd_bus_message *m));

/** A call of a method of the manager's. Caller sends it; NULL: out of memory. */
sd_bus_message *manager_request_message(ManagerRequest *request, const char *path,
                                        const char *interface, const char *member);

/** Sends @message_taken; @handler is called with the request, the last one sent. Returns a negative
 *  errno on failure, but 0 where the connection is lost: begin() is then called again, and @handler
 *  may have been called with an error that says "away". */
int manager_request_send(ManagerRequest *request, sd_bus_message *message_taken,
                         sd_bus_message_handler_t handler);

/** Whether @error says that the manager was away (re-executing itself, or its connection lost)
 * and not that it refused. */
gboolean manager_is_away(const sd_bus_error *error);
