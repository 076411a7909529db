/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "store/folder.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <unistd.h>

#include "base/file-tree.h"
#include "base/names.h"
#include "base/util.h"

char *runs_folder(void)
{
    return g_build_filename(g_get_user_state_dir(), "storkit", "runs", NULL);
}

static char *folder_path(const char *run_id)
{
    g_assert(run_id_is_valid(run_id));
    g_autofree char *parent = runs_folder();
    return g_build_filename(parent, run_id, NULL);
}

/* A plan in a folder is only safe once the folder itself is. */
static void sync_folder(const char *path)
{
    autofd fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd >= 0)
        fsync(fd);
}

int run_folder_create(const char *run_id, GError **error)
{
    g_autofree char *path = folder_path(run_id);
    g_autofree char *parent = g_path_get_dirname(path);
    if (g_mkdir_with_parents(parent, 0700) < 0 || g_mkdir(path, 0700) < 0) {
        set_errno_error(error, errno, "making the run's folder %s", path);
        return -1;
    }
    int fd = run_folder_open(run_id, error);
    if (fd >= 0)
        sync_folder(parent);
    return fd;
}

int run_folder_open(const char *run_id, GError **error)
{
    g_autofree char *path = folder_path(run_id);
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        set_errno_error(error, errno, "opening the run's folder %s", path);
    return fd;
}

/* A file of its own: run.json may be rewritten at the same moment. */
#define ANSWERED "answered"

void run_folder_set_answered(const char *run_id)
{
    g_autoptr(GError) error = NULL;
    autofd folder_fd = run_folder_open(run_id, &error);
    autofd fd = folder_fd < 0 ? -1 : open_regular(folder_fd, ANSWERED, O_WRONLY | O_CREAT);
    if (fd < 0)
        g_warning("a restart may forget run %s: %s", run_id,
                  error ? error->message : g_strerror(errno));
}

gboolean run_folder_is_answered(int folder_fd)
{
    return faccessat(folder_fd, ANSWERED, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

/* At once: half a folder would look like a Start that was cut short, and be undone. */
void run_folder_remove(const char *run_id)
{
    g_autofree char *path = folder_path(run_id);
    g_autoptr(GError) error = NULL;
    if (!file_tree_remove_at_once(path, &error))
        g_warning("removing the run's folder: %s", error->message);
}

/* A folder without a finished run.json: nothing else had been created. If it is not empty, it
 * belongs to somebody else. */
static void remove_unfinished(const char *path)
{
    g_autofree char *record = g_build_filename(path, "run.json", NULL);
    g_autofree char *temporary = g_strconcat(record, ".new", NULL);
    if (g_file_test(record, G_FILE_TEST_EXISTS))
        return;
    g_unlink(temporary);
    if (g_rmdir(path) < 0)
        g_warning("leaving %s alone: it has no run.json", path);
}

void run_folders_tidy(void)
{
    g_autofree char *parent = runs_folder();
    file_tree_finish_removals(parent);

    g_autoptr(GDir) dir = g_dir_open(parent, 0, NULL);
    const char *name;
    while (dir && (name = g_dir_read_name(dir))) {
        g_autofree char *path = g_build_filename(parent, name, NULL);
        if (run_id_is_valid(name))
            remove_unfinished(path);
        else
            g_message("leaving %s alone: it does not belong to a run", path);
    }
}
