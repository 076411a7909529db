# SPDX-License-Identifier: LGPL-2.1-or-later
"""The harness itself: if these fail, look here before you look at storkitd."""

import json
import os
import subprocess

from gi.repository import Gio, GLib

from harness import NAME, STAND_IN, Pool, connect, main, scope_name, wait_until
from session import RUNTIME


def run_stand_in(scenario, *arguments):
    output = subprocess.run(
        [STAND_IN, "-p", f"Do as I say. stand-in: {scenario}", *arguments],
        stdout=subprocess.PIPE,
        check=True,
    ).stdout
    return output.splitlines()


def start_in_scope(pool, run_id, scenario):
    """A stand-in in a scope, as storkitd would make one; returns the unit once it runs."""
    unit = scope_name(run_id)
    ready = f"{pool.folder}/ready"
    environment = pool.environment | {
        "STAND_IN": f"{scenario}; touch {ready}; idle",
        "DBUS_SESSION_BUS_ADDRESS": f"unix:path={RUNTIME}/bus",
    }
    process = subprocess.Popen(
        ["systemd-run", "--user", "--scope", "--quiet", "--collect", f"--unit={unit}", STAND_IN],
        env=environment,
        stdout=subprocess.DEVNULL,
    )
    pool.units.add(unit)
    wait_until(lambda: os.path.exists(ready), "the stand-in in its scope")
    return unit, process


def test_stand_in_speaks_stream_json():
    """The stand-in prints an init, what it was told to say, and a result, under one session id."""
    init, text, result = map(json.loads, run_stand_in("init; text one\\;two; result"))
    assert (init["type"], init["subtype"]) == ("system", "init")
    assert text["message"]["content"] == [{"type": "text", "text": "one;two"}]
    assert (result["type"], result["is_error"]) == ("result", False)
    assert init["session_id"] == text["session_id"] == result["session_id"] != ""


def test_stand_in_resumes():
    """The session id of a stand-in with --resume is the one that it was given."""
    (init,) = map(json.loads, run_stand_in("init", "--resume", "abc"))
    assert init["session_id"] == "abc"


def test_bus_is_private():
    """A pool's bus is its own: a name taken on it is not taken on the user's."""
    with Pool(daemon=False) as pool, Pool(daemon=False) as other:
        owner = connect(pool.bus.address)
        owner.call_sync(
            "org.freedesktop.DBus", "/org/freedesktop/DBus", "org.freedesktop.DBus",
            "RequestName", GLib.Variant("(su)", (NAME, 0)), None, Gio.DBusCallFlags.NONE, -1, None,
        )  # fmt: skip
        assert pool.bus.owner(NAME) == owner.get_unique_name()
        assert other.bus.owner(NAME) is None


def test_bus_can_be_dbus_broker():
    """A pool's bus can be dbus-broker."""
    with Pool(daemon=False, broker=True) as pool:
        assert pool.bus.owner("org.freedesktop.DBus") == "org.freedesktop.DBus"


def test_repository_has_a_roster_of_stand_ins():
    """A test's repository is a clean one on main whose agents are stand-ins."""
    with Pool(daemon=False) as pool:
        root = pool.repository(agents={"coder": "text hi", "reviewer": {"max_turns": 3}})
        assert pool.git(root, "status", "--porcelain", "--branch") == "## main"
        with open(f"{root}/.storkit/project.toml") as file:
            config = file.read()
        assert 'name = "coder"' in config and 'env = { STAND_IN = "text hi" }' in config
        assert f'command = "{STAND_IN}"' in config and "max_turns = 3" in config


def test_scopes_are_seen_and_ended():
    """The end of a pool ends its scopes, whatever their processes do against it."""
    with Pool(daemon=False) as pool:
        scenario = "children 2 daemon; children 1 refork"
        unit, process = start_in_scope(pool, "s.a.0000000001", scenario)
        assert pool.scope_exists(unit)
        assert len(pool.cgroup_procs(unit)) == 5
        manager = pool.manager
    process.wait()
    assert manager.unit_path(unit) is None


def test_left_over_process_fails_the_test():
    """A process that a test leaves behind is found, ended and told of."""
    try:
        with Pool(daemon=False) as pool:
            subprocess.run([STAND_IN], env=pool.environment | {"STAND_IN": "children 1 daemon"})
    except AssertionError as error:
        assert "left behind: process" in str(error)
    else:
        raise AssertionError("nobody noticed")


def test_journal_is_readable():
    """What the user's processes write to the journal can be read back by its fields."""
    with Pool(daemon=False) as pool:
        run = f"{os.path.basename(pool.folder)}.a.0000000001"
        subprocess.run(
            ["logger", "--journald"], input=f"MESSAGE=hello\nSTORKIT_RUN={run}\n", text=True
        )
        (entry,) = wait_until(lambda: pool.journal(run), "the journal's entry")
        assert entry["MESSAGE"] == "hello"


if __name__ == "__main__":
    main()
