/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "shim/reading.h"

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "shim/landlock.h"
#include "shim/shim-util.h"

typedef struct Reading {
    int ruleset;
    char *const *unreadable;
    size_t n;
} Reading;

static int allow_folder(const Reading *reading, int folder, const char *path);

/* Whether @path is @top or beneath it. */
static bool is_beneath(const char *path, const char *top)
{
    size_t length = strlen(top);
    return strncmp(path, top, length) == 0 && (path[length] == '/' || path[length] == '\0');
}

static bool is_unreadable(const Reading *reading, const char *path)
{
    for (size_t i = 0; i < reading->n; i++)
        if (is_beneath(path, reading->unreadable[i]))
            return true;
    return false;
}

static bool leads_to_unreadable(const Reading *reading, const char *path)
{
    for (size_t i = 0; i < reading->n; i++)
        if (is_beneath(reading->unreadable[i], path))
            return true;
    return false;
}

/* What can't be opened can't be read either. */
static int allow_entry(const Reading *reading, int folder, const char *name, const char *parent)
{
    char path[PATH_MAX];
    struct stat info;
    int length = snprintf(path, sizeof path, "%s/%s", parent, name);
    if (length >= (int)sizeof path || is_unreadable(reading, path))
        return 0;
    autofd fd = open_at(folder, name, O_PATH | O_NOFOLLOW);
    if (fd < 0 || fstat(fd, &info) < 0 || S_ISLNK(info.st_mode))
        return 0;
    if (S_ISDIR(info.st_mode) && leads_to_unreadable(reading, path))
        return allow_folder(reading, fd, path);
    return landlock_allow_path(reading->ruleset, fd, LANDLOCK_FS_READ_FILE);
}

static int allow_folder(const Reading *reading, int folder, const char *path)
{
    int copy = open_at(folder, ".", O_RDONLY | O_DIRECTORY);
    DIR *stream = copy < 0 ? NULL : fdopendir(copy);
    if (!stream) {
        fd_clear(&copy);
        return 0;
    }
    struct dirent *entry;
    int r = 0;
    while (r == 0 && (entry = readdir(stream)))
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
            r = allow_entry(reading, dirfd(stream), entry->d_name, path);
    closedir(stream);
    return r;
}

int reading_allow_but(int ruleset, char *const *unreadable, size_t n)
{
    const Reading reading = {ruleset, unreadable, n};
    autofd root = open_at(AT_FDCWD, "/", O_PATH | O_DIRECTORY);
    if (root < 0)
        return root;
    int r = landlock_allow_path(ruleset, root, LANDLOCK_FS_READ_DIR);
    return r < 0 ? r : allow_folder(&reading, root, "");
}
