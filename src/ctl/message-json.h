/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <json-glib/json-glib.h>
#include <systemd/sd-bus.h>

/** The next complete value of @message as JSON: a{sv} becomes an object, other arrays arrays,
 * variants their content. Returns NULL for a message that ends early or has a type that JSON lacks.
 * Caller: json_node_unref(). */
JsonNode *message_read_json(sd_bus_message *message);
