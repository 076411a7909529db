/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "store/answers.h"

#include <errno.h>

#include "base/error.h"
#include "base/util.h"
#include "store/kept-file.h"
#include "store/shim-protocol.h"

static char *file_name(const char *question)
{
    return g_strconcat(SHIM_ANSWER_PREFIX, question, NULL);
}

gboolean answer_is_kept(int folder_fd, const char *question)
{
    g_autofree char *name = file_name(question);
    return kept_file_exists(folder_fd, name);
}

gboolean answer_keep(int folder_fd, const char *question, const char *text, GError **error)
{
    g_autofree char *name = file_name(question);
    if (kept_file_write(folder_fd, name, text))
        return TRUE;
    if (errno == EEXIST)
        g_set_error(error, STORKIT_ERROR, STORKIT_ERROR_INVALID_ARGUMENT,
                    "question %s is answered already", question);
    else
        set_errno_error(error, errno, "keeping the answer to question %s", question);
    return FALSE;
}
