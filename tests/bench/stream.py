# SPDX-License-Identifier: LGPL-2.1-or-later
"""How fast an agent's output comes to whoever reads it, beside what one could have instead."""

import os
import shutil
import subprocess
import tempfile
import time

from service import RUNS, ask, await_quiet, call, cpu_time, make_project, read_json, service_pid
from table import median

LINE = 1000  # bytes: about what a turn of claude's text takes


class Stream:
    """One amount of output, and whoever carries it. Each way is timed once a round, in turns."""

    def __init__(self, programs, megabytes):
        self.programs = programs
        self.bytes = megabytes * 1000 * 1000
        self.environment = os.environ | {"STAND_IN": f"flood {self.bytes} {LINE}"}
        self.project = make_project(
            "flood", command=programs["stand-in"], env=self.environment["STAND_IN"]
        )
        self.lost = self.expected = 0
        # Seconds of the service for 100 MB: to the last event, and until all is quiet.
        self.cpu = []
        self.notes = {}

    # --- Each way: seconds ---

    def loop(self, number):
        return float(self.ask(self.programs["pty-throughput"], "discard", self.stand_in()))

    def transcript(self, number):
        call("Start", "sss", self.project, f"alone{number}", "")
        report = self.end_run(f"alone{number}")
        return (report["ended"] - report["started"]) / 1e6

    def fd(self, number):
        return self.follow("fd", f"fd{number}")

    def signals(self, number):
        return self.follow("signals", f"signals{number}")

    def script(self, number):
        with tempfile.NamedTemporaryFile(dir=os.environ["BENCH_FOLDER"]) as file:
            return self.timed("script", "--quiet", "--command", self.stand_in(), file.name)

    def tmux(self, number):
        """Until all of it is in the file that pipe-pane writes."""
        with tempfile.TemporaryDirectory(dir=os.environ["BENCH_FOLDER"]) as folder:
            tmux = ["tmux", "-L", f"bench{number}", "-f", "/dev/null"]
            gate = f"{folder}/gate"
            os.mkfifo(gate)
            command = f"read line <{gate}; exec {self.stand_in()}"
            subprocess.check_call([*tmux, "new-session", "-d", command], env=self.environment)
            subprocess.check_call([*tmux, "pipe-pane", f"exec cat >{folder}/out"])
            begin = time.monotonic()
            with open(gate, "w") as file:
                file.write("go\n")
            while subprocess.run([*tmux, "has-session"], stderr=subprocess.DEVNULL).returncode == 0:
                time.sleep(0.02)
            return time.monotonic() - begin

    def pipeline(self, number):
        """The pipeline of the Rust server that came before: BENCH_PIPELINE is the program."""
        report = self.ask(os.environ["BENCH_PIPELINE"], "/dev/null", self.stand_in())
        self.notes["pipeline"] = report
        return self.bytes / 1e6 / float(report.split()[0])

    # --- How ---

    def stand_in(self):
        return self.programs["stand-in"]

    def ask(self, *command):
        return ask(*command, env=self.environment)

    def timed(self, *command):
        begin = time.monotonic()
        subprocess.check_call(command, env=self.environment, stdout=subprocess.DEVNULL)
        return time.monotonic() - begin

    def follow(self, how, story):
        pid = service_pid()
        before = cpu_time(pid)
        seconds, events = ask(self.programs["bench-follow"], how, self.project, story).split()
        there = cpu_time(pid)
        self.end_run(story)
        if how == "fd":
            hundreds = self.bytes / 1e8 * os.sysconf("SC_CLK_TCK")
            self.cpu.append(((there - before) / hundreds, (cpu_time(pid) - before) / hundreds))
        self.lost += self.expected - int(events)
        return float(seconds)

    def end_run(self, story):
        """Takes the ended run off the list; returns the shim's report, counts what was due."""
        info = call("Wait", "sss", self.project, story, "")
        await_quiet()
        folder = os.path.join(RUNS, info["run_id"]["data"])
        report = read_json(folder, "exit.json")
        with open(f"{folder}/transcript", "rb") as file:
            # Each line is an event, and one more where it is text; then pending, running and done.
            self.expected = 3 + sum(
                1 + line.startswith(b'{"type":"assistant"') for line in file
            )
        call("Stop", "sss", self.project, story, "")
        shutil.rmtree(folder)
        return report


WAYS = [
    ("loop", "a bare loop that reads a PTY and forgets"),
    ("transcript", "agent to the end of its transcript"),
    ("fd", "agent to a subscriber's fd"),
    ("signals", "agent to a subscriber of signals"),
    ("script", "script, to a file"),
    ("tmux", "tmux pipe-pane, to a file"),
    ("pipeline", "the Rust pipeline, to /dev/null"),
]


def is_there(way):
    if way == "pipeline":
        return bool(os.environ.get("BENCH_PIPELINE"))
    return way not in ("script", "tmux") or bool(shutil.which(way))


def report_ways(table, stream, times):
    loop = median(times["loop"])
    for way, what in WAYS:
        if not is_there(way):
            table.row(what, "not installed here")
            continue
        share = loop / median(times[way])
        text = f"{stream.bytes / 1e6 / median(times[way]):.1f} MB/s ({share:.0%})"
        if way == "fd":
            table.row(what, text, "80 % of the loop", share >= 0.8)
        elif way == "transcript":
            table.row(what, text, "70 % of the loop", share >= 0.7)
        else:
            table.row(what, text)


def report(table, programs, megabytes, rounds):
    stream = Stream(programs, megabytes)
    table.head(f"{megabytes} MB of stream-json in lines of {LINE} bytes: {rounds} times, in turns")
    ways = [way for way, _ in WAYS if is_there(way)]
    times = {way: [] for way in ways}
    for number in range(rounds):
        for way in ways:
            times[way].append(getattr(stream, way)(number))
    report_ways(table, stream, times)
    if "pipeline" in times:
        faster = median(times["pipeline"]) / median(times["fd"])
        table.row("a subscriber's fd, by the Rust pipeline", f"{faster:.1f}", "2", faster >= 2)
        table.row("the Rust pipeline says", stream.notes["pipeline"])
    seen, quiet = (median(values) for values in zip(*stream.cpu))
    table.row("service: CPU for 100 MB, to the last event", f"{seen:.2f} s", "0.5 s", seen <= 0.5)
    table.row("service: CPU for 100 MB, until all is quiet", f"{quiet:.2f} s", "1.0 s", quiet <= 1)
    table.row("events lost", str(stream.lost), "none", stream.lost == 0)
