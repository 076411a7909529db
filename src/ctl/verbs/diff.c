/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "ctl/git.h"
#include "ctl/json-path.h"
#include "ctl/terminal.h"
#include "ctl/verb.h"
#include "ctl/verbs/worktrees.h"

/*
 * The changes in a story's worktree, uncommitted work included, since the commit where it left its
 * base: by git itself, with its pager and colours.
 */

/* Where git is asked without a person having to say so (--json: a desktop's notification), no
 * program that the repository's configuration names may run, and no lock of an agent's git be in
 * the way. */
#define NO_MONITOR "-c", "core.fsmonitor=false"

static guint count_untracked(const char *path)
{
    g_autofree char *files = git_output(path, NULL, NO_MONITOR, "--no-optional-locks", "ls-files",
                                        "--others", "--exclude-standard", NULL);
    /* git quotes a newline in a name: each line is one file. */
    guint n = files && *files ? 1 : 0;
    for (const char *p = files; p && (p = strchr(p, '\n')); p++)
        n++;
    return n;
}

/* The commit to compare with, and the paths: a path in @passed needs no "--" before it. */
static void add_comparison(GPtrArray *argv, const char *ref, char **passed)
{
    g_ptr_array_add(argv, (char *)"--merge-base");
    g_ptr_array_add(argv, (char *)ref);
    for (gsize i = 0; passed[i]; i++)
        g_ptr_array_add(argv, passed[i]);
    if (!passed[0])
        g_ptr_array_add(argv, (char *)"--");
    g_ptr_array_add(argv, NULL);
}

/* NULL where an option that was passed on made git print something else. */
static JsonObject *numstat_entry(const char *line)
{
    g_auto(GStrv) fields = g_strsplit(line, "\t", 3);
    if (g_strv_length(fields) < 3)
        return NULL;
    g_autofree char *path = g_utf8_make_valid(fields[2], -1);
    JsonObject *file = json_object_new();
    json_object_set_string_member(file, "path", path);
    json_object_set_boolean_member(file, "binary", g_str_equal(fields[0], "-"));
    json_object_set_int_member(file, "added", g_ascii_strtoll(fields[0], NULL, 10));
    json_object_set_int_member(file, "deleted", g_ascii_strtoll(fields[1], NULL, 10));
    return file;
}

static JsonArray *numstat(const char *path, const char *ref, char **passed, GError **error)
{
    g_autoptr(GPtrArray) argv = git_argv(path);
    static const char *const words[] = {NO_MONITOR, "--no-optional-locks", "diff", "--numstat"};
    for (gsize i = 0; i < G_N_ELEMENTS(words); i++)
        g_ptr_array_add(argv, (char *)words[i]);
    g_ptr_array_add(argv, (char *)"-z");
    g_ptr_array_add(argv, (char *)"--no-renames");
    add_comparison(argv, ref, passed);
    GString *output = git_read(argv, error);
    if (!output)
        return NULL;
    JsonArray *files = json_array_new();
    for (const char *p = output->str; p < output->str + output->len; p += strlen(p) + 1) {
        JsonObject *file = numstat_entry(p);
        if (file)
            json_array_add_object_element(files, file);
    }
    g_string_free(output, TRUE);
    return files;
}

static int print_summary(JsonObject *worktree, const char *path, const char *base, const char *ref,
                         char **passed, GError **error)
{
    JsonArray *files = numstat(path, ref, passed, error);
    if (!files)
        return -1;
    g_autoptr(JsonNode) node = json_node_new(JSON_NODE_OBJECT);
    g_autoptr(JsonObject) summary = json_object_new();
    json_object_set_string_member(summary, "story", json_get_string(worktree, "story"));
    json_object_set_string_member(summary, "worktree_path", path);
    json_object_set_string_member(summary, "base_branch", base);
    json_object_set_array_member(summary, "files", files);
    json_object_set_int_member(summary, "untracked", count_untracked(path));
    json_node_set_object(node, summary);
    ctl_print_json(node);
    return 0;
}

/* git knows nothing of NO_COLOR. */
static gboolean colours_are_off(void)
{
    return *style_begin(STYLE_BOLD) == '\0';
}

static int show_diff(Ctl *ctl, const char *path, const char *ref, char **passed, GError **error)
{
    g_autoptr(GPtrArray) argv = git_argv(path);
    if (ctl->no_pager)
        g_ptr_array_add(argv, (char *)"--no-pager");
    g_ptr_array_add(argv, (char *)"diff");
    if (colours_are_off())
        g_ptr_array_add(argv, (char *)"--no-color");
    add_comparison(argv, ref, passed);
    return git_run(argv, error);
}

static int diff(Ctl *ctl, char **arguments, char **passed, GError **error)
{
    g_autoptr(JsonArray) worktrees = worktrees_list(ctl, error);
    JsonObject *worktree = worktrees ? worktrees_find(ctl, worktrees, arguments[0], error) : NULL;
    if (!worktree)
        return -1;
    const char *path = json_get_string(worktree, "path") ?: "";
    git_forget_environment();
    g_autofree char *base =
        worktrees_check_there(worktree, error) ? git_base_of(worktree, error) : NULL;
    g_autofree char *ref = base ? git_base_ref(path, base, error) : NULL;
    if (!ref)
        return -1;
    if (ctl->json)
        return print_summary(worktree, path, base, ref, passed, error);
    guint untracked = count_untracked(path);
    if (untracked > 0)
        ctl_note(ctl, "%u new file%s not added to git, so the diff lacks %s.", untracked,
                 untracked == 1 ? " is" : "s are", untracked == 1 ? "it" : "them");
    int status = show_diff(ctl, path, ref, passed, error);
    if (status == 0 && terminal_is_stderr())
        ctl_note(ctl, "`storkitctl merge %s` merges this into %s.",
                 json_get_string(worktree, "story"), base);
    return status;
}

const Verb diff_verb = {
    .name = "diff",
    .synopsis = "[STORY] [-- OPTION…]",
    .summary = "Show what a story changes (git diff OPTION…)",
    .arguments = ARGUMENT_WORKTREE,
    .most = 1,
    .passes_on = TRUE,
    .run = diff,
};
