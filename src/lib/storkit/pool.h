/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gio/gio.h>
#include <storkit/run.h>

G_BEGIN_DECLS

/**
 * StorkitPoolFlags:
 * @STORKIT_POOL_FLAGS_NONE: start the service where it is needed
 * @STORKIT_POOL_FLAGS_NO_AUTO_START: never start it: a pool without one has no runs
 *
 * How a pool behaves.
 */
typedef enum {
    STORKIT_POOL_FLAGS_NONE = 0,
    STORKIT_POOL_FLAGS_NO_AUTO_START = 1 << 0,
} StorkitPoolFlags;

#define STORKIT_TYPE_POOL_FLAGS (storkit_pool_flags_get_type())
GType storkit_pool_flags_get_type(void) G_GNUC_CONST;

/**
 * StorkitPool:
 *
 * The service, and its runs as they come and go: of all projects, the live ones and the last that
 * has ended for each project, story and agent. It is a [iface@Gio.ListModel] of [class@Run], in the
 * order in which they were seen. A service that dies takes no run off the list; when it is back,
 * the pool finds what has changed.
 *
 * ## Signals and properties
 *
 * `run-added`, `run-removed` and `notify` come in the main context that the pool was made in.
 */
#define STORKIT_TYPE_POOL (storkit_pool_get_type())
G_DECLARE_FINAL_TYPE(StorkitPool, storkit_pool, STORKIT, POOL, GObject)

/**
 * storkit_pool_new_sync:
 * @flags: how it behaves
 * @cancellable: (nullable): gives up
 * @error: return location for an error
 *
 * Connects to the service of the session bus, starts it if need be, and knows its runs.
 *
 * Errors: %STORKIT_ERROR_NO_SERVICE
 *
 * Returns: (transfer full): a pool; %NULL with @error
 */
StorkitPool *storkit_pool_new_sync(StorkitPoolFlags flags, GCancellable *cancellable,
                                   GError **error);

/**
 * storkit_pool_new:
 * @flags: how it behaves
 * @cancellable: (nullable): gives up
 * @callback: (scope async) (closure user_data): called when it is connected
 * @user_data: for @callback
 *
 * See [ctor@Pool.new_sync].
 */
void storkit_pool_new(StorkitPoolFlags flags, GCancellable *cancellable,
                      GAsyncReadyCallback callback, gpointer user_data);

/**
 * storkit_pool_new_finish:
 * @result: what the callback got
 * @error: return location for an error
 *
 * Ends [func@Pool.new].
 *
 * Returns: (transfer full): a pool; %NULL with @error
 */
StorkitPool *storkit_pool_new_finish(GAsyncResult *result, GError **error);

/**
 * storkit_pool_get_available:
 * @self: a pool
 *
 * Whether the service is on the bus now.
 *
 * Returns: %TRUE if so
 */
gboolean storkit_pool_get_available(StorkitPool *self);

/**
 * storkit_pool_get_version:
 * @self: a pool
 *
 * The version of the service.
 *
 * Returns: (nullable): a string of the pool's; %NULL if it was never there
 */
const char *storkit_pool_get_version(StorkitPool *self);

/**
 * storkit_pool_get_max_agents:
 * @self: a pool
 *
 * How many runs may be live at once; further ones wait in a queue.
 *
 * Returns: a number, 0 if the service was never there
 */
guint storkit_pool_get_max_agents(StorkitPool *self);

/**
 * storkit_pool_get_running:
 * @self: a pool
 *
 * How many runs are live, without those in the queue.
 *
 * Returns: a number
 */
guint storkit_pool_get_running(StorkitPool *self);

/**
 * storkit_pool_get_queued:
 * @self: a pool
 *
 * How many runs wait in the queue.
 *
 * Returns: a number
 */
guint storkit_pool_get_queued(StorkitPool *self);

/**
 * storkit_pool_get_run:
 * @self: a pool
 * @run_id: the id of a run
 *
 * Gets a run of the list, without asking the service.
 *
 * Returns: (nullable) (transfer none): a run, or %NULL
 */
StorkitRun *storkit_pool_get_run(StorkitPool *self, const char *run_id);

/**
 * storkit_pool_dup_runs:
 * @self: a pool
 *
 * Gets the list as it is now.
 *
 * Returns: (transfer full) (element-type StorkitRun): its runs
 */
GPtrArray *storkit_pool_dup_runs(StorkitPool *self);

/**
 * storkit_pool_start:
 * @self: a pool
 * @project_root: a path in the project's work tree
 * @story_id: the story
 * @agent_name: (nullable): the agent; %NULL: the first of the project's roster
 * @options: (nullable): what differs from the project's configuration, an `a{sv}`: `prompt`,
 *   `resume`, `base_branch`, `env`, limits; see org.storkit.AgentPool(5). A floating reference is
 *   taken
 * @cancellable: (nullable): ends the waiting for the reply
 * @error: return location for an error
 *
 * Starts a run. When this returns, the agent's program is executing, or the run is
 * %STORKIT_RUN_STATUS_PENDING: in the queue, or with a setup that takes longer than 10 seconds;
 * what fails after that is the run's last event. A call that fails leaves nothing behind.
 *
 * Errors: %STORKIT_ERROR_NO_SUCH_PROJECT, %STORKIT_ERROR_NOT_A_GIT_REPOSITORY,
 * %STORKIT_ERROR_INVALID_CONFIG, %STORKIT_ERROR_NO_SUCH_AGENT, %STORKIT_ERROR_ALREADY_RUNNING,
 * %STORKIT_ERROR_WORKTREE_FAILED, %STORKIT_ERROR_SPAWN_FAILED and others
 *
 * Returns: (transfer full): the run, which the pool's list has, too; %NULL with @error
 */
StorkitRun *storkit_pool_start(StorkitPool *self, const char *project_root, const char *story_id,
                               const char *agent_name, GVariant *options, GCancellable *cancellable,
                               GError **error);

/**
 * storkit_pool_start_async:
 * @self: a pool
 * @project_root: a path in the project's work tree
 * @story_id: the story
 * @agent_name: (nullable): the agent; %NULL: the first of the project's roster
 * @options: (nullable): what differs from the project's configuration, an `a{sv}`: `prompt`,
 *   `resume`, `base_branch`, `env`, limits; see org.storkit.AgentPool(5). A floating reference is
 *   taken
 * @cancellable: (nullable): ends the waiting for the reply
 * @callback: (scope async) (closure user_data): called when it is done
 * @user_data: for @callback
 *
 * See [method@Pool.start].
 */
void storkit_pool_start_async(StorkitPool *self, const char *project_root, const char *story_id,
                              const char *agent_name, GVariant *options, GCancellable *cancellable,
                              GAsyncReadyCallback callback, gpointer user_data);

/**
 * storkit_pool_start_finish:
 * @self: a pool
 * @result: what the callback got
 * @error: return location for an error
 *
 * Ends [method@Pool.start_async].
 *
 * Returns: (transfer full): the run, which the pool's list has, too; %NULL with @error
 */
StorkitRun *storkit_pool_start_finish(StorkitPool *self, GAsyncResult *result, GError **error);

/**
 * storkit_pool_find:
 * @self: a pool
 * @project_root: a path in the project's work tree
 * @story_id: the story
 * @agent_name: (nullable): the agent; %NULL: the first of the project's roster
 * @cancellable: (nullable): ends the waiting for the reply
 * @error: return location for an error
 *
 * Finds the run of an agent on a story: the one that lives, or the last that has ended.
 *
 * Errors: %STORKIT_ERROR_NO_SUCH_PROJECT, %STORKIT_ERROR_NOT_A_GIT_REPOSITORY,
 * %STORKIT_ERROR_NO_SUCH_RUN
 *
 * Returns: (transfer full): the run; %NULL with @error
 */
StorkitRun *storkit_pool_find(StorkitPool *self, const char *project_root, const char *story_id,
                              const char *agent_name, GCancellable *cancellable, GError **error);

/**
 * storkit_pool_find_async:
 * @self: a pool
 * @project_root: a path in the project's work tree
 * @story_id: the story
 * @agent_name: (nullable): the agent; %NULL: the first of the project's roster
 * @cancellable: (nullable): ends the waiting for the reply
 * @callback: (scope async) (closure user_data): called when it is done
 * @user_data: for @callback
 *
 * See [method@Pool.find].
 */
void storkit_pool_find_async(StorkitPool *self, const char *project_root, const char *story_id,
                             const char *agent_name, GCancellable *cancellable,
                             GAsyncReadyCallback callback, gpointer user_data);

/**
 * storkit_pool_find_finish:
 * @self: a pool
 * @result: what the callback got
 * @error: return location for an error
 *
 * Ends [method@Pool.find_async].
 *
 * Returns: (transfer full): the run; %NULL with @error
 */
StorkitRun *storkit_pool_find_finish(StorkitPool *self, GAsyncResult *result, GError **error);

/**
 * storkit_pool_find_run:
 * @self: a pool
 * @run_id: the id of a run
 * @cancellable: (nullable): ends the waiting for the reply
 * @error: return location for an error
 *
 * Finds a run by its id, also one that has left the list, as long as its folder is kept.
 *
 * Errors: %STORKIT_ERROR_NO_SUCH_RUN
 *
 * Returns: (transfer full): the run; %NULL with @error
 */
StorkitRun *storkit_pool_find_run(StorkitPool *self, const char *run_id, GCancellable *cancellable,
                                  GError **error);

/**
 * storkit_pool_find_run_async:
 * @self: a pool
 * @run_id: the id of a run
 * @cancellable: (nullable): ends the waiting for the reply
 * @callback: (scope async) (closure user_data): called when it is done
 * @user_data: for @callback
 *
 * See [method@Pool.find_run].
 */
void storkit_pool_find_run_async(StorkitPool *self, const char *run_id, GCancellable *cancellable,
                                 GAsyncReadyCallback callback, gpointer user_data);

/**
 * storkit_pool_find_run_finish:
 * @self: a pool
 * @result: what the callback got
 * @error: return location for an error
 *
 * Ends [method@Pool.find_run_async].
 *
 * Returns: (transfer full): the run; %NULL with @error
 */
StorkitRun *storkit_pool_find_run_finish(StorkitPool *self, GAsyncResult *result, GError **error);

/**
 * storkit_pool_list_worktrees:
 * @self: a pool
 * @project_root: a path in the project's work tree
 * @cancellable: (nullable): ends the waiting for the reply
 * @error: return location for an error
 *
 * Lists the worktrees of a project's stories.
 *
 * Errors: %STORKIT_ERROR_NO_SUCH_PROJECT, %STORKIT_ERROR_NOT_A_GIT_REPOSITORY
 *
 * Returns: (transfer full): an `aa{sv}`: `path`, `branch`, `story`, `base_branch` (s), `dirty`,
 *   `missing` (b), `ahead` (u); %NULL with @error
 */
GVariant *storkit_pool_list_worktrees(StorkitPool *self, const char *project_root,
                                      GCancellable *cancellable, GError **error);

/**
 * storkit_pool_list_worktrees_async:
 * @self: a pool
 * @project_root: a path in the project's work tree
 * @cancellable: (nullable): ends the waiting for the reply
 * @callback: (scope async) (closure user_data): called when it is done
 * @user_data: for @callback
 *
 * See [method@Pool.list_worktrees].
 */
void storkit_pool_list_worktrees_async(StorkitPool *self, const char *project_root,
                                       GCancellable *cancellable, GAsyncReadyCallback callback,
                                       gpointer user_data);

/**
 * storkit_pool_list_worktrees_finish:
 * @self: a pool
 * @result: what the callback got
 * @error: return location for an error
 *
 * Ends [method@Pool.list_worktrees_async].
 *
 * Returns: (transfer full): an `aa{sv}`: `path`, `branch`, `story`, `base_branch` (s), `dirty`,
 * `missing` (b), `ahead` (u); %NULL with @error
 */
GVariant *storkit_pool_list_worktrees_finish(StorkitPool *self, GAsyncResult *result,
                                             GError **error);

/**
 * storkit_pool_remove_worktree:
 * @self: a pool
 * @project_root: a path in the project's work tree
 * @story_id: the story
 * @force: whether to lose its work and to stop the runs that use it
 * @cancellable: (nullable): ends the waiting for the reply
 * @error: return location for an error
 *
 * Removes the worktree of a story, after its teardown, and its branch if others have all its
 * commits.
 *
 * Errors: %STORKIT_ERROR_NO_SUCH_PROJECT, %STORKIT_ERROR_NOT_A_GIT_REPOSITORY,
 * %STORKIT_ERROR_WORKTREE_DIRTY, %STORKIT_ERROR_WORKTREE_BUSY, %STORKIT_ERROR_WORKTREE_FAILED
 *
 * Returns: %TRUE, or %FALSE with @error
 */
gboolean storkit_pool_remove_worktree(StorkitPool *self, const char *project_root,
                                      const char *story_id, gboolean force,
                                      GCancellable *cancellable, GError **error);

/**
 * storkit_pool_remove_worktree_async:
 * @self: a pool
 * @project_root: a path in the project's work tree
 * @story_id: the story
 * @force: whether to lose its work and to stop the runs that use it
 * @cancellable: (nullable): ends the waiting for the reply
 * @callback: (scope async) (closure user_data): called when it is done
 * @user_data: for @callback
 *
 * See [method@Pool.remove_worktree].
 */
void storkit_pool_remove_worktree_async(StorkitPool *self, const char *project_root,
                                        const char *story_id, gboolean force,
                                        GCancellable *cancellable, GAsyncReadyCallback callback,
                                        gpointer user_data);

/**
 * storkit_pool_remove_worktree_finish:
 * @self: a pool
 * @result: what the callback got
 * @error: return location for an error
 *
 * Ends [method@Pool.remove_worktree_async].
 *
 * Returns: %TRUE, or %FALSE with @error
 */
gboolean storkit_pool_remove_worktree_finish(StorkitPool *self, GAsyncResult *result,
                                             GError **error);

/**
 * storkit_pool_get_config:
 * @self: a pool
 * @project_root: a path in the project's work tree
 * @cancellable: (nullable): ends the waiting for the reply
 * @error: return location for an error
 *
 * Reads the configuration of a project: its agents and components.
 *
 * Errors: %STORKIT_ERROR_NO_SUCH_PROJECT, %STORKIT_ERROR_NOT_A_GIT_REPOSITORY,
 * %STORKIT_ERROR_INVALID_CONFIG, %STORKIT_ERROR_NO_AGENTS_CONFIGURED
 *
 * Returns: (transfer full): an `a{sv}`, as org.storkit.AgentPool(5) has it; %NULL with @error
 */
GVariant *storkit_pool_get_config(StorkitPool *self, const char *project_root,
                                  GCancellable *cancellable, GError **error);

/**
 * storkit_pool_get_config_async:
 * @self: a pool
 * @project_root: a path in the project's work tree
 * @cancellable: (nullable): ends the waiting for the reply
 * @callback: (scope async) (closure user_data): called when it is done
 * @user_data: for @callback
 *
 * See [method@Pool.get_config].
 */
void storkit_pool_get_config_async(StorkitPool *self, const char *project_root,
                                   GCancellable *cancellable, GAsyncReadyCallback callback,
                                   gpointer user_data);

/**
 * storkit_pool_get_config_finish:
 * @self: a pool
 * @result: what the callback got
 * @error: return location for an error
 *
 * Ends [method@Pool.get_config_async].
 *
 * Returns: (transfer full): an `a{sv}`, as org.storkit.AgentPool(5) has it; %NULL with @error
 */
GVariant *storkit_pool_get_config_finish(StorkitPool *self, GAsyncResult *result, GError **error);

/**
 * storkit_pool_set_max_agents:
 * @self: a pool
 * @max_agents: how many runs may be live at once, at least 1
 * @cancellable: (nullable): ends the waiting for the reply
 * @error: return location for an error
 *
 * Sets [property@Pool:max-agents], which is kept over a restart of the service.
 *
 * Errors: %STORKIT_ERROR_INVALID_ARGUMENT
 *
 * Returns: %TRUE, or %FALSE with @error
 */
gboolean storkit_pool_set_max_agents(StorkitPool *self, guint max_agents, GCancellable *cancellable,
                                     GError **error);

/**
 * storkit_pool_set_max_agents_async:
 * @self: a pool
 * @max_agents: how many runs may be live at once, at least 1
 * @cancellable: (nullable): ends the waiting for the reply
 * @callback: (scope async) (closure user_data): called when it is done
 * @user_data: for @callback
 *
 * See [method@Pool.set_max_agents].
 */
void storkit_pool_set_max_agents_async(StorkitPool *self, guint max_agents,
                                       GCancellable *cancellable, GAsyncReadyCallback callback,
                                       gpointer user_data);

/**
 * storkit_pool_set_max_agents_finish:
 * @self: a pool
 * @result: what the callback got
 * @error: return location for an error
 *
 * Ends [method@Pool.set_max_agents_async].
 *
 * Returns: %TRUE, or %FALSE with @error
 */
gboolean storkit_pool_set_max_agents_finish(StorkitPool *self, GAsyncResult *result,
                                            GError **error);

/**
 * storkit_pool_follow:
 * @self: a pool
 * @run_id: the id of a run, which need not be in the list
 * @cursor: the cursor of the last event that the caller has; 0: all of them
 *
 * Makes a stream of a run's events. It asks for nothing before its first event is waited for.
 *
 * Returns: (transfer full): a stream
 */
StorkitEventStream *storkit_pool_follow(StorkitPool *self, const char *run_id, guint64 cursor);

G_END_DECLS
