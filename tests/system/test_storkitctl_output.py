# SPDX-License-Identifier: LGPL-2.1-or-later
"""What storkitctl writes: nothing that a terminal would obey, whatever an agent says, and never to
nobody without a word."""

import os
import re
import signal

from ctl import FAILED, RUN_FAILED, Ctl
from harness import PATIENCE, main, wait_until

ESC = "\x1b"
COLOUR = re.compile(r"\x1b\[[0-9;]*m")
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
    for command in (["watch", "42"], ["show", "42"], ["list"]):
        assert_harmless(ctl(*command), "red alert")
    wait_until(lambda: "blob data" in ctl.out("log", "42"), "the journal's entry")
    assert_harmless(ctl("log", "42"), "blob data")
    with ctl.terminal("top", environment={"NO_COLOR": "1"}) as terminal:
        terminal.wait_for("red alert")
        terminal.press("q")
        assert terminal.wait_for_end() == 0


def assert_harmless(process, text):
    printed = process.out + process.err
    assert text in printed, printed
    for control in (ESC, "\x07", "\x9b"):
        assert control not in printed, printed


def test_oddly_typed_json_is_no_critical(pool):
    """JSON of an agent whose members are of other types than expected draws no word of a library."""
    lines = (
        '{"type":"result","is_error":{"a":1},"result":[],"num_turns":"x","duration_ms":{}}',
        '{"type":"assistant","message":{"content":[1,{"type":"tool_use","name":[],"input":3}]}}',
        '{"type":"user","message":{"content":[{"type":"tool_result","is_error":[],"content":{}}]}}',
        '{"type":"rate_limit_event","rate_limit_info":[]}',
        '{"type":"error","error":{"message":{"a":1}}}',
        '{"type":["status"]}',
    )
    ctl = Ctl(pool, "; ".join(f"json {line}" for line in lines))
    ctl("start", "42_login", "--no-block")
    ctl.begin("wait", "42").wait()
    for command in (["watch", "42"], ["show", "42"], ["list"]):
        assert ctl(*command).err == ""


# Where it goes


def test_output_that_is_lost_is_told(pool):
    """What can't be written ends a command with 1 and a word, at once."""
    ctl = Ctl(pool, "init; text Hello.; wait go; result")
    ctl.start("42_login")
    for command in (
        ["list"], ["list", "--json"], ["show", "42"], ["worktrees"], ["config"], ["--help"],
        ["--version"], ["watch", "42"], ["watch", "42", "--json"],
    ):  # fmt: skip
        with open("/dev/full", "w") as full:
            said = ctl(*command, stdout=full, status=FAILED).err
        assert said == "storkitctl: cannot write the output: No space left on device\n", said
    ctl("stop", "42")


def test_watch_ends_with_its_reader(pool):
    """A watch whose reader has gone ends without a further event: by SIGPIPE, or where that is
    ignored with 1 and a word."""
    ctl = Ctl(pool, "init; text Hello.; wait go; result")
    ctl.start("42_login")
    for restored, status in ((True, -signal.SIGPIPE), (False, FAILED)):
        watcher = ctl.begin("watch", "42", restore_signals=restored)
        while "Hello." not in watcher.stdout.readline():
            pass
        watcher.stdout.close()
        assert watcher.wait(PATIENCE) == status
        assert ("its reader is gone" in watcher.stderr.read()) == (status == FAILED)
    ctl("stop", "42")


# Colours


def test_colours_are_for_terminals_only(pool):
    """There are colours on a terminal, and no escape sequence in a pipe or where none is wanted."""
    ctl = Ctl(pool, r"init; text Hello.; write README Hi.\n; result")
    ctl("start", "42_login", "--wait")
    wait_until(lambda: "Hello." in ctl.out("log", "42"), "the journal's entry")
    for command in (
        ["list"], ["show", "42"], ["watch", "42"], ["worktrees"], ["config"],
        ["diff", "42", "--no-pager"], ["log", "42", "--no-pager"],
    ):  # fmt: skip
        assert ESC not in ctl.out(*command), command
        assert ESC in terminal_bytes(ctl, command, {}), command
        assert ESC not in terminal_bytes(ctl, command, {"NO_COLOR": "1"}), command
        assert ESC not in terminal_bytes(ctl, command, {"TERM": "dumb"}), command
    assert COLOUR.search(terminal_bytes(ctl, ["top"], {}, keys=b"q"))
    assert not COLOUR.search(terminal_bytes(ctl, ["top"], {"NO_COLOR": "1"}, keys=b"q"))


def terminal_bytes(ctl, command, environment, keys=b""):
    """What storkitctl writes to a terminal, byte for byte; @keys are typed once it shows the run."""
    master, slave = os.openpty()
    environment = {"TERM": "xterm-256color"} | environment
    streams = {name: slave for name in ("stdin", "stdout", "stderr")}
    process = ctl.begin(*command, environment=environment, **streams)
    os.close(slave)
    output = b""
    try:
        while part := os.read(master, 65536):
            output += part
            if keys and b"42_login" in output:
                os.write(master, keys)
                keys = b""
    except OSError:
        pass  # the last of it has been read
    os.close(master)
    assert process.wait() == 0, output
    return output.decode()


if __name__ == "__main__":
    main()
