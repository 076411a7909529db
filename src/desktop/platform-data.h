/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

/** What org.freedesktop.Application and its kin call platform_data (a{sv}, floating): @token, or
 *  NULL, gives the opened window the focus. */
GVariant *platform_data_new(const char *token);
