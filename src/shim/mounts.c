/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "shim/mounts.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "shim/shim-util.h"

/* What hidden folders and files show, of which there may be many; they lie in the first of those
 * folders, a tmpfs. */
#define EMPTY "/.empty"
#define NONE "/.none"

typedef struct View {
    const MountRule *rules;
    size_t n;
    int *trees;           /* of each rule: what it brings back; or -1 */
    bool *skipped;        /* the rule above says the same */
    char empty[PATH_MAX]; /* "": there is none yet */
    char none[PATH_MAX];
} View;

/* At one path, what may be written is not hidden. */
static int compare(const void *a, const void *b)
{
    const MountRule *left = a, *right = b;
    int order = strcmp(left->path, right->path);
    return order ? order : (int)left->kind - (int)right->kind;
}

void mounts_sort(MountRule *rules, size_t n)
{
    if (n > 0)
        qsort(rules, n, sizeof *rules, compare);
}

static bool is_beneath(const char *path, const char *top)
{
    size_t length = strlen(top);
    return strncmp(path, top, length) == 0 && (path[length] == '/' || path[length] == '\0');
}

/* The rule that decides about the place of the rule @i, or NULL. */
static const MountRule *rule_above(const View *view, size_t i)
{
    for (size_t above = i; above-- > 0;)
        if (!view->skipped[above] && is_beneath(view->rules[i].path, view->rules[above].path))
            return &view->rules[above];
    return NULL;
}

static bool has_rules_beneath(const View *view, size_t i)
{
    for (size_t next = i + 1; next < view->n; next++)
        if (view->trees[next] >= 0 && is_beneath(view->rules[next].path, view->rules[i].path))
            return true;
    return false;
}

/* --- The namespaces --- */

static int write_map(const char *name, unsigned id)
{
    char text[32];
    snprintf(text, sizeof text, "%u %u 1", id, id);
    return write_text_at(AT_FDCWD, name, text);
}

/* The ids stay what they are. Other users' files appear as nobody's. */
static int enter_namespaces(void)
{
    unsigned user = geteuid(), group = getegid();
    if (unshare(CLONE_NEWUSER | CLONE_NEWNS) < 0)
        return -errno;
    int r = write_map("/proc/self/uid_map", user);
    if (r == 0)
        r = write_text_at(AT_FDCWD, "/proc/self/setgroups", "deny");
    return r < 0 ? r : write_map("/proc/self/gid_map", group);
}

/* --- Mounts --- */

/* Returns an fd, -1 where there is nothing, or -errno. */
static int clone_tree(const char *path)
{
    int fd = open_tree(AT_FDCWD, path, OPEN_TREE_CLONE | AT_RECURSIVE | OPEN_TREE_CLOEXEC);
    if (fd < 0 && (errno == ENOENT || errno == ENOTDIR || errno == EACCES))
        return -1;
    return fd < 0 ? -errno : fd;
}

static int put_tree(int tree, const char *path)
{
    return move_mount(tree, "", AT_FDCWD, path, MOVE_MOUNT_F_EMPTY_PATH) < 0 ? -errno : 0;
}

/* @folder: an fd and "", or AT_FDCWD and a path. */
static int make_read_only(int folder, const char *path)
{
    struct mount_attr attr = {.attr_set = MOUNT_ATTR_RDONLY};
    return mount_setattr(folder, path, AT_RECURSIVE | (*path ? 0 : AT_EMPTY_PATH), &attr,
                         sizeof attr);
}

/* Whether the rule above, or none, says the same. */
static bool is_void(const MountRule *rule, const MountRule *above)
{
    if (rule->kind == MOUNT_READ)
        return !above || above->kind != MOUNT_HIDE;
    return above && (above->kind == rule->kind || strcmp(above->path, rule->path) == 0);
}

/* What is brought back later has to be taken before all becomes read-only. */
static int take_trees(View *view)
{
    for (size_t i = 0; i < view->n; i++) {
        const MountRule *rule = &view->rules[i], *above = rule_above(view, i);
        view->trees[i] = -1;
        view->skipped[i] = is_void(rule, above);
        if (view->skipped[i] || rule->kind == MOUNT_HIDE)
            continue;
        view->trees[i] = clone_tree(rule->path);
        if (view->trees[i] >= 0 && rule->kind == MOUNT_READ &&
            make_read_only(view->trees[i], "") < 0)
            return -errno;
        if (view->trees[i] < -1)
            return view->trees[i];
        view->skipped[i] = view->trees[i] < 0;
    }
    return 0;
}

/* A file that nobody may open, and a folder in which nobody can make anything. */
static int make_covers(View *view, const char *folder)
{
    if ((size_t)snprintf(view->empty, sizeof view->empty, "%s" EMPTY, folder) >=
            sizeof view->empty ||
        (size_t)snprintf(view->none, sizeof view->none, "%s" NONE, folder) >= sizeof view->none)
        return -ENAMETOOLONG;
    return mkdir(view->empty, 0500) < 0 || mknod(view->none, S_IFREG, 0) < 0 ? -errno : 0;
}

static int hide_with_tmpfs(View *view, const char *path)
{
    if (mount("tmpfs", path, "tmpfs", MS_NOSUID | MS_NODEV, "mode=0700,size=1m") < 0)
        return -errno;
    return *view->empty ? 0 : make_covers(view, path);
}

static int cover(const char *path, const char *with)
{
    autofd tree = clone_tree(with);
    return tree < 0 ? -EIO : put_tree(tree, path);
}

static int hide_folder(View *view, size_t i)
{
    struct stat info;
    const char *path = view->rules[i].path;
    if (lstat(path, &info) < 0 || !S_ISDIR(info.st_mode))
        return 0;
    if (!*view->empty || has_rules_beneath(view, i))
        return hide_with_tmpfs(view, path);
    return cover(path, view->empty);
}

/* The others, once there is something to cover them with. */
static int hide_files(const View *view)
{
    struct stat info;
    int r = 0;
    for (size_t i = 0; r == 0 && i < view->n; i++)
        if (!view->skipped[i] && view->rules[i].kind == MOUNT_HIDE &&
            lstat(view->rules[i].path, &info) == 0 &&
            (S_ISREG(info.st_mode) || S_ISSOCK(info.st_mode)))
            r = cover(view->rules[i].path, *view->none ? view->none : "/dev/null");
    return r;
}

/* Makes what is missing of @path, whose last part is to be a folder, or a file. */
static int make_place(const char *path, bool folder)
{
    char part[PATH_MAX];
    snprintf(part, sizeof part, "%s", path);
    for (char *slash = strchr(part + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        if (mkdir(part, 0700) < 0 && errno != EEXIST && errno != EROFS)
            return -errno;
        *slash = '/';
    }
    int r = folder ? mkdir(path, 0700) : mknod(path, S_IFREG | 0600, 0);
    return r < 0 && errno != EEXIST ? -errno : 0;
}

static int bring_back(View *view, size_t i)
{
    struct stat info;
    const char *path = view->rules[i].path;
    const MountRule *above = rule_above(view, i);
    if (fstat(view->trees[i], &info) < 0)
        return -errno;
    int r = above && above->kind == MOUNT_HIDE ? make_place(path, S_ISDIR(info.st_mode)) : 0;
    return r < 0 ? r : put_tree(view->trees[i], path);
}

static int mount_all(View *view)
{
    int r = make_read_only(AT_FDCWD, "/") < 0 ? -errno : 0;
    for (size_t i = 0; r == 0 && i < view->n; i++)
        if (!view->skipped[i])
            r = view->rules[i].kind == MOUNT_HIDE ? hide_folder(view, i) : bring_back(view, i);
    if (r == 0)
        r = hide_files(view);
    if (*view->empty) { /* the mounts keep them */
        rmdir(view->empty);
        unlink(view->none);
    }
    return r;
}

/* The working directory still is of the mounts before. */
static int return_to(const char *folder)
{
    return chdir(folder) < 0 ? -errno : 0;
}

int mounts_enter(const MountRule *rules, size_t n)
{
    char folder[PATH_MAX];
    View view = {.rules = rules, .n = n};
    view.trees = calloc(n + 1, sizeof *view.trees); /* the program that we become frees them */
    view.skipped = calloc(n + 1, sizeof *view.skipped);
    if (!view.trees || !view.skipped || !getcwd(folder, sizeof folder))
        return -errno;
    int r = enter_namespaces();
    if (r == 0)
        r = take_trees(&view);
    if (r == 0)
        r = mount_all(&view);
    return r < 0 ? r : return_to(folder);
}
