/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

/*
 * The hosts that -H names.
 */

/** Checks that @host can be one machine's name, and no option of ssh's. Sets CTL_ERROR_USAGE. */
gboolean hosts_check_name(const char *host, GError **error);

/** The hosts in @value, each once: names separated by commas, or "all" for those of the user's
 *  ctl.toml. Sets CTL_ERROR_USAGE for a name that can't be one, and where there are none. Caller:
 *  g_strfreev(). */
char **hosts_resolve(const char *value, GError **error);

/** Whether @value means those of ctl.toml. */
gboolean hosts_are_all(const char *value);

/** Whether @host is this machine, which needs no ssh. */
gboolean hosts_is_here(const char *host);

/** Reads the `hosts` in @text, the contents of ctl.toml, as @filename calls it: an array of char *
 *  that it adds to @hosts. Sets CTL_ERROR_USAGE, with line and column in its message. In toml.cc.
 */
gboolean hosts_toml_read(const char *text, gsize length, const char *filename, GPtrArray *hosts,
                         GError **error);
