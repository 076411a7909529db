/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gio/gio.h>
#include <systemd/sd-bus.h>

#include "base/run-limits.h"

/*
 * Systemd, as far as runs need it: a small table of functions. host/user-manager.c is the one
 * client of the user manager (org.freedesktop.systemd1), over a connection of its own: the one that
 * publishes events may be held up by a bus that has stopped reading it, and stopping an agent must
 * not wait for that. Tests bring a systemd that fails as they like.
 */

typedef struct SystemdCalls SystemdCalls;

/** An implementation puts this first into a struct of its own; the same for the next one. */
typedef struct {
    const SystemdCalls *calls;
} Systemd;

/** Opens a connection to the bus of the user manager: $XDG_RUNTIME_DIR/bus where that is, else the
 *  session bus. Returns a negative errno on failure. Caller: sd_bus_flush_close_unref(). */
int systemd_connect(sd_bus **ret_bus);

/** Connects to the user manager. A connection that is lost is made again, and what was asked over
 * it is asked again; @gone is called when that has been tried in vain for some twenty seconds. */
Systemd *systemd_new(void (*gone)(gpointer data), gpointer data, GError **error);
void systemd_free(Systemd *systemd);

typedef struct {
    const char *unit;
    const char *description;
    pid_t pid;
    guint64 timeout_stop_usec;
    const Limits *limits;
} ScopeSpec;

/** Makes a transient scope of app-storkit.slice around the process and waits until systemd's own
 *  job for it is done. Fails with STORKIT_ERROR_SCOPE_FAILED. @spec is not needed after the call.
 */
void systemd_start_scope(Systemd *systemd, const ScopeSpec *spec, GCancellable *cancellable,
                         GAsyncReadyCallback callback, gpointer user_data);
gboolean systemd_start_scope_finish(GAsyncResult *result, GError **error);

/** The cgroup folder of the scope @unit that the process @pid was put into; NULL where it is not in
 *  it. Caller frees. */
char *systemd_find_scope(Systemd *systemd, const char *unit, pid_t pid);

/** Asks for the unit's stop and does not wait; a unit that is gone is not an error. */
void systemd_stop_unit(Systemd *systemd, const char *unit);

/** Asks for the unit to be thawed (`systemctl freeze` froze it) and does not wait. */
void systemd_thaw_unit(Systemd *systemd, const char *unit);

/** Makes the transient timer @timer ("….timer"), which starts @service at the time @seconds (since
 * the epoch) and is gone after that; one that is there already stays. Does not wait. */
void systemd_start_timer(Systemd *systemd, const char *timer, const char *service, guint64 seconds);

/** GroupQuery: a question for a scope's cgroup; freeing it cancels it. */
typedef struct {
    const SystemdCalls *calls;
} GroupQuery;

/** @control_group ("/user.slice/…"): NULL if there is no such scope or it has no process left. */
typedef void (*GroupFound)(const char *control_group, gpointer data);

/** Asks for the cgroup of the scope @unit; the answer never comes before this returns. */
GroupQuery *systemd_ask_control_group(Systemd *systemd, const char *unit, GroupFound found,
                                      gpointer data);

/** It may be freed in its own callback. */
void group_query_free(GroupQuery *query);

/** UnitWatch: calls back once, when the unit is not (or no longer) known to the manager. */
typedef struct {
    const SystemdCalls *calls;
} UnitWatch;
typedef void (*UnitGone)(gpointer data);

/** Watches @unit; the answer never comes before this returns. */
UnitWatch *systemd_watch_gone(Systemd *systemd, const char *unit, UnitGone gone, gpointer data);

/** Ends a watch. It may be freed in its own callback. */
void unit_watch_free(UnitWatch *watch);

/** The functions of an implementation; those above document them. start_scope() returns a
 *  boolean to @callback by a GTask. */
struct SystemdCalls {
    void (*free)(Systemd *systemd);
    void (*start_scope)(Systemd *systemd, const ScopeSpec *spec, GCancellable *cancellable,
                        GAsyncReadyCallback callback, gpointer user_data);
    char *(*find_scope)(Systemd *systemd, const char *unit, pid_t pid);
    void (*stop_unit)(Systemd *systemd, const char *unit);
    void (*thaw_unit)(Systemd *systemd, const char *unit);
    void (*start_timer)(Systemd *systemd, const char *timer, const char *service, guint64 seconds);
    GroupQuery *(*ask_control_group)(Systemd *systemd, const char *unit, GroupFound found,
                                     gpointer data);
    void (*query_free)(GroupQuery *query);
    UnitWatch *(*watch_gone)(Systemd *systemd, const char *unit, UnitGone gone, gpointer data);
    void (*watch_free)(UnitWatch *watch);
};
