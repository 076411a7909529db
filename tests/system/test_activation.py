# SPDX-License-Identifier: LGPL-2.1-or-later
"""The service itself: the bus starts it, systemd stops it, and no agent goes with it."""

import ctypes
import json
import os
import socket
import subprocess
import sys
import threading
import time

from gi.repository import Gio, GLib

from harness import FACTOR, NAME, PATH, Pool, connect, main, serial, skip, wait_until
from session import RUNTIME, ask_about, scope_name
from traces import touch

UNIT = "storkitd.service"
JOURNAL = "storkit-journal.socket"
SOURCE = os.path.join(os.path.dirname(os.path.realpath(__file__)), "../..")
SERVICES = f"{RUNTIME}/dbus-1/services"
UNITS = f"{RUNTIME}/systemd/user"
WORDS = ("one", "two", "three")
REAL_BUS = {"XDG_RUNTIME_DIR": RUNTIME, "DBUS_SESSION_BUS_ADDRESS": f"unix:path={RUNTIME}/bus"}


def run(*command, **keywords):
    return subprocess.run(
        command,
        env=os.environ | REAL_BUS,
        stdout=subprocess.PIPE,
        text=True,
        check=True,
        **keywords,
    ).stdout


def systemctl(*arguments):
    return run("systemctl", "--user", *arguments)


def ask_bus(connection, method, parameters=None):
    return connection.call_sync(
        "org.freedesktop.DBus", "/org/freedesktop/DBus", "org.freedesktop.DBus", method, parameters,
        None, Gio.DBusCallFlags.NONE, -1, None,
    ).unpack()  # fmt: skip


def write(path, text):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w") as file:
        file.write(text)


class Installed:
    """The service as a developer puts it into their own session from the build tree: files that the
    real bus and the real user manager read. What it writes goes into the pool's folders."""

    def __init__(self, pool):
        self.pool = pool
        self.began = time.time()
        self.bus = connect(REAL_BUS["DBUS_SESSION_BUS_ADDRESS"])
        self.files = {
            f"{SERVICES}/{NAME}.service": self._fill_in(f"dbus-1/{NAME}.service.in"),
            f"{UNITS}/{UNIT}": self._fill_in(f"systemd/{UNIT}.in"),
            f"{UNITS}/{JOURNAL}": self._fill_in(f"systemd/{JOURNAL}"),
            f"{UNITS}/storkit-journal@.service": self._fill_in(
                "systemd/storkit-journal@.service.in"
            ),
            f"{UNITS}/{UNIT}.d/test.conf": self._drop_in(),
        }

    def _fill_in(self, template):
        with open(f"{SOURCE}/data/{template}") as file:
            return file.read().replace("@libexecdir@", os.path.dirname(os.environ["STORKITD"]))

    def _drop_in(self):
        theirs = ("PATH", "XDG_RUNTIME_DIR", "DBUS_SESSION_BUS_ADDRESS")
        variables = {k: v for k, v in self.pool.environment.items() if k not in theirs}
        lines = [f'Environment="{name}={value}"' for name, value in variables.items()]
        return "[Service]\n" + "\n".join(lines) + "\n"

    def _reload(self):
        systemctl("daemon-reload")
        ask_bus(self.bus, "ReloadConfig")

    def __enter__(self):
        there = ask_bus(self.bus, "ListActivatableNames")[0] + ask_bus(self.bus, "ListNames")[0]
        if (
            NAME in there
            or systemctl("show", "--value", "--property=LoadState", UNIT) != "not-found\n"
        ):
            skip(f"{NAME} is installed in this session")
        for path, text in self.files.items():
            write(path, text)
        self._reload()
        return self

    def __exit__(self, *error):
        systemctl("stop", UNIT, JOURNAL)
        if error[0]:
            print(run("journalctl", "--user", "--no-pager", "--lines=50", "--unit", UNIT))
        subprocess.run(["systemctl", "--user", "reset-failed", UNIT], stderr=subprocess.DEVNULL)
        for path in self.files:
            os.unlink(path)
        os.rmdir(f"{UNITS}/{UNIT}.d")
        self._reload()

    def call(self, method, signature, *arguments):
        """A call by busctl, which starts the service."""
        return run("busctl", "--user", "call", NAME, PATH, NAME, method, signature, *arguments)

    def owned(self):
        return ask_bus(self.bus, "NameHasOwner", GLib.Variant("(s)", (NAME,)))[0]

    def queue(self):
        """The unique names of who owns the service's, and who waits for it."""
        return ask_about(self.bus, "ListQueuedOwners", NAME) or []

    def owners_seen(self):
        """The list that each new owner of the name is added to; "" is none."""
        owners = []
        self.bus.signal_subscribe(
            None, "org.freedesktop.DBus", "NameOwnerChanged", None, NAME,
            Gio.DBusSignalFlags.NONE,
            lambda *signal: owners.append(signal[5].unpack()[2]),
        )  # fmt: skip
        return owners

    def settle(self):
        """Until the signals that were sent before have come."""
        ask_bus(self.bus, "GetId")
        while GLib.MainContext.default().iteration(False):
            pass

    def owner(self):
        """The unique name that owns the service's, or None."""
        return ask_about(self.bus, "GetNameOwner", NAME)


@serial
def test_first_call_starts_the_service():
    """On a bus where nothing of ours runs, `busctl --user call … Start` starts the service and an
    agent; gdbus monitor prints its events, systemctl shows its scope in the slice."""
    with Pool(daemon=False) as pool, Installed(pool) as session:
        root = pool.repository(agents={"coder": f"init; wait {pool.folder}/go; print I am done."})
        assert not session.owned()
        answer = session.call("Start", "sss", root, "42_login", "")
        assert answer.startswith("a{sv}") and '"status" s "running"' in answer
        assert systemctl("is-active", UNIT) == "active\n"
        (run_id,) = pool.run_folders()
        assert scope_name(run_id) in systemctl(
            "status", "--no-pager", "app-storkit.slice"
        )
        assert f"{root}/.storkit/worktrees/42_login" in pool.git(root, "worktree", "list")

        printed = f"{pool.folder}/monitor"
        with open(printed, "w") as file:
            monitor = subprocess.Popen(
                ["gdbus", "monitor", "--session", "--dest", NAME, "--object-path", PATH],
                env=os.environ | REAL_BUS, stdout=file,
            )  # fmt: skip
        wait_until(lambda: "is owned by" in open(printed).read(), "gdbus monitor")
        touch(f"{pool.folder}/go")
        wait_until(lambda: "I am done." in open(printed).read(), "the event in gdbus monitor")
        monitor.terminate()
        monitor.wait()
        wait_until(
            lambda: run(
                "journalctl", "--user", "--quiet", "STORKIT_STORY=42_login", f"STORKIT_RUN={run_id}"
            ),
            "the journal's entries",
        )


def print_on(pool):
    """A scenario that prints each of three words when its file is there."""
    return "; ".join(f"wait {pool.folder}/{word}; print I say {word}" for word in WORDS) + (
        f"; wait {pool.folder}/end"
    )


def units_of(run_id):
    """What the run's output in the journal says, each with the unit that systemd has it under."""
    printed = run(
        "journalctl", "--user", "--quiet", "--output=json", f"STORKIT_RUN={run_id}",
        "STORKIT_EVENT=output",
    )  # fmt: skip
    entries = [json.loads(line) for line in printed.splitlines()]
    return [(entry["MESSAGE"], entry["_SYSTEMD_USER_UNIT"]) for entry in entries]


def say(pool, run_id, word):
    """Has the agent say @word; returns the unit under which the journal has it."""
    touch(f"{pool.folder}/{word}")
    found = wait_until(
        lambda: [unit for text, unit in units_of(run_id) if text == f"I say {word}"],
        f"{word} in the journal",
    )
    assert len(found) == 1, found
    return found[0]


def relays():
    """The processes that write the agents' entries, each with its unit."""
    listed = systemctl("list-units", "--plain", "--no-legend", "storkit-journal@*.service")
    units = [line.split()[0] for line in listed.splitlines()]
    return {unit: systemctl("show", "--value", "--property=MainPID", unit).strip() for unit in units}


@serial
def test_services_own_log_is_apart():
    """`systemctl --user status storkitd` and the unit's log show what the service says, without the
    agents' events: those are under another unit, which comes and goes with the service."""
    with Pool(daemon=False) as pool, Installed(pool) as session:
        root = pool.repository(agents={"coder": print_on(pool)})
        with open(f"{root}/.storkit/project.toml", "a") as file:
            file.write("surprise = 1\n")
        session.call("Start", "sss", root, "42_login", "")
        (run_id,) = pool.run_folders()
        assert say(pool, run_id, WORDS[0]).startswith("storkit-journal@")

        def own_log():
            return run("journalctl", "--user", "--quiet", "--output=cat", "--identifier=storkitd")

        wait_until(lambda: root in own_log(), "the warning of an unknown key")
        for text in (
            own_log(),
            systemctl("status", "--no-pager", "--full", UNIT),
            run("journalctl", "--user", "--quiet", "--unit", UNIT, f"--since=@{session.began}"),
        ):
            assert root in text and "I say" not in text and "42_login/coder" not in text, text

        assert len(relays()) == 1
        systemctl("stop", UNIT)
        wait_until(lambda: not relays(), "the end of the process that wrote the entries")
        wait_until(
            lambda: systemctl("show", "--value", "--property=ActiveState", JOURNAL) == "inactive\n",
            "the end of its socket",
        )


@serial
def test_entries_survive_who_writes_them():
    """Each event is in the journal once, also where the process that writes the entries is killed;
    where it can't be started, the service writes them itself."""
    with Pool(daemon=False) as pool, Installed(pool) as session:
        root = pool.repository(agents={"coder": print_on(pool)})
        session.call("Start", "sss", root, "42_login", "")
        (run_id,) = pool.run_folders()
        first = say(pool, run_id, WORDS[0])
        ((unit, pid),) = relays().items()
        assert unit == first
        os.kill(int(pid), 9)
        second = say(pool, run_id, WORDS[1])
        assert second.startswith("storkit-journal@") and second != first

        systemctl("stop", JOURNAL, second)
        assert say(pool, run_id, WORDS[2]) == UNIT
        assert [text for text, _ in units_of(run_id)] == [f"I say {word}" for word in WORDS]


@serial
def test_stop_of_the_service_stops_no_agent():
    """`systemctl --user stop` ends the service cleanly and at once; its agents go on, and the next
    call starts it again and finds them."""
    with Pool(daemon=False) as pool, Installed(pool) as session:
        root = pool.repository(agents={"coder": "idle"})
        session.call("Start", "sss", root, "42_login", "")
        (run_id,) = pool.run_folders()
        unit = scope_name(run_id)
        before = pool.cgroup_procs(unit)
        systemctl("stop", UNIT)
        assert not session.owned()
        # A status other than 0 would leave it `failed`.
        assert systemctl("show", "--value", "--property=ActiveState", UNIT) == "inactive\n"
        assert pool.cgroup_procs(unit) == before != []

        answer = session.call("Get", "sss", root, "42_login", "")
        assert '"status" s "running"' in answer and run_id in answer, answer
        session.call("Stop", "sss", root, "42_login", "")
        assert pool.cgroup_procs(unit) == []


@serial
def test_crash_of_the_service_is_mended():
    """After a SIGKILL systemd starts the service again by itself; its agents go on."""
    with Pool(daemon=False) as pool, Installed(pool) as session:
        root = pool.repository(agents={"coder": "idle"})
        session.call("Start", "sss", root, "42_login", "")
        pid = systemctl("show", "--value", "--property=MainPID", UNIT)
        os.kill(int(pid), 9)
        wait_until(
            lambda: systemctl("show", "--value", "--property=MainPID", UNIT) not in (pid, "0\n")
            and session.owned(),
            "the service",
        )
        assert '"status" s "running"' in session.call("Get", "sss", root, "42_login", "")


@serial
def test_idle_service_comes_back_by_the_next_call():
    """With nothing to do the service ends, which systemd takes for no failure; each call starts it
    again."""
    with Pool(daemon=False) as pool, Installed(pool) as session:
        write(f"{pool.environment['XDG_CONFIG_HOME']}/storkit/storkitd.conf", "[Pool]\nIdleExit=50ms\n")
        for _ in range(3):
            assert session.call("List", "") == "aa{sv} 0\n"
            wait_until(lambda: systemctl("show", "--value", "--property=ActiveState", UNIT)
                       == "inactive\n", "the end")  # fmt: skip
            assert systemctl("show", "--value", "--property=Result", UNIT) == "success\n"
        assert systemctl("show", "--value", "--property=NRestarts", UNIT) == "0\n"


PIDFD_GETFD = 438  # the same on every architecture


def sockets_of(pid):
    """Our own copies of the sockets of another process of this user, as the kernel may let us."""
    process = os.pidfd_open(pid)
    libc = ctypes.CDLL(None, use_errno=True)
    sockets = []
    try:
        for fd in sorted(map(int, os.listdir(f"/proc/{pid}/fd"))):
            if not os.readlink(f"/proc/{pid}/fd/{fd}").startswith("socket:"):
                continue
            copy = libc.syscall(PIDFD_GETFD, process, fd, 0)
            if copy < 0:
                skip(f"no reach into another process: {os.strerror(ctypes.get_errno())}")
            sockets.append(socket.socket(fileno=copy))
    finally:
        os.close(process)
    return sockets


def is_on_the_bus(connection):
    try:
        return str(connection.getpeername()).endswith("/bus")
    except OSError:
        return False


def throw_out(pid, which):
    """Ends one of the service's two connections to the bus, as the bus does to a client that is too
    much for it. The one to the user's systemd was opened before them, and stays."""
    connections = sockets_of(pid)
    to_systemd, *to_bus = filter(is_on_the_bus, connections)
    assert len(to_bus) == 2, to_bus
    to_bus[which].shutdown(socket.SHUT_RDWR)
    for connection in connections:
        connection.close()


def lose_connection(queue, pid, which):
    """Throws out one of the two connections that are in the name's @queue."""
    wait_until(lambda: len(queue()) == 2, "a second connection")
    before = set(queue())
    throw_out(pid, which)
    wait_until(lambda: len(before - set(queue())) == 1, "its loss")


@serial
def test_loss_of_the_bus_does_not_end_the_service():
    """Whichever of its connections the bus closes, the service's name has an owner all the while:
    neither its clients nor systemd notice, subscribers read on, and a second connection is there
    again. systemd can stop it then, and a call start it, as ever."""
    with Pool(daemon=False) as pool, Installed(pool) as session:
        root = pool.repository(
            agents={"coder": f"init; wait {pool.folder}/go; print still here; idle"}
        )
        session.call("Start", "sss", root, "42_login", "")
        pid = systemctl("show", "--value", "--property=MainPID", UNIT)
        pool.bus.connection = session.bus
        stream = pool.subscribe(root, "42_login")
        owners = session.owners_seen()

        for which in (0, 1, 1, 0):
            lose_connection(session.queue, int(pid), which)
            assert '"status" s "running"' in session.call("Get", "sss", root, "42_login", "")
        session.settle()
        assert len(owners) >= 2 and "" not in owners, owners
        assert systemctl("show", "--value", "--property=MainPID", UNIT) == pid
        assert systemctl("is-active", UNIT) == "active\n"
        touch(f"{pool.folder}/go")
        while b"still here" not in stream.read_line():
            pass

        systemctl("restart", UNIT)
        assert session.owner(), "ready without its name"
        systemctl("stop", UNIT)
        wait_until(lambda: not session.owned(), "the end of the name")
        assert '"status" s "running"' in session.call("Get", "sss", root, "42_login", "")
        session.call("Stop", "sss", root, "42_login", "")


def test_spare_is_the_next_owner_on_dbus_broker():
    """dbus-broker, too, gives the name to the service's second connection when it closes the first:
    the same service answers, and has another spare one."""
    with Pool(broker=True) as pool:
        root = pool.repository(agents={"coder": "idle"})
        run = pool.start(root, "42_login")["run_id"]
        for which in (0, 1, 1, 0):
            lose_connection(lambda: pool.bus.queue(NAME), pool.process.pid, which)
            assert pool.get(root, "42_login")["run_id"] == run


def test_sigterm_ends_it_at_once(pool):
    """SIGTERM ends an idle daemon, and one with agents, at once and with status 0."""
    root = pool.repository(agents={"coder": "idle"})
    for story in ("one", "two"):
        began = time.monotonic()
        assert pool.stop_daemon() == 0
        # Well below the 20 s that a step under way may take.
        assert time.monotonic() - began < 10 * FACTOR
        pool.start_daemon()
        pool.start(root, story)
    assert pool.stop_daemon() == 0
    assert all(pool.scope_exists(unit) for unit in pool.units)


def test_second_service_gives_up(pool):
    """A second storkitd on the same runs ends with a message and harms nothing."""
    root = pool.repository(agents={"coder": "idle"})
    pool.start(root, "42_login")
    second = subprocess.run(
        [os.environ["STORKITD"]], env=pool.environment, stderr=subprocess.PIPE, text=True
    )
    assert second.returncode == 1 and "belong to another storkitd" in second.stderr
    assert pool.get(root, "42_login")["status"] == "running"


# Takes the name and ends, while a child of it holds the connection open: as the bus sees a service
# that was killed, before it has delivered what that had sent.
DEAD_OWNER = f"""
import os, sys
from gi.repository import Gio, GLib
client = Gio.DBusConnectionFlags.AUTHENTICATION_CLIENT | Gio.DBusConnectionFlags.MESSAGE_BUS_CONNECTION
connection = Gio.DBusConnection.new_for_address_sync(sys.argv[1], client, None, None)
bus = "org.freedesktop.DBus"
connection.call_sync(bus, "/org/freedesktop/DBus", bus, "RequestName",
                     GLib.Variant("(su)", ("{NAME}", 0)), None, Gio.DBusCallFlags.NONE, -1, None)
if os.fork() == 0:
    sys.stdin.read()
os._exit(0)
"""


def test_name_of_a_killed_service_is_waited_for():
    """Where the bus still has the name for a process that is gone, the service waits for it."""
    with Pool(daemon=False) as pool:
        owner = subprocess.Popen(
            [sys.executable, "-c", DEAD_OWNER, pool.bus.address], stdin=subprocess.PIPE
        )
        assert owner.wait(20 * FACTOR) == 0 and pool.bus.owner(NAME)
        starting = threading.Thread(target=pool.start_daemon)
        starting.start()
        wait_until(lambda: "previous service is gone" in pool.log_text(), "the service to wait")
        owner.stdin.close()
        starting.join()
        assert pool.bus.owner_pid(NAME) == pool.process.pid


def test_service_whose_name_is_taken_gives_up():
    """A client that takes the name over gets it; the service ends instead of going on unseen beside
    another one. Its agents go on, and the next service has them."""
    with Pool(environment={"G_DEBUG": ""}) as pool:
        root = pool.repository(agents={"coder": "idle"})
        run = pool.start(root, "42_login")["run_id"]
        other = connect(pool.bus.address)
        replace_at_once = GLib.Variant("(su)", (NAME, 2 | 4))
        assert ask_bus(other, "RequestName", replace_at_once)[0] == 1
        assert pool.process.wait(20 * FACTOR) == 1
        assert "another program has taken the bus name" in pool.log_text()
        assert pool.cgroup_procs(pool.units.copy().pop())
        other.close_sync(None)
        pool.start_daemon()
        assert [info["run_id"] for info in pool.list()] == [run]


def test_without_a_user_manager_it_says_what_to_do():
    """Where there is no user manager, storkitd ends with status 1 and says what to do."""
    for environment in ({"XDG_RUNTIME_DIR": "/nonexistent"}, {}):
        service = subprocess.run(
            [os.environ["STORKITD"]], env=environment, stderr=subprocess.PIPE, text=True
        )
        assert service.returncode == 1, service.returncode
        assert "the user's systemd" in service.stderr and "log in" in service.stderr
        assert service.stderr.count("\n") == 1, service.stderr


def test_command_line_is_checked():
    """--version prints it; anything unknown is an error with status 2."""
    assert run(os.environ["STORKITD"], "--version").startswith("storkitd ")
    for argument in ("--colour", "argument"):
        wrong = subprocess.run(
            [os.environ["STORKITD"], argument], stderr=subprocess.PIPE, text=True
        )
        assert wrong.returncode == 2 and wrong.stderr.startswith("storkitd: ")


if __name__ == "__main__":
    main()
