/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "host/sandbox-support.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define LANDLOCK_VERSION_FLAG 1

int sandbox_landlock_abi(void)
{
    long abi = syscall(SYS_landlock_create_ruleset, NULL, (gsize)0, LANDLOCK_VERSION_FLAG);
    return abi < 0 ? 0 : (int)abi;
}

/* In a child: system calls only, since there are other threads. */
static _Noreturn void try_mounts(void)
{
    struct mount_attr attr = {.attr_set = MOUNT_ATTR_RDONLY};
    _exit(unshare(CLONE_NEWUSER | CLONE_NEWNS) < 0 ||
          mount_setattr(AT_FDCWD, "/", AT_RECURSIVE, &attr, sizeof(attr)) < 0);
}

static gpointer find_mounts(gpointer data)
{
    int status = -1;
    pid_t pid = fork();
    if (pid == 0)
        try_mounts();
    if (pid > 0)
        waitpid(pid, &status, 0);
    return GINT_TO_POINTER(status == 0);
}

gboolean sandbox_has_mounts(void)
{
    static GOnce once = G_ONCE_INIT;
    return GPOINTER_TO_INT(g_once(&once, find_mounts, NULL));
}

/* Without a filter the call fails in any case: EFAULT says that it would take one. */
gboolean sandbox_has_filters(void)
{
    return syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, NULL) < 0 && errno == EFAULT;
}

/* Whether it can reach unix sockets, and those of others among them. */
static void add_missing_sockets(GStrvBuilder *missing, const SandboxConfig *config,
                                gboolean filters)
{
    if (filters && !sandbox_allows_unix(config))
        return;
    g_strv_builder_add(missing, "sockets");
    if (!config->bus && !sandbox_has_mounts())
        g_strv_builder_add(missing, "bus");
}

/* A filter refuses all of the network; Landlock can do so for TCP. */
static gboolean lacks_ports(const SandboxConfig *config, int abi, gboolean filters)
{
    gboolean by_landlock = config->network == SANDBOX_NETWORK_PORTS ||
                           (config->network == SANDBOX_NETWORK_NONE && !filters);
    return by_landlock && abi < SANDBOX_ABI_PORTS;
}

char **sandbox_find_missing(const SandboxConfig *config)
{
    g_autoptr(GStrvBuilder) missing = g_strv_builder_new();
    int abi = sandbox_landlock_abi();
    gboolean filters = sandbox_has_filters();
    if (abi < SANDBOX_ABI_FILES)
        g_strv_builder_add(missing, "files");
    if (abi < SANDBOX_ABI_TRUNCATE && !sandbox_has_mounts())
        g_strv_builder_add(missing, "truncate");
    if (!sandbox_has_mounts())
        g_strv_builder_add(missing, "metadata");
    if (abi < SANDBOX_ABI_SIGNALS)
        g_strv_builder_add(missing, "signals");
    if (!filters)
        g_strv_builder_add(missing, "calls");
    if (lacks_ports(config, abi, filters))
        g_strv_builder_add(missing, "ports");
    add_missing_sockets(missing, config, filters);
    g_auto(GStrv) list = g_strv_builder_end(missing);
    return *list ? g_steal_pointer(&list) : NULL;
}
