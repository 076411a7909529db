/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <gio/gio.h>
#include <string.h>

#include "ctl/json-path.h"
#include "ctl/terminal.h"
#include "ctl/verb.h"
#include "ctl/verbs/worktrees.h"

/*
 * What a story's worktree changes, uncommitted work included, against the commit where it left its
 * base: by git itself, with its pager and colours.
 */

/* They would send git to another repository than the worktree's. */
static const char *const repository_variables[] = {
    "GIT_DIR",        "GIT_WORK_TREE",        "GIT_INDEX_FILE",
    "GIT_COMMON_DIR", "GIT_OBJECT_DIRECTORY", "GIT_ALTERNATE_OBJECT_DIRECTORIES",
    "GIT_NAMESPACE",  "GIT_PREFIX",
};

static void forget_other_repository(void)
{
    for (gsize i = 0; i < G_N_ELEMENTS(repository_variables); i++)
        g_unsetenv(repository_variables[i]);
}

static GPtrArray *git_argv(const char *folder)
{
    GPtrArray *argv = g_ptr_array_new();

    g_ptr_array_add(argv, (char *)"git");
    g_ptr_array_add(argv, (char *)"-C");
    g_ptr_array_add(argv, (char *)folder);
    return argv;
}

/* Runs git and returns what it printed, NULs included, or NULL with @error set. */
static GString *git_read(GPtrArray *argv, GError **error)
{
    g_autoptr(GError) problem = NULL;
    g_autoptr(GSubprocess) git = g_subprocess_newv(
        (const char *const *)argv->pdata,
        G_SUBPROCESS_FLAGS_STDOUT_PIPE | G_SUBPROCESS_FLAGS_STDERR_PIPE, &problem);
    g_autoptr(GBytes) output = NULL, said = NULL;
    gsize length;

    if (!git || !g_subprocess_communicate(git, NULL, NULL, &output, &said, &problem)) {
        g_set_error(error, CTL_ERROR, CTL_ERROR_FAILED, "git: %s", problem->message);
        return NULL;
    }
    const char *data = g_bytes_get_data(output, &length);
    if (g_subprocess_get_if_exited(git) && g_subprocess_get_exit_status(git) == 0)
        return g_string_new_len(data ?: "", (gssize)length);
    data = g_bytes_get_data(said, &length);
    g_autofree char *text = g_strndup(data ?: "", length);
    g_set_error(error, CTL_ERROR, CTL_ERROR_FAILED, "git: %s", g_strchomp(text));
    return NULL;
}

/* The same for text, with git's arguments, ended by NULL. */
static char *git_output(const char *folder, GError **error, ...)
{
    g_autoptr(GPtrArray) argv = git_argv(folder);
    const char *argument;
    va_list arguments;

    va_start(arguments, error);
    while ((argument = va_arg(arguments, const char *)))
        g_ptr_array_add(argv, (char *)argument);
    va_end(arguments);
    g_ptr_array_add(argv, NULL);
    GString *output = git_read(argv, error);
    return output ? g_string_free(output, FALSE) : NULL;
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
                "no base branch of %s is recorded: `git -C %s diff BASE` compares it with another",
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

/* What is compared, and what of it: a path in @passed needs no "--" before it. */
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

    g_ptr_array_add(argv, (char *)"diff");
    g_ptr_array_add(argv, (char *)"--numstat");
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

static void become_git(Ctl *ctl, const char *path, const char *ref, char **passed, GError **error)
{
    g_autoptr(GPtrArray) argv = git_argv(path);

    if (ctl->no_pager)
        g_ptr_array_add(argv, (char *)"--no-pager");
    g_ptr_array_add(argv, (char *)"diff");
    if (colours_are_off())
        g_ptr_array_add(argv, (char *)"--no-color");
    add_comparison(argv, ref, passed);
    ctl_exec((char *const *)argv->pdata, error);
}

static gboolean check_there(JsonObject *worktree, const char *path, GError **error)
{
    const char *story = json_get_string(worktree, "story");

    if (!json_get_boolean(worktree, "missing"))
        return TRUE;
    g_set_error(error, CTL_ERROR, CTL_ERROR_NOT_FOUND,
                "the worktree %s of story %s was removed by hand: its commits are on branch %s; "
                "`storkitctl start %s` checks it out again, `storkitctl remove %s` forgets it",
                path, story, json_get_string(worktree, "branch"), story, story);
    return FALSE;
}

static int diff(Ctl *ctl, char **arguments, char **passed, GError **error)
{
    g_autoptr(JsonArray) worktrees = worktrees_list(ctl, error);
    JsonObject *worktree = worktrees ? worktrees_find(ctl, worktrees, arguments[0], error) : NULL;

    if (!worktree)
        return -1;
    const char *path = json_get_string(worktree, "path") ?: "";
    forget_other_repository();
    g_autofree char *base =
        check_there(worktree, path, error) ? base_of(worktree, path, error) : NULL;
    g_autofree char *ref = base ? base_ref(path, base, error) : NULL;
    if (!ref)
        return -1;
    if (ctl->json)
        return print_summary(worktree, path, base, ref, passed, error);
    guint untracked = count_untracked(path);
    if (untracked > 0)
        ctl_note(ctl, "%u new file%s not added to git, so the diff lacks %s.", untracked,
                 untracked == 1 ? " is" : "s are", untracked == 1 ? "it" : "them");
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
