/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <systemd/sd-bus.h>

/*
 * Replies to method calls, from the domain's answers.
 */

/** Answers with the D-Bus error of @error. */
void bus_reply_error(sd_bus_message *call, const GError *error);

/** Sets @ret_error to the D-Bus error of @error; returns its errno, as sd_bus_error_set() does. */
int bus_error_set(sd_bus_error *ret_error, const GError *error);

/** Answers with @value as the only one; NULL: without one. */
void bus_reply_value(sd_bus_message *call, GVariant *value);

/** Answers with a copy of @fd, which is closed; with @error where it is -1. */
void bus_reply_fd(sd_bus_message *call, int fd, const GError *error);

/** A Reply: @data is the call, of which it drops a reference. */
void bus_reply_to_call(GVariant *value, const GError *error, gpointer data);
