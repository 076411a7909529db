/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "shim/landlock.h"

#include <errno.h>
#include <stddef.h>
#include <sys/syscall.h>
#include <unistd.h>

/* As the kernel's: our headers may have a shorter one. */
struct RulesetAttr {
    uint64_t fs, net, scoped;
};

struct PathAttr {
    uint64_t access;
    int32_t parent;
} __attribute__((packed));

struct PortAttr {
    uint64_t access, port;
};

enum { RULE_PATH = 1, RULE_PORT = 2 };

#define CREATE_RULESET_VERSION 1

int landlock_abi(void)
{
    long abi = syscall(SYS_landlock_create_ruleset, NULL, (size_t)0, CREATE_RULESET_VERSION);
    return abi < 0 ? 0 : (int)abi;
}

int landlock_create(uint64_t fs, uint64_t net, uint64_t scoped)
{
    struct RulesetAttr attr = {fs, net, scoped};
    /* A kernel accepts a longer struct than it knows if the unknown part is 0. */
    long fd = syscall(SYS_landlock_create_ruleset, &attr, sizeof attr, 0);
    return fd < 0 ? -errno : (int)fd;
}

static int add_rule(int ruleset, int type, const void *attr)
{
    return syscall(SYS_landlock_add_rule, ruleset, type, attr, 0) < 0 ? -errno : 0;
}

int landlock_allow_path(int ruleset, int fd, uint64_t access)
{
    struct PathAttr attr = {access, fd};
    return add_rule(ruleset, RULE_PATH, &attr);
}

int landlock_allow_port(int ruleset, uint16_t port, uint64_t access)
{
    struct PortAttr attr = {access, port};
    return add_rule(ruleset, RULE_PORT, &attr);
}

int landlock_enter(int ruleset)
{
    return syscall(SYS_landlock_restrict_self, ruleset, 0) < 0 ? -errno : 0;
}
