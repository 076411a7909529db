/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <storkit/storkit.h>

static GVariant *make_info(const char *text)
{
    g_autoptr(GError) error = NULL;
    GVariant *info = g_variant_parse(G_VARIANT_TYPE_VARDICT, text, NULL, NULL, &error);
    g_assert_no_error(error);
    return info;
}

static void count(StorkitRun *run, GParamSpec *spec, guint *times)
{
    ++*times;
}

/* As JSON has them: any whole number is a uint64 or an int64, a path is a string. */
static void test_info(void)
{
    g_autoptr(GVariant) before = make_info(
        "{'run_id': <'a.b.c'>, 'status': <'running'>, 'pid': <uint64 42>, 'cost_usd': <uint64 2>,"
        " 'object_path': <'/org/storkit/x'>, 'branch': <uint64 1>}");
    g_autoptr(GVariant) after =
        make_info("{'run_id': <'a.b.c'>, 'status': <'failed'>, 'exit_code': <int64 -1>}");
    g_autoptr(StorkitRun) run = storkit_run_new(before);
    guint times = 0;
    g_assert_cmpstr(storkit_run_get_run_id(run), ==, "a.b.c");
    g_assert_cmpuint(storkit_run_get_pid(run), ==, 42);
    g_assert_cmpfloat(storkit_run_get_cost_usd(run), ==, 2);
    g_assert_cmpstr(storkit_run_get_object_path(run), ==, "/org/storkit/x");
    g_assert_null(storkit_run_get_branch(run));
    g_signal_connect(run, "notify::status", G_CALLBACK(count), &times);
    storkit_run_set_info(run, after);
    g_assert_cmpuint(times, ==, 1);
    g_assert_cmpint(storkit_run_get_status(run), ==, STORKIT_RUN_STATUS_FAILED);
    g_assert_cmpint(storkit_run_get_exit_code(run), ==, -1);
    g_assert_cmpuint(storkit_run_get_pid(run), ==, 0);
}

static void test_calls(void)
{
    g_autoptr(GVariant) info = make_info("{'run_id': <'a.b.c'>}");
    g_autoptr(StorkitRun) run = storkit_run_new(info);
    g_autoptr(StorkitEventStream) events = storkit_run_follow(run, 0);
    g_autoptr(GError) stop = NULL, wait = NULL, next = NULL;
    g_assert_false(storkit_run_stop(run, NULL, &stop));
    g_assert_error(stop, G_IO_ERROR, G_IO_ERROR_NOT_CONNECTED);
    g_assert_false(storkit_run_wait(run, NULL, &wait));
    g_assert_error(wait, G_IO_ERROR, G_IO_ERROR_NOT_CONNECTED);
    g_assert_null(storkit_event_stream_next(events, NULL, &next));
    g_assert_error(next, G_IO_ERROR, G_IO_ERROR_NOT_CONNECTED);
}

int main(int count, char **arguments)
{
    g_test_init(&count, &arguments, NULL);
    g_test_add_func("/run/info", test_info);
    g_test_add_func("/run/calls", test_calls);
    return g_test_run();
}
