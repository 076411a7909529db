/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "bus/reply.h"

#include <unistd.h>

#include "base/bus-text.h"
#include "bus/variant.h"
#include "base/error.h"

int bus_error_set(sd_bus_error *ret_error, const GError *error)
{
    g_autofree char *clean = bus_text_clean(error->message);
    return sd_bus_error_set(ret_error, storkit_error_dbus_name(error),
                            clean ? clean : error->message);
}

void bus_reply_error(sd_bus_message *call, const GError *error)
{
    const char *name = storkit_error_dbus_name(error);
    g_autofree char *clean = bus_text_clean(error->message);
    int r = sd_bus_reply_method_errorf(call, name, "%s", clean ? clean : error->message);
    /* A caller must not wait without end, whatever is wrong with the message. */
    if (r < 0)
        sd_bus_reply_method_errorf(call, name, "the bus rejected the text of this error");
}

void bus_reply_value(sd_bus_message *call, GVariant *value)
{
    sd_bus_message *m = NULL;
    int r = sd_bus_message_new_method_return(call, &m);
    if (r >= 0 && value)
        r = bus_append_variant(m, value);
    if (r >= 0)
        r = sd_bus_send(NULL, m, NULL);
    sd_bus_message_unref(m);
    if (r < 0)
        sd_bus_reply_method_errno(call, r, NULL);
}

void bus_reply_fd(sd_bus_message *call, int fd, const GError *error)
{
    if (fd < 0) {
        bus_reply_error(call, error);
        return;
    }
    int r = sd_bus_reply_method_return(call, "h", fd);
    close(fd);
    if (r < 0)
        sd_bus_reply_method_errno(call, r, NULL);
}

void bus_reply_to_call(GVariant *value, const GError *error, gpointer data)
{
    sd_bus_message *call = data;
    g_autoptr(GVariant) owned = value ? g_variant_ref_sink(value) : NULL;
    if (error)
        bus_reply_error(call, error);
    else
        bus_reply_value(call, owned);
    sd_bus_message_unref(call);
}
