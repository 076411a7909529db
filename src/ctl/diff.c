/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "json-path.h"
#include "terminal.h"
#include "verb.h"
#include "worktrees.h"

/*
 * What a story's worktree changes, uncommitted work included, against the commit where it left its
 * base: by git itself, with its pager and colours.
 */

/* Runs git and returns what it printed, or NULL with @error set. */
static char *git_output(const char *folder, GError **error, ...)
{
    g_autoptr(GPtrArray) argv = g_ptr_array_new();
    g_autoptr(GError) spawn_error = NULL;
    g_autofree char *output = NULL, *problem = NULL;
    const char *argument;
    va_list arguments;
    int status;

    g_ptr_array_add(argv, (char *)"git");
    g_ptr_array_add(argv, (char *)"-C");
    g_ptr_array_add(argv, (char *)folder);
    va_start(arguments, error);
    while ((argument = va_arg(arguments, const char *)))
        g_ptr_array_add(argv, (char *)argument);
    va_end(arguments);
    g_ptr_array_add(argv, NULL);
    if (g_spawn_sync(NULL, (char **)argv->pdata, NULL, G_SPAWN_SEARCH_PATH, NULL, NULL, &output,
                     &problem, &status, &spawn_error) &&
        g_spawn_check_wait_status(status, NULL))
        return g_steal_pointer(&output);
    g_set_error(error, CTL_ERROR, CTL_ERROR_FAILED, "git: %s",
                spawn_error ? spawn_error->message : g_strchomp(problem));
    return NULL;
}

/* The branch that the worktree began at: the service keeps it in git's config. */
static char *base_of(JsonObject *worktree, const char *path, GError **error)
{
    const char *known = json_get_string(worktree, "base_branch");
    const char *branch = json_get_string(worktree, "branch") ?: "";
    g_autofree char *key = g_strdup_printf("branch.%s.storkitBase", branch);

    if (known)
        return g_strdup(known);
    char *base = git_output(path, NULL, "config", key, NULL);
    if (base)
        return g_strchomp(base);
    g_set_error(error, CTL_ERROR, CTL_ERROR_NOT_FOUND,
                "no base branch of %s is recorded: `git -C %s diff BASE` compares it with one that "
                "you name",
                branch, path);
    return NULL;
}

static gboolean has_ref(const char *path, const char *ref)
{
    g_autofree char *output = git_output(path, NULL, "show-ref", "--verify", "--quiet", ref, NULL);

    return output != NULL;
}

/* The base's full name, which no file can have: a local branch, or one of a remote. */
static char *base_ref(const char *path, const char *base, GError **error)
{
    static const char *const prefixes[] = {"refs/heads/", "refs/remotes/"};

    for (gsize i = 0; i < G_N_ELEMENTS(prefixes); i++) {
        g_autofree char *ref = g_strconcat(prefixes[i], base, NULL);
        if (has_ref(path, ref))
            return g_steal_pointer(&ref);
    }
    g_set_error(error, CTL_ERROR, CTL_ERROR_NOT_FOUND,
                "the base branch %s is gone: `git -C %s diff --merge-base BRANCH` compares with "
                "another",
                base, path);
    return NULL;
}

static guint count_untracked(const char *path)
{
    g_autofree char *files =
        git_output(path, NULL, "ls-files", "--others", "--exclude-standard", NULL);
    guint n = 0;

    /* git quotes a newline in a name: each line is one file. */
    for (const char *p = files; p && (p = strchr(p, '\n')); p++)
        n++;
    return n;
}

static JsonObject *numstat_entry(const char *line)
{
    g_auto(GStrv) fields = g_strsplit(line, "\t", 3);
    JsonObject *file = json_object_new();

    if (g_strv_length(fields) < 3)
        return file;
    json_object_set_string_member(file, "path", fields[2]);
    json_object_set_boolean_member(file, "binary", g_str_equal(fields[0], "-"));
    json_object_set_int_member(file, "added", g_ascii_strtoll(fields[0], NULL, 10));
    json_object_set_int_member(file, "deleted", g_ascii_strtoll(fields[1], NULL, 10));
    return file;
}

static JsonArray *numstat(const char *path, const char *ref, GError **error)
{
    g_autofree char *output =
        git_output(path, error, "-c", "core.quotePath=false", "diff", "--numstat", "--no-renames",
                   "--merge-base", ref, "--", NULL);
    if (!output)
        return NULL;
    g_auto(GStrv) lines = g_strsplit(output, "\n", -1);
    JsonArray *files = json_array_new();
    for (gsize i = 0; lines[i]; i++)
        if (*lines[i])
            json_array_add_object_element(files, numstat_entry(lines[i]));
    return files;
}

static int print_summary(JsonObject *worktree, const char *path, const char *base, const char *ref,
                         GError **error)
{
    JsonArray *files = numstat(path, ref, error);

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

static void become_git(Ctl *ctl, const char *path, const char *ref, char **passed, GError **error)
{
    g_autoptr(GPtrArray) argv = g_ptr_array_new();

    g_ptr_array_add(argv, (char *)"git");
    if (ctl->no_pager)
        g_ptr_array_add(argv, (char *)"--no-pager");
    g_ptr_array_add(argv, (char *)"-C");
    g_ptr_array_add(argv, (char *)path);
    g_ptr_array_add(argv, (char *)"diff");
    if (colours_are_off())
        g_ptr_array_add(argv, (char *)"--no-color");
    g_ptr_array_add(argv, (char *)"--merge-base");
    g_ptr_array_add(argv, (char *)ref);
    for (gsize i = 0; passed[i]; i++)
        g_ptr_array_add(argv, passed[i]);
    g_ptr_array_add(argv, NULL);
    ctl_exec((char *const *)argv->pdata, error);
}

static int diff(Ctl *ctl, char **arguments, char **passed, GError **error)
{
    g_autoptr(JsonArray) worktrees = worktrees_list(ctl, error);
    JsonObject *worktree = worktrees ? worktrees_find(ctl, worktrees, arguments[0], error) : NULL;

    if (!worktree)
        return -1;
    const char *path = json_get_string(worktree, "path") ?: "";
    g_autofree char *base = base_of(worktree, path, error);
    g_autofree char *ref = base ? base_ref(path, base, error) : NULL;
    if (!ref)
        return -1;
    if (ctl->json)
        return print_summary(worktree, path, base, ref, error);
    guint untracked = count_untracked(path);
    if (untracked > 0)
        ctl_note(ctl, "%u new file%s not added to git, and so not shown below.", untracked,
                 untracked == 1 ? " is" : "s are");
    become_git(ctl, path, ref, passed, error);
    return -1;
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
