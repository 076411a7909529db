/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

#include "run/run.h"
#include "run/waiting.h"

/*
 * Runs: the register of all runs, and of their listeners. It knows which runs List shows and whose
 * events are published, the last session of each agent of a story, and the callers that wait for an
 * end; it knows nothing of how a run starts.
 */

typedef struct Runs Runs;

typedef enum {
    NEWS_ADDED,   /* the register has it from now on, live; perhaps nobody sees it yet */
    NEWS_VISIBLE, /* its events are to be published, from the places in its cursors on */
    NEWS_OUTPUT,  /* its transcript has grown, or is complete */
    NEWS_EVENTS,  /* its log has more to read */
    NEWS_NOTE,
    NEWS_CHANGED, /* its info, or whether List shows it */
    NEWS_COUNTS,  /* how many run or wait in the queue; of no run */
} NewsKind;

typedef struct {
    NewsKind kind;
    Run *run;          /* NULL: NEWS_COUNTS */
    RunNote note;      /* NEWS_NOTE */
    EventBatch *batch; /* NEWS_EVENTS: comes next for a reader at the head of the log, or NULL */
} RunNews;

/** Called on the main loop. */
typedef void (*RunsHeard)(const RunNews *news, gpointer data);

Runs *runs_new(void);
void runs_free(Runs *runs);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Runs, runs_free)

/** Tells @heard everything from now on, until runs_remove_listener() with the same @data. */
void runs_add_listener(Runs *runs, RunsHeard heard, gpointer data);
void runs_remove_listener(Runs *runs, gpointer data);
void runs_tell(Runs *runs, const RunNews *news);

/** @run's info is another one. */
void runs_tell_changed(Runs *runs, Run *run);

/** Running or Queued may be another number. */
void runs_tell_counts(Runs *runs);

/** Adds a live run, which List shows. Keeps a reference. */
void runs_add(Runs *runs, Run *run);

/** Adds a run that was found ended. Sinks do not see it before runs_make_visible(). */
void runs_add_ended(Runs *runs, Run *run, gboolean listed);

/** Takes @run, which was undone, stopped or pruned, out of the register. */
void runs_remove(Runs *runs, Run *run);

/** Of each key, only the newest run stays of those that have ended; none, where that one is not
 *  listed. */
void runs_forget_replaced(Runs *runs);

/** @run stays: ended runs of its key give way. */
void runs_replace_older(Runs *runs, const Run *run);

/** @run is real: its events go out from now on. */
void runs_make_visible(Runs *runs, Run *run);

/** Whether List shows @run. */
gboolean runs_is_listed(const Runs *runs, const Run *run);

/** Whether it has an object on the bus: it is listed and visible. */
gboolean runs_is_shown(const Runs *runs, const Run *run);

/* Runs that are returned belong to the register. */

/** The newest run of the key that List shows, live before ended, or NULL. */
Run *runs_lookup(const Runs *runs, const char *root, const char *story, const char *agent);

/** The run with this id, or NULL. */
Run *runs_find(const Runs *runs, const char *run_id);

typedef gboolean (*RunMatches)(const Run *run, gconstpointer data);

/** The first live run of the story, other than @except, of which @matches is true; or NULL. */
Run *runs_find_live_of(const Runs *runs, const char *root, const char *story, const Run *except,
                       RunMatches matches, gconstpointer data);

/** run_get_state() of @run; not made again as long as it is the same. Caller unrefs. */
GVariant *runs_get_state(Runs *runs, Run *run);

/** Calls @each with every run of the register, oldest first. */
void runs_each(const Runs *runs, void (*each)(Run *run, gpointer data), gpointer data);

/** Calls @each with every run that List shows, oldest first. */
void runs_each_listed(const Runs *runs, void (*each)(Run *run, gpointer data), gpointer data);

/** How many runs are live and not in the queue. */
guint runs_count_running(const Runs *runs);

/** Remembers the session of a run that has ended, for `resume` "last": the list may forget it. */
void runs_keep_session(Runs *runs, const Run *run);

/** The last session that is known of the key, or NULL. Belongs to the register. */
const char *runs_last_session(const Runs *runs, const char *root, const char *story,
                              const char *agent);

/** The agent whose session was the last on that story, or NULL. Belongs to the register. */
const char *runs_last_agent(const Runs *runs, const char *root, const char *story);

/** Remembers until when a usage limit holds the runs of @account (µs since the epoch): the run that
 *  knows of it goes off the list. A later time counts. */
void runs_keep_limit(Runs *runs, const char *account, guint64 until);

/** The time that was kept for @account, or 0. */
guint64 runs_kept_limit(const Runs *runs, const char *account);

/** The callers that wait for the end of a run. */
Waiting *runs_get_waiting(const Runs *runs);
