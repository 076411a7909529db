/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/sandbox-config.h"

void sandbox_config_clear(SandboxConfig *config)
{
    g_clear_pointer(&config->writable, g_strfreev);
    g_clear_pointer(&config->unreadable, g_strfreev);
    g_clear_pointer(&config->readable, g_strfreev);
    g_clear_pointer(&config->sockets, g_strfreev);
    g_clear_pointer(&config->ports, g_array_unref);
}

gboolean sandbox_is_wanted(const SandboxConfig *config)
{
    return config->mode == SANDBOX_WORKTREE || config->mode == SANDBOX_REQUIRED;
}

gboolean sandbox_allows_unix(const SandboxConfig *config)
{
    return config->bus || (config->sockets && *config->sockets);
}

static const char *const modes[] = {
    [SANDBOX_NONE] = "none",
    [SANDBOX_WORKTREE] = "worktree",
    [SANDBOX_REQUIRED] = "required",
};

const char *sandbox_mode_to_string(SandboxMode mode)
{
    return modes[mode];
}

gboolean sandbox_mode_from_string(const char *text, SandboxMode *ret_mode)
{
    for (guint i = SANDBOX_NONE; i < G_N_ELEMENTS(modes); i++) {
        if (!g_str_equal(text, modes[i]))
            continue;
        *ret_mode = (SandboxMode)i;
        return TRUE;
    }
    return FALSE;
}

gboolean sandbox_socket_is_known(const char *name)
{
    static const char *const known[] = {"own",     "ssh-agent", "docker", "x11",
                                        "wayland", "pulse",     NULL};
    return g_strv_contains(known, name);
}

gboolean sandbox_path_is_sound(const char *path)
{
    if (!*path)
        return FALSE;
    for (; *path; path++)
        if (g_ascii_iscntrl(*path))
            return FALSE;
    return TRUE;
}
