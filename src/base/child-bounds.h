/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/** What a run may start from its own scope, as its agent's part of the roster has it. */
typedef struct {
    char **may_start;   /* agents of that roster; NULL: none */
    guint max_children; /* that are live at a time */
    guint max_depth;    /* generations below it */
} ChildBounds;

#define CHILD_BOUNDS_DEFAULT                                                                       \
    (ChildBounds)                                                                                  \
    {                                                                                              \
        .max_children = 8, .max_depth = 3                                                          \
    }

G_END_DECLS
