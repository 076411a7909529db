/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "store/state-lock.h"

#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/error.h"
#include "base/util.h"
#include "host/machine.h"

#define TRIES 40
#define TRY_USEC (50 * 1000)

static char *state_folder(void)
{
    return g_build_filename(g_get_user_state_dir(), "storkit", NULL);
}

/* One for each host: those with one home leave each other's runs alone. storkitctl looks there for
 * the service's bus (ctl/bus-find.c). */
static char *lock_path(const char *folder)
{
    g_autofree char *name = g_strconcat("lock.", machine_get()->host, NULL);
    g_strdelimit(name, "/", '_');
    return g_build_filename(folder, name, NULL);
}

/* What its owner has written, "PID BUS": "" while it is at it. */
static void read_owner(int fd, char *text, gsize size)
{
    ssize_t n = pread(fd, text, size - 1, 0);
    text[MAX(n, 0)] = '\0';
}

static void set_taken_error(int fd, const char *folder, GError **error)
{
    char owner[1024];
    read_owner(fd, owner, sizeof(owner));
    char *bus = strchr(owner, ' ');
    if (bus)
        *bus++ = '\0';
    g_set_error(error, STORKIT_ERROR, STORKIT_ERROR_NOT_RUNNING,
                "the runs in %s belong to another storkitd (process %s): reach it with "
                "DBUS_SESSION_BUS_ADDRESS=%s, or end it first",
                folder, owner, bus && *bus ? bus : "unix:path=/run/user/UID/bus");
}

static gboolean lock(int fd)
{
    for (int i = 0; i < TRIES; i++) {
        if (flock(fd, LOCK_EX | LOCK_NB) == 0)
            return TRUE;
        if (errno != EWOULDBLOCK && errno != EINTR)
            return FALSE;
        g_usleep(TRY_USEC);
    }
    return FALSE;
}

gboolean state_lock_take(const char *bus, int *ret_fd, GError **error)
{
    g_autofree char *folder = state_folder();
    g_autofree char *path = lock_path(folder);
    g_autofree char *owner = g_strdup_printf("%d %s", getpid(), bus ? bus : "");
    g_mkdir_with_parents(folder, 0700);
    autofd fd = open(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
    *ret_fd = -1;
    if (fd < 0) {
        g_warning("locking %s: %s", path, g_strerror(errno));
        return TRUE;
    }
    if (!lock(fd)) {
        set_taken_error(fd, folder, error);
        return FALSE;
    }
    if (ftruncate(fd, 0) < 0 || !write_all(fd, owner, strlen(owner)))
        g_debug("writing %s: %s", path, g_strerror(errno));
    *ret_fd = fd_steal(&fd);
    return TRUE;
}
