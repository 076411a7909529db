/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

#include "project/config.h"

G_BEGIN_DECLS

/*
 * `.storkit/project.toml`, read and checked.
 */

/** Loads PROJECT_ROOT/.storkit/project.toml, or gives the default config where there is none (one
 *  agent `default` of kind claude, whose prompt tells it to work on story {{story_id}}); a link
 *  that leads nowhere is refused. Blocking: call it from a worker thread. Sets
 *  STORKIT_ERROR_INVALID_CONFIG with "FILE:LINE:COLUMN: what", or
 *  STORKIT_ERROR_NO_AGENTS_CONFIGURED. */
ProjectConfig *project_config_load(const char *project_root, GError **error);

/** The same from @text; @filename is for messages. */
ProjectConfig *project_config_parse(const char *text, gsize length, const char *filename,
                                    GError **error);

/** The config as GetConfig answers it: a{sv}, floating. */
GVariant *project_config_to_variant(const ProjectConfig *config);

G_END_DECLS
