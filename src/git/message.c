/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "git/message.h"

#include <sys/socket.h>

/* A hundred thousand worktrees. */
#define LENGTH_MAX (64u << 20)

/* --- On the wire --- */

static gboolean send_all(int socket, const char *bytes, gsize length)
{
    while (length > 0) {
        ssize_t n = TEMP_FAILURE_RETRY(send(socket, bytes, length, MSG_NOSIGNAL));
        if (n < 0)
            return FALSE;
        bytes += n;
        length -= (gsize)n;
    }
    return TRUE;
}

static gboolean receive_all(int socket, char *bytes, gsize length)
{
    while (length > 0) {
        ssize_t n = TEMP_FAILURE_RETRY(recv(socket, bytes, length, 0));
        if (n <= 0)
            return FALSE;
        bytes += n;
        length -= (gsize)n;
    }
    return TRUE;
}

gboolean message_send(int socket, GVariant *message)
{
    g_autoptr(GVariant) sent = g_variant_ref_sink(message);
    guint32 length = (guint32)g_variant_get_size(sent);
    return send_all(socket, (const char *)&length, sizeof length) &&
           send_all(socket, g_variant_get_data(sent), length);
}

GVariant *message_receive(int socket)
{
    guint32 length;
    if (!receive_all(socket, (char *)&length, sizeof length) || length > LENGTH_MAX)
        return NULL;
    g_autofree char *bytes = g_malloc(length);
    if (!receive_all(socket, bytes, length))
        return NULL;
    g_autoptr(GBytes) whole = g_bytes_new_take(g_steal_pointer(&bytes), length);
    GVariant *message = g_variant_new_from_bytes(G_VARIANT_TYPE_VARDICT, whole, FALSE);
    return g_variant_ref_sink(message);
}

/* --- A worktree: paths and names may be any bytes --- */

static void put(GVariantDict *dict, const char *key, const char *bytes)
{
    if (bytes)
        g_variant_dict_insert(dict, key, "^ay", bytes);
}

static char *take(GVariantDict *dict, const char *key)
{
    char *bytes = NULL;
    return g_variant_dict_lookup(dict, key, "^ay", &bytes) ? bytes : NULL;
}

static gboolean take_flag(GVariantDict *dict, const char *key)
{
    gboolean flag = FALSE;
    return g_variant_dict_lookup(dict, key, "b", &flag) && flag;
}

GVariant *worktree_to_variant(const Worktree *worktree)
{
    g_auto(GVariantDict) dict = G_VARIANT_DICT_INIT(NULL);
    put(&dict, "root", worktree->root);
    put(&dict, "story", worktree->story);
    put(&dict, "path", worktree->path);
    put(&dict, "branch", worktree->branch);
    put(&dict, "base-branch", worktree->base_branch);
    put(&dict, "base-commit", worktree->base_commit);
    put(&dict, "record", worktree->record);
    g_variant_dict_insert(&dict, "new-worktree", "b", worktree->new_worktree);
    g_variant_dict_insert(&dict, "new-branch", "b", worktree->new_branch);
    g_variant_dict_insert(&dict, "new-exclude", "b", worktree->new_exclude);
    g_variant_dict_insert(&dict, "prepared", "b", worktree->prepared);
    return g_variant_dict_end(&dict);
}

Worktree *worktree_from_variant(GVariant *variant)
{
    g_auto(GVariantDict) dict = G_VARIANT_DICT_INIT(variant);
    Worktree *worktree = g_new0(Worktree, 1);
    *worktree = (Worktree){
        .root = take(&dict, "root"),
        .story = take(&dict, "story"),
        .path = take(&dict, "path"),
        .branch = take(&dict, "branch"),
        .base_branch = take(&dict, "base-branch"),
        .base_commit = take(&dict, "base-commit"),
        .record = take(&dict, "record"),
        .new_worktree = take_flag(&dict, "new-worktree"),
        .new_branch = take_flag(&dict, "new-branch"),
        .new_exclude = take_flag(&dict, "new-exclude"),
        .prepared = take_flag(&dict, "prepared"),
    };
    return worktree;
}

/* --- A worktree's status --- */

GVariant *worktree_status_to_variant(const WorktreeStatus *status)
{
    g_auto(GVariantDict) dict = G_VARIANT_DICT_INIT(NULL);
    put(&dict, "story", status->story);
    put(&dict, "path", status->path);
    put(&dict, "branch", status->branch);
    put(&dict, "base-branch", status->base_branch);
    g_variant_dict_insert(&dict, "dirty", "b", status->dirty);
    g_variant_dict_insert(&dict, "ahead", "u", status->ahead);
    put(&dict, "host", status->host);
    g_variant_dict_insert(&dict, "missing", "b", status->missing);
    return g_variant_dict_end(&dict);
}

WorktreeStatus *worktree_status_from_variant(GVariant *variant)
{
    g_auto(GVariantDict) dict = G_VARIANT_DICT_INIT(variant);
    WorktreeStatus *status = g_new0(WorktreeStatus, 1);
    *status = (WorktreeStatus){
        .story = take(&dict, "story"),
        .path = take(&dict, "path"),
        .branch = take(&dict, "branch"),
        .base_branch = take(&dict, "base-branch"),
        .host = take(&dict, "host"),
        .dirty = take_flag(&dict, "dirty"),
        .missing = take_flag(&dict, "missing"),
    };
    (void)g_variant_dict_lookup(&dict, "ahead", "u", &status->ahead);
    return status;
}
