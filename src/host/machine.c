/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "host/machine.h"

#include <sys/stat.h>
#include <systemd/sd-id128.h>

#include "base/json-file.h"
#include "base/test-hooks.h"

/* A constant of this application: a machine id itself is to be given to nobody (machine-id(5)). */
#define APPLICATION SD_ID128_MAKE(5c, 6d, 1f, 0e, 9b, 0a, 4e, 57, 8f, 2d, 70, 4c, 31, 8a, e2, 96)

static char *id_to_text(int result, sd_id128_t id)
{
    char text[SD_ID128_STRING_MAX];
    return g_strdup(result < 0 ? "" : sd_id128_to_string(id, text));
}

static char *read_id(void)
{
    sd_id128_t id = SD_ID128_NULL;
    int r = sd_id128_get_machine_app_specific(APPLICATION, &id);
    return id_to_text(r, id);
}

static char *read_boot(void)
{
    sd_id128_t id = SD_ID128_NULL;
    int r = sd_id128_get_boot(&id);
    return id_to_text(r, id);
}

static guint64 read_space(void)
{
    struct stat st;
    return stat("/proc/self/ns/pid", &st) == 0 ? st.st_ino : 0;
}

/* Bytes that are not UTF-8 could not be written to a record. */
static char *read_host(void)
{
    return g_utf8_make_valid(g_get_host_name(), -1);
}

static Machine *read_machine(void)
{
    Machine *machine = g_new(Machine, 1);
    const char *other = test_text("STORKIT_MACHINE");
    *machine = (Machine){
        .id = other ? g_strdup(other) : read_id(),
        .boot = other ? g_strdup(other) : read_boot(),
        .space = read_space(),
        .host = other ? g_strdup(other) : read_host(),
    };
    return machine;
}

const Machine *machine_get(void)
{
    static gsize initialised;
    static Machine *machine;
    if (g_once_init_enter(&initialised)) {
        machine = read_machine();
        g_once_init_leave(&initialised, 1);
    }
    return machine;
}

gboolean machine_is_ours(const Machine *machine)
{
    const Machine *own = machine_get();
    if (!machine)
        return TRUE;
    if (!g_str_equal(machine->id, own->id))
        return FALSE;
    return g_str_equal(machine->host, own->host) ||
           (g_str_equal(machine->boot, own->boot) && machine->space == own->space);
}

Machine *machine_copy(const Machine *machine)
{
    Machine *copy = machine ? g_new(Machine, 1) : NULL;
    if (copy)
        *copy = (Machine){
            .id = g_strdup(machine->id),
            .boot = g_strdup(machine->boot),
            .space = machine->space,
            .host = g_strdup(machine->host),
        };
    return copy;
}

void machine_free(Machine *machine)
{
    if (!machine)
        return;
    g_free(machine->id);
    g_free(machine->boot);
    g_free(machine->host);
    g_free(machine);
}

void machine_write(const Machine *machine, JsonBuilder *builder)
{
    if (!machine)
        return;
    json_builder_set_member_name(builder, "machine");
    json_builder_begin_object(builder);
    json_add_string(builder, "id", machine->id);
    json_add_string(builder, "boot", machine->boot);
    json_add_uint(builder, "pid_namespace", machine->space);
    json_add_string(builder, "host", machine->host);
    json_builder_end_object(builder);
}

Machine *machine_read(JsonObject *parent)
{
    JsonObject *object = json_get_object(parent, "machine");
    Machine *machine = object ? g_new(Machine, 1) : NULL;
    if (machine)
        *machine = (Machine){
            .id = json_dup_string(object, "id"),
            .boot = json_dup_string(object, "boot"),
            .space = json_get_uint(object, "pid_namespace", 0),
            .host = json_dup_string(object, "host"),
        };
    return machine;
}
