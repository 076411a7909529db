/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "git/untouched.h"

#include <dirent.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file-read.h"
#include "base/util.h"
#include "git/places.h"

#define DEPTH_MAX 128
#define INDEX_MAX (1024u << 20)
#define REFLOG_MAX (1u << 20)

/* --- Git's folder of it --- */

/* What git and we keep for a worktree in which nothing is unfinished: no MERGE_HEAD, no rebase, no
 * references of its own, no submodules, no settings. Ours say nothing of work. */
static gboolean is_usual(const char *name)
{
    static const char *const usual[] = {
        "COMMIT_EDITMSG", "FETCH_HEAD", "HEAD",   "ORIG_HEAD", "commondir",
        "gitdir",         "index",      "locked", "logs",      NULL,
    };
    return g_strv_contains(usual, name) || g_str_has_prefix(name, "storkit-");
}

static gboolean has_only_the_usual(const char *admin)
{
    g_autoptr(GDir) names = g_dir_open(admin, 0, NULL);
    const char *name;
    while (names && (name = g_dir_read_name(names)))
        if (!is_usual(name))
            return FALSE;
    return names != NULL;
}

/* A detached HEAD may have left commits behind: see work_add_left(). */
static gboolean was_on_branches_only(const char *admin)
{
    static const char left[] = "\tcheckout: moving from ";
    g_autofree char *file = g_build_filename(admin, "logs", "HEAD", NULL);
    g_autofree char *log = file_read_text(file, REFLOG_MAX);
    for (const char *line = log; line && (line = strstr(line, left));) {
        line += strlen(left);
        if (strspn(line, "0123456789abcdef") == GIT_OID_HEXSZ)
            return FALSE;
    }
    return log || !g_file_test(file, G_FILE_TEST_EXISTS);
}

/* The reference that HEAD is; NULL for a commit. */
static char *read_head(const char *admin)
{
    g_autofree char *file = g_build_filename(admin, "HEAD", NULL);
    g_autofree char *text = file_read_text(file, 64 * 1024);
    if (!text || !g_str_has_prefix(text, "ref: " HEADS))
        return NULL;
    return g_strdup(g_strchomp(text) + strlen("ref: "));
}

/* --- Its files --- */

typedef struct {
    git_index *index;
    struct stat saved; /* the index's file */
    gsize left;        /* how many files of it were not met yet */
} Look;

static gboolean same_time(const git_index_time *kept, const struct timespec *time)
{
    return kept->seconds == (gint32)time->tv_sec && kept->nanoseconds == (guint32)time->tv_nsec;
}

/* Whether the file is still the one that git has looked at. A file that was written at the same
 * moment as the index may have changed after that look. */
static gboolean is_as_seen(const Look *look, const git_index_entry *entry, const struct stat *info)
{
    const struct timespec *changed = &info->st_mtim, *saved = &look->saved.st_mtim;
    gboolean before = changed->tv_sec < saved->tv_sec ||
                      (changed->tv_sec == saved->tv_sec && changed->tv_nsec < saved->tv_nsec);
    return before && same_time(&entry->mtime, changed) &&
           same_time(&entry->ctime, &info->st_ctim) && entry->ino == (guint32)info->st_ino;
}

/* The content as it is: a filter of git's may find that another one is the same, too, and this one
 * is not lost with the tree in any case. */
static gboolean has_content(int folder, const char *name, const git_index_entry *entry)
{
    g_autofree char *text = NULL;
    gsize length;
    git_oid id;
    return file_read_own(folder, name, entry->file_size, &text, &length, NULL) &&
           git_odb_hash(&id, text, length, GIT_OBJECT_BLOB) == 0 && git_oid_equal(&id, &entry->id);
}

static gboolean has_target(int folder, const char *name, const git_index_entry *entry)
{
    char target[PATH_MAX];
    ssize_t length = readlinkat(folder, name, target, sizeof target);
    git_oid id;
    return length > 0 && (gsize)length < sizeof target &&
           git_odb_hash(&id, target, (gsize)length, GIT_OBJECT_BLOB) == 0 &&
           git_oid_equal(&id, &entry->id);
}

static guint32 mode_of(const struct stat *info)
{
    if (S_ISLNK(info->st_mode))
        return GIT_FILEMODE_LINK;
    if (!S_ISREG(info->st_mode))
        return GIT_FILEMODE_UNREADABLE;
    return info->st_mode & S_IXUSR ? GIT_FILEMODE_BLOB_EXECUTABLE : GIT_FILEMODE_BLOB;
}

static gboolean is_committed(Look *look, int folder, const char *name, const char *path,
                             const struct stat *info)
{
    const git_index_entry *entry = git_index_get_bypath(look->index, path, 0);
    if (!entry || entry->flags_extended || (entry->flags & GIT_INDEX_ENTRY_VALID) ||
        entry->mode != mode_of(info) || entry->file_size != (guint32)info->st_size)
        return FALSE;
    look->left--;
    if (is_as_seen(look, entry, info))
        return TRUE;
    return S_ISLNK(info->st_mode) ? has_target(folder, name, entry)
                                  : has_content(folder, name, entry);
}

static gboolean look_at_folder(Look *look, int parent, const char *name, GString *path,
                               guint depth);

/* @path: of the folder, with a slash at its end, or empty for the top. */
static gboolean look_at_entry(Look *look, int folder, const char *name, GString *path, guint depth)
{
    gsize length = path->len;
    struct stat info;
    if (g_str_equal(name, ".") || g_str_equal(name, ".."))
        return TRUE;
    /* The tree's own; any other is that of a repository inside. */
    if (g_str_equal(name, ".git"))
        return length == 0;
    if (fstatat(folder, name, &info, AT_SYMLINK_NOFOLLOW) < 0)
        return FALSE;
    g_string_append(path, name);
    gboolean fine = S_ISDIR(info.st_mode)
                        ? look_at_folder(look, folder, name, g_string_append_c(path, '/'), depth)
                        : is_committed(look, folder, name, path->str, &info);
    g_string_truncate(path, length);
    return fine;
}

static gboolean look_at_folder(Look *look, int parent, const char *name, GString *path, guint depth)
{
    autofd fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    DIR *folder = fd >= 0 && depth < DEPTH_MAX ? fdopendir(fd) : NULL;
    if (!folder)
        return FALSE;
    fd_steal(&fd);
    gboolean fine = TRUE;
    struct dirent *entry;
    while (fine && (entry = readdir(folder)))
        fine = look_at_entry(look, dirfd(folder), entry->d_name, path, depth + 1);
    closedir(folder);
    return fine;
}

static gboolean has_only_files_of(git_index *index, const struct stat *saved, const char *path)
{
    g_autoptr(GString) below = g_string_new(NULL);
    Look look = {index, *saved, git_index_entrycount(index)};
    return look_at_folder(&look, AT_FDCWD, path, below, 0) && look.left == 0;
}

/* --- All of it --- */

/* Whether the index is that of the commit at @reference. */
static gboolean is_index_of(git_index *index, const Repo *repo, const char *reference)
{
    g_autoptr(git_commit) commit = NULL;
    g_autoptr(git_tree) tree = NULL;
    git_diff *diff = NULL;
    git_oid id;
    if (git_reference_name_to_id(&id, repo->git, reference) < 0 ||
        git_commit_lookup(&commit, repo->git, &id) < 0 || git_commit_tree(&tree, commit) < 0 ||
        git_diff_tree_to_index(&diff, repo->git, tree, index, NULL) < 0)
        return FALSE;
    gboolean same = git_diff_num_deltas(diff) == 0;
    git_diff_free(diff);
    return same;
}

static gboolean has_only_committed_files(const Found *found, const char *reference)
{
    g_autofree char *file = g_build_filename(found->admin, "index", NULL);
    g_autoptr(git_index) index = NULL;
    struct stat saved;
    return stat(file, &saved) == 0 && S_ISREG(saved.st_mode) && saved.st_size <= INDEX_MAX &&
           git_index_open(&index, file) == 0 && is_index_of(index, found->repo, reference) &&
           has_only_files_of(index, &saved, found->path);
}

char *untouched_branch(const Found *found)
{
    if (!found->there || !worktree_belongs_to(found->path, found->admin) ||
        !has_only_the_usual(found->admin) || !was_on_branches_only(found->admin))
        return NULL;
    g_autofree char *reference = read_head(found->admin);
    if (!reference || !has_only_committed_files(found, reference))
        return NULL;
    return g_utf8_make_valid(reference + strlen(HEADS), -1);
}
