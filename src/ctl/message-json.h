/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <json-glib/json-glib.h>
#include <systemd/sd-bus.h>

/** The next complete value of @message as JSON: a{sv} becomes an object, other arrays arrays,
 *  variants what they hold. Returns NULL for a message that ends early or holds a type JSON has no
 *  word for. Caller: json_node_unref(). */
JsonNode *message_read_json(sd_bus_message *message);
