/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <fcntl.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <unistd.h>

#include <glib/gstdio.h>

#include "base/util.h"
#include "store/shim-client.h"

/* A lock of that kind on a run's folder, as another process would have it. */
static int locked(const char *folder, int kind)
{
    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    g_assert_cmpint(flock(fd, kind | LOCK_NB), ==, 0);
    return fd;
}

static void test_looking_for_a_shim_is_not_taken_for_one(void)
{
    g_autofree char *folder = g_dir_make_tmp("storkit-shim-XXXXXX", NULL);
    autofd folder_fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    autofd shim = locked(folder, LOCK_EX);
    g_assert_true(shim_is_alive(folder_fd));
    fd_clear(&shim);
    g_assert_false(shim_is_alive(folder_fd));

    /* Another thread or service that looks at the same moment. */
    autofd look = locked(folder, LOCK_SH);
    g_assert_false(shim_is_alive(folder_fd));
    g_rmdir(folder);
}

static void test_a_shortage_of_descriptors_says_nothing(void)
{
    g_autofree char *folder = g_dir_make_tmp("storkit-shim-XXXXXX", NULL);
    autofd folder_fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    struct rlimit before, none;
    getrlimit(RLIMIT_NOFILE, &before);
    none = (struct rlimit){0, before.rlim_max};
    setrlimit(RLIMIT_NOFILE, &none);
    gboolean alive = shim_is_alive(folder_fd);
    setrlimit(RLIMIT_NOFILE, &before);
    g_assert_true(alive);
    g_assert_false(shim_is_alive(folder_fd));
    g_rmdir(folder);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/shim-client/looking-for-a-shim-is-not-taken-for-one",
                    test_looking_for_a_shim_is_not_taken_for_one);
    g_test_add_func("/shim-client/a-shortage-of-descriptors-says-nothing",
                    test_a_shortage_of_descriptors_says_nothing);
    return g_test_run();
}
