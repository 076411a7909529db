/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "store/messages.h"

#include <errno.h>
#include <unistd.h>

#include "base/error.h"
#include "base/util.h"
#include "store/kept-file.h"
#include "store/shim-protocol.h"

#define HISTORY "history"

static char *file_name(guint n)
{
    return g_strdup_printf("message-%u", n);
}

static gboolean keep(int folder_fd, guint n, const char *text, GError **error)
{
    g_autofree char *name = file_name(n);
    if (kept_file_write(folder_fd, name, text))
        return TRUE;
    set_errno_error(error, errno, "keeping message %u to the agent", n);
    return FALSE;
}

gboolean messages_begin(int folder_fd, const char *prompt, gboolean interactive, GError **error)
{
    for (guint n = 0; n < 2; n++) {
        g_autofree char *name = file_name(n);
        unlinkat(folder_fd, name, 0);
    }
    return keep(folder_fd, 0, prompt, error) && (interactive || keep(folder_fd, 1, "", error));
}

char *message_read(int folder_fd, guint n)
{
    g_autofree char *name = file_name(n);
    return kept_file_read(folder_fd, name);
}

/* How many there are. */
static guint count(int folder_fd)
{
    guint n = 0;
    for (;; n++) {
        g_autofree char *name = file_name(n);
        if (!kept_file_exists(folder_fd, name))
            return n;
    }
}

gboolean message_add(int folder_fd, const char *text, GError **error)
{
    guint n = count(folder_fd);
    g_autofree char *last = n > 0 ? message_read(folder_fd, n - 1) : NULL;
    if (!last || *last)
        return keep(folder_fd, n, text, error);
    g_set_error_literal(error, STORKIT_ERROR, STORKIT_ERROR_INVALID_ARGUMENT,
                        "the agent's input is closed: it takes no more messages");
    return FALSE;
}

gboolean history_end_keep(int folder_fd, guint64 bytes)
{
    g_autofree char *text = g_strdup_printf("%" G_GUINT64_FORMAT, bytes);
    return kept_file_write(folder_fd, HISTORY, text) || errno == EEXIST;
}

guint64 history_end_read(int folder_fd)
{
    g_autofree char *text = kept_file_read(folder_fd, HISTORY);
    return text ? g_ascii_strtoull(text, NULL, 10) : G_MAXUINT64;
}

void cancel_keep(int folder_fd, const char *text)
{
    unlinkat(folder_fd, SHIM_CANCEL, 0);
    if (text && !kept_file_write(folder_fd, SHIM_CANCEL, text))
        g_debug("keeping how to cancel a turn: %s", g_strerror(errno));
}
