# SPDX-License-Identifier: LGPL-2.1-or-later
"""SIGKILL between each pair of steps of a run's end, with every sink on it: each has every event,
once but for what was in flight."""

from follower import Follower, numbered_lines, terminal_events
from harness import PoolError, main, timeout, wait_until
from session import journal
from test_faults import begin_faulty, wait_for_death

# In the order in which an end comes by, then what each sink does with the last event.
STEPS = ("shim-gone", "unit-gone", "over", "result", "ended")
SINKS = ("last-signal", "last-signal-kept", "last-entry", "last-entry-kept")
READERS = ("last-line", "last-drain", "last-drain-answered")


class Drainer:
    """A client that polls. What it got twice was in the batch in flight at the kill."""

    def __init__(self, pool, root, story):
        self.pool, self.where = pool, (root, story, "coder")
        self.events, self.answers = [], 0

    def step(self):
        """Whether there was nothing more."""
        try:
            events = self.pool.drain(self.where[0], self.where[1], self.where[2])
        except PoolError:
            return False  # killed meanwhile, or not there again
        self.events += events
        return not events


def cursors(events):
    return [event["cursor"] for event in events]


def check_once(what, fault, got, expected, twice=0):
    """Each of the @expected cursors, and no other; at most @twice of them once more."""
    assert sorted(set(got)) == expected, (fault, what, got, expected)
    assert len(got) - len(set(got)) <= twice, (fault, what, got)


def check_sinks(pool, fault, run, events, drainer):
    """@events: what the subscriber has got, which is the measure."""
    expected = cursors(events)
    assert numbered_lines(events) == [1, 2, 3], (fault, events)
    assert len(terminal_events(events)) == 1, (fault, events)

    def signals():
        return [event["cursor"] for event in pool.events if event["run_id"] == run]

    def entries():
        return [int(entry["STORKIT_CURSOR"]) for entry in journal(run)]

    wait_until(lambda: expected[-1] in signals(), f"the last signal after {fault}")
    wait_until(lambda: expected[-1] in entries(), f"the last entry after {fault}")
    check_once("signals", fault, signals(), expected, twice=1)
    check_once("journal", fault, entries(), expected, twice=1)
    if drainer:
        check_once("drain", fault, cursors(drainer.events), expected, twice=len(expected))


def lose(pool, root, fault, scenario, end):
    """A run whose daemon dies at that point of its end, which @end brings about."""
    story = f"s-{fault}"
    pool.stop_daemon()
    begin_faulty(pool, fault)
    run = pool.start(root, story, env={"STAND_IN": scenario})["run_id"]
    follower, drainer = Follower(pool, run), Drainer(pool, root, story)
    end(story)

    def died():
        if pool.running():
            follower.step()
            drainer.step()
        return not pool.running()

    wait_until(died, f"the death at {fault}")
    wait_for_death(pool, fault)
    pool.start_daemon()
    return story, run, follower, drainer


@timeout(180)
def test_death_at_each_step_of_an_end(pool):
    """A daemon that dies at any point of a run's end: signals, journal, a subscriber and a poller
    have all events, and the last one."""
    root = pool.repository(agents={"coder": {}})
    for fault in STEPS + SINKS + READERS:
        story, run, follower, drainer = lose(
            pool, root, fault, "init; lines 3; result; exit 0", lambda story: None
        )
        events = follower.finish()
        assert pool.wait(root, story, "coder")["status"] == "completed", fault
        wait_until(drainer.step, f"all drained after {fault}")
        check_sinks(pool, fault, run, events, drainer)


@timeout(180)
def test_death_at_each_step_of_a_stop(pool):
    """The same of a Stop, whose run is off the list then, and has `stopped` for its last event."""
    root = pool.repository(agents={"coder": {}})
    for fault in STEPS + SINKS + ("last-line",):
        story, run, follower, _ = lose(
            pool, root, fault, "init; lines 3; idle",
            lambda story: pool.wait_for(lambda e: e.get("text") == "line 00000003"
                                        and e["story_id"] == story)
            and pool.begin("Stop", "(sss)", root, story, "coder"),
        )  # fmt: skip
        events = follower.finish()
        assert events[-1].get("status") == "stopped", (fault, events)
        assert pool.list() == [], fault
        check_sinks(pool, fault, run, events, None)


if __name__ == "__main__":
    main()
