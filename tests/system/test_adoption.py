# SPDX-License-Identifier: LGPL-2.1-or-later
"""Finding the runs again: what a daemon that was stopped or killed finds when it is back."""

import json
import os
import signal
import subprocess

from gi.repository import GLib

from follower import all_events, numbered_lines, terminal_events
from harness import Pool, main, raises, scope_name, wait_until
from session import processes_of


def started(folder):
    with open(f"{folder}/started") as file:
        return json.load(file)


def signals_of(pool, run_id):
    return [event for event in pool.events if event["run_id"] == run_id]


def wait_for_scope_end(pool, unit):
    wait_until(lambda: not pool.scope_exists(unit), f"the end of {unit}")


def set_max_agents(pool, count):
    pool.set_property("MaxAgents", GLib.Variant("u", count))


def ends(how):
    """The ways in which a daemon comes to its end."""
    return {"kill": Pool.kill_daemon, "stop": Pool.stop_daemon}[how]


def check_goes_on(pool, how):
    go = f"{pool.folder}/go"
    scenario = f"init; text one; wait {go}; text two; result; exit 0"
    root = pool.repository(agents={"coder": {"scenario": scenario, "memory_max": "2G"}})
    before = pool.start(root, "s")
    pool.wait_for("agent_json")
    session = wait_until(lambda: pool.get(root, "s").get("session_id"), "a session id")
    before = pool.get(root, "s")
    ends(how)(pool)
    pool.start_daemon()

    after = pool.get(root, "s")
    assert after["status"] == "running"
    for key in ("run_id", "unit", "pid", "started", "worktree_path", "branch", "base_branch"):
        assert after[key] == before[key], key
    after = wait_until(lambda: "processes" in pool.get(root, "s") and pool.get(root, "s"), "figures")
    for key in set(before) - {"memory", "memory_peak", "cpu_usec", "cursor"}:
        assert after.get(key) == before[key], (key, after.get(key), before[key])
    assert set(before) <= set(after), set(before) - set(after)
    assert pool.get_property("Running") == 1
    raises("AlreadyRunning", pool.start, root, "s")

    waiting = pool.begin("Wait", "(sss)", root, "s", "")
    open(go, "w").close()
    info = waiting.result()
    assert (info["status"], info["exit_code"], info["session_id"]) == ("completed", 0, session)
    assert (info["turns"], info["cost_usd"]) == (2, 0.0125)
    events = all_events(pool, before["run_id"])
    assert [e["text"] for e in events if e["type"] == "output"] == ["one", "two"]
    assert [e["type"] for e in terminal_events(events)] == ["done"]
    pool.wait_for("done")


def test_run_goes_on_while_the_daemon_is_killed(pool):
    """A daemon that was killed finds its run again with all that was known of it."""
    check_goes_on(pool, "kill")


def test_run_goes_on_while_the_daemon_is_stopped(pool):
    """A daemon that was stopped finds its run again with all that was known of it."""
    check_goes_on(pool, "stop")


def test_end_is_found_after_a_restart(pool):
    """Runs that end while no daemon is there have their exit status and one terminal event."""
    go = f"{pool.folder}/go"
    rest = {"ok": "result; exit 0", "three": "exit 3", "killed": "kill KILL"}
    root = pool.repository(
        agents={name: f"init; wait {go}; lines 3; {end}" for name, end in rest.items()}
    )
    runs = {name: pool.start(root, "s", name) for name in rest}
    pool.kill_daemon()
    open(go, "w").close()
    for info in runs.values():
        wait_for_scope_end(pool, info["unit"])
    pool.start_daemon()

    infos = {name: pool.wait(root, "s", name) for name in rest}
    assert [infos[name]["status"] for name in rest] == ["completed", "failed", "failed"]
    assert infos["ok"]["exit_code"] == 0 and infos["three"]["exit_code"] == 3
    assert infos["killed"]["exit_signal"] == signal.SIGKILL
    for name, info in runs.items():
        assert infos[name]["session_id"]
        events = all_events(pool, info["run_id"])
        assert numbered_lines(events) == [1, 2, 3]
        assert len(terminal_events(events)) == 1
        pool.wait_for(lambda e: e["run_id"] == info["run_id"] and e["type"] in ("done", "error"))
    pool.restart_daemon()
    assert {info["run_id"] for info in pool.list()} == {info["run_id"] for info in runs.values()}
    for info in runs.values():
        own = signals_of(pool, info["run_id"])
        cursors = [event["cursor"] for event in own]
        # The one in flight at the kill may have come twice.
        assert len(terminal_events(own)) == 1 and len(cursors) - len(set(cursors)) <= 1, own


def test_kill_at_the_end_of_a_run(pool):
    """A daemon killed just when the agent ends has the run's end, once, when it is back."""
    root = pool.repository(agents={"coder": "init; lines 20; result; exit 0"})
    for story in ("a", "b", "c"):
        info = pool.start(root, story)
        wait_until(lambda: os.path.exists(f"{pool.run_folder(info['run_id'])}/exit.json"), "an end")
        pool.kill_daemon()
        pool.start_daemon()
        assert pool.wait(root, story)["status"] == "completed"
        events = all_events(pool, info["run_id"])
        assert numbered_lines(events) == list(range(1, 21))
        assert len(terminal_events(events)) == 1


def test_kill_during_setup(pool):
    """A daemon killed while setup runs finds the run pending, and then running."""
    go = f"{pool.folder}/go"
    config = f"""
[[component]]
name = "all"
path = "."
setup = ["echo preparing; while [ ! -e {go} ]; do sleep 0.02; done; echo prepared"]
""" + pool.roster({"coder": "init; result; exit 0"})
    root = pool.repository(config=config)
    starting = pool.begin("Start", "(sss)", root, "s", "coder")
    pool.wait_for(lambda e: e.get("text") == "preparing")
    pool.kill_daemon()
    pool.start_daemon()
    raises("org.freedesktop.DBus.Error.NoReply", starting.result)
    (info,) = pool.list()
    assert info["status"] == "pending" and info["story_id"] == "s"
    raises("AlreadyRunning", pool.start, root, "s")
    open(go, "w").close()
    assert pool.wait(root, "s")["status"] == "completed"
    events = all_events(pool, info["run_id"])
    assert [e["status"] for e in events if e["type"] == "status"] == ["pending", "running"]
    assert [e["text"] for e in events if e["type"] == "output"] == ["preparing", "prepared"]


def queue_of(pool):
    pending = [info for info in pool.list() if "queue_position" in info]
    return [info["story_id"] for info in sorted(pending, key=lambda info: info["queue_position"])]


def test_queue_is_kept_in_its_order(pool):
    """The queue outlives a kill and two restarts, in its order; it goes on by itself."""
    go = f"{pool.folder}/go"
    root = pool.repository(agents={"coder": f"init; argv; wait {go}; result; exit 0"})
    set_max_agents(pool, 1)
    pool.start(root, "first")
    stories = ["d", "b", "c", "a"]
    for story in stories:
        info = pool.start(root, story, prompt=f"the prompt of {story}", env={"X": story})
        assert info["status"] == "pending", info
    for restart in (pool.kill_daemon, pool.stop_daemon, pool.kill_daemon):
        restart()
        pool.start_daemon()
        assert queue_of(pool) == stories
        assert (pool.get_property("Queued"), pool.get_property("Running")) == (4, 1)
        raises("AlreadyRunning", pool.start, root, "b")
    pool.stop(root, "c")
    pool.kill_daemon()
    pool.start_daemon()
    assert queue_of(pool) == ["d", "b", "a"]
    open(go, "w").close()
    infos = [pool.wait(root, story) for story in ("first", "d", "b", "a")]
    assert [info["status"] for info in infos] == ["completed"] * 4
    begun = [info["started"] for info in infos]
    assert begun == sorted(begun)
    events = all_events(pool, infos[1]["run_id"])
    assert any("the prompt of d" in str(event.get("data")) for event in events)
    assert [e["status"] for e in events if e["type"] == "status"] == ["pending", "running"]


def test_run_without_a_trace_of_its_end(pool):
    """A folder whose scope is gone without a record of the end (a power cut, a reboot) is a failed
    run whose error says so; its session is known, and a Start resumes it in its worktree."""
    root = pool.repository(agents={"coder": "init; argv; lines 2; idle"})
    info = pool.start(root, "s")
    pool.wait_for(lambda e: e.get("text") == "line 00000002")
    session = pool.get(root, "s")["session_id"]
    with open(f"{info['worktree_path']}/work", "w") as file:
        file.write("unfinished")
    pool.kill_daemon()
    pool.manager.kill(info["unit"])
    assert not os.path.exists(f"{pool.run_folder(info['run_id'])}/exit.json")
    pool.start_daemon()

    ended = pool.wait(root, "s")
    assert ended["status"] == "failed" and ended["session_id"] == session
    assert "shim" in ended["error"] and "machine went down" in ended["error"]
    events = all_events(pool, info["run_id"])
    assert numbered_lines(events) == [1, 2]
    (last,) = terminal_events(events)
    assert last["message"] == ended["error"]

    for resume in (session, "last"):
        again = pool.start(root, "s", resume=resume)
        assert again["worktree_path"] == info["worktree_path"]
        assert os.path.exists(f"{again['worktree_path']}/work")
        stream = pool.subscribe_run(again["run_id"])
        argv = next(e["data"]["argv"] for e in stream if "argv" in e.get("data", {}))
        assert argv[argv.index("--resume") + 1] == session
        pool.kill_daemon()
        pool.manager.kill(again["unit"])
        pool.start_daemon()
        assert pool.wait(root, "s")["session_id"] == session


def test_logout_while_the_daemon_is_down(pool):
    """A run that systemd stopped, as at a logout, is failed and says so; its story is taken up
    again with its session."""
    root = pool.repository(agents={"coder": "init; argv; idle"})
    info = pool.start(root, "s")
    pool.wait_for("agent_json")
    session = wait_until(lambda: pool.get(root, "s").get("session_id"), "a session id")
    pool.kill_daemon()
    pool.manager._call("StopUnit", "(ss)", info["unit"], "replace")
    wait_for_scope_end(pool, info["unit"])
    pool.start_daemon()
    ended = pool.wait(root, "s")
    assert (ended["status"], ended["error"]) == ("failed", "stopped from outside"), ended
    assert ended["session_id"] == session
    again = pool.start(root, "s", resume="last")
    assert again["worktree_path"] == info["worktree_path"]
    lines = pool.subscribe_run(again["run_id"])
    argv = next(e["data"]["argv"] for e in lines if "argv" in e.get("data", {}))
    assert argv[argv.index("--resume") + 1] == session


def test_shim_killed(pool):
    """A run whose shim is killed fails within a second and leaves no process; the others go on."""
    root = pool.repository(
        agents={"coder": "init; children 2 daemon; children 2 setsid; idle", "other": "init; idle"}
    )
    info = pool.start(root, "s", "coder")
    pids = wait_until(
        lambda: len(all_pids := pool.cgroup_procs(info["unit"])) >= 6 and all_pids, "all processes"
    )
    other = pool.start(root, "s", "other")
    os.kill(started(pool.run_folder(info["run_id"]))["shim_pid"], signal.SIGKILL)
    ended = pool.wait(root, "s", "coder", timeout=5)
    assert ended["status"] == "failed" and "shim" in ended["error"]
    assert not pool.scope_exists(info["unit"])
    assert not set(pids) & set(processes_of(pool.marker))
    assert len(terminal_events(all_events(pool, info["run_id"]))) == 1
    pool.wait_for("error")
    again = pool.get(root, "s", "other")
    assert (again["status"], again["pid"]) == ("running", other["pid"])
    assert len(pool.cgroup_procs(other["unit"])) == 2


def test_shim_killed_while_the_daemon_is_down(pool):
    """Processes that outlive their shim are ended, by their cgroup, when a daemon is back."""
    root = pool.repository(agents={"coder": "init; children 2 daemon; children 1 refork; idle"})
    info = pool.start(root, "s")
    pool.wait_for(lambda e: "pids" in str(e.get("data")))
    shim = started(pool.run_folder(info["run_id"]))["shim_pid"]
    pool.kill_daemon()
    os.kill(shim, signal.SIGKILL)
    wait_until(lambda: shim not in pool.cgroup_procs(info["unit"]), "the end of the shim")
    assert pool.cgroup_procs(info["unit"]), "nothing has outlived the shim: this tests nothing"
    pool.start_daemon()
    ended = pool.wait(root, "s")
    assert ended["status"] == "failed" and "shim" in ended["error"]
    assert not pool.scope_exists(info["unit"])


def test_foreign_scope_is_left_alone(pool):
    """A scope of our kind of name that no folder of ours names belongs to somebody else."""
    unit = f"app-storkit-foreign_{os.path.basename(pool.folder)[13:]}.scope"
    process = subprocess.Popen(
        ["systemd-run", "--user", "--scope", "--quiet", "--collect", f"--unit={unit}",
         "sleep", "infinity"],
        env=pool.environment | {"DBUS_SESSION_BUS_ADDRESS": ""},
    )  # fmt: skip
    pool.units.add(unit)
    wait_until(lambda: pool.cgroup_procs(unit), "the foreign scope")
    root = pool.repository(agents={"coder": "init; result; exit 0"})
    for restart in (pool.kill_daemon, pool.stop_daemon):
        restart()
        pool.start_daemon()
        assert pool.list() == []
    pool.start(root, "s")
    pool.wait(root, "s")
    assert pool.cgroup_procs(unit) and process.poll() is None
    pool.manager.kill(unit)
    process.wait()


RECORD = {"format": 1, "unit": "dbus.service", "project_root": "/", "kind": "claude", "created": 1}


def test_garbage_in_the_runs_folder(pool):
    """What is no run's in the runs folder is left alone, said so in the log, and harms nothing."""
    go = f"{pool.folder}/go"
    root = pool.repository(agents={"coder": f"init; wait {go}; result; exit 0"})
    info = pool.start(root, "s")
    pool.kill_daemon()
    garbage = {
        "a file": None,
        "notes.txt": {"x": "y"},
        "..a.b.0123456789": {"run.json": "{}"},
        "old.notes.0123456789": {"precious": "do not delete"},
        "s.broken.0123456780": {"run.json": "{", "transcript": "text"},
        "s.deep.0123456781": {"run.json": "[" * 200000},
        "s.format.0123456782": {"run.json": json.dumps(RECORD | {"format": 99})},
        "s.copy.0123456783": {
            "run.json": json.dumps(
                RECORD | {"run_id": info["run_id"], "story_id": "s", "agent_name": "copy"}
            )
        },
        "s.list.0123456784": {"run.json": "[1]", "transcript": ""},
        "s.types.0123456785": {"run.json": '{"format": "1", "run_id": 7, "unit": {}}'},
    }
    for name, files in garbage.items():
        path = pool.run_folder(name)
        if files is None:
            open(path, "w").close()
            continue
        os.mkdir(path)
        for file, text in files.items():
            with open(f"{path}/{file}", "w") as stream:
                stream.write(text)
    os.symlink("/nonexistent", pool.run_folder("s.link.0123456786"))
    os.symlink("/", pool.run_folder("s.root.0123456787"))
    before = len(pool.log_text())
    pool.start_daemon()
    assert [run["run_id"] for run in pool.list()] == [info["run_id"]]
    open(go, "w").close()
    assert pool.wait(root, "s")["status"] == "completed"
    log = pool.log_text()[before:]
    for name, files in garbage.items():
        assert name in log, name
        for file, text in (files or {}).items():
            with open(f"{pool.run_folder(name)}/{file}") as stream:
                assert stream.read() == text


def test_unfinished_folders_are_tidied_away(pool):
    """A folder in which not even run.json was finished, and one half removed, go at start-up."""
    pool.stop_daemon()
    for name, files in (
        ("s.coder.0123456789", []),
        ("s.coder.0123456788", ["run.json.new"]),
        (".removing.s.coder.0123456787", ["transcript", "run.json"]),
    ):
        os.makedirs(pool.run_folder(name))
        for file in files:
            open(f"{pool.run_folder(name)}/{file}", "w").close()
    os.makedirs(f"{pool.run_folder('.removing.s.coder.0123456787')}/folder/inside")
    pool.start_daemon()
    assert pool.list() == [] and os.listdir(pool.run_folder("")) == []


def test_stop_of_an_adopted_run(pool):
    """Stop works on a run that an earlier daemon began, on its way included; it stays stopped."""
    slow = "on INT print asked; ignore TERM; init; repeat 1000 sleep 1000"
    root = pool.repository(
        agents={"coder": "init; idle", "slow": {"scenario": slow, "stop_grace": "2s"}}
    )
    info = pool.start(root, "s", "coder")
    pool.kill_daemon()
    pool.start_daemon()
    pool.stop(root, "s", "coder")
    assert not pool.scope_exists(info["unit"])
    raises("NoSuchRun", pool.get, root, "s", "coder")
    pool.wait_for(lambda e: e.get("status") == "stopped")

    slow = pool.start(root, "s", "slow")
    pool.wait_for(lambda e: e["agent_name"] == "slow" and e["type"] == "agent_json")
    stopping = pool.begin("Stop", "(sss)", root, "s", "slow")
    pool.wait_for(lambda e: e.get("text") == "asked")
    pool.kill_daemon()
    wait_until(stopping.done, "the end of the call")
    wait_for_scope_end(pool, slow["unit"])
    pool.start_daemon()
    wait_until(lambda: pool.list() == [], "an empty list")
    assert terminal_events(all_events(pool, slow["run_id"]))[0].get("status") == "stopped"
    for restart in (pool.kill_daemon, pool.stop_daemon):
        restart()
        pool.start_daemon()
        assert pool.list() == []


def test_replaced_run_does_not_come_back(pool):
    """Of a story's runs only the newest is listed after a restart; a stopped one hides all."""
    root = pool.repository(agents={"coder": "init; result; exit 0"})
    runs = []
    for _ in range(3):
        runs.append(pool.start(root, "s")["run_id"])
        pool.wait(root, "s")
    pool.kill_daemon()
    pool.start_daemon()
    assert [info["run_id"] for info in pool.list()] == runs[-1:]
    assert pool.wait(root, "s")["session_id"]
    pool.stop(root, "s")
    pool.kill_daemon()
    pool.start_daemon()
    assert pool.list() == []
    for run in runs:
        assert len(terminal_events(all_events(pool, run))) == 1


def test_frozen_run_is_found_frozen(pool):
    """A frozen run is known to be frozen after a restart, and can be thawed."""
    root = pool.repository(agents={"coder": "init; idle"})
    pool.start(root, "s")
    pool.freeze(root, "s")
    pool.kill_daemon()
    pool.start_daemon()
    wait_until(lambda: pool.get(root, "s").get("frozen"), "frozen")
    pool.thaw(root, "s")
    assert pool.get(root, "s")["frozen"] is False


def test_newer_run_is_told_without_the_clock(pool):
    """Where the clock was set back between two runs of an agent, it is the later one that List
    shows, after a restart, too."""
    root = pool.repository(agents={"coder": "exit 0"})
    first = pool.start(root, "s")["run_id"]
    pool.wait(root, "s")
    pool.kill_daemon()
    # As if it had begun in the months to come.
    later = first[:-7] + "z" + first[-6:]
    os.rename(pool.run_folder(first), pool.run_folder(later))
    path = f"{pool.run_folder(later)}/run.json"
    with open(path) as file:
        text = file.read()
    with open(path, "w") as file:
        file.write(text.replace(first, later))
    pool.start_daemon()
    assert [run["run_id"] for run in pool.list()] == [later]
    second = pool.start(root, "s")["run_id"]
    pool.wait(root, "s")
    assert [run["run_id"] for run in pool.list()] == [second]
    pool.restart_daemon()
    assert [run["run_id"] for run in pool.list()] == [second]


def test_two_daemons_do_not_meet(pool):
    """A second daemon on the same runs ends at once, says who has them and touches nothing."""
    go = f"{pool.folder}/go"
    root = pool.repository(agents={"coder": f"init; wait {go}; result; exit 0"})
    info = pool.start(root, "s")
    second = subprocess.run(
        [os.environ["STORKITD"]], env=pool.environment, capture_output=True, text=True, timeout=20
    )
    assert second.returncode == 1 and f"(process {pool.process.pid})" in second.stderr, second
    assert pool.get(root, "s")["pid"] == info["pid"]
    open(go, "w").close()
    assert pool.wait(root, "s")["status"] == "completed"


if __name__ == "__main__":
    main()
