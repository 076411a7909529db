/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "shim/cgroup.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "shim/shim-util.h"

/* An agent may nest cgroups deeper than we follow: cgroup.kill reaches them all the same. */
#define MAX_DEPTH 8

#define LINE_SIZE (2 * PATH_MAX)

/* The path of the process @folder (in /proc) within the cgroup2 hierarchy: the line "0::PATH", v1
 * hierarchies have other numbers. */
static int read_path(const char *folder, char path[LINE_SIZE])
{
    int r = -ENOENT;
    char name[64];
    snprintf(name, sizeof name, "/proc/%s/cgroup", folder);
    FILE *file = fopen(name, "re");

    if (!file)
        return -errno;
    while (r < 0 && fgets(path, LINE_SIZE, file)) {
        if (strncmp(path, "0::/", 4) != 0)
            continue;
        path[strcspn(path, "\n")] = '\0';
        memmove(path, path + 3, strlen(path + 3) + 1);
        r = 0;
    }
    fclose(file);
    return r;
}

/* mountinfo writes a space in a path as \040, and so on. */
static void unescape(char *path)
{
    char *to = path;
    for (const char *from = path; *from; to++) {
        unsigned byte;
        if (*from == '\\' && sscanf(from + 1, "%3o", &byte) == 1) {
            *to = (char)byte;
            from += 4;
        } else {
            *to = *from++;
        }
    }
    *to = '\0';
}

/* "ID PARENT MAJ:MIN ROOT POINT OPTIONS… - TYPE SOURCE OPTIONS" */
static bool parse_mount(char *line, char **ret_root, char **ret_point)
{
    char *rest = line, *word = NULL;
    if (!strstr(line, " - cgroup2 "))
        return false;
    for (int i = 0; i < 4; i++)
        word = strsep(&rest, " ");
    *ret_root = word;
    *ret_point = strsep(&rest, " ");
    if (!*ret_root || !*ret_point)
        return false;
    unescape(*ret_root);
    unescape(*ret_point);
    return true;
}

/* Where @path is below @root, or NULL. */
static const char *below(const char *path, const char *root)
{
    size_t length = strcmp(root, "/") == 0 ? 0 : strlen(root);
    if (strncmp(path, root, length) != 0 || (path[length] != '/' && path[length] != '\0'))
        return NULL;
    return path + length;
}

/* The cgroup @path as a folder of the mount in @line; -1 if that does not show it. */
static int open_in_mount(char *line, const char *path)
{
    char full[2 * LINE_SIZE];
    char *root, *point;
    const char *rest;
    if (!parse_mount(line, &root, &point) || !(rest = below(path, root)))
        return -1;
    snprintf(full, sizeof full, "%s%s", point, rest);
    return open(full, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

/* There may be several mounts of cgroup2 (hybrid layouts, namespaces), some without us. */
static int open_own(void)
{
    char path[LINE_SIZE], line[LINE_SIZE];
    int fd = -1;
    int r = read_path("self", path);
    if (r < 0)
        return r;
    FILE *file = fopen("/proc/self/mountinfo", "re");
    if (!file)
        return -errno;
    while (fd < 0 && fgets(line, sizeof line, file)) {
        fd = open_in_mount(line, path);
        /* Another mount may cover this one: then there is no cgroup here. */
        if (fd >= 0 && faccessat(fd, "cgroup.procs", F_OK, 0) < 0)
            fd_clear(&fd);
    }
    fclose(file);
    return fd < 0 ? -ENOENT : fd;
}

int cgroup_open(Cgroup *ret_cgroup)
{
    autofd scope = open_own();
    if (scope < 0)
        return scope;
    if (mkdirat(scope, "agent", 0755) < 0)
        return -errno;
    autofd agent = open_at(scope, "agent", O_RDONLY | O_DIRECTORY);
    if (agent < 0)
        return agent;
    int events = open_at(agent, "cgroup.events", O_RDONLY);
    if (events < 0)
        return events;

    *ret_cgroup = (Cgroup){.scope = scope, .agent = agent, .events = events};
    scope = agent = -1;
    return 0;
}

bool cgroup_holds(pid_t pid)
{
    char own[LINE_SIZE], path[LINE_SIZE], folder[16];
    snprintf(folder, sizeof folder, "%d", (int)pid);
    return read_path("self", own) == 0 && read_path(folder, path) == 0 && below(path, own);
}

static bool read_event(const Cgroup *cgroup, const char *name)
{
    char text[256];
    uint64_t value;
    ssize_t n = pread(cgroup->events, text, sizeof text - 1, 0);
    if (n < 0)
        return false; /* ENODEV: the cgroup itself is gone */
    text[n] = '\0';
    return find_figure(text, name, &value) && value != 0;
}

bool cgroup_populated(const Cgroup *cgroup)
{
    return read_event(cgroup, "populated");
}

bool cgroup_frozen(const Cgroup *cgroup)
{
    return read_event(cgroup, "frozen");
}

/* Each process there but ourselves. */
static unsigned signal_procs(int folder, int signal)
{
    char line[32];
    unsigned count = 0;
    autofd fd = open_at(folder, "cgroup.procs", O_RDONLY);
    FILE *file = fd < 0 ? NULL : fdopen(fd, "r");
    if (!file)
        return 0;
    fd = -1;
    while (fgets(line, sizeof line, file)) {
        pid_t pid = (pid_t)strtol(line, NULL, 10);
        /* A process of a foreign pid namespace reads as 0, which kill() takes for our own group. */
        if (pid > 0 && pid != getpid() && kill(pid, signal) == 0)
            count++;
    }
    fclose(file);
    return count;
}

static unsigned signal_tree(int folder, int signal, unsigned depth)
{
    unsigned count = signal_procs(folder, signal);
    struct dirent *entry;
    int copy = open_at(folder, ".", O_RDONLY | O_DIRECTORY);
    DIR *stream = copy < 0 ? NULL : fdopendir(copy);
    if (!stream) {
        fd_clear(&copy);
        return count;
    }
    while ((entry = readdir(stream))) {
        if (entry->d_type != DT_DIR || entry->d_name[0] == '.' || depth == 0)
            continue;
        autofd child = open_at(folder, entry->d_name, O_RDONLY | O_DIRECTORY);
        if (child >= 0)
            count += signal_tree(child, signal, depth - 1);
    }
    closedir(stream);
    return count;
}

unsigned cgroup_signal(const Cgroup *cgroup, int signal)
{
    return signal_tree(cgroup->scope, signal, MAX_DEPTH);
}

void cgroup_thaw(const Cgroup *cgroup)
{
    int r = write_text_at(cgroup->agent, "cgroup.freeze", "0");
    if (r < 0 && r != -ENOENT)
        complain("thawing the agent: %s", strerror(-r));
}

void cgroup_kill(const Cgroup *cgroup)
{
    int r = write_text_at(cgroup->agent, "cgroup.kill", "1");
    if (r < 0)
        complain("killing the agent's cgroup: %s (Linux 5.14 or newer is needed)", strerror(-r));
    /* Those that moved themselves beside us: they may, their uid owns the scope. */
    cgroup_signal(cgroup, SIGKILL);
}

void cgroup_kill_beside(const Cgroup *cgroup)
{
    if (cgroup->scope >= 0 && cgroup_signal(cgroup, 0) > 0)
        write_text_at(cgroup->scope, "cgroup.kill", "1");
}

bool cgroup_cpu_usec(const Cgroup *cgroup, uint64_t *ret_usec)
{
    char text[2048];
    return read_text_at(cgroup->agent, "cpu.stat", text, sizeof text) == 0 &&
           find_figure(text, "usage_usec", ret_usec);
}

bool cgroup_memory_peak(const Cgroup *cgroup, uint64_t *ret_bytes)
{
    char text[32];
    if (read_text_at(cgroup->scope, "memory.peak", text, sizeof text) < 0)
        return false;
    *ret_bytes = strtoull(text, NULL, 10);
    return true;
}

bool cgroup_oom_kills(const Cgroup *cgroup, uint64_t *ret_kills)
{
    char text[512];
    /* `agent` has this file only where the scope hands the memory controller down. */
    return (read_text_at(cgroup->agent, "memory.events", text, sizeof text) == 0 ||
            read_text_at(cgroup->scope, "memory.events", text, sizeof text) == 0) &&
           find_figure(text, "oom_kill", ret_kills);
}
