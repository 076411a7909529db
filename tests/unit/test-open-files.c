/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <sys/resource.h>

#include <glib.h>

#include "base/open-files.h"

static struct rlimit usual;
static gint waiting;

static void set_soft_limit(rlim_t soft)
{
    struct rlimit limit = {soft, usual.rlim_max};
    g_assert_cmpint(setrlimit(RLIMIT_NOFILE, &limit), ==, 0);
}

/* Once it is said that it waits. */
static gpointer give_back(gpointer unused)
{
    while (!g_atomic_int_get(&waiting))
        g_thread_yield();
    set_soft_limit(usual.rlim_cur);
    return NULL;
}

static void on_log(const char *domain, GLogLevelFlags level, const char *message, gpointer unused)
{
    g_atomic_int_set(&waiting, 1);
}

static void test_a_shortage_is_waited_out(void)
{
    getrlimit(RLIMIT_NOFILE, &usual);
    GThread *thread = g_thread_new(NULL, give_back, NULL);
    set_soft_limit(0);
    g_assert_true(open_files_wait(8));
    g_thread_join(thread);
    g_assert_true(g_atomic_int_get(&waiting));
}

static void test_without_one_nothing_is_said(void)
{
    g_atomic_int_set(&waiting, 0);
    g_assert_true(open_files_wait(8));
    g_assert_false(g_atomic_int_get(&waiting));
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_log_set_always_fatal(G_LOG_LEVEL_ERROR);
    g_log_set_default_handler(on_log, NULL);
    g_test_add_func("/open-files/a-shortage-is-waited-out", test_a_shortage_is_waited_out);
    g_test_add_func("/open-files/without-one-nothing-is-said", test_without_one_nothing_is_said);
    return g_test_run();
}
