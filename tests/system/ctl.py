# SPDX-License-Identifier: LGPL-2.1-or-later
"""Ctl: storkitctl, as the tests call it."""

import json
import os
import subprocess
from contextlib import contextmanager

from gi.repository import Gio, GLib

from pool import NAME
from session import PATIENCE, connect, scope_name
from terminal import Terminal

STORKITCTL = os.environ.get("STORKITCTL", "storkitctl")

# Exit statuses, as storkitctl(1) has them.
FAILED, USAGE, NOT_FOUND, NO_SERVICE, REFUSED, RUN_FAILED, RUN_STOPPED = 1, 2, 3, 4, 5, 10, 11


class Ctl:
    """storkitctl, called in a project with @agents, or one `coder` that plays @scenario; or in the
    project @root. `command`: how it is called."""

    command = [STORKITCTL]

    def __init__(self, pool, scenario=None, agents=None, root=None):
        self.pool = pool
        self.root = root or pool.repository(agents=agents or {"coder": {"scenario": scenario}})
        self.environment = pool.environment | {"LC_ALL": "C.UTF-8"}

    def begin(self, *arguments, cwd=None, environment=None, **keywords):
        streams = {name: subprocess.PIPE for name in ("stdin", "stdout", "stderr")}
        return subprocess.Popen(
            [*self.command, *arguments],
            cwd=cwd or self.root,
            env=self.environment | (environment or {}),
            text=True,
            **(streams | keywords),
        )

    def finish(self, process, status=0, input=None):
        """Waits for the end; returns what came out."""
        out, err = process.communicate(input, timeout=2 * PATIENCE)
        words = " ".join(process.args[1:])
        assert "Sanitizer" not in err and "runtime error" not in err, err
        assert process.returncode == status, f"{words}: {process.returncode}: {out}{err}"
        process.out, process.err = out, err
        return process

    def __call__(self, *arguments, status=0, input=None, **keywords):
        return self.finish(self.begin(*arguments, **keywords), status, input)

    def out(self, *arguments, **keywords):
        return self(*arguments, **keywords).out

    def json(self, *arguments, **keywords):
        return json.loads(self.out("--json", *arguments, **keywords))

    def lines(self, *arguments, **keywords):
        """The objects that --json prints one a line."""
        return list(map(json.loads, self.out("--json", *arguments, **keywords).splitlines()))

    def start(self, story="42_login", *arguments):
        info = self.json("start", story, *arguments)
        self.pool.units.add(scope_name(info["run_id"]))
        return info

    def touch(self, info, name="go"):
        """What the stand-in's `wait NAME` waits for."""
        with open(f"{info['worktree_path']}/{name}", "w"):
            pass

    def terminal(self, *arguments, **keywords):
        keywords = {"cwd": self.root} | keywords
        environment = self.environment | keywords.pop("environment", {})
        return Terminal(self.pool.folder, environment, [*self.command, *arguments], **keywords)


@contextmanager
def calls_seen(bus):
    """The names of the methods called on the bus of a pool, or at an address, as a monitor sees
    them."""
    seen = []
    monitor = connect(bus if isinstance(bus, str) else bus.bus.address)

    def on_message(connection, message, incoming):
        if message.get_message_type() != Gio.DBusMessageType.METHOD_CALL or not incoming:
            return message
        seen.append(message.get_member())
        return None  # or it would be answered, which a monitor may not do

    monitor.add_filter(on_message)
    monitor.call_sync(
        "org.freedesktop.DBus", "/org/freedesktop/DBus", "org.freedesktop.DBus.Monitoring",
        "BecomeMonitor", GLib.Variant("(asu)", ([f"interface='{NAME}',type='method_call'"], 0)),
        None, 0, -1, None,
    )  # fmt: skip
    yield seen
    monitor.close_sync(None)


def cursors(events):
    return [(event["run_id"], event["cursor"]) for event in events]
