/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "project/roster.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "project/roster-toml.h"
#include "base/error.h"

#define CONFIG_FILE ".storkit/project.toml"
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

/* Bounds the dots between one end of a line outside brackets and the next: no deeper can toml++
 * nest by keys. (Its nesting by brackets is bounded by itself.) */
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

/* A link that leads nowhere stands for a roster that is elsewhere: the default agent, which may do
 * anything, is not what was meant. */
static gboolean is_missing(const char *filename)
{
    struct stat st;

    return lstat(filename, &st) < 0 && errno == ENOENT;
}

static ProjectConfig *load_without_file(const char *filename, GError **error)
{
    if (is_missing(filename))
        return project_config_new_default();
    g_set_error(error, STORKIT_ERROR, STORKIT_ERROR_INVALID_CONFIG,
                "%s: a link to a file that is not there: make that file, or remove the link",
                filename);
    return NULL;
}

static gboolean refuse_errno(const char *filename, int errsv, GError **error)
{
    g_set_error(error, STORKIT_ERROR, STORKIT_ERROR_INVALID_CONFIG, "%s: cannot be read: %s",
                filename, g_strerror(errsv));
    return FALSE;
}

/* @fd is at its start. Reads one byte more than is allowed, so that check_text() sees the excess
 * even where the file has grown since it was opened. */
static gboolean read_regular(int fd, const char *filename, GByteArray *contents, GError **error)
{
    struct stat st;

    if (fstat(fd, &st) < 0)
        return refuse_errno(filename, errno, error);
    if (!S_ISREG(st.st_mode)) {
        g_set_error(error, STORKIT_ERROR, STORKIT_ERROR_INVALID_CONFIG,
                    "%s: %s, not a file: make it a regular file or remove it", filename,
                    S_ISDIR(st.st_mode) ? "a directory" : "a special file");
        return FALSE;
    }
    g_byte_array_set_size(contents, CONFIG_SIZE_MAX + 1);
    gsize filled = 0;
    while (filled < contents->len) {
        gssize n = TEMP_FAILURE_RETRY(read(fd, contents->data + filled, contents->len - filled));
        if (n < 0)
            return refuse_errno(filename, errno, error);
        if (n == 0)
            break;
        filled += (gsize)n;
    }
    g_byte_array_set_size(contents, (guint)filled);
    return TRUE;
}

ProjectConfig *project_config_load(const char *project_root, GError **error)
{
    g_autofree char *filename = g_build_filename(project_root, CONFIG_FILE, NULL);
    g_autoptr(GByteArray) contents = g_byte_array_new();

    /* O_NONBLOCK: a FIFO of that name must not hold us up before it is refused. */
    int fd = open(filename, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0 && errno == ENOENT)
        return load_without_file(filename, error);
    if (fd < 0) {
        refuse_errno(filename, errno, error);
        return NULL;
    }
    gboolean ok = read_regular(fd, filename, contents, error);
    close(fd);
    if (!ok)
        return NULL;
    return project_config_parse((const char *)contents->data, contents->len, filename, error);
}
