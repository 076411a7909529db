/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/error.h"

#include "base/bus-names.h"

/* clang-format off: it takes the dashes for minus signs */
G_DEFINE_QUARK(storkit - error - quark, storkit_error)
/* clang-format on */

#define NAME(suffix) STORKIT_INTERFACE ".Error." suffix

static const char *const dbus_names[] = {
    [STORKIT_ERROR_INVALID_ARGUMENT] = NAME("InvalidArgument"),
    [STORKIT_ERROR_NO_SUCH_PROJECT] = NAME("NoSuchProject"),
    [STORKIT_ERROR_NOT_A_GIT_REPOSITORY] = NAME("NotAGitRepository"),
    [STORKIT_ERROR_INVALID_CONFIG] = NAME("InvalidConfig"),
    [STORKIT_ERROR_NO_AGENTS_CONFIGURED] = NAME("NoAgentsConfigured"),
    [STORKIT_ERROR_NO_SUCH_AGENT] = NAME("NoSuchAgent"),
    [STORKIT_ERROR_ALREADY_RUNNING] = NAME("AlreadyRunning"),
    [STORKIT_ERROR_NOT_RUNNING] = NAME("NotRunning"),
    [STORKIT_ERROR_NO_SUCH_RUN] = NAME("NoSuchRun"),
    [STORKIT_ERROR_WORKTREE_FAILED] = NAME("WorktreeFailed"),
    [STORKIT_ERROR_WORKTREE_BUSY] = NAME("WorktreeBusy"),
    [STORKIT_ERROR_WORKTREE_DIRTY] = NAME("WorktreeDirty"),
    [STORKIT_ERROR_SETUP_FAILED] = NAME("SetupFailed"),
    [STORKIT_ERROR_SPAWN_FAILED] = NAME("SpawnFailed"),
    [STORKIT_ERROR_SCOPE_FAILED] = NAME("ScopeFailed"),
    [STORKIT_ERROR_STOPPED] = NAME("Stopped"),
    [STORKIT_ERROR_SHUTTING_DOWN] = NAME("ShuttingDown"),
    [STORKIT_ERROR_NOT_ALLOWED] = NAME("NotAllowed"),
    [STORKIT_ERROR_BUDGET_EXCEEDED] = NAME("BudgetExceeded"),
    [STORKIT_ERROR_ON_OTHER_HOST] = NAME("OnOtherHost"),
};

const char *storkit_error_dbus_name(const GError *error)
{
    if (error->domain == STORKIT_ERROR && error->code >= 0 &&
        error->code < (int)G_N_ELEMENTS(dbus_names))
        return dbus_names[error->code];
    return "org.freedesktop.DBus.Error.Failed";
}
