/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <fcntl.h>

#include <glib/gstdio.h>

#include "git/lock.h"
#include "base/util.h"

typedef struct {
    char *folder, *path, *lock;
    guint64 since;
} Fixture;

static void fixture_set_up(Fixture *fixture, gconstpointer data)
{
    fixture->folder = g_dir_make_tmp("storkit-test.XXXXXX", NULL);
    fixture->path = g_build_filename(fixture->folder, "config", NULL);
    fixture->lock = g_strconcat(fixture->path, ".lock", NULL);
    /* A file's time is that of the clock's last tick. */
    fixture->since = now_usec() - G_USEC_PER_SEC;
    g_assert_true(g_file_set_contents(fixture->lock, "half", -1, NULL));
}

static void fixture_tear_down(Fixture *fixture, gconstpointer data)
{
    g_unlink(fixture->lock);
    g_rmdir(fixture->folder);
    g_free(fixture->folder);
    g_free(fixture->path);
    g_free(fixture->lock);
}

static gboolean is_there(const Fixture *fixture)
{
    return g_file_test(fixture->lock, G_FILE_TEST_EXISTS);
}

static void test_left_over_one_goes(Fixture *fixture, gconstpointer data)
{
    g_test_expect_message(G_LOG_DOMAIN, G_LOG_LEVEL_WARNING, "removed */config.lock,*");
    git_lock_break_stale(fixture->path, fixture->since);
    g_test_assert_expected_messages();
    g_assert_false(is_there(fixture));
    git_lock_break_stale(fixture->path, fixture->since);
}

static void test_one_that_a_process_holds_stays(Fixture *fixture, gconstpointer data)
{
    autofd fd = open(fixture->lock, O_WRONLY | O_CLOEXEC);
    g_assert_cmpint(fd, >=, 0);
    git_lock_break_stale(fixture->path, fixture->since);
    g_assert_true(is_there(fixture));
}

static void test_older_one_stays(Fixture *fixture, gconstpointer data)
{
    git_lock_break_stale(fixture->path, now_usec() + G_USEC_PER_SEC);
    g_assert_true(is_there(fixture));
}

#define TEST(path, function)                                                                       \
    g_test_add(path, Fixture, NULL, fixture_set_up, function, fixture_tear_down)

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    TEST("/git-lock/left-over-one-goes", test_left_over_one_goes);
    TEST("/git-lock/one-that-a-process-holds-stays", test_one_that_a_process_holds_stays);
    TEST("/git-lock/older-one-stays", test_older_one_stays);
    return g_test_run();
}
