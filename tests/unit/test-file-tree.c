/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/file-tree.h"

#include <fcntl.h>
#include <glib/gstdio.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "base/util.h"

/* More than there are descriptors, at one a level. */
#define DEEP 500

typedef struct {
    char *folder;
    char *tree;
} Fixture;

static void set_up(Fixture *fixture, gconstpointer data)
{
    fixture->folder = g_dir_make_tmp("storkit-tree-XXXXXX", NULL);
    fixture->tree = g_build_filename(fixture->folder, "tree", NULL);
    g_assert_cmpint(g_mkdir(fixture->tree, 0700), ==, 0);
}

static void tear_down(Fixture *fixture, gconstpointer data)
{
    const char *argv[] = {"rm", "-rf", fixture->folder, NULL};

    g_spawn_sync(NULL, (char **)argv, NULL, G_SPAWN_SEARCH_PATH, NULL, NULL, NULL, NULL, NULL,
                 NULL);
    g_free(fixture->tree);
    g_free(fixture->folder);
}

/** Makes @depth folders within each other below @path, each with a file and a folder beside it;
 *  every @locked-th (0: none) can't be written to. */
static void make_deep(const char *path, guint depth, guint locked)
{
    autofd at = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    for (guint i = 1; i <= depth; i++) {
        g_assert_cmpint(mkdirat(at, "d", 0700), ==, 0);
        g_assert_cmpint(mkdirat(at, "beside", 0700), ==, 0);
        int next = openat(at, "d", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        g_assert_cmpint(next, >=, 0);
        autofd file = openat(at, "file", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
        g_assert_cmpint(file, >=, 0);
        if (locked && i % locked == 0)
            g_assert_cmpint(fchmod(at, 0500), ==, 0);
        fd_clear(&at);
        at = next;
    }
}

static void assert_removed(const Fixture *fixture)
{
    g_autoptr(GError) error = NULL;

    file_tree_remove(fixture->tree, &error);
    g_assert_no_error(error);
    g_assert_false(g_file_test(fixture->tree, G_FILE_TEST_EXISTS));
}

static void test_removal_of_a_deep_tree_takes_few_files(Fixture *fixture, gconstpointer data)
{
    struct rlimit before, few;

    make_deep(fixture->tree, DEEP, 0);
    getrlimit(RLIMIT_NOFILE, &before);
    few = (struct rlimit){128, before.rlim_max};
    setrlimit(RLIMIT_NOFILE, &few);
    assert_removed(fixture);
    setrlimit(RLIMIT_NOFILE, &before);
}

static void test_removal_of_a_deep_tree_unlocks_it(Fixture *fixture, gconstpointer data)
{
    make_deep(fixture->tree, 300, 1);
    assert_removed(fixture);
}

static void test_removal_does_not_mind_the_names_it_gives(Fixture *fixture, gconstpointer data)
{
    for (guint i = 0; i < 8; i++) {
        g_autofree char *name = g_strdup_printf("%s/.storkit-lifted.%u", fixture->tree, i);
        if (i % 2)
            g_assert_true(g_file_set_contents(name, "", 0, NULL));
        else
            g_assert_cmpint(g_mkdir(name, 0700), ==, 0);
        if (i % 4 == 0)
            make_deep(name, 100, 0);
    }
    make_deep(fixture->tree, 200, 0);
    assert_removed(fixture);
}

static void test_removal_follows_no_link(Fixture *fixture, gconstpointer data)
{
    g_autofree char *outside = g_build_filename(fixture->folder, "outside", NULL);
    g_autofree char *link = g_build_filename(fixture->tree, "link", NULL);

    g_assert_cmpint(g_mkdir(outside, 0700), ==, 0);
    g_assert_cmpint(symlink(outside, link), ==, 0);
    assert_removed(fixture);
    g_assert_true(g_file_test(outside, G_FILE_TEST_IS_DIR));
}

static void test_find_says_where_it_did_not_look(Fixture *fixture, gconstpointer data)
{
    g_autoptr(GPtrArray) folders = g_ptr_array_new_with_free_func(g_free);
    g_autoptr(GPtrArray) unreadable = g_ptr_array_new_with_free_func(g_free);

    make_deep(fixture->tree, DEEP, 0);
    file_tree_find(fixture->tree, "nothing", folders, unreadable);
    g_assert_cmpuint(folders->len, ==, 0);
    g_assert_cmpuint(unreadable->len, ==, 2); /* `d` and `beside` of one level */
    file_tree_find(fixture->tree, "file", folders, unreadable);
    g_assert_cmpuint(folders->len, ==, 128);
    assert_removed(fixture);
}

static void test_copy_of_a_deep_tree_is_refused(Fixture *fixture, gconstpointer data)
{
    g_autofree char *to = g_build_filename(fixture->folder, "to", NULL);
    g_autofree char *last = g_build_filename(to, "tree", "d", "d", "d", "file", NULL);
    g_autoptr(GError) error = NULL;

    g_assert_cmpint(g_mkdir(to, 0700), ==, 0);
    make_deep(fixture->tree, DEEP, 0);
    g_assert_false(file_tree_copy(fixture->folder, to, "tree", NULL, NULL, &error));
    g_assert_error(error, G_FILE_ERROR, G_FILE_ERROR_NAMETOOLONG);
    assert_removed(fixture);

    make_deep((g_mkdir(fixture->tree, 0700), fixture->tree), 100, 0);
    g_clear_error(&error);
    file_tree_copy(fixture->folder, to, "tree", NULL, NULL, &error);
    g_assert_no_error(error);
    g_assert_true(g_file_test(last, G_FILE_TEST_IS_REGULAR));
}

#define TEST(path, function) g_test_add(path, Fixture, NULL, set_up, function, tear_down)

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    TEST("/file-tree/remove/deep", test_removal_of_a_deep_tree_takes_few_files);
    TEST("/file-tree/remove/locked", test_removal_of_a_deep_tree_unlocks_it);
    TEST("/file-tree/remove/names", test_removal_does_not_mind_the_names_it_gives);
    TEST("/file-tree/remove/link", test_removal_follows_no_link);
    TEST("/file-tree/find/deep", test_find_says_where_it_did_not_look);
    TEST("/file-tree/copy/deep", test_copy_of_a_deep_tree_is_refused);
    return g_test_run();
}
