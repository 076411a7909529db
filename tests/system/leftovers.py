# SPDX-License-Identifier: LGPL-2.1-or-later
"""Agents that leave processes behind in every way, and what is left of them."""

from harness import wait_until
from session import describe_process

KINDS = ("plain", "setsid", "double-fork", "own-pgrp", "ignore-term", "daemon", "refork")

# Over 50 of them, and every `refork` is two.
FAMILY = "; ".join(f"children 8 {kind}" for kind in KINDS)


def family_is_there(pool, info):
    """Waits until a run that does FAMILY has all its children."""
    folder = pool.run_folder(info["run_id"])

    def told():
        with open(f"{folder}/transcript", "rb") as file:
            return file.read().count(b'"type":"children"') == len(KINDS)

    wait_until(told, "the children")
    assert len(pool.cgroup_procs(info["unit"])) >= 8 * len(KINDS)


def left_behind(pool):
    """The command lines of all processes of the pool but the bus and storkitd."""
    own = {pool.bus.process.pid}
    if pool.running():
        own.add(pool.process.pid)
    return [describe_process(pid) for pid in pool.processes() if pid not in own]


def assert_nothing_runs(pool, *infos):
    """That the scopes are gone and no process of any run is in /proc."""
    for info in infos:
        assert not pool.scope_exists(info["unit"]), f"{info['unit']} is still there"
    assert left_behind(pool) == []


def terminal_events(pool, run_id):
    """The events so far that say the end of a run."""
    return [
        event
        for event in pool.events
        if event["run_id"] == run_id
        and (event["type"] in ("done", "error") or event.get("status") == "stopped")
    ]
