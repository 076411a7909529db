/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <glib/gstdio.h>

#include "base/file-read.h"
#include "base/util.h"
#include "git/files.h"
#include "git/library.h"
#include "git-fixture.h"

/* Far above what any of these takes, far below what a reader that waits would. */
#define MOMENT_USEC (5 * G_USEC_PER_SEC)

typedef struct {
    const char *name;
    void (*make)(const char *path);
    const char *said;
} Kind;

static void make_fifo(const char *path)
{
    g_assert_cmpint(mkfifo(path, 0600), ==, 0);
}

static void make_folder(const char *path)
{
    g_assert_cmpint(g_mkdir(path, 0700), ==, 0);
}

static void make_device(const char *path)
{
    g_assert_cmpint(symlink("/dev/zero", path), ==, 0);
}

static void make_socket(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    autofd fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    g_strlcpy(address.sun_path, path, sizeof address.sun_path);
    g_assert_cmpint(bind(fd, (struct sockaddr *)&address, sizeof address), ==, 0);
}

/* Of no blocks: what would read it gets two gibibytes all the same. */
static void make_large(const char *path)
{
    autofd fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    g_assert_cmpint(ftruncate(fd, (off_t)2 << 30), ==, 0);
}

static const Kind kinds[] = {
    {"fifo", make_fifo, "a FIFO, not a regular file: remove it"},
    {"device", make_device, "a device, not a regular file: remove it"},
    {"large", make_large, "larger than "},
    {"folder", make_folder, "a directory, not a regular file: remove it"},
    {"socket", make_socket, NULL},
};

static void replace(const Kind *kind, const char *path)
{
    g_remove(path);
    kind->make(path);
}

static void assert_names(const GError *error, const char *path, const Kind *kind)
{
    g_assert_nonnull(error);
    g_assert_nonnull(strstr(error->message, path));
    if (kind->said)
        g_assert_nonnull(strstr(error->message, kind->said));
}

static void test_what_is_no_file_is_refused_at_once(Fixture *fixture, gconstpointer data)
{
    gint64 begin = g_get_monotonic_time();
    for (gsize i = 0; i < G_N_ELEMENTS(kinds); i++) {
        g_autofree char *path = g_build_filename(fixture->folder, kinds[i].name, NULL);
        g_autoptr(GError) error = NULL;
        g_autofree char *text = NULL;
        kinds[i].make(path);
        g_assert_false(file_read(AT_FDCWD, path, 1 << 20, &text, NULL, &error));
        assert_names(error, path, &kinds[i]);
        g_assert_null(file_read_text(path, 1 << 20));
    }
    g_assert_cmpint(g_get_monotonic_time() - begin, <, MOMENT_USEC);
}

static void test_a_file_is_read_up_to_its_bound(Fixture *fixture, gconstpointer data)
{
    g_autofree char *path = g_build_filename(fixture->folder, "file", NULL);
    g_autofree char *link = g_build_filename(fixture->folder, "link", NULL);
    g_autofree char *text = NULL;
    gsize length = 0;
    g_assert_true(g_file_set_contents(path, "ab\0c", 4, NULL));
    g_assert_cmpint(symlink("file", link), ==, 0);
    g_assert_true(file_read(AT_FDCWD, link, 4, &text, &length, NULL));
    g_assert_cmpmem(text, length + 1, "ab\0c", 5);
    g_assert_null(file_read_text(path, 3));
    g_autofree char *none = NULL;
    g_assert_false(file_read_own(AT_FDCWD, link, 4, &none, NULL, NULL));
    g_assert_true(file_check(path, 4, NULL));
    g_assert_false(file_check(path, 3, NULL));
}

/* One of the kernel's has no size beforehand. */
static void test_a_file_without_a_size_is_bounded(void)
{
    g_autofree char *text = file_read_text("/proc/self/status", 1 << 20);
    g_assert_nonnull(strstr(text, "Name:"));
    g_assert_null(file_read_text("/proc/self/status", 10));
}

/* --- Git's own --- */

static const char *const files_of_git[] = {
    ".git/config",       ".git/HEAD",
    ".git/index",        ".git/packed-refs",
    ".git/info/exclude", ".git/info/attributes",
    ".gitignore",        ".git/config.worktree",
    ".git/commondir",
};

static void assert_refused(const Fixture *fixture, const char *name, const Kind *kind)
{
    g_autofree char *path = g_build_filename(fixture->root, name, NULL);
    g_autofree char *kept = g_build_filename(fixture->folder, "kept", NULL);
    gboolean moved = g_rename(path, kept) == 0;
    g_autoptr(GError) error = NULL;
    kind->make(path);
    g_autoptr(git_repository) opened = git_library_open(fixture->root, &error);
    g_assert_null(opened);
    g_assert_error(error, STORKIT_ERROR, STORKIT_ERROR_WORKTREE_FAILED);
    assert_names(error, path, kind);
    g_assert_cmpint(g_remove(path), ==, 0);
    if (moved)
        g_assert_cmpint(g_rename(kept, path), ==, 0);
}

static void test_gits_files_are_files(Fixture *fixture, gconstpointer data)
{
    gint64 begin = g_get_monotonic_time();
    for (gsize i = 0; i < G_N_ELEMENTS(files_of_git); i++)
        for (gsize kind = 0; kind < G_N_ELEMENTS(kinds); kind++)
            assert_refused(fixture, files_of_git[i], &kinds[kind]);
    g_assert_cmpint(g_get_monotonic_time() - begin, <, MOMENT_USEC);
    g_autoptr(git_repository) opened = git_library_open(fixture->root, NULL);
    g_assert_nonnull(opened);
}

static void test_a_git_file_that_is_a_fifo_is_refused(Fixture *fixture, gconstpointer data)
{
    g_autofree char *tree = g_build_filename(fixture->folder, "tree", NULL);
    g_autofree char *path = g_build_filename(tree, ".git", NULL);
    g_autoptr(GError) error = NULL;
    make_folder(tree);
    replace(&kinds[0], path);
    g_assert_false(git_files_check(tree, STORKIT_ERROR_NOT_A_GIT_REPOSITORY, &error));
    g_assert_error(error, STORKIT_ERROR, STORKIT_ERROR_NOT_A_GIT_REPOSITORY);
    assert_names(error, path, &kinds[0]);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    fixture_init();
    TEST("/file-read/what-is-no-file-is-refused-at-once", test_what_is_no_file_is_refused_at_once);
    TEST("/file-read/a-file-is-read-up-to-its-bound", test_a_file_is_read_up_to_its_bound);
    g_test_add_func("/file-read/a-file-without-a-size-is-bounded",
                    test_a_file_without_a_size_is_bounded);
    TEST("/file-read/gits-files-are-files", test_gits_files_are_files);
    TEST("/file-read/a-git-file-that-is-a-fifo-is-refused",
         test_a_git_file_that_is_a_fifo_is_refused);
    int result = g_test_run();
    fixture_finish();
    return result;
}
