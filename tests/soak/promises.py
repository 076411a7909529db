# SPDX-License-Identifier: LGPL-2.1-or-later
"""What the service promises, counted from outside."""

import collections
import threading


class Ledger:
    """How often each promise was put to the test, and each time that it was broken."""

    def __init__(self):
        self._lock = threading.Lock()
        self.kept = collections.Counter()
        self.broken = []
        self.done = collections.Counter()
        self.last = {}  # of what was counted: one that says more

    def check(self, promise, holds, what):
        """@what: a text, or a function that makes it."""
        with self._lock:
            if holds:
                self.kept[promise] += 1
            else:
                self.broken.append(f"{promise}: {what() if callable(what) else what}")
                print(f"BROKEN {self.broken[-1]}", flush=True)
        return holds

    def count(self, what, example=None):
        with self._lock:
            self.done[what] += 1
            if example:
                self.last[what] = example

    def report(self):
        print("done: " + ", ".join(f"{n} {what}" for what, n in sorted(self.done.items())))
        for what, example in sorted(self.last.items()):
            print(f"the last {what}: {example}")
        for promise, times in sorted(self.kept.items()):
            print(f"{times:7} times kept: {promise}")
        for what in self.broken:
            print(f"BROKEN {what}")


def numbers(lines):
    """The numbered lines among some."""
    return [int(line) for line in lines if line.strip().isdigit()]


def is_sequence(found):
    return found == list(range(1, len(found) + 1))


def size_of_lines(begin, end):
    """As they are in a transcript: with a carriage return."""
    return sum(len(str(number)) + 2 for number in range(begin, end))


def check_transcript(ledger, run_id, path, counter, cut, lost):
    """Every byte that an agent prints is in the transcript, in order, once. @cut: only up to some
    line, since its shim was killed. @lost: so many bytes, the service says, had no space on a full
    disk when the run was stopped."""
    with open(path, "rb") as file:
        *lines, begun = file.read().split(b"\n")
    found = numbers(lines)
    missing = size_of_lines(len(found) + 1, counter + 1) - len(begun)
    whole = is_sequence(found) and (cut or missing <= lost)
    ledger.check(
        "the transcript has every line in order, once",
        whole,
        lambda: f"{run_id}: {len(found)} lines of {counter}, the last {found[-3:]}",
    )


def check_events(ledger, run_id, events, reader, lost):
    """A reader has every event once, in order: cursors that grow, and the agent's lines. @lost: the
    last one may have been cut."""
    cursors = [event["cursor"] for event in events]
    grow = all(a < b for a, b in zip(cursors, cursors[1:]))
    ledger.check(f"{reader}: cursors grow", grow, lambda: f"{run_id}: {cursors[-10:]}")
    found = numbers(event["text"] for event in events if event["type"] == "output")
    if lost and found and str(len(found)).startswith(str(found[-1])):
        found.pop()
    ledger.check(
        f"{reader}: every line once, in order",
        is_sequence(found),
        lambda: f"{run_id}: {found[-10:]}",
    )


def without_live(events):
    """Without the events that no replay has: a freeze and a thaw carry the cursor before them."""
    kept = []
    for event in events:
        again = kept and event["cursor"] == kept[-1]["cursor"]
        if not (again and event["type"] == "status"):
            kept.append(event)
    return kept
