/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

#include "git/calls.h"
#include "project/config.h"

G_BEGIN_DECLS

/*
 * `.storkit/project.toml`, read and checked.
 */

/** The config of @contents, read from PROJECT_ROOT/.storkit/project.toml; for NULL (no such file)
 * the default one: one agent `default` of kind claude, whose prompt tells it to work on story
 * {{story_id}}. Sets STORKIT_ERROR_INVALID_CONFIG with "FILE:LINE:COLUMN: what", or
 *  STORKIT_ERROR_NO_AGENTS_CONFIGURED. */
ProjectConfig *project_config_of_file(GBytes *contents, const char *project_root, GError **error);

/** Reads the file, too, in git's process: its disk may hang. Blocking: call it from a worker
 *  thread. The errors of project_file_read() and of project_config_of_file(). */
ProjectConfig *project_config_load(const GitContext *git, const char *project_root, GError **error);

/** The same from @text; @filename is for messages. */
ProjectConfig *project_config_parse(const char *text, gsize length, const char *filename,
                                    GError **error);

/** The config as GetConfig answers it: a{sv}, floating. */
GVariant *project_config_to_variant(const ProjectConfig *config);

G_END_DECLS
