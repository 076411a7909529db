/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "store/sandbox-filter.h"

#include <errno.h>
#include <seccomp.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "base/util.h"
#include "host/sandbox-support.h"

/* By name: the headers of the build may not have them all, and not each architecture does. */
static const char *const refused[] = {
    /* other processes */
    "process_madvise",
    "pidfd_getfd",
    "kcmp",
    "perf_event_open",
    "userfaultfd",
    /* keyrings */
    "keyctl",
    "add_key",
    "request_key",
    /* mounts and namespaces of others */
    "mount",
    "umount",
    "umount2",
    "move_mount",
    "open_tree",
    "fsopen",
    "fsconfig",
    "fsmount",
    "fspick",
    "mount_setattr",
    "pivot_root",
    "chroot",
    "setns",
    /* the kernel */
    "bpf",
    "kexec_load",
    "kexec_file_load",
    "init_module",
    "finit_module",
    "delete_module",
    "open_by_handle_at",
    /* it connects and opens without a system call that a filter sees */
    "io_uring_setup",
    "io_uring_enter",
    "io_uring_register",
};

/* Debuggers and LeakSanitizer need these for processes of the agent's own. Landlock refuses them
 * for all others. */
static const char *const tracing[] = {"ptrace", "process_vm_readv", "process_vm_writev"};

static int refuse_calls(scmp_filter_ctx filter, const char *const *names, gsize n)
{
    for (gsize i = 0; i < n; i++) {
        int call = seccomp_syscall_resolve_name(names[i]);
        if (call < 0) /* not of this architecture, or newer than this libseccomp */
            continue;
        int r = seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), call, 0);
        if (r < 0)
            return r;
    }
    return 0;
}

/* The kernel takes the request as 32 bits: the upper ones must not hide it. */
static int refuse_ioctl(scmp_filter_ctx filter, guint32 request)
{
    return seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(ioctl), 1,
                            SCMP_A1(SCMP_CMP_MASKED_EQ, G_MAXUINT32, request));
}

static int refuse_sockets(scmp_filter_ctx filter, gboolean no_unix, gboolean no_network)
{
    int r = 0;
    if (no_unix)
        r = seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(socket), 1,
                             SCMP_A0(SCMP_CMP_MASKED_EQ, G_MAXUINT32, AF_UNIX));
    for (guint family = 0; r == 0 && no_network && family < AF_MAX; family++)
        if (family != AF_UNIX && family != AF_NETLINK)
            r = seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(socket), 1,
                                 SCMP_A0(SCMP_CMP_MASKED_EQ, G_MAXUINT32, family));
    return r;
}

static int fill(scmp_filter_ctx filter, gboolean no_unix, gboolean no_network)
{
    int r = seccomp_attr_set(filter, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_ERRNO(ENOSYS));
    if (r == 0)
        r = refuse_calls(filter, refused, G_N_ELEMENTS(refused));
    if (r == 0 && sandbox_landlock_abi() < SANDBOX_ABI_FILES)
        r = refuse_calls(filter, tracing, G_N_ELEMENTS(tracing));
    if (r == 0)
        r = refuse_ioctl(filter, TIOCSTI);
    if (r == 0)
        r = refuse_ioctl(filter, TIOCLINUX);
    return r == 0 ? refuse_sockets(filter, no_unix, no_network) : r;
}

/* libseccomp 2.5 can only write it into a file. */
static int export(scmp_filter_ctx filter, GBytes **ret_code)
{
    struct stat info;
    autofd fd = memfd_create("sandbox-filter", MFD_CLOEXEC);
    int r = fd < 0 ? -errno : seccomp_export_bpf(filter, fd);
    if (r < 0)
        return r;
    if (fstat(fd, &info) < 0)
        return -errno;
    g_autofree char *code = g_malloc((gsize)info.st_size);
    if (pread(fd, code, (gsize)info.st_size, 0) != info.st_size)
        return -EIO;
    *ret_code = g_bytes_new_take(g_steal_pointer(&code), (gsize)info.st_size);
    return 0;
}

static int compile(gboolean no_unix, gboolean no_network, GBytes **ret_code)
{
    scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);
    int r = filter ? fill(filter, no_unix, no_network) : -ENOMEM;
    if (r == 0)
        r = export(filter, ret_code);
    if (filter)
        seccomp_release(filter);
    return r;
}

/* There are four; each is compiled once, since that takes a millisecond. Belongs to this file. */
static GBytes *find(gboolean no_unix, gboolean no_network, GError **error)
{
    static GMutex mutex;
    static GBytes *known[2][2];
    g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&mutex);
    GBytes **code = &known[!!no_unix][!!no_network];
    int r = *code ? 0 : compile(no_unix, no_network, code);
    if (r < 0)
        g_set_error(error, STORKIT_ERROR, STORKIT_ERROR_SPAWN_FAILED,
                    "compiling the sandbox's filter of system calls: %s", g_strerror(-r));
    return *code;
}

gboolean sandbox_filter_write(int fd, gboolean no_unix, gboolean no_network, GError **error)
{
    gsize size;
    GBytes *code = find(no_unix, no_network, error);
    if (!code)
        return FALSE;
    const void *data = g_bytes_get_data(code, &size);
    if (write_all(fd, data, size))
        return TRUE;
    set_errno_error(error, errno, "writing the filter of the sandbox");
    return FALSE;
}
