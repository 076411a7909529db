# SPDX-License-Identifier: LGPL-2.1-or-later
"""What a client does that must not miss an event: it follows a run by its id, and goes on from the
last cursor that it has whenever the daemon is there again."""

import json
import os
import select

from pool import NAME, PoolError
from session import PATIENCE, wait_until

TERMINAL = ("done", "error")


def is_last(event):
    return event["type"] in TERMINAL or event.get("status") == "stopped"


class Follower:
    """A reader of one run's events. @keep False: for runs with more events than fit in memory;
    @take is called with each instead."""

    def __init__(self, pool, run_id, take=None):
        self.pool = pool
        self.run_id = run_id
        self.cursor = 0
        self.ended = False
        self.events = []
        self._take = take or self.events.append
        self._fd = -1
        self._rest = b""
        self.reconnects = 0

    def _connect(self):
        if not self.pool.bus.owner(NAME):
            return
        try:
            stream = self.pool.subscribe_run(self.run_id, self.cursor)
        except PoolError as error:
            # Killed while it was asked.
            assert error.name in (
                "g-dbus-error-quark",
                "org.freedesktop.DBus.Error.NoReply",
                "org.freedesktop.DBus.Error.ServiceUnknown",
                "org.freedesktop.DBus.Error.NameHasNoOwner",
            ), error
            return
        self._fd, stream.fd = stream.fd, -1
        os.set_blocking(self._fd, False)
        self.reconnects += 1

    def _disconnect(self):
        os.close(self._fd)
        self._fd = -1
        self._rest = b""

    def _take_bytes(self, part):
        *lines, self._rest = (self._rest + part).split(b"\n")
        for line in lines:
            event = json.loads(line)
            assert event["cursor"] > self.cursor, f"{event} after cursor {self.cursor}"
            self.cursor = event["cursor"]
            assert not self.ended, f"{event} after the last event"
            self.ended = is_last(event)
            self._take(event)

    def step(self):
        """Takes what is there now; whether the last event has come and the stream has ended."""
        if self._fd < 0:
            if self.ended:
                return True
            self._connect()
        for _ in range(16):
            if self._fd < 0 or not select.select([self._fd], [], [], 0)[0]:
                break
            part = os.read(self._fd, 1 << 18)
            if part:
                self._take_bytes(part)
            else:
                self._disconnect()
        return self.ended and self._fd < 0

    def finish(self, timeout=None):
        """Reads to the end; returns all the events."""
        wait_until(self.step, f"the end of {self.run_id}", timeout or PATIENCE)
        return self.events

    def close(self):
        if self._fd >= 0:
            self._disconnect()


def numbered_lines(events, prefix="line"):
    """The numbers of the lines `PREFIX 00000001`… among the events, in the order they came."""
    start = f"{prefix} "
    return [
        int(event["text"][len(start) :])
        for event in events
        if event["type"] == "output" and event["text"].startswith(start)
    ]


def all_events(pool, run_id):
    return Follower(pool, run_id).finish()


def terminal_events(events):
    return [event for event in events if is_last(event)]
