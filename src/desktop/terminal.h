/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gio/gio.h>

/*
 * A terminal from anywhere.
 */

/** Opens the user's terminal in @folder with the program @argv (ends in NULL) in it: the one of
 *  the settings, xdg-terminal-exec's, one that is registered for org.freedesktop.Terminal1, else
 *  the first of the usual ones. @token (or NULL) lets it take the focus. It lives in a scope of its
 *  own and outlives this process. Sets @error if there is none. */
gboolean desktop_terminal_open(GDBusConnection *bus, const char *folder, const char *const *argv,
                               const char *token, GError **error);
