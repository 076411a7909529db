/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A client of libstorkit, which test_library.py runs:
 *
 *   client follow RUN CURSOR     prints the events, asynchronously and many at once
 *   client next RUN CURSOR N     prints N events, each waited for; sleeps 1 ms after each
 *   client watch                 prints what the pool tells of, until the end of its input
 *   client drive ROOT            starts a run and does all that can be done with one
 *   client cancel RUN            gives up waiting and goes on
 *   client wait RUN              prints the status of the ended run
 *   client none FLAGS            makes a pool; prints whether the service is there
 */
#include <glib-unix.h>
#include <stdio.h>
#include <stdlib.h>
#include <storkit/storkit.h>
#include <unistd.h>

static GMainLoop *loop;

static void print_event(StorkitEvent *event)
{
    printf("%s\n", storkit_event_get_json(event));
}

static void no_error(GError *error)
{
    if (error)
        g_error("%s %d: %s", g_quark_to_string(error->domain), error->code, error->message);
}

static StorkitPool *new_pool(void)
{
    g_autoptr(GError) error = NULL;
    StorkitPool *pool = storkit_pool_new_sync(STORKIT_POOL_FLAGS_NONE, NULL, &error);
    no_error(error);
    return pool;
}

static void on_events(GObject *source, GAsyncResult *result, gpointer data)
{
    StorkitEventStream *stream = STORKIT_EVENT_STREAM(source);
    g_autoptr(GError) error = NULL;
    g_autoptr(GPtrArray) events = storkit_event_stream_next_events_finish(stream, result, &error);
    no_error(error);
    if (!events) {
        g_main_loop_quit(loop);
        return;
    }
    g_ptr_array_foreach(events, (GFunc)(void (*)(void))print_event, NULL);
    fflush(stdout);
    storkit_event_stream_next_events_async(stream, 0, NULL, on_events, NULL);
}

static void follow(char **arguments)
{
    g_autoptr(StorkitPool) pool = new_pool();
    g_autoptr(StorkitEventStream) stream =
        storkit_pool_follow(pool, arguments[0], g_ascii_strtoull(arguments[1], NULL, 10));
    storkit_event_stream_next_events_async(stream, 0, NULL, on_events, NULL);
    g_main_loop_run(loop);
}

static void next(char **arguments)
{
    g_autoptr(StorkitPool) pool = new_pool();
    g_autoptr(StorkitEventStream) stream =
        storkit_pool_follow(pool, arguments[0], g_ascii_strtoull(arguments[1], NULL, 10));
    for (int i = atoi(arguments[2]); i > 0; i--) {
        g_autoptr(GError) error = NULL;
        g_autoptr(StorkitEvent) event = storkit_event_stream_next(stream, NULL, &error);
        no_error(error);
        if (!event)
            return;
        g_assert_cmpuint(storkit_event_get_cursor(event), ==,
                         storkit_event_stream_get_cursor(stream));
        print_event(event);
        fflush(stdout);
        usleep(1000);
    }
}

static void on_changed(GObject *object, GParamSpec *spec, gpointer data)
{
    StorkitRun *run = STORKIT_RUN(object);
    g_autofree char *value = NULL;
    g_auto(GValue) given = G_VALUE_INIT;
    g_object_get_property(object, spec->name, &given);
    value = g_strdup_value_contents(&given);
    printf("%s %s %s\n", storkit_run_get_story_id(run), spec->name, value);
    fflush(stdout);
}

static void on_added(StorkitPool *pool, StorkitRun *run, gpointer data)
{
    g_assert_true(storkit_pool_get_run(pool, storkit_run_get_run_id(run)) == run);
    printf("added %s\n", storkit_run_get_story_id(run));
    g_signal_connect(run, "notify", G_CALLBACK(on_changed), NULL);
    fflush(stdout);
}

static void on_removed(StorkitPool *pool, StorkitRun *run, gpointer data)
{
    g_assert_null(storkit_pool_get_run(pool, storkit_run_get_run_id(run)));
    printf("removed %s\n", storkit_run_get_story_id(run));
    fflush(stdout);
}

static void on_pool_changed(GObject *object, GParamSpec *spec, gpointer data)
{
    StorkitPool *pool = STORKIT_POOL(object);
    printf("pool available %d, %u running, %u queued, %u at most\n",
           storkit_pool_get_available(pool), storkit_pool_get_running(pool),
           storkit_pool_get_queued(pool), storkit_pool_get_max_agents(pool));
    fflush(stdout);
}

static void on_pool(GObject *source, GAsyncResult *result, gpointer data)
{
    StorkitPool **pool = data;
    g_autoptr(GError) error = NULL;
    *pool = storkit_pool_new_finish(result, &error);
    no_error(error);
    g_autoptr(GPtrArray) runs = storkit_pool_dup_runs(*pool);
    for (guint i = 0; i < runs->len; i++)
        on_added(*pool, runs->pdata[i], NULL);
    g_signal_connect(*pool, "run-added", G_CALLBACK(on_added), NULL);
    g_signal_connect(*pool, "run-removed", G_CALLBACK(on_removed), NULL);
    g_signal_connect(*pool, "notify", G_CALLBACK(on_pool_changed), NULL);
    on_pool_changed(G_OBJECT(*pool), NULL, NULL);
}

static gboolean on_end_of_input(int fd, GIOCondition condition, gpointer data)
{
    g_main_loop_quit(loop);
    return G_SOURCE_REMOVE;
}

static void watch(char **arguments)
{
    g_autoptr(StorkitPool) pool = NULL;
    storkit_pool_new(STORKIT_POOL_FLAGS_NONE, NULL, on_pool, &pool);
    g_unix_fd_add(STDIN_FILENO, G_IO_IN | G_IO_HUP, on_end_of_input, NULL);
    g_main_loop_run(loop);
}

/* What a call has to fail with. */
#define FAILS(expected, call)                                                                      \
    {                                                                                              \
        g_autoptr(GError) caught = NULL;                                                           \
        GError **error = &caught;                                                                  \
        g_assert_false(call);                                                                      \
        g_assert_error(caught, STORKIT_ERROR, expected);                                           \
        g_assert_null(g_strstr_len(caught->message, -1, "GDBus.Error"));                           \
    }
#define WORKS(call)                                                                                \
    {                                                                                              \
        g_autoptr(GError) caught = NULL;                                                           \
        GError **error = &caught;                                                                  \
        gboolean done = (call);                                                                    \
        no_error(caught);                                                                          \
        g_assert_true(done);                                                                       \
    }

static GVariant *memory_option(void)
{
    GVariantDict options;
    g_variant_dict_init(&options, NULL);
    g_variant_dict_insert(&options, "tasks_max", "s", "500");
    return g_variant_dict_end(&options);
}

static void do_all(StorkitRun *run)
{
    g_autoptr(GBytes) bytes = g_bytes_new_static("hello\r", 6);
    g_autoptr(GError) failure = NULL;
    WORKS(storkit_run_freeze(run, NULL, error));
    WORKS(storkit_run_refresh(run, NULL, error));
    g_assert_true(storkit_run_get_frozen(run));
    g_assert_cmpuint(storkit_run_get_processes(run), >, 0);
    WORKS(storkit_run_thaw(run, NULL, error));
    WORKS(storkit_run_resize(run, 30, 90, NULL, error));
    FAILS(STORKIT_ERROR_INVALID_ARGUMENT, storkit_run_send_message(run, "hi", NULL, error));
    FAILS(STORKIT_ERROR_INVALID_ARGUMENT, storkit_run_answer(run, "1", "yes", NULL, NULL, error));
    int terminal = storkit_run_attach(run, NULL, &failure);
    no_error(failure);
    g_assert_cmpint(terminal, >=, 0);
    close(terminal);
    WORKS(storkit_run_send_input(run, bytes, NULL, error));
    WORKS(storkit_run_wait(run, NULL, error));
    g_assert_cmpint(storkit_run_get_status(run), ==, STORKIT_RUN_STATUS_COMPLETED);
    g_assert_cmpuint(storkit_run_get_ended(run), >=, storkit_run_get_started(run));
    FAILS(STORKIT_ERROR_NOT_RUNNING, storkit_run_freeze(run, NULL, error));
    WORKS(storkit_run_stop(run, NULL, error));
    FAILS(STORKIT_ERROR_NO_SUCH_RUN, storkit_run_stop(run, NULL, error));
    WORKS(storkit_run_wait(run, NULL, error));
}

static void check_limits(StorkitRun *run)
{
    guint64 tasks = 0;
    g_autoptr(GVariant) limits = NULL;
    g_object_get(run, "limits", &limits, NULL);
    g_assert_true(g_variant_lookup(limits, "tasks_max", "t", &tasks) && tasks == 500);
}

static void drive(char **arguments)
{
    const char *root = arguments[0];
    g_autoptr(StorkitPool) pool = new_pool();
    g_autoptr(GError) failure = NULL;
    g_autoptr(StorkitRun) run =
        storkit_pool_start(pool, root, "s", NULL, memory_option(), NULL, &failure);
    no_error(failure);
    g_assert_cmpint(storkit_run_get_status(run), ==, STORKIT_RUN_STATUS_RUNNING);
    check_limits(run);
    g_autoptr(StorkitRun) same = storkit_pool_find(pool, root, "s", "coder", NULL, &failure);
    no_error(failure);
    g_assert_true(same == run);
    FAILS(STORKIT_ERROR_ALREADY_RUNNING,
          storkit_pool_start(pool, root, "s", NULL, NULL, NULL, error));
    FAILS(STORKIT_ERROR_NO_SUCH_AGENT,
          storkit_pool_start(pool, root, "t", "nobody", NULL, NULL, error));
    FAILS(STORKIT_ERROR_WORKTREE_BUSY,
          storkit_pool_remove_worktree(pool, root, "s", FALSE, NULL, error));
    do_all(run);
    g_autoptr(StorkitRun) gone =
        storkit_pool_find_run(pool, storkit_run_get_run_id(run), NULL, &failure);
    no_error(failure);
    g_assert_cmpint(storkit_run_get_status(gone), ==, STORKIT_RUN_STATUS_COMPLETED);
    g_autoptr(GVariant) worktrees = storkit_pool_list_worktrees(pool, root, NULL, &failure);
    no_error(failure);
    g_assert_cmpuint(g_variant_n_children(worktrees), ==, 1);
    WORKS(storkit_pool_remove_worktree(pool, root, "s", FALSE, NULL, error));
    WORKS(storkit_pool_set_max_agents(pool, 7, NULL, error));
    g_autoptr(GVariant) config = storkit_pool_get_config(pool, root, NULL, &failure);
    no_error(failure);
    g_assert_true(g_variant_lookup(config, "agents", "aa{sv}", NULL));
}

static void on_cancelled(GObject *source, GAsyncResult *result, gpointer data)
{
    g_autoptr(GError) error = NULL;
    g_assert_null(storkit_event_stream_next_finish(STORKIT_EVENT_STREAM(source), result, &error));
    g_assert_error(error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
    g_main_loop_quit(loop);
}

static void on_refused(GObject *source, GAsyncResult *result, gpointer data)
{
    g_autoptr(GError) error = NULL;
    g_assert_null(storkit_event_stream_next_finish(STORKIT_EVENT_STREAM(source), result, &error));
    g_assert_error(error, G_IO_ERROR, G_IO_ERROR_PENDING);
}

static gboolean on_time(gpointer data)
{
    g_cancellable_cancel(data);
    return G_SOURCE_REMOVE;
}

static void cancel(char **arguments)
{
    g_autoptr(StorkitPool) pool = new_pool();
    g_autoptr(StorkitEventStream) stream = storkit_pool_follow(pool, arguments[0], 0);
    g_autoptr(GCancellable) cancellable = g_cancellable_new();
    g_autoptr(StorkitRun) run = NULL;
    for (int i = 0; i < 2; i++) { /* pending and running; then the agent is silent */
        g_autoptr(StorkitEvent) event = storkit_event_stream_next(stream, NULL, NULL);
        print_event(event);
    }
    storkit_event_stream_next_async(stream, cancellable, on_cancelled, NULL);
    storkit_event_stream_next_async(stream, NULL, on_refused, NULL);
    g_timeout_add(50, on_time, cancellable);
    g_main_loop_run(loop);
    run = storkit_pool_find_run(pool, arguments[0], NULL, NULL);
    WORKS(storkit_run_stop(run, NULL, error));
    storkit_event_stream_next_events_async(stream, 0, NULL, on_events, NULL);
    g_main_loop_run(loop);
}

static void wait_for(char **arguments)
{
    g_autoptr(StorkitPool) pool = new_pool();
    g_autoptr(StorkitRun) run = g_object_ref(storkit_pool_get_run(pool, arguments[0]));
    printf("waits\n");
    fflush(stdout);
    WORKS(storkit_run_wait(run, NULL, error));
    printf("%d\n", storkit_run_get_status(run));
}

static void none(char **arguments)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(StorkitPool) pool =
        storkit_pool_new_sync((StorkitPoolFlags)atoi(arguments[0]), NULL, &error);
    if (pool)
        printf("available %d, %u runs\n", storkit_pool_get_available(pool),
               g_list_model_get_n_items(G_LIST_MODEL(pool)));
    else
        printf("%s %d %s\n", g_quark_to_string(error->domain), error->code, error->message);
}

int main(int count, char **arguments)
{
    static const struct {
        const char *name;
        void (*run)(char **arguments);
        int count;
    } modes[] = {
        {"follow", follow, 2}, {"next", next, 3},     {"watch", watch, 0}, {"drive", drive, 1},
        {"cancel", cancel, 1}, {"wait", wait_for, 1}, {"none", none, 1},
    };
    loop = g_main_loop_new(NULL, FALSE);
    for (gsize i = 0; i < G_N_ELEMENTS(modes); i++)
        if (count == modes[i].count + 2 && g_str_equal(arguments[1], modes[i].name))
            modes[i].run(arguments + 2);
    g_main_loop_unref(loop);
    return 0;
}
