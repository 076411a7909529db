/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "store/answers.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "base/util.h"
#include "store/shim-protocol.h"

#define NEW_FILE "answer.new"

static char *file_name(const char *question)
{
    return g_strconcat(SHIM_ANSWER_PREFIX, question, NULL);
}

gboolean answer_is_kept(int folder_fd, const char *question)
{
    g_autofree char *name = file_name(question);
    return faccessat(folder_fd, name, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

static gboolean write_new(int folder_fd, const char *text)
{
    unlinkat(folder_fd, NEW_FILE, 0); /* of a service that died here */
    autofd fd = open_regular(folder_fd, NEW_FILE, O_WRONLY | O_CREAT | O_EXCL);
    return fd >= 0 && write_all(fd, text, strlen(text));
}

gboolean answer_keep(int folder_fd, const char *question, const char *text, GError **error)
{
    g_autofree char *name = file_name(question);
    /* No sync: a machine that goes down takes the agent with it. */
    if (write_new(folder_fd, text) &&
        renameat2(folder_fd, NEW_FILE, folder_fd, name, RENAME_NOREPLACE) == 0)
        return TRUE;
    int errsv = errno;
    unlinkat(folder_fd, NEW_FILE, 0);
    if (errsv == EEXIST)
        g_set_error(error, STORKIT_ERROR, STORKIT_ERROR_INVALID_ARGUMENT,
                    "question %s is answered already", question);
    else
        set_errno_error(error, errsv, "keeping the answer to question %s", question);
    return FALSE;
}
