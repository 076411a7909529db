# SPDX-License-Identifier: LGPL-2.1-or-later
"""What storkitctl writes: nothing that a terminal would obey, whatever an agent says, and never to
nobody without a word."""

from ctl import RUN_FAILED, Ctl
from harness import main

ESC = "\x1b"
HOSTILE = (
    r'json {"type":"result","is_error":true,"result":'
    r'"\u001b]0\;PWN\u0007\u001b[31mred alert\u009b2J\nsecond line"}'
)


# What agents say


def test_no_terminal_obeys_an_agent(pool):
    """No command that prints a run passes on what a terminal would obey."""
    ctl = Ctl(pool, f"init; {HOSTILE}")
    for command in (["start", "42", "--wait"], ["start", "43", "--follow"]):
        assert_harmless(ctl(*command, status=RUN_FAILED), "red alert")
    (ending,) = ctl.out("wait", "42", status=RUN_FAILED).splitlines()
    assert ending.endswith("red alert\ufffd2J second line"), ending
    for command in (["watch", "42"], ["show", "42"], ["list"], ["log", "42"]):
        assert_harmless(ctl(*command), "" if command[0] == "log" else "red alert")
    with ctl.terminal("top", environment={"NO_COLOR": "1"}) as terminal:
        terminal.wait_for("red alert")
        terminal.press("q")
        assert terminal.wait_for_end() == 0


def assert_harmless(process, text):
    printed = process.out + process.err
    assert text in printed, printed
    for control in (ESC, "\x07", "\x9b"):
        assert control not in printed, printed


if __name__ == "__main__":
    main()
