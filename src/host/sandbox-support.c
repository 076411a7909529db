/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "host/sandbox-support.h"

#include <sys/syscall.h>
#include <unistd.h>

#define LANDLOCK_VERSION_FLAG 1

int sandbox_landlock_abi(void)
{
    long abi = syscall(SYS_landlock_create_ruleset, NULL, (gsize)0, LANDLOCK_VERSION_FLAG);
    return abi < 0 ? 0 : (int)abi;
}

char **sandbox_find_missing(const SandboxConfig *config)
{
    g_autoptr(GStrvBuilder) missing = g_strv_builder_new();
    int abi = sandbox_landlock_abi();
    if (abi < SANDBOX_ABI_FILES)
        g_strv_builder_add(missing, "files");
    if (abi < SANDBOX_ABI_TRUNCATE)
        g_strv_builder_add(missing, "truncate");
    if (abi < SANDBOX_ABI_SIGNALS)
        g_strv_builder_add(missing, "signals");
    if (abi < SANDBOX_ABI_PORTS && config->network == SANDBOX_NETWORK_PORTS)
        g_strv_builder_add(missing, "ports");
    if (sandbox_allows_unix(config))
        g_strv_builder_add(missing, "sockets");
    if (sandbox_allows_unix(config) && !config->bus)
        g_strv_builder_add(missing, "bus");
    g_auto(GStrv) list = g_strv_builder_end(missing);
    return *list ? g_steal_pointer(&list) : NULL;
}
