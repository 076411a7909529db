# SPDX-License-Identifier: LGPL-2.1-or-later
"""libstorkit, by a program in C: runs as they come and go, calls, and every event once."""

import json
import signal

from follower import all_events, is_last, numbered_lines
from harness import main, wait_until
from library import Client


def events_of(lines):
    return [json.loads(line) for line in lines]


def test_each_event_once_over_a_kill(pool):
    """A service that is killed in the middle of a stream, twice, costs no event, repeats none."""
    scenario = "init; lines 1000; wait go; lines 1000; wait on; lines 1000; result"
    root = pool.repository(agents={"coder": scenario})
    info = pool.start(root, "s")
    with Client(pool, "follow", info["run_id"], 0) as client:
        for count, file in ((500, "go"), (1500, "on")):
            wait_until(lambda: len(client.lines) > count, f"{count} events")
            pool.kill_daemon()
            open(f"{info['worktree_path']}/{file}", "w").close()
            pool.start_daemon()
        events = events_of(client.end())
    assert events == all_events(pool, info["run_id"])
    assert numbered_lines(events) == [*range(1, 1001)] * 3 and is_last(events[-1])


def test_slow_reader_over_a_kill(pool):
    """A reader that is behind, with events read and not yet taken, goes on with the next one."""
    root = pool.repository(agents={"coder": "init; lines 600; result"})
    info = pool.start(root, "s")
    with Client(pool, "next", info["run_id"], 0, 100000) as client:
        wait_until(lambda: len(client.lines) > 100, "some events")
        pool.kill_daemon()
        pool.start_daemon()
        events = events_of(client.end())
    assert numbered_lines(events) == [*range(1, 601)] and is_last(events[-1])


def test_from_any_cursor_of_an_ended_run(pool):
    """A stream of an ended run begins after its cursor; from its last event it is empty, also once
    the run has left the list."""
    root = pool.repository(agents={"coder": "init; text one; lines 5; result"})
    info = pool.start(root, "s")
    pool.wait(root, "s")
    events = all_events(pool, info["run_id"])
    for begin in (3, len(events) - 1):
        with Client(pool, "follow", info["run_id"], events[begin]["cursor"]) as client:
            assert events_of(client.end()) == events[begin + 1 :]
    pool.stop(root, "s")
    for begin in (3, len(events) - 1):
        with Client(pool, "next", info["run_id"], events[begin]["cursor"], 1000) as client:
            assert events_of(client.end()) == events[begin + 1 :]


def test_cancelled_waiting_loses_nothing(pool):
    """A cancelled wait for an event ends at once, a second one beside it is refused, and the stream
    goes on afterwards, to the last event of the stopped run."""
    root = pool.repository(agents={"coder": "idle"})
    info = pool.start(root, "s")
    with Client(pool, "cancel", info["run_id"]) as client:
        events = events_of(client.end())
    assert [event["status"] for event in events] == ["pending", "running", "stopped"]


def test_pool_follows_runs_and_a_restart(pool):
    """A pool tells of runs that come, change and go, and of what changed while the service was
    away; no run comes or goes because of that."""
    root = pool.repository(agents={"coder": "init; wait go; result", "other": "init; idle"})
    info = pool.start(root, "first")
    with Client(pool, "watch") as client:
        client.wait_for("added first")
        pool.start(root, "second", "other")
        client.wait_for("added second")
        client.wait_for("second status ((StorkitRunStatus) STORKIT_RUN_STATUS_RUNNING)")
        pool.freeze(root, "second", "other")
        client.wait_for("second frozen TRUE")
        pool.kill_daemon()
        client.wait_for("pool available 0")
        open(f"{info['worktree_path']}/go", "w").close()
        pool.start_daemon()
        client.wait_for("first status ((StorkitRunStatus) STORKIT_RUN_STATUS_COMPLETED)")
        pool.stop(root, "second", "other")
        client.wait_for("removed second")
        lines = client.end()
    assert lines.count("added first") == 1 and "removed first" not in lines
    assert lines.count("added second") == 1


def test_a_run_in_all_that_can_be_done(pool):
    """Start with options, find, freeze, type, attach, wait, stop, worktrees, configuration: each
    call, and the typed errors of those that cannot be."""
    script = 'read line </dev/tty; echo "read $line"'
    agent = {"kind": "raw", "command": "sh", "args": ["-c", script]}
    root = pool.repository(agents={"coder": agent})
    with Client(pool, "drive", root) as client:
        client.end()
    assert pool.get_property("MaxAgents") == 7


def test_wait_outlives_the_service(pool):
    """Who waits for a run's end is told of it although the service is killed and restarted."""
    root = pool.repository(agents={"coder": "init; wait go; exit 3"})
    info = pool.start(root, "s")
    with Client(pool, "wait", info["run_id"]) as client:
        client.wait_for("waits")
        pool.kill_daemon()
        pool.start_daemon()
        pool.restart_daemon()
        open(f"{info['worktree_path']}/go", "w").close()
        assert client.end()[-1] == "4"  # STORKIT_RUN_STATUS_FAILED


def test_without_a_service(pool):
    """A pool of a bus without the service is NO_SERVICE, or empty where it must not start it."""
    assert pool.stop_daemon(signal.SIGTERM) == 0
    with Client(pool, "none", 0) as client:
        lines = client.end()
        assert lines[0].startswith("storkit-error-quark 19 the service of storkit is not"), lines
    with Client(pool, "none", 1) as client:
        assert client.end() == ["available 0, 0 runs"]
    pool.start_daemon()


if __name__ == "__main__":
    main()
