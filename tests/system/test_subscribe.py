# SPDX-License-Identifier: LGPL-2.1-or-later
"""Subscribe: every event once and in order, from any cursor, each reader at its own pace."""

import json
import os

from gi.repository import GLib

from follower import all_events, is_last, numbered_lines
from harness import Pool, connect, long, main, raises, serial, timeout, wait_until

MB = 1 << 20
ALLOWED = 24 * MB


def memory_of(pid):
    """The bytes of memory that are the process's own, without files that it has mapped."""
    with open(f"/proc/{pid}/smaps_rollup") as file:
        fields = dict(line.split(":", 1) for line in file if "kB" in line)
    return sum(1024 * int(fields[name].split()[0]) for name in ("Pss_Anon", "SwapPss"))


def test_every_cursor_is_a_place_to_go_on(pool):
    """A Subscribe with any event's cursor begins with the next event."""
    root = pool.repository(
        agents={"coder": "init; text one; print \\e[1mtwo; lines 3; text end; result; bytes tail"}
    )
    info = pool.start(root, "s")
    pool.wait(root, "s")
    events = all_events(pool, info["run_id"])
    assert [e["type"] for e in events[:2]] == ["status", "status"] and is_last(events[-1])
    assert events[-2]["text"] == "tail" and len(events) > 12
    for number, event in enumerate(events):
        rest = list(pool.subscribe_run(info["run_id"], event["cursor"]))
        assert rest == events[number + 1 :], event


def test_cursor_that_is_none_is_refused(pool):
    """A cursor between two events, past the end, or of another run is InvalidArgument."""
    root = pool.repository(agents={"coder": "init; print some words; result; exit 0"})
    info = pool.start(root, "s")
    pool.wait(root, "s")
    cursors = {event["cursor"] for event in all_events(pool, info["run_id"])}
    for cursor in [*range(1, max(cursors) + 40), 1 << 52, (1 << 64) - 1]:
        if cursor not in cursors:
            raises("InvalidArgument", pool.subscribe, root, "s", "", cursor)
    raises("NoSuchRun", pool.subscribe_run, "s.coder.0123456789")
    raises("InvalidArgument", pool.subscribe_run, "../../etc/passwd")


def test_many_subscribers_see_the_same_bytes(pool):
    """Subscribers who came at different times have the same lines; one that leaves is missed by
    nobody, and the daemon closes its side."""
    go = f"{pool.folder}/go"
    root = pool.repository(agents={"coder": f"init; wait {go}; lines 2000; result; exit 0"})
    pool.start(root, "s")
    pool.wait_for("agent_json")
    before = len(os.listdir(f"/proc/{pool.process.pid}/fd"))
    streams = [pool.subscribe(root, "s") for _ in range(20)]
    first = [stream.read_line() for stream in streams]
    assert len(set(first)) == 1
    for stream in streams[10:]:
        stream.close()
    open(go, "w").close()
    rest = [b"\n".join(iter(stream.read_line, None)) for stream in streams[:10]]
    assert len(set(rest)) == 1
    events = [json.loads(line) for line in rest[0].split(b"\n")]
    assert numbered_lines(events) == list(range(1, 2001)) and is_last(events[-1])
    late = b"\n".join(iter(pool.subscribe(root, "s").read_line, None))
    assert late == first[0] + b"\n" + rest[0]
    wait_until(
        lambda: len(os.listdir(f"/proc/{pool.process.pid}/fd")) <= before, "the pipes to be closed"
    )


def test_stream_ends_after_the_last_event(pool):
    """The end of file comes right after the terminal event: of a stop, a failure, a success."""
    root = pool.repository(agents={"coder": "init; idle", "three": "exit 3", "ok": "result"})
    for agent, kind in (("coder", "status"), ("three", "error"), ("ok", "done")):
        info = pool.start(root, "s", agent)
        stream = pool.subscribe_run(info["run_id"])
        if agent == "coder":
            pool.stop(root, "s", agent)
        events = list(stream)
        assert is_last(events[-1]) and events[-1]["type"] == kind
        assert not any(map(is_last, events[:-1]))


def test_queued_run_can_be_followed(pool):
    """A subscriber of a queued run sees it from its turn to its end."""
    go = f"{pool.folder}/go"
    root = pool.repository(agents={"coder": f"init; wait {go}; result", "next": "lines 5"})
    pool.set_property("MaxAgents", GLib.Variant("u", 1))
    pool.start(root, "s", "coder")
    pool.start(root, "s", "next")
    stream = pool.subscribe(root, "s", "next")
    assert next(stream)["status"] == "pending"
    open(go, "w").close()
    assert numbered_lines(stream) == [1, 2, 3, 4, 5]


def little_quarantine():
    """The address sanitizer keeps freed memory for a while; not where memory is measured."""
    options = "quarantine_size_mb=1:thread_local_quarantine_size_kb=64:detect_stack_use_after_return=0"
    return {"ASAN_OPTIONS": f"{os.environ.get('ASAN_OPTIONS', '')}:{options}"}


def check_reader_that_waits(pool, size, line):
    """One subscriber reads nothing until the run is over; another reads all along. Returns by how
    much the daemon's memory grew."""
    root = pool.repository(agents={"coder": f"init; flood {size} {line}; result; exit 0"})
    # The signals are not what is looked at here, and taking all of them is slow.
    pool.bus.connection = connect(pool.bus.address)
    info = pool.start(root, "s")
    lazy, eager = pool.subscribe_run(info["run_id"]), pool.subscribe_run(info["run_id"])
    memory, count = [memory_of(pool.process.pid)], 0
    while part := os.read(eager.fd, MB):
        count += part.count(b"\n")
        memory.append(memory_of(pool.process.pid))
    assert pool.wait(root, "s")["status"] == "completed"

    late = 0
    while part := os.read(lazy.fd, MB):
        late += part.count(b"\n")
        memory.append(memory_of(pool.process.pid))
    assert late == count > 1000, f"{late} events for the lazy, {count} for the eager"
    grown = max(memory) - memory[0]
    print(f"{count} events, {grown / MB:.1f} MB more memory at most")
    return grown


@timeout(120)
def test_reader_that_waits():
    """A subscriber that reads nothing of a run until its end costs no memory, delays nobody, and
    then has all of it."""
    with Pool(environment=little_quarantine()) as pool:
        assert check_reader_that_waits(pool, "30M", 400) < ALLOWED


@long
@serial
@timeout(900)
def test_reader_that_waits_for_a_gigabyte():
    """The same for a run of 1 GB."""
    with Pool(environment=little_quarantine()) as pool:
        assert check_reader_that_waits(pool, "1G", "4K") < ALLOWED


def test_subscriber_of_a_stream_without_lines(pool):
    """A reader who comes to an ended run has everything at once, and the end."""
    root = pool.repository(agents={"coder": "exit 0"})
    info = pool.start(root, "s")
    pool.wait(root, "s")
    kinds = [event["type"] for event in pool.subscribe_run(info["run_id"])]
    assert kinds == ["status", "status", "done"]


if __name__ == "__main__":
    main()
