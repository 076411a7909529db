# SPDX-License-Identifier: LGPL-2.1-or-later
"""What surrounds the daemon: a private session bus, and the user's real systemd and journal."""

import contextlib
import json
import os
import re
import shlex
import socket
import subprocess
import time

import gi

gi.require_version("Gio", "2.0")
from gi.repository import Gio, GLib  # noqa: E402

FACTOR = float(os.environ.get("STORKIT_TEST_TIMEOUT_FACTOR", "1"))
PATIENCE = 20 * FACTOR  # how long a condition may take to come true, in seconds
RUNTIME = os.environ.get("XDG_RUNTIME_DIR", f"/run/user/{os.getuid()}")


def wait_until(condition, what, timeout=None):
    """Waits until @condition() is true, dispatching what comes in on the bus; returns its value.
    @what says what was waited for, when that fails."""
    end = time.monotonic() + (PATIENCE if timeout is None else timeout * FACTOR)
    context = GLib.MainContext.default()
    while True:
        # Bounded by time: in a flood there is always another signal, and one turn dispatches many.
        pause = time.monotonic() + 0.02
        busy = context.iteration(False)
        while busy and time.monotonic() < pause:
            busy = context.iteration(False)
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise AssertionError(f"waited in vain for {what}")
        if not busy:
            time.sleep(0.005)


def connect(address):
    """A connection of our own to the bus at @address."""
    flags = (
        Gio.DBusConnectionFlags.AUTHENTICATION_CLIENT
        | Gio.DBusConnectionFlags.MESSAGE_BUS_CONNECTION
    )
    connection = Gio.DBusConnection.new_for_address_sync(address, flags, None, None)
    connection.set_exit_on_close(False)
    return connection


def ask_about(connection, method, name):
    """What the bus says of @name, or None where nobody has it."""
    try:
        return connection.call_sync(
            "org.freedesktop.DBus",
            "/org/freedesktop/DBus",
            "org.freedesktop.DBus",
            method,
            GLib.Variant("(s)", (name,)),
            None,
            Gio.DBusCallFlags.NONE,
            -1,
            None,
        ).unpack()[0]
    except GLib.Error:
        return None


class Bus:
    """A session bus that only this test is on: dbus-daemon, or dbus-broker with @broker."""

    def __init__(self, folder, environment, broker=False):
        self.address = f"unix:path={folder}/bus"
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        listener.bind(f"{folder}/bus")
        listener.listen(128)
        # Both take a listening socket as fd 3, by the protocol of systemd's socket activation.
        program = (
            "dbus-broker-launch --scope user"
            if broker
            else "dbus-daemon --session --nofork --nopidfile --address=systemd:"
        )
        self.process = subprocess.Popen(
            ["bash", "-c", f"LISTEN_PID=$$ LISTEN_FDS=1 exec {program} 3<&{listener.fileno()}"],
            env=environment,
            pass_fds=[listener.fileno()],
            stdin=subprocess.DEVNULL,
            stdout=open(f"{folder}/bus.log", "wb"),
            stderr=subprocess.STDOUT,
        )
        listener.close()
        self.connection = connect(self.address)

    def owner(self, name):
        """The unique name that owns @name, or None."""
        return ask_about(self.connection, "GetNameOwner", name)

    def owner_pid(self, name):
        """The process that owns @name, or None. The bus may not have noticed its end yet."""
        return ask_about(self.connection, "GetConnectionUnixProcessID", name)

    def queue(self, name):
        """The unique names that own @name and wait for it, in that order."""
        return ask_about(self.connection, "ListQueuedOwners", name) or []

    def close(self):
        """Ends it, and waits for its children, too: dbus-broker is one of dbus-broker-launch."""
        children = children_of(self.process.pid)
        self.process.terminate()
        self.process.wait()
        wait_until(
            lambda: not any(os.path.exists(f"/proc/{child}") for child in children),
            "the end of the bus",
        )


class UserManager:
    """The user's own systemd. Other tests share it: it touches only units that the caller names."""

    def __init__(self):
        self.connection = connect(f"unix:path={RUNTIME}/bus")

    def _call(self, method, signature, *arguments, path=None, interface=None):
        return self.connection.call_sync(
            "org.freedesktop.systemd1",
            path or "/org/freedesktop/systemd1",
            interface or "org.freedesktop.systemd1.Manager",
            method,
            GLib.Variant(signature, arguments),
            None,
            Gio.DBusCallFlags.NONE,
            -1,
            None,
        ).unpack()

    def unit_path(self, unit):
        """The object of a unit that systemd has loaded, or None."""
        try:
            return self._call("GetUnit", "(s)", unit)[0]
        except GLib.Error:
            return None

    def property(self, unit, name, kind="Unit"):
        """A property of the unit, None where the unit is gone."""
        path = self.unit_path(unit)
        if not path:
            return None
        try:
            return self._call(
                "Get",
                "(ss)",
                f"org.freedesktop.systemd1.{kind}",
                name,
                path=path,
                interface="org.freedesktop.DBus.Properties",
            )[0]
        except GLib.Error:
            return None

    def cgroup(self, unit):
        """The folder of a scope's cgroup, or None."""
        path = self.property(unit, "ControlGroup", "Scope")
        return f"/sys/fs/cgroup{path}" if path else None

    def cgroup_procs(self, unit):
        """The pids of all processes of a scope, its sub-cgroups included."""
        pids = []
        for folder, _, _ in os.walk(self.cgroup(unit) or "/nonexistent"):
            try:
                with open(f"{folder}/cgroup.procs") as file:
                    pids += [int(line) for line in file]
            except OSError:
                pass  # gone meanwhile
        return pids

    def kill(self, unit):
        """Ends every process of a scope, and waits for the scope to be gone."""
        for method, signature, *rest in (
            ("KillUnit", "(ssi)", "all", 9),
            ("StopUnit", "(ss)", "replace"),
            ("ResetFailedUnit", "(s)"),
        ):
            try:
                self._call(method, signature, unit, *rest)
            except GLib.Error:
                pass  # gone meanwhile
        wait_until(lambda: not self.unit_path(unit), f"the end of {unit}")


def scope_name(run_id):
    """The unit of a run that has just been made: the contract's rule."""
    return f"app-storkit-{unit_word(run_id)}.scope"


def unit_word(name):
    """A name in a unit's: letters and digits, a capital for each separator before."""
    return re.sub("[^A-Za-z0-9]+(.?)", lambda match: match[1].upper(), name)


def journal(run_id):
    """The journal's entries of a run, oldest first, as dicts."""
    output = subprocess.run(
        ["journalctl", "--user", "--output=json", "--all", "--quiet", f"STORKIT_RUN={run_id}"],
        stdout=subprocess.PIPE,
        check=True,
    ).stdout
    return [json.loads(line) for line in output.splitlines()]


def processes_of(marker):
    """The pids whose environment holds the bytes NAME=VALUE of @marker, less those that have
    ended."""
    found = []
    for entry in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{entry}/environ", "rb") as file:
                if marker.encode() in file.read().split(b"\0"):
                    found.append(int(entry))
        except OSError:
            pass  # ended meanwhile, or not ours
    return found


def is_helper(pid):
    """Whether it is a process that does git's work for the service, which may stay for a while."""
    try:
        with open(f"/proc/{pid}/comm") as file:
            return file.read() == "storkit-git\n"
    except OSError:
        return False


def ends_with_service(pid):
    """Whether it is such a process, one that is about to be (it has the service's own program until
    it executes its own), or the shell that is asked for its environment, which ends by itself."""
    try:
        with open(f"/proc/{pid}/cmdline", "rb") as file:
            if b"env -0; cat /proc/self/limits" in file.read():
                return True
        return os.path.basename(os.readlink(f"/proc/{pid}/exe")) in ("storkit-git", "storkitd")
    except OSError:
        return False


def children_of(pid):
    """The ids of a process's children, as text; none where it has ended."""
    try:
        with open(f"/proc/{pid}/task/{pid}/children") as file:
            return file.read().split()
    except OSError:
        return []


def describe_process(pid):
    """The command line of a process, for a message."""
    try:
        with open(f"/proc/{pid}/cmdline", "rb") as file:
            return f"{pid} ({shlex.join(file.read().decode(errors='replace').split(chr(0))[:-1])})"
    except OSError:
        return str(pid)


def read_waiting_place(pid):
    """Where in the kernel the threads of a process are, for a message."""
    places = []
    with contextlib.suppress(OSError):
        for task in os.listdir(f"/proc/{pid}/task"):
            with open(f"/proc/{pid}/task/{task}/wchan") as file:
                places.append(file.read())
    return " ".join(places) or "its end"
