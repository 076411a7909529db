# SPDX-License-Identifier: LGPL-2.1-or-later
"""Drives the real storkit-shim as the daemon does: folder, FIFOs, gate, cgroup, records."""

import errno
import fcntl
import itertools
import json
import os
import shlex
import shutil
import signal
import struct
import sys
import tempfile
import time
import unittest

import sandbox

SHIM = os.environ.get("STORKIT_SHIM", "storkit-shim")
WRAPPER = shlex.split(os.environ.get("SHIM_WRAPPER", ""))
FACTOR = int(os.environ.get("STORKIT_TEST_TIMEOUT_FACTOR", "1"))
PATIENCE = (60 if WRAPPER else 20) * FACTOR

STOP, RESIZE = 1, 2
TERMINAL, MESSAGE, CLOSE = 16, 17, 18

cgroups = None
numbers = itertools.count()


def wait_for(condition, what):
    """Waits until @condition() is true and returns its value."""
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        value = condition()
        if value:
            return value
        time.sleep(0.005)
    raise AssertionError(f"waited in vain: {what}")


def text_of(path):
    """Of a file in /proc or of a cgroup; "" where its subject is gone."""
    try:
        with open(path) as file:
            return file.read()
    except OSError:
        return ""


class Shim:
    def __init__(self, *argv, options=(), setups=(), stdin=None, env=None, cwd="/", folder=None):
        self.path = folder or tempfile.mkdtemp(prefix="shim-")
        self.cgroup = f"{cgroups}/case-{os.getpid()}-{next(numbers)}"
        self.pid = self.status = None
        os.mkdir(self.cgroup)
        for name in ("control", "input"):
            if not os.path.exists(f"{self.path}/{name}"):
                os.mkfifo(f"{self.path}/{name}", 0o600)
        if stdin is not None:
            with open(f"{self.path}/stdin", "wb") as file:
                file.write(stdin)
        words = [word for setup in setups for word in ("--setup", *setup)]
        self.command = [*WRAPPER, SHIM, "--format=2", f"--cwd={cwd}", *options, *words, "--", *argv]
        self.env = {"PATH": "/usr/bin:/bin", **(env or {})}

    def spawn(self):
        """Starts the shim, in its cgroup, before its gate."""
        gate, self.gate = os.pipe()
        folder = os.open(self.path, os.O_RDONLY | os.O_DIRECTORY)
        fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
        self.log = tempfile.TemporaryFile(mode="w+")
        null = os.open("/dev/null", os.O_RDWR)
        places = {0: null, 1: self.log.fileno(), 2: self.log.fileno(), 3: gate, 4: folder}
        self.pid = os.posix_spawnp(
            self.command[0], self.command, self.env,
            file_actions=[(os.POSIX_SPAWN_DUP2, fd, place) for place, fd in places.items()])
        for fd in (gate, folder, null):
            os.close(fd)
        self.write_cgroup("cgroup.procs", str(self.pid))
        return self

    def start(self):
        """… opens the gate …"""
        self.spawn()
        try:
            os.write(self.gate, b"g")
        except BrokenPipeError:
            pass  # it did not like its command line
        return self

    def running(self):
        """… and waits until the agent executes."""
        self.start()
        self.started()
        return self

    def started(self):
        wait_for(lambda: self.exists("started"), f"started; log: {self.read_log()}")
        return json.loads(self.read("started"))

    def exists(self, name):
        return os.path.exists(f"{self.path}/{name}")

    def read(self, name="transcript"):
        with open(f"{self.path}/{name}", "rb") as file:
            return file.read()

    def read_log(self):
        self.log.seek(0)
        return self.log.read()

    def saw(self, text):
        wait_for(lambda: self.exists("transcript") and text in self.read(),
                 f"{text} in the transcript")
        return self

    def write_cgroup(self, name, text):
        with open(f"{self.cgroup}/{name}", "w") as file:
            file.write(text)

    def procs(self):
        with open(f"{self.cgroup}/agent/cgroup.procs") as file:
            return [int(line) for line in file]

    def record(self, kind, payload=b"", version=1):
        self.raw(struct.pack("=BBH", version, kind, len(payload)) + payload, kind)

    def raw(self, data, kind):
        fd = os.open(f"{self.path}/{'input' if kind >= TERMINAL else 'control'}", os.O_WRONLY)
        os.write(fd, data)
        os.close(fd)

    def stop(self, grace=None):
        self.record(STOP, b"" if grace is None else struct.pack("=Q", int(grace * 1e6)))

    def _reap(self):
        if self.status is None:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self.status = os.waitstatus_to_exitcode(status)
        return self.status is not None

    def wait(self):
        """Waits for the shim's exit and returns its status."""
        wait_for(self._reap, f"the shim's exit; log: {self.read_log()}")
        return self.status

    def end(self):
        """Waits for the end of the run and returns its exit.json."""
        status = self.wait()
        if status != 0:
            raise AssertionError(f"the shim exited with {status}: {self.read_log()}")
        end = json.loads(self.read("exit.json"))
        assert end["bytes"] == len(self.read()), "`bytes` is the transcript's size"
        assert self.procs() == [], "a process outlived its run"
        return end

    def destroy(self):
        if self.pid and self.status is None:
            os.kill(self.pid, signal.SIGKILL)
            wait_for(self._reap, "the shim's death")
        if self.pid:
            self.log.close()
        shutil.rmtree(self.path, ignore_errors=True)
        if os.path.isdir(f"{self.cgroup}/agent"):
            self.write_cgroup("agent/cgroup.kill", "1")
        for folder in (f"{self.cgroup}/agent", self.cgroup):
            wait_for(lambda: remove_folder(folder), f"{folder} to become empty")


def remove_folder(folder):
    try:
        os.rmdir(folder)
    except FileNotFoundError:
        pass
    except OSError as error:
        if error.errno != errno.EBUSY:
            raise
        return False
    return True


class ShimTest(unittest.TestCase):
    def shim(self, *argv, **arguments):
        shim = Shim(*argv, **arguments)
        self.addCleanup(shim.destroy)
        return shim

    def sh(self, script, **arguments):
        return self.shim("/bin/sh", "-c", script, **arguments)

    def python(self, script, **arguments):
        return self.shim("/usr/bin/python3", "-uc", script, **arguments)


def reserve_fds():
    """The shim's fds 3 and 4 are put in place by dup2(): ours must not be there."""
    while os.open("/dev/null", os.O_RDONLY | os.O_CLOEXEC) < 5:
        pass


def main():
    global cgroups
    cgroups = sandbox.enter(sys.argv)
    reserve_fds()
    unittest.main(verbosity=2)
