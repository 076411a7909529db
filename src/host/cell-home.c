/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "host/cell-home.h"

#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/test-hooks.h"
#include "host/cgroup.h"

/* Of one cell: git with its filters, or a teardown command. A checkout of large files by many
 * threads stays far below both. */
#define MEMORY_MIB 4096
#define PROCESSES 1024

static const char *const controllers[] = {"memory", "pids"};

static char *home; /* once it hands controllers down */

/* Only a cgroup made by the user's own manager may be divided. */
static char *own_cgroup(void)
{
    g_autofree char *folder = cgroup_of_process(getpid());
    g_autofree char *manager = g_strdup_printf("/user@%u.service/", (guint)getuid());
    return folder && strstr(folder, manager) ? g_steal_pointer(&folder) : NULL;
}

static gboolean has_controllers(const char *folder)
{
    for (gsize i = 0; i < G_N_ELEMENTS(controllers); i++)
        if (cgroup_has_controller(folder, controllers[i]))
            return TRUE;
    return FALSE;
}

static gboolean move_below(const char *folder)
{
    g_autofree char *below = g_build_filename(folder, "service", NULL);
    (void)mkdir(below, 0755);
    return cgroup_write(below, "cgroup.procs", "0");
}

/* One by one: a controller that cannot be had does not keep the other away. */
static void hand_down(const char *folder, char sign)
{
    for (gsize i = 0; i < G_N_ELEMENTS(controllers); i++) {
        g_autofree char *change = g_strdup_printf("%c%s", sign, controllers[i]);
        (void)cgroup_write(folder, "cgroup.subtree_control", change);
    }
}

void cell_home_begin(void)
{
    g_autofree char *own = own_cgroup();
    if (!own || !has_controllers(own) || cgroup_count_processes(own) != 1 || !move_below(own))
        return;
    hand_down(own, '+');
    home = g_steal_pointer(&own);
}

char *cell_home_folder(void)
{
    return home ? g_strdup(home) : own_cgroup();
}

static guint memory_mib(void)
{
    return test_limit("STORKIT_CELL_MEMORY_MIB", MEMORY_MIB);
}

static guint processes(void)
{
    return test_limit("STORKIT_CELL_PROCESSES", PROCESSES);
}

static void set_uint(const char *folder, const char *file, guint64 value)
{
    g_autofree char *text = g_strdup_printf("%" G_GUINT64_FORMAT, value);
    (void)cgroup_write(folder, file, text);
}

/* Files of a controller that it does not have are not there. One kill ends all of a cell: half of a
 * git with its filters would go on to no good end. */
void cell_home_limit(const char *folder)
{
    if (!home)
        return;
    set_uint(folder, "memory.max", (guint64)memory_mib() << 20);
    set_uint(folder, "memory.swap.max", 0);
    set_uint(folder, "memory.oom.group", 1);
    set_uint(folder, "pids.max", processes());
}

void cell_home_lift_limits(void)
{
    if (home)
        hand_down(home, '-');
}

char *cell_home_describe_excess(const char *folder)
{
    if (cgroup_get_keyed(folder, "memory.events", "oom_kill", 0) > 0)
        return cgroup_get_keyed(folder, "memory.events", "oom", 0) > 0
                   ? g_strdup_printf("it exceeded its memory limit of %u MiB", memory_mib())
                   : g_strdup("the memory of the machine, or of a slice above it, was used up");
    if (cgroup_get_keyed(folder, "pids.events", "max", 0) > 0)
        return g_strdup_printf("it reached its limit of %u processes", processes());
    return NULL;
}
