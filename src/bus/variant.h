/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <systemd/sd-bus.h>

/*
 * Between the domain's GVariant and sd-bus messages. Negative errno on failure, as sd-bus has it.
 */

/** Appends @value of any type. What sd-bus would refuse of a string goes out as U+FFFD. */
int bus_append_variant(sd_bus_message *m, GVariant *value);

/** Appends what the container @value holds to one that is open. */
int bus_append_children(sd_bus_message *m, GVariant *value);

/** Reads the dictionary a{sv} that comes next, whatever its values are. -E2BIG: there are more than
 *  10,000 of them, nested ones counted. Caller unrefs. */
int bus_read_dict(sd_bus_message *m, GVariant **ret_dict);

/** Reads the value of @key in the dictionary a{sv} that comes next: NULL without an error if it is
 *  not there. Limited as bus_read_dict() is. Caller unrefs. */
int bus_read_entry(sd_bus_message *m, const char *key, GVariant **ret_value);
