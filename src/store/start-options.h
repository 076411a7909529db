/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

#include "store/record.h"

/** The options of StartWithOptions (a{sv}), checked. An unknown key, a value of another type than
 *  the contract's, or one that means nothing is STORKIT_ERROR_INVALID_ARGUMENT, which names it.
 *  Caller frees. */
StartOptions *start_options_parse(GVariant *dict, GError **error);
