/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ctl/table.h"

#include <stdio.h>

#include "ctl/text.h"

#define GAP 2

typedef struct {
    Style style;
    char *text;
} Cell;

struct Table {
    const Column *columns;
    guint n_columns;
    GArray *cells; /* of Cell, row by row */
    int *widths;   /* of the columns, 0: not shown */
};

static void cell_clear(gpointer cell)
{
    g_free(((Cell *)cell)->text);
}

Table *table_new(const Column *columns, guint n_columns)
{
    Table *table = g_new(Table, 1);
    *table = (Table){
        .columns = columns,
        .n_columns = n_columns,
        .cells = g_array_new(FALSE, FALSE, sizeof(Cell)),
        .widths = g_new0(int, n_columns),
    };
    g_array_set_clear_func(table->cells, cell_clear);
    return table;
}

void table_free(Table *table)
{
    g_array_unref(table->cells);
    g_free(table->widths);
    g_free(table);
}

void table_add(Table *table, Style style, const char *text)
{
    Cell cell = {.style = style, .text = text_clean(text ?: "", FALSE)};
    g_array_append_val(table->cells, cell);
}

static void measure(Table *table)
{
    g_assert(table->n_columns > 0);
    for (guint i = 0; i < table->n_columns; i++)
        table->widths[i] = 0;
    for (guint i = 0; i < table->cells->len; i++) {
        int *width = &table->widths[i % table->n_columns];
        *width = MAX(*width, text_width(g_array_index(table->cells, Cell, i).text));
    }
    for (guint i = 0; i < table->n_columns; i++)
        if (table->widths[i] > 0 || i == 0)
            table->widths[i] = MAX(MAX(table->widths[i], table->columns[i].least),
                                   text_width(table->columns[i].title));
}

static int total_width(const Table *table)
{
    int total = -GAP;
    for (guint i = 0; i < table->n_columns; i++)
        if (table->widths[i] > 0)
            total += table->widths[i] + GAP;
    return total;
}

/* The table's width with every flexible column at its minimum. */
static int least_total_width(const Table *table)
{
    int total = total_width(table);
    for (guint i = 0; i < table->n_columns; i++)
        if (table->columns[i].minimum > 0)
            total -= MAX(table->widths[i] - table->columns[i].minimum, 0);
    return total;
}

static void drop_columns(Table *table, int width)
{
    for (guint i = table->n_columns - 1; i > 0 && least_total_width(table) > width; i--)
        table->widths[i] = 0;
}

static int widest_flexible(const Table *table)
{
    int widest = -1;
    for (guint i = 0; i < table->n_columns; i++) {
        if (table->columns[i].minimum == 0 || table->widths[i] <= table->columns[i].minimum)
            continue;
        if (widest < 0 || table->widths[i] > table->widths[widest])
            widest = (int)i;
    }
    return widest;
}

static void fit(Table *table, int width)
{
    drop_columns(table, width);
    int excess = total_width(table) - width;
    for (; excess > 0; excess--) {
        int column = widest_flexible(table);
        /* With no other left, the first column gives way too. */
        if (column < 0 && table->widths[0] <= 1)
            return;
        table->widths[MAX(column, 0)]--;
    }
}

static void append_cell(Table *table, GString *line, guint column, Style style, const char *text)
{
    int width = table->widths[column];
    g_autofree char *cut = text_ellipsize(text, width);
    if (width == 0)
        return;
    if (line->len > 0)
        g_string_append_printf(line, "%*s", GAP, "");
    g_string_append(line, style_begin(style));
    text_append_padded(line, cut, width, table->columns[column].right);
    g_string_append(line, style_end(style));
}

/* Trailing blanks would wrap on a terminal that is narrower by then; styled ones stay. */
static char *finish_line(GString *line)
{
    return g_strchomp(g_string_free(line, FALSE));
}

static char *header_line(Table *table)
{
    GString *line = g_string_new(NULL);
    for (guint i = 0; i < table->n_columns; i++)
        append_cell(table, line, i, STYLE_HEADER, table->columns[i].title);
    return finish_line(line);
}

static char *row_line(Table *table, guint row)
{
    GString *line = g_string_new(NULL);
    for (guint i = 0; i < table->n_columns; i++) {
        const Cell *cell = &g_array_index(table->cells, Cell, row * table->n_columns + i);
        append_cell(table, line, i, cell->style, cell->text);
    }
    return finish_line(line);
}

GPtrArray *table_lines(Table *table, int width)
{
    GPtrArray *lines = g_ptr_array_new_with_free_func(g_free);
    measure(table);
    fit(table, width);
    g_ptr_array_add(lines, header_line(table));
    for (guint row = 0; row < table->cells->len / table->n_columns; row++)
        g_ptr_array_add(lines, row_line(table, row));
    return lines;
}

void table_print(Table *table, gboolean header)
{
    g_autoptr(GPtrArray) lines = table_lines(table, terminal_width());
    for (guint i = header ? 0 : 1; i < lines->len; i++)
        puts(lines->pdata[i]);
}
