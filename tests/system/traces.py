# SPDX-License-Identifier: LGPL-2.1-or-later
"""What a Start leaves behind, or does not."""

import json
import os

from harness import raises


def touch(path):
    """Makes an empty file, for which a setup or a stand-in waits."""
    open(path, "w").close()


def with_setup(pool, *commands, agents=None):
    """A repository whose worktrees are prepared by these shell commands, in their top folder."""
    config = f'[[component]]\nname = "all"\npath = "."\nsetup = {json.dumps(commands)}\n'
    return pool.repository(config=config + pool.roster(agents or {"coder": {}}))


def read_text(path):
    """The text of a file; None where there is none."""
    try:
        with open(path) as file:
            return file.read()
    except FileNotFoundError:
        return None


def lasting_processes(pool):
    """The pool's processes, but for the shell that is asked for the login environment: it has
    answered by the time of a reply, and ends on its own."""
    pids = sorted(pool.processes())
    return [pid for pid in pids if "/usr/bin/env -0" not in command_line(pid)]


def command_line(pid):
    return (read_text(f"/proc/{pid}/cmdline") or "").replace("\0", " ")


def traces(pool, root):
    """Everything that a Start could leave in the repository or elsewhere."""
    git = f"{root}/.git"
    return {
        "refs": pool.git(root, "for-each-ref"),
        "worktrees": pool.git(root, "worktree", "list", "--porcelain"),
        "admin folders": os.listdir(f"{git}/worktrees")
        if os.path.exists(f"{git}/worktrees")
        else None,
        "config": read_text(f"{git}/config"),
        "exclude": read_text(f"{git}/info/exclude"),
        ".storkit": sorted(path for path, _, _ in os.walk(f"{root}/.storkit")),
        "run folders": pool.run_folders(),
        "list": [info["run_id"] for info in pool.list()],
        "processes": lasting_processes(pool),
        "events": [event["run_id"] for event in pool.events],
    }


def assert_leaves_nothing(pool, root, begin):
    """Calls @begin, which does a Start that fails, and compares what there is before and after."""
    before = traces(pool, root)
    result = begin()
    after = traces(pool, root)
    # One that was there before may end.
    before["processes"] = [pid for pid in before["processes"] if pid in after["processes"]]
    for name, value in before.items():
        assert after[name] == value, f"{name}: was {value}, is {after[name]}"
    assert pool.get_property("Running") == 0
    return result


def refused(pool, root, error, story="42_login", agent="", path=None, **options):
    """The error of a Start that leaves nothing behind."""
    return assert_leaves_nothing(
        pool, root, lambda: raises(error, pool.start, path or root, story, agent, **options)
    )
