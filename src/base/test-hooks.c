/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/test-hooks.h"

#include <signal.h>
#include <unistd.h>

static gboolean ends_parent;

void fault_point_ends_parent(void)
{
    ends_parent = TRUE;
}

void fault_point(const char *name)
{
    static gsize initialised;
    static const char *wanted;
    if (g_once_init_enter(&initialised)) {
        wanted = g_getenv("STORKIT_FAULT");
        g_once_init_leave(&initialised, 1);
    }
    if (G_LIKELY(!wanted) || !g_str_equal(wanted, name))
        return;
    if (ends_parent)
        kill(getppid(), SIGKILL);
    raise(SIGKILL);
}

guint test_limit(const char *variable, guint usual)
{
    const char *text = g_getenv(variable);
    return text ? (guint)g_ascii_strtoull(text, NULL, 10) : usual;
}

const char *test_text(const char *variable)
{
    return g_getenv(variable);
}
