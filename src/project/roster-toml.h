/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

#include "project/config.h"

/*
 * The one way from C to toml++. Private to roster.c, which has made sure that @text is UTF-8, of a
 * sane size and not nested without end.
 */

/** Fills @config (fresh from its maker: every array there and empty) from @text. Errors and
 *  warnings are as project/config.h says. On failure @config is half filled: free it. */
gboolean config_toml_read(const char *text, gsize length, const char *filename,
                          ProjectConfig *config, GError **error);
