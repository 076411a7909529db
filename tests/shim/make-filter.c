/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* make-filter [no-unix] [no-network] >FILE: the sandbox's filter of system calls. */

#include <unistd.h>

#include "store/sandbox-filter.h"

int main(int argc, char **argv)
{
    gboolean no_unix = g_strv_contains((const char *const *)argv, "no-unix");
    gboolean no_network = g_strv_contains((const char *const *)argv, "no-network");
    g_autoptr(GError) error = NULL;

    if (sandbox_filter_write(STDOUT_FILENO, no_unix, no_network, &error))
        return 0;
    g_printerr("%s\n", error->message);
    return 1;
}
