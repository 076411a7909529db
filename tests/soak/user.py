# SPDX-License-Identifier: LGPL-2.1-or-later
"""One user of the soak: a thread that starts runs of stories of its own, one after the other, does
whatever comes to its mind to each, and looks at what is left of it."""

import json
import os
import random
import signal
import subprocess
import threading
import time

from gi.repository import GLib

from follower import is_last
from harness import PoolError
from pool import option_variant
from promises import check_events, check_transcript, without_live
from session import processes_of

# While the service or the bus is away; everything else has to be an error of the contract.
AWAY = (
    "g-io-error-quark",
    "g-dbus-error-quark",
    "org.freedesktop.DBus.Error.NoReply",
    "org.freedesktop.DBus.Error.ServiceUnknown",
    "org.freedesktop.DBus.Error.NameHasNoOwner",
    "org.freedesktop.DBus.Error.Disconnected",
    "ShuttingDown",
)
# What a call may fail with while a resource is used up, and works again afterwards.
USED_UP = ("Too many open files", "No space left on device")
PATIENCE = 120  # seconds, for what has to happen in the end


def is_away(error):
    return error.name in AWAY or error.message.endswith(USED_UP)


class Away(Exception):
    pass


class Run:
    def __init__(self, story, number, folder):
        self.story = story
        self.marker = f"STORKIT_SOAK={folder}/{story}.{number}"
        self.path = f"{folder}/{story}.{number}"
        self.id = self.unit = None
        self.is_promised = False  # its Start has replied, or it was seen running
        self.shim_killed = False
        self.did = []  # what was done to it, for messages
        with open(self.path, "wb") as file:
            file.write(bytes(8))

    def counter(self):
        with open(self.path, "rb") as file:
            return int.from_bytes(file.read(8), "little")

    def processes(self):
        return processes_of(self.marker)


class Reader(threading.Thread):
    """Subscribes to a run until its last event, drops the pipe now and then, and goes on from its
    last cursor."""

    def __init__(self, user, run):
        super().__init__(daemon=True)
        self.user, self.run_id = user, run.id
        self.random = random.Random(run.path)
        self.events = []
        self.ended = False
        self.hurry = False  # be slow no more
        self.problem = None

    def run(self):
        while not self.ended and not self.user.soak.over.is_set():
            try:
                stream = self.user.pool.subscribe_run(self.run_id, self.cursor())
                self.read(stream)
            except PoolError as error:
                if not is_away(error):
                    self.problem = error
                    return
                time.sleep(0.1)
            except (OSError, ValueError) as error:
                self.problem = error
                raise

    def cursor(self):
        return self.events[-1]["cursor"] if self.events else 0

    def read(self, stream):
        left = self.random.choice((3, 30, 300, 10**9))  # events until it drops the pipe
        for event in events_of(stream):
            self.events.append(event)
            self.ended = is_last(event)
            left -= 1
            if left == 0:
                self.user.ledger.count("subscriptions dropped")
                break
            if not self.hurry and self.random.random() < 0.02:
                time.sleep(self.random.random())
        stream.close()


def events_of(stream):
    """Until the end of the file. A service that was killed may have left half a line."""
    rest = b""
    while part := os.read(stream.fd, 65536):
        *lines, rest = (rest + part).split(b"\n")
        yield from map(json.loads, lines)


class User(threading.Thread):
    def __init__(self, soak, number, seed):
        super().__init__(daemon=True)
        self.soak, self.pool, self.ledger = soak, soak.pool, soak.ledger
        self.number = number
        self.random = random.Random(seed)
        self.runs = 0

    def run(self):
        while not self.soak.ending.is_set():
            self.runs += 1
            try:
                self.one_run()
            except Away:
                self.ledger.count("runs given up since the service was away")
            except Exception as error:  # of the soak itself
                self.ledger.check("the soak works", False, repr(error))
                raise

    # Calls

    def call(self, method, *arguments, **keywords):
        """A call that may meet a service that is away: it is made again then. An error has to be of
        the contract: it is returned."""
        end = time.monotonic() + PATIENCE
        while True:
            try:
                return getattr(self.pool, method)(*arguments, **keywords)
            except PoolError as error:
                if not is_away(error):
                    typed = "." not in error.name and "quark" not in error.name
                    self.ledger.check("errors are typed", typed, f"{method}: {error}")
                    return error
            except GLib.Error as error:
                self.ledger.check("errors are typed", False, f"{method}: {error}")
            if time.monotonic() > end:
                self.ledger.check("the service is there in the end", False, method)
                raise Away
            time.sleep(0.1)

    def eventually(self, promise, condition, what):
        end = time.monotonic() + PATIENCE
        while not condition() and time.monotonic() < end:
            time.sleep(0.05)
        return self.ledger.check(promise, condition(), what)

    # One run

    def one_run(self):
        run = Run(f"s{self.number}.{self.runs % 3}", self.runs, self.soak.folder)
        if not self.begin(run):
            return
        reader = Reader(self, run)
        reader.start()
        for _ in range(self.random.randrange(4)):
            self.meddle(run)
            time.sleep(self.random.random() * 0.5)
        self.end(run)
        self.look_at(run, reader)
        if self.random.random() < 0.5:
            self.remove(run)

    def options(self, run):
        habits = [h for h in ("deaf", "children", "work", "forever") if self.random.random() < 0.3]
        lines, pause = self.random.choice(((20, 0.05), (2000, 0.001), (50000, 0), (200, 0.01)))
        run.did += habits
        words = [run.path, str(lines), str(pause), *habits]
        env = {"SOAK_WORDS": " ".join(words)}
        name, _, value = run.marker.partition("=")
        return {"env": env | {name: value}, "runtime_max": "60s"}

    def begin(self, run):
        """Starts it; False where that failed, and nothing of it is there."""
        options = {k: option_variant(v) for k, v in self.options(run).items()}
        arguments = (self.soak.root, run.story, "", options)
        try:
            info = self.pool.call("StartWithOptions", "(sssa{sv})", *arguments, timeout=60)[0]
        except PoolError as error:
            if not is_away(error):
                self.ledger.count(f"Start refused: {error.name}", error.message)
                self.ledger.check("errors are typed", "." not in error.name, f"Start: {error}")
                self.nothing_is_left(run)
                return False
            info = self.call("get", self.soak.root, run.story)
            if not isinstance(info, dict) or info["status"] not in ("pending", "running"):
                self.nothing_is_left(run)
                return False
            run.is_promised = info["status"] == "running"
        else:
            run.is_promised = True
        run.id, run.unit = info["run_id"], info.get("unit")
        self.soak.begins.append(time.monotonic())
        self.ledger.count("runs started")
        return True

    def nothing_is_left(self, run):
        self.eventually(
            "a Start that fails leaves no process",
            lambda: not run.processes(),
            lambda: f"{run.story}: {run.processes()}",
        )

    def meddle(self, run):
        """Something that a user may do to a run that is alive or not; a refusal is fine."""
        root, story = self.soak.root, run.story
        action = self.random.choice(("freeze", "drain", "send", "resize", "attach", "list", "get"))
        self.ledger.count(action)
        run.did.append(action)
        if action == "freeze":
            self.call("freeze", root, story)
            time.sleep(self.random.random() * 0.5)
            self.call("thaw", root, story)
        elif action == "drain":
            self.call("drain", root, story)
        elif action == "send":
            self.call("send_input", root, story, b"hello\r")
        elif action == "resize":
            rows, columns = self.random.randint(1, 90), self.random.randint(1, 300)
            self.call("resize", root, story, rows, columns)
        elif action == "attach":
            fd = self.call("attach", root, story)
            if isinstance(fd, int):
                os.close(fd)
        elif action == "list":
            self.call("list_worktrees", root)
        else:
            self.call("get", root, story)

    def end(self, run):
        how = self.random.choice(("stop", "stop", "wait", "wait", "kill", "shim", "systemctl"))
        self.ledger.count(f"ended by {how}")
        run.did.append(how)
        if how == "kill":
            self.kill(run, the_shim=False)
        elif how == "shim":
            run.shim_killed = self.kill(run, the_shim=True)
        elif how == "systemctl" and run.unit:
            command = ["systemctl", "--user", "stop", run.unit]
            subprocess.run(command, stderr=subprocess.DEVNULL, timeout=PATIENCE)
        elif how == "wait":
            time.sleep(self.random.random() * 3)
        reply = self.stop(run)
        left = run.processes()
        self.ledger.check(
            "when Stop has replied, no process of the run is left",
            not left,
            lambda: f"{run.id} ({' '.join(run.did)}; {' '.join(self.soak.recent)}): {left}, "
            f"the reply was {reply}",
        )

    def stop(self, run):
        """A Stop that is refused, as for want of a descriptor, promises nothing: it is called
        again."""
        end = time.monotonic() + PATIENCE
        while True:
            reply = self.call("stop", self.soak.root, run.story)
            refused = isinstance(reply, PoolError) and reply.name != "NoSuchRun"
            if not refused or time.monotonic() > end:
                return reply
            self.ledger.count(f"Stop refused: {reply.name}", reply.message)
            time.sleep(0.1)

    def kill(self, run, the_shim):
        """SIGKILL for the run's shim, or for all else; whether there was such a process."""
        found = False
        for pid in self.pool.cgroup_procs(run.unit) if run.unit else []:
            try:
                is_shim = os.path.basename(os.readlink(f"/proc/{pid}/exe")) == "storkit-shim"
                if is_shim == the_shim:
                    os.kill(pid, signal.SIGKILL)
                    found = True
            except OSError:
                pass  # ended meanwhile
        return found

    # What is left

    def look_at(self, run, reader):
        reader.hurry = True
        reader.join(PATIENCE)
        if not run.is_promised and getattr(reader.problem, "name", "") == "NoSuchRun":
            return  # a Start that was cut off, and undone
        self.ledger.check(
            "a subscriber gets the last event",
            reader.ended and not reader.problem,
            lambda: f"{run.id}: {reader.problem or reader.events[-1:]}",
        )
        seen = without_live(reader.events)
        lost = self.lost_output(run)
        check_events(self.ledger, run.id, seen, "a subscriber that comes back", lost)
        transcript = f"{self.pool.run_folder(run.id)}/transcript"
        if not os.path.exists(transcript):
            return  # stopped in the queue, or before its gate
        what = f"{run.id} ({' '.join(run.did)}; {' '.join(self.soak.recent)})"
        check_transcript(self.ledger, what, transcript, run.counter(), run.shim_killed, lost)
        replay = self.replay(run)
        if reader.ended and replay is not None:
            self.ledger.check(
                "a replay is what was seen live",
                [strip(event) for event in replay] == [strip(event) for event in seen],
                lambda: f"{run.id}: {len(replay)} events, {len(seen)} seen",
            )

    def lost_output(self, run):
        info = self.call("get_run", run.id)
        return 0 if isinstance(info, PoolError) else info.get("lost_output", 0)

    def replay(self, run):
        stream = self.call("subscribe_run", run.id)
        if isinstance(stream, PoolError):
            return None
        events = list(events_of(stream))
        return events if events and is_last(events[-1]) else None  # else the service went away

    def remove(self, run):
        root, story = self.soak.root, run.story
        work = f"{root}/.storkit/worktrees/{story}/work.txt"
        had_work = os.path.exists(work)
        self.call("remove_worktree", root, story)
        if had_work:
            self.ledger.check("work is only removed by force", os.path.exists(work), work)
        if self.random.random() < 0.7:
            self.call("remove_worktree", root, story, True)
            self.ledger.count("worktrees removed")


def strip(event):
    return (event["cursor"], event["type"], event.get("text"), event.get("status"))
