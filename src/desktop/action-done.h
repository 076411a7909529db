/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

/** Begins an action that answers: the option's id follows. */
#define ACTION_ANSWER "answer:"

/** @error is NULL where it worked. */
typedef void (*ActionDone)(const GError *error, gpointer data);
