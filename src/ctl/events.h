/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <json-glib/json-glib.h>

#include "ctl/info.h"

/*
 * Events for people: "12:03:07 42_login coder  hello from stub".
 */

/** How wide the names of the hosts and runs shown so far are; zero-initialised. Caller:
 * event_view_clear().
 */
typedef struct {
    int host_width, story_width, agent_width;
    char *failure; /* printed last: the run and the reason */
    char *traced;  /* the run whose stack trace is being printed, or NULL; of it, the first frame */
    int traced_indent;
    gboolean names_place; /* the line before named a place in a program of Python's */
    guint folded;         /* frames that were left out */
} EventView;

void event_view_clear(EventView *view);

/** Makes room for the names of @info, so that the lines of several runs align from the start. */
void event_view_reserve(EventView *view, const RunInfo *info);

/** Prints one event. The text of an agent takes as many lines as it has; what its JSON says is one
 *  dim line cut to the terminal's width, or nothing. Of a stack trace the first frame is printed,
 *  and how many follow. */
void event_print(EventView *view, JsonObject *event);

/** The last line of @event for people, cleaned, or NULL. Caller frees. */
char *event_last_line(JsonObject *event);

/** Whether @event is a run's last: done, error or stopped. */
gboolean event_is_last(JsonObject *event);
