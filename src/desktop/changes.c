/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "desktop/changes.h"

#include <json-glib/json-glib.h>

#include "ctl/text.h"
#include "desktop/info.h"
#include "desktop/programs.h"

typedef struct {
    ChangesDone done;
    gpointer data;
} Count;

static gint64 sum_of(JsonArray *files, const char *member)
{
    gint64 sum = 0;
    for (guint i = 0; i < json_array_get_length(files); i++) {
        JsonNode *node = json_array_get_element(files, i);
        if (JSON_NODE_HOLDS_OBJECT(node))
            sum += json_object_get_int_member_with_default(json_node_get_object(node), member, 0);
    }
    return sum;
}

static char *describe(JsonObject *summary)
{
    JsonNode *node = json_object_get_member(summary, "files");
    gint64 untracked = json_object_get_int_member_with_default(summary, "untracked", 0);
    if (!node || !JSON_NODE_HOLDS_ARRAY(node))
        return NULL;
    JsonArray *files = json_node_get_array(node);
    gint64 n = json_array_get_length(files) + untracked;
    if (n == 0)
        return g_strdup("nothing changed");
    return g_strdup_printf("%" G_GINT64_FORMAT " file%s, +%" G_GINT64_FORMAT " %s%" G_GINT64_FORMAT,
                           n, n == 1 ? "" : "s", sum_of(files, "added"), text_glyph("−", "-"),
                           sum_of(files, "deleted"));
}

char *changes_from_json(const char *text, gssize length)
{
    g_autoptr(JsonParser) parser = json_parser_new();
    if (!json_parser_load_from_data(parser, text, length, NULL))
        return NULL;
    JsonNode *root = json_parser_get_root(parser);
    return root && JSON_NODE_HOLDS_OBJECT(root) ? describe(json_node_get_object(root)) : NULL;
}

static void on_counted(GObject *process, GAsyncResult *result, gpointer data)
{
    g_autoptr(GBytes) output = NULL;
    g_autofree Count *count = data;
    g_autofree char *text = NULL;
    gsize length;
    if (g_subprocess_communicate_finish(G_SUBPROCESS(process), result, &output, NULL, NULL) &&
        g_subprocess_get_successful(G_SUBPROCESS(process))) {
        const char *bytes = g_bytes_get_data(output, &length);
        text = changes_from_json(bytes ?: "", (gssize)length);
    }
    count->done(text, count->data);
}

static gboolean on_not_counted(gpointer data)
{
    g_autofree Count *count = data;
    count->done(NULL, count->data);
    return G_SOURCE_REMOVE;
}

/* git runs in an agent's worktree, and nobody asked for it: no program named in the repository's
 * configuration may run. With --json storkitctl keeps git from the rest of them. */
static GSubprocess *spawn_diff(GVariant *info)
{
    g_autoptr(GPtrArray) words = program_storkitctl_words(info);
    char **argv = program_add_words(words, "--json", "diff", info_name(info, "story_id"), "--",
                                    "--no-ext-diff", "--no-textconv", NULL);
    return g_subprocess_newv((const char *const *)argv,
                             G_SUBPROCESS_FLAGS_STDOUT_PIPE | G_SUBPROCESS_FLAGS_STDERR_SILENCE,
                             NULL);
}

void changes_count(GVariant *info, ChangesDone done, gpointer data)
{
    g_autoptr(GSubprocess) process = spawn_diff(info);
    Count *count = g_new(Count, 1);
    *count = (Count){done, data};
    if (process)
        g_subprocess_communicate_async(process, NULL, NULL, on_counted, count);
    else
        g_idle_add(on_not_counted, count);
}
