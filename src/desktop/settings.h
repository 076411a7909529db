/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

#include "desktop/notice.h"

/*
 * What the person wants: ~/.config/storkit/desktop.toml. storkit-desktop(8) documents it.
 */

typedef enum {
    AWAKE_NEVER,
    AWAKE_ON_MAINS,
    AWAKE_ALWAYS,
} AwakeWhen;

typedef struct {
    gboolean kinds[NOTICE_MEMORY + 1]; /* which notices, by NoticeKind */
    gboolean sound;
    GPtrArray *projects; /* of paths: only theirs, unless empty */
    AwakeWhen awake;
    GPtrArray *terminal; /* the words of a terminal's command line before the command; may be
                            empty */
} DesktopSettings;

/** The settings as the file has them now; the defaults where there is none or where it can't be
 *  read, which is logged once for each change of the file. Valid until the next call. */
const DesktopSettings *settings_get(void);

/** Whether a notice of that kind is wanted for the project at @root. */
gboolean settings_want(const DesktopSettings *settings, NoticeKind kind, const char *root);

/** Reads @text into @settings, which has the defaults. On failure sets @error, with line and column
 *  in its message, and leaves @settings half filled. In settings-toml.cc. */
gboolean settings_toml_read(const char *text, gsize length, const char *filename,
                            DesktopSettings *settings, GError **error);
