# SPDX-License-Identifier: LGPL-2.1-or-later
"""SIGKILL between each pair of steps of Start: nothing is left of it, or it is a run."""

import math
import os
import random
import signal
import time

from gi.repository import GLib

from follower import all_events, numbered_lines, terminal_events
from harness import NAME, PoolError, long, main, raises, timeout, wait_until
from session import scope_name, unit_word

# In the order in which a Start comes by: the table in src/start/start.c, and what is within a step.
FOLDER = ("folder", "reserved", "queued", "target", "environment", "turn")
PLAN = ("record", "files", "plan", "shim", "scope-asked")
TREE = ("branch", "base", "exclude", "room", "admin", "checkout", "worktree")
LAST = ("claim-draft", "claim", "scope", "before-gate")
AT_ITS_TURN = PLAN + TREE + LAST
BEFORE_GATE = FOLDER + AT_ITS_TURN
UNDO = ("undo", "undo-disk", "undo-tree", "undo-branch", "undo-folder", "undone")

LOST_REPLY = ("org.freedesktop.DBus.Error.NoReply", "org.freedesktop.DBus.Error.ServiceUnknown")


def begin_faulty(pool, fault):
    """Starts a daemon that kills itself at that point. It may do so before it owns its name."""
    pool.environment["STORKIT_FAULT"] = fault
    try:
        pool.start_daemon()
    except AssertionError:
        assert pool.process.returncode == -signal.SIGKILL, pool.process.returncode
    finally:
        del pool.environment["STORKIT_FAULT"]


def wait_for_death(pool, fault):
    wait_until(lambda: not pool.running(), f"the death at {fault}")
    assert pool.process.returncode == -signal.SIGKILL, (fault, pool.process.returncode)


def start_lost(pool, fault, root, story, agent=""):
    """A Start whose daemon dies at that point; a daemon without faults is there again afterwards."""
    pool.stop_daemon()
    begin_faulty(pool, fault)
    starting = pool.begin("Start", "(sss)", root, story, agent)
    wait_for_death(pool, fault)
    try:
        starting.result()
        raise AssertionError(f"{fault}: the Start has replied")
    except PoolError as error:
        assert error.name in LOST_REPLY, (fault, error)
    pool.start_daemon()


def contents(path):
    if os.path.islink(path):
        return os.readlink(path)
    with open(path, "rb") as file:
        return file.read()


def is_kept(path):
    """Of the folder of branches: an earlier run's sandbox kept it, though the branch has gone, and
    a start that is undone takes it along. test_sandbox.py looks after it."""
    return path.endswith(("/refs/heads/story", "/storkit-keep.lock"))


def snapshot(root):
    """All that is in the repository, but for git's objects."""
    found = {}
    for folder, folders, files in os.walk(root):
        if folder == f"{root}/.git":
            folders.remove("objects")
        found |= {os.path.relpath(f"{folder}/{name}", root): "" for name in folders}
        for name in files:
            found[os.path.relpath(f"{folder}/{name}", root)] = contents(f"{folder}/{name}")
    return {path: text for path, text in found.items() if not is_kept(path)}


# Other tests share the user manager: units are told apart by the story, so each process has its own.
STORY = f"s{os.getpid()}x"


def units_of(pool, story):
    """The scopes of that story's runs that systemd knows."""
    pattern = f"app-storkit-{unit_word(story)}*"
    units = pool.manager._call("ListUnitsByPatterns", "(asas)", [], [pattern])[0]
    return [unit[0] for unit in units]


def own_processes(pool):
    """Processes of this pool other than bus and daemon."""
    return set(pool.processes()) - {pool.process.pid, pool.bus.process.pid}


def difference(before, after):
    return sorted(
        name for name in before.keys() | after.keys() if before.get(name) != after.get(name)
    )


def wait_for_nothing(pool, root, before, story, what):
    """Waits until of a Start of @story nothing is left."""

    def left():
        return (
            pool.list()
            or pool.run_folders()
            or units_of(pool, story)
            or own_processes(pool)
            or difference(before, snapshot(root))
        )

    try:
        wait_until(lambda: not left(), "nothing to be left")
    except AssertionError:
        raise AssertionError(f"{what}: left is {left()}") from None
    assert pool.get_property("Running") == 0 and pool.get_property("Queued") == 0


def check_same_start(pool, root, story, agent=""):
    """The Start that was cut short works now; then all that it made is taken away again."""
    info = pool.start(root, story, agent)
    assert pool.wait(root, story, agent)["status"] == "completed"
    assert numbered_lines(all_events(pool, info["run_id"])) == [1, 2, 3]
    pool.stop(root, story, agent)
    return info


def check_all(pool, root, faults, story_of, agent=""):
    for fault in faults:
        story = story_of(fault)
        before = snapshot(root)
        start_lost(pool, fault, root, story, agent)
        wait_for_nothing(pool, root, before, story, fault)
        check_same_start(pool, root, story, agent)
        pool.remove_worktree(root, story, True)
        for run in pool.run_folders():
            forget(pool, run)


def forget(pool, run):
    """Takes away the folder of an ended run, as a user may."""
    folder = pool.run_folder(run)
    for name in os.listdir(folder):
        os.unlink(f"{folder}/{name}")
    os.rmdir(folder)


QUICK = "init; lines 3; result; exit 0"


@timeout(120)
def test_death_before_the_gate_leaves_nothing(pool):
    """A Start whose daemon dies before the gate leaves no trace, and the same Start works."""
    root = pool.repository(agents={"coder": QUICK})
    check_all(pool, root, BEFORE_GATE, lambda fault: f"s-{fault}")


@timeout(60)
def test_death_before_the_gate_spares_the_storys_worktree(pool):
    """A Start in another agent's worktree that dies takes nothing of it along."""
    go = f"{pool.folder}/go"
    root = pool.repository(agents={"coder": QUICK, "host": f"init; wait {go}; result"})
    host = pool.start(root, STORY, "host")
    with open(f"{host['worktree_path']}/work", "w") as file:
        file.write("unfinished")
    before = snapshot(root)
    for fault in ("record", "files", "plan", "shim", "worktree", "scope", "before-gate"):
        start_lost(pool, fault, root, STORY, "coder")
        wait_until(lambda: pool.run_folders() == [host["run_id"]], f"{fault}: one run folder")
        assert difference(before, snapshot(root)) == [], fault
        wait_until(
            lambda: [info["run_id"] for info in pool.list()] == [host["run_id"]],
            f"{fault}: one run listed",
        )
    check_same_start(pool, root, STORY, "coder")
    open(go, "w").close()
    assert pool.wait(root, STORY, "host")["status"] == "completed"


@timeout(60)
def test_death_before_the_gate_spares_what_somebody_did_since(pool):
    """Work that somebody put into the tree of a Start that died is not undone with it, and the
    next Start goes on with it."""
    root = pool.repository(agents={"coder": QUICK})
    pool.stop_daemon()
    begin_faulty(pool, "worktree")
    starting = pool.begin("Start", "(sss)", root, STORY, "")
    wait_for_death(pool, "worktree")
    raises(LOST_REPLY[0], starting.result)
    tree = f"{root}/.storkit/worktrees/{STORY}"
    with open(f"{tree}/notes", "w") as file:
        file.write("hours of work")
    pool.start_daemon()
    wait_until(lambda: not pool.list() and not pool.run_folders(), "the undoing")
    assert contents(f"{tree}/notes") == b"hours of work"
    assert f"the worktree {tree} has been worked in" in pool.log_text()
    assert check_same_start(pool, root, STORY)["worktree_path"] == tree
    assert contents(f"{tree}/notes") == b"hours of work"


@timeout(120)
def test_death_during_the_undoing(pool):
    """An undoing that is itself cut short, again and again, is finished in the end."""
    root = pool.repository(agents={"coder": QUICK})
    before = snapshot(root)
    for number, fault in enumerate(UNDO + ("undo-claim",)):
        story = f"{STORY}{number}"
        pool.stop_daemon()
        begin_faulty(pool, "before-gate")
        starting = pool.begin("Start", "(sss)", root, story, "")
        wait_for_death(pool, "before-gate")
        raises(LOST_REPLY[0], starting.result)
        for _ in range(2):
            begin_faulty(pool, fault)
            # What the first one has undone is not undone again by the second.
            wait_until(lambda: not pool.running() or not pool.run_folders(), f"{fault}")
            pool.kill_daemon()
        pool.start_daemon()
        wait_for_nothing(pool, root, before, story, fault)
    check_same_start(pool, root, f"{STORY}0")


@timeout(60)
def test_death_in_the_middle_of_gits_config(pool):
    """A service that is killed while it writes git's config leaves its lock, which would refuse
    every later change to everyone: the next service takes it away."""
    root = pool.repository(agents={"coder": QUICK})
    before = snapshot(root)
    pool.stop_daemon()
    begin_faulty(pool, "branch")
    starting = pool.begin("Start", "(sss)", root, STORY, "")
    wait_for_death(pool, "branch")
    raises(LOST_REPLY[0], starting.result)
    # There is no place in libgit2 to die at: this is what it leaves.
    open(f"{root}/.git/config.lock", "w").close()
    pool.start_daemon()
    wait_for_nothing(pool, root, before, STORY, "config.lock")
    check_same_start(pool, root, STORY)


@timeout(60)
def test_death_while_a_failed_start_is_undone(pool):
    """A Start that fails, and whose daemon dies in undoing it, leaves nothing either."""
    config = 'copy = ["unreadable"]\n' + pool.roster({"coder": QUICK})
    root = pool.repository(config=config)
    os.mkdir(f"{root}/unreadable", 0)
    before = snapshot(root)
    for number, fault in enumerate(UNDO):
        start_lost(pool, fault, root, f"{STORY}{number}")
        wait_for_nothing(pool, root, before, f"{STORY}{number}", fault)
        raises("WorktreeFailed", pool.start, root, f"{STORY}{number}")
        wait_for_nothing(pool, root, before, f"{STORY}{number}", fault)


def test_death_behind_the_gate_is_a_run(pool):
    """A Start whose daemon dies behind the gate is a run: there once, ending as it should."""
    go = f"{pool.folder}/go"
    root = pool.repository(agents={"coder": f"init; wait {go}; lines 3; result; exit 0"})
    start_lost(pool, "gate", root, STORY)
    (info,) = pool.list()
    raises("AlreadyRunning", pool.start, root, STORY)
    wait_until(lambda: pool.get(root, STORY)["status"] == "running", "a running agent")
    assert pool.run_folders() == [info["run_id"]] and len(units_of(pool, STORY)) == 1
    open(go, "w").close()
    assert pool.wait(root, STORY)["status"] == "completed"
    events = all_events(pool, info["run_id"])
    assert numbered_lines(events) == [1, 2, 3] and len(terminal_events(events)) == 1


def test_death_at_the_end_of_a_run(pool):
    """A daemon that dies when it has decided how a run ended: the last event still goes out."""
    root = pool.repository(agents={"coder": "init; lines 3; result; exit 0"})
    pool.stop_daemon()
    begin_faulty(pool, "result")
    pool.begin("Start", "(sss)", root, STORY, "")
    wait_for_death(pool, "result")
    pool.start_daemon()
    info = pool.get(root, STORY)
    assert info["status"] == "completed" and info["session_id"]
    pool.wait_for("done")
    assert len(terminal_events(all_events(pool, info["run_id"]))) == 1


def test_death_at_the_end_of_a_stop(pool):
    """A daemon that dies when a stopped run has ended: the run is off the list all the same."""
    root = pool.repository(agents={"coder": "init; idle"})
    pool.stop_daemon()
    begin_faulty(pool, "result")
    info = pool.start(root, STORY)
    stopping = pool.begin("Stop", "(sss)", root, STORY, "")
    wait_for_death(pool, "result")
    raises(LOST_REPLY[0], stopping.result)
    pool.start_daemon()
    assert pool.list() == []
    pool.wait_for(lambda e: e.get("status") == "stopped")
    assert len(terminal_events(all_events(pool, info["run_id"]))) == 1


@timeout(120)
def test_death_at_its_turn_keeps_a_queued_run(pool):
    """A run of the queue whose turn is cut short waits for the next one, and runs once."""
    pool.set_property("MaxAgents", GLib.Variant("u", 1))
    for number, fault in enumerate(("reserved", "queued") + AT_ITS_TURN + ("gate",)):
        go = f"{pool.folder}/go{number}"
        root = pool.repository(
            f"project{number}", agents={"first": f"init; wait {go}; result", "coder": QUICK}
        )
        pool.start(root, "a", "first")
        pool.stop_daemon()
        begin_faulty(pool, fault)
        starting = pool.begin("Start", "(sss)", root, "b", "coder")
        if fault == "reserved":
            wait_for_death(pool, fault)
        else:
            assert starting.result()["status"] == "pending", fault
        open(go, "w").close()
        wait_for_death(pool, fault)
        pool.start_daemon()
        info = pool.wait(root, "b", "coder")
        assert info["status"] == "completed", (fault, info)
        events = all_events(pool, info["run_id"])
        assert numbered_lines(events) == [1, 2, 3], fault
        assert [e["status"] for e in events if e["type"] == "status"] == ["pending", "running"]
        units = [scope_name(run) for run in pool.run_folders() if run.startswith("b.")]
        assert not any(map(pool.scope_exists, units)), fault


def test_stop_at_its_turn_keeps_a_queued_run(pool):
    """A run of the queue whose checkout a restart of the service cuts short waits again."""
    go = f"{pool.folder}/go"
    root = pool.repository(agents={"first": f"init; wait {go}; result", "coder": QUICK})
    pool.set_property("MaxAgents", GLib.Variant("u", 1))
    pool.start(root, "a", "first")
    info = pool.start(root, "b", "coder")
    assert info["status"] == "pending"
    open(go, "w").close()
    folder = pool.run_folder(info["run_id"])
    wait_until(lambda: os.path.exists(f"{folder}/control"), "its turn")
    pool.restart_daemon()
    assert pool.wait(root, "b", "coder")["status"] == "completed"
    assert numbered_lines(all_events(pool, info["run_id"])) == [1, 2, 3]


def time_of_a_start(pool, root):
    """How long one takes here and now, in seconds."""
    began = time.monotonic()
    pool.start(root, STORY)
    took = time.monotonic() - began
    pool.wait(root, STORY)
    pool.stop(root, STORY)
    pool.remove_worktree(root, STORY, True)
    for run in pool.run_folders():
        forget(pool, run)
    return took


def kill_after(pool, root, story, seconds):
    """One Start under a daemon that is killed some time later; whether it replied before."""
    starting = pool.begin("Start", "(sss)", root, story, "")
    end = time.monotonic() + seconds
    wait_until(lambda: starting.done() or time.monotonic() > end, "the moment of the kill")
    replied = starting.done()
    pool.kill_daemon()
    try:
        starting.result()
    except PoolError as error:
        assert error.name in LOST_REPLY, error
        assert not replied
    pool.start_daemon()
    wait_until(lambda: not any(i["status"] == "pending" for i in pool.list()), "a decision")
    return replied


def check_random_kills(pool, count):
    generator = random.Random(4711)
    root = pool.repository(agents={"coder": QUICK})
    whole = min(time_of_a_start(pool, root) for _ in range(3))
    # From at once to after the reply: both ends are always there.
    moments = [0] + [generator.uniform(0, whole) for _ in range(count - 2)] + [math.inf]
    became_runs = 0
    for number, moment in enumerate(moments):
        story = f"{STORY}{number}"
        before = snapshot(root)
        replied = kill_after(pool, root, story, moment)
        if pool.list():
            became_runs += 1
            info = pool.wait(root, story)
            assert info["status"] == "completed", info
            assert numbered_lines(all_events(pool, info["run_id"])) == [1, 2, 3]
            pool.stop(root, story)
        else:
            assert not replied
            wait_for_nothing(pool, root, before, story, story)
            check_same_start(pool, root, story)
        pool.remove_worktree(root, story, True)
        for run in pool.run_folders():
            forget(pool, run)
    print(f"{became_runs} of {count} became runs")
    assert 0 < became_runs < count


@timeout(60)
def test_death_at_random_moments_of_start(pool):
    """Whenever the daemon dies in a Start: it is a whole run afterwards, or nothing at all."""
    check_random_kills(pool, 12)


@long
@timeout(300)
def test_death_at_many_random_moments_of_start(pool):
    """The same a hundred times."""
    check_random_kills(pool, 100)


if __name__ == "__main__":
    main()
