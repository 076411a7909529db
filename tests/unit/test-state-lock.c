/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>
#include <unistd.h>

#include <glib/gstdio.h>

#include "base/error.h"
#include "base/util.h"
#include "host/machine.h"
#include "store/state-lock.h"

static void test_second_service_is_told_who_has_the_runs(void)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *pid = g_strdup_printf("process %d", getpid());
    autofd first = -1, second = -1;
    g_assert_true(state_lock_take("unix:path=/run/user/1000/bus", &first, &error));
    g_assert_no_error(error);

    g_assert_false(state_lock_take("unix:path=/tmp/other", &second, &error));
    g_assert_error(error, STORKIT_ERROR, STORKIT_ERROR_NOT_RUNNING);
    g_assert_nonnull(strstr(error->message, pid));
    g_assert_nonnull(strstr(error->message, "unix:path=/run/user/1000/bus"));
    g_assert_cmpint(second, ==, -1);

    g_clear_error(&error);
    fd_clear(&first);
    g_assert_true(state_lock_take("unix:path=/tmp/other", &second, &error));
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_autofree char *folder = g_dir_make_tmp("storkit-lock-XXXXXX", NULL);
    g_setenv("XDG_STATE_HOME", folder, TRUE);
    g_test_add_func("/state-lock/second-service-is-told-who-has-the-runs",
                    test_second_service_is_told_who_has_the_runs);
    int status = g_test_run();
    g_autofree char *name = g_strconcat("lock.", machine_get()->host, NULL);
    g_autofree char *file = g_build_filename(folder, "storkit", name, NULL);
    g_autofree char *sub = g_path_get_dirname(file);
    g_unlink(file);
    g_rmdir(sub);
    g_rmdir(folder);
    return status;
}
