/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gio/gio.h>

/*
 * The runs of other machines: those that the `hosts` of ~/.config/storkit/ctl.toml have. One
 * `storkitctl -H all list --follow` brings them, and waits for hosts that are away; it is begun
 * again where it ends, after growing pauses, and with other hosts when the file changes. Without
 * the file nothing runs. It needs no bus.
 */

typedef struct DesktopHosts DesktopHosts;

typedef struct {
    /** A run has come, may have changed, or is gone (@after NULL). Its info has `host`. */
    void (*changed)(const char *run_id, GVariant *after, gpointer data);
    /** @host does not answer, for the reason @problem; or it does (NULL). May be NULL. */
    void (*host)(const char *host, const char *problem, gpointer data);
    /** The file has changed or is gone: other hosts may be followed, and all that was told of any
     *  is told again. May be NULL. */
    void (*forgotten)(gpointer data);
    /** Whether the user wants them, asked each time there is reason to. NULL: always. */
    gboolean (*wanted)(void);
} DesktopHostsListener;

/** @listener stays the caller's. Caller: desktop_hosts_free(). */
DesktopHosts *desktop_hosts_new(const DesktopHostsListener *listener, gpointer data);
void desktop_hosts_free(DesktopHosts *hosts);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(DesktopHosts, desktop_hosts_free)

/** Looks whether there are others to follow by now: cheap. It is done without a call where the
 *  folder of the file is there. */
void desktop_hosts_look(DesktopHosts *hosts);
