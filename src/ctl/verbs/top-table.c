/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ctl/verbs/top-table.h"

#include <unistd.h>

#include "ctl/terminal.h"
#include "ctl/verbs/top-command.h"
#include "ctl/verbs/top-keys.h"

#define CTRL_C 0x03

static int selected_index(const TopTable *table)
{
    int index =
        table->selected ? top_model_find(&table->model, table->selected_host, table->selected) : -1;
    return MAX(index, 0);
}

static const TopRun *selected_run(const TopTable *table)
{
    return table->model.runs->len > 0 ? table->model.runs->pdata[selected_index(table)] : NULL;
}

static void select_index(TopTable *table, int index)
{
    int n = (int)table->model.runs->len;
    if (n == 0)
        return;
    const TopRun *run = table->model.runs->pdata[CLAMP(index, 0, n - 1)];
    g_free(table->selected);
    table->selected = g_strdup(run->info->run_id);
    table->selected_host = run->host;
}

void top_table_draw(TopTable *table)
{
    if (table->help)
        top_view_draw_help();
    else
        top_view_draw(&table->model, &table->scroll, selected_index(table),
                      table->asked ? table->question : table->message, table->away);
}

static void say(TopTable *table, char *message)
{
    g_free(table->message);
    table->message = message;
    top_table_draw(table);
}

static void look(TopTable *table)
{
    if (table->handler->look)
        table->handler->look(table);
}

/* --- Deeds --- */

void top_table_called(TopTable *table, const char *problem)
{
    table->n_calls--;
    say(table, g_strdup(problem));
    look(table);
}

static void act(TopTable *table, const TopDeed *deed)
{
    g_autoptr(GError) error = NULL;
    if (table->handler->act(table, deed, &error))
        table->n_calls++;
    else
        say(table, g_strdup(error->message));
}

static void ask_to_stop(TopTable *table)
{
    const TopRun *run = selected_run(table);
    if (!run)
        return;
    const RunInfo *info = run->info;
    const char *label = top_model_label(&table->model, info->project);
    g_free(table->asked);
    table->asked = g_strdup(info->run_id);
    table->asked_host = run->host;
    g_free(table->question);
    table->question =
        g_strdup_printf("Stop %s/%s%s%s%s%s? y/n", info->story, info->agent, label ? " of " : "",
                        label ?: "", run->host ? " on " : "", run->host ?: "");
}

static void stop_or_not(TopTable *table, char key)
{
    g_autofree char *asked = g_steal_pointer(&table->asked);
    int index = top_model_find(&table->model, table->asked_host, asked);
    if ((key != 'y' && key != 'Y') || index < 0)
        return;
    const TopRun *run = table->model.runs->pdata[index];
    say(table, g_strdup_printf("stopping %s/%s", run->info->story, run->info->agent));
    act(table, &(TopDeed){.action = TOP_STOP, .run = run});
}

static void freeze_or_thaw(TopTable *table)
{
    const TopRun *run = selected_run(table);
    if (!run)
        return;
    TopAction action = run_info_flag(run->info, "frozen") ? TOP_THAW : TOP_FREEZE;
    act(table, &(TopDeed){.action = action, .run = run});
}

/* Answers what the selected run asked first. */
static void answer_question(TopTable *table, const char *word)
{
    const TopRun *run = selected_run(table);
    g_autoptr(GError) error = NULL;
    OpenQuestion question;
    if (!run || !open_question_first(run->info, &question))
        return;
    const char *option = open_question_find_option(&question, word, &error);
    say(table, error ? g_strdup(error->message) : g_strdup_printf("answered: %s", option));
    if (option)
        act(table, &(TopDeed){TOP_ANSWER, run, &question, option});
}

/* Runs a command for the selected run in the terminal, and comes back to the table. */
static void run_command(TopTable *table, TopCommand command)
{
    const TopRun *run = selected_run(table);
    g_autoptr(GError) error = NULL;
    if (!run)
        return;
    top_view_close();
    terminal_restore();
    (void)top_command_run(command, table->model.ctl, run, &error);
    (void)terminal_make_raw();
    top_view_open();
    say(table, error ? g_strdup(error->message) : NULL);
    look(table);
}

/* --- Keys --- */

static void move(TopTable *table, int by)
{
    select_index(table, selected_index(table) + by);
}

/* Keys that select. */
static gboolean on_move(TopTable *table, int key)
{
    int page = MAX(table->scroll.n, 1);
    if (key == TOP_KEY_UP || key == 'k')
        move(table, -1);
    else if (key == TOP_KEY_DOWN || key == 'j')
        move(table, 1);
    else if (key == TOP_KEY_PAGE_UP)
        move(table, -page);
    else if (key == TOP_KEY_PAGE_DOWN)
        move(table, page);
    else if (key == TOP_KEY_HOME || key == 'g')
        select_index(table, 0);
    else if (key == TOP_KEY_END || key == 'G')
        select_index(table, G_MAXINT);
    else
        return FALSE;
    return TRUE;
}

static const struct {
    int key;
    TopCommand command;
} commands[] = {
    {'a', TOP_ATTACH}, {'l', TOP_LOG}, {TOP_KEY_ENTER, TOP_SHOW}, {'w', TOP_WATCH}, {'d', TOP_DIFF},
};

static void on_command(TopTable *table, int key)
{
    for (gsize i = 0; i < G_N_ELEMENTS(commands); i++)
        if (commands[i].key == key)
            run_command(table, commands[i].command);
}

static void take_action_key(TopTable *table, int key)
{
    if (key == 'q' || key == CTRL_C)
        table->done = TRUE;
    else if (key == 's')
        ask_to_stop(table);
    else if (key == 'f')
        freeze_or_thaw(table);
    else if (key == 'y' || key == 'n')
        answer_question(table, key == 'y' ? "allow" : "deny");
    else if (key == '?')
        table->help = TRUE;
    else if (!on_move(table, key))
        on_command(table, key);
}

/* Takes the first key of @n bytes, and returns how many those are. A message has been read by then;
 * that a stop is on its way is true until its reply. */
static gsize take_key(TopTable *table, const char *keys, gsize n)
{
    int key;
    gsize length = top_key_read(keys, n, &key);
    if (table->n_calls == 0)
        g_clear_pointer(&table->message, g_free);
    if (table->help)
        table->help = FALSE;
    else if (table->asked)
        stop_or_not(table, keys[0]);
    else
        take_action_key(table, key);
    return length;
}

void top_table_read_keys(TopTable *table)
{
    char keys[64];
    ssize_t n = read(STDIN_FILENO, keys, sizeof(keys));
    if (n <= 0)
        table->done = TRUE;
    /* Runs that come from now on do not take the place of the one that the keys are for. */
    if (!table->selected)
        select_index(table, 0);
    for (ssize_t i = 0; i < n && !table->done;)
        i += (ssize_t)take_key(table, keys + i, (gsize)(n - i));
    if (!table->done)
        top_table_draw(table);
}

/* --- Life and end --- */

gboolean top_table_check_terminal(GError **error)
{
    if (isatty(STDIN_FILENO) && terminal_is_stdout())
        return TRUE;
    g_set_error_literal(error, CTL_ERROR, CTL_ERROR_USAGE,
                        "top needs a terminal: programs use `storkitctl list --json`, "
                        "`storkitctl top --json` and `storkitctl watch --json`");
    return FALSE;
}

gboolean top_table_open(TopTable *table, GError **error)
{
    if (!terminal_make_raw()) {
        g_set_error_literal(error, CTL_ERROR, CTL_ERROR_FAILED,
                            "cannot switch the terminal to raw mode");
        return FALSE;
    }
    top_view_open();
    top_table_draw(table);
    return TRUE;
}

void top_table_close(TopTable *table)
{
    top_view_close();
    terminal_restore();
}

void top_table_init(TopTable *table, Ctl *ctl, const char *project, const TopHandler *handler)
{
    *table = (TopTable){.handler = handler};
    top_model_init(&table->model, ctl, project);
}

void top_table_clear(TopTable *table)
{
    top_model_clear(&table->model);
    g_free(table->selected);
    g_free(table->asked);
    g_free(table->question);
    g_free(table->message);
}
