/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ctl/verbs/top-command.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "ctl/terminal.h"

static GStrv command_line(TopCommand command, const Ctl *ctl, const TopRun *run)
{
    const RunInfo *info = run->info;
    g_autoptr(GStrvBuilder) builder = g_strv_builder_new();
    g_autofree char *name = g_strdup_printf("%s/%s", info->story, info->agent);
    g_strv_builder_add_many(builder, "/proc/self/exe", "-C", info->project, NULL);
    if (run->host)
        g_strv_builder_add_many(builder, "-H", run->host, NULL);
    if (ctl->no_pager)
        g_strv_builder_add(builder, "--no-pager");
    const char *const of_run[] = {
        [TOP_ATTACH] = "attach", [TOP_LOG] = "log",   [TOP_SHOW] = "show",
        [TOP_WATCH] = "watch",   [TOP_DIFF] = "diff",
    };
    g_strv_builder_add_many(builder, of_run[command], command == TOP_DIFF ? info->story : name,
                            NULL);
    if (command == TOP_LOG)
        g_strv_builder_add_many(builder, "--", "--pager-end", NULL);
    return g_strv_builder_end(builder);
}

/* The default of systemd's programs lets less end at once where the text fits the screen (whether
 * it then does depends on the versions of both). */
static GStrv command_environment(void)
{
    return g_environ_setenv(g_get_environ(), "SYSTEMD_LESS", "RSMK", FALSE);
}

/* Whether the pager that journalctl takes stays until a key is pressed; only less does. */
static gboolean pager_waits(const Ctl *ctl)
{
    const char *pager = g_getenv("SYSTEMD_PAGER") ?: g_getenv("PAGER");
    g_autofree char *less = g_find_program_in_path("less");
    return !ctl->no_pager && (pager ? strstr(pager, "less") : less) != NULL;
}

static const int key_signals[] = {SIGINT, SIGQUIT};

static void set_key_signals(sighandler_t handler)
{
    for (gsize i = 0; i < G_N_ELEMENTS(key_signals); i++)
        signal(key_signals[i], handler);
}

static void save_key_signals(struct sigaction *actions)
{
    for (gsize i = 0; i < G_N_ELEMENTS(key_signals); i++)
        sigaction(key_signals[i], NULL, &actions[i]);
}

static void restore_key_signals(const struct sigaction *actions)
{
    for (gsize i = 0; i < G_N_ELEMENTS(key_signals); i++)
        sigaction(key_signals[i], &actions[i], NULL);
}

/* Whether the attached run is still there: if not, attach's message about the end must stay
 * readable. */
static gboolean runs_on(const Ctl *ctl, const RunInfo *info)
{
    g_autoptr(JsonNode) node =
        bus_ask_quickly(ctl->bus, "Get", "sss", info->project, info->story, info->agent);
    g_autoptr(RunInfo) now = node ? run_info_new(node) : NULL;
    return now && run_info_is_live(now) && g_str_equal(now->run_id, info->run_id);
}

static gboolean must_wait(TopCommand command, const Ctl *ctl, const TopRun *run, int status)
{
    if (status != 0 || (command != TOP_LOG && command != TOP_ATTACH))
        return TRUE;
    if (command == TOP_LOG)
        return !pager_waits(ctl);
    return run->host || !runs_on(ctl, run->info);
}

/* The program gets its signals as a shell would give them. */
static void prepare_child(gpointer unused)
{
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    set_key_signals(SIG_DFL);
}

static void wait_for_key(void)
{
    char key;
    fputs("\nPress a key to go back to the table.", stderr);
    (void)terminal_make_raw();
    while (read(STDIN_FILENO, &key, 1) < 0 && errno == EINTR)
        ;
    terminal_restore();
    fputs("\n", stderr);
}

gboolean top_command_run(TopCommand command, const Ctl *ctl, const TopRun *run, GError **error)
{
    g_auto(GStrv) argv = command_line(command, ctl, run);
    g_auto(GStrv) environment = command_environment();
    struct sigaction actions[G_N_ELEMENTS(key_signals)];
    int status;
    save_key_signals(actions);
    set_key_signals(SIG_IGN);
    gboolean ran = g_spawn_sync(NULL, argv, environment, G_SPAWN_CHILD_INHERITS_STDIN,
                                prepare_child, NULL, NULL, NULL, &status, error);
    /* Where they are blocked, one that came waits: ignoring it again discards it. */
    set_key_signals(SIG_IGN);
    restore_key_signals(actions);
    if (ran && must_wait(command, ctl, run, status))
        wait_for_key();
    return ran;
}
