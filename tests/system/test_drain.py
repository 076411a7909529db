# SPDX-License-Identifier: LGPL-2.1-or-later
"""Drain: what polling clients get, at least once, whatever happens to the daemon."""

import json
import os
import signal

from follower import all_events, is_last, numbered_lines
from harness import NAME, Pool, connect, long, main, raises, timeout, wait_until

LIMIT = 8 << 20


def drain_to_end(pool, root, story, agent=""):
    """Drains until the terminal event has come; a list of the batches."""
    batches = []

    def step():
        batch = pool.drain(root, story, agent)
        if batch:
            batches.append(batch)
        return batch and is_last(batch[-1])

    wait_until(step, "the last event")
    return batches


def joined(batches):
    return [event for batch in batches for event in batch]


def test_drain_has_every_event_once(pool):
    """Drains together have each event once, in order, as Subscribe has them; then nothing,
    from a service that was stopped in between, too."""
    root = pool.repository(agents={"coder": "init; text hi; lines 500; result; exit 0"})
    info = pool.start(root, "s")
    batches = drain_to_end(pool, root, "s")
    assert joined(batches) == all_events(pool, info["run_id"])
    pool.restart_daemon()
    assert pool.drain(root, "s") == [] == pool.drain(root, "s")


def test_position_is_shared(pool):
    """Two clients that drain the same run share one position."""
    go = f"{pool.folder}/go"
    root = pool.repository(agents={"coder": f"lines 5; wait {go}; lines 5; exit 0"})
    pool.start(root, "s")
    first = []
    wait_until(lambda: first.extend(pool.drain(root, "s")) or len(numbered_lines(first)) == 5, "5")
    open(go, "w").close()
    pool.wait(root, "s")
    own = pool.bus.connection
    pool.bus.connection = connect(pool.bus.address)
    second = joined(drain_to_end(pool, root, "s"))
    pool.bus.connection = own
    assert numbered_lines(second) == [1, 2, 3, 4, 5]
    assert not {e["cursor"] for e in first} & {e["cursor"] for e in second}
    assert pool.drain(root, "s") == []


def test_long_drain_lets_other_calls_pass(pool):
    """A Drain of megabytes is read in turns: a call that comes behind it is answered before. Drains
    that come together are answered one after another."""
    root = pool.repository(agents={"coder": "flood 9M 1K; exit 0"})
    info = pool.start(root, "s", "coder")
    pool.wait(root, "s", timeout=60)
    os.kill(pool.process.pid, signal.SIGSTOP)  # all of them wait for it when it goes on
    drains = [pool.begin("Drain", "(sss)", root, "s", "coder") for _ in range(3)]
    get = pool.begin("Get", "(sss)", root, "s", "coder")
    pool.bus.owner_pid(NAME)
    os.kill(pool.process.pid, signal.SIGCONT)
    batches = [list(map(json.loads, drain.result())) for drain in drains]
    assert get.result()["status"] == "completed"
    assert get.nth < drains[0].nth < drains[1].nth < drains[2].nth
    assert joined(batches) == all_events(pool, info["run_id"]) and batches[2] == []


def test_drain_ends_with_its_run(pool):
    """A Drain whose run is taken off the list meanwhile says so."""
    root = pool.repository(agents={"coder": "flood 9M 1K; exit 0"})
    pool.start(root, "s", "coder")
    pool.wait(root, "s", timeout=60)
    drain = pool.begin("Drain", "(sss)", root, "s", "coder")
    stop = pool.begin("Stop", "(sss)", root, "s", "coder")
    assert "SubscribeRun" in raises("NoSuchRun", drain.result).message
    stop.result()


def check_bound(pool, megabytes):
    root = pool.repository(
        agents={"coder": f"flood {megabytes}M 300K; bytes x; flood 20K 1; flood 3M 3M; exit 0"}
    )
    info = pool.start(root, "s")
    pool.wait(root, "s", timeout=120)
    expected = [event["cursor"] for event in all_events(pool, info["run_id"])]
    cursors, batches = [], 0
    while True:
        texts = pool.call("Drain", "(sss)", root, "s", "")[0]
        if not texts:
            break
        size = sum(len(text.encode()) for text in texts)
        assert size <= LIMIT, f"{size} bytes of {len(texts)} events"
        cursors += [json.loads(text)["cursor"] for text in texts]
        batches += 1
    assert cursors == expected and batches > megabytes / 8


@timeout(90)
def test_drain_is_bounded(pool):
    """One Drain returns at most 8 MiB, cut between two events."""
    check_bound(pool, 20)


def check_restarts(pool, how, may_repeat):
    """Drains across restarts: every event, and only a batch in flight at a kill twice."""
    go = f"{pool.folder}/go"
    root = pool.repository(
        agents={"coder": f"init; repeat 10 lines 50; wait {go}; lines 7 last; result; exit 0"}
    )
    info = pool.start(root, "s")
    batches = []

    def step():
        batch = pool.drain(root, "s")
        if batch:
            batches.append(batch)
        return len(numbered_lines(joined(batches))) >= 500

    wait_until(step, "500 lines")
    for _ in range(3):
        how(pool)
        pool.start_daemon()
        again = pool.drain(root, "s")
        assert again == [] or (may_repeat and again == batches[-1]), again
        assert pool.drain(root, "s") == []
    how(pool)
    open(go, "w").close()
    wait_until(lambda: not pool.scope_exists(info["unit"]), "the end of the run")
    pool.start_daemon()
    assert pool.wait(root, "s")["status"] == "completed"
    batches += drain_to_end(pool, root, "s")
    seen = {}
    for event in joined(batches):
        assert seen.setdefault(event["cursor"], event) == event
    assert list(seen.values()) == all_events(pool, info["run_id"])


def test_drain_goes_on_after_a_kill(pool):
    """A daemon that was killed goes on with the Drain that was not yet given, or gives it again."""
    check_restarts(pool, Pool.kill_daemon, may_repeat=True)


def test_drain_goes_on_after_a_stop(pool):
    """So does one that was stopped, and gives nothing again."""
    check_restarts(pool, Pool.stop_daemon, may_repeat=False)


def test_drain_under_kills_loses_nothing(pool):
    """A client that drains all along while the daemon is killed again and again has every event."""
    check_drain_under_kills(pool, 3000, 8)


@long
@timeout(180)
def test_drain_under_many_kills_loses_nothing(pool):
    """The same with a hundred kills."""
    check_drain_under_kills(pool, 30000, 100)


def check_drain_under_kills(pool, lines, kills):
    pace = "; ".join(["lines 100; sleep 1"] * (lines // 100))
    go = f"{pool.folder}/go"
    root = pool.repository(agents={"coder": f"init; {pace}; wait {go}; result; exit 0"})
    info = pool.start(root, "s")
    seen, repeats = {}, 0
    for kill in range(kills + 1):
        for _ in range(3):
            for event in pool.drain(root, "s"):
                repeats += event["cursor"] in seen
                assert seen.setdefault(event["cursor"], event) == event
        if kill < kills:
            pool.kill_daemon()
            pool.start_daemon()
    open(go, "w").close()
    for event in joined(drain_to_end(pool, root, "s")):
        assert seen.setdefault(event["cursor"], event) == event
    assert list(seen.values()) == all_events(pool, info["run_id"])
    print(f"{len(seen)} events, {repeats} repeats")


def open_files(pool):
    """The paths that the service has open."""
    paths = []
    for fd in os.listdir(f"/proc/{pool.process.pid}/fd"):
        try:
            paths.append(os.readlink(f"/proc/{pool.process.pid}/fd/{fd}"))
        except FileNotFoundError:
            pass  # closed meanwhile
    return paths


def open_transcripts(pool):
    return [path for path in open_files(pool) if "/transcript" in path]


def mapped_files(pool):
    with open(f"/proc/{pool.process.pid}/maps") as file:
        return file.read()


def test_ended_runs_have_nothing_open(pool):
    """Of a run that has ended and is listed the service has no file open and none mapped, its sinks
    done; also after a restart. It is drained and read as before."""
    root = pool.repository(agents={"coder": "init; result"})
    info = pool.start(root, "s")
    pool.wait(root, "s")

    def is_let_go():
        return not any(info["run_id"] in text for text in [*open_files(pool), mapped_files(pool)])

    wait_until(is_let_go, "the service to let go of the run's files")
    pool.restart_daemon()
    assert [entry["run_id"] for entry in pool.list()] == [info["run_id"]]
    wait_until(is_let_go, "the next service to let go of them")
    events = drain_to_end(pool, root, "s")
    assert events and pool.drain(root, "s") == []
    assert all_events(pool, info["run_id"])
    pool.stop(root, "s")
    assert pool.list() == []
    pool.restart_daemon()
    assert pool.list() == []


def test_drained_runs_leave_nothing_open(pool):
    """What a client has drained of a run, and no further, is let go with the run's place in List:
    of runs that come and go nothing stays in the service."""
    root = pool.repository(agents={"coder": "flood 9M 100K; exit 0"})
    for story in ("s", "s", "t"):
        pool.start(root, story)
        pool.wait(root, story)
        assert pool.drain(root, story)
    pool.drain(root, "s")
    pool.stop(root, "s")
    pool.stop(root, "t")
    wait_until(lambda: not open_transcripts(pool), "the service to let go of transcripts")


def test_drain_of_what_is_not_there(pool):
    """A Drain of a run that is not listed is NoSuchRun."""
    root = pool.repository()
    raises("NoSuchRun", pool.drain, root, "s")


if __name__ == "__main__":
    main()
