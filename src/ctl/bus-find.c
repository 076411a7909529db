/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ctl/bus-find.h"

#include <fcntl.h>
#include <gio/gio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define USEC_TO_ANSWER (2 * G_USEC_PER_SEC)

/* The lock of this host's service has "PID ADDRESS": returns the address, NULL if no process has
 * the folder. */
static char *address_of_lock(void)
{
    g_autofree char *name = g_strconcat("lock.", g_get_host_name(), NULL);
    g_strdelimit(name, "/", '_');
    g_autofree char *path = g_build_filename(g_get_user_state_dir(), "storkit", name, NULL);
    char text[1024] = "";
    struct stat status;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (fd < 0)
        return NULL;
    gboolean taken = fstat(fd, &status) == 0 && S_ISREG(status.st_mode) &&
                     flock(fd, LOCK_SH | LOCK_NB) < 0 && read(fd, text, sizeof(text) - 1) > 0;
    close(fd);
    const char *address = taken ? strchr(text, ' ') : NULL;
    return address ? g_strdup(address + 1) : NULL;
}

static char *address_of_user(void)
{
    const char *runtime = g_getenv("XDG_RUNTIME_DIR");
    g_autofree char *usual = g_strdup_printf("/run/user/%u", getuid());
    g_autofree char *path = g_build_filename(runtime && *runtime ? runtime : usual, "bus", NULL);
    g_autofree char *escaped = g_dbus_address_escape_value(path);
    return g_strconcat("unix:path=", escaped, NULL);
}

/* Only the address of a socket: others make sd-bus run a program. */
static sd_bus *connect_to(const char *address)
{
    sd_bus *bus = NULL;
    if (!address || !g_str_has_prefix(address, "unix:") || strchr(address, ';') ||
        sd_bus_new(&bus) < 0)
        return NULL;
    if (sd_bus_set_address(bus, address) < 0 || sd_bus_set_bus_client(bus, TRUE) < 0 ||
        sd_bus_set_method_call_timeout(bus, USEC_TO_ANSWER) < 0 || sd_bus_start(bus) < 0)
        return sd_bus_close_unref(bus);
    return bus;
}

static gboolean serves(sd_bus *bus, const char *name)
{
    sd_bus_message *reply = NULL;
    int owned = FALSE;
    if (sd_bus_call_method(bus, "org.freedesktop.DBus", "/org/freedesktop/DBus",
                           "org.freedesktop.DBus", "NameHasOwner", NULL, &reply, "s", name) < 0)
        return FALSE;
    (void)sd_bus_message_read(reply, "b", &owned);
    sd_bus_message_unref(reply);
    return owned;
}

static gboolean can_start(sd_bus *bus, const char *name)
{
    gboolean found = FALSE;
    char **listed = NULL;
    if (sd_bus_list_names(bus, NULL, &listed) < 0)
        return FALSE;
    for (char **one = listed; one && *one; one++) {
        found |= g_str_equal(*one, name);
        free(*one);
    }
    free(listed);
    return found;
}

static gboolean is_same(sd_bus *a, sd_bus *b)
{
    sd_id128_t id_a, id_b;
    return a && sd_bus_get_bus_id(a, &id_a) >= 0 && sd_bus_get_bus_id(b, &id_b) >= 0 &&
           sd_id128_equal(id_a, id_b);
}

static sd_bus *take_if(const char *address, sd_bus *session, const char *name,
                       gboolean (*suits)(sd_bus *, const char *))
{
    sd_bus *bus = connect_to(address);
    if (!bus || is_same(bus, session) || !suits(bus, name))
        return sd_bus_flush_close_unref(bus);
    (void)sd_bus_set_method_call_timeout(bus, 0); /* the default */
    return bus;
}

sd_bus *bus_find_service(sd_bus *session, const char *name)
{
    if (session && serves(session, name))
        return NULL;
    g_autofree char *of_lock = address_of_lock();
    sd_bus *bus = take_if(of_lock, session, name, serves);
    if (bus)
        return bus;
    g_autofree char *of_user = address_of_user();
    return take_if(of_user, session, name, can_start);
}
