/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "git/calls.h"

#include "base/test-hooks.h"
#include "git/helper.h"
#include "git/message.h"

/* A look at a repository, whose disk may be slow. */
#define LOOK_MSEC 60000

/* Git's program has a limit of its own, of ten minutes, and a better message. */
#define WORK_MSEC (11 * 60 * 1000)

static guint look_msec(void)
{
    return test_limit("STORKIT_GIT_LOOK_MSEC", LOOK_MSEC);
}

static guint work_msec(void)
{
    return test_limit("STORKIT_GIT_WORK_MSEC", WORK_MSEC);
}

/* What every call has. */
static void begin(GVariantDict *dict, const GitContext *context, const char *root)
{
    g_variant_dict_init(dict, NULL);
    g_variant_dict_insert(dict, "root", "^ay", root);
    if (context->environment)
        g_variant_dict_insert(dict, "environment", "^aay", context->environment);
}

static GVariant *call(const GitContext *context, const char *method, GVariantDict *dict,
                      guint limit_msec, GError **error)
{
    return git_helper_call(method, g_variant_dict_end(dict), limit_msec, context->cancellable,
                           error);
}

static GBytes *take_config(GVariant *answer)
{
    g_autoptr(GVariant) text = g_variant_lookup_value(answer, "config", G_VARIANT_TYPE("ay"));
    return text ? g_variant_get_data_as_bytes(text) : NULL;
}

char *git_call_resolve(const char *path, GBytes **ret_config, GError **error)
{
    const GitContext context = {NULL, NULL};
    GVariantDict dict;
    begin(&dict, &context, path);
    g_variant_dict_insert(&dict, "config", "b", ret_config != NULL);
    g_autoptr(GVariant) answer = call(&context, "resolve", &dict, look_msec(), error);
    char *root = NULL;
    if (answer)
        g_variant_lookup(answer, "root", "^ay", &root);
    if (answer && ret_config)
        *ret_config = take_config(answer);
    return root;
}

gboolean git_call_read_config(const GitContext *context, const char *root, GBytes **ret_config,
                              GError **error)
{
    GVariantDict dict;
    begin(&dict, context, root);
    g_autoptr(GVariant) answer = call(context, "read-config", &dict, look_msec(), error);
    if (answer)
        *ret_config = take_config(answer);
    return answer != NULL;
}

Worktree *git_call_plan(const GitContext *context, const char *root, const char *story,
                        const char *base_branch, const char *place, GError **error)
{
    GVariantDict dict;
    begin(&dict, context, root);
    g_variant_dict_insert(&dict, "story", "^ay", story);
    if (base_branch)
        g_variant_dict_insert(&dict, "base-branch", "^ay", base_branch);
    if (place)
        g_variant_dict_insert(&dict, "place", "^ay", place);
    g_autoptr(GVariant) answer = call(context, "plan", &dict, look_msec(), error);
    return answer ? worktree_from_variant(answer) : NULL;
}

gboolean git_call_create(const GitContext *context, const Worktree *worktree, gboolean needs_setup,
                         const char *const *copy, GError **error)
{
    /* The plan has just seen the tree, and there is nothing to make. */
    if (!worktree->new_worktree && (needs_setup || worktree->prepared))
        return TRUE;
    GVariantDict dict;
    begin(&dict, context, worktree->root);
    g_variant_dict_insert_value(&dict, "worktree", worktree_to_variant(worktree));
    g_variant_dict_insert(&dict, "needs-setup", "b", needs_setup);
    if (copy)
        g_variant_dict_insert(&dict, "copy", "^aay", copy);
    g_autoptr(GVariant) answer = call(context, "create", &dict, work_msec(), error);
    return answer != NULL;
}

gboolean git_call_undo(const GitContext *context, const Worktree *worktree, guint64 since,
                       gboolean all, GError **error)
{
    GVariantDict dict;
    begin(&dict, context, worktree->root);
    g_variant_dict_insert_value(&dict, "worktree", worktree_to_variant(worktree));
    g_variant_dict_insert(&dict, "since", "t", since);
    g_variant_dict_insert(&dict, "all", "b", all);
    g_autoptr(GVariant) answer = call(context, "undo", &dict, work_msec(), error);
    return answer != NULL;
}

WorktreeStatus *git_call_status(const GitContext *context, const char *root, const char *story,
                                GError **error)
{
    GVariantDict dict;
    begin(&dict, context, root);
    g_variant_dict_insert(&dict, "story", "^ay", story);
    g_autoptr(GVariant) answer = call(context, "status", &dict, look_msec(), error);
    g_autoptr(GVariant) status =
        answer ? g_variant_lookup_value(answer, "status", G_VARIANT_TYPE_VARDICT) : NULL;
    return status ? worktree_status_from_variant(status) : NULL;
}

GPtrArray *git_call_list(const GitContext *context, const char *root, GError **error)
{
    GVariantDict dict;
    begin(&dict, context, root);
    g_autoptr(GVariant) answer = call(context, "list", &dict, look_msec(), error);
    g_autoptr(GVariant) entries =
        answer ? g_variant_lookup_value(answer, "worktrees", G_VARIANT_TYPE("aa{sv}")) : NULL;
    if (!answer)
        return NULL;
    GPtrArray *list = g_ptr_array_new_with_free_func((GDestroyNotify)worktree_status_free);
    for (gsize i = 0; entries && i < g_variant_n_children(entries); i++) {
        g_autoptr(GVariant) entry = g_variant_get_child_value(entries, i);
        g_ptr_array_add(list, worktree_status_from_variant(entry));
    }
    return list;
}

gboolean git_call_remove(const GitContext *context, const char *root, const char *story,
                         gboolean force, GError **error)
{
    GVariantDict dict;
    begin(&dict, context, root);
    g_variant_dict_insert(&dict, "story", "^ay", story);
    g_variant_dict_insert(&dict, "force", "b", force);
    g_autoptr(GVariant) answer = call(context, "remove", &dict, work_msec(), error);
    return answer != NULL;
}
