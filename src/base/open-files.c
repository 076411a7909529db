/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/open-files.h"

#include <sys/resource.h>

static guint64 given;

void open_files_raise(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
        return;
    given = limit.rlim_cur;
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
}

guint64 open_files_given(void)
{
    return given;
}
