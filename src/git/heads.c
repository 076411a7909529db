/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "git/heads.h"

#include <dirent.h>
#include <string.h>
#include <sys/stat.h>

#include "base/file-mark.h"
#include "base/file-read.h"

#define HEAD_MAX (64 * 1024)

/* Shorter after a change another one may leave no trace in the file's times. */
#define SETTLED_SECONDS 2

/* Worktrees that are gone are forgotten, once they are so many more than those that are there. */
#define GONE_MAX 1000

typedef struct {
    FileMark mark; /* zeros: to be read again */
    char *text;    /* NULL: it can't be read */
} Head;

struct Heads {
    char *admins;
    GHashTable *known; /* name -> Head * */
};

static void head_free(Head *head)
{
    g_free(head->text);
    g_free(head);
}

Heads *heads_new(void)
{
    Heads *heads = g_new0(Heads, 1);
    heads->known =
        g_hash_table_new_full(g_str_hash, g_str_equal, g_free, (GDestroyNotify)head_free);
    return heads;
}

void heads_free(Heads *heads)
{
    if (!heads)
        return;
    g_free(heads->admins);
    g_hash_table_unref(heads->known);
    g_free(heads);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC(Heads, heads_free)

static gboolean is_settled(const struct stat *info)
{
    return info->st_ctim.tv_sec + SETTLED_SECONDS < g_get_real_time() / G_USEC_PER_SEC;
}

static Head *read_head(int folder, const char *file, const struct stat *info)
{
    Head *head = g_new0(Head, 1);
    if (!file_read(folder, file, HEAD_MAX, &head->text, NULL, NULL))
        return head;
    g_strchomp(head->text);
    if (is_settled(info))
        file_mark(&head->mark, info);
    return head;
}

static const Head *find(Heads *heads, int folder, const char *name)
{
    g_autofree char *file = g_build_filename(name, "HEAD", NULL);
    Head *head = g_hash_table_lookup(heads->known, name);
    FileMark now;
    struct stat info;
    if (fstatat(folder, file, &info, 0) < 0)
        return NULL;
    file_mark(&now, &info);
    if (head && file_mark_equal(&head->mark, &now))
        return head;
    head = read_head(folder, file, &info);
    g_hash_table_replace(heads->known, g_strdup(name), head);
    return head;
}

static char **find_all(Heads *heads, DIR *folder, const char *wanted)
{
    g_autoptr(GStrvBuilder) names = g_strv_builder_new();
    const struct dirent *entry;
    guint there = 0;
    while ((entry = readdir(folder))) {
        const Head *head =
            entry->d_name[0] == '.' ? NULL : find(heads, dirfd(folder), entry->d_name);
        there += head != NULL;
        if (head && g_strcmp0(head->text, wanted) == 0)
            g_strv_builder_add(names, entry->d_name);
    }
    if (g_hash_table_size(heads->known) > there + GONE_MAX)
        g_hash_table_remove_all(heads->known);
    return g_strv_builder_end(names);
}

char **heads_find(Heads *heads, const char *admins, const char *head)
{
    g_autoptr(Heads) fresh = heads ? NULL : heads_new();
    Heads *used = heads ? heads : fresh;
    DIR *folder = opendir(admins);
    if (!folder)
        return g_new0(char *, 1);
    if (g_strcmp0(used->admins, admins) != 0) {
        g_hash_table_remove_all(used->known);
        g_free(used->admins);
        used->admins = g_strdup(admins);
    }
    char **names = find_all(used, folder, head);
    closedir(folder);
    return names;
}
