/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

#include "desktop/notice.h"

/*
 * The user's settings: ~/.config/storkit/desktop.toml. storkit-desktop(8) documents them.
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
    gboolean hosts;      /* whether runs of other machines are told of */
    GPtrArray *terminal; /* the words of a terminal's command line before the command; may be
                            empty */
} DesktopSettings;

/** The present settings in the file; the defaults if there is none or it cannot be read, which is
 * logged once for each change of the file. Valid until the next call. */
const DesktopSettings *settings_get(void);

/** Whether a notice of that kind is wanted for the project at @root. */
gboolean settings_want(const DesktopSettings *settings, NoticeKind kind, const char *root);

/** Reads @text into @settings, which has the defaults. On failure sets @error, with line and column
 *  in its message, and leaves @settings half filled. In settings-toml.cc. */
gboolean settings_toml_read(const char *text, gsize length, const char *filename,
                            DesktopSettings *settings, GError **error);
