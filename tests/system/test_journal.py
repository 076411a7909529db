# SPDX-License-Identifier: LGPL-2.1-or-later
"""The journal: what every event looks like there."""

import json
import os
import re
import struct
import subprocess

from follower import numbered_lines
from harness import main, wait_until

DATA_MAX = 64 * 1024
# Clients filter by these: they never change.
MESSAGE_IDS = {
    "running": "aa7f012f22084f95bee604e2f79b4fef",
    "done": "44bc51be7d9c4e95ba9176526b4f8f98",
    "error": "84c85ab2561f4061a8753ff4e7b489a3",
    "stopped": "952f21d007774994a6eab249fbf16021",
    "skipped": "23871f22c77741dc8edbd48b9cf6f67c",
}
CATALOG = f"{os.path.dirname(os.path.abspath(__file__))}/../../data/storkit.catalog"


def run_with_journal(pool, scenario, stop=False):
    """Runs an agent to its end; returns its info, its events and, when all are there, entries."""
    root = pool.repository(agents={"coder": scenario})
    info = pool.start(root, "42_login")
    if stop:
        pool.stop(root, "42_login")
    events = list(pool.subscribe_run(info["run_id"]))
    entries = wait_until(
        lambda: (found := pool.journal(info["run_id"])) and len(found) >= len(events) and found,
        f"{len(events)} entries",
    )
    return info, events, entries


def kind(event):
    return event.get("status", event["type"])


def test_every_event_is_in_the_journal(pool):
    """Each event is one entry, in order, with every field of the contract."""
    info, events, entries = run_with_journal(pool, "init; text Hello.; print plain; result")
    assert len(entries) == len(events)
    for event, entry in zip(events, entries):
        assert json.loads(entry["STORKIT_DATA"]) == event
        assert entry["STORKIT_CURSOR"] == str(event["cursor"])
        assert entry["STORKIT_EVENT"] == event["type"]
        assert entry["STORKIT_PROJECT"] == info["project_root"]
        assert (entry["STORKIT_STORY"], entry["STORKIT_AGENT"]) == ("42_login", "coder")
        assert entry["STORKIT_RUN"] == info["run_id"]
        assert entry["USER_UNIT"] == info["unit"]
        assert entry["SYSLOG_IDENTIFIER"] == "storkit"
        assert entry["PRIORITY"] in "34567" and entry["MESSAGE"]
    messages = {kind(event): entry["MESSAGE"] for event, entry in zip(events, entries)}
    (line,) = (entry for entry in entries if '"type":"result"' in entry["STORKIT_DATA"])
    assert line["MESSAGE"].startswith("42_login/coder printed ")
    assert line["MESSAGE"].endswith(" bytes of JSON: result")
    assert messages["output"] == "plain" and "$0.01" in messages["done"]
    assert messages["running"] == "42_login/coder is running"
    assert messages["done"].startswith("42_login/coder finished, ")


def message_ids(events, entries):
    found = {kind(event): entry.get("MESSAGE_ID") for event, entry in zip(events, entries)}
    return {name: id for name, id in found.items() if id}


def test_a_runs_life_has_message_ids(pool):
    """Start and end carry a MESSAGE_ID, ordinary events none."""
    _, events, entries = run_with_journal(pool, "init; print x; result")
    assert message_ids(events, entries) == {name: MESSAGE_IDS[name] for name in ("running", "done")}


def test_failure_has_its_message_id(pool):
    """A failure is an error entry with its reason, and its own MESSAGE_ID."""
    _, events, entries = run_with_journal(pool, "exit 3")
    assert message_ids(events, entries)["error"] == MESSAGE_IDS["error"]
    assert entries[-1]["PRIORITY"] == "3" and "exit status 3" in entries[-1]["MESSAGE"]


def test_stop_has_its_message_id(pool):
    """A stopped run's last entry has its own MESSAGE_ID."""
    _, events, entries = run_with_journal(pool, "idle", stop=True)
    assert message_ids(events, entries)["stopped"] == MESSAGE_IDS["stopped"]


def assert_cut(event, entry, key):
    """The entry has a good part of that member of the event, and says that it is one."""
    text = entry["STORKIT_DATA"]
    assert DATA_MAX / 3 < len(text.encode()) <= DATA_MAX, len(text.encode())
    data = json.loads(text)
    part = data.pop(key)
    assert event[key].startswith(part) and len(part) < len(event[key])
    assert data.pop("truncated") is True and data.pop("length") == len(event[key].encode())
    assert data == {name: value for name, value in event.items() if name != key}


def test_big_data_is_cut(pool):
    """STORKIT_DATA has 64 KiB at most, and is JSON that says what is cut, whatever is in the text."""
    quote = '"'
    scenario = "; ".join(
        (
            f"repeat 100 bytes {'y' * 2000}; print ",
            f"repeat 20 bytes {'z' * 3270}; print ",
            f"repeat 40 bytes {'q' * 50 + quote * 1000}; print ",
            f"repeat 30 bytes {'c' * 1000}; repeat 20 bytes {quote * 1000}; print ",
            f'bytes {{"type":"x","v":"; repeat 30 bytes {"v" * 2180}; print "}}',
            f'bytes {{"type":"result","is_error":true,"result":"; repeat 50 bytes {"e" * 2000}',
            'print "}; exit 1',
        )
    )
    _, events, entries = run_with_journal(pool, scenario)
    assert len(events[2]["text"]) == 200000 and events[-1]["type"] == "error"
    for event, entry in zip(events, entries):
        if event["type"] == "output":
            assert_cut(event, entry, "text")
        elif event["type"] == "error":
            assert_cut(event, entry, "message")
        elif event["type"] == "agent_json" and event["data"]["type"] == "x":
            data = json.loads(entry["STORKIT_DATA"])
            assert "data" not in data and data["truncated"] is True and data["length"] > 65400
    assert len(entries[2]["STORKIT_DATA"]) > DATA_MAX * 7 / 8


def test_journalctl_shows_a_scopes_log(pool):
    """`journalctl --user -u SCOPE` and STORKIT_STORY=… show what the agent said."""
    info, events, _ = run_with_journal(pool, "print I was here.")
    for match in (
        ["-u", info["unit"]],
        [f"STORKIT_RUN={info['run_id']}", "STORKIT_STORY=42_login"],
    ):
        output = subprocess.run(
            ["journalctl", "--user", "--quiet", "--output=short", *match],
            stdout=subprocess.PIPE, text=True, check=True,
        ).stdout  # fmt: skip
        assert re.search(r"storkit\[\d+\]: I was here\.", output), output


def test_binary_output_is_readable_text(pool):
    """What the agent prints of broken bytes and escapes is clean text in the journal."""
    _, _, entries = run_with_journal(pool, r"print \e[31mred\xff\e[0m")
    assert entries[2]["MESSAGE"] == "red\ufffd"


def make_older(pool, run_id, minutes):
    """Makes the output of a run that much older than it is; see shim-protocol.h on `times`."""
    path = f"{pool.run_folder(run_id)}/times"
    with open(path, "rb") as file:
        pairs = list(struct.iter_unpack("=QQ", file.read()))
    with open(path, "r+b") as file:
        for offset, usec in pairs:
            file.write(struct.pack("=QQ", offset, usec - minutes * 60 * 1_000_000))


def transcript(pool, run_id):
    with open(f"{pool.run_folder(run_id)}/transcript", "rb") as file:
        return file.read()


def miss(pool, then, lines=20000, prefix="line", minutes=11):
    """Runs an agent that prints so many lines while the service is down, and then does @then; the
    service comes back @minutes later. Returns the root, the run's info and the entries before."""
    go = f"{pool.folder}/go"
    scenario = f"init; print seen; wait {go}; lines {lines} {prefix}; {then}"
    root = pool.repository(agents={"coder": scenario})
    info = pool.start(root, "42_login")
    wait_until(lambda: journal_messages(pool, info)[-1:] == ["seen"], "the entries before")
    pool.kill_daemon()
    open(go, "w").close()
    last = f"{prefix} {lines:08}\r\n".encode()
    wait_until(lambda: last in transcript(pool, info["run_id"]), f"{lines} lines")
    before = pool.journal(info["run_id"])
    make_older(pool, info["run_id"], minutes)
    pool.start_daemon()
    return root, info, before


def journal_messages(pool, info):
    return [entry["MESSAGE"] for entry in pool.journal(info["run_id"])]


def skips(entries):
    return [entry for entry in entries if entry.get("MESSAGE_ID") == MESSAGE_IDS["skipped"]]


def test_journal_far_behind_goes_on_at_the_head(pool):
    """More than ten minutes behind, one entry says which events are skipped; what comes then is
    there. A restart does not say it again."""
    more = f"{pool.folder}/more"
    root, info, before = miss(pool, f"wait {more}; print after; result")
    wait_until(lambda: skips(pool.journal(info["run_id"])), "the entry of the skip")
    pool.restart_daemon()
    open(more, "w").close()
    assert pool.wait(root, "42_login")["status"] == "completed"
    wait_until(lambda: "MESSAGE_ID" in pool.journal(info["run_id"])[-1], "the last entry")

    skip, *rest = pool.journal(info["run_id"])[len(before) :]
    events = list(pool.subscribe_run(info["run_id"]))
    first, last = int(before[-1]["STORKIT_CURSOR"]), events[-4]["cursor"]
    assert (events[-4]["text"], events[-3]["text"]) == ("line 00020000", "after")
    assert skips([skip]) and skip["STORKIT_CURSOR"] == str(last)
    assert f"after cursor {first} up to {last} " in skip["MESSAGE"], skip["MESSAGE"]
    assert [int(entry["STORKIT_CURSOR"]) for entry in rest] == [e["cursor"] for e in events[-3:]]


def test_skip_is_explained(pool):
    """The catalog's text on a skip finds all its fields in the entry, and what it skipped is there
    for a reader that asks from the cursor before it."""
    _, info, before = miss(pool, "result")
    (skip,) = wait_until(lambda: skips(pool.journal(info["run_id"])), "the entry of the skip")
    with open(CATALOG) as file:
        (text,) = re.findall(f"-- {MESSAGE_IDS['skipped']}\n(.*?)\n-- ", file.read(), re.DOTALL)
    fields = set(re.findall("@([A-Z_]+)@", text))
    assert "STORKIT_CURSOR" in fields and fields <= set(skip), fields - set(skip)
    assert skip["USER_UNIT"] == info["unit"] and skip["PRIORITY"] == "4"
    cursor = int(before[-1]["STORKIT_CURSOR"])
    skipped = [
        event
        for event in pool.subscribe_run(info["run_id"], cursor)
        if event["cursor"] <= int(skip["STORKIT_CURSOR"])
    ]
    assert numbered_lines(skipped) == list(range(1, 20001))


def test_little_that_is_late_is_written(pool):
    """What a service that was away for long finds of an agent that said little is all written."""
    _, info, _ = miss(pool, "result", lines=1000, prefix="l" * 80, minutes=600)
    events = list(pool.subscribe_run(info["run_id"]))
    entries = wait_until(
        lambda: (e := pool.journal(info["run_id"])) and "MESSAGE_ID" in e[-1] and e, "the last one"
    )
    assert [int(entry["STORKIT_CURSOR"]) for entry in entries] == [e["cursor"] for e in events]


if __name__ == "__main__":
    main()
