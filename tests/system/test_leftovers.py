# SPDX-License-Identifier: LGPL-2.1-or-later
"""Stop and end: whatever a run started is gone with it, however it tries to stay."""

import json
import os
import subprocess
import time

from gi.repository import GLib

from harness import long, main, raises, serial, timeout, wait_until
from leftovers import FAMILY, assert_nothing_runs, family_is_there, terminal_events
from traces import read_text, touch


def transcript(pool, info):
    return read_text(f"{pool.run_folder(info['run_id'])}/transcript")


def wait_for_text(pool, info, text):
    wait_until(lambda: text in (transcript(pool, info) or ""), f"“{text}” in the transcript")


def test_stop_leaves_no_process(pool):
    """When Stop replies, the scope and each of 56 children is gone: plain ones, others in sessions
    and groups of their own, orphans, daemons, deaf ones and such as fork when they are killed."""
    root = pool.repository(agents={"coder": {"scenario": f"{FAMILY}; idle", "stop_grace": "1s"}})
    info = pool.start(root, "42_login")
    family_is_there(pool, info)
    pool.stop(root, "42_login")
    assert_nothing_runs(pool, info)


def test_end_leaves_no_process(pool):
    """When a run has ended by itself, the scope and each of 56 children is gone as well."""
    root = pool.repository(agents={"coder": f"init; {FAMILY}; wait {pool.folder}/go; result"})
    info = pool.start(root, "42_login")
    family_is_there(pool, info)
    touch(f"{pool.folder}/go")
    assert pool.wait(root, "42_login")["status"] == "completed"
    assert_nothing_runs(pool, info)
    assert pool.wait_for("done")["exit_code"] == 0


def test_end_without_the_daemon_leaves_no_process(pool):
    """A run that ends while the daemon is down leaves nothing either, and is completed afterwards."""
    root = pool.repository(agents={"coder": f"init; {FAMILY}; wait {pool.folder}/go; result"})
    info = pool.start(root, "42_login")
    family_is_there(pool, info)
    pool.kill_daemon()
    touch(f"{pool.folder}/go")
    wait_until(lambda: not pool.scope_exists(info["unit"]), "the end of the scope")
    assert_nothing_runs(pool, info)
    pool.start_daemon()
    assert pool.wait(root, "42_login")["status"] == "completed"


def test_killed_shim_leaves_no_process(pool):
    """A run whose shim is killed has failed, and nothing of it is left."""
    root = pool.repository(agents={"coder": f"init; {FAMILY}; idle"})
    info = pool.start(root, "42_login")
    family_is_there(pool, info)
    with open(f"{pool.manager.cgroup(info['unit'])}/cgroup.procs") as file:
        (shim,) = map(int, file)
    os.kill(shim, 9)
    assert pool.wait(root, "42_login")["status"] == "failed"
    assert_nothing_runs(pool, info)


def escape(pool, info):
    """Moves the agent out of its own cgroup, as it could itself, to where its shim is."""
    with open(f"{pool.manager.cgroup(info['unit'])}/cgroup.procs", "w") as file:
        file.write(str(info["pid"]))


def test_agent_beside_its_shim_is_stopped(pool):
    """An agent that moved itself out of its cgroup to the shim's, deaf to every signal, is gone when
    Stop replies: by its shim, which lives to tell, and not by systemd, which would kill both."""
    scenario = "ignore TERM; ignore INT; ignore HUP; children 3 daemon; print deaf; idle"
    root = pool.repository(agents={"coder": {"scenario": scenario, "stop_grace": "1s"}})
    info = pool.start(root, "42_login")
    wait_for_text(pool, info, "deaf")
    escape(pool, info)
    pool.stop(root, "42_login")
    assert_nothing_runs(pool, info)
    ending = json.loads(read_text(f"{pool.run_folder(info['run_id'])}/exit.json"))
    assert ending["exit_signal"] == 9, ending


def test_process_beside_the_shim_ends_with_the_run(pool):
    """A child that moved itself beside the shim is gone soon after the agent has ended."""
    root = pool.repository(agents={"coder": f"children 1 daemon; wait {pool.folder}/go"})
    info = pool.start(root, "42_login")
    wait_for_text(pool, info, "children")
    pids = set(pool.cgroup_procs(info["unit"])) - {info["pid"]}
    cgroup = pool.manager.cgroup(info["unit"])
    with open(f"{cgroup}/cgroup.procs") as file:
        (child,) = pids - {int(line) for line in file}
    with open(f"{cgroup}/cgroup.procs", "w") as file:
        file.write(str(child))
    touch(f"{pool.folder}/go")
    assert pool.wait(root, "42_login", timeout=4)["status"] == "completed"
    assert_nothing_runs(pool, info)


def stop_at_its_end(pool, root, number):
    """Stops a run that ends by itself at that moment, a little later each time; returns its info."""
    story = f"s{number}"
    info = pool.start(root, story, env={"STAND_IN": f"init; wait {pool.folder}/{story}; result"})
    touch(f"{pool.folder}/{story}")
    end = time.monotonic() + number * 0.0005
    while time.monotonic() < end:
        pass
    pool.stop(root, story)
    return info


@timeout(120)
def test_stop_at_the_end_gives_one_last_event(pool):
    """A run that is stopped just as it ends by itself has one last event, whichever it is, and is off
    the list: 30 times, at different moments."""
    root = pool.repository(agents={"coder": {}})
    infos = [stop_at_its_end(pool, root, number) for number in range(30)]
    assert_nothing_runs(pool, *infos)
    for info in infos:
        wait_until(lambda: terminal_events(pool, info["run_id"]), "the last event")
    for info in infos:
        assert len(terminal_events(pool, info["run_id"])) == 1, terminal_events(pool, info["run_id"])
    assert pool.list() == []


def test_frozen_run_is_stopped(pool):
    """A frozen run is thawed to be stopped: its agent hears the signal that lets it save."""
    root = pool.repository(agents={"coder": "on INT write saved kept; on TERM exit 0; print up; idle"})
    info = pool.start(root, "42_login")
    wait_for_text(pool, info, "up")
    pool.freeze(root, "42_login")
    pool.stop(root, "42_login")
    assert_nothing_runs(pool, info)
    assert read_text(f"{info['worktree_path']}/saved") == "kept"
    assert pool.wait_for(lambda event: event.get("status") == "stopped")["run_id"] == info["run_id"]


def test_agent_that_saves_ends_its_stop_early(pool):
    """SIGINT comes first, and an agent that saves and exits on it is not waited for any longer."""
    agent = {"scenario": "on INT exit 0; print up; idle", "stop_grace": "25s"}
    root = pool.repository(agents={"coder": agent})
    info = pool.start(root, "42_login")
    wait_for_text(pool, info, "up")
    began = time.monotonic()
    pool.stop(root, "42_login")
    assert time.monotonic() - began < 10
    assert_nothing_runs(pool, info)


def test_stop_grace_is_kept(pool):
    """SIGINT at once, SIGTERM after half of stop_grace, and the kill at its end."""
    agent = {"scenario": "on INT print heard INT; on TERM print heard TERM; print up; idle"}
    root = pool.repository(agents={"coder": agent | {"stop_grace": "3s"}})
    info = pool.start(root, "42_login")
    wait_for_text(pool, info, "up")
    began = time.monotonic()
    stop = pool.begin("Stop", "(sss)", root, "42_login", "")
    wait_for_text(pool, info, "heard INT")
    interrupted = time.monotonic() - began
    wait_for_text(pool, info, "heard TERM")
    terminated = time.monotonic() - began
    stop.result()
    assert interrupted < 1.4 < terminated < 2.9 < time.monotonic() - began
    assert_nothing_runs(pool, info)


def test_scope_stopped_by_systemctl_is_told_apart(pool):
    """A run whose scope somebody else stops has failed: stopped from outside."""
    root = pool.repository(agents={"coder": f"init; {FAMILY}; idle"})
    info = pool.start(root, "42_login")
    family_is_there(pool, info)
    subprocess.run(["systemctl", "--user", "stop", info["unit"]], check=True)
    ended = pool.wait(root, "42_login")
    assert (ended["status"], ended["error"]) == ("failed", "stopped from outside")
    assert pool.wait_for("error")["message"] == "stopped from outside"
    assert_nothing_runs(pool, info)


def test_stopped_run_is_off_the_list(pool):
    """Of a stopped run, Get and Stop know nothing any more; its waiters are told that it stopped."""
    root = pool.repository(agents={"coder": "idle"})
    info = pool.start(root, "42_login")
    waiter = pool.begin("Wait", "(sss)", root, "42_login", "")
    pool.stop(root, "42_login")
    ended = waiter.result()
    assert (ended["status"], ended["error"]) == ("failed", "stopped")
    raises("NoSuchRun", pool.get, root, "42_login", "coder")
    raises("NoSuchRun", pool.stop, root, "42_login", "coder")
    assert pool.list() == []
    assert os.path.isdir(info["worktree_path"])


def time_to_stop(pool, root, stories):
    began = time.monotonic()
    calls = [pool.begin("Stop", "(sss)", root, story, "") for story in stories]
    for call in calls:
        call.result(timeout=120)
    return time.monotonic() - began


@long
@serial
@timeout(400)
def test_stopping_a_hundred_takes_as_long_as_one(pool):
    """Stopping 100 runs at once, none of which listens, takes hardly longer than stopping one."""
    pool.set_property("MaxAgents", GLib.Variant("u", 128))
    scenario = "ignore INT; ignore TERM; children 2 daemon; print up; idle"
    root = pool.repository(agents={"coder": {"scenario": scenario, "stop_grace": "4s"}})
    infos = [pool.start(root, f"s{number}") for number in range(101)]
    for info in infos:
        wait_for_text(pool, info, "up")
    one = time_to_stop(pool, root, ["s0"])
    hundred = time_to_stop(pool, root, [f"s{number}" for number in range(1, 101)])
    print(f"one: {one:.2f} s, a hundred at once: {hundred:.2f} s")
    assert_nothing_runs(pool, *infos)
    assert hundred < 3 * one


if __name__ == "__main__":
    main()
