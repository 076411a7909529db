# SPDX-License-Identifier: LGPL-2.1-or-later
"""Admission: no more runs than MaxAgents, and a queue that is first come, first served."""

import os

from gi.repository import GLib

from harness import Pool, long, main, raises, timeout, wait_until
from leftovers import left_behind
from traces import touch


def set_max_agents(pool, number):
    pool.set_property("MaxAgents", GLib.Variant("u", number))


def queue(pool):
    """The stories that wait, by their place."""
    waiting = [info for info in pool.list() if "queue_position" in info]
    waiting.sort(key=lambda info: info["queue_position"])
    assert [info["queue_position"] for info in waiting] == list(range(1, len(waiting) + 1))
    assert all(info["status"] == "pending" for info in waiting)
    return [info["story_id"] for info in waiting]


def live(infos):
    return [info for info in infos if info["status"] == "running"]


def running_events(pool):
    """Story and agent of each run whose `running` has come, in that order."""
    return [
        (event["story_id"], event["agent_name"])
        for event in pool.events
        if event.get("status") == "running"
    ]


def waiting_repository(pool, **agent):
    """A repository whose agents run until a file of their story's name is made in the pool's
    folder."""
    script = f'while ! [ -e "{pool.folder}/$STORKIT_STORY" ]; do sleep 0.02; done'
    return pool.repository(agents={"coder": {"kind": "raw", "command": "sh", "args": ["-c", script]} | agent})


def most_at_once(pool):
    """The most runs that were live at once by the agents' own record of when they began and ended."""
    with open(f"{pool.folder}/life") as file:
        steps = file.read().split()
    alive = most = 0
    for step in steps:
        alive += 1 if step == "begin" else -1
        most = max(most, alive)
    assert alive == 0
    return most


def check_many(pool, count, maximum):
    """Starts @count runs at once with MaxAgents @maximum and sees them through: ten stories, many
    agents on each."""
    set_max_agents(pool, maximum)
    life = f"{pool.folder}/life"
    script = f"echo begin >>{life}; sleep 0.05; echo end >>{life}"
    agent = {"kind": "raw", "command": "sh", "args": ["-c", script], "writable": [pool.folder]}
    root = pool.repository(agents={f"a{number}": agent for number in range(count // 10)})
    keys = [(f"s{number % 10}", f"a{number // 10}") for number in range(count)]
    calls = [pool.begin("Start", "(sss)", root, *key) for key in keys]
    most = 0

    def all_done():
        nonlocal most
        infos = pool.list()
        most = max(most, len(live(infos)), pool.get_property("Running"))
        return len(infos) == count and all(info["status"] == "completed" for info in infos)

    wait_until(all_done, "the end of all runs", 400)
    assert 1 < most <= maximum and 1 < most_at_once(pool) <= maximum
    assert {call.result()["status"] for call in calls} == {"pending", "running"}
    wait_until(lambda: len(running_events(pool)) == count, "the last signal")
    # Those that are let in one after the other may overtake each other on the way to their exec.
    for place, key in enumerate(running_events(pool)):
        assert abs(place - keys.index(key)) < maximum, running_events(pool)
    ends = wait_until(lambda: ends_of(pool, count), "the last end")
    assert len(set(ends)) == len(ends) == count
    assert (pool.get_property("Running"), pool.get_property("Queued")) == (0, 0)
    assert left_behind(pool) == []


def ends_of(pool, count):
    """The runs whose last event has come, where there are @count."""
    ends = [event["run_id"] for event in pool.events if event["type"] in ("done", "error")]
    return ends if len(ends) >= count else None


@timeout(120)
def test_thirty_starts_run_three_at_a_time(pool):
    """Of 30 Starts with MaxAgents 3 never more than 3 run, first come first served, and all get
    done."""
    check_many(pool, 30, 3)


@long
@timeout(600)
def test_three_hundred_starts_run_ten_at_a_time(pool):
    """Of 300 Starts with MaxAgents 10 never more than 10 run, first come first served, and all get
    done."""
    check_many(pool, 300, 10)


def test_start_beyond_the_maximum_is_pending_with_its_place(pool):
    """A Start of one too many answers pending with its place in the queue; the places move up as
    runs end, and the properties count."""
    set_max_agents(pool, 1)
    root = waiting_repository(pool)
    assert pool.start(root, "a")["status"] == "running"
    assert [pool.start(root, story)["queue_position"] for story in "bcd"] == [1, 2, 3]
    assert queue(pool) == ["b", "c", "d"]
    assert (pool.get_property("Running"), pool.get_property("Queued")) == (1, 3)
    raises("AlreadyRunning", pool.start, root, "c")
    touch(f"{pool.folder}/a")
    pool.wait_for(lambda event: event.get("status") == "running" and event["story_id"] == "b")
    wait_until(lambda: queue(pool) == ["c", "d"], "the places to move up")
    assert "queue_position" not in pool.get(root, "b")
    for story in "bcd":
        touch(f"{pool.folder}/{story}")
    for story in "bcd":
        assert pool.wait(root, story)["status"] == "completed"


def test_stop_takes_a_run_out_of_the_queue(pool):
    """Stop of a queued run replies without it ever running: its last event is status stopped, its
    waiters are told, it is off the list, and those behind it move up."""
    set_max_agents(pool, 1)
    root = waiting_repository(pool)
    pool.start(root, "a")
    info = pool.start(root, "b")
    pool.start(root, "c")
    waiter = pool.begin("Wait", "(sss)", root, "b", "coder")
    pool.stop(root, "b")
    assert waiter.result()["error"] == "stopped"
    assert queue(pool) == ["c"]
    raises("NoSuchRun", pool.get, root, "b", "coder")
    pool.wait_for(lambda event: event["story_id"] == "b" and event.get("status") == "stopped")
    statuses = [event.get("status") for event in pool.events if event["story_id"] == "b"]
    assert statuses == ["pending", "stopped"]
    last = [event["type"] for event in pool.subscribe_run(info["run_id"])]
    assert last == ["status", "status"]
    assert not os.path.exists(f"{root}/.storkit/worktrees/b")
    touch(f"{pool.folder}/a")
    pool.wait_for(lambda event: event.get("status") == "running" and event["story_id"] == "c")
    pool.stop(root, "c")


def test_stale_stdin_goes(pool):
    """A file `stdin` that an earlier try left in a queued run's folder goes where the agent gets
    none."""
    set_max_agents(pool, 1)
    root = waiting_repository(pool)
    pool.start(root, "a")
    run = pool.start(root, "b")["run_id"]
    touch(f"{pool.run_folder(run)}/stdin")
    touch(f"{pool.folder}/a")
    touch(f"{pool.folder}/b")
    assert pool.wait(root, "b")["status"] == "completed"
    assert not os.path.exists(f"{pool.run_folder(run)}/stdin")


def test_stdin_of_a_queued_run_is_made_anew(pool):
    """A FIFO or a link in the place of a queued run's `stdin` holds nobody up, and is not followed:
    the agent gets its prompt."""
    set_max_agents(pool, 1)
    outside = f"{pool.folder}/outside"
    touch(outside)
    pool.start(waiting_repository(pool), "a")
    root = pool.repository(name="other", agents={"coder": "argv; read"})
    prompt = "x" * (100 * 1024) + " the end"
    runs = [pool.start(root, story, prompt=prompt)["run_id"] for story in "bc"]
    os.mkfifo(f"{pool.run_folder(runs[0])}/stdin")
    os.symlink(outside, f"{pool.run_folder(runs[1])}/stdin")
    touch(f"{pool.folder}/a")
    for story in "bc":
        pool.wait(root, story)
        objects = [e["data"] for e in pool.subscribe(root, story) if e["type"] == "agent_json"]
        assert prompt in [o["message"]["content"] for o in objects if o["type"] == "user"]
    assert os.path.getsize(outside) == 0


def test_more_are_let_in_when_the_maximum_is_raised(pool):
    """MaxAgents raised lets as many more in at once; lowered, it ends nobody."""
    set_max_agents(pool, 1)
    root = waiting_repository(pool)
    for story in "abcd":
        pool.start(root, story)
    set_max_agents(pool, 3)
    wait_until(lambda: len(live(pool.list())) == 3, "three that run")
    assert queue(pool) == ["d"]
    set_max_agents(pool, 1)
    assert len(live(pool.list())) == 3
    touch(f"{pool.folder}/a")
    pool.wait(root, "a")
    assert queue(pool) == ["d"]
    for story in "bc":
        touch(f"{pool.folder}/{story}")
    pool.wait_for(lambda event: event.get("status") == "running" and event["story_id"] == "d")
    touch(f"{pool.folder}/d")
    assert pool.wait(root, "d")["status"] == "completed"


def test_maximum_lasts(pool):
    """MaxAgents is kept over a restart; 0 is refused."""
    set_max_agents(pool, 7)
    raises("InvalidArgument", set_max_agents, pool, 0)
    pool.restart_daemon()
    assert pool.get_property("MaxAgents") == 7


def test_queued_run_whose_agent_cannot_start_fails_with_an_event(pool):
    """What fails after the reply `pending` is an error event of a run that stays as failed, and the
    next one gets its turn."""
    set_max_agents(pool, 1)
    root = waiting_repository(pool)
    agents = {"coder": {"kind": "raw", "command": "sh", "args": ["-c", f"while ! [ -e {pool.folder}/$STORKIT_STORY ]; do sleep 0.02; done"]},
              "broken": {"kind": "raw", "command": "/nonexistent"}}  # fmt: skip
    pool.write_config(root, pool.roster(agents))
    pool.start(root, "a")
    broken = pool.start(root, "b", "broken")
    assert broken["status"] == "pending"
    pool.start(root, "c")
    touch(f"{pool.folder}/a")
    error = pool.wait_for("error")
    assert error["run_id"] == broken["run_id"] and "/nonexistent" in error["message"]
    assert pool.get(root, "b", "broken")["status"] == "failed"
    touch(f"{pool.folder}/c")
    assert pool.wait(root, "c")["status"] == "completed"


def test_queued_run_that_cannot_be_planned_shows_no_worktree(pool):
    """Nothing was made of what it was to have."""
    set_max_agents(pool, 1)
    root = waiting_repository(pool)
    broken = {"scenario": "init; result", "mcp": True, "bus": False}
    pool.write_config(root, pool.roster({"coder": f"init; wait {pool.folder}/go; result",
                                         "broken": broken}))  # fmt: skip
    pool.start(root, "a")
    assert pool.start(root, "b", "broken")["status"] == "pending"
    touch(f"{pool.folder}/go")
    assert "has mcp" in pool.wait_for("error")["message"]
    failed = pool.get(root, "b", "broken")
    assert failed["status"] == "failed" and "worktree_path" not in failed, failed


# The gate


def write_pressure(pool, percent):
    """What the daemon is to take for /proc/pressure/memory."""
    path = f"{pool.folder}/pressure"
    with open(f"{path}.new", "w") as file:
        file.write(f"some avg10={percent} avg60=0.00 avg300=0.00 total=1\n")
        file.write("full avg10=0.00 avg60=0.00 avg300=0.00 total=1\n")
    os.rename(f"{path}.new", path)


def start_gated_daemon(pool):
    """A daemon that looks at the pressure."""
    pool.environment["STORKIT_PRESSURE_FILE"] = f"{pool.folder}/pressure"
    os.mkdir(f"{pool.folder}/config/storkit")
    with open(f"{pool.folder}/config/storkit/storkitd.conf", "w") as file:
        file.write("[Pool]\nMemoryPressure=20%\n")
    pool.start_daemon()


def test_memory_pressure_holds_starts_back():
    """Under more memory pressure than the user allows a Start is pending; when it falls, the run is
    let in without anybody's doing. One that runs already is left alone."""
    with Pool(daemon=False) as pool:
        write_pressure(pool, 3.5)
        start_gated_daemon(pool)
        root = waiting_repository(pool)
        assert pool.start(root, "a")["status"] == "running"
        write_pressure(pool, 25)
        assert pool.start(root, "b")["status"] == "pending"
        assert queue(pool) == ["b"]
        touch(f"{pool.folder}/a")
        assert pool.wait(root, "a")["status"] == "completed"
        assert queue(pool) == ["b"]
        write_pressure(pool, 19.9)
        pool.wait_for(lambda event: event.get("status") == "running" and event["story_id"] == "b")
        touch(f"{pool.folder}/b")
        assert pool.wait(root, "b")["status"] == "completed"


def test_memory_pressure_is_not_looked_at_by_default():
    """Without MemoryPressure in storkitd.conf, no pressure holds anybody back."""
    with Pool(daemon=False) as pool:
        pool.environment["STORKIT_PRESSURE_FILE"] = f"{pool.folder}/pressure"
        write_pressure(pool, 99)
        pool.start_daemon()
        root = waiting_repository(pool)
        assert pool.start(root, "a")["status"] == "running"
        pool.stop(root, "a")


if __name__ == "__main__":
    main()
