/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "store/sandbox-plan.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "base/util.h"
#include "host/sandbox-support.h"
#include "store/sandbox-filter.h"
#include "store/sandbox-paths.h"
#include "store/shim-protocol.h"

gboolean sandbox_check_required(const SandboxConfig *config, char *const *missing, GError **error)
{
    if (config->mode != SANDBOX_REQUIRED || !missing)
        return TRUE;
    g_autofree char *list = g_strjoinv(", ", (char **)missing);
    g_set_error(error, STORKIT_ERROR, STORKIT_ERROR_SPAWN_FAILED,
                "sandbox = \"required\", and this machine cannot enforce all of it (%s): use "
                "\"worktree\" to run with what it can, see docs/sandbox.md",
                list);
    return FALSE;
}

/* --- The files in the run's folder --- */

/* A queued run whose first try was cut short has one. */
static int make_file(int folder_fd, const char *name)
{
    unlinkat(folder_fd, name, 0);
    return openat(folder_fd, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
}

static void add_lines(GString *plan, const char *key, const GPtrArray *paths)
{
    for (guint i = 0; i < paths->len; i++)
        g_string_append_printf(plan, "%s %s\n", key, (const char *)g_ptr_array_index(paths, i));
}

static void add_network(GString *plan, const SandboxConfig *config)
{
    static const char *const words[] = {
        [SANDBOX_NETWORK_FULL] = "full",
        [SANDBOX_NETWORK_NONE] = "none",
        [SANDBOX_NETWORK_PORTS] = "ports",
    };
    g_string_append_printf(plan, "network %s\n", words[config->network]);
    for (guint i = 0; config->ports && i < config->ports->len; i++)
        g_string_append_printf(plan, "port %u\n", g_array_index(config->ports, guint16, i));
}

/* What the namespaces are for: see docs/sandbox.md. */
static void add_mounts(GString *plan, const SandboxConfig *config, const SandboxPlaces *places,
                       const GPtrArray *unreadable)
{
    g_autoptr(GPtrArray) hidden = sandbox_hidden_paths(config, places);
    g_autoptr(GPtrArray) sockets = sandbox_socket_paths(config, places);
    g_string_append(plan, "mounts own\n");
    add_lines(plan, "hide", unreadable);
    add_lines(plan, "hide", hidden);
    add_lines(plan, "keep", sockets);
}

static gboolean write_plan(const SandboxConfig *config, const SandboxPlaces *places, int folder_fd,
                           GError **error)
{
    g_autoptr(GString) plan = g_string_new(SHIM_SANDBOX_HEAD "\n");
    g_autoptr(GPtrArray) writable = sandbox_writable_paths(config, places);
    g_autoptr(GPtrArray) unreadable = sandbox_unreadable_paths(config, places);
    g_autoptr(GPtrArray) readable = sandbox_readable_paths(config, places);
    g_string_append_printf(plan, "landlock %d\n", MIN(sandbox_landlock_abi(), SANDBOX_ABI_SIGNALS));
    add_lines(plan, "write", writable);
    for (const char *const *device = sandbox_devices(); *device; device++)
        g_string_append_printf(plan, "device %s\n", *device);
    add_lines(plan, "unreadable", unreadable);
    add_lines(plan, "read", readable);
    if (sandbox_has_mounts())
        add_mounts(plan, config, places, unreadable);
    if (!sandbox_has_filters())
        g_string_append(plan, "filter none\n");
    add_network(plan, config);
    autofd fd = make_file(folder_fd, SHIM_SANDBOX_PLAN);
    if (fd >= 0 && write_all(fd, plan->str, plan->len))
        return TRUE;
    set_errno_error(error, errno, "writing the plan of the sandbox");
    return FALSE;
}

static gboolean write_filter(const SandboxConfig *config, int folder_fd, GError **error)
{
    if (!sandbox_has_filters())
        return TRUE;
    autofd fd = make_file(folder_fd, SHIM_SANDBOX_FILTER);
    if (fd < 0) {
        set_errno_error(error, errno, "writing the filter of the sandbox");
        return FALSE;
    }
    return sandbox_filter_write(fd, !sandbox_allows_unix(config),
                                config->network == SANDBOX_NETWORK_NONE, error);
}

/* O_NONBLOCK: a FIFO in its place fails. */
static int open_keep(const char *path)
{
    return open(path, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0666);
}

/* Where git keeps the branch's reference, and where its log. */
static const char *const reference_folders[] = {"refs/heads", "logs/refs/heads"};

/* Git passes over it as over any lock, in `git fsck`, too. */
#define KEEP "storkit-keep.lock"

static gboolean keep_folder(const char *folder, gboolean with_file, GError **error)
{
    g_autofree char *keep = g_build_filename(folder, KEEP, NULL);
    int r = g_mkdir_with_parents(folder, 0777);
    autofd fd = r == 0 && with_file ? open_keep(keep) : -1;
    if (r == 0 && (fd >= 0 || !with_file))
        return TRUE;
    set_errno_error(error, errno, "making %s", keep);
    return FALSE;
}

/* The agent can't make the folder of its branch's reference, and `git pack-refs` removes an empty
 * one: it is made and kept, but for the folder of all branches, which stays by itself. */
static gboolean keep_reference_folders(const SandboxPlaces *places, GError **error)
{
    gboolean with_file = strchr(places->branch, '/') != NULL;
    for (gsize i = 0; i < G_N_ELEMENTS(reference_folders); i++) {
        g_autofree char *folder =
            sandbox_branch_folder(places->admin, places->branch, reference_folders[i]);
        if (!keep_folder(folder, with_file, error))
            return FALSE;
    }
    return TRUE;
}

/* A folder with other branches stays, and is kept. */
static void forget_folder(const char *folder)
{
    g_autofree char *keep = g_build_filename(folder, KEEP, NULL);
    if (unlink(keep) < 0 || rmdir(folder) == 0)
        return;
    autofd fd = open_keep(keep);
    if (fd < 0)
        g_info("making %s: %s", keep, g_strerror(errno));
}

void sandbox_forget_branch(const char *admin, const char *branch)
{
    for (gsize i = 0; strchr(branch, '/') && i < G_N_ELEMENTS(reference_folders); i++) {
        g_autofree char *folder = sandbox_branch_folder(admin, branch, reference_folders[i]);
        forget_folder(folder);
    }
}

gboolean sandbox_write(const SandboxConfig *config, const SandboxPlaces *places, int folder_fd,
                       GError **error)
{
    if (mkdirat(folder_fd, SHIM_SANDBOX_TEMPORARY, 0700) < 0 && errno != EEXIST) {
        set_errno_error(error, errno, "making the agent's temporary folder");
        return FALSE;
    }
    sandbox_make_state(places);
    return keep_reference_folders(places, error) && write_plan(config, places, folder_fd, error) &&
           write_filter(config, folder_fd, error);
}

/* --- The environment --- */

static char **hide_sockets(const SandboxConfig *config, char **environment)
{
    static const struct {
        const char *socket, *variable;
    } addresses[] = {
        {"ssh-agent", "SSH_AUTH_SOCK"}, {"docker", "DOCKER_HOST"}, {"x11", "DISPLAY"},
        {"wayland", "WAYLAND_DISPLAY"}, {"pulse", "PULSE_SERVER"},
    };
    const char *const none[] = {NULL};
    const char *const *sockets = config->sockets ? (const char *const *)config->sockets : none;

    for (gsize i = 0; i < G_N_ELEMENTS(addresses); i++)
        if (!g_strv_contains(sockets, addresses[i].socket))
            environment = g_environ_unsetenv(environment, addresses[i].variable);
    return config->bus ? environment : g_environ_unsetenv(environment, "DBUS_SESSION_BUS_ADDRESS");
}

/* git gc locks files in git's own folder, which the agent may not change; the user's git does it
 * as before. */
static char **stop_collecting(char **environment)
{
    static const char *const settings[][2] = {
        {"GIT_CONFIG_COUNT", "2"},       {"GIT_CONFIG_KEY_0", "gc.auto"},
        {"GIT_CONFIG_VALUE_0", "0"},     {"GIT_CONFIG_KEY_1", "maintenance.auto"},
        {"GIT_CONFIG_VALUE_1", "false"},
    };
    if (g_environ_getenv(environment, "GIT_CONFIG_COUNT"))
        return environment; /* the user has settings of their own there */
    for (gsize i = 0; i < G_N_ELEMENTS(settings); i++)
        environment = g_environ_setenv(environment, settings[i][0], settings[i][1], TRUE);
    return environment;
}

/* Java's temporary folder is /tmp, whatever TMPDIR says. The user's own options come last, and so
 * win. */
static char **tell_java(char **environment, const char *temporary)
{
    static const char variable[] = "JAVA_TOOL_OPTIONS";
    const char *own = g_environ_getenv(environment, variable);
    g_autofree char *options =
        g_strdup_printf("-Djava.io.tmpdir='%s'%s%s", temporary, own ? " " : "", own ? own : "");
    return g_environ_setenv(environment, variable, options, TRUE);
}

char **sandbox_adapt_environment(const SandboxConfig *config, const char *run_folder,
                                 char **environment)
{
    g_autofree char *temporary = g_build_filename(run_folder, SHIM_SANDBOX_TEMPORARY, NULL);
    static const char *const variables[] = {"TMPDIR", "TMP", "TEMP", "CLAUDE_CODE_TMPDIR"};
    for (gsize i = 0; i < G_N_ELEMENTS(variables); i++)
        environment = g_environ_setenv(environment, variables[i], temporary, TRUE);
    environment = tell_java(environment, temporary);
    return stop_collecting(hide_sockets(config, environment));
}
