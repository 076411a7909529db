/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agents/environment.h"

#include <string.h>

/* Variables of systemd and the bus for this service, of a surrounding Claude Code for its children,
 * of another terminal or folder than the agent's, those that contradict NO_COLOR, and those that
 * override PAGER and GIT_EDITOR. */
static gboolean is_dropped(const char *name)
{
    static const char *const names[] = {
        "NOTIFY_SOCKET",
        "INVOCATION_ID",
        "JOURNAL_STREAM",
        "LOG_NAMESPACE",
        "MANAGERPID",
        "MANAGERPIDFDID",
        "SYSTEMD_EXEC_PID",
        "MAINPID",
        "CREDENTIALS_DIRECTORY",
        "RUNTIME_DIRECTORY",
        "STATE_DIRECTORY",
        "CACHE_DIRECTORY",
        "LOGS_DIRECTORY",
        "CONFIGURATION_DIRECTORY",
        "SERVICE_RESULT",
        "EXIT_CODE",
        "EXIT_STATUS",
        "FDSTORE",
        "CLAUDECODE",
        "CLAUDE_CODE_ENTRYPOINT",
        "COLUMNS",
        "LINES",
        "OLDPWD",
        "GPG_TTY",
        "FORCE_COLOR",
        "CLICOLOR_FORCE",
        "GIT_SEQUENCE_EDITOR",
        "MANPAGER",
        "SYSTEMD_PAGER",
        "AWS_PAGER",
        "GH_PAGER",
        "BAT_PAGER",
        "DELTA_PAGER",
        NULL,
    };
    static const char *const prefixes[] = {"LISTEN_", "WATCHDOG_", "MEMORY_PRESSURE_",
                                           "DBUS_STARTER_", "TRIGGER_"};
    for (gsize i = 0; i < G_N_ELEMENTS(prefixes); i++) {
        if (g_str_has_prefix(name, prefixes[i]))
            return TRUE;
    }
    return g_strv_contains(names, name);
}

/* Sets the variables of @from (NAME=VALUE) in @environment; an entry without a name is skipped. */
static char **merge(char **environment, char *const *from, gboolean (*skip)(const char *name))
{
    for (; from && *from; from++) {
        const char *equals = strchr(*from, '=');
        if (!equals || equals == *from)
            continue;
        g_autofree char *name = g_strndup(*from, (gsize)(equals - *from));
        if (!skip || !skip(name))
            environment = g_environ_setenv(environment, name, equals + 1, TRUE);
    }
    return environment;
}

char **environment_without_service(char *const *base)
{
    return merge(g_new0(char *, 1), base, is_dropped);
}

char **agent_environment_build(char *const *base, const AgentConfig *agent,
                               const CommandContext *context, char *const *extra)
{
    const struct {
        const char *name;
        const char *value;
    } own[] = {
        {"NO_COLOR", "1"},
        {"TERM", "xterm-256color"},
        /* Nobody is there to leave a pager or an editor, or to answer git. */
        {"PAGER", "cat"},
        {"GIT_PAGER", "cat"},
        {"GIT_EDITOR", "true"},
        {"GIT_TERMINAL_PROMPT", "0"},
        {"PWD", context->worktree_path},
        {"STORKIT_STORY", context->story_id},
        {"STORKIT_AGENT", agent->name},
        {"STORKIT_WORKTREE", context->worktree_path},
        {"STORKIT_BASE_BRANCH", context->base_branch},
    };

    char **environment = environment_without_service(base);
    for (gsize i = 0; i < G_N_ELEMENTS(own); i++)
        environment = g_environ_setenv(environment, own[i].name, own[i].value, TRUE);
    environment = merge(environment, agent->env, NULL);
    environment = merge(environment, extra, NULL);
    /* An agent that asks for colours gets them. */
    if (g_environ_getenv(environment, "FORCE_COLOR") ||
        g_environ_getenv(environment, "CLICOLOR_FORCE"))
        environment = g_environ_unsetenv(environment, "NO_COLOR");
    return environment;
}
