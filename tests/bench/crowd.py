# SPDX-License-Identifier: LGPL-2.1-or-later
"""What many runs, worktrees and files cost, beside git's own programs."""

import os
import signal
import subprocess
import time

from gi.repository import Gio, GLib

from service import NAME, PATH, make_project, service_pid
from table import median, percentile

FILES = 10000


class Bus:
    """One connection for all calls: starting busctl takes longer than what is measured."""

    def __init__(self):
        self.bus = Gio.bus_get_sync(Gio.BusType.SESSION)

    def call(self, method, arguments=None):
        return self.bus.call_sync(
            NAME, PATH, NAME, method, arguments, None, Gio.DBusCallFlags.NONE, 600000
        ).unpack()

    def timed(self, method, arguments=None):
        begin = time.monotonic()
        self.call(method, arguments)
        return (time.monotonic() - begin) * 1000

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


def report_restart(table, bus, number):
    """SIGKILL; the first call starts the service again."""
    listed = len(bus.call("List")[0])
    os.kill(int(service_pid()), signal.SIGKILL)
    begin = time.monotonic()
    while True:
        try:
            runs = bus.call("List")[0]
            break
        except GLib.Error:
            time.sleep(0.01)
    first = time.monotonic() - begin
    assert len(runs) == listed, f"{len(runs)} of {listed} runs are listed after SIGKILL"
    met = first <= 0.5
    table.row(f"SIGKILL until it lists {number} runs again", f"{first:.2f} s", "0.5 s", met)


def report_runs(table, programs, number):
    bus = Bus()
    project = make_project("crowd", command=programs["stand-in"], env="init; idle")
    stories = [f"crowd{i}" for i in range(number)]
    bus.set_max_agents(number)
    table.head(f"{number} idle runs, each with its worktree")
    took = bus.all("Start", stories, project) * 1000 / number
    table.row("Start with a new worktree, all at once: each", f"{took:.0f} ms", "20 ms", took <= 20)
    git = ["git", "-C", project]
    own = [
        seconds(*git, "worktree", "add", "-b", f"own{i}", f"{project}-own{i}") for i in range(5)
    ]
    table.row("git worktree add there", f"{median(own) * 1000:.0f} ms")
    trips = [bus.timed("Get", GLib.Variant("(sss)", (project, "crowd0", ""))) for _ in range(50)]
    table.row("Get of one run", f"{median(trips):.2f} ms")
    lists = [bus.timed("List") for _ in range(11)]
    aim = max(2, 20 * number / 1000)
    table.row("List", f"{median(lists):.1f} ms", f"{aim:.0f} ms", median(lists) <= aim)
    report_restart(table, bus, number)
    worktrees = bus.timed("ListWorktrees", GLib.Variant("(s)", (project,))) / 1000
    own = seconds(*git, "worktree", "list") + seconds(*git, "branch", "--no-merged")
    table.row("ListWorktrees", f"{worktrees:.2f} s", "0.1 s", worktrees <= 0.1)
    table.row("git worktree list and git branch --no-merged", f"{own:.2f} s")
    took = bus.all("Stop", stories, project)
    table.row("Stop of all at once", f"{took:.1f} s", "2 s", took <= 2)


def report_files(table, programs, rounds):
    project = make_project("files", kind="raw", command="/bin/true")
    for i in range(FILES):
        folder = f"{project}/{i // 100}"
        os.makedirs(folder, exist_ok=True)
        with open(f"{folder}/{i}", "w") as file:
            file.write(f"file {i}\n" * 20)
    git = ["git", "-C", project, "-c", "user.name=bench", "-c", "user.email=bench@localhost"]
    subprocess.check_call([*git, "add", "--all"])
    subprocess.check_call([*git, "commit", "--quiet", "--message", "Files"])
    bus = Bus()
    ours, own = [], []
    for i in range(rounds):
        ours.append(bus.timed("Start", GLib.Variant("(sss)", (project, f"files{i}", ""))) / 1000)
        own.append(seconds(*git, "worktree", "add", "-b", f"own{i}", f"{project}-own{i}"))
    table.head(f"A new worktree of {FILES} files: {rounds} times, in turns")
    table.row("Start", f"{median(ours):.2f} s")
    table.row("git worktree add", f"{median(own):.2f} s")
    ratio = median(ours) / median(own)
    table.row("ratio", f"{ratio:.2f}", "at most 1.0", ratio <= 1.0)


def report_latency(table, lines):
    """From an agent's write to its line at a subscriber's fd."""
    code = f"for ((i = 0; i < {lines}; i++)); do echo $EPOCHREALTIME; sleep 0.02; done"
    project = make_project("latency", kind="raw", command="/bin/bash", args=["-c", code])
    bus = Bus()
    bus.call("Start", GLib.Variant("(sss)", (project, "latency", "")))
    reply, fds = bus.bus.call_with_unix_fd_list_sync(
        NAME, PATH, NAME, "Subscribe", GLib.Variant("(ssst)", (project, "latency", "", 0)),
        None, Gio.DBusCallFlags.NONE, -1, None,
    )
    late = []
    with os.fdopen(fds.get(reply.unpack()[0]), "rb", buffering=0) as stream:
        for line in iter(stream.readline, b""):
            now = time.time()
            if b'"text":"' in line:
                late.append((now - float(line.split(b'"text":"')[1].split(b'"')[0])) * 1000)
    late = late[5:]  # the first are read late: the subscription comes after the start
    table.head(f"From an agent's write to a subscriber's fd: {len(late)} lines")
    table.row("median", f"{median(late):.2f} ms")
    worst = percentile(late, 0.99)
    table.row("99th percentile", f"{worst:.1f} ms", "3 ms", worst <= 3)
