/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "desktop/programs.h"

#include <glib.h>

#include "base/install-paths.h"

const char *program_storkitctl(void)
{
    const char *named = g_getenv("STORKITCTL");
    if (named)
        return named;
    return g_file_test(STORKITCTL_PATH, G_FILE_TEST_IS_EXECUTABLE) ? STORKITCTL_PATH : "storkitctl";
}
