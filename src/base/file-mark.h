/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <string.h>
#include <sys/stat.h>

#include <glib.h>

/*
 * A file, as it was: what changes with its content. Whether it has changed meanwhile is seen
 * without reading it.
 */

typedef struct {
    guint64 device, inode, size;
    gint64 modified[2], changed[2]; /* s and ns */
} FileMark;

/** That of a file that is not there is that of zeros. */
static inline void file_mark(FileMark *ret_mark, const struct stat *info)
{
    *ret_mark = (FileMark){
        .device = info->st_dev,
        .inode = info->st_ino,
        .size = (guint64)info->st_size,
        .modified = {info->st_mtim.tv_sec, info->st_mtim.tv_nsec},
        .changed = {info->st_ctim.tv_sec, info->st_ctim.tv_nsec},
    };
}

/* Eight-byte members only: there is nothing between them. */
static inline gboolean file_mark_equal(const FileMark *a, const FileMark *b)
{
    return memcmp(a, b, sizeof *a) == 0;
}
