/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "project/teardown.h"

#include <glib/gstdio.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>

#include "base/error.h"

typedef struct {
    char *folder;
} Fixture;

static void set_up(Fixture *fixture, gconstpointer data)
{
    fixture->folder = g_dir_make_tmp("storkit-teardown-XXXXXX", NULL);
    g_setenv("STORKIT_TEARDOWN_MSEC", "60000", TRUE);
}

static void tear_down(Fixture *fixture, gconstpointer data)
{
    g_autofree char *file = g_build_filename(fixture->folder, "pid", NULL);

    g_remove(file);
    g_assert_cmpint(g_rmdir(fixture->folder), ==, 0);
    g_free(fixture->folder);
}

/** Runs the teardown command @text in the folder's component @path. */
static gboolean tear(const Fixture *fixture, const char *path, const char *text, GError **error)
{
    const char *environment[] = {"PATH=/usr/bin:/bin", "NOTIFY_SOCKET=/nowhere", "MINE=1", NULL};
    g_autofree char *config_text = g_strdup_printf(
        "[[component]]\nname = 'it'\npath = '%s'\nteardown = ['''%s''']\n[[agent]]\nname = 'a'\n",
        path, text);
    g_autoptr(GError) failure = NULL;
    g_autoptr(ProjectConfig) config =
        project_config_parse(config_text, strlen(config_text), "test", &failure);

    g_assert_no_error(failure);
    return teardown_run(config, fixture->folder, (char **)environment, error);
}

static void assert_fine(const Fixture *fixture, const char *text)
{
    g_autoptr(GError) error = NULL;

    tear(fixture, ".", text, &error);
    g_assert_no_error(error);
}

static void assert_fails(const Fixture *fixture, const char *text, const char *part)
{
    g_autoptr(GError) error = NULL;

    g_assert_false(tear(fixture, ".", text, &error));
    g_assert_error(error, STORKIT_ERROR, STORKIT_ERROR_WORKTREE_FAILED);
    g_assert_nonnull(strstr(error->message, part));
    g_assert_true(g_utf8_validate(error->message, -1, NULL));
}

/** The pid that a command has written. */
static pid_t read_pid(const Fixture *fixture)
{
    g_autofree char *file = g_build_filename(fixture->folder, "pid", NULL);
    g_autofree char *text = NULL;
    g_autoptr(GError) error = NULL;

    g_file_get_contents(file, &text, NULL, &error);
    g_assert_no_error(error);
    return (pid_t)g_ascii_strtoll(text, NULL, 10);
}

/** Gone, or a zombie that nobody has reaped yet. */
static gboolean is_dead(pid_t pid)
{
    g_autofree char *file = g_strdup_printf("/proc/%d/stat", (int)pid);
    g_autofree char *text = NULL;

    return !g_file_get_contents(file, &text, NULL, NULL) || strstr(text, ") Z ") ||
           strstr(text, ") X ");
}

static void assert_dies(pid_t pid)
{
    for (guint i = 0; i < 1000 && !is_dead(pid); i++)
        g_usleep(10000);
    g_assert_true(is_dead(pid));
}

static void test_what_runs_on_in_the_background_is_ended(Fixture *fixture, gconstpointer data)
{
    gint64 begin = g_get_monotonic_time();

    assert_fine(fixture, "sleep 1000 & echo $! >pid");
    assert_dies(read_pid(fixture));
    g_assert_cmpint(g_get_monotonic_time() - begin, <, 30 * (gint64)G_USEC_PER_SEC);
}

/* Whether a command gets a cgroup of its own: below the user's manager. */
static gboolean has_cells(void)
{
    g_autofree char *manager = g_strdup_printf("/user@%u.service/", (guint)getuid());
    g_autofree char *text = NULL;

    return g_file_get_contents("/proc/self/cgroup", &text, NULL, NULL) && strstr(text, manager);
}

static void test_a_session_of_its_own_is_ended_too(Fixture *fixture, gconstpointer data)
{
    gint64 begin = g_get_monotonic_time();

    assert_fine(fixture, "setsid sh -c \"echo \\$\\$ >pid; exec sleep 1000\" & "
                         "until test -s pid; do sleep 0.02; done");
    g_assert_cmpint(g_get_monotonic_time() - begin, <, 30 * (gint64)G_USEC_PER_SEC);
    if (has_cells())
        g_assert_true(is_dead(read_pid(fixture)));
    else
        g_assert_cmpint(kill(read_pid(fixture), SIGKILL), ==, 0);
}

static void test_limit_ends_the_group(Fixture *fixture, gconstpointer data)
{
    g_setenv("STORKIT_TEARDOWN_MSEC", "500", TRUE);
    assert_fails(fixture, "sleep 1000 & echo $! >pid; yes", "did not finish in 0.5 s");
    assert_dies(read_pid(fixture));
}

static void test_a_limit_holds_for_who_closes_everything(Fixture *fixture, gconstpointer data)
{
    g_setenv("STORKIT_TEARDOWN_MSEC", "500", TRUE);
    assert_fails(fixture, "exec >/dev/null 2>&1; sleep 1000", "did not finish in 0.5 s");
}

static void test_only_the_last_lines_are_kept(Fixture *fixture, gconstpointer data)
{
    struct rusage before, after;

    getrusage(RUSAGE_SELF, &before);
    assert_fails(fixture, "head -c 200000000 /dev/zero; echo; echo the last words; exit 3",
                 "the last words");
    getrusage(RUSAGE_SELF, &after);
    g_assert_cmpint(after.ru_maxrss - before.ru_maxrss, <, 50 * 1000);
}

static void test_status_and_signal_are_named(Fixture *fixture, gconstpointer data)
{
    assert_fails(fixture, "exit 7", "exit status 7");
    assert_fails(fixture, "kill -TERM $$", "killed by signal 15");
}

static void test_output_may_be_any_bytes(Fixture *fixture, gconstpointer data)
{
    assert_fails(fixture, "printf \"\\377\\200busy\\n\"; exit 1", "busy");
}

static void test_missing_folder_is_named(Fixture *fixture, gconstpointer data)
{
    g_autoptr(GError) error = NULL;

    g_assert_false(tear(fixture, "missing", "true", &error));
    g_assert_error(error, STORKIT_ERROR, STORKIT_ERROR_WORKTREE_FAILED);
    g_assert_nonnull(strstr(error->message, "missing: No such file"));
}

static void test_environment_is_not_the_services(Fixture *fixture, gconstpointer data)
{
    assert_fine(fixture, "test \"$MINE\" = 1 && test -z \"$NOTIFY_SOCKET\"");
}

#define TEST(path, function) g_test_add(path, Fixture, NULL, set_up, function, tear_down)

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    TEST("/teardown/background", test_what_runs_on_in_the_background_is_ended);
    TEST("/teardown/own-session", test_a_session_of_its_own_is_ended_too);
    TEST("/teardown/limit", test_limit_ends_the_group);
    TEST("/teardown/limit-without-output", test_a_limit_holds_for_who_closes_everything);
    TEST("/teardown/last-lines", test_only_the_last_lines_are_kept);
    TEST("/teardown/status", test_status_and_signal_are_named);
    TEST("/teardown/any-bytes", test_output_may_be_any_bytes);
    TEST("/teardown/missing-folder", test_missing_folder_is_named);
    TEST("/teardown/environment", test_environment_is_not_the_services);
    return g_test_run();
}
