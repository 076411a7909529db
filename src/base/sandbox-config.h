/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/*
 * An agent's sandbox in the roster. Its meaning: store/sandbox-plan.h.
 */

typedef enum {
    SANDBOX_UNSET, /* what says it next: an option, an agent, the project */
    SANDBOX_NONE,
    SANDBOX_WORKTREE, /* as much as this machine can enforce */
    SANDBOX_REQUIRED, /* all that is asked for, or the run is refused */
} SandboxMode;

typedef enum { SANDBOX_NETWORK_FULL, SANDBOX_NETWORK_NONE, SANDBOX_NETWORK_PORTS } SandboxNetwork;

typedef struct {
    SandboxMode mode;
    char **writable;   /* absolute, "~/…", or relative to the project root; NULL: none besides */
    char **unreadable; /* the same; NULL: the default list */
    char **readable;   /* the same: exceptions from those; NULL: none */
    char **sockets;    /* names of sandbox_socket_is_known(); NULL: none */
    gboolean bus;      /* where the roster does not say: whether its other keys need it */
    SandboxNetwork network;
    GArray *ports; /* guint16, for SANDBOX_NETWORK_PORTS; or NULL */
} SandboxConfig;

void sandbox_config_clear(SandboxConfig *config);

/** Whether @config asks for a sandbox. */
gboolean sandbox_is_wanted(const SandboxConfig *config);

/** Whether it asks for unix sockets. A filter of system calls sees that a socket is one, and not
 *  where it leads: it lets through all of them or none. */
gboolean sandbox_allows_unix(const SandboxConfig *config);

/** "none", "worktree", "required"; NULL for SANDBOX_UNSET. */
const char *sandbox_mode_to_string(SandboxMode mode);
gboolean sandbox_mode_from_string(const char *text, SandboxMode *ret_mode);

/** Whether @name is one of "own" (it has no path), "ssh-agent", "docker", "x11", "wayland",
 * "pulse". */
gboolean sandbox_socket_is_known(const char *name);

/** Whether @path can be in a list of paths: not empty, no control characters. */
gboolean sandbox_path_is_sound(const char *path);

G_END_DECLS
