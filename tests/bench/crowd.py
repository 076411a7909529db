# SPDX-License-Identifier: LGPL-2.1-or-later
"""What many runs, worktrees and files cost, beside git's own programs."""

import os
import signal
import subprocess
import sys
import time

from gi.repository import Gio, GLib

from service import NAME, PATH, ask, make_project, pss, service_pid, settle
from table import median, percentile

FILES = (1000, 10000, 50000)
BESIDE = 5  # worktrees that are made beside many others
ENDED = 300

MANAGER = "org.freedesktop.DBus.ObjectManager"

# Pings the service until its stdin ends; prints the longest that one took, in ms.
PINGER = f"""
import select, sys, time
from gi.repository import Gio
bus = Gio.bus_get_sync(Gio.BusType.SESSION)
worst = 0
print(flush=True)
while not select.select([sys.stdin], [], [], 0)[0]:
    begin = time.monotonic()
    bus.call_sync("{NAME}", "{PATH}", "org.freedesktop.DBus.Peer", "Ping", None, None, 0, -1)
    worst = max(worst, time.monotonic() - begin)
    time.sleep(0.001)
print(worst * 1000)
"""


# Replies to `Give` with as many bytes as it is told, made before; prints its name on the bus.
GIVER = """
import sys
from gi.repository import Gio, GLib
node = Gio.DBusNodeInfo.new_for_xml(
    "<node><interface name='org.storkit.Bench'><method name='Give'>"
    "<arg type='ay' direction='out'/></method></interface></node>"
)
reply = GLib.Variant.new_tuple(
    GLib.Variant.new_from_bytes(
        GLib.VariantType("ay"), GLib.Bytes.new(bytes(int(sys.argv[1]))), True
    )
)
bus = Gio.bus_get_sync(Gio.BusType.SESSION)
bus.register_object(
    "/", node.interfaces[0], lambda *call: call[-1].return_value(reply), None, None
)
print(bus.get_unique_name(), flush=True)
GLib.MainLoop().run()
"""


class Bus:
    """One connection for all calls: starting busctl takes longer than what is measured."""

    def __init__(self):
        self.bus = Gio.bus_get_sync(Gio.BusType.SESSION)

    def call(self, method, arguments=None):
        return self.bus.call_sync(
            NAME, PATH, NAME, method, arguments, None, Gio.DBusCallFlags.NONE, 600000
        ).unpack()

    def ask(self, method, arguments=None, interface=NAME, name=NAME, path=PATH):
        """The reply, without the values' way into Python."""
        return self.bus.call_sync(
            name, path, interface, method, arguments, None, Gio.DBusCallFlags.NONE, 600000
        )

    def timed(self, *call, **keywords):
        """Milliseconds, the same."""
        begin = time.monotonic()
        self.ask(*call, **keywords)
        return (time.monotonic() - begin) * 1000

    def start_all(self, stories, project):
        """Seconds until all run: a Start that takes long has replied `pending` before."""
        begin = time.monotonic()
        self.all("Start", stories, project)
        waiting = set(stories)
        while waiting:
            runs = self.call("List")[0]
            waiting -= {run["story_id"] for run in runs if run["status"] == "running"}
            failed = [run for run in runs if run["status"] == "failed"]
            assert not failed, failed[0]
            time.sleep(0.5 if waiting else 0)
        return time.monotonic() - begin

    def all(self, method, stories, project):
        """Calls for all stories at once; seconds until the last reply."""
        loop = GLib.MainLoop()
        left = len(stories)

        def done(bus, result):
            nonlocal left
            bus.call_finish(result)
            left -= 1
            if left == 0:
                loop.quit()

        begin = time.monotonic()
        for story in stories:
            self.bus.call(
                NAME, PATH, NAME, method, GLib.Variant("(sss)", (project, story, "")),
                None, Gio.DBusCallFlags.NONE, 600000, None, done,
            )
        loop.run()
        return time.monotonic() - begin

    def set_max_agents(self, number):
        value = GLib.Variant("u", number)
        self.bus.call_sync(
            NAME, PATH, "org.freedesktop.DBus.Properties", "Set",
            GLib.Variant("(ssv)", (NAME, "MaxAgents", value)),
            None, Gio.DBusCallFlags.NONE, -1,
        )


def seconds(*command, **keywords):
    begin = time.monotonic()
    subprocess.check_call(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, **keywords)
    return time.monotonic() - begin


def main_thread_ms():
    """CPU time of the service's main thread."""
    pid = service_pid()
    with open(f"/proc/{pid}/task/{pid}/schedstat") as file:
        return int(file.read().split()[0]) / 1e6


def report_restart(table, bus, number):
    """SIGKILL; the first call starts the service again."""
    listed = len(bus.call("List")[0])
    os.kill(int(service_pid()), signal.SIGKILL)
    begin = time.monotonic()
    while True:
        try:
            reply = bus.ask("List")
            break
        except GLib.Error:
            time.sleep(0.01)
    first = followed = time.monotonic() - begin
    runs = reply.unpack()[0]
    assert len(runs) == listed, f"{len(runs)} of {listed} runs are listed after SIGKILL"
    while any(run["status"] not in ("running", "completed") for run in runs):
        time.sleep(0.01)
        runs = bus.call("List")[0]
        followed = time.monotonic() - begin
    table.row(f"SIGKILL until it lists {number} runs", f"{first:.2f} s", "0.5 s", first <= 0.5)
    table.row("... until it follows all of them", f"{followed:.2f} s", "1 s", followed <= 1)


def report_limit(table, bus):
    """What the bus itself takes for a reply as long as that of List: a limit for any service."""
    size = bus.ask("List").get_size()
    giver = subprocess.Popen([sys.executable, "-c", GIVER, str(size)], stdout=subprocess.PIPE)
    name = giver.stdout.readline().decode().strip()
    give = {"interface": "org.storkit.Bench", "name": name, "path": "/"}
    times = [bus.timed("Give", **give) for _ in range(11)]
    giver.kill()
    giver.wait()
    table.row(f"a reply of its {size >> 10} KiB, through the bus alone", f"{median(times):.1f} ms")


def report_list(table, programs, number):
    """The whole of a List: until its reply is there, for a client that has its values to read."""
    times = [float(line) for line in ask(programs["bench-list"], "11").split()]
    aim = max(2, 20 * number / 1000)
    table.row(
        "List, until the reply is there", f"{median(times):.1f} ms", f"{aim:.0f} ms",
        median(times) <= aim,
    )  # fmt: skip


def report_questions(table, bus, programs, number):
    """What is asked of all runs: the time of the answer, and of the main thread."""
    report_list(table, programs, number)
    for name, method, interface in (
        ("List, until GLib has its values", "List", NAME),
        ("GetManagedObjects, the same", "GetManagedObjects", MANAGER),
    ):
        before = main_thread_ms()
        times = [bus.timed(method, None, interface) for _ in range(11)]
        cpu = (main_thread_ms() - before) / len(times)
        table.row(name, f"{median(times):.1f} ms")
        if method == "List":
            report_limit(table, bus)
        table.row("... CPU of the main thread", f"{cpu:.1f} ms")
        pinger = subprocess.Popen(
            [sys.executable, "-c", PINGER], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        pinger.stdout.readline()
        for _ in range(5):
            bus.timed(method, None, interface)
        worst = float(pinger.communicate(b"\n")[0])
        table.row("... longest ping beside it", f"{worst:.1f} ms")


def add_worktree(project, name):
    git = ["git", "-C", project, "worktree", "add", "-b", name, f"{project}-{name}"]
    return seconds(*git) * 1000


def report_beside(table, bus, project, number):
    """One more worktree beside @number others, by both in turns."""
    ours, own = [], []
    for i in range(BESIDE):
        ours.append(bus.timed("Start", GLib.Variant("(sss)", (project, f"beside{i}", ""))))
        own.append(add_worktree(project, f"own{i}"))
        bus.call("Stop", GLib.Variant("(sss)", (project, f"beside{i}", "")))
    ratio = median(ours) / median(own)
    table.row(f"Start with a worktree beside {number}", f"{median(ours):.0f} ms")
    table.row("git worktree add there", f"{median(own):.0f} ms")
    table.row("ratio", f"{ratio:.2f}", "at most 1.0", ratio <= 1)


def report_crowd(table, programs, steps):
    """Idle runs, each with its worktree: as many as each of @steps, one after the other."""
    bus = Bus()
    project = make_project("crowd", command=programs["stand-in"], env="init; idle")
    number = steps[-1]
    stories = [f"crowd{i}" for i in range(number)]
    bus.set_max_agents(number + BESIDE)
    table.head(f"{number} idle runs, each with its worktree")
    done = 0
    for step in steps:
        took = bus.start_all(stories[done:step], project) * 1000 / (step - done)
        what = f"Starts {done + 1} to {step}, all at once: each"
        table.row(what, f"{took:.0f} ms", "20 ms", took <= 20)
        done = step
    report_beside(table, bus, project, number)
    trips = [bus.timed("Get", GLib.Variant("(sss)", (project, "crowd0", ""))) for _ in range(50)]
    table.row("Get of one run", f"{median(trips):.2f} ms")
    report_questions(table, bus, programs, number)
    report_restart(table, bus, number)
    worktrees = bus.timed("ListWorktrees", GLib.Variant("(s)", (project,))) / 1000
    git = ["git", "-C", project]
    own = seconds(*git, "worktree", "list") + seconds(*git, "branch", "--no-merged")
    table.row("ListWorktrees", f"{worktrees:.2f} s")
    table.row("git worktree list and git branch --no-merged", f"{own:.2f} s")
    took = bus.all("Stop", stories, project)
    table.row("Stop of all at once", f"{took:.1f} s", "2 s", took <= 2)


def descriptors():
    return len(os.listdir(f"/proc/{service_pid()}/fd"))


def report_ended(table):
    """What the service keeps of runs that have ended and are listed."""
    bus = Bus()
    project = make_project("ended", kind="raw", command="/bin/true")
    stories = [f"ended{i}" for i in range(ENDED + 1)]
    bus.set_max_agents(20)
    bus.all("Start", stories[:1], project)
    settle()
    before, fds = pss(service_pid()), descriptors()
    bus.all("Start", stories[1:], project)
    for story in stories:
        bus.call("Wait", GLib.Variant("(sss)", (project, story, "")))
    settle()
    each = (pss(service_pid()) - before) / ENDED
    more = descriptors() - fds
    bus.all("Stop", stories, project)  # off the list, which others are measured by
    table.head(f"{ENDED} runs that have ended, and are listed")
    table.row("service: PSS of one more", f"{each:.1f} KiB", "2 KiB", each <= 2)
    table.row("service: descriptors more", str(more), "none", more <= 0)


def report_files(table, files, rounds):
    project = make_project(f"files{files}", kind="raw", command="/bin/true")
    for i in range(files):
        folder = f"{project}/{i // 100}"
        os.makedirs(folder, exist_ok=True)
        with open(f"{folder}/{i}", "w") as file:
            file.write(f"file {i}\n" * 20)
    git = ["git", "-C", project, "-c", "user.name=bench", "-c", "user.email=bench@localhost"]
    subprocess.check_call([*git, "add", "--all"])
    # Packed now, as a repository of this size is: the commit's own `git gc --auto` would begin in
    # the background, and take a processor from whoever is measured first.
    subprocess.check_call([*git, "-c", "gc.auto=0", "commit", "--quiet", "--message", "Files"])
    subprocess.check_call([*git, "gc", "--quiet"])
    bus = Bus()
    ours, own = [], []
    turns = [
        (ours, lambda i: bus.timed("Start", GLib.Variant("(sss)", (project, f"files{i}", "")))),
        (own, lambda i: add_worktree(project, f"own{i}")),
    ]
    times_each = 2 * rounds * max(1, 10000 // files)
    for i in range(times_each):
        for times, take in turns:
            times.append(take(i))
        turns.reverse()
    table.head(f"A new worktree of {files} files: {times_each} times, in turns")
    table.row("Start", f"{median(ours):.0f} ms")
    table.row("git worktree add", f"{median(own):.0f} ms")
    ratio = median(ours) / median(own)
    table.row("ratio", f"{ratio:.2f}", "at most 1.0", ratio <= 1.0)


# --- Latency ---


def read_fd(bus, project, story, late):
    """Until the run ends."""
    reply, fds = bus.bus.call_with_unix_fd_list_sync(
        NAME, PATH, NAME, "Subscribe", GLib.Variant("(ssst)", (project, story, "", 0)),
        None, Gio.DBusCallFlags.NONE, -1, None,
    )
    with os.fdopen(fds.get(reply.unpack()[0]), "rb", buffering=0) as stream:
        for line in iter(stream.readline, b""):
            now = time.time()
            if b'"text":"' in line:
                late.append((now - float(line.split(b'"text":"')[1].split(b'"')[0])) * 1000)


def read_signals(bus, project, story, late):
    loop = GLib.MainLoop()

    def heard(connection, sender, path, interface, name, parameters):
        now = time.time()
        kind, data = parameters.unpack()[2:]
        if kind == "output":
            late.append((now - float(data["text"])) * 1000)
        elif kind in ("done", "error"):
            loop.quit()

    subscription = bus.bus.signal_subscribe(
        NAME, NAME, "AgentEvent", PATH, story, Gio.DBusSignalFlags.NONE, heard
    )
    loop.run()
    bus.bus.signal_unsubscribe(subscription)


def report_latency(table, programs, lines):
    """From an agent's write to its line at a subscriber, alone and while another agent floods."""
    code = f"sleep 0.5; for ((i = 0; i < {lines}; i++)); do echo $EPOCHREALTIME; sleep 0.02; done"
    project = make_project("latency", kind="raw", command="/bin/bash", args=["-c", code])
    flood = make_project("beside", command=programs["stand-in"], env="flood 2000000000 1000")
    bus = Bus()
    table.head(f"From an agent's write to a subscriber: {lines} lines")
    for beside in (False, True):
        if beside:
            bus.call("Start", GLib.Variant("(sss)", (flood, "flood", "")))
        for what, read in (("fd", read_fd), ("signal", read_signals)):
            story, late = f"{what}{beside:d}", []
            bus.call("Start", GLib.Variant("(sss)", (project, story, "")))
            read(bus, project, story, late)
            where = f"{what}, beside a flood" if beside else what
            worst = percentile(late, 0.99)
            table.row(f"{where}: median", f"{median(late):.2f} ms")
            table.row(f"{where}: 99th percentile", f"{worst:.1f} ms", "3 ms", worst <= 3)
    bus.call("Stop", GLib.Variant("(sss)", (flood, "flood", "")))
