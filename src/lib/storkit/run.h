/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gio/gio.h>
#include <storkit/event-stream.h>

G_BEGIN_DECLS

/**
 * StorkitRunStatus:
 * @STORKIT_RUN_STATUS_UNKNOWN: one that this version of the library does not know
 * @STORKIT_RUN_STATUS_PENDING: it waits in the queue, or its worktree is being prepared
 * @STORKIT_RUN_STATUS_RUNNING: its agent is at work
 * @STORKIT_RUN_STATUS_COMPLETED: it has ended well
 * @STORKIT_RUN_STATUS_FAILED: it has ended, or was stopped; [property@Run:error] says why
 *
 * Where a run is in its life.
 */
typedef enum {
    STORKIT_RUN_STATUS_UNKNOWN,
    STORKIT_RUN_STATUS_PENDING,
    STORKIT_RUN_STATUS_RUNNING,
    STORKIT_RUN_STATUS_COMPLETED,
    STORKIT_RUN_STATUS_FAILED,
} StorkitRunStatus;

#define STORKIT_TYPE_RUN_STATUS (storkit_run_status_get_type())
GType storkit_run_status_get_type(void) G_GNUC_CONST;

/**
 * StorkitRun:
 *
 * One execution of an agent for a story of a project. While its [class@Pool] is there, the
 * properties change as the run does, with `notify`; after that, and once the run has left the
 * pool's list, they stay as they were. The calls go on working.
 */
#define STORKIT_TYPE_RUN (storkit_run_get_type())
G_DECLARE_FINAL_TYPE(StorkitRun, storkit_run, STORKIT, RUN, GObject)

/**
 * storkit_run_new:
 * @info: the info of a run (`a{sv}`), as the service or `storkitctl list --json` has it
 *
 * Makes a run of which somebody else tells than a [class@Pool]: one of another machine, say. Its
 * properties are what @info says, numbers of whatever width, and change with
 * [method@Run.set_info]; its calls fail with %G_IO_ERROR_NOT_CONNECTED.
 *
 * Returns: (transfer full): a run
 */
StorkitRun *storkit_run_new(GVariant *info);

/**
 * storkit_run_set_info:
 * @self: a run of [ctor@Run.new]
 * @info: its info (`a{sv}`) by now
 *
 * Takes the present values of all properties, with `notify` for each that changes.
 */
void storkit_run_set_info(StorkitRun *self, GVariant *info);

/**
 * storkit_run_get_status:
 * @self: a run
 *
 * Where it is in its life.
 *
 * Returns: its status
 */
StorkitRunStatus storkit_run_get_status(StorkitRun *self);

/**
 * storkit_run_get_project_root:
 * @self: a run
 *
 * The project's folder.
 *
 * Returns: a string of the run's
 */
const char *storkit_run_get_project_root(StorkitRun *self);

/**
 * storkit_run_get_story_id:
 * @self: a run
 *
 * The story.
 *
 * Returns: a string of the run's
 */
const char *storkit_run_get_story_id(StorkitRun *self);

/**
 * storkit_run_get_agent_name:
 * @self: a run
 *
 * The agent, by its name in the roster.
 *
 * Returns: a string of the run's
 */
const char *storkit_run_get_agent_name(StorkitRun *self);

/**
 * storkit_run_get_run_id:
 * @self: a run
 *
 * The id of the run.
 *
 * Returns: a string of the run's
 */
const char *storkit_run_get_run_id(StorkitRun *self);

/**
 * storkit_run_get_object_path:
 * @self: a run
 *
 * The path of the run's object on the bus.
 *
 * Returns: a string of the run's
 */
const char *storkit_run_get_object_path(StorkitRun *self);

/**
 * storkit_run_get_unit:
 * @self: a run
 *
 * The systemd scope that holds all that the run starts.
 *
 * Returns: (nullable): a string of the run's, valid until it changes; %NULL: none is known
 */
const char *storkit_run_get_unit(StorkitRun *self);

/**
 * storkit_run_get_parent:
 * @self: a run
 *
 * The id of the run whose agent has started this one; %NULL: none has.
 *
 * Returns: (nullable): a string of the run's, valid until it changes; %NULL: none is known
 */
const char *storkit_run_get_parent(StorkitRun *self);

/**
 * storkit_run_get_session_id:
 * @self: a run
 *
 * The last session that the agent reported; the option `resume` takes it.
 *
 * Returns: (nullable): a string of the run's, valid until it changes; %NULL: none is known
 */
const char *storkit_run_get_session_id(StorkitRun *self);

/**
 * storkit_run_get_worktree_path:
 * @self: a run
 *
 * The story's worktree.
 *
 * Returns: (nullable): a string of the run's, valid until it changes; %NULL: none is known
 */
const char *storkit_run_get_worktree_path(StorkitRun *self);

/**
 * storkit_run_get_branch:
 * @self: a run
 *
 * The story's branch.
 *
 * Returns: (nullable): a string of the run's, valid until it changes; %NULL: none is known
 */
const char *storkit_run_get_branch(StorkitRun *self);

/**
 * storkit_run_get_base_branch:
 * @self: a run
 *
 * The branch that it started from.
 *
 * Returns: (nullable): a string of the run's, valid until it changes; %NULL: none is known
 */
const char *storkit_run_get_base_branch(StorkitRun *self);

/**
 * storkit_run_get_error:
 * @self: a run
 *
 * Why the run has failed.
 *
 * Returns: (nullable): a string of the run's, valid until it changes; %NULL: none is known
 */
const char *storkit_run_get_error(StorkitRun *self);

/**
 * storkit_run_get_unfinished_line:
 * @self: a run
 *
 * What the agent has printed after its last newline, once it has been quiet for a second.
 *
 * Returns: (nullable): a string of the run's, valid until it changes; %NULL: none is known
 */
const char *storkit_run_get_unfinished_line(StorkitRun *self);

/**
 * storkit_run_get_waiting:
 * @self: a run
 *
 * What the run waits for: `permission`, `input`, `limit` or `setup`; %NULL: nothing.
 *
 * Returns: (nullable): a string of the run's, valid until it changes; %NULL: none is known
 */
const char *storkit_run_get_waiting(StorkitRun *self);

/**
 * storkit_run_get_sandbox:
 * @self: a run
 *
 * How the run is confined, as project.toml names it; %NULL: it is not.
 *
 * Returns: (nullable): a string of the run's, valid until it changes; %NULL: none is known
 */
const char *storkit_run_get_sandbox(StorkitRun *self);

/**
 * storkit_run_get_pid:
 * @self: a run
 *
 * The agent's process, while it runs.
 *
 * Returns: the value; 0 where none is known
 */
guint storkit_run_get_pid(StorkitRun *self);

/**
 * storkit_run_get_turns:
 * @self: a run
 *
 * The number of turns, as the agent reports it.
 *
 * Returns: the value; 0 where none is known
 */
guint storkit_run_get_turns(StorkitRun *self);

/**
 * storkit_run_get_queue_position:
 * @self: a run
 *
 * The place in the queue, from 1; 0 for a run that does not wait in it.
 *
 * Returns: the value; 0 where none is known
 */
guint storkit_run_get_queue_position(StorkitRun *self);

/**
 * storkit_run_get_processes:
 * @self: a run
 *
 * How many processes the run had at the last [method@Run.refresh].
 *
 * Returns: the value; 0 where none is known
 */
guint storkit_run_get_processes(StorkitRun *self);

/**
 * storkit_run_get_exit_code:
 * @self: a run
 *
 * The exit status of its program, once it has ended.
 *
 * Returns: the value; 0 where none is known
 */
int storkit_run_get_exit_code(StorkitRun *self);

/**
 * storkit_run_get_exit_signal:
 * @self: a run
 *
 * The signal that ended its program, or 0.
 *
 * Returns: the value; 0 where none is known
 */
int storkit_run_get_exit_signal(StorkitRun *self);

/**
 * storkit_run_get_started:
 * @self: a run
 *
 * When its program was executed, in µs since the epoch; 0: not yet.
 *
 * Returns: the value; 0 where none is known
 */
guint64 storkit_run_get_started(StorkitRun *self);

/**
 * storkit_run_get_ended:
 * @self: a run
 *
 * When it ended, in µs since the epoch; 0: not yet.
 *
 * Returns: the value; 0 where none is known
 */
guint64 storkit_run_get_ended(StorkitRun *self);

/**
 * storkit_run_get_retry_at:
 * @self: a run
 *
 * When the usage limit that the agent reported ends, in µs since the epoch; 0: there is none.
 *
 * Returns: the value; 0 where none is known
 */
guint64 storkit_run_get_retry_at(StorkitRun *self);

/**
 * storkit_run_get_waiting_since:
 * @self: a run
 *
 * Since when it waits, in µs since the epoch; 0: it does not.
 *
 * Returns: the value; 0 where none is known
 */
guint64 storkit_run_get_waiting_since(StorkitRun *self);

/**
 * storkit_run_get_input_tokens:
 * @self: a run
 *
 * Input tokens, as the agent reports them.
 *
 * Returns: the value; 0 where none is known
 */
guint64 storkit_run_get_input_tokens(StorkitRun *self);

/**
 * storkit_run_get_cached_input_tokens:
 * @self: a run
 *
 * Those of the input tokens that were in the model's cache.
 *
 * Returns: the value; 0 where none is known
 */
guint64 storkit_run_get_cached_input_tokens(StorkitRun *self);

/**
 * storkit_run_get_output_tokens:
 * @self: a run
 *
 * Output tokens, as the agent reports them.
 *
 * Returns: the value; 0 where none is known
 */
guint64 storkit_run_get_output_tokens(StorkitRun *self);

/**
 * storkit_run_get_oom_kills:
 * @self: a run
 *
 * How many processes of the run the kernel has killed for lack of memory.
 *
 * Returns: the value; 0 where none is known
 */
guint64 storkit_run_get_oom_kills(StorkitRun *self);

/**
 * storkit_run_get_cursor:
 * @self: a run
 *
 * The cursor of its last event at the last [method@Run.refresh].
 *
 * Returns: the value; 0 where none is known
 */
guint64 storkit_run_get_cursor(StorkitRun *self);

/**
 * storkit_run_get_memory:
 * @self: a run
 *
 * The memory that the run used at the last [method@Run.refresh], in bytes.
 *
 * Returns: the value; 0 where none is known
 */
guint64 storkit_run_get_memory(StorkitRun *self);

/**
 * storkit_run_get_memory_peak:
 * @self: a run
 *
 * The most memory that the run had used by then, in bytes.
 *
 * Returns: the value; 0 where none is known
 */
guint64 storkit_run_get_memory_peak(StorkitRun *self);

/**
 * storkit_run_get_cpu_usec:
 * @self: a run
 *
 * The CPU time that the run had used by then, in µs.
 *
 * Returns: the value; 0 where none is known
 */
guint64 storkit_run_get_cpu_usec(StorkitRun *self);

/**
 * storkit_run_get_cost_usd:
 * @self: a run
 *
 * The cost of the run in US dollars, as the agent reports it.
 *
 * Returns: the value; 0 where none is known
 */
double storkit_run_get_cost_usd(StorkitRun *self);

/**
 * storkit_run_get_frozen:
 * @self: a run
 *
 * Whether the run is frozen.
 *
 * Returns: %TRUE if so
 */
gboolean storkit_run_get_frozen(StorkitRun *self);

/**
 * storkit_run_get_disk_full:
 * @self: a run
 *
 * Whether the agent is paused because there is no space for its output.
 *
 * Returns: %TRUE if so
 */
gboolean storkit_run_get_disk_full(StorkitRun *self);

/**
 * storkit_run_get_limits:
 * @self: a run
 *
 * The limits that are set for the run (`a{sv}`): sizes in bytes, times in µs.
 *
 * Returns: (nullable) (transfer none): a variant of the run's, valid until it changes
 */
GVariant *storkit_run_get_limits(StorkitRun *self);

/**
 * storkit_run_get_questions:
 * @self: a run
 *
 * What the agent asks (`aa{sv}`: `id`, `kind`, `title`, `detail`, `options`); %NULL: nothing.
 * [method@Run.answer] answers it.
 *
 * Returns: (nullable) (transfer none): a variant of the run's, valid until it changes
 */
GVariant *storkit_run_get_questions(StorkitRun *self);

/**
 * storkit_run_get_unenforced:
 * @self: a run
 *
 * Limits of the run that this machine does not delegate to the user (`as`).
 *
 * Returns: (nullable) (transfer none): a variant of the run's, valid until it changes
 */
GVariant *storkit_run_get_unenforced(StorkitRun *self);

/**
 * storkit_run_get_sandbox_missing:
 * @self: a run
 *
 * Parts of the sandbox that this machine cannot give (`as`).
 *
 * Returns: (nullable) (transfer none): a variant of the run's, valid until it changes
 */
GVariant *storkit_run_get_sandbox_missing(StorkitRun *self);

/**
 * storkit_run_stop:
 * @self: a run
 * @cancellable: (nullable): ends the waiting for the reply
 * @error: return location for an error
 *
 * Stops the run and those that its agent has started; when this returns, no process of it is
 * left, and the run leaves the pool's list. The worktree stays. A run that has ended only leaves
 * the list.
 *
 * Errors: %STORKIT_ERROR_NO_SUCH_RUN
 *
 * Returns: %TRUE, or %FALSE with @error
 */
gboolean storkit_run_stop(StorkitRun *self, GCancellable *cancellable, GError **error);

/**
 * storkit_run_stop_async:
 * @self: a run
 * @cancellable: (nullable): ends the waiting for the reply
 * @callback: (scope async) (closure user_data): called when it is done
 * @user_data: for @callback
 *
 * See [method@Run.stop].
 */
void storkit_run_stop_async(StorkitRun *self, GCancellable *cancellable,
                            GAsyncReadyCallback callback, gpointer user_data);

/**
 * storkit_run_stop_finish:
 * @self: a run
 * @result: what the callback got
 * @error: return location for an error
 *
 * Ends [method@Run.stop_async].
 *
 * Returns: %TRUE, or %FALSE with @error
 */
gboolean storkit_run_stop_finish(StorkitRun *self, GAsyncResult *result, GError **error);

/**
 * storkit_run_wait:
 * @self: a run
 * @cancellable: (nullable): ends the waiting for the reply
 * @error: return location for an error
 *
 * Waits until the run has ended, hours if need be, over any death of the service. Its properties
 * are those of the ended run then.
 *
 * Errors: %STORKIT_ERROR_NO_SUCH_RUN if its folder is gone
 *
 * Returns: %TRUE, or %FALSE with @error
 */
gboolean storkit_run_wait(StorkitRun *self, GCancellable *cancellable, GError **error);

/**
 * storkit_run_wait_async:
 * @self: a run
 * @cancellable: (nullable): ends the waiting for the reply
 * @callback: (scope async) (closure user_data): called when it is done
 * @user_data: for @callback
 *
 * See [method@Run.wait].
 */
void storkit_run_wait_async(StorkitRun *self, GCancellable *cancellable,
                            GAsyncReadyCallback callback, gpointer user_data);

/**
 * storkit_run_wait_finish:
 * @self: a run
 * @result: what the callback got
 * @error: return location for an error
 *
 * Ends [method@Run.wait_async].
 *
 * Returns: %TRUE, or %FALSE with @error
 */
gboolean storkit_run_wait_finish(StorkitRun *self, GAsyncResult *result, GError **error);

/**
 * storkit_run_refresh:
 * @self: a run
 * @cancellable: (nullable): ends the waiting for the reply
 * @error: return location for an error
 *
 * Asks for all that is known of the run, and for the figures that the service does not tell of
 * when they change: `cursor`, `memory`, `memory-peak`, `cpu-usec`, `processes`.
 *
 * Errors: %STORKIT_ERROR_NO_SUCH_RUN
 *
 * Returns: %TRUE, or %FALSE with @error
 */
gboolean storkit_run_refresh(StorkitRun *self, GCancellable *cancellable, GError **error);

/**
 * storkit_run_refresh_async:
 * @self: a run
 * @cancellable: (nullable): ends the waiting for the reply
 * @callback: (scope async) (closure user_data): called when it is done
 * @user_data: for @callback
 *
 * See [method@Run.refresh].
 */
void storkit_run_refresh_async(StorkitRun *self, GCancellable *cancellable,
                               GAsyncReadyCallback callback, gpointer user_data);

/**
 * storkit_run_refresh_finish:
 * @self: a run
 * @result: what the callback got
 * @error: return location for an error
 *
 * Ends [method@Run.refresh_async].
 *
 * Returns: %TRUE, or %FALSE with @error
 */
gboolean storkit_run_refresh_finish(StorkitRun *self, GAsyncResult *result, GError **error);

/**
 * storkit_run_send_input:
 * @self: a run
 * @bytes: what to type, as it is: a terminal's Enter is a carriage return
 * @cancellable: (nullable): ends the waiting for the reply
 * @error: return location for an error
 *
 * Types into the agent's terminal. Do not repeat a call that was cancelled: its bytes are on
 * their way.
 *
 * Errors: %STORKIT_ERROR_NOT_RUNNING, %STORKIT_ERROR_NO_SUCH_RUN
 *
 * Returns: %TRUE, or %FALSE with @error
 */
gboolean storkit_run_send_input(StorkitRun *self, GBytes *bytes, GCancellable *cancellable,
                                GError **error);

/**
 * storkit_run_send_input_async:
 * @self: a run
 * @bytes: what to type, as it is: a terminal's Enter is a carriage return
 * @cancellable: (nullable): ends the waiting for the reply
 * @callback: (scope async) (closure user_data): called when it is done
 * @user_data: for @callback
 *
 * See [method@Run.send_input].
 */
void storkit_run_send_input_async(StorkitRun *self, GBytes *bytes, GCancellable *cancellable,
                                  GAsyncReadyCallback callback, gpointer user_data);

/**
 * storkit_run_send_input_finish:
 * @self: a run
 * @result: what the callback got
 * @error: return location for an error
 *
 * Ends [method@Run.send_input_async].
 *
 * Returns: %TRUE, or %FALSE with @error
 */
gboolean storkit_run_send_input_finish(StorkitRun *self, GAsyncResult *result, GError **error);

/**
 * storkit_run_send_message:
 * @self: a run
 * @text: the message, at most 1 MiB
 * @cancellable: (nullable): ends the waiting for the reply
 * @error: return location for an error
 *
 * Sends a message to an agent that is configured as `interactive`.
 *
 * Errors: %STORKIT_ERROR_NOT_RUNNING, %STORKIT_ERROR_NO_SUCH_RUN,
 * %STORKIT_ERROR_INVALID_ARGUMENT if it takes none
 *
 * Returns: %TRUE, or %FALSE with @error
 */
gboolean storkit_run_send_message(StorkitRun *self, const char *text, GCancellable *cancellable,
                                  GError **error);

/**
 * storkit_run_send_message_async:
 * @self: a run
 * @text: the message, at most 1 MiB
 * @cancellable: (nullable): ends the waiting for the reply
 * @callback: (scope async) (closure user_data): called when it is done
 * @user_data: for @callback
 *
 * See [method@Run.send_message].
 */
void storkit_run_send_message_async(StorkitRun *self, const char *text, GCancellable *cancellable,
                                    GAsyncReadyCallback callback, gpointer user_data);

/**
 * storkit_run_send_message_finish:
 * @self: a run
 * @result: what the callback got
 * @error: return location for an error
 *
 * Ends [method@Run.send_message_async].
 *
 * Returns: %TRUE, or %FALSE with @error
 */
gboolean storkit_run_send_message_finish(StorkitRun *self, GAsyncResult *result, GError **error);

/**
 * storkit_run_close_input:
 * @self: a run
 * @cancellable: (nullable): ends the waiting for the reply
 * @error: return location for an error
 *
 * Ends the standard input of an `interactive` agent, after its messages.
 *
 * Errors: %STORKIT_ERROR_NOT_RUNNING, %STORKIT_ERROR_NO_SUCH_RUN
 *
 * Returns: %TRUE, or %FALSE with @error
 */
gboolean storkit_run_close_input(StorkitRun *self, GCancellable *cancellable, GError **error);

/**
 * storkit_run_close_input_async:
 * @self: a run
 * @cancellable: (nullable): ends the waiting for the reply
 * @callback: (scope async) (closure user_data): called when it is done
 * @user_data: for @callback
 *
 * See [method@Run.close_input].
 */
void storkit_run_close_input_async(StorkitRun *self, GCancellable *cancellable,
                                   GAsyncReadyCallback callback, gpointer user_data);

/**
 * storkit_run_close_input_finish:
 * @self: a run
 * @result: what the callback got
 * @error: return location for an error
 *
 * Ends [method@Run.close_input_async].
 *
 * Returns: %TRUE, or %FALSE with @error
 */
gboolean storkit_run_close_input_finish(StorkitRun *self, GAsyncResult *result, GError **error);

/**
 * storkit_run_answer:
 * @self: a run
 * @question: the `id` of one of [property@Run:questions]
 * @option: the `id` of one of its options
 * @details: (nullable): what belongs to the answer, an `a{sv}`: `message` (s), `input` (s),
 *   `answers` (a{ss}); a floating reference is taken
 * @cancellable: (nullable): ends the waiting for the reply
 * @error: return location for an error
 *
 * Answers what the agent asks. The agent gets one answer, also if the service dies meanwhile.
 *
 * Errors: %STORKIT_ERROR_NOT_RUNNING, %STORKIT_ERROR_NO_SUCH_RUN,
 * %STORKIT_ERROR_INVALID_ARGUMENT for a question that is not open
 *
 * Returns: %TRUE, or %FALSE with @error
 */
gboolean storkit_run_answer(StorkitRun *self, const char *question, const char *option,
                            GVariant *details, GCancellable *cancellable, GError **error);

/**
 * storkit_run_answer_async:
 * @self: a run
 * @question: the `id` of one of [property@Run:questions]
 * @option: the `id` of one of its options
 * @details: (nullable): what belongs to the answer, an `a{sv}`: `message` (s), `input` (s),
 *   `answers` (a{ss}); a floating reference is taken
 * @cancellable: (nullable): ends the waiting for the reply
 * @callback: (scope async) (closure user_data): called when it is done
 * @user_data: for @callback
 *
 * See [method@Run.answer].
 */
void storkit_run_answer_async(StorkitRun *self, const char *question, const char *option,
                              GVariant *details, GCancellable *cancellable,
                              GAsyncReadyCallback callback, gpointer user_data);

/**
 * storkit_run_answer_finish:
 * @self: a run
 * @result: what the callback got
 * @error: return location for an error
 *
 * Ends [method@Run.answer_async].
 *
 * Returns: %TRUE, or %FALSE with @error
 */
gboolean storkit_run_answer_finish(StorkitRun *self, GAsyncResult *result, GError **error);

/**
 * storkit_run_freeze:
 * @self: a run
 * @cancellable: (nullable): ends the waiting for the reply
 * @error: return location for an error
 *
 * Freezes every process of the run.
 *
 * Errors: %STORKIT_ERROR_NOT_RUNNING, %STORKIT_ERROR_NO_SUCH_RUN
 *
 * Returns: %TRUE, or %FALSE with @error
 */
gboolean storkit_run_freeze(StorkitRun *self, GCancellable *cancellable, GError **error);

/**
 * storkit_run_freeze_async:
 * @self: a run
 * @cancellable: (nullable): ends the waiting for the reply
 * @callback: (scope async) (closure user_data): called when it is done
 * @user_data: for @callback
 *
 * See [method@Run.freeze].
 */
void storkit_run_freeze_async(StorkitRun *self, GCancellable *cancellable,
                              GAsyncReadyCallback callback, gpointer user_data);

/**
 * storkit_run_freeze_finish:
 * @self: a run
 * @result: what the callback got
 * @error: return location for an error
 *
 * Ends [method@Run.freeze_async].
 *
 * Returns: %TRUE, or %FALSE with @error
 */
gboolean storkit_run_freeze_finish(StorkitRun *self, GAsyncResult *result, GError **error);

/**
 * storkit_run_thaw:
 * @self: a run
 * @cancellable: (nullable): ends the waiting for the reply
 * @error: return location for an error
 *
 * Lets a frozen run continue.
 *
 * Errors: %STORKIT_ERROR_NOT_RUNNING, %STORKIT_ERROR_NO_SUCH_RUN
 *
 * Returns: %TRUE, or %FALSE with @error
 */
gboolean storkit_run_thaw(StorkitRun *self, GCancellable *cancellable, GError **error);

/**
 * storkit_run_thaw_async:
 * @self: a run
 * @cancellable: (nullable): ends the waiting for the reply
 * @callback: (scope async) (closure user_data): called when it is done
 * @user_data: for @callback
 *
 * See [method@Run.thaw].
 */
void storkit_run_thaw_async(StorkitRun *self, GCancellable *cancellable,
                            GAsyncReadyCallback callback, gpointer user_data);

/**
 * storkit_run_thaw_finish:
 * @self: a run
 * @result: what the callback got
 * @error: return location for an error
 *
 * Ends [method@Run.thaw_async].
 *
 * Returns: %TRUE, or %FALSE with @error
 */
gboolean storkit_run_thaw_finish(StorkitRun *self, GAsyncResult *result, GError **error);

/**
 * storkit_run_resize:
 * @self: a run
 * @rows: lines
 * @columns: characters of a line
 * @cancellable: (nullable): ends the waiting for the reply
 * @error: return location for an error
 *
 * Sets the size of the agent's terminal.
 *
 * Errors: %STORKIT_ERROR_NOT_RUNNING, %STORKIT_ERROR_NO_SUCH_RUN
 *
 * Returns: %TRUE, or %FALSE with @error
 */
gboolean storkit_run_resize(StorkitRun *self, guint rows, guint columns, GCancellable *cancellable,
                            GError **error);

/**
 * storkit_run_resize_async:
 * @self: a run
 * @rows: lines
 * @columns: characters of a line
 * @cancellable: (nullable): ends the waiting for the reply
 * @callback: (scope async) (closure user_data): called when it is done
 * @user_data: for @callback
 *
 * See [method@Run.resize].
 */
void storkit_run_resize_async(StorkitRun *self, guint rows, guint columns,
                              GCancellable *cancellable, GAsyncReadyCallback callback,
                              gpointer user_data);

/**
 * storkit_run_resize_finish:
 * @self: a run
 * @result: what the callback got
 * @error: return location for an error
 *
 * Ends [method@Run.resize_async].
 *
 * Returns: %TRUE, or %FALSE with @error
 */
gboolean storkit_run_resize_finish(StorkitRun *self, GAsyncResult *result, GError **error);

/**
 * storkit_run_attach:
 * @self: a run
 * @cancellable: (nullable): ends the waiting for the reply
 * @error: return location for an error
 *
 * Connects to the agent's terminal: the socket gives its last output and then all that it
 * prints, and what is written to it is typed.
 *
 * Errors: %STORKIT_ERROR_NOT_RUNNING, %STORKIT_ERROR_NO_SUCH_RUN
 *
 * Returns: a file descriptor, which the caller closes; -1 with @error
 */
int storkit_run_attach(StorkitRun *self, GCancellable *cancellable, GError **error);

/**
 * storkit_run_attach_async:
 * @self: a run
 * @cancellable: (nullable): ends the waiting for the reply
 * @callback: (scope async) (closure user_data): called when it is done
 * @user_data: for @callback
 *
 * See [method@Run.attach].
 */
void storkit_run_attach_async(StorkitRun *self, GCancellable *cancellable,
                              GAsyncReadyCallback callback, gpointer user_data);

/**
 * storkit_run_attach_finish:
 * @self: a run
 * @result: what the callback got
 * @error: return location for an error
 *
 * Ends [method@Run.attach_async].
 *
 * Returns: a file descriptor, which the caller closes; -1 with @error
 */
int storkit_run_attach_finish(StorkitRun *self, GAsyncResult *result, GError **error);

/**
 * storkit_run_follow:
 * @self: a run
 * @cursor: the cursor of the last event that the caller has; 0: all of them
 *
 * Makes a stream of the run's events. It asks for nothing before its first event is waited for.
 *
 * Returns: (transfer full): a stream
 */
StorkitEventStream *storkit_run_follow(StorkitRun *self, guint64 cursor);

G_END_DECLS
