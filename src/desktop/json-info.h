/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gio/gio.h>
#include <json-glib/json-glib.h>

/** A run's info as `storkitctl list --json` prints it, in the form that the service gives on the
 *  bus (a{sv}, not floating), for the functions of info.h. What has no place in it is left out. */
GVariant *info_from_json(JsonObject *object);
