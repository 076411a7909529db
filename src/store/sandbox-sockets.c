/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "store/sandbox-paths.h"

#include <string.h>
#include <unistd.h>

/*
 * Which sockets an agent with mounts of its own sees.
 */

/* Other programs' of the user and of the system, by which one leaves the sandbox. */
static const char *const others[] = {
    "/run/docker.sock", "/run/podman",    "/run/containerd", "/run/libvirt",
    "/run/screen",      "/tmp/.X11-unix", "/tmp/.ICE-unix",  NULL,
};

static void take(GPtrArray *paths, char *path)
{
    if (path && g_path_is_absolute(path) && sandbox_path_is_sound(path) && !g_str_equal(path, "/"))
        g_ptr_array_add(paths, path);
    else
        g_free(path);
}

static const char *value(const SandboxPlaces *places, const char *variable)
{
    return g_environ_getenv((char **)places->environment, variable);
}

/* @text without @prefix, or NULL. */
static const char *after(const char *prefix, const char *text)
{
    return text && g_str_has_prefix(text, prefix) ? text + strlen(prefix) : NULL;
}

/* It need not be in the runtime folder. */
static char *session_bus(const SandboxPlaces *places)
{
    const char *path = after("unix:path=", value(places, "DBUS_SESSION_BUS_ADDRESS"));
    return path ? g_strndup(path, strcspn(path, ",;")) : NULL;
}

GPtrArray *sandbox_hidden_paths(const SandboxConfig *config, const SandboxPlaces *places)
{
    GPtrArray *paths = g_ptr_array_new_with_free_func(g_free);
    take(paths, g_strdup(g_get_user_runtime_dir()));
    /* ssh refuses settings that are root's, whose files appear as nobody's. */
    take(paths, g_strdup("/etc/ssh/ssh_config.d"));
    for (const char *const *path = others; sandbox_allows_unix(config) && *path; path++)
        take(paths, g_strdup(*path));
    if (sandbox_allows_unix(config))
        take(paths, g_strdup_printf("/tmp/tmux-%u", (guint)getuid()));
    if (!config->bus) {
        take(paths, g_strdup("/run/dbus"));
        take(paths, session_bus(places));
    }
    return paths;
}

static void take_runtime(GPtrArray *paths, const char *name)
{
    take(paths, g_canonicalize_filename(name, g_get_user_runtime_dir()));
}

static void add_ssh_agent(GPtrArray *paths, const SandboxPlaces *places)
{
    take(paths, g_strdup(value(places, "SSH_AUTH_SOCK")));
}

static void add_docker(GPtrArray *paths, const SandboxPlaces *places)
{
    take(paths, g_strdup(after("unix://", value(places, "DOCKER_HOST"))));
    take(paths, g_strdup("/run/docker.sock"));
    take_runtime(paths, "docker.sock");
}

/* ":1.0" */
static void add_x11(GPtrArray *paths, const SandboxPlaces *places)
{
    const char *number = after(":", value(places, "DISPLAY"));
    if (number)
        take(paths, g_strdup_printf("/tmp/.X11-unix/X%.*s", (int)strcspn(number, ".,/"), number));
    take(paths, g_strdup(value(places, "XAUTHORITY")));
}

static void add_wayland(GPtrArray *paths, const SandboxPlaces *places)
{
    const char *name = value(places, "WAYLAND_DISPLAY");
    take_runtime(paths, name ?: "wayland-0");
}

static void add_pulse(GPtrArray *paths, const SandboxPlaces *places)
{
    take(paths, g_strdup(after("unix:", value(places, "PULSE_SERVER"))));
    take_runtime(paths, "pulse/native");
}

GPtrArray *sandbox_socket_paths(const SandboxConfig *config, const SandboxPlaces *places)
{
    static const struct {
        const char *name;
        void (*add)(GPtrArray *paths, const SandboxPlaces *places);
    } known[] = {{"ssh-agent", add_ssh_agent},
                 {"docker", add_docker},
                 {"x11", add_x11},
                 {"wayland", add_wayland},
                 {"pulse", add_pulse}};
    GPtrArray *paths = g_ptr_array_new_with_free_func(g_free);
    for (gsize i = 0; config->sockets && i < G_N_ELEMENTS(known); i++)
        if (g_strv_contains((const char *const *)config->sockets, known[i].name))
            known[i].add(paths, places);
    if (config->bus) {
        take(paths, session_bus(places));
        take_runtime(paths, "bus");
        take_runtime(paths, "systemd");
    }
    return paths;
}
