/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/open-files.h"

#include <fcntl.h>
#include <sys/resource.h>

#include "base/util.h"

#define WAIT_STEP_MSEC 100
#define WAIT_STEPS 300

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

static gboolean can_copy(int fd, guint count)
{
    if (count == 0)
        return TRUE;
    autofd copy = fcntl(fd, F_DUPFD_CLOEXEC, 0);
    return copy >= 0 && can_copy(fd, count - 1);
}

/* Takes @count descriptors and gives them back: of one file, since to open it for each costs ten
 * times as much, and a thousand runs ask. */
static gboolean can_open(guint count)
{
    autofd fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    return fd >= 0 && can_copy(fd, count);
}

gboolean open_files_wait(guint count)
{
    for (guint step = 0; !can_open(count); step++) {
        if (step == 0)
            g_warning("no file can be opened (%s): waiting", g_strerror(errno));
        if (step == WAIT_STEPS)
            return FALSE;
        g_usleep(WAIT_STEP_MSEC * 1000);
    }
    return TRUE;
}
