# SPDX-License-Identifier: LGPL-2.1-or-later
"""SIGKILL of the daemon, again and again, while agents print: nothing is lost, nothing repeated."""

import random
import time

from follower import Follower, numbered_lines, terminal_events
from harness import connect, long, main, serial, timeout, wait_until

STATUSES = {"zero": 0, "one": 1, "two": 2, "three": 3, "seven": 7, "last": 255}


def gate(pool, kill):
    return f"{pool.folder}/go{kill}"


def scenario(pool, lines, kills, end):
    """Prints numbered lines in a burst for each kill, and none before the kill's turn."""
    part = lines // kills
    assert part * kills == lines, (lines, kills)
    bursts = (f"lines {part}; wait {gate(pool, kill)}; " for kill in range(kills))
    return "init; " + "".join(bursts) + end


def agents(pool, count, lines, kills):
    ends = list(STATUSES.values()) + [None] * count
    return {
        f"agent{number}": scenario(
            pool,
            lines,
            kills,
            f"exit {ends[number]}" if ends[number] is not None else "kill KILL",
        )
        for number in range(count)
    }


def expected_numbers(lines, kills):
    return list(range(1, lines // kills + 1)) * kills


class Reader:
    """Follows one run and keeps only what the test asks for: 800,000 events are a lot."""

    def __init__(self, pool, run_id):
        self.numbers = []
        self.others = []
        self.cursors = []
        self.follower = Follower(pool, run_id, self._take)

    def _take(self, event):
        self.cursors.append(event["cursor"])
        if event["type"] == "output" and event["text"].startswith("line "):
            self.numbers.append(int(event["text"][5:]))
        else:
            self.others.append(event)


def kill_while_they_print(pool, readers, kills, pause):
    """Kills the daemon at random moments, each at most @pause seconds after its start."""
    generator = random.Random(42)
    for kill in range(kills):
        open(gate(pool, kill), "w").close()
        moment = time.monotonic() + generator.uniform(0, pause)

        def reading():
            for reader in readers:
                reader.follower.step()
            return time.monotonic() > moment

        wait_until(reading, "the moment of the kill", 30)
        pool.kill_daemon()
        if kill % 4 == 3:  # also two in a row, before it has found everything
            pool.start_daemon()
            pool.kill_daemon()
        pool.start_daemon()


def check_transcript(pool, run_id, expected):
    with open(f"{pool.run_folder(run_id)}/transcript", "rb") as file:
        lines = file.read().split(b"\r\n")
    numbers = [int(line[5:]) for line in lines if line.startswith(b"line ")]
    assert numbers == expected, f"{run_id}: the transcript is not complete"


def check_status(info, end):
    if end is None:
        assert info["status"] == "failed" and info["exit_signal"] == 9, info
    else:
        # Status 0 without a result is a failure too.
        assert info["status"] == "failed" and info["exit_code"] == end, info


def check_kills(pool, count, lines, kills, pause):
    root = pool.repository(agents=agents(pool, count, lines, kills))
    infos = {name: pool.start(root, f"s{name}", name) for name in agents(pool, count, lines, kills)}
    # The signals are not what is looked at here, and taking a million of them is slow.
    pool.bus.connection = connect(pool.bus.address)
    readers = {name: Reader(pool, info["run_id"]) for name, info in infos.items()}
    kill_while_they_print(pool, readers.values(), kills, pause)
    expected = expected_numbers(lines, kills)
    ends = list(STATUSES.values()) + [None] * count
    for number, (name, reader) in enumerate(readers.items()):
        wait_until(reader.follower.step, f"the end of {name}", 240)
        assert reader.numbers == expected, f"{name}: {len(reader.numbers)} lines"
        assert len(terminal_events(reader.others)) == 1
        check_transcript(pool, infos[name]["run_id"], expected)
        check_status(pool.wait(root, f"s{name}", name), ends[number])
    reconnects = sum(reader.follower.reconnects for reader in readers.values())
    print(f"{kills} kills, {reconnects} subscriptions, {count * lines} lines")
    # Of two kills in a row, or one that comes at once, a reader notices nothing now and then.
    assert reconnects > count * kills * 0.75, "kills met no reader"
    return {infos[name]["run_id"]: reader for name, reader in readers.items()}


@serial
@timeout(120)
def test_kills_while_agents_print(pool):
    """Ten kills while agents print: a reader with its cursor has every line once, in order; the
    transcripts are complete and the exit statuses right."""
    check_kills(pool, count=4, lines=8000, kills=10, pause=0.5)


@long
@serial
@timeout(900)
def test_two_hundred_kills_while_agents_print(pool):
    """The same with 200 kills, 8 agents and 100,000 lines each."""
    check_kills(pool, count=8, lines=100000, kills=200, pause=0.4)


def journal_cursors(pool, run_id):
    return [int(e["STORKIT_CURSOR"]) for e in pool.journal(run_id) if "STORKIT_CURSOR" in e]


def check_journal(pool, lines, kills):
    readers = check_kills(pool, count=2, lines=lines, kills=kills, pause=0.3)
    for run_id, reader in readers.items():
        wait_until(lambda: reader.cursors[-1] in journal_cursors(pool, run_id), "the journal", 120)
        entries = journal_cursors(pool, run_id)
        assert sorted(set(entries)) == reader.cursors, f"{run_id}: the journal is not complete"
        repeats = len(entries) - len(set(entries))
        print(f"{run_id}: {len(entries)} entries, {repeats} repeated")
        assert repeats <= 2 * kills


@timeout(90)
def test_journal_has_everything_after_kills(pool):
    """The journal has every event of runs whose daemon was killed, repeats only as themselves."""
    check_journal(pool, lines=600, kills=4)


@long
@serial
@timeout(400)
def test_journal_has_everything_after_many_kills(pool):
    """The same for runs of 5,000 lines and fifty kills."""
    check_journal(pool, lines=5000, kills=50)


if __name__ == "__main__":
    main()
