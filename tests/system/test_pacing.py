# SPDX-License-Identifier: LGPL-2.1-or-later
"""A reader on the bus that does not read: it is the bus that has a problem then, not the pool."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time

from gi.repository import Gio, GLib

from follower import Follower
from harness import NAME, PATH, Pool, connect, long, main, root, serial, skip, timeout, wait_until
from session import FACTOR


def start_monitor(pool, root):
    """A `gdbus monitor` that gets the pool's signals, and is then stopped."""
    monitor = subprocess.Popen(
        ["gdbus", "monitor", "--session", "--dest", NAME],
        env=pool.environment,
        stdout=subprocess.PIPE,
    )
    wait_until(lambda: b"is owned" in monitor.stdout.readline(), "the monitor")
    # Only what it prints says that the bus knows of its wish.
    pool.start(root, "first", "short")
    while b"AgentEvent" not in monitor.stdout.readline():
        pass
    monitor.send_signal(signal.SIGSTOP)
    pool.wait(root, "first", "short")
    pool.stop(root, "first", "short")
    return monitor


class Listener:
    """Another subscriber of the same signals, which reads all along."""

    def __init__(self, pool):
        self.cursors = []
        self.last = None
        self.connection = connect(pool.bus.address)
        self.connection.signal_subscribe(
            NAME, NAME, "AgentEvent", PATH, None, Gio.DBusSignalFlags.NONE, self._on_event
        )

    def _on_event(self, connection, sender, path, interface, member, parameters):
        data = parameters.get_child_value(3)
        cursor = data.lookup_value("cursor", None).unpack()
        if parameters.get_child_value(0).unpack() == "first":
            return
        self.cursors.append(cursor)
        if parameters.get_child_value(2).unpack() in ("done", "error"):
            self.last = cursor


class Caller:
    """Calls the service all the while, as a client does that has nothing to do with its events."""

    def __init__(self, pool, info):
        self.pool = pool
        self.info = info
        self.slowest = 0
        self._next = 0

    def step(self):
        begun = time.monotonic()
        if begun < self._next:
            return
        info = self.info
        assert [run["run_id"] for run in self.pool.list()] == [info["run_id"]]
        self.pool.get(info["project_root"], info["story_id"], info["agent_name"])
        self._next = time.monotonic() + 0.1
        self.slowest = max(self.slowest, time.monotonic() - begun)

    def call_until(self, condition, what, seconds):
        def step():
            self.step()
            return condition()

        wait_until(step, what, seconds)


def flooding(size, line):
    return {"coder": f"init; flood {size} {line}; result; exit 0", "short": "init; result; exit 0"}


def check_stopped_monitor(pool, size, line, seconds, before_the_rest=lambda monitor: None):
    """A monitor is stopped before a run that prints @size. Calls are answered, a subscriber and,
    after what @before_the_rest does, a listener to the signals get every event."""
    root = pool.repository(agents=flooding(size, line))
    listener = Listener(pool)
    # Calls from where no signals come: the pool's own connection keeps every event that it gets.
    pool.bus.connection = connect(pool.bus.address)
    monitor = start_monitor(pool, root)
    owner = pool.bus.owner(NAME)
    cursors = []
    try:
        info = pool.start(root, "s", "coder")
        follower = Follower(pool, info["run_id"], lambda event: cursors.append(event["cursor"]))
        caller = Caller(pool, info)
        caller.call_until(follower.step, "the end of the run", seconds)
        before_the_rest(monitor)
        caller.call_until(lambda: listener.last, "the last signal", seconds)
    finally:
        monitor.kill()
        monitor.wait()
    print(f"{len(cursors)} events, {len(listener.cursors)} signals, {caller.slowest:.2f} s")
    assert sorted(set(listener.cursors)) == cursors
    assert listener.cursors == cursors, "repeated or out of order"
    assert caller.slowest < 10 * FACTOR
    return owner


@timeout(120)
def test_stopped_monitor_on_dbus_daemon(pool):
    """A stopped gdbus monitor on dbus-daemon: calls are answered, the others get every event."""
    check_stopped_monitor(pool, "50M", "20K", 100)


def end(monitor):
    monitor.kill()
    monitor.wait()


def check_stopped_monitor_on_dbus_broker(size, line, seconds):
    with Pool(broker=True) as pool:
        owner = check_stopped_monitor(pool, size, line, seconds, end)
        assert pool.bus.owner(NAME) == owner, "the broker has thrown the service out"
        assert "signals wait until they are read or their reader exits" in pool.log_text()
        assert "signals continue" in pool.log_text()


@timeout(300)
def test_stopped_monitor_on_dbus_broker():
    """A stopped gdbus monitor on dbus-broker, whose user may have 264 MB there: calls are answered,
    subscribers get every event; signals wait for the monitor before the broker throws somebody out,
    and nothing of them is lost either."""
    check_stopped_monitor_on_dbus_broker("400M", "200K", 240)


@timeout(120)
def test_bus_that_hangs_does_not_hold_up_the_end(pool):
    """SIGTERM ends a service that has more to tell than a bus which stands still takes of it."""
    root = pool.repository(agents={"coder": f"wait {pool.folder}/go; flood 20M 20K; idle"})
    follower = Follower(pool, pool.start(root, "s")["run_id"])
    wait_until(lambda: follower.step() or follower.events, "the first event")
    pool.bus.process.send_signal(signal.SIGSTOP)
    try:
        open(f"{pool.folder}/go", "w").close()
        wait_until(lambda: follower.step() or len(follower.events) > 1000, "the flood")
        assert pool.stop_daemon() == 0
    finally:
        pool.bus.process.send_signal(signal.SIGCONT)


HOARDER = """
import os, signal, sys
sys.path.insert(0, sys.argv[1])
from session import connect
connection = connect(sys.argv[2])
print(connection.get_unique_name(), flush=True)
os.kill(os.getpid(), signal.SIGSTOP)
"""


def start_hoarder(pool):
    """A client that does not read."""
    return subprocess.Popen(
        [sys.executable, "-c", HOARDER, os.path.dirname(__file__), pool.bus.address],
        stdout=subprocess.PIPE,
        text=True,
    )


def fill_bus(pool, hoarder):
    """Makes the bus hold more than half of what a user may have there, for the hoarder."""
    name = hoarder.stdout.readline().strip()
    sender = connect(pool.bus.address)
    megabyte = GLib.Variant("(s)", ("x" * 1000000,))
    for _ in range(150):
        sender.emit_signal(name, "/", "org.storkit.Test", "Hoard", megabyte)
        sender.flush_sync(None)
    there = sender.call_sync(
        "org.freedesktop.DBus", "/org/freedesktop/DBus", "org.freedesktop.DBus", "NameHasOwner",
        GLib.Variant("(s)", (name,)), None, Gio.DBusCallFlags.NONE, -1, None,
    )  # fmt: skip
    assert there.unpack()[0], "the bus has thrown it out: this tests nothing"


def wake_ups(pid):
    with open(f"/proc/{pid}/status") as file:
        (line,) = (line for line in file if line.startswith("voluntary_ctxt_switches"))
    return int(line.split()[1])


def sleeps(pid, seconds):
    """Whether its main thread is not woken for so long, from now on."""
    before = wake_ups(pid)
    time.sleep(seconds)
    return wake_ups(pid) == before


def switches(pid):
    """How often the threads of the process have been woken, or were put to sleep."""
    total = 0
    for thread in os.listdir(f"/proc/{pid}/task"):
        with open(f"/proc/{pid}/task/{thread}/status") as file:
            total += sum(int(line.split()[1]) for line in file if "ctxt_switches" in line)
    return total


def rests(pid, seconds):
    """Whether no thread of it is woken for so long, from now on."""
    before = switches(pid)
    time.sleep(seconds)
    return switches(pid) == before


def names_of_helpers(pid):
    """Of the threads of the process, and of its children."""
    for thread in os.listdir(f"/proc/{pid}/task"):
        with open(f"/proc/{pid}/task/{thread}/comm") as file:
            yield file.read()
        with open(f"/proc/{pid}/task/{thread}/children") as file:
            children = file.read().split()
        for child in children:
            with open(f"/proc/{child}/comm") as file:
                yield file.read()


def lingers(pid):
    """Whether a worker thread or storkit-git of the process waits for more work, as they do for up
    to 30 s."""
    try:
        return any(name.startswith(("pool-", "storkit-git")) for name in names_of_helpers(pid))
    except (FileNotFoundError, ProcessLookupError):
        return True  # one has just ended: look again


@long
@timeout(180)
def test_idle_runs_wake_nobody(pool):
    """With runs that do nothing, the service sleeps: no thread of it wakes up within 10 s."""
    root = pool.repository(agents={"coder": "idle"})
    pool.set_property("MaxAgents", GLib.Variant("u", 16))
    for number in range(10):
        pool.start(root, f"s{number}")
    wait_until(lambda: not lingers(pool.process.pid), "the end of what lingers", 60)
    # What has just ended may still be noticed.
    wait_until(lambda: rests(pool.process.pid, 10), "ten seconds without a wake-up", 60)


@timeout(120)
def test_full_bus_wakes_nobody_who_has_nothing_to_say():
    """While dbus-broker is full, a service with nothing to publish asks it nothing; what is printed
    then waits, and goes out when there is room again."""
    with Pool(broker=True) as pool:
        root = pool.repository(agents={"coder": f"wait {pool.folder}/go; print now; idle"})
        hoarder = start_hoarder(pool)
        try:
            fill_bus(pool, hoarder)
            pool.start(root, "s")
            wait_until(lambda: "signals wait until" in pool.log_text(), "the notice")
            pool.wait_for(lambda event: event.get("status") == "running")
            # A question would come each second.
            wait_until(lambda: sleeps(pool.process.pid, 3), "three seconds without a question")
            before = wake_ups(pool.process.pid)
            open(f"{pool.folder}/go", "w").close()
            wait_until(lambda: wake_ups(pool.process.pid) - before >= 5, "questions")
            assert not any(event.get("text") == "now" for event in pool.events)
        finally:
            hoarder.kill()
            hoarder.wait()
        pool.wait_for(lambda event: event.get("text") == "now")


LIMITED = """<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <type>session</type>
  <listen>unix:tmpdir=/tmp</listen>
  <policy context="default">
    <allow send_destination="*" eavesdrop="true"/>
    <allow eavesdrop="true"/>
    <allow own="*"/>
  </policy>
  <limit name="max_incoming_bytes">20000000</limit>
  <limit name="max_outgoing_bytes">500000000</limit>
</busconfig>
"""


def limited_bus_environment(folder):
    """A `dbus-daemon` first on the PATH that stops reading a client whose messages take 20 MB."""
    with open(f"{folder}/limited.conf", "w") as file:
        file.write(LIMITED)
    with open(f"{folder}/dbus-daemon", "w") as file:
        file.write(
            "#!/bin/bash\n"
            f'exec {shutil.which("dbus-daemon")} "${{@/--session/--config-file={folder}/limited.conf}}"\n'
        )
    os.chmod(f"{folder}/dbus-daemon", 0o755)
    return {"PATH": f"{folder}:{os.environ['PATH']}"}


@timeout(180)
def test_bus_that_stops_reading_the_service():
    """When dbus-daemon reads no more of a connection because somebody else does not read, the
    service goes on with a new one: nothing is lost, calls are answered again."""
    with tempfile.TemporaryDirectory(prefix="storkit-test-bus.") as folder:
        with Pool(environment=limited_bus_environment(folder)) as pool:
            root = pool.repository(agents=flooding("60M", "20K"))
            listener = Listener(pool)
            pool.bus.connection = connect(pool.bus.address)
            monitor = start_monitor(pool, root)
            owner = pool.bus.owner(NAME)
            try:
                info = pool.start(root, "s", "coder")
                wait_until(lambda: listener.last, "the last signal", 150)
            finally:
                monitor.kill()
                monitor.wait()
            cursors = []
            Follower(pool, info["run_id"], lambda e: cursors.append(e["cursor"])).finish(60)
            print(len(cursors), len(listener.cursors), len(set(listener.cursors)))
            assert pool.bus.owner(NAME) not in (None, owner), "no new connection"
            assert "opening a new connection" in pool.log_text()
            assert sorted(set(listener.cursors)) == cursors, "events are missing"
            assert pool.get(root, "s", "coder")["status"] == "completed"


def start_burst(pool):
    """A run whose agent prints more than the publisher's share of a turn when there is the file
    `go`, then nothing until there is `more`, then a line now and then. Returns its follower."""
    script = (
        f"until [ -e {pool.folder}/go ]; do sleep 0.05; done; seq 200; "
        f"until [ -e {pool.folder}/more ]; do sleep 0.05; done; "
        f"until [ -e {pool.folder}/end ]; do echo tick; sleep 0.1; done; exit 0"
    )
    agent = {"kind": "raw", "command": "sh", "args": ["-c", script]}
    root = pool.repository(agents={"coder": agent})
    follower = Follower(pool, pool.start(root, "s")["run_id"])
    wait_until(lambda: follower.step() or follower.events, "the first event")
    return follower


@timeout(120)
def test_bus_that_hangs(pool):
    """A bus that stands still is noticed, also where nothing more is printed; nobody but those on
    the bus waits for it. When it goes on, the same service is there, and has lost no event."""
    listener = Listener(pool)
    follower = start_burst(pool)
    owner = pool.bus.owner(NAME)
    pool.bus.process.send_signal(signal.SIGSTOP)
    try:
        open(f"{pool.folder}/go", "w").close()
        wait_until(lambda: "opening a new connection" in pool.log_text(), "the notice", 20)
        open(f"{pool.folder}/more", "w").close()
        wait_until(
            lambda: follower.step()
            or [event.get("text") for event in follower.events].count("tick") > 20,
            "events of a subscriber",
            10,
        )
    finally:
        pool.bus.process.send_signal(signal.SIGCONT)
    wait_until(lambda: pool.bus.owner(NAME) not in (None, owner), "the name on a new connection")
    open(f"{pool.folder}/end", "w").close()
    cursors = {event["cursor"] for event in follower.finish(60)}
    wait_until(lambda: listener.last, "the last signal")
    assert pool.running() and "back on the bus" in pool.log_text()
    assert set(listener.cursors) == cursors


@long
@serial
@timeout(600)
def test_monitor_stopped_for_two_gigabytes_on_dbus_daemon(pool):
    """The same for 2 GB of events on dbus-daemon, which stops reading us after one."""
    check_stopped_monitor(pool, "2G", "200K", 500)


@long
@serial
@timeout(600)
def test_monitor_stopped_for_a_gigabyte_on_dbus_broker():
    """The same for 1 GB of events on dbus-broker, which has its limits far below."""
    check_stopped_monitor_on_dbus_broker("1G", "200K", 500)


def journald_pid():
    """Of the booted host's journald, where we are root and may stop it; else the test is skipped."""
    if os.environ.get("STORKIT_TEST_HOST") != "1" or os.getuid() != 0:
        skip("only root in a booted host may stop journald: tests/host/boot --root")
    return int(subprocess.check_output(["pidof", "systemd-journald"]).split()[0])


@root
@serial
@timeout(120)
def test_stopped_journald(pool):
    """While journald does not read, runs start, print, end and are published as ever; when it
    reads again, it has every event."""
    root = pool.repository(agents={"coder": "init; lines 3000; result; exit 0"})
    journald = journald_pid()
    os.kill(journald, signal.SIGSTOP)
    try:
        info = pool.start(root, "s")
        assert pool.wait(root, "s", timeout=10)["status"] == "completed"
        pool.wait_for("done")
        cursors = []
        Follower(pool, info["run_id"], lambda e: cursors.append(e["cursor"])).finish()
        assert len(cursors) > 3000 and pool.drain(root, "s")
        # This one has to wait for systemd, which waits 10 s for each line of its own that the journal
        # does not take; others are answered meanwhile.
        starting = pool.begin("Start", "(sss)", root, "t", "")
        assert pool.get(root, "s")["run_id"] == info["run_id"]
    finally:
        os.kill(journald, signal.SIGCONT)
    starting.result()
    pool.stop(root, "t")

    def entries():
        # Not pool.journal(): root's are in the system's journal.
        output = subprocess.check_output(
            ["journalctl", "--output=cat", "--output-fields=STORKIT_CURSOR", "--quiet",
             f"STORKIT_RUN={info['run_id']}"]
        )  # fmt: skip
        return [int(line) for line in output.split()]

    wait_until(lambda: entries()[-1:] == cursors[-1:], "the journal", 90)
    assert entries() == cursors


if __name__ == "__main__":
    main()
