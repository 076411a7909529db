/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "util.h"

void set_errno_error_full(GError **error, int errnum, char *what_taken)
{
    g_set_error(error, G_FILE_ERROR, (int)g_file_error_from_errno(errnum), "%s: %s", what_taken,
                g_strerror(errnum));
    g_free(what_taken);
}
