/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "monitor/sandbox-plan.h"

#include <string.h>

#include "base/file-read.h"

/* As store/shim-protocol.h has them. */
#define PLAN_FILE "sandbox"
#define PLAN_HEAD "storkit-sandbox 1"
#define PLAN_MAX (256 * 1024)

/* "~/.cache" for a path of one's own. */
static char *shorten(const char *path)
{
    const char *home = g_get_home_dir();
    if (g_str_has_prefix(path, home) && path[strlen(home)] == '/')
        return g_strconcat("~", path + strlen(home), NULL);
    return g_strdup(path);
}

/* Appends @value to the list in @text. */
static void add(char **text, const char *separator, const char *value)
{
    g_autofree char *old = *text, *shown = shorten(value);
    *text = old ? g_strconcat(old, separator, shown, NULL) : g_steal_pointer(&shown);
}

static void take_line(MonitorSandboxPlan *plan, char **ports, const char *line)
{
    const char *space = strchr(line, ' ');
    if (!space)
        return;
    const char *value = space + 1;
    if (g_str_has_prefix(line, "write "))
        add(&plan->writable, "\n", value);
    else if (g_str_has_prefix(line, "unreadable "))
        add(&plan->unreadable, "\n", value);
    else if (g_str_has_prefix(line, "port "))
        add(ports, ", ", value);
    else if (g_str_has_prefix(line, "network ") && !plan->network)
        plan->network = g_strdup(value);
}

MonitorSandboxPlan *monitor_sandbox_plan_read(const char *run_id)
{
    g_autofree char *path =
        g_build_filename(g_get_user_state_dir(), "storkit", "runs", run_id, PLAN_FILE, NULL);
    g_autofree char *content = file_read_text(path, PLAN_MAX);
    g_autofree char *ports = NULL;
    if (!content)
        return NULL;
    g_autofree char *valid = g_utf8_make_valid(content, -1);
    g_auto(GStrv) lines = g_strsplit(valid, "\n", -1);
    if (g_strcmp0(lines[0], PLAN_HEAD) != 0)
        return NULL;
    MonitorSandboxPlan *plan = g_new0(MonitorSandboxPlan, 1);
    for (char **line = lines + 1; *line; line++)
        take_line(plan, &ports, *line);
    if (ports) {
        g_free(plan->network);
        plan->network = g_steal_pointer(&ports);
    }
    return plan;
}

void monitor_sandbox_plan_free(MonitorSandboxPlan *plan)
{
    g_free(plan->writable);
    g_free(plan->unreadable);
    g_free(plan->network);
    g_free(plan);
}
