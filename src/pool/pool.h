/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

#include "store/record.h"
#include "run/register.h"
#include "pool/settings.h"
#include "project/target.h"

/*
 * The pool: all runs, and the questions about them. It knows nothing of the bus. Every question
 * that needs the disk, git, a process or systemd is answered later, through a reply.
 */

typedef struct Pool Pool;

/** @lost is called when the pool cannot continue (the user manager's connection is gone): exit, and
 * be started again. */
Pool *pool_new(void (*lost)(gpointer data), gpointer data, GError **error);
void pool_free(Pool *pool);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Pool, pool_free)

/** All runs, and who hears of them. Belongs to the pool. */
Runs *pool_get_runs(Pool *pool);

/** Finds every run by its folder and its scope: once, after the listeners are there. */
void pool_adopt(Pool *pool);

/** Accepts no new runs from now on, and undoes those that are not past their gate yet
 * (ShuttingDown); runs and the queue continue without the service. */
void pool_shut_down(Pool *pool);

/** Answers the remaining callers, at the service's end: those that wait for the end of a run with
 * ShuttingDown, since the service will not see it; a Start whose run continues with `pending`. */
void pool_refuse_waiters(Pool *pool);

/** Whether the process may end: no Start is half done, no worker is at work. */
gboolean pool_is_quiet(const Pool *pool);

/** Whether nothing is live and nothing is under way. */
gboolean pool_is_idle(const Pool *pool);

/* The questions of the contract. @root "" means the property ProjectRoot; @agent "" the default. */

/** Takes @options. @cgroup: that of the caller, by which it may be a run's agent, and the new run
 *  that run's child; NULL: unknown. */
void pool_start(Pool *pool, const char *cgroup, const char *root, const char *story,
                const char *agent, StartOptions *options, Reply reply, gpointer data);
void pool_get_config(Pool *pool, const char *root, Reply reply, gpointer data);

/** Answers with the worktrees of the project's stories, aa{sv}. */
void pool_list_worktrees(Pool *pool, const char *root, Reply reply, gpointer data);

/** Removes a story's worktree, its components' `teardown` first. Refuses one that is dirty, has
 *  commits that no other branch has, or is in use, unless @force, which stops the runs in it. */
void pool_remove_worktree(Pool *pool, const char *root, const char *story, gboolean force,
                          Reply reply, gpointer data);

/** Tells @each, in another thread, the info of every run on the list, in two dictionaries: its
 *  state and its figures; and then @end, on the main loop, that these were all. Both come later: no
 *  turn of the main loop is long, however many runs there are. Of very many, some have their
 * figures (memory, CPU time, processes) of an earlier time, or none yet. */
typedef void (*PoolListEach)(GVariant *state, GVariant *figures, gpointer data);
typedef void (*PoolListEnd)(gpointer data);
void pool_list(Pool *pool, PoolListEach each, PoolListEnd end, gpointer data);

/** Finds a run that List shows, and passes it to @found: the first step of every question about one
 * run. It may be one of another machine: see run_check_here(). @error is STORKIT_ERROR_NO_SUCH_RUN,
 * or about the names. */
typedef void (*PoolFound)(Run *run, const GError *error, gpointer data);
void pool_find(Pool *pool, const char *root, const char *story, const char *agent, PoolFound found,
               gpointer data);

/** Ends a live run and all live ones below it, and takes them off the list; replies when nothing of
 *  them is left. */
void pool_stop(Pool *pool, Run *run, Reply reply, gpointer data);

/** Replies with the run's info when it has ended. */
void pool_wait(Pool *pool, Run *run, Reply reply, gpointer data);

/** Finds the run with this id, listed or not, from its folder where it is not in memory.
 *  STORKIT_ERROR_INVALID_ARGUMENT or _NO_SUCH_RUN. */
void pool_find_by_id(Pool *pool, const char *run_id, PoolFound found, gpointer data);

/** Properties. */
const char *pool_get_project_root(const Pool *pool);
/** An absolute path, or "". It is looked at when a call uses it. */
gboolean pool_set_project_root(Pool *pool, const char *path, GError **error);
const Settings *pool_get_settings(const Pool *pool);
guint pool_get_max_agents(const Pool *pool);
/** At least 1. Kept over a restart. */
gboolean pool_set_max_agents(Pool *pool, guint max_agents, GError **error);
guint pool_count_queued(const Pool *pool);
