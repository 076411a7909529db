/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <glib/gstdio.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "host/login-environment.h"

#define LONG_MSEC 30000

/* A home with profiles of its own, for bash, whose interactive login asks what the user's would. */
typedef struct {
    char *home;
} Home;

static void write_profile(const Home *home, const char *name, const char *text)
{
    g_autofree char *path = g_build_filename(home->home, name, NULL);

    g_assert_true(g_file_set_contents(path, text, -1, NULL));
}

static void home_setup(Home *home, gconstpointer data)
{
    if (access("/bin/bash", X_OK) != 0) {
        g_test_skip("no /bin/bash");
        return;
    }
    home->home = g_dir_make_tmp("storkit-home-XXXXXX", NULL);
    g_setenv("HOME", home->home, TRUE);
    write_profile(home, ".profile", "[ -n \"$BASH_VERSION\" ] && . ~/.bashrc\n");
    login_environment_configure("/bin/bash", LONG_MSEC, LONG_MSEC);
}

static void home_teardown(Home *home, gconstpointer data)
{
    static const char *const names[] = {".profile", ".bashrc", "pid", "count", "shell"};

    for (gsize i = 0; home->home && i < G_N_ELEMENTS(names); i++) {
        g_autofree char *path = g_build_filename(home->home, names[i], NULL);
        g_remove(path);
    }
    if (home->home)
        g_assert_cmpint(g_rmdir(home->home), ==, 0);
    g_free(home->home);
}

static void on_answer(GObject *source, GAsyncResult *result, gpointer data)
{
    *(GAsyncResult **)data = g_object_ref(result);
}

static char **wait_for(GAsyncResult **result, GError **error)
{
    while (!*result)
        g_main_context_iteration(NULL, TRUE);
    char **environment = login_environment_get_finish(*result, error);
    g_clear_object(result);
    return environment;
}

static char **get(void)
{
    g_autoptr(GError) error = NULL;
    GAsyncResult *result = NULL;

    login_environment_get_async(NULL, on_answer, &result);
    char **environment = wait_for(&result, &error);
    g_assert_no_error(error);
    return environment;
}

static char *read_in_home(const Home *home, const char *name)
{
    g_autofree char *path = g_build_filename(home->home, name, NULL);
    char *text = NULL;

    g_file_get_contents(path, &text, NULL, NULL);
    return text;
}

/* A zombie is gone: when it is reaped is the business of this machine's init. */
static gboolean is_gone(const Home *home)
{
    g_autofree char *text = read_in_home(home, "pid");

    if (!text) /* killed before it began */
        return TRUE;
    g_autofree char *path = g_strdup_printf("/proc/%s/stat", g_strchomp(text));
    g_autofree char *stat = NULL;
    return !g_file_get_contents(path, &stat, NULL, NULL) || strstr(stat, ") Z ");
}

static void wait_until_gone(const Home *home)
{
    gint64 deadline = g_get_monotonic_time() + 20 * G_USEC_PER_SEC;

    while (!is_gone(home) && g_get_monotonic_time() < deadline) {
        g_main_context_iteration(NULL, FALSE);
        g_usleep(1000);
    }
    g_assert_true(is_gone(home));
}

static void expect_fallback(void)
{
    g_test_expect_message(G_LOG_DOMAIN, G_LOG_LEVEL_WARNING,
                          "agents get the environment of the service* because the shell *");
}

/* Debian's .bashrc begins with this. */
#define GUARD "case $- in *i*) ;; *) return ;; esac\n"

static void test_a_path_set_behind_debians_guard_is_seen(Home *home, gconstpointer data)
{
    if (!home->home)
        return;
    write_profile(home, ".bashrc", GUARD "export PATH=\"$HOME/.nvm/bin:$PATH\"\n");
    g_auto(GStrv) environment = get();
    g_autofree char *prefix = g_strconcat(home->home, "/.nvm/bin:", NULL);

    g_assert_true(g_str_has_prefix(g_environ_getenv(environment, "PATH"), prefix));
}

static void test_what_a_profile_prints_is_no_variable(Home *home, gconstpointer data)
{
    if (!home->home)
        return;
    write_profile(home, ".bashrc",
                  "export FOUND=yes\necho NOISE=1; printf 'MORE=1\\0'; echo NOISE=2 >&2\n"
                  "trap 'echo \"TRAP=1 $BASH_COMMAND\"' DEBUG\n");
    g_auto(GStrv) environment = get();

    g_assert_cmpstr(g_environ_getenv(environment, "FOUND"), ==, "yes");
    g_assert_null(g_environ_getenv(environment, "NOISE"));
    g_assert_null(g_environ_getenv(environment, "MORE"));
    g_assert_null(g_environ_getenv(environment, "TRAP"));
}

static void test_a_value_may_have_newlines_and_any_bytes(Home *home, gconstpointer data)
{
    if (!home->home)
        return;
    write_profile(home, ".bashrc",
                  "export LINES2=$'a\\nB=c\\n'\nexport RAW=$'\\xff='\nexport E=\n");
    g_auto(GStrv) environment = get();

    g_assert_cmpstr(g_environ_getenv(environment, "LINES2"), ==, "a\nB=c\n");
    g_assert_cmpstr(g_environ_getenv(environment, "RAW"), ==, "\xff=");
    g_assert_cmpstr(g_environ_getenv(environment, "E"), ==, "");
    g_assert_null(g_environ_getenv(environment, "B"));
}

static void test_the_login_overrides_the_daemons_environment(Home *home, gconstpointer data)
{
    if (!home->home)
        return;
    g_setenv("STORKIT_TEST_BOTH", "daemon", TRUE);
    g_setenv("STORKIT_TEST_UNSET", "daemon", TRUE);
    write_profile(home, ".bashrc", "export STORKIT_TEST_BOTH=login\nunset STORKIT_TEST_UNSET\n");
    g_auto(GStrv) environment = get();

    g_assert_cmpstr(g_environ_getenv(environment, "STORKIT_TEST_BOTH"), ==, "login");
    g_assert_cmpstr(g_environ_getenv(environment, "STORKIT_TEST_UNSET"), ==, "daemon");
    g_assert_null(g_environ_getenv(environment, "SHLVL"));
    g_assert_null(g_environ_getenv(environment, "PWD"));
    g_assert_null(g_environ_getenv(environment, "OLDPWD"));
    g_assert_null(g_environ_getenv(environment, "_"));
}

static void test_an_interactive_shell_that_hangs_is_killed(Home *home, gconstpointer data)
{
    if (!home->home)
        return;
    login_environment_configure("/bin/bash", 300, LONG_MSEC);
    write_profile(home, ".profile", "export FROM_PROFILE=yes\n. ~/.bashrc\n");
    write_profile(home, ".bashrc", GUARD "sleep 1000 & echo $! > ~/pid; wait\n");
    g_auto(GStrv) environment = get();

    g_assert_cmpstr(g_environ_getenv(environment, "FROM_PROFILE"), ==, "yes");
    wait_until_gone(home);
}

static void test_a_shell_that_always_hangs_costs_its_time_once(Home *home, gconstpointer data)
{
    if (!home->home)
        return;
    login_environment_configure("/bin/bash", 200, 200);
    g_setenv("STORKIT_TEST_OWN", "daemon", TRUE);
    write_profile(home, ".bashrc", "echo x >> ~/count; sleep 1000\n");
    expect_fallback();
    g_auto(GStrv) environment = get();
    g_test_assert_expected_messages();
    g_autofree char *count = read_in_home(home, "count");
    g_auto(GStrv) again = get();
    g_autofree char *count_again = read_in_home(home, "count");

    g_assert_cmpstr(g_environ_getenv(environment, "STORKIT_TEST_OWN"), ==, "daemon");
    g_assert_true(g_strv_equal((const char *const *)environment, (const char *const *)again));
    g_assert_cmpstr(count, ==, count_again);
}

static void test_a_background_process_keeps_nobody_waiting(Home *home, gconstpointer data)
{
    if (!home->home)
        return;
    write_profile(home, ".bashrc", "sleep 1000 & echo $! > ~/pid\nexport FOUND=yes\n");
    gint64 start = g_get_monotonic_time();
    g_auto(GStrv) environment = get();

    g_assert_cmpstr(g_environ_getenv(environment, "FOUND"), ==, "yes");
    g_assert_cmpint(g_get_monotonic_time() - start, <, LONG_MSEC * 1000 / 2);
    wait_until_gone(home);
}

static void test_a_daemon_of_the_profile_lives_on(Home *home, gconstpointer data)
{
    if (!home->home)
        return;
    write_profile(home, ".bashrc",
                  "setsid sh -c 'echo $$ > ~/pid; exec sleep 1000' &\n"
                  "until [ -s ~/pid ]; do :; done\nexport FOUND=yes\n");
    g_auto(GStrv) environment = get();
    g_autofree char *pid = read_in_home(home, "pid");

    g_assert_cmpstr(g_environ_getenv(environment, "FOUND"), ==, "yes");
    g_assert_false(is_gone(home));
    kill((pid_t)g_ascii_strtoll(pid, NULL, 10), SIGKILL);
}

static void test_a_shell_that_exits_is_not_waited_for(Home *home, gconstpointer data)
{
    if (!home->home)
        return;
    /* The sleep holds the pipe open: only the exit tells. */
    write_profile(home, ".bashrc", "sleep 1000 & echo $! > ~/pid; exit 3\n");
    gint64 start = g_get_monotonic_time();
    expect_fallback();
    g_auto(GStrv) environment = get();

    g_test_assert_expected_messages();
    g_assert_nonnull(environment);
    g_assert_cmpint(g_get_monotonic_time() - start, <, LONG_MSEC * 1000 / 2);
    wait_until_gone(home);
}

static void test_output_without_end_is_cut(Home *home, gconstpointer data)
{
    if (!home->home)
        return;
    write_profile(home, ".bashrc", "exec yes\n");
    gint64 start = g_get_monotonic_time();
    expect_fallback();
    g_auto(GStrv) environment = get();

    g_test_assert_expected_messages();
    g_assert_nonnull(environment);
    g_assert_cmpint(g_get_monotonic_time() - start, <, LONG_MSEC * 1000 / 2);
}

static void test_a_shell_that_knows_no_login_option_is_no_failure(Home *home, gconstpointer data)
{
    if (!home->home)
        return;
    g_autofree char *shell = g_build_filename(home->home, "shell", NULL);
    write_profile(home, "shell", "#!/bin/sh\necho \"Unknown option: $1\"; exit 1\n");
    g_assert_cmpint(g_chmod(shell, 0700), ==, 0);
    login_environment_configure(shell, LONG_MSEC, LONG_MSEC);
    expect_fallback();
    g_auto(GStrv) environment = get();

    g_test_assert_expected_messages();
    g_assert_cmpstr(g_environ_getenv(environment, "HOME"), ==, home->home);
}

static void test_a_shell_that_is_not_there_is_no_failure(Home *home, gconstpointer data)
{
    if (!home->home)
        return;
    login_environment_configure("/nowhere/sh", LONG_MSEC, LONG_MSEC);
    g_test_expect_message(G_LOG_DOMAIN, G_LOG_LEVEL_WARNING, "cannot run the shell /nowhere/sh: *");
    g_test_expect_message(G_LOG_DOMAIN, G_LOG_LEVEL_WARNING, "cannot run the shell /nowhere/sh: *");
    expect_fallback();
    g_auto(GStrv) environment = get();

    g_test_assert_expected_messages();
    g_assert_cmpstr(g_environ_getenv(environment, "HOME"), ==, home->home);
}

static void test_callers_share_one_run_of_the_shell(Home *home, gconstpointer data)
{
    GAsyncResult *results[5] = {NULL};

    if (!home->home)
        return;
    write_profile(home, ".bashrc", "echo x >> ~/count\n");
    for (gsize i = 0; i < G_N_ELEMENTS(results); i++)
        login_environment_get_async(NULL, on_answer, &results[i]);
    for (gsize i = 0; i < G_N_ELEMENTS(results); i++) {
        g_auto(GStrv) environment = wait_for(&results[i], NULL);
        g_assert_nonnull(environment);
    }
    g_auto(GStrv) later = get();
    g_autofree char *count = read_in_home(home, "count");
    g_assert_nonnull(later);
    g_assert_cmpstr(count, ==, "x\n");
}

static void test_a_cancelled_caller_is_told_and_the_others_are_served(Home *home,
                                                                      gconstpointer data)
{
    g_autoptr(GCancellable) cancellable = g_cancellable_new();
    g_autoptr(GError) error = NULL;
    GAsyncResult *cancelled = NULL, *served = NULL;

    if (!home->home)
        return;
    write_profile(home, ".bashrc", "");
    login_environment_get_async(cancellable, on_answer, &cancelled);
    login_environment_get_async(NULL, on_answer, &served);
    g_cancellable_cancel(cancellable);
    g_auto(GStrv) nothing = wait_for(&cancelled, &error);
    g_auto(GStrv) environment = wait_for(&served, NULL);
    g_assert_error(error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
    g_assert_null(nothing);
    g_assert_nonnull(environment);
}

static gboolean count_tick(gpointer data)
{
    (*(guint *)data)++;
    return G_SOURCE_CONTINUE;
}

static void test_the_main_loop_runs_while_the_shell_thinks(Home *home, gconstpointer data)
{
    guint ticks = 0;

    if (!home->home)
        return;
    login_environment_configure("/bin/bash", 300, 300);
    write_profile(home, ".bashrc", "sleep 1000\n");
    expect_fallback();
    guint source = g_timeout_add(5, count_tick, &ticks);
    g_auto(GStrv) environment = get();
    g_source_remove(source);
    g_test_assert_expected_messages();
    g_assert_nonnull(environment);
    g_assert_cmpuint(ticks, >, 20);
}

static void test_the_users_own_shell_answers(Home *home, gconstpointer data)
{
    if (!home->home)
        return;
    login_environment_configure(NULL, LONG_MSEC, LONG_MSEC);
    g_auto(GStrv) environment = get();

    g_assert_cmpstr(g_environ_getenv(environment, "HOME"), ==, home->home);
    g_assert_nonnull(g_environ_getenv(environment, "PATH"));
}

/* The pid that the shell's profile writes, once it does. */
static pid_t wait_for_pid(const Home *home)
{
    g_autofree char *pid = NULL;

    while (!(pid = read_in_home(home, "pid")) || !strchr(pid, '\n')) {
        g_clear_pointer(&pid, g_free);
        g_main_context_iteration(NULL, FALSE);
        g_usleep(1000);
    }
    return (pid_t)g_ascii_strtoll(pid, NULL, 10);
}

static void test_a_shell_that_is_slow_once_keeps_its_last_answer(Home *home, gconstpointer data)
{
    if (!home->home)
        return;
    write_profile(home, ".bashrc", "export FOUND=yes\numask 027\n");
    g_auto(GStrv) first = get();
    write_profile(home, ".bashrc", "echo $$ > ~/pid; exec sleep 1000\n");
    login_environment_expire(50);
    g_auto(GStrv) slow = get();

    g_assert_cmpstr(g_environ_getenv(first, "FOUND"), ==, "yes");
    g_assert_cmpstr(g_environ_getenv(slow, "FOUND"), ==, "yes");
    g_assert_cmpint(login_environment_umask(), ==, 027);
    g_assert_null(login_environment_problem());

    pid_t pid = wait_for_pid(home);
    write_profile(home, ".bashrc", "export FOUND=again\n");
    login_environment_expire(LONG_MSEC);
    kill(pid, SIGKILL);
    g_auto(GStrv) after = get();
    g_assert_cmpstr(g_environ_getenv(after, "FOUND"), ==, "again");
}

static void test_limits_that_the_shell_sets_are_told(Home *home, gconstpointer data)
{
    if (!home->home)
        return;
    write_profile(home, ".bashrc", "ulimit -S -n 600 -s 4096\n");
    g_auto(GStrv) environment = get();
    g_auto(GStrv) limits = login_environment_limits();

    g_assert_nonnull(environment);
    g_assert_cmpuint(g_strv_length(limits), ==, 2);
    g_assert_cmpstr(limits[0], ==, "3=4194304");
    g_assert_cmpstr(limits[1], ==, "7=600");
}

static void test_a_shell_that_never_answered_is_named(Home *home, gconstpointer data)
{
    if (!home->home)
        return;
    login_environment_configure("/bin/bash", 200, 200);
    write_profile(home, ".bashrc", "sleep 1000\n");
    expect_fallback();
    g_auto(GStrv) environment = get();
    g_autofree char *problem = login_environment_problem();

    g_test_assert_expected_messages();
    g_assert_nonnull(strstr(problem, "/bin/bash"));
}

/* The shells that don't take -i, -l and -c at once. */
static void test_other_shells_are_asked_in_their_manner(Home *home, gconstpointer data)
{
    static const struct {
        const char *shell, *profile, *text;
    } cases[] = {
        {"/usr/bin/tcsh", ".tcshrc", "setenv FOUND yes\n"},
        {"/usr/bin/elvish", "rc.elv", "set-env FOUND yes\n"},
        {"/usr/bin/fish", "config.fish", "set -x FOUND yes\n"},
        {"/usr/bin/zsh", ".zshrc", "export FOUND=yes\n"},
    };

    g_unsetenv("XDG_CONFIG_HOME");
    for (gsize i = 0; home->home && i < G_N_ELEMENTS(cases); i++) {
        if (access(cases[i].shell, X_OK) != 0)
            continue;
        g_autofree char *config = g_build_filename(home->home, ".config", NULL);
        g_autofree char *name = g_path_get_basename(cases[i].shell);
        gboolean is_hidden = cases[i].profile[0] == '.';
        g_autofree char *folder = g_build_filename(config, is_hidden ? NULL : name, NULL);
        g_autofree char *path =
            g_build_filename(is_hidden ? home->home : folder, cases[i].profile, NULL);

        g_mkdir_with_parents(folder, 0700);
        g_assert_true(g_file_set_contents(path, cases[i].text, -1, NULL));
        login_environment_configure(cases[i].shell, LONG_MSEC, LONG_MSEC);
        g_test_message("%s", cases[i].shell);
        g_auto(GStrv) environment = get();
        g_assert_cmpstr(g_environ_getenv(environment, "FOUND"), ==, "yes");
    }
    if (!home->home)
        return;
    g_autofree char *remove = g_strdup_printf("sh -c 'rm -rf %s/.[a-z]*'", home->home);
    g_assert_true(g_spawn_command_line_sync(remove, NULL, NULL, NULL, NULL));
}

#define ADD(name, test)                                                                            \
    g_test_add("/login-environment/" name, Home, NULL, home_setup, test, home_teardown)

int main(int argc, char **argv)
{
    /* Not ISOLATE_DIRS, of which GLib 2.74 leaks the names: each test has its HOME. */
    g_autofree char *runtime = g_dir_make_tmp("storkit-runtime-XXXXXX", NULL);
    /* systemd-run of version 257 finds the user manager there. */
    g_autofree char *manager = g_build_filename(g_get_user_runtime_dir(), "systemd", NULL);
    g_autofree char *link = g_build_filename(runtime, "systemd", NULL);
    g_assert_no_errno(symlink(manager, link));
    g_setenv("XDG_RUNTIME_DIR", runtime, TRUE);
    g_test_init(&argc, &argv, NULL);
    ADD("a-path-set-behind-debians-guard-is-seen", test_a_path_set_behind_debians_guard_is_seen);
    ADD("what-a-profile-prints-is-no-variable", test_what_a_profile_prints_is_no_variable);
    ADD("a-value-may-have-newlines-and-any-bytes", test_a_value_may_have_newlines_and_any_bytes);
    ADD("the-login-overrides-the-daemons-environment",
        test_the_login_overrides_the_daemons_environment);
    ADD("an-interactive-shell-that-hangs-is-killed",
        test_an_interactive_shell_that_hangs_is_killed);
    ADD("a-shell-that-always-hangs-costs-its-time-once",
        test_a_shell_that_always_hangs_costs_its_time_once);
    ADD("a-background-process-keeps-nobody-waiting",
        test_a_background_process_keeps_nobody_waiting);
    ADD("a-daemon-of-the-profile-lives-on", test_a_daemon_of_the_profile_lives_on);
    ADD("a-shell-that-exits-is-not-waited-for", test_a_shell_that_exits_is_not_waited_for);
    ADD("output-without-end-is-cut", test_output_without_end_is_cut);
    ADD("a-shell-that-knows-no-login-option-is-no-failure",
        test_a_shell_that_knows_no_login_option_is_no_failure);
    ADD("a-shell-that-is-not-there-is-no-failure", test_a_shell_that_is_not_there_is_no_failure);
    ADD("callers-share-one-run-of-the-shell", test_callers_share_one_run_of_the_shell);
    ADD("a-cancelled-caller-is-told-and-the-others-are-served",
        test_a_cancelled_caller_is_told_and_the_others_are_served);
    ADD("the-main-loop-runs-while-the-shell-thinks",
        test_the_main_loop_runs_while_the_shell_thinks);
    ADD("a-shell-that-is-slow-once-keeps-its-last-answer",
        test_a_shell_that_is_slow_once_keeps_its_last_answer);
    ADD("limits-that-the-shell-sets-are-told", test_limits_that_the_shell_sets_are_told);
    ADD("a-shell-that-never-answered-is-named", test_a_shell_that_never_answered_is_named);
    ADD("other-shells-are-asked-in-their-manner", test_other_shells_are_asked_in_their_manner);
    ADD("the-users-own-shell-answers", test_the_users_own_shell_answers);
    int status = g_test_run();
    g_autofree char *kept = g_build_filename(runtime, "storkit-login-environment", NULL);
    g_remove(kept);
    g_remove(link);
    g_rmdir(runtime);
    return status;
}
