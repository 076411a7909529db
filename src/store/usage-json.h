/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <json-glib/json-glib.h>

#include "agents/usage.h"

/** Adds the known figures of @usage as members of the current object of @builder. */
void json_add_usage(JsonBuilder *builder, const Usage *usage);

/** Reads it back. @object may be NULL: nothing is known. */
void json_read_usage(JsonObject *object, Usage *ret_usage);
