/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/*
 * What the roster says of what an agent may do without being asked for.
 */

typedef enum {
    PERMISSION_BYPASS, /* everything */
    PERMISSION_ASK,    /* what its rules do not allow is a question of the run */
    PERMISSION_DENY,   /* … is refused */
} PermissionMode;

typedef struct {
    PermissionMode mode;
    char **allow, **deny;     /* rules, as the agent's program writes them; NULL: none */
    guint64 ask_timeout_usec; /* 0: a question waits for as long as the run lasts */
    gboolean timeout_stops;   /* then the run is stopped; else the answer is no */
} Permissions;

void permissions_clear(Permissions *permissions);

/** "bypass", "ask", "deny". */
const char *permission_mode_to_string(PermissionMode mode);
gboolean permission_mode_from_string(const char *text, PermissionMode *ret_mode);

G_END_DECLS
