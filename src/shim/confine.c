/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "shim/confine.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "shim/landlock.h"
#include "shim/reading.h"
#include "shim/shim-util.h"
#include "store/shim-protocol.h"

/* The service makes it from lists that it bounds. */
#define PLAN_MAX (1024 * 1024)

typedef enum Network { NETWORK_FULL, NETWORK_PORTS, NETWORK_NONE } Network;

typedef struct Plan {
    char *text; /* its lines, to which the paths below point */
    char **writable, **readable, **unreadable, **hidden, **kept, **devices;
    size_t n_writable, n_readable, n_unreadable, n_hidden, n_kept, n_devices;
    uint16_t *ports;
    size_t n_ports;
    Network network;
    bool mounts, no_filter;
    int abi; /* of Landlock, that the service counts on */
} Plan;

static void plan_clear(Plan *plan)
{
    free(plan->text);
    free(plan->writable);
    free(plan->ports);
}

/* --- Reading --- */

static char *read_file(int folder, const char *name, size_t *ret_length)
{
    struct stat info;
    autofd fd = open_at(folder, name, O_RDONLY | O_NOFOLLOW);
    if (fd < 0 || fstat(fd, &info) < 0 || !S_ISREG(info.st_mode) || info.st_size > PLAN_MAX)
        return NULL;
    char *text = malloc((size_t)info.st_size + 1);
    if (!text || read(fd, text, (size_t)info.st_size) != info.st_size) {
        free(text);
        return NULL;
    }
    text[info.st_size] = '\0';
    *ret_length = (size_t)info.st_size;
    return text;
}

static bool take_number(const char *text, long max, long *ret)
{
    char *end;
    *ret = strtol(text, &end, 10);
    return *text && *end == '\0' && *ret >= 0 && *ret <= max;
}

static bool take_network(Plan *plan, const char *text)
{
    if (strcmp(text, "none") == 0)
        plan->network = NETWORK_NONE;
    else if (strcmp(text, "ports") == 0)
        plan->network = NETWORK_PORTS;
    else
        return strcmp(text, "full") == 0;
    return true;
}

static bool take_mounts(Plan *plan, const char *text)
{
    plan->mounts = true;
    return strcmp(text, "own") == 0;
}

static bool take_filter(Plan *plan, const char *text)
{
    plan->no_filter = true;
    return strcmp(text, "none") == 0;
}

static bool take_path(char **list, size_t *n, char *path)
{
    list[(*n)++] = path;
    return path[0] == '/' && path[1] != '\0';
}

static bool take_line(Plan *plan, const char *key, char *value)
{
    long number;
    if (strcmp(key, "write") == 0)
        return take_path(plan->writable, &plan->n_writable, value);
    if (strcmp(key, "read") == 0)
        return take_path(plan->readable, &plan->n_readable, value);
    if (strcmp(key, "unreadable") == 0)
        return take_path(plan->unreadable, &plan->n_unreadable, value);
    if (strcmp(key, "device") == 0)
        return take_path(plan->devices, &plan->n_devices, value);
    if (strcmp(key, "hide") == 0)
        return take_path(plan->hidden, &plan->n_hidden, value);
    if (strcmp(key, "keep") == 0)
        return take_path(plan->kept, &plan->n_kept, value);
    if (strcmp(key, "network") == 0)
        return take_network(plan, value);
    if (strcmp(key, "mounts") == 0)
        return take_mounts(plan, value);
    if (strcmp(key, "filter") == 0)
        return take_filter(plan, value);
    if (strcmp(key, "landlock") == 0 && take_number(value, 1000, &number)) {
        plan->abi = (int)number;
        return true;
    }
    if (strcmp(key, "port") == 0 && take_number(value, UINT16_MAX, &number)) {
        plan->ports[plan->n_ports++] = (uint16_t)number;
        return true;
    }
    return false; /* a plan that we understand in part would promise more than we keep */
}

/* No list is longer than the plan has lines. */
static bool make_lists(Plan *plan, size_t n_lines)
{
    plan->writable = calloc(6 * n_lines, sizeof *plan->writable);
    plan->ports = calloc(n_lines, sizeof *plan->ports);
    if (!plan->writable || !plan->ports)
        return false;
    plan->readable = plan->writable + n_lines;
    plan->unreadable = plan->readable + n_lines;
    plan->hidden = plan->unreadable + n_lines;
    plan->kept = plan->hidden + n_lines;
    plan->devices = plan->kept + n_lines;
    return true;
}

static bool parse_plan(Plan *plan, size_t length)
{
    size_t n_lines = 1;
    for (size_t i = 0; i < length; i++)
        n_lines += plan->text[i] == '\n';
    char *rest = plan->text;
    char *first = strsep(&rest, "\n");
    if (strcmp(first, SHIM_SANDBOX_HEAD) != 0 || !make_lists(plan, n_lines))
        return false;
    for (char *line; (line = strsep(&rest, "\n"));) {
        char *value = line;
        char *key = strsep(&value, " ");
        if (*key && (!value || !take_line(plan, key, value)))
            return false;
    }
    return true;
}

/* --- Landlock --- */

static uint64_t writing_rights(int abi)
{
    return LANDLOCK_FS_WRITE_FILE | LANDLOCK_FS_CHANGE_FOLDER | LANDLOCK_FS_REFER |
           (abi >= LANDLOCK_ABI_TRUNCATE ? LANDLOCK_FS_TRUNCATE : 0);
}

/* Mounts hide what it may not read. A ruleset can only allow each file beside that: it keeps the
 * room of those that are deleted, and refuses those that are made, or written anew, later. */
static uint64_t reading_rights(const Plan *plan)
{
    return plan->n_unreadable > 0 && !plan->mounts ? LANDLOCK_FS_READ_FILE | LANDLOCK_FS_READ_DIR
                                                   : 0;
}

static uint64_t network_rights(const Plan *plan, int abi)
{
    if (abi < LANDLOCK_ABI_NET || plan->network == NETWORK_FULL)
        return 0;
    return plan->network == NETWORK_PORTS ? LANDLOCK_NET_CONNECT_TCP
                                          : LANDLOCK_NET_CONNECT_TCP | LANDLOCK_NET_BIND_TCP;
}

/* A path that does not exist, or that we may not open, needs no rule. */
static int allow(int ruleset, const char *path, uint64_t access)
{
    struct stat info;
    autofd fd = open_at(AT_FDCWD, path, O_PATH);
    if (fd < 0)
        return 0;
    if (fstat(fd, &info) < 0)
        return -errno;
    if (!S_ISDIR(info.st_mode))
        access &= LANDLOCK_FS_WRITE_FILE | LANDLOCK_FS_READ_FILE | LANDLOCK_FS_TRUNCATE;
    return landlock_allow_path(ruleset, fd, access);
}

static int allow_all(int ruleset, char *const *paths, size_t n, uint64_t access)
{
    for (size_t i = 0; i < n; i++) {
        int r = allow(ruleset, paths[i], access);
        if (r < 0)
            return r;
    }
    return 0;
}

static int fill_ruleset(int ruleset, const Plan *plan, uint64_t writing, uint64_t reading,
                        bool with_ports)
{
    int r = allow_all(ruleset, plan->writable, plan->n_writable, writing | reading);
    if (r == 0)
        r = allow_all(ruleset, plan->devices, plan->n_devices, LANDLOCK_FS_WRITE_FILE | reading);
    if (r == 0 && reading)
        r = allow_all(ruleset, plan->readable, plan->n_readable, reading);
    if (r == 0 && reading)
        r = reading_allow_but(ruleset, plan->unreadable, plan->n_unreadable);
    for (size_t i = 0; r == 0 && with_ports && i < plan->n_ports; i++)
        r = landlock_allow_port(ruleset, plan->ports[i], LANDLOCK_NET_CONNECT_TCP);
    return r;
}

/* Returns the ruleset, or -errno. */
static int make_ruleset(const Plan *plan, int abi)
{
    uint64_t writing = writing_rights(abi);
    uint64_t reading = reading_rights(plan);
    uint64_t network = network_rights(plan, abi);
    autofd ruleset = landlock_create(writing | reading, network,
                                     abi >= LANDLOCK_ABI_SCOPES ? LANDLOCK_SCOPES : 0);
    if (ruleset < 0)
        return ruleset;
    int r = fill_ruleset(ruleset, plan, writing, reading, network != 0);
    if (r < 0)
        return r;
    int made = ruleset;
    ruleset = -1;
    return made;
}

/* --- Mounts --- */

static void add_mounts(Confinement *confinement, MountKind kind, char *const *paths, size_t n)
{
    for (size_t i = 0; i < n; i++)
        confinement->mounts[confinement->n_mounts++] = (MountRule){kind, paths[i]};
}

/* Takes the plan's text. */
static int prepare_mounts(Confinement *confinement, Plan *plan)
{
    size_t n = plan->n_writable + plan->n_readable + plan->n_hidden + plan->n_kept;
    confinement->mounts = calloc(n + 1, sizeof *confinement->mounts);
    if (!confinement->mounts)
        return -ENOMEM;
    add_mounts(confinement, MOUNT_KEEP, plan->writable, plan->n_writable);
    add_mounts(confinement, MOUNT_KEEP, plan->kept, plan->n_kept);
    add_mounts(confinement, MOUNT_READ, plan->readable, plan->n_readable);
    add_mounts(confinement, MOUNT_HIDE, plan->hidden, plan->n_hidden);
    mounts_sort(confinement->mounts, confinement->n_mounts);
    confinement->paths = plan->text;
    plan->text = NULL;
    return 0;
}

/* --- The whole --- */

static int prepare(Confinement *confinement, int folder, Plan *plan)
{
    size_t length;
    int abi = landlock_abi();
    plan->text = read_file(folder, SHIM_SANDBOX_PLAN, &length);
    if (!plan->text || !parse_plan(plan, length))
        return -EINVAL;
    if (abi < plan->abi)
        return -ENOSYS;
    if (abi >= LANDLOCK_ABI_REFER) {
        confinement->ruleset = make_ruleset(plan, abi);
        if (confinement->ruleset < 0)
            return confinement->ruleset;
    }
    if (!plan->no_filter)
        confinement->filter = open_at(folder, SHIM_SANDBOX_FILTER, O_RDONLY | O_NOFOLLOW);
    if (!plan->no_filter && confinement->filter < 0)
        return confinement->filter;
    return plan->mounts ? prepare_mounts(confinement, plan) : 0;
}

int confine_prepare(Confinement *ret_confinement, int folder)
{
    Plan plan = {0};
    *ret_confinement = CONFINEMENT_NONE;
    ret_confinement->wanted = true;
    int r = prepare(ret_confinement, folder, &plan);
    plan_clear(&plan);
    if (r < 0) {
        complain("preparing the sandbox: %s", strerror(-r));
        confine_clear(ret_confinement);
    }
    return r;
}

static bool load_filter(int fd)
{
    static struct sock_filter code[BPF_MAXINSNS];
    ssize_t n = pread(fd, code, sizeof code, 0);
    if (n <= 0 || (size_t)n % sizeof *code != 0) {
        errno = EINVAL;
        return false;
    }
    const struct sock_fprog program = {(unsigned short)((size_t)n / sizeof *code), code};
    return syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program) == 0;
}

bool confine_enter(const Confinement *confinement)
{
    if (!confinement->wanted)
        return true;
    int r = confinement->mounts ? mounts_enter(confinement->mounts, confinement->n_mounts) : 0;
    if (r < 0) {
        errno = -r;
        return false;
    }
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
        return false;
    if (confinement->ruleset >= 0) {
        r = landlock_enter(confinement->ruleset);
        errno = -r;
        if (r < 0)
            return false;
    }
    return confinement->filter < 0 || load_filter(confinement->filter);
}

void confine_clear(Confinement *confinement)
{
    fd_clear(&confinement->ruleset);
    fd_clear(&confinement->filter);
    free(confinement->mounts);
    free(confinement->paths);
    confinement->mounts = NULL;
    confinement->paths = NULL;
}
