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

/* What is read of a file here is at its beginning. */
#define TEXT_MAX 4096

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

/* A file of the kernel's, from its beginning; FALSE where it cannot be read. */
static gboolean read_at(int folder_fd, const char *file, char text[TEXT_MAX])
{
    autofd fd = openat(folder_fd, file, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? -1 : read(fd, text, TEXT_MAX - 1);
    text[MAX(n, 0)] = '\0';
    return n >= 0;
}

static gboolean read_file(const char *folder, const char *file, char text[TEXT_MAX])
{
    g_autofree char *path = g_build_filename(folder, file, NULL);
    return read_at(AT_FDCWD, path, text);
}

gboolean cgroup_write(const char *folder, const char *file, const char *text)
{
    g_autofree char *path = g_build_filename(folder, file, NULL);
    autofd fd = open(path, O_WRONLY | O_CLOEXEC);
    return fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);
}

gboolean cgroup_has_controller(const char *folder, const char *controller)
{
    char text[TEXT_MAX];
    if (!read_file(folder, "cgroup.controllers", text))
        return FALSE;
    g_auto(GStrv) controllers = g_strsplit(g_strchomp(text), " ", -1);
    return g_strv_contains((const char *const *)controllers, controller);
}

/* --- Figures --- */

static guint64 parse_uint(char *text, guint64 fallback)
{
    guint64 value;
    return g_ascii_string_to_unsigned(g_strchomp(text), 10, 0, G_MAXUINT64, &value, NULL)
               ? value
               : fallback;
}

static guint64 find_keyed(const char *text, const char *key, guint64 fallback)
{
    gsize length = strlen(key);
    for (const char *line = text; line; line = strchr(line, '\n')) {
        line += *line == '\n';
        if (strncmp(line, key, length) == 0 && line[length] == ' ')
            return g_ascii_strtoull(line + length + 1, NULL, 10);
    }
    return fallback;
}

guint64 cgroup_get_uint(const char *folder, const char *file, guint64 fallback)
{
    char text[TEXT_MAX];
    return read_file(folder, file, text) ? parse_uint(text, fallback) : fallback;
}

guint64 cgroup_get_keyed(const char *folder, const char *file, const char *key, guint64 fallback)
{
    char text[TEXT_MAX];
    return read_file(folder, file, text) ? find_keyed(text, key, fallback) : fallback;
}

static guint count_lines(int folder_fd)
{
    autofd fd = openat(folder_fd, "cgroup.procs", O_RDONLY | O_CLOEXEC);
    char text[TEXT_MAX];
    guint count = 0;
    ssize_t n;
    while (fd >= 0 && (n = read(fd, text, sizeof text)) > 0)
        for (ssize_t i = 0; i < n; i++)
            count += text[i] == '\n';
    return count;
}

/* Each folder in it is a link to it, beside its own two. */
static gboolean has_folders(int folder_fd)
{
    struct stat info;
    return fstat(folder_fd, &info) == 0 && info.st_nlink > 2;
}

static int open_folder(int parent_fd, const char *name)
{
    return openat(parent_fd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

static guint count_below(int folder_fd_taken, guint *folders_left)
{
    guint count = count_lines(folder_fd_taken);
    /* A folder has fifty files, and the kernel knows which entries are folders. */
    DIR *entries = has_folders(folder_fd_taken) ? fdopendir(folder_fd_taken) : NULL;
    const struct dirent *entry;
    if (!entries)
        fd_clear(&folder_fd_taken);
    while (entries && *folders_left > 0 && (entry = readdir(entries))) {
        if (entry->d_type != DT_DIR || entry->d_name[0] == '.')
            continue;
        (*folders_left)--;
        count += count_below(open_folder(dirfd(entries), entry->d_name), folders_left);
    }
    if (entries)
        closedir(entries);
    return count;
}

static guint count_processes(int folder_fd_taken)
{
    guint folders_left = MAX_FOLDERS;
    return count_below(folder_fd_taken, &folders_left);
}

guint cgroup_count_processes(const char *folder)
{
    return count_processes(open_folder(AT_FDCWD, folder));
}

/* The way to the folder is gone once: it takes longer than to read a file in it. */
void cgroup_read_figures(const char *folder, CgroupFigures *ret_figures)
{
    char text[TEXT_MAX];
    int fd = open_folder(AT_FDCWD, folder);
    *ret_figures = (CgroupFigures){0};
    if (read_at(fd, "memory.current", text))
        ret_figures->memory = parse_uint(text, 0);
    if (read_at(fd, "memory.peak", text))
        ret_figures->memory_peak = parse_uint(text, 0);
    if (read_at(fd, "cpu.stat", text))
        ret_figures->cpu_usec = find_keyed(text, "usage_usec", 0);
    ret_figures->processes = count_processes(fd);
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
