/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "store/cursors.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "base/sigbus.h"
#include "base/util.h"

/* The file: native byte order, it never leaves the machine. */
struct File {
    guint64 format;
    guint64 cursors[3];
};

#define CURSORS_FORMAT 1

struct SinkCursors {
    gatomicrefcount references;
    struct File *file;
};

static struct File *map_file(int fd)
{
    struct stat st;
    if (fstat(fd, &st) < 0)
        return NULL;
    /* A file cut short (or never finished) by a crash is filled up with zeros: begin again. */
    int r =
        (gsize)st.st_size < sizeof(struct File) ? posix_fallocate(fd, 0, sizeof(struct File)) : 0;
    if (r != 0) {
        errno = r;
        return NULL;
    }
    void *map = mmap(NULL, sizeof(struct File), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    return map == MAP_FAILED ? NULL : map;
}

static SinkCursors *open_file(int folder_fd, int flags)
{
    autofd fd = open_regular(folder_fd, "cursors", O_RDWR | flags);
    struct File *file = fd < 0 ? NULL : map_file(fd);
    if (!file)
        return NULL;
    if (sigbus_load(&file->format) != CURSORS_FORMAT) {
        for (guint i = 0; i < G_N_ELEMENTS(file->cursors); i++)
            sigbus_store(&file->cursors[i], 0);
        sigbus_store(&file->format, CURSORS_FORMAT);
    }

    SinkCursors *cursors = g_new0(SinkCursors, 1);
    g_atomic_ref_count_init(&cursors->references);
    cursors->file = file;
    return cursors;
}

SinkCursors *sink_cursors_open(int folder_fd, GError **error)
{
    SinkCursors *cursors = open_file(folder_fd, O_CREAT);
    if (!cursors)
        set_errno_error(error, errno, "mapping the run's cursors");
    return cursors;
}

SinkCursors *sink_cursors_open_existing(int folder_fd)
{
    return open_file(folder_fd, 0);
}

SinkCursors *sink_cursors_ref(SinkCursors *cursors)
{
    g_atomic_ref_count_inc(&cursors->references);
    return cursors;
}

void sink_cursors_unref(SinkCursors *cursors)
{
    if (!cursors || !g_atomic_ref_count_dec(&cursors->references))
        return;
    munmap(cursors->file, sizeof(struct File));
    g_free(cursors);
}

guint64 sink_cursors_get(SinkCursors *cursors, Sink sink)
{
    return sigbus_load(&cursors->file->cursors[sink]);
}

void sink_cursors_set(SinkCursors *cursors, Sink sink, guint64 cursor)
{
    sigbus_store(&cursors->file->cursors[sink], cursor);
}
