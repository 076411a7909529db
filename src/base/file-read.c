/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/file-read.h"

#include <fcntl.h>
#include <sys/stat.h>

#include "base/util.h"

static const char *kind_of(mode_t mode)
{
    switch (mode & S_IFMT) {
    case S_IFDIR:
        return "a directory";
    case S_IFIFO:
        return "a FIFO";
    case S_IFSOCK:
        return "a socket";
    default:
        return "a device";
    }
}

static gboolean refuse_size(const char *name, gsize max, GError **error)
{
    g_autofree char *size = g_format_size_full(max, G_FORMAT_SIZE_IEC_UNITS);
    g_set_error(error, G_FILE_ERROR, G_FILE_ERROR_NOSPC,
                "%s: larger than %s, which is the most "
                "that is read of such a file",
                name, size);
    return FALSE;
}

static gboolean check(const struct stat *info, const char *name, gsize max, GError **error)
{
    if (!S_ISREG(info->st_mode)) {
        g_set_error(error, G_FILE_ERROR,
                    S_ISDIR(info->st_mode) ? G_FILE_ERROR_ISDIR : G_FILE_ERROR_INVAL,
                    "%s: %s, not a regular file: remove it", name, kind_of(info->st_mode));
        return FALSE;
    }
    return info->st_size <= (off_t)max || refuse_size(name, max, error);
}

/* Takes a byte more than the file had, to see that it has not grown: kernel's own have no size. */
static gboolean read_all(int fd, const char *name, gsize max, GString *text, GError **error)
{
    char buffer[16 * 1024];
    for (;;) {
        gssize n = TEMP_FAILURE_RETRY(read(fd, buffer, sizeof buffer));
        if (n < 0) {
            set_errno_error(error, errno, "%s", name);
            return FALSE;
        }
        if (n == 0)
            return TRUE;
        if (text->len + (gsize)n > max)
            return refuse_size(name, max, error);
        g_string_append_len(text, buffer, n);
    }
}

static gboolean read_at(int folder_fd, const char *name, int flags, gsize max, char **ret_text,
                        gsize *ret_length, GError **error)
{
    /* O_NONBLOCK: a FIFO must not hold us up before it is refused. */
    autofd fd = openat(folder_fd, name, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY | flags);
    struct stat info;
    if (fd < 0 || fstat(fd, &info) < 0) {
        set_errno_error(error, errno, "%s", name);
        return FALSE;
    }
    if (!check(&info, name, max, error))
        return FALSE;
    g_autoptr(GString) text = g_string_sized_new((gsize)info.st_size + 1);
    if (!read_all(fd, name, max, text, error))
        return FALSE;
    if (ret_length)
        *ret_length = text->len;
    *ret_text = g_string_free(g_steal_pointer(&text), FALSE);
    return TRUE;
}

gboolean file_read(int folder_fd, const char *name, gsize max, char **ret_text, gsize *ret_length,
                   GError **error)
{
    return read_at(folder_fd, name, 0, max, ret_text, ret_length, error);
}

gboolean file_read_own(int folder_fd, const char *name, gsize max, char **ret_text,
                       gsize *ret_length, GError **error)
{
    return read_at(folder_fd, name, O_NOFOLLOW, max, ret_text, ret_length, error);
}

char *file_read_text(const char *path, gsize max)
{
    char *text = NULL;
    return file_read(AT_FDCWD, path, max, &text, NULL, NULL) ? text : NULL;
}

gboolean file_check(const char *path, gsize max, GError **error)
{
    struct stat info;
    return stat(path, &info) < 0 || check(&info, path, max, error);
}
