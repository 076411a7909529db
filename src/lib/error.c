/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <storkit/error.h>

#include <gio/gio.h>

#include "base/bus-names.h"
#include "lib/call.h"

#define NAME(suffix) STORKIT_INTERFACE ".Error." suffix

static const GDBusErrorEntry entries[] = {
    {STORKIT_ERROR_INVALID_ARGUMENT, NAME("InvalidArgument")},
    {STORKIT_ERROR_NO_SUCH_PROJECT, NAME("NoSuchProject")},
    {STORKIT_ERROR_NOT_A_GIT_REPOSITORY, NAME("NotAGitRepository")},
    {STORKIT_ERROR_INVALID_CONFIG, NAME("InvalidConfig")},
    {STORKIT_ERROR_NO_AGENTS_CONFIGURED, NAME("NoAgentsConfigured")},
    {STORKIT_ERROR_NO_SUCH_AGENT, NAME("NoSuchAgent")},
    {STORKIT_ERROR_ALREADY_RUNNING, NAME("AlreadyRunning")},
    {STORKIT_ERROR_NOT_RUNNING, NAME("NotRunning")},
    {STORKIT_ERROR_NO_SUCH_RUN, NAME("NoSuchRun")},
    {STORKIT_ERROR_WORKTREE_FAILED, NAME("WorktreeFailed")},
    {STORKIT_ERROR_WORKTREE_BUSY, NAME("WorktreeBusy")},
    {STORKIT_ERROR_WORKTREE_DIRTY, NAME("WorktreeDirty")},
    {STORKIT_ERROR_SETUP_FAILED, NAME("SetupFailed")},
    {STORKIT_ERROR_SPAWN_FAILED, NAME("SpawnFailed")},
    {STORKIT_ERROR_SCOPE_FAILED, NAME("ScopeFailed")},
    {STORKIT_ERROR_STOPPED, NAME("Stopped")},
    {STORKIT_ERROR_SHUTTING_DOWN, NAME("ShuttingDown")},
    {STORKIT_ERROR_NOT_ALLOWED, NAME("NotAllowed")},
    {STORKIT_ERROR_BUDGET_EXCEEDED, NAME("BudgetExceeded")},
    {STORKIT_ERROR_ON_OTHER_HOST, NAME("OnOtherHost")},
};

GQuark storkit_error_quark(void)
{
    static gsize quark = 0;
    g_dbus_error_register_error_domain("storkit-error-quark", &quark, entries,
                                       G_N_ELEMENTS(entries));
    return (GQuark)quark;
}

static gboolean is_no_service(const GError *error)
{
    if (error->domain != G_DBUS_ERROR)
        return FALSE;
    return error->code == G_DBUS_ERROR_SERVICE_UNKNOWN ||
           error->code == G_DBUS_ERROR_NAME_HAS_NO_OWNER ||
           (error->code >= G_DBUS_ERROR_SPAWN_EXEC_FAILED &&
            error->code <= G_DBUS_ERROR_SPAWN_NO_MEMORY);
}

/* What systemd says where it cannot start the unit that the bus asks it for. */
static gboolean is_of_systemd(const GError *error)
{
    g_autofree char *name = g_dbus_error_get_remote_error(error);
    return name && g_str_has_prefix(name, "org.freedesktop.systemd1.");
}

static gboolean is_no_object(const GError *error)
{
    return g_error_matches(error, G_DBUS_ERROR, G_DBUS_ERROR_UNKNOWN_OBJECT) ||
           g_error_matches(error, G_DBUS_ERROR, G_DBUS_ERROR_UNKNOWN_METHOD);
}

GError *call_error(GError *error, const char *path)
{
    GError *typed = NULL;
    gboolean no_service = is_no_service(error) || is_of_systemd(error);
    g_dbus_error_strip_remote_error(error);
    if (no_service)
        typed = g_error_new(STORKIT_ERROR, STORKIT_ERROR_NO_SERVICE,
                            "the service of storkit is not there and cannot be started: %s",
                            error->message);
    else if (g_error_matches(error, G_DBUS_ERROR, G_DBUS_ERROR_NO_REPLY))
        typed = g_error_new_literal(STORKIT_ERROR, STORKIT_ERROR_LOST,
                                    "the service of storkit died while it was asked");
    else if (g_str_has_prefix(path, STORKIT_RUNS_PATH) && is_no_object(error))
        typed = g_error_new_literal(STORKIT_ERROR, STORKIT_ERROR_NO_SUCH_RUN,
                                    "the run is not on the service's list any more");
    if (!typed)
        return error;
    g_error_free(error);
    return typed;
}

gboolean call_may_be_repeated(const GError *error)
{
    return g_error_matches(error, STORKIT_ERROR, STORKIT_ERROR_LOST) ||
           g_error_matches(error, STORKIT_ERROR, STORKIT_ERROR_SHUTTING_DOWN) ||
           g_error_matches(error, STORKIT_ERROR, STORKIT_ERROR_NO_SERVICE);
}
