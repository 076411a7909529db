/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/permissions.h"

static const char *const names[] = {
    [PERMISSION_BYPASS] = "bypass",
    [PERMISSION_ASK] = "ask",
    [PERMISSION_DENY] = "deny",
};

void permissions_clear(Permissions *permissions)
{
    g_strfreev(permissions->allow);
    g_strfreev(permissions->deny);
    *permissions = (Permissions){0};
}

const char *permission_mode_to_string(PermissionMode mode)
{
    return names[mode];
}

gboolean permission_mode_from_string(const char *text, PermissionMode *ret_mode)
{
    for (gsize i = 0; i < G_N_ELEMENTS(names); i++) {
        if (!g_str_equal(names[i], text))
            continue;
        *ret_mode = (PermissionMode)i;
        return TRUE;
    }
    return FALSE;
}
