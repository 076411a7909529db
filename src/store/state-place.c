/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "store/state-place.h"

#include <gio/gunixmounts.h>

#include "store/folder.h"

/* Those of FUSE are known by the program that serves them. */
static const char *const network_types[] = {
    "9p",
    "afs",
    "beegfs",
    "ceph",
    "cifs",
    "fuse.ceph-fuse",
    "fuse.glusterfs",
    "fuse.s3fs",
    "fuse.sshfs",
    "gfs2",
    "gpfs",
    "lustre",
    "nfs",
    "nfs4",
    "ocfs2",
    "smb3",
    "smbfs",
    NULL,
};

/* The folder itself need not be there yet: then the one that it will be made in decides. */
static char *file_system_of(const char *folder)
{
    g_autofree char *path = g_strdup(folder);
    while (!g_file_test(path, G_FILE_TEST_EXISTS)) {
        char *parent = g_path_get_dirname(path);
        g_free(path);
        path = parent;
    }
    GUnixMountEntry *mount = g_unix_mount_for(path, NULL);
    char *type = mount ? g_strdup(g_unix_mount_get_fs_type(mount)) : NULL;
    g_clear_pointer(&mount, g_unix_mount_free);
    return type;
}

char *state_network_file_system(void)
{
    g_autofree char *folder = runs_folder();
    const char *of_test = g_getenv("STORKIT_STATE_FILE_SYSTEM");
    g_autofree char *type = of_test ? g_strdup(of_test) : file_system_of(folder);
    return type && g_strv_contains(network_types, type) ? g_steal_pointer(&type) : NULL;
}
