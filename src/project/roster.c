/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "project/roster.h"

#include <string.h>

#include "base/error.h"
#include "git/project-file.h"
#include "project/roster-toml.h"

#define CONFIG_SIZE_MAX (1024 * 1024)

/* toml++ builds and frees one level of tables per dot of a key, by recursion and without a bound of
 * its own: "a.a.a.…" of 1 MiB overflows the stack. */
#define CONFIG_DOTS_MAX 1000

static ProjectConfig *project_config_new_default(void)
{
    ProjectConfig *config = project_config_new();
    AgentConfig *agent = agent_config_new();
    agent->name = g_strdup("default");
    agent->command = g_strdup(agent->kind->program);
    agent->sandbox.mode = config->sandbox;
    g_ptr_array_add(config->agents, agent);
    return config;
}

/* Where @at is in @text, for a person: lines and columns count from 1. */
static void find_position(const char *text, const char *at, guint *ret_line, guint *ret_column)
{
    const char *line_start = text;
    *ret_line = 1;
    for (const char *c = text; c < at; c++) {
        if (*c == '\n') {
            line_start = c + 1;
            (*ret_line)++;
        }
    }
    *ret_column = (guint)g_utf8_strlen(line_start, at - line_start) + 1;
}

static gboolean refuse_at(const char *filename, const char *text, const char *at, const char *what,
                          GError **error)
{
    guint line, column;
    find_position(text, at, &line, &column);
    g_set_error(error, STORKIT_ERROR, STORKIT_ERROR_INVALID_CONFIG, "%s:%u:%u: %s", filename, line,
                column, what);
    return FALSE;
}

/* The first byte after the string that begins with the quotes at @c. Quotes that never close end at
 * the line's end, or at @end for the kind of three. */
static const char *skip_string(const char *c, const char *end)
{
    char quote = *c;
    gboolean multiline = end - c >= 3 && c[1] == quote && c[2] == quote;
    for (c += multiline ? 3 : 1; c < end; c++) {
        if (*c == '\\' && quote == '"' && c + 1 < end)
            c++;
        else if (!multiline && (*c == quote || *c == '\n'))
            return c + 1;
        else if (multiline && end - c >= 3 && *c == quote && c[1] == quote && c[2] == quote)
            break;
    }
    /* Up to two quotes may stand before the three that close. */
    for (int i = 0; i < 5 && c < end && *c == quote; i++)
        c++;
    return c;
}

/* Bounds the dots between one end of a line outside brackets and the next: toml++ cannot nest
 * deeper by keys. (It bounds nesting by brackets itself.) */
static gboolean check_depth(const char *text, gsize length, const char *filename, GError **error)
{
    const char *end = text + length;
    guint dots = 0;
    int brackets = 0;
    for (const char *c = text; c < end;) {
        if (*c == '"' || *c == '\'') {
            c = skip_string(c, end);
            continue;
        }
        if (*c == '#') {
            const char *newline = memchr(c, '\n', (gsize)(end - c));
            c = newline ? newline : end;
            continue;
        }
        if (*c == '[' || *c == '{')
            brackets++;
        else if (*c == ']' || *c == '}')
            brackets--;
        else if (*c == '\n' && brackets <= 0)
            dots = 0;
        else if (*c == '.' && ++dots > CONFIG_DOTS_MAX)
            return refuse_at(filename, text, c, "too many dots: keys must not nest this deep",
                             error);
        c++;
    }
    return TRUE;
}

static gboolean check_text(const char *text, gsize length, const char *filename, GError **error)
{
    const char *bad;
    if (length > CONFIG_SIZE_MAX) {
        g_set_error(error, STORKIT_ERROR, STORKIT_ERROR_INVALID_CONFIG,
                    "%s: larger than 1 MiB; keep long prompts in files that the agent reads",
                    filename);
        return FALSE;
    }
    if (!g_utf8_validate(text, (gssize)length, &bad))
        return refuse_at(filename, text, bad, "not UTF-8; save the file in that encoding", error);
    return check_depth(text, length, filename, error);
}

ProjectConfig *project_config_parse(const char *text, gsize length, const char *filename,
                                    GError **error)
{
    if (!check_text(text, length, filename, error))
        return NULL;
    g_autoptr(ProjectConfig) config = project_config_new();
    if (!config_toml_read(text, length, filename, config, error))
        return NULL;
    return g_steal_pointer(&config);
}

ProjectConfig *project_config_of_file(GBytes *contents, const char *project_root, GError **error)
{
    g_autofree char *filename = g_build_filename(project_root, PROJECT_FILE, NULL);
    if (!contents)
        return project_config_new_default();
    gsize length;
    const char *text = g_bytes_get_data(contents, &length);
    return project_config_parse(text ? text : "", length, filename, error);
}

ProjectConfig *project_config_load(const GitContext *git, const char *project_root, GError **error)
{
    g_autoptr(GBytes) contents = NULL;
    if (!git_call_read_config(git, project_root, &contents, error))
        return NULL;
    return project_config_of_file(contents, project_root, error);
}
