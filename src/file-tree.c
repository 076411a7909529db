/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "file-tree.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <linux/openat2.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "util.h"

/* A DIR takes the descriptor it is made of, so it gets one of its own. */
static DIR *open_entries(int fd)
{
    autofd own = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *entries = own >= 0 ? fdopendir(own) : NULL;

    if (entries)
        fd_steal(&own);
    return entries;
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC(DIR, closedir)

static gboolean is_dots(const char *name)
{
    return g_str_equal(name, ".") || g_str_equal(name, "..");
}

/** The next name that is neither "." nor ".."; NULL at the end, and on failure with errno set. */
static const char *next_entry(DIR *entries)
{
    struct dirent *entry;

    do {
        errno = 0;
        entry = readdir(entries);
    } while (entry && (g_str_equal(entry->d_name, ".") || g_str_equal(entry->d_name, "..")));
    return entry ? entry->d_name : NULL;
}

static int open_folder(int parent, const char *name)
{
    return openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

/** Lets the owner list and change the folder. Racing with its replacement by a link is harmless:
 *  the mode of a link's target is not touched. */
static gboolean make_writable(int parent, const char *name)
{
    autofd folder = openat(parent, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    g_autofree char *link = g_strdup_printf("/proc/self/fd/%d", folder);

    return folder >= 0 && chmod(link, 0700) == 0;
}

static gboolean remove_at(int parent, const char *name);

static gboolean remove_entries(int folder)
{
    g_autoptr(DIR) entries = open_entries(folder);
    const char *name;

    if (!entries)
        return FALSE;
    while ((name = next_entry(entries))) {
        if (!remove_at(folder, name))
            return FALSE;
    }
    return errno == 0;
}

static gboolean remove_folder_at(int parent, const char *name)
{
    autofd folder = open_folder(parent, name);

    if (folder < 0 && errno == EACCES && make_writable(parent, name))
        folder = open_folder(parent, name);
    if (folder < 0)
        return errno == ENOENT;
    if (!remove_entries(folder)) {
        /* One that may be read but not changed shows only now. */
        if (errno != EACCES || !make_writable(parent, name) || !remove_entries(folder))
            return FALSE;
    }
    return unlinkat(parent, name, AT_REMOVEDIR) == 0 || errno == ENOENT;
}

static gboolean remove_at(int parent, const char *name)
{
    if (unlinkat(parent, name, 0) == 0 || errno == ENOENT)
        return TRUE;
    return errno == EISDIR && remove_folder_at(parent, name);
}

gboolean file_tree_remove(const char *path, GError **error)
{
    if (remove_at(AT_FDCWD, path))
        return TRUE;
    set_errno_error(error, errno, "%s can't be removed", path);
    return FALSE;
}

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
    autofd target = -1;

    if (source < 0)
        return FALSE;
    target = openat(to, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
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

static gboolean copy_entry(const Copy *copy, int from, int to, const char *name, const char *path);

static gboolean copy_entries(const Copy *copy, int from, int to, const char *path)
{
    g_autoptr(DIR) entries = open_entries(from);
    const char *name;

    if (!entries)
        return FALSE;
    while ((name = next_entry(entries))) {
        g_autofree char *below = g_build_filename(path, name, NULL);
        if (!copy_entry(copy, from, to, name, below))
            return FALSE;
    }
    return errno == 0;
}

static gboolean copy_folder(const Copy *copy, int from, int to, const char *name, const char *path,
                            const struct stat *info)
{
    autofd source = open_folder(from, name);
    autofd target = -1;
    gboolean made;

    if (source < 0)
        return FALSE;
    made = mkdirat(to, name, 0700) == 0;
    if (!made && errno != EEXIST)
        return FALSE;
    target = open_folder(to, name);
    if (target < 0)
        return FALSE;
    /* The mode comes last: a folder that is read-only could not be filled. */
    return copy_entries(copy, source, target, path) &&
           (!made || fchmod(target, info->st_mode & 0777) == 0);
}

static gboolean copy_entry(const Copy *copy, int from, int to, const char *name, const char *path)
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
        copied = copy_folder(copy, from, to, name, path, &info);
    /* The innermost path is the one worth naming. */
    if (!copied && copy->error && !*copy->error)
        set_errno_error(copy->error, errno, "%s can't be copied", path);
    return copied;
}

/** Makes the folders of @path (relative) below @root, and opens the last one. */
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
        set_errno_error(error, errno, "%s can't be opened", path);
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
        set_errno_error(error, errno, "%s can't be copied from %s to %s", path, from, to);
        return FALSE;
    }
    if (copy_entry(&copy, source, target, name, path))
        return TRUE;
    g_propagate_error(error, g_steal_pointer(&cause));
    return FALSE;
}

static gboolean is_folder(int parent, const struct dirent *entry)
{
    struct stat info;

    if (entry->d_type != DT_UNKNOWN)
        return entry->d_type == DT_DIR;
    return fstatat(parent, entry->d_name, &info, AT_SYMLINK_NOFOLLOW) == 0 && S_ISDIR(info.st_mode);
}

static void find_at(int parent, const char *path, const char *name, gboolean top,
                    GPtrArray *folders, GPtrArray *unreadable)
{
    autofd folder = open_folder(parent, top ? path : strrchr(path, '/') + 1);
    g_autoptr(DIR) entries = folder >= 0 ? open_entries(folder) : NULL;
    struct dirent *entry;

    if (!entries) {
        if (errno != ENOENT)
            g_ptr_array_add(unreadable, g_strdup(path));
        return;
    }
    while ((entry = readdir(entries))) {
        g_autofree char *below = NULL;
        if (is_dots(entry->d_name))
            continue;
        if (g_str_equal(entry->d_name, name)) {
            if (!top)
                g_ptr_array_add(folders, g_strdup(path));
            continue;
        }
        if (!is_folder(folder, entry))
            continue;
        below = g_build_filename(path, entry->d_name, NULL);
        find_at(folder, below, name, FALSE, folders, unreadable);
    }
}

void file_tree_find(const char *path, const char *name, GPtrArray *folders, GPtrArray *unreadable)
{
    find_at(AT_FDCWD, path, name, TRUE, folders, unreadable);
}
