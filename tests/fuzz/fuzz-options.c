/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "fuzz.h"

#include <string.h>
#include <sys/socket.h>

#include "bus/variant.h"
#include "store/start-options.h"

/*
 * Any dictionary as the options of a StartWithOptions: through a message as the bus would bring it,
 * then parsed, or refused. The input is a GVariant's serialised a{sv}.
 */

/* A connection that is never used: without one there is no message. */
static sd_bus *make_bus(void)
{
    sd_bus *bus = NULL;
    int fds[2];
    fuzz_check(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds) == 0);
    fuzz_check(sd_bus_new(&bus) >= 0 && sd_bus_set_fd(bus, fds[0], fds[0]) >= 0);
    fuzz_check(sd_bus_start(bus) >= 0);
    return bus;
}

/* NULL: no message can hold @dict (it is nested too deep, or has a GVariant's own types). */
static sd_bus_message *make_message(sd_bus *bus, GVariant *dict)
{
    sd_bus_message *m = NULL;
    fuzz_check(sd_bus_message_new_method_call(bus, &m, "a.b", "/", "a.b", "C") >= 0);
    if (bus_append_variant(m, dict) >= 0 && sd_bus_message_seal(m, 1, 0) >= 0)
        return m;
    sd_bus_message_unref(m);
    return NULL;
}

static void parse(GVariant *dict)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(StartOptions) options = start_options_parse(dict, &error);
    fuzz_check(!options == !!error);
    fuzz_check(!error || g_utf8_validate(error->message, -1, NULL));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static sd_bus *bus = NULL;
    g_autoptr(GVariant) raw = g_variant_ref_sink(
        g_variant_new_from_data(G_VARIANT_TYPE_VARDICT, data, size, FALSE, NULL, NULL));
    g_autoptr(GVariant) dict = g_variant_get_normal_form(raw);
    g_autoptr(GVariant) read = NULL;
    if (!bus)
        bus = make_bus();
    sd_bus_message *m = make_message(bus, dict);
    if (!m)
        return 0;
    if (bus_read_dict(m, &read) >= 0) {
        fuzz_check(g_variant_n_children(read) == g_variant_n_children(dict));
        parse(read);
    }
    sd_bus_message_unref(m);
    return 0;
}
