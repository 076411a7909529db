/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "git/lock.h"

#include <sys/stat.h>
#include <unistd.h>

/* The time between closing a finished lock and renaming it, which a live git does next. */
#define MOMENT_USEC 100000

static gboolean same_file(const struct stat *a, const struct stat *b)
{
    return a->st_dev == b->st_dev && a->st_ino == b->st_ino;
}

static gboolean has_open(const char *pid, const struct stat *file)
{
    g_autofree char *folder = g_build_filename("/proc", pid, "fd", NULL);
    g_autoptr(GDir) descriptors = g_dir_open(folder, 0, NULL);
    const char *name;
    while (descriptors && (name = g_dir_read_name(descriptors))) {
        g_autofree char *path = g_build_filename(folder, name, NULL);
        struct stat st;
        if (stat(path, &st) == 0 && same_file(&st, file))
            return TRUE;
    }
    return FALSE;
}

/* Only this user's processes can be looked into; only they can have made a file of this user's. */
static gboolean is_open(const struct stat *file)
{
    g_autoptr(GDir) proc = g_dir_open("/proc", 0, NULL);
    const char *name;
    while (proc && (name = g_dir_read_name(proc)))
        if (g_ascii_isdigit(*name) && has_open(name, file))
            return TRUE;
    return FALSE;
}

static gboolean is_left_over(const char *lock, guint64 since, struct stat *ret_file)
{
    if (lstat(lock, ret_file) < 0 || ret_file->st_uid != getuid())
        return FALSE;
    guint64 made = (guint64)ret_file->st_mtim.tv_sec * G_USEC_PER_SEC +
                   (guint64)ret_file->st_mtim.tv_nsec / 1000;
    return made >= since && !is_open(ret_file);
}

void git_lock_break_stale(const char *path, guint64 since)
{
    g_autofree char *lock = g_strconcat(path, ".lock", NULL);
    struct stat before, after;
    if (!is_left_over(lock, since, &before))
        return;
    g_usleep(MOMENT_USEC);
    if (!is_left_over(lock, since, &after) || !same_file(&before, &after))
        return;
    if (unlink(lock) == 0)
        g_warning("removed %s, left behind by a service that was killed", lock);
}
