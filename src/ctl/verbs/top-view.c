/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ctl/verbs/top-view.h"

#include <string.h>

#include "ctl/format.h"
#include "ctl/questions.h"
#include "ctl/table.h"
#include "ctl/terminal.h"
#include "ctl/text.h"

#define OPEN "\033[?1049h\033[?25l\033[?7l"
#define CLOSE "\033[?7h\033[?25h\033[?1049l"

/* A terminal that knows it shows nothing until the frame is whole; others ignore it. */
#define FRAME_BEGIN "\033[?2026h\033[H"
#define FRAME_END "\033[J\033[?2026l"
#define LINE_END "\033[K"

#define KEYS "s stop  f freeze  a attach  l log  d diff  Enter show  ? help  q quit"
#define MARK_WIDTH 2

/* Room for "59min 59s" and "100%": a column that changes all the time must not move its
 * neighbours. */
#define TIME_WIDTH 9
#define CPU_WIDTH 4

/* clang-format off */
static const Column columns[] = {
    {"HOST"},
    {"STORY", .minimum = 8},
    {"AGENT", .minimum = 5},
    {"PROJECT", .minimum = 6},
    {"STATUS"},
    {"TIME", .right = TRUE, .least = TIME_WIDTH},
    {"MEMORY", .right = TRUE},
    {"CPU", .right = TRUE, .least = CPU_WIDTH},
    {"COST", .right = TRUE},
    {"LAST LINE", .minimum = 8},
};
/* clang-format on */

static const char *const help_lines[] = {
    "storkit top: keys",
    "",
    "  j k, arrows        select a run",
    "  PgUp PgDn          a page up, a page down",
    "  Home End, g G      the first run, the last",
    "  Enter              show everything known about the run",
    "  w                  watch its events; Ctrl-C comes back",
    "  a                  attach to its terminal; Ctrl-] comes back",
    "  l                  its log",
    "  d                  what its story changes",
    "  f                  freeze it, or let it continue",
    "  y, n               allow or deny what it asks",
    "  s                  stop it (asks first)",
    "  q                  quit",
    "",
    "Any key goes back to the table.",
};

/* What there is room for below the summary. */
typedef struct {
    gboolean blank, header, footer;
    int runs;
} Layout;

void top_view_open(void)
{
    terminal_write(OPEN, strlen(OPEN));
}

void top_view_close(void)
{
    terminal_write(CLOSE, strlen(CLOSE));
}

static char *percent(double cpu)
{
    return cpu < 0 ? g_strdup("") : g_strdup_printf("%.0f%%", cpu * 100);
}

static const char *last_line(const TopRun *run)
{
    const char *error = run_info_string(run->info, "error");
    return error ?: run_info_string(run->info, "unfinished_line") ?: run->last_line;
}

static void add_row(Table *table, const TopModel *model, const TopRun *run)
{
    const RunInfo *info = run->info;
    guint64 memory = run_info_uint(info, "memory", 0);
    g_autofree char *duration = run_info_duration(info);
    g_autofree char *size = memory > 0 ? format_bytes(memory) : NULL;
    g_autofree char *cpu = percent(run->cpu);
    g_autofree char *cost = run_info_cost(info);
    if (run->host)
        table_add(table, STYLE_NAME, run->host);
    table_add(table, STYLE_NAME, info->story);
    table_add(table, STYLE_NONE, info->agent);
    table_add(table, STYLE_NONE, top_model_label(model, info->project));
    table_add(table, run_info_status_style(info), run_info_status_word(info));
    table_add(table, STYLE_NONE, duration);
    table_add(table, STYLE_NONE, size);
    table_add(table, STYLE_NONE, cpu);
    table_add(table, STYLE_NONE, cost);
    table_add(table, STYLE_DIM, last_line(run));
}

static char *summary_line(const TopModel *model)
{
    guint running = 0, pending = 0;
    guint64 memory = 0;
    double cpu = 0, cost = 0;
    for (guint i = 0; i < model->runs->len; i++) {
        const TopRun *run = model->runs->pdata[i];
        running += run_info_is_running(run->info);
        pending += run_info_is_pending(run->info);
        memory += run_info_uint(run->info, "memory", 0);
        cpu += MAX(run->cpu, 0);
        cost += json_object_get_double_member_with_default(run->info->json, "cost_usd", 0);
    }
    /* Where the memory controller is not delegated, nobody knows. */
    g_autofree char *size = memory > 0 ? format_bytes(memory) : g_strdup("-");
    g_autofree char *load = percent(cpu);
    g_autofree char *sum = format_cost(cost);
    return g_strdup_printf("storkit: %u running, %u queued  memory %s  CPU %s  cost %s", running,
                           pending, size, load, sum);
}

static Layout lay_out(int rows)
{
    Layout layout = {.footer = rows >= 2, .header = rows >= 4, .blank = rows >= 5};
    layout.runs = MAX(rows - 1 - layout.footer - layout.header - layout.blank, 0);
    return layout;
}

/* Before each line but the first: after the last one it would scroll the screen. */
static void next_line(GString *frame)
{
    if (frame->len > strlen(FRAME_BEGIN))
        g_string_append(frame, "\r\n");
}

static void append_line(GString *frame, int width, Style style, const char *text)
{
    g_autofree char *cut = text_ellipsize(text, width);
    next_line(frame);
    g_string_append_printf(frame, "%s%s%s" LINE_END, style_begin(style), cut, style_end(style));
}

/* Moves as little as needed for the selected row to be shown, and leaves no row empty. */
static void scroll_to(TopScroll *scroll, int selected, int n_runs, int room)
{
    scroll->n = room;
    scroll->first = CLAMP(scroll->first, selected - room + 1, selected);
    scroll->first = CLAMP(scroll->first, 0, MAX(n_runs - room, 0));
}

/* Runs without room on the screen. */
static char *more_line(const TopScroll *scroll, int n_runs)
{
    int below = n_runs - scroll->first - scroll->n;
    g_autofree char *above =
        scroll->first > 0 ? g_strdup_printf("%d more above", scroll->first) : g_strdup("");
    if (below <= 0)
        return g_steal_pointer(&above);
    return g_strdup_printf("%s%s%d more below", above, *above ? ", " : "", below);
}

/* "  gpu2: unreachable since 12:03:07: …" */
static void append_problem(GString *frame, const TopProblem *problem, int width)
{
    g_autofree char *clean = text_clean(problem->text, FALSE);
    g_autofree char *line = g_strdup_printf("%*s%s: %s", MARK_WIDTH, "", problem->host, clean);
    append_line(frame, width, STYLE_BAD, line);
}

static void append_row(GString *frame, const char *line, gboolean selected)
{
    next_line(frame);
    g_string_append_printf(frame, "%s %s" LINE_END, selected ? text_glyph("▸", ">") : " ", line);
}

static int count_rows(const TopModel *model)
{
    return (int)(model->runs->len + model->problems->len);
}

static gboolean is_of_hosts(const TopModel *model)
{
    return model->runs->len == 0 || ((const TopRun *)model->runs->pdata[0])->host;
}

static Table *make_table(const TopModel *model)
{
    gsize left_out = is_of_hosts(model) ? 0 : 1;
    Table *table = table_new(columns + left_out, G_N_ELEMENTS(columns) - left_out);
    for (guint i = 0; i < model->runs->len; i++)
        add_row(table, model, model->runs->pdata[i]);
    return table;
}

/* The runs, and below them the hosts without any. */
static void append_runs(GString *frame, const TopModel *model, int first, int selected,
                        const Layout *layout, int width)
{
    g_autoptr(Table) table = make_table(model);
    g_autoptr(GPtrArray) lines = table_lines(table, width - MARK_WIDTH);
    if (layout->header) {
        next_line(frame);
        g_string_append_printf(frame, "%*s%s" LINE_END, MARK_WIDTH, "", (char *)lines->pdata[0]);
    }
    for (int i = first; i < first + layout->runs; i++) {
        if (i < (int)model->runs->len)
            append_row(frame, lines->pdata[i + 1], i == selected);
        else if (i < count_rows(model))
            append_problem(frame, model->problems->pdata[i - (int)model->runs->len], width);
        else
            append_line(frame, width, STYLE_NONE, "");
    }
}

static void append_no_runs(GString *frame, const Layout *layout, int width)
{
    for (int i = 0; i < layout->header + layout->runs; i++)
        append_line(frame, width, STYLE_DIM, i == 0 ? NO_RUNS : "");
}

/* Nobody answers what is not on the screen: a question of the selected run takes the place of the
 * keys. Caller frees. */
static char *question_line(const TopModel *model, int selected)
{
    OpenQuestion question;
    if (selected < 0 || selected >= (int)model->runs->len)
        return NULL;
    const TopRun *run = model->runs->pdata[selected];
    if (!open_question_first(run->info, &question))
        return NULL;
    g_autofree char *line = g_strdup_printf("y/n  %s  %s", question.title, question.detail);
    return text_clean(line, FALSE);
}

void top_view_draw(const TopModel *model, TopScroll *scroll, int selected, const char *footer,
                   gboolean away)
{
    g_autoptr(GString) frame = g_string_new(FRAME_BEGIN);
    g_autofree char *summary = summary_line(model);
    int rows, width;
    terminal_size(&rows, &width);
    width--; /* LINE_END would wipe a character in the last column */
    Layout layout = lay_out(rows);
    append_line(frame, width, away ? STYLE_WARN : STYLE_BOLD,
                away ? "the storkit service does not answer; waiting for it" : summary);
    scroll_to(scroll, selected, count_rows(model), layout.runs);
    g_autofree char *more = more_line(scroll, count_rows(model));
    if (layout.blank)
        append_line(frame, width, STYLE_DIM, more);
    if (count_rows(model) > 0)
        append_runs(frame, model, scroll->first, selected, &layout, width);
    else
        append_no_runs(frame, &layout, width);
    g_autofree char *question = footer ? NULL : question_line(model, selected);
    if (layout.footer)
        append_line(frame, width, footer || question ? STYLE_WARN : STYLE_DIM,
                    footer ?: question ?: KEYS);
    g_string_append(frame, FRAME_END);
    terminal_write(frame->str, frame->len);
}

void top_view_draw_help(void)
{
    g_autoptr(GString) frame = g_string_new(FRAME_BEGIN);
    int rows, width;
    terminal_size(&rows, &width);
    for (int i = 0; i < MIN(rows, (int)G_N_ELEMENTS(help_lines)); i++)
        append_line(frame, width - 1, i == 0 ? STYLE_BOLD : STYLE_NONE, help_lines[i]);
    g_string_append(frame, FRAME_END);
    terminal_write(frame->str, frame->len);
}
