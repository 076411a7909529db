/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/util.h"

#include <fcntl.h>
#include <sys/stat.h>

int open_regular(int folder_fd, const char *name, int flags)
{
    autofd fd =
        openat(folder_fd, name, flags | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY, 0600);
    struct stat st;
    if (fd < 0 || fstat(fd, &st) < 0)
        return -1;
    if (!S_ISREG(st.st_mode)) {
        errno = S_ISDIR(st.st_mode) ? EISDIR : EINVAL;
        return -1;
    }
    return fd_steal(&fd);
}

gboolean write_all(int fd, const char *text, gsize length)
{
    while (length > 0) {
        ssize_t n = write(fd, text, length);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return FALSE;
        text += n;
        length -= (gsize)n;
    }
    return TRUE;
}

void set_errno_error_full(GError **error, int errnum, char *what_taken)
{
    g_set_error(error, G_FILE_ERROR, (int)g_file_error_from_errno(errnum), "%s: %s", what_taken,
                g_strerror(errnum));
    g_free(what_taken);
}

char *find_program_in(char *const *environment, const char *name)
{
    const char *path = g_environ_getenv((char **)environment, "PATH");
    g_auto(GStrv) folders = g_strsplit(path ? path : "/usr/local/bin:/usr/bin:/bin", ":", -1);
    for (char **folder = folders; *folder; folder++) {
        g_autofree char *file = g_build_filename(*folder, name, NULL);
        if (g_path_is_absolute(file) && g_file_test(file, G_FILE_TEST_IS_EXECUTABLE) &&
            !g_file_test(file, G_FILE_TEST_IS_DIR))
            return g_steal_pointer(&file);
    }
    return NULL;
}

gboolean errno_is_shortage(int errnum)
{
    return errnum == EMFILE || errnum == ENFILE || errnum == ENOMEM;
}

gboolean error_is_shortage(const GError *error)
{
    return g_error_matches(error, G_FILE_ERROR, G_FILE_ERROR_MFILE) ||
           g_error_matches(error, G_FILE_ERROR, G_FILE_ERROR_NFILE) ||
           g_error_matches(error, G_FILE_ERROR, G_FILE_ERROR_NOMEM);
}
