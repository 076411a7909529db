# SPDX-License-Identifier: LGPL-2.1-or-later
"""A place where a test may make cgroups: its own delegated one, or, for root, a child cgroup behind
private namespaces, which is removed afterwards. Where there is neither, the test is skipped."""

import ctypes
import os
import subprocess
import sys
import time

SKIP = 77
INSIDE = "STORKIT_TEST_CGROUP"


def skip(reason):
    print(f"SKIP: {reason}")
    sys.exit(SKIP)


def cgroup2_mount():
    with open("/proc/self/mountinfo") as mounts:
        for line in mounts:
            left, right = line.split(" - ")
            if right.split()[0] == "cgroup2":
                root, point = left.split()[3:5]
                return root, point
    skip("no cgroup2 hierarchy is mounted here")


def own_cgroup():
    root, point = cgroup2_mount()
    with open("/proc/self/cgroup") as lines:
        path = next(line[3:].strip() for line in lines if line.startswith("0::"))
    if root != "/":
        path = path.removeprefix(root)
    return point + path


def remove(cgroup):
    """Ends what is left in our own child cgroup and takes it away."""
    with open(f"{cgroup}/cgroup.kill", "w") as kill:
        kill.write("1")
    for folder, _, _ in os.walk(cgroup, topdown=False):
        for _ in range(500):
            try:
                os.rmdir(folder)
                break
            except OSError:
                time.sleep(0.01)


def run_behind_namespaces(program):
    """As root: this program again, in a child cgroup that it sees as the root of all."""
    cgroup = f"{cgroup2_mount()[1]}/storkit-test-{os.getpid()}"
    try:
        os.mkdir(cgroup)
    except OSError as error:
        skip(f"no cgroup can be made here: {error}")
    enter = 'echo $$ > "$1/cgroup.procs" && shift && exec "$@"'
    unshare = ["unshare", "--mount", "--cgroup", "--pid", "--fork", "--kill-child", "--mount-proc"]
    try:
        return subprocess.run(
            ["sh", "-c", enter, "sh", cgroup, *unshare, sys.executable, *program],
            env={**os.environ, INSIDE: "/sys/fs/cgroup"}).returncode
    finally:
        remove(cgroup)


def mount(kind, target, options=""):
    """Inside the private mount namespace only."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.mount(kind.encode(), target.encode(), kind.encode(), 0, options.encode()) < 0:
        raise OSError(ctypes.get_errno(), f"mounting {kind} on {target}")


def unmount(target):
    ctypes.CDLL(None).umount2(target.encode(), 2)


def enter(program):
    """Returns a cgroup folder under which the caller may make others."""
    inside = os.environ.get(INSIDE)
    if inside:
        unmount(inside)  # the same file system twice on one folder is refused
        mount("cgroup2", inside)
        return inside
    if os.geteuid() == 0:
        sys.exit(run_behind_namespaces(program))
    own = own_cgroup()
    if not os.access(f"{own}/cgroup.procs", os.W_OK):
        skip(f"{own} is not delegated to this user (try it in systemd-run --user --scope "
             "-p Delegate=yes)")
    return own
