/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "host/cgroup.h"

#include <dirent.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#include "base/util.h"

/* An agent may make as many as it likes below its own, and List is not to wait for that. */
#define MAX_FOLDERS 64

/* Where cgroup2 is mounted: "/sys/fs/cgroup", or its `unified` in a hybrid layout. */
static const char *cgroup_mount(void)
{
    static const char *mount;
    struct statfs fs;
    if (!mount)
        mount = statfs("/sys/fs/cgroup", &fs) == 0 && fs.f_type == CGROUP2_SUPER_MAGIC
                    ? "/sys/fs/cgroup"
                    : "/sys/fs/cgroup/unified";
    return mount;
}

char *cgroup_folder(const char *control_group)
{
    return g_build_filename(cgroup_mount(), control_group, NULL);
}

char *cgroup_of_process(pid_t pid)
{
    g_autofree char *path = g_strdup_printf("/proc/%d/cgroup", (int)pid);
    g_autofree char *text = NULL;
    if (!g_file_get_contents(path, &text, NULL, NULL))
        return NULL;
    char *unified = g_str_has_prefix(text, "0::") ? text : strstr(text, "\n0::");
    if (!unified)
        return NULL;
    char *control_group = strchr(unified, '/');
    if (!control_group)
        return NULL;
    control_group[strcspn(control_group, "\n")] = '\0';
    return cgroup_folder(control_group);
}

static char *read_file(const char *folder, const char *file)
{
    g_autofree char *path = g_build_filename(folder, file, NULL);
    char *text = NULL;
    return g_file_get_contents(path, &text, NULL, NULL) ? text : NULL;
}

gboolean cgroup_write(const char *folder, const char *file, const char *text)
{
    g_autofree char *path = g_build_filename(folder, file, NULL);
    autofd fd = open(path, O_WRONLY | O_CLOEXEC);
    return fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);
}

gboolean cgroup_has_controller(const char *folder, const char *controller)
{
    g_autofree char *text = read_file(folder, "cgroup.controllers");
    g_auto(GStrv) controllers = text ? g_strsplit(g_strchomp(text), " ", -1) : NULL;
    return controllers && g_strv_contains((const char *const *)controllers, controller);
}

guint64 cgroup_get_uint(const char *folder, const char *file, guint64 fallback)
{
    g_autofree char *text = read_file(folder, file);
    guint64 value;
    if (!text || !g_ascii_string_to_unsigned(g_strchomp(text), 10, 0, G_MAXUINT64, &value, NULL))
        return fallback;
    return value;
}

guint64 cgroup_get_keyed(const char *folder, const char *file, const char *key, guint64 fallback)
{
    g_autofree char *text = read_file(folder, file);
    g_auto(GStrv) lines = text ? g_strsplit(text, "\n", -1) : NULL;
    gsize length = strlen(key);
    for (char **line = lines; line && *line; line++)
        if (strncmp(*line, key, length) == 0 && (*line)[length] == ' ')
            return g_ascii_strtoull(*line + length + 1, NULL, 10);
    return fallback;
}

static guint count_lines(const char *folder)
{
    g_autofree char *text = read_file(folder, "cgroup.procs");
    guint count = 0;
    for (const char *p = text; p && (p = strchr(p, '\n')); p++)
        count++;
    return count;
}

/* Each folder in it is a link to it, beside its own two. */
static gboolean has_folders(const char *folder)
{
    struct stat info;
    return stat(folder, &info) == 0 && info.st_nlink > 2;
}

static guint count_below(const char *folder, guint *folders_left)
{
    guint count = count_lines(folder);
    /* A folder has fifty files, and the kernel knows which entries are folders. */
    DIR *entries = has_folders(folder) ? opendir(folder) : NULL;
    const struct dirent *entry;
    while (entries && *folders_left > 0 && (entry = readdir(entries))) {
        if (entry->d_type != DT_DIR || entry->d_name[0] == '.')
            continue;
        g_autofree char *child = g_build_filename(folder, entry->d_name, NULL);
        (*folders_left)--;
        count += count_below(child, folders_left);
    }
    if (entries)
        closedir(entries);
    return count;
}

guint cgroup_count_processes(const char *folder)
{
    guint folders_left = MAX_FOLDERS;
    return count_below(folder, &folders_left);
}

void cgroup_kill(const char *folder)
{
    if (!cgroup_write(folder, "cgroup.kill", "1") && errno != ENOENT && errno != ENODEV)
        g_warning("killing the processes of %s: %s", folder, g_strerror(errno));
}

gboolean cgroup_is_frozen(const char *folder)
{
    return cgroup_get_keyed(folder, "cgroup.events", "frozen", 0) != 0;
}

char *cgroup_find_frozen_above(const char *folder)
{
    g_autofree char *above = g_path_get_dirname(folder);
    while (strlen(above) > strlen(cgroup_mount())) {
        if (cgroup_get_uint(above, "cgroup.freeze", 0) != 0)
            return g_path_get_basename(above);
        char *next = g_path_get_dirname(above);
        g_free(above);
        above = next;
    }
    return NULL;
}

gboolean cgroup_set_frozen(const char *folder, gboolean frozen, GError **error)
{
    if (cgroup_write(folder, "cgroup.freeze", frozen ? "1" : "0"))
        return TRUE;
    set_errno_error(error, errno, "%s %s", frozen ? "freezing" : "thawing", folder);
    return FALSE;
}
