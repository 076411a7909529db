# SPDX-License-Identifier: LGPL-2.1-or-later
"""The keys of storkitctl top."""

import json
import signal

from ctl import Ctl
from harness import PATIENCE, main, wait_until


def marked(screen):
    """The story of the marked row, or None."""
    rows = [line for line in screen.splitlines() if line.startswith("▸")]
    return rows[0].split()[1] if rows else None


def test_top_scrolls(pool):
    """Where runs have no room top says how many, and scrolls by lines, by pages and to the ends."""
    ctl = Ctl(pool, "init; result")
    for story in ("10_c", "2_b", "1_a", "11_d", "12_e"):
        ctl("start", story, "--wait")
    with ctl.terminal("top", rows=7) as terminal:
        screen = terminal.wait_for("2 more below")
        assert marked(screen) == "1_a" and "more above" not in screen, screen
        for key, story in (
            ("j", "2_b"), ("NPage", "12_e"), ("PPage", "2_b"), ("End", "12_e"), ("g", "1_a"),
            ("G", "12_e"), ("Home", "1_a"), ("Down", "2_b"), ("Up", "1_a"),
        ):  # fmt: skip
            terminal.press(key)
            terminal.wait_until(lambda screen, story=story: marked(screen) == story, story)
        terminal.press("G")
        screen = terminal.wait_for("2 more above")
        assert "more below" not in screen and "10_c" in screen, screen
        terminal.press("q")
        assert terminal.wait_for_end() == 0


def test_top_acts_on_a_run(pool):
    """Keys of top freeze and thaw a run, show it and its diff; ? says which there are."""
    ctl = Ctl(pool, r"write new.txt Work.\n; commit Work; init; idle")
    ctl.start("42_login")
    wait_until(lambda: "session_id" in ctl.json("show", "42")[0], "the commit before it")
    with ctl.terminal("top", environment={"GIT_PAGER": "cat"}) as terminal:
        terminal.wait_for("42_login")
        terminal.press("?")
        assert "freeze it" in terminal.wait_for("Any key goes back")
        terminal.press("x")
        terminal.wait_for("Any key goes back", gone=True)
        terminal.press("f")
        terminal.wait_for("frozen")
        terminal.press("f")
        terminal.wait_for("frozen", gone=True)
        terminal.press("Enter")
        assert "Worktree:" in terminal.wait_for("Press a key to go back")
        terminal.press("x")
        terminal.wait_for("1 running")
        terminal.press("d")
        terminal.wait_for("+Work.")
        terminal.press("x")
        terminal.wait_for("1 running")
        terminal.press("q")
        assert terminal.wait_for_end() == 0
    ctl("stop", "42")


def test_top_as_json(pool):
    """Without a terminal top prints lines of JSON, one for each change until nobody reads."""
    ctl = Ctl(pool, "init; text Hello.; wait go; text Bye.; result")
    info = ctl.start("42_login")
    top = ctl.begin("--json", "top")
    read = lambda: json.loads(top.stdout.readline())[0]  # noqa: E731
    wait_until(lambda: read().get("last_line") == "Hello.", "the first line")
    wait_until(lambda: read().get("cpu", -1) >= 0, "its share of a CPU")
    ctl.touch(info)
    wait_until(lambda: read()["status"] == "completed", "the end")
    top.stdout.close()
    assert top.wait(PATIENCE) == -signal.SIGPIPE


def test_top_does_not_wait_for_the_journal(pool):
    """What an agent printed last is there at once, although the journal, at its own pace, has it
    only seconds later."""
    ctl = Ctl(pool, "repeat 3000 print word; print the last; wait go")
    info = ctl.start("42_login")
    pool.wait_for(lambda event: event.get("text") == "the last")
    top = ctl.begin("--json", "top")
    read = lambda: json.loads(top.stdout.readline())[0]  # noqa: E731
    wait_until(lambda: read().get("last_line") == "the last", "the last line")
    top.stdout.close()
    ctl.touch(info)
    assert top.wait(PATIENCE) == -signal.SIGPIPE


if __name__ == "__main__":
    main()
