/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <json-glib/json-glib.h>
#include <systemd/sd-bus.h>
#include <systemd/sd-event.h>

#include "ctl/bus.h"
#include "ctl/ctl-error.h"

/*
 * What every command has: the options given before or after it, where it was called, and the
 * connection.
 */

typedef struct {
    char *directory; /* -C, or NULL */
    char *agent;     /* -a, or NULL */
    char *host;      /* -H, or NULL */
    char **hosts;    /* those that it names, for a verb that takes several; else NULL */
    gboolean many;   /* they are one list, even of a single host: several, or "all" */
    gboolean json, no_pager, no_legend, quiet, help, version;

    char *project; /* the root around the folder it was called in, or NULL */
    char *story;   /* in a story's worktree: that story, or NULL */

    sd_bus *bus;
    gboolean elsewhere; /* the service is on another bus than the session's */
    sd_event *event;    /* from ctl_attach_event() on */
} Ctl;

/** Finds `project` and `story`. */
gboolean ctl_find_project(Ctl *ctl, GError **error);

/** The same, and connects. */
gboolean ctl_open(Ctl *ctl, GError **error);

void ctl_clear(Ctl *ctl);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Ctl, ctl_clear)

/** The project for a method that needs one: the root around the current folder, or the service's
 *  own `ProjectRoot`. Sets CTL_ERROR_USAGE where there is neither, and CTL_ERROR_NOT_FOUND where -C
 *  names a folder outside of any repository. */
const char *ctl_require_project(Ctl *ctl, GError **error);

/** Puts the connection on an event loop, `event`; nothing to do the second time. */
gboolean ctl_attach_event(Ctl *ctl, GError **error);

/** From now on the process ends, as a write would end it, when nobody reads its standard output any
 *  more: for commands that may print nothing for long. */
void ctl_end_with_reader(Ctl *ctl);

/** Runs the loop until a handler sets @done. Sets CTL_ERROR_NO_SERVICE where the session bus went
 *  away first. */
gboolean ctl_run_event(Ctl *ctl, const gboolean *done, GError **error);

/** Prints @node as one document: indented for a person's terminal, on one line for a program. */
void ctl_print_json(JsonNode *node);

/** Flushes standard output. FALSE: something could not be written. */
gboolean ctl_flush_output(GError **error);

/** Prints "storkitctl: …" on standard error. */
void ctl_warn(const char *format, ...) G_GNUC_PRINTF(1, 2);

/** Prints a sentence on standard error that -q leaves out. */
void ctl_note(const Ctl *ctl, const char *format, ...) G_GNUC_PRINTF(2, 3);

/** Becomes the program @argv (found on PATH). Returns only on failure. */
void ctl_exec(char *const *argv, GError **error);
