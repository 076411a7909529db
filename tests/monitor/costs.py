# SPDX-License-Identifier: LGPL-2.1-or-later
"""A command, not a test: what storkit-monitor costs, beside `storkitctl watch` in a terminal.

  costs.py [idle|scroll|lines|json|burst]…

It prints the seconds to the first picture; the memory and the wake-ups with ten idle runs; and in a
flood ($FLOOD seconds of it), how long the window's main loop takes to answer and to make a frame,
and the CPU time. docs/monitor.md says how to run it, and what it said."""

import os
import pty
import statistics
import subprocess
import sys
import threading
import time

from gi.repository import GLib

from harness import Pool, wait_until
from monitor import Monitor, Screen
from session import ask_about, connect
from test_monitor import show

WINDOW = 10  # seconds
FLOOD = int(os.environ.get("FLOOD", 20))  # seconds
TICKS = os.sysconf("SC_CLK_TCK")


def switches(pid):
    """How often each thread of the process has been woken."""
    found = {}
    for thread in os.listdir(f"/proc/{pid}/task"):
        with open(f"/proc/{pid}/task/{thread}/status") as file:
            found[thread] = sum(int(line.split()[1]) for line in file if "ctxt_switches" in line)
    return found


def memory(pid, key="Pss"):
    with open(f"/proc/{pid}/smaps_rollup") as file:
        return next(int(line.split()[1]) for line in file if line.startswith(f"{key}:"))


def cpu(pid):
    with open(f"/proc/{pid}/stat") as file:
        fields = file.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


class Ear:
    """Asks the window's main loop something, on accessibility's bus: the session's is full of the
    flood's signals itself."""

    def __init__(self, monitor):
        self.connection = connect(monitor.environment["AT_SPI_BUS_ADDRESS"])
        children = self._ask("org.a11y.atspi.Registry", "/org/a11y/atspi/accessible/root",
                             "GetChildren").unpack()[0]  # fmt: skip
        pid = monitor.process.pid
        self.place = next(
            child for child in children
            if ask_about(self.connection, "GetConnectionUnixProcessID", child[0]) == pid
        )  # fmt: skip

    def _ask(self, name, path, method):
        return self.connection.call_sync(
            name, path, "org.a11y.atspi.Accessible", method, None, None, 0, -1, None
        )

    def latency(self):
        """How long it takes to answer, in ms."""
        began = time.monotonic()
        self._ask(*self.place, "GetState")
        return 1000 * (time.monotonic() - began)


class Timed(Monitor):
    """With frames.c in it, which notes how long the window worked on each frame."""

    def start(self):
        self.frames = f"{self.pool.folder}/frames"
        self.environment |= {"LD_PRELOAD": os.environ["FRAMES_MODULE"], "FRAMES": self.frames}
        super().start()

    def noted(self, word, since):
        """The lines of that word since then: how long it took and how much CPU, in ms."""
        with open(self.frames) as file:
            lines = [line.split() for line in file if line.endswith("\n")]
        return [
            (int(took) / 1000, int(cpu) / 1000) for what, began, took, cpu in lines
            if what == word and int(began) >= since * 1e6
        ]  # fmt: skip


def spread(found):
    if not found:
        return "none"
    found = sorted(found)
    late = found[int((len(found) - 1) * 0.99)]
    return (
        f"{statistics.median(found):.1f} ms, {late:.0f} ms at the 99th percentile,"
        f" {found[-1]:.0f} ms at most ({len(found)} times)"
    )


def spread_with_cpu(found):
    took, of_cpu = [[line[i] for line in found] for i in (0, 1)]
    return f"{spread(took)}, of CPU {spread(of_cpu)}"


def measure(monitor, seconds):
    pid, ear = monitor.process.pid, Ear(monitor)
    found, before, began = [], cpu(pid), time.monotonic()
    while time.monotonic() < began + seconds:
        found.append(ear.latency())
        time.sleep(0.01)
    return (
        f"answers in {spread(found)}"
        f"\n  frames: {spread_with_cpu(monitor.noted('frame', began))}"
        f"\n  turns of the loop over 50 ms: {spread_with_cpu(monitor.noted('turn', began))}"
        f"\n  {(cpu(pid) - before) / seconds * 100:.0f} % of a CPU;"
        f" PSS {memory(pid) / 1024:.0f} MiB"
    )


def watch(pool, run, seconds):
    """The same run in `storkitctl watch`, on a terminal that is read."""
    master, slave = pty.openpty()
    process = subprocess.Popen(
        [os.environ["STORKITCTL"], "-C", run["project_root"], "watch", run["story_id"]],
        env=pool.environment | {"TERM": "xterm"}, stdin=slave, stdout=slave, stderr=slave,
    )  # fmt: skip
    os.close(slave)
    count = [0]

    def read():
        try:
            while data := os.read(master, 65536):
                count[0] += len(data)
        except OSError:
            pass

    threading.Thread(target=read, daemon=True).start()
    time.sleep(2)
    before, bytes_before = cpu(process.pid), count[0]
    time.sleep(seconds)
    share = (cpu(process.pid) - before) / seconds * 100
    pss, written = memory(process.pid), (count[0] - bytes_before) / seconds / 2**20
    process.terminate()
    process.wait()
    return f"{share:.0f} % of a CPU, PSS {pss / 1024:.1f} MiB, {written:.1f} MiB/s on the terminal"


def idle(pool, monitor, root):
    for i in range(10):
        pool.start(root, f"{i}_story", "idler")
    monitor.wait("9_story")
    pid, last = monitor.process.pid, None

    def is_quiet():
        nonlocal last
        before, last = last, switches(pid)
        time.sleep(2)
        return before == last

    wait_until(is_quiet, "it to settle", 120)
    before = switches(pid)
    time.sleep(WINDOW)
    woken = sum(count - before.get(thread, 0) for thread, count in switches(pid).items())
    print(f"ten idle runs: PSS {memory(pid) / 1024:.0f} MiB, of which it has"
          f" {(memory(pid, 'Private_Dirty') + memory(pid, 'Private_Clean')) / 1024:.0f} MiB alone;"
          f" woken {woken} times in {WINDOW} s")  # fmt: skip
    for i in range(10):
        pool.stop(root, f"{i}_story", "idler")


def flood(pool, monitor, root, name):
    run = pool.start(root, f"{name}_flood", name)
    time.sleep(1)
    cursor = pool.get_run(run["run_id"])["cursor"]
    show(pool, run)
    print(f"{name}: {measure(monitor, FLOOD)}")
    written = pool.get_run(run["run_id"])["cursor"] - cursor
    print(f"  the agent printed {written / FLOOD / 2**20:.0f} MiB/s meanwhile")
    print(f"  storkitctl watch: {watch(pool, run, 5)}", flush=True)
    pool.stop(root, run["story_id"], name)


def scroll(pool, monitor, root):
    """Ten thousand events, from their end to their beginning by keys."""
    run = pool.start(root, "scroll", "talker")
    pool.wait(root, "scroll", "talker")
    show(pool, run)
    monitor.wait("scroll, talker", "label")
    time.sleep(5)
    print(f"10,000 events, still: {measure(monitor, 3)}")
    monitor.keyboard.click(700, 300)
    stop = threading.Event()

    def press():
        while not stop.is_set():
            monitor.keys("Page_Up")
            time.sleep(0.03)

    thread = threading.Thread(target=press)
    thread.start()
    print(f"10,000 events, scrolled: {measure(monitor, WINDOW)}", flush=True)
    stop.set()
    thread.join()


def hear_no_events(pool):
    """The test's own connection gets each event as a signal: a second flood."""
    pool.bus.connection.close_sync(None)
    pool.bus.connection = connect(pool.bus.address)


def main():
    agents = {
        "idler": "init; text Hello.; wait never",
        "lines": "init; lines 20000000 a line of a hundred bytes that a program prints, as a build"
        " or a test does all day long:",
        "json": "init; flood 4G 2K",
        "burst": f"init; lines 2000 {'many words, ' * 80}; flood 64M 2K; lines 2000"
        f" {'many words, ' * 80}; wait never",
        "talker": "init; lines 10000 a line; result",
    }
    with Pool() as pool, Screen(pool) as screen:
        hear_no_events(pool)
        pool.set_property("MaxAgents", GLib.Variant("u", 16))
        root = pool.repository(agents=agents)
        began = time.monotonic()
        with Timed(pool, screen) as monitor:
            monitor.wait("No Runs")
            print(f"seconds to the first picture, as a screen reader sees it:"
                  f" {time.monotonic() - began:.2f}")  # fmt: skip
            parts = sys.argv[1:] or ["idle", "scroll", "lines", "json"]
            for part in parts:
                if part in ("lines", "json", "burst"):
                    flood(pool, monitor, root, part)
                else:
                    {"idle": idle, "scroll": scroll}[part](pool, monitor, root)


main()
