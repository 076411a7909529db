/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/file-tree.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/util.h"

/* Every level takes a descriptor and some stack, and an agent makes trees as deep as it likes. No
 * program that goes by paths gets below 2048. */
#define DEPTH_MAX 128
#define REMOVE_DEPTH_MAX 64

G_DEFINE_AUTOPTR_CLEANUP_FUNC(DIR, closedir)

static gboolean is_dots(const char *name)
{
    return g_str_equal(name, ".") || g_str_equal(name, "..");
}

/* The next name that is neither "." nor ".."; NULL at the end, and on failure with errno set. */
static const char *next_entry(DIR *entries)
{
    struct dirent *entry;
    do {
        errno = 0;
        entry = readdir(entries);
    } while (entry && is_dots(entry->d_name));
    return entry ? entry->d_name : NULL;
}

/* Opens a folder for readdir(); dirfd() is its descriptor. */
static DIR *open_folder(int parent, const char *name)
{
    autofd fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    DIR *folder = fd >= 0 ? fdopendir(fd) : NULL;
    if (folder)
        fd_steal(&fd);
    return folder;
}

/* Lets the owner list and change the folder. Racing with its replacement by a link is harmless:
 *  the mode of a link's target is not touched. */
static gboolean make_writable(int parent, const char *name)
{
    autofd folder = openat(parent, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    g_autofree char *link = g_strdup_printf("/proc/self/fd/%d", folder);
    return folder >= 0 && chmod(link, 0700) == 0;
}

/* ---- remove ---- */

/** A removal under way. Entries deep below the top are moved up into it and removed later: however
 * deep a tree is, few folders are open at a time. */
typedef struct {
    int top; /* the outermost folder */
    guint64 lifted;
} Removal;

static gboolean lift(Removal *removal, int parent, const char *name)
{
    char new_name[64];
    int r;
    do {
        g_snprintf(new_name, sizeof new_name, ".storkit-lifted.%" G_GUINT64_FORMAT,
                   removal->lifted++);
        r = renameat(parent, name, removal->top, new_name);
        /* The name may belong to an entry that is not removed yet. */
    } while (r < 0 && (errno == EEXIST || errno == ENOTEMPTY || errno == ENOTDIR));
    return r == 0 || errno == ENOENT;
}

static gboolean lift_folder(Removal *removal, int parent, const char *name)
{
    /* The thing that is moved must be writable, and so must the place it goes to. */
    return lift(removal, parent, name) ||
           (errno == EACCES && make_writable(parent, name) && fchmod(removal->top, 0700) == 0 &&
            lift(removal, parent, name));
}

static gboolean remove_at(Removal *removal, int parent, const char *name, guint depth);

static gboolean remove_entries(Removal *removal, DIR *folder, guint depth)
{
    const char *name;
    rewinddir(folder);
    while ((name = next_entry(folder))) {
        if (!remove_at(removal, dirfd(folder), name, depth + 1))
            return FALSE;
    }
    return errno == 0;
}

/* Removes the entries of the outermost folder, until none has been moved up into it. */
static gboolean remove_top_entries(Removal *removal, DIR *folder)
{
    guint64 lifted;
    removal->top = dirfd(folder);
    do {
        lifted = removal->lifted;
        if (!remove_entries(removal, folder, 0))
            return FALSE;
    } while (removal->lifted != lifted);
    return TRUE;
}

static gboolean empty_folder(Removal *removal, DIR *folder, guint depth)
{
    return depth == 0 ? remove_top_entries(removal, folder)
                      : remove_entries(removal, folder, depth);
}

static gboolean remove_folder_at(Removal *removal, int parent, const char *name, guint depth)
{
    g_autoptr(DIR) folder = open_folder(parent, name);
    if (!folder && errno == EACCES && make_writable(parent, name))
        folder = open_folder(parent, name);
    if (!folder)
        return errno == ENOENT;
    if (!empty_folder(removal, folder, depth)) {
        /* A folder that may be read but not changed shows only now. */
        if (errno != EACCES || !make_writable(parent, name))
            return FALSE;
        if (!empty_folder(removal, folder, depth)) {
            /* The folders above do not try this again, each twice as often as the one in it. */
            errno = errno == EACCES ? EPERM : errno;
            return FALSE;
        }
    }
    return unlinkat(parent, name, AT_REMOVEDIR) == 0 || errno == ENOENT;
}

static gboolean remove_at(Removal *removal, int parent, const char *name, guint depth)
{
    if (unlinkat(parent, name, 0) == 0 || errno == ENOENT)
        return TRUE;
    if (errno != EISDIR)
        return FALSE;
    return depth > REMOVE_DEPTH_MAX ? lift_folder(removal, parent, name)
                                    : remove_folder_at(removal, parent, name, depth);
}

gboolean file_tree_remove(const char *path, GError **error)
{
    Removal removal = {.top = -1};
    if (remove_at(&removal, AT_FDCWD, path, 0))
        return TRUE;
    set_errno_error(error, errno, "%s cannot be removed", path);
    return FALSE;
}

#define REMOVING_PREFIX "."
#define REMOVING_SUFFIX ".removing"
#define OLD_PREFIX ".removing." /* the name that 0.1.0 gave to a run's folder */

gboolean file_tree_remove_at_once(const char *path, GError **error)
{
    g_autofree char *folder = g_path_get_dirname(path);
    g_autofree char *name = g_path_get_basename(path);
    g_autofree char *hidden = g_strconcat(folder, "/" REMOVING_PREFIX, name, REMOVING_SUFFIX, NULL);
    if (!file_tree_remove(hidden, error))
        return FALSE;
    if (rename(path, hidden) == 0)
        return file_tree_remove(hidden, error);
    if (errno == ENOENT)
        return TRUE;
    set_errno_error(error, errno, "%s cannot be removed", path);
    return FALSE;
}

static gboolean is_removal(const char *name)
{
    return g_str_has_prefix(name, OLD_PREFIX) ||
           (g_str_has_prefix(name, REMOVING_PREFIX) && g_str_has_suffix(name, REMOVING_SUFFIX));
}

void file_tree_finish_removals(const char *folder)
{
    g_autoptr(GDir) names = g_dir_open(folder, 0, NULL);
    const char *name;
    while (names && (name = g_dir_read_name(names))) {
        g_autofree char *path = g_build_filename(folder, name, NULL);
        g_autoptr(GError) error = NULL;
        if (is_removal(name) && !file_tree_remove(path, &error))
            g_warning("finishing a removal: %s", error->message);
    }
}

/* ---- copy ---- */

typedef struct {
    FileTreeSkip skip;
    gpointer data;
    GError **error;
} Copy;

static int open_beneath(int root, const char *path, guint64 flags)
{
    struct open_how how = {
        .flags = flags | O_CLOEXEC,
        .resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS,
    };
    return (int)syscall(SYS_openat2, root, path, &how, sizeof how);
}

static gboolean copy_bytes(int from, int to)
{
    ssize_t count;
    /* Shares the blocks where the file system can. */
    if (ioctl(to, FICLONE, from) == 0)
        return TRUE;
    do
        count = sendfile(to, from, NULL, 1 << 30);
    while (count > 0);
    return count == 0;
}

static gboolean copy_file(int from, int to, const char *name, const struct stat *info)
{
    autofd source = openat(from, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (source < 0)
        return FALSE;
    autofd target = openat(to, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (target < 0)
        return errno == EEXIST;
    return copy_bytes(source, target) && fchmod(target, info->st_mode & 0777) == 0;
}

static gboolean copy_link(int from, int to, const char *name)
{
    char target[PATH_MAX + 1];
    ssize_t length = readlinkat(from, name, target, sizeof target - 1);
    if (length < 0)
        return FALSE;
    target[length] = '\0';
    return symlinkat(target, to, name) == 0 || errno == EEXIST;
}

static gboolean copy_entry(const Copy *copy, int from, int to, const char *name, const char *path,
                           guint depth);

static gboolean copy_entries(const Copy *copy, DIR *from, int to, const char *path, guint depth)
{
    const char *name;
    if (depth > DEPTH_MAX) {
        errno = ENAMETOOLONG;
        return FALSE;
    }
    while ((name = next_entry(from))) {
        g_autofree char *below = g_build_filename(path, name, NULL);
        if (!copy_entry(copy, dirfd(from), to, name, below, depth))
            return FALSE;
    }
    return errno == 0;
}

static gboolean copy_folder(const Copy *copy, int from, int to, const char *name, const char *path,
                            const struct stat *info, guint depth)
{
    g_autoptr(DIR) source = open_folder(from, name);
    if (!source)
        return FALSE;
    gboolean made = mkdirat(to, name, 0700) == 0;
    if (!made && errno != EEXIST)
        return FALSE;
    autofd target = openat(to, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (target < 0)
        return FALSE;
    /* The mode comes last: a read-only folder could not be filled. */
    return copy_entries(copy, source, target, path, depth + 1) &&
           (!made || fchmod(target, info->st_mode & 0777) == 0);
}

static gboolean copy_entry(const Copy *copy, int from, int to, const char *name, const char *path,
                           guint depth)
{
    struct stat info;
    gboolean copied = TRUE;
    if (copy->skip && copy->skip(path, copy->data))
        return TRUE;
    if (fstatat(from, name, &info, AT_SYMLINK_NOFOLLOW) < 0)
        return errno == ENOENT;
    if (S_ISREG(info.st_mode))
        copied = copy_file(from, to, name, &info);
    else if (S_ISLNK(info.st_mode))
        copied = copy_link(from, to, name);
    else if (S_ISDIR(info.st_mode))
        copied = copy_folder(copy, from, to, name, path, &info, depth);
    /* The innermost path is the one worth naming. */
    if (!copied && copy->error && !*copy->error)
        set_errno_error(copy->error, errno, "%s cannot be copied", path);
    return copied;
}

/* Makes the folders of @path (relative) below @root, and opens the last one. */
static int make_parents(int root, const char *path)
{
    g_auto(GStrv) names = g_strsplit(path, "/", -1);
    g_autoptr(GString) so_far = g_string_new(NULL);
    for (char **name = names; *name; name++) {
        autofd parent = open_beneath(root, so_far->len ? so_far->str : ".", O_RDONLY | O_DIRECTORY);
        if (parent < 0 || (mkdirat(parent, *name, 0777) < 0 && errno != EEXIST))
            return -1;
        g_string_append_printf(so_far, "%s%s", so_far->len ? "/" : "", *name);
    }
    return open_beneath(root, path, O_RDONLY | O_DIRECTORY);
}

static int open_root(const char *path, GError **error)
{
    int root = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (root < 0)
        set_errno_error(error, errno, "%s cannot be opened", path);
    return root;
}

gboolean file_tree_copy(const char *from, const char *to, const char *path, FileTreeSkip skip,
                        gpointer data, GError **error)
{
    g_autofree char *parent = g_path_get_dirname(path);
    g_autofree char *name = g_path_get_basename(path);
    g_autoptr(GError) cause = NULL;
    Copy copy = {skip, data, &cause};
    autofd from_root = open_root(from, error);
    autofd to_root = from_root < 0 ? -1 : open_root(to, error);
    autofd source = -1, target = -1;
    struct stat info;
    if (to_root < 0)
        return FALSE;
    source = open_beneath(from_root, parent, O_RDONLY | O_DIRECTORY);
    if (source < 0 ? errno == ENOENT : fstatat(source, name, &info, AT_SYMLINK_NOFOLLOW) < 0)
        return TRUE;
    target = source < 0 ? -1 : make_parents(to_root, parent);
    if (target < 0) {
        set_errno_error(error, errno, "%s cannot be copied from %s to %s", path, from, to);
        return FALSE;
    }
    if (copy_entry(&copy, source, target, name, path, 0))
        return TRUE;
    g_propagate_error(error, g_steal_pointer(&cause));
    return FALSE;
}

/* ---- find ---- */

static gboolean is_folder(int parent, const struct dirent *entry)
{
    struct stat info;
    if (entry->d_type != DT_UNKNOWN)
        return entry->d_type == DT_DIR;
    return fstatat(parent, entry->d_name, &info, AT_SYMLINK_NOFOLLOW) == 0 && S_ISDIR(info.st_mode);
}

/** What is looked for, and what was found. */
typedef struct {
    const char *name;
    GPtrArray *folders, *unreadable;
} Find;

static void find_at(const Find *find, int parent, const char *path, guint depth)
{
    const char *name = depth == 0 ? path : strrchr(path, '/') + 1;
    g_autoptr(DIR) folder = depth > DEPTH_MAX ? NULL : open_folder(parent, name);
    struct dirent *entry;
    if (!folder) {
        if (depth > DEPTH_MAX || errno != ENOENT)
            g_ptr_array_add(find->unreadable, g_strdup(path));
        return;
    }
    while ((entry = readdir(folder))) {
        g_autofree char *below = NULL;
        if (is_dots(entry->d_name))
            continue;
        if (g_str_equal(entry->d_name, find->name)) {
            if (depth > 0)
                g_ptr_array_add(find->folders, g_strdup(path));
            continue;
        }
        if (!is_folder(dirfd(folder), entry))
            continue;
        below = g_build_filename(path, entry->d_name, NULL);
        find_at(find, dirfd(folder), below, depth + 1);
    }
}

void file_tree_find(const char *path, const char *name, GPtrArray *folders, GPtrArray *unreadable)
{
    const Find find = {name, folders, unreadable};
    find_at(&find, AT_FDCWD, path, 0);
}
