# SPDX-License-Identifier: LGPL-2.1-or-later
"""The journal: what every event looks like there."""

import json
import re
import subprocess

from harness import main, wait_until

DATA_MAX = 64 * 1024
# Clients filter by these: they never change.
MESSAGE_IDS = {
    "running": "aa7f012f22084f95bee604e2f79b4fef",
    "done": "44bc51be7d9c4e95ba9176526b4f8f98",
    "error": "84c85ab2561f4061a8753ff4e7b489a3",
    "stopped": "952f21d007774994a6eab249fbf16021",
}


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
    assert messages["output"] == "plain" and "0.0125" in messages["done"]


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


def test_big_data_is_cut(pool):
    """STORKIT_DATA is cut at 64 KiB."""
    _, events, entries = run_with_journal(pool, f"repeat 4 bytes {'y' * 50000}; print ")
    assert len(events[2]["text"]) == 200000
    data = entries[2]["STORKIT_DATA"]
    assert DATA_MAX - 4 <= len(data) <= DATA_MAX and "y" * 60000 in data


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


if __name__ == "__main__":
    main()
