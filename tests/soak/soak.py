#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Everything at once, at random, while everything beneath it fails.

    soak.py [--seconds N] [--seed N] [--users N] [--broker]

Users start runs, freeze, attach, send, drain, subscribe and drop the subscription, kill agents and
shims, stop, and remove worktrees. Meanwhile the service is killed, restarted and held, the bus is
held and restarted, the user manager is held, re-executed and reloaded, journald is restarted (by
root only), and descriptors, inotify instances and the disk run out. What the service promises is
counted from outside; the exit status is 0 where nothing was broken.

Needs a user manager of its own: `scripts/check --long soak`, or by hand

    tests/host/boot -- env STORKITD=… STORKIT_SHIM=… tests/soak/soak.py --seconds 3600
"""

import argparse
import collections
import contextlib
import ctypes
import faulthandler
import os
import random
import resource
import signal
import subprocess
import sys
import tempfile
import threading
import time

HERE = os.path.dirname(os.path.realpath(__file__))
sys.path[:0] = [HERE, f"{os.path.dirname(HERE)}/system"]

from harness import NAME, Pool, PoolError  # noqa: E402
from promises import Ledger  # noqa: E402
from session import Bus, ask_about, connect, wait_until  # noqa: E402
from user import User  # noqa: E402

DISK = 512  # MiB
STOP_SECONDS = 30  # TimeoutStopSec= of the unit
SLOW = 10  # seconds: a call that takes as long was blocked
MEMORY = 64 << 20  # what the service may grow by


def enter_small_disk():
    """Runs this program again where TMPDIR is a disk of its own, which can be filled."""
    wrapper = """
        mount -t tmpfs -o size={}m,mode=0700 none "$TMPDIR" || exit 99
        exec unshare --user --map-user={} --map-group={} "$@"
    """.format(DISK, os.getuid(), os.getgid())
    with tempfile.TemporaryDirectory(prefix="storkit-soak.") as folder:
        outside = tempfile.gettempdir()
        environment = os.environ | {"TMPDIR": folder, "SOAK_DISK": folder, "SOAK_OUTSIDE": outside}
        command = ["unshare", "--user", "--map-root-user", "--mount", "bash", "-c", wrapper, "soak"]
        return subprocess.run([*command, sys.executable, *sys.argv], env=environment).returncode


def can_make_namespaces():
    command = ["unshare", "--user", "--map-root-user", "--mount", "true"]
    return subprocess.run(command, stderr=subprocess.DEVNULL).returncode == 0


class Prober(threading.Thread):
    """Asks for a property again and again: the bus never blocks."""

    def __init__(self, soak):
        super().__init__(daemon=True)
        self.soak = soak
        self.slowest = 0

    def run(self):
        while not self.soak.over.is_set():
            calm = self.soak.calm_since
            begun = time.monotonic()
            try:
                self.soak.pool.get_property("Version")
                answered = True
            except PoolError:
                answered = False
            took = time.monotonic() - begun
            if calm and calm == self.soak.calm_since and begun - calm > 3:
                self.slowest = max(self.slowest, took)
                self.soak.ledger.check(
                    "the service answers within 10 s", answered and took < SLOW, f"{took:.1f} s"
                )
            time.sleep(0.2)


class Soak:
    def __init__(self, options, pool, folder):
        self.options, self.pool = options, pool
        self.random = random.Random(options.seed)
        self.ledger = Ledger()
        self.ending, self.over = threading.Event(), threading.Event()
        self.calm_since = None
        self.begins = []  # of runs
        self.recent = collections.deque(maxlen=4)  # disturbances, for messages
        self.folder = folder  # not on the disk that fills up
        script = f"exec {HERE}/agent.py $SOAK_WORDS"
        agent = {"kind": "raw", "command": "sh", "args": ["-c", script], "stop_grace": "500ms"}
        self.root = pool.repository(agents={"coder": agent})

    # Disturbances: each ends with all as it was

    def kill_service(self):
        self.pool.kill_daemon()
        self.pool.start_daemon()

    def kill_service_thrice(self):
        for _ in range(3):
            self.kill_service()

    def restart_service(self):
        status = self.pool.stop_daemon(patience=STOP_SECONDS)
        self.ledger.check(
            "the service ends by SIGTERM with status 0",
            status == 0,
            lambda: f"{status}; it said {self.pool.log_text()[-1000:]}",
        )
        self.pool.start_daemon()

    def hold(self, pid, seconds=1.5):
        os.kill(pid, signal.SIGSTOP)
        time.sleep(seconds)
        os.kill(pid, signal.SIGCONT)

    def hold_service(self):
        self.hold(self.pool.process.pid)

    def hold_bus(self):
        self.hold(self.pool.bus.process.pid)

    def hold_manager(self):
        connection = self.pool.manager.connection
        self.hold(ask_about(connection, "GetConnectionUnixProcessID", "org.freedesktop.systemd1"))

    def restart_bus(self):
        self.pool.bus.close()
        os.unlink(f"{self.pool.folder}/bus")
        self.pool.bus = Bus(self.pool.folder, self.pool.environment, self.options.broker)
        process, bus = self.pool.process, self.pool.bus
        wait_until(
            lambda: bus.owner_pid(NAME) == process.pid or process.poll() is not None,
            "the service to be on the new bus",
            60,
        )
        if process.poll() is not None:
            self.pool.start_daemon()

    def reexecute_manager(self):
        subprocess.run(["systemctl", "--user", "daemon-reexec"], stderr=subprocess.DEVNULL)

    def reload_manager(self):
        subprocess.run(["systemctl", "--user", "daemon-reload"], stderr=subprocess.DEVNULL)

    def restart_journald(self):
        subprocess.run(["systemctl", "restart", "systemd-journald.service"])

    def run_out_of_descriptors(self):
        pid = self.pool.process.pid
        before = resource.prlimit(pid, resource.RLIMIT_NOFILE)
        used = len(os.listdir(f"/proc/{pid}/fd"))
        resource.prlimit(pid, resource.RLIMIT_NOFILE, (used + 3, before[1]))
        time.sleep(1.5)
        resource.prlimit(pid, resource.RLIMIT_NOFILE, before)

    def run_out_of_inotify(self):
        libc = ctypes.CDLL(None)
        taken = []
        while (fd := libc.inotify_init1(os.O_CLOEXEC)) >= 0:
            taken.append(fd)
        self.pool.kill_daemon()
        threading.Timer(1.5, lambda: [os.close(fd) for fd in taken]).start()
        self.start_until_it_stays()

    def start_until_it_stays(self):
        """As systemd would, a service that ends by itself is started again."""
        for _ in range(100):
            try:
                return self.pool.start_daemon()
            except AssertionError:
                time.sleep(0.2)
        self.ledger.check("the service is there in the end", False, "it does not start")

    def fill_disk(self):
        path = f"{self.pool.folder}/filling"
        with open(path, "wb") as file:
            left = os.statvfs(path)
            with contextlib.suppress(OSError):  # others take of it, too
                os.posix_fallocate(file.fileno(), 0, left.f_bavail * left.f_bsize)
        time.sleep(1.5)
        os.unlink(path)

    def disturbances(self):
        every = [
            self.kill_service, self.kill_service, self.kill_service_thrice, self.restart_service,
            self.hold_service, self.hold_bus, self.restart_bus, self.reexecute_manager,
            self.reload_manager, self.run_out_of_descriptors, self.run_out_of_inotify,
        ]  # fmt: skip
        if os.environ.get("SOAK_DISK"):
            every.append(self.fill_disk)
        if os.environ.get("STORKIT_TEST_HOST"):  # a manager that nobody else uses
            every.append(self.hold_manager)
            if os.getuid() == 0:
                every.append(self.restart_journald)
        return every

    def disturb(self):
        action = self.random.choice(self.disturbances())
        self.calm_since = None
        self.ledger.count(action.__name__.replace("_", " "))
        self.recent.append(action.__name__)
        action()
        self.ledger.check(
            "the service lives through what happens around it",
            self.pool.running(),
            lambda: f"{action.__name__}: it ended with {self.pool.process.returncode}",
        )
        if not self.pool.running():
            self.start_until_it_stays()
        self.calm_since = time.monotonic()

    # Figures

    def memory(self):
        with open(f"/proc/{self.pool.process.pid}/status") as file:
            return next(int(line.split()[1]) << 10 for line in file if line.startswith("VmRSS"))

    def descriptors(self):
        return len(os.listdir(f"/proc/{self.pool.process.pid}/fd"))

    # From the begin to the end

    def run(self):
        begun = time.monotonic()
        descriptors = self.descriptors()
        self.calm_since = begun
        prober = Prober(self)
        prober.start()
        users = [User(self, n, self.options.seed * 100 + n) for n in range(self.options.users)]
        for user in users:
            user.start()
        while time.monotonic() - begun < self.options.seconds:
            time.sleep(self.random.uniform(0.5, 6))
            self.disturb()
        self.ending.set()
        for user in users:
            user.join(300)
            self.ledger.check("every call ends", not user.is_alive(), f"user {user.number}")
        self.over.set()
        prober.join()
        self.check_end(descriptors)
        print(f"the slowest answer in a calm moment took {1000 * prober.slowest:.0f} ms")

    def check_end(self, descriptors):
        listed = [info for info in self.pool.list() if info["status"] in ("pending", "running")]
        self.ledger.check("no run is stuck", not listed, str(listed))
        before = self.memory()
        for _ in range(2000):
            self.pool.list()
        self.ledger.check(
            "memory stays flat", self.memory() - before < MEMORY, f"{before} to {self.memory()}"
        )
        # The journal's pace is slow. What is ten minutes behind is skipped.
        young = sum(begun > time.monotonic() - 660 for begun in self.begins)
        self.ledger.check(
            "descriptors are given back",
            self.descriptors() <= descriptors + 4 + 3 * young,
            f"{self.descriptors()} after {descriptors}, with {young} young runs",
        )
        print(f"memory {self.memory() >> 20} MiB, descriptors {self.descriptors()}")


def soak(options):
    outside = os.environ.get("SOAK_OUTSIDE")
    with tempfile.TemporaryDirectory(dir=outside) as folder, Pool(broker=options.broker) as pool:
        pool.bus.connection = connect(pool.bus.address)  # no signals: nobody looks at them here
        it = Soak(options, pool, folder)
        try:
            it.run()
        finally:
            it.over.set()
            it.ledger.report()
        return 1 if it.ledger.broken else 0


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=int, default=120)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    parser.add_argument("--users", type=int, default=5)
    parser.add_argument("--broker", action="store_true")
    options = parser.parse_args()
    faulthandler.register(signal.SIGUSR1)  # where each thread is
    print(f"seed {options.seed}", flush=True)
    if not os.environ.get("SOAK_DISK") and can_make_namespaces():
        return enter_small_disk()
    return soak(options)


if __name__ == "__main__":
    sys.exit(main())
