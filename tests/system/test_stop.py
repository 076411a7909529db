# SPDX-License-Identifier: LGPL-2.1-or-later
"""How runs end: by themselves, by Stop, and what is then known of them."""

import json
import os
import shutil
import signal

from harness import Pool, main, raises, scope_name, wait_until
from traces import assert_leaves_nothing, touch, with_setup

TERMINAL = ("done", "error")


def is_terminal(event):
    return event["type"] in TERMINAL or event.get("status") == "stopped"


def assert_ends_once(events):
    """The last event is terminal, and no other is."""
    assert [is_terminal(event) for event in events] == [False] * (len(events) - 1) + [True], events


def signals_of(pool, run_id):
    return [event for event in pool.events if event["run_id"] == run_id]


def run_to_its_end(pool, scenario, **agent):
    """Runs one agent; returns its info and its last event."""
    root = pool.repository(agents={"coder": {"scenario": scenario} | agent})
    info = pool.start(root, "42_login")
    events = list(pool.subscribe_run(info["run_id"]))
    assert_ends_once(events)
    assert not pool.scope_exists(info["unit"]), "the last event came before the end"
    info = pool.wait(root, "42_login")
    assert info == pool.get(root, "42_login") == pool.list()[0]
    assert info["cursor"] == events[-1]["cursor"] and info["ended"] == events[-1]["time"]
    assert "pid" not in info and info["started"] <= info["ended"]
    return info, events[-1]


def completed(pool, scenario, **agent):
    info, event = run_to_its_end(pool, scenario, **agent)
    assert (info["status"], event["type"]) == ("completed", "done"), event
    assert "error" not in info
    return info, event


def failed(pool, scenario, **agent):
    info, event = run_to_its_end(pool, scenario, **agent)
    assert (info["status"], event["type"]) == ("failed", "error"), event
    assert info["error"] == event["message"]
    return info, event


def test_success_is_completed_with_its_totals(pool):
    """Exit 0 after a result that reports success is `completed`; Info and `done` have the session,
    the exit code and the totals."""
    info, event = completed(pool, "init; text Hello.; result")
    totals = {
        "exit_code": 0,
        "cost_usd": 0.0125,
        "turns": 1,
        "input_tokens": 100,
        "output_tokens": 20,
    }
    for key, value in totals.items():
        assert info[key] == event[key] == value, key
    assert info["session_id"] == event["session_id"] != ""


def test_raw_agent_completes_by_its_exit(pool):
    """An agent of kind raw that exits 0 is completed, whatever it printed."""
    info, event = completed(pool, 'json {"type":"system"}; print hello', kind="raw")
    assert info["exit_code"] == 0 and "session_id" not in info and "turns" not in info


def test_silent_exit_0_is_completed(pool):
    """Without the kind's opening line, exit 0 is completed."""
    completed(pool, "exit 0")


def test_exit_status_is_a_failure(pool):
    """Exit 3 is `failed` with that status, and with the agent's last words."""
    info, event = failed(pool, "print oh; exit 3")
    assert event["message"].startswith("exit status 3") and "oh" in event["message"], event
    assert event["exit_code"] == info["exit_code"] == 3, (event, info)
    assert "exit_signal" not in info


def test_signal_is_a_failure(pool):
    """An agent that a signal ends is `failed`, and the signal is named."""
    info, event = failed(pool, "init; kill KILL")
    assert event["message"] == "killed by SIGKILL"
    assert event["exit_signal"] == info["exit_signal"] == 9 and "exit_code" not in event


def test_success_with_an_exit_status_is_a_failure(pool):
    """A result that reports success does not make up for exit 1."""
    assert failed(pool, "init; result; exit 1")[1]["message"] == "exit status 1"


def test_end_without_a_result_is_a_failure(pool):
    """Exit 0 after an init without any result is `ended without a result`."""
    assert failed(pool, "init; text Hello.")[1]["message"] == "ended without a result"


def test_result_with_an_error_is_a_failure(pool):
    """A result with is_error is `failed` in the CLI's own words, whatever the exit status."""
    info, event = failed(pool, "init; result error API Error: 401; exit 1")
    assert (event["message"], event["exit_code"]) == ("API Error: 401", 1)
    assert info["session_id"]


def test_last_result_counts_when_it_is_good(pool):
    """Of several results the last one decides: success after a failure is completed."""
    completed(pool, "init; result error No.; init; result")


def test_last_result_counts_when_it_is_bad(pool):
    """Of several results the last one decides: a failure after a success is failed."""
    assert failed(pool, "init; result; init; result error No.")[1]["message"] == "No."


def test_session_id_is_kept(pool):
    """A later system line without a session id, or with an empty one, does not erase it."""
    lines = ("system", "A"), ("system", ""), ("user", "B")
    scenario = "; ".join(f'json {{"type":"{kind}","session_id":"{id}"}}' for kind, id in lines)
    info, _ = run_to_its_end(pool, f'init; {scenario}; json {{"type":"system"}}; exit 1')
    assert info["session_id"] == "A"


def test_what_the_agent_left_is_ended(pool):
    """Servers and daemons that the agent left behind are gone when its last event comes."""
    info, _ = completed(pool, "children 2 daemon; children 2 setsid; init; result")
    assert pool.cgroup_procs(info["unit"]) == []


def test_agent_that_hangs_after_its_result_is_ended(pool):
    """An agent that stays after its result is ended after result_grace, and is completed."""
    completed(pool, "init; result; idle", result_grace="100ms")


def test_runtime_max_ends_a_run(pool):
    """A run that goes on for longer than runtime_max is ended and has failed for that."""
    assert "runtime_max" in failed(pool, "init; idle", runtime_max="200ms")[1]["message"]


def test_idle_timeout_ends_a_run(pool):
    """A run that prints nothing for idle_timeout is ended and has failed for that."""
    assert "idle_timeout" in failed(pool, "init; idle", idle_timeout="200ms")[1]["message"]


def test_agents_words_do_not_end_a_run(pool):
    """Nothing that an agent prints ends its run: it is running as long as its process is."""
    root = pool.repository(
        agents={"coder": f'init; result; json {{"type":"done"}}; wait {pool.folder}/go'}
    )
    info = pool.start(root, "42_login")
    pool.wait_for(lambda event: "done" in event.get("data", ""))
    assert pool.get(root, "42_login")["status"] == "running"
    touch(f"{pool.folder}/go")
    assert pool.wait(root, "42_login")["run_id"] == info["run_id"]


def test_stop_ends_all_and_keeps_the_worktree(pool):
    """Stop replies when the scope is gone; the worktree stays, the run is off the list, its folder
    stays, its last event is `status` `stopped`."""
    root = pool.repository(agents={"coder": "init; children 2 ignore-term; write work hello; idle"})
    info = pool.start(root, "42_login")
    stream = pool.subscribe(root, "42_login")
    pool.wait_for(lambda event: "children" in event.get("data", ""))
    pool.stop(root, "42_login")
    assert not pool.scope_exists(info["unit"])
    assert not os.path.exists(f"/proc/{info['pid']}")
    assert os.path.exists(f"{info['worktree_path']}/README")
    assert pool.list() == [] and pool.get_property("Running") == 0
    assert pool.run_folders() == [info["run_id"]]

    events = list(stream)
    assert_ends_once(events)
    assert (events[-1]["type"], events[-1]["status"]) == ("status", "stopped")
    pool.wait_for(lambda event: event.get("status") == "stopped")
    assert_ends_once(signals_of(pool, info["run_id"]))
    assert [e["cursor"] for e in pool.subscribe_run(info["run_id"])] == [
        e["cursor"] for e in events
    ]


def test_stopped_run_is_no_such_run(pool):
    """After a Stop, Get, Wait, Stop, Subscribe and Drain say NoSuchRun; no older run reappears."""
    root = pool.repository(agents={"coder": f"init; result; wait {pool.folder}/go"})
    touch(f"{pool.folder}/go")
    pool.start(root, "42_login")
    pool.wait(root, "42_login")
    os.unlink(f"{pool.folder}/go")
    pool.start(root, "42_login")
    pool.stop(root, "42_login")
    for call in (pool.get, pool.wait, pool.stop, pool.subscribe, pool.drain):
        assert "42_login" in raises("NoSuchRun", call, root, "42_login").message
    assert pool.list() == []
    pool.restart_daemon()
    assert pool.list() == []


def test_stop_answers_those_who_wait(pool):
    """Callers of Wait get a stopped run's info as failed, with error `stopped`."""
    root = pool.repository(agents={"coder": "idle"})
    run_id = pool.start(root, "42_login")["run_id"]
    waiters = [pool.begin("Wait", "(sss)", root, "42_login", "") for _ in range(2)]
    stoppers = [pool.begin("Stop", "(sss)", root, "42_login", "") for _ in range(2)]
    for waiter in waiters:
        info = waiter.result()
        assert (info["run_id"], info["status"], info["error"]) == (run_id, "failed", "stopped")
    for stopper in stoppers:
        assert stopper.result() is None


def test_stop_of_an_ended_run_takes_it_off_the_list(pool):
    """Stop of an ended run sends no event; its folder stays, a restart does not bring it back."""
    root = pool.repository()
    run_id = pool.start(root, "42_login")["run_id"]
    pool.wait(root, "42_login")
    pool.wait_for("done")
    count = len(pool.events)
    pool.stop(root, "42_login")
    assert pool.list() == []
    raises("NoSuchRun", pool.get, root, "42_login")
    assert pool.run_folders() == [run_id]
    pool.restart_daemon()
    assert pool.list() == [] and len(pool.events) == count


def test_stop_of_nothing_is_no_such_run(pool):
    """Stop, Get and Wait of a story that never ran are NoSuchRun, of a bad name InvalidArgument."""
    root = pool.repository()
    for call in (pool.stop, pool.get, pool.wait):
        raises("NoSuchRun", call, root, "never")
        raises("InvalidArgument", call, root, "a/b")
        raises("NoSuchProject", call, f"{pool.folder}/nowhere", "never")


def test_deaf_agent_is_killed_after_its_grace(pool):
    """An agent that ignores SIGINT and SIGTERM is killed when its stop_grace is over."""
    agent = {"scenario": "ignore INT; ignore TERM; ignore HUP; init; idle", "stop_grace": "200ms"}
    root = pool.repository(agents={"coder": agent})
    info = pool.start(root, "42_login")
    pool.wait_for("agent_json")
    pool.stop(root, "42_login")
    assert not pool.scope_exists(info["unit"])


def shim_of(pool, info):
    with open(f"{pool.run_folder(info['run_id'])}/started") as file:
        return json.load(file)["shim_pid"]


def check_stop_without_the_shims_help(pool, before=None, after=None):
    """A Stop of a deaf agent, with @before and @after it what makes its shim keep no record."""
    agent = {"scenario": "ignore INT; ignore TERM; ignore HUP; init; idle"}
    agent["stop_grace"] = "60s" if after else "100ms"
    root = pool.repository(agents={"coder": agent})
    info = pool.start(root, "42_login")
    pool.wait_for("agent_json")
    if before:
        before(info)
    waiter = pool.begin("Wait", "(sss)", root, "42_login", "coder")
    stopper = pool.begin("Stop", "(sss)", root, "42_login", "coder")
    if after:
        pool.get(root, "42_login", "coder")  # answered behind the Stop's beginning
        after(info)
    stopper.result()
    ended = waiter.result()
    assert (ended["status"], ended["error"]) == ("failed", "stopped")
    assert not pool.scope_exists(info["unit"]) and pool.list() == []
    pool.wait_for(lambda event: event.get("status") == "stopped")
    assert_ends_once(signals_of(pool, info["run_id"]))


def test_stopped_run_whose_shim_is_killed_is_stopped(pool):
    """A run whose shim is killed in the grace of a Stop ends as stopped."""
    check_stop_without_the_shims_help(
        pool, after=lambda info: os.kill(shim_of(pool, info), signal.SIGKILL)
    )


def test_stop_of_a_run_whose_shim_hangs(pool):
    """Stop ends a run whose shim does not answer, as stopped."""
    check_stop_without_the_shims_help(
        pool, before=lambda info: os.kill(shim_of(pool, info), signal.SIGSTOP)
    )


def test_stop_of_a_run_without_a_folder(pool):
    """Stop ends a run whose folder somebody has removed, as stopped."""
    check_stop_without_the_shims_help(
        pool, before=lambda info: shutil.rmtree(pool.run_folder(info["run_id"]))
    )


def test_agent_may_speak_as_it_is_stopped(pool):
    """SIGINT comes first: what the agent prints then is in the events before `stopped`."""
    root = pool.repository(agents={"coder": "on INT print last words; init; idle"})
    info = pool.start(root, "42_login")
    pool.wait_for("agent_json")
    call = pool.begin("Stop", "(sss)", root, "42_login", "")
    pool.wait_for(lambda event: event.get("text") == "last words")
    call.result()
    assert_ends_once(list(pool.subscribe_run(info["run_id"])))


def begin_start(pool, root):
    return pool.begin("Start", "(sss)", root, "42_login", "")


def test_stop_during_setup_leaves_nothing(pool):
    """A Stop while setup runs: Start's caller gets `Stopped`, and nothing of it is left."""
    root = with_setup(pool, "touch debris; echo busy; sleep 1000")

    def start_and_stop():
        call = begin_start(pool, root)
        pool.wait_for(lambda event: event.get("text") == "busy")
        pool.stop(root, "42_login")
        raises("Stopped", call.result)
        raises("NoSuchRun", pool.get, root, "42_login")
        pool.wait_for(lambda event: event.get("status") == "stopped")
        assert_ends_once(pool.events)
        pool.events.clear()

    assert_leaves_nothing(pool, root, start_and_stop)


def slow_login(pool):
    """A login shell that says when it begins and waits for the file `go`."""
    with open(f"{pool.environment['HOME']}/.bash_profile", "w") as file:
        file.write(
            f"touch {pool.folder}/asked; until [ -e {pool.folder}/go ]; do sleep 0.02; done\n"
        )


def test_stop_while_preparing_leaves_nothing(pool):
    """A Stop before there is a worktree: Start's caller gets `Stopped`, and nothing is left."""
    slow_login(pool)
    root = pool.repository()

    def start_and_stop():
        call = begin_start(pool, root)
        wait_until(lambda: os.path.exists(f"{pool.folder}/asked"), "the login shell")
        stop = pool.begin("Stop", "(sss)", root, "42_login", "")
        assert pool.get(root, "42_login")["status"] == "pending"
        touch(f"{pool.folder}/go")
        raises("Stopped", call.result)
        stop.result()

    assert_leaves_nothing(pool, root, start_and_stop)


# The gate is open, and the shim takes its time.
LATE_SHIM = """#!/bin/bash
until read -t 0 -u 3; do sleep 0.02; done
touch {folder}/gate
until [ -e {folder}/go ]; do sleep 0.02; done
exec {shim} "$@"
"""


def late_shim(pool):
    """Within the pool's folder: `gate` comes with the gate, and with `go` the shim goes on."""
    path = f"{pool.folder}/late-shim"
    with open(path, "w") as file:
        file.write(LATE_SHIM.format(folder=pool.folder, shim=os.environ["STORKIT_SHIM"]))
    os.chmod(path, 0o755)
    return path


def test_stop_behind_the_gate_reaches_a_shim_that_does_not_listen_yet():
    """A Stop that comes before the shim has opened its FIFO is not lost: nothing begins."""
    with Pool(daemon=False) as pool:
        pool.environment["STORKIT_SHIM"] = late_shim(pool)
        pool.start_daemon()
        root = with_setup(pool, f"touch {pool.folder}/begun", agents={"coder": "idle"})
        call = begin_start(pool, root)
        wait_until(lambda: os.path.exists(f"{pool.folder}/gate"), "the gate")
        (run,) = pool.run_folders()
        stop = pool.begin("Stop", "(sss)", root, "42_login", "")
        assert pool.get(root, "42_login")["status"] == "pending"
        touch(f"{pool.folder}/go")
        stop.result()
        raises("Stopped", call.result)
        assert not os.path.exists(f"{pool.folder}/begun"), "the Stop was lost"
        assert pool.list() == [] and not pool.scope_exists(scope_name(run))


def test_stop_of_one_that_waits_for_anothers_setup(pool):
    """A Stop of an agent that waits for another's setup ends that one's Start only."""
    go = f"{pool.folder}/go"
    root = with_setup(
        pool,
        f"echo begin; until [ -e {go} ]; do sleep 0.02; done",
        agents={"coder": "idle", "reviewer": "idle"},
    )
    first = begin_start(pool, root)
    pool.wait_for(lambda event: event.get("text") == "begin")
    second = pool.begin("Start", "(sss)", root, "42_login", "reviewer")
    wait_until(lambda: len(pool.list()) == 2, "the second run")
    pool.stop(root, "42_login", "reviewer")
    raises("Stopped", second.result)
    assert len(pool.list()) == 1
    touch(go)
    assert first.result()["status"] == "running"


def test_start_right_after_a_stop(pool):
    """When Stop has replied the key is free: a Start finds the same worktree."""
    root = pool.repository(agents={"coder": "idle"})
    first = pool.start(root, "42_login")
    pool.stop(root, "42_login")
    second = pool.start(root, "42_login")
    assert second["worktree_path"] == first["worktree_path"]
    assert second["run_id"] > first["run_id"]


def test_scope_that_systemd_stops_is_stopped_from_outside(pool):
    """A scope that is stopped behind our back is a failed run: `stopped from outside`."""
    root = pool.repository(agents={"coder": "init; idle"})
    info = pool.start(root, "42_login")
    pool.manager._call("StopUnit", "(ss)", info["unit"], "replace")
    ended = pool.wait(root, "42_login")
    assert (ended["status"], ended["error"]) == ("failed", "stopped from outside")
    assert_ends_once(list(pool.subscribe_run(info["run_id"])))


if __name__ == "__main__":
    main()
