# SPDX-License-Identifier: LGPL-2.1-or-later
"""The terminal of storkitctl attach, byte for byte: the key that detaches, what is undone then, and
what a terminal is shown again."""

import os
import select
import time

from ctl import Ctl
from harness import PATIENCE, main, wait_until

QUERIES = (r"\e[c", r"\e[>c", r"\e[6n", r"\e[?2026$p", r"\e]11\;?\x07", r"\e[?u", r"\eP+q544e\e\\")
KEYS = {
    "legacy": "\x1d",
    "kitty": "\x1b[93;5u",
    "kitty, num lock": "\x1b[93;133u",
    "kitty, a press": "\x1b[93;5:1u",
    "modifyOtherKeys": "\x1b[27;5;93~",
    "modifyOtherKeys, caps lock": "\x1b[27;69;93~",
}


class Line:
    """storkitctl on a terminal of which the test has the other end."""

    def __init__(self, ctl, *arguments):
        self.master, slave = os.openpty()
        streams = {name: slave for name in ("stdin", "stdout", "stderr")}
        self.process = ctl.begin(*arguments, environment={"TERM": "xterm-256color"}, **streams)
        os.close(slave)
        self.shown = ""

    def read(self):
        """Takes what has come; FALSE at the end."""
        if select.select([self.master], [], [], 0.1)[0]:
            try:
                self.shown += os.read(self.master, 65536).decode(errors="replace")
            except OSError:
                return False
        return True

    def wait_for(self, text):
        end = time.monotonic() + PATIENCE
        while text not in self.shown and self.read():
            assert time.monotonic() < end, f"no {text!r} in {self.shown!r}"
        assert text in self.shown, self.shown

    def type(self, keys):
        os.write(self.master, keys.encode())

    def finish(self):
        """Waits for the end; returns all that was shown."""
        end = time.monotonic() + PATIENCE
        while self.read():
            assert time.monotonic() < end, f"it goes on: {self.shown!r}"
        os.close(self.master)
        assert self.process.wait(PATIENCE) == 0, self.shown
        return self.shown


def test_every_form_of_the_key_detaches(pool):
    """Ctrl-] detaches as each key protocol sends it; other keys of theirs are the agent's."""
    ctl = Ctl(pool, "init; read")
    ctl.start()
    for name, key in KEYS.items():
        line = Line(ctl, "attach", "42")
        line.wait_for("Ctrl-] detaches")
        line.type(key)
        assert "Detached; 42_login/coder keeps running" in line.finish(), name
    line = Line(ctl, "attach", "42")
    line.wait_for("Ctrl-] detaches")
    line.type("\x1b[94;5u\x1b[65u\r")
    wait_until(lambda: "[94;5u" in transcript(pool, ctl), "the keys at the agent")
    line.type(KEYS["kitty"])
    line.finish()
    ctl("stop", "42")


def transcript(pool, ctl):
    with open(f"{pool.run_folder(ctl.json('show', '42')[0]['run_id'])}/transcript", "rb") as file:
        return file.read().decode(errors="replace")


def test_detach_undoes_keys_colours_and_cursor(pool):
    """Key modes, colours and the cursor's form are the user's again after a detach, and only what
    the agent had changed is touched."""
    changes = r"\e[>1u\e[>31u\e[>4\;2m\e]11\;#102030\x07\e[5 q\e[?1016h"
    undone = ("\x1b[<2u", "\x1b[>4m", "\x1b]111\x1b\\", "\x1b[0 q", "\x1b[?1016l")
    ctl = Ctl(pool, agents={"loud": f"bytes {changes}Ready; idle", "quiet": "bytes Ready; idle"})
    for agent in ("loud", "quiet"):
        ctl.start(f"42_login/{agent}")
        line = Line(ctl, "attach", f"42/{agent}")
        line.wait_for("Ready")
        line.type("\x1d")
        shown = line.finish().rpartition("Ready")[2]
        for sequence in undone:
            assert (sequence in shown) == (agent == "loud"), (agent, sequence, shown)
    ctl("stop", "--all")


def test_what_is_shown_again_asks_nothing(pool):
    """What was printed before the attach comes without its queries; what comes now has them."""
    queries = "".join(QUERIES)
    raw = queries.replace(r"\e", "\x1b").replace(r"\;", ";").replace(r"\x07", "\x07")
    ctl = Ctl(pool, rf"bytes Before{queries}\e[31mred\r\n; wait go; bytes Live{queries}End; idle")
    info = ctl.start()
    wait_until(lambda: "red" in transcript(pool, ctl), "what it prints first")
    line = Line(ctl, "attach", "42")
    line.wait_for("red")
    assert "Before\x1b[31mred" in line.shown, line.shown
    ctl.touch(info)
    line.wait_for("End")
    assert f"Live{raw}End".replace("\\\\", "\\") in line.shown, line.shown
    line.type("\x1d")
    line.finish()
    ctl("stop", "42")


def test_ctrl_s_halts_no_agent(pool):
    """A Ctrl-S that somebody has typed and forgotten does not halt what the agent prints."""
    ctl = Ctl(pool, "init; wait go; text Still here.; result")
    info = ctl.start()
    line = Line(ctl, "attach", "42")
    line.wait_for("Ctrl-] detaches")
    line.wait_for("init")
    line.type("\x13\x1d")
    line.finish()
    ctl.touch(info)
    ctl("wait", "42", "--timeout=60s")
    assert "Still here." in ctl.out("watch", "42")


def test_attach_tells_what_it_finds(pool):
    """attach says that a run is frozen, and that watch reads better where it prints JSON."""
    raw = {"scenario": "print Plain.; idle", "kind": "raw"}
    ctl = Ctl(pool, agents={"coder": "init; idle", "plain": raw})
    for agent, json_told in (("coder", True), ("plain", False)):
        ctl.start(f"42_login/{agent}")
        ctl("freeze", f"42/{agent}")
        line = Line(ctl, "attach", f"42/{agent}")
        line.wait_for(f"`storkitctl thaw 42_login/{agent}`")
        line.wait_for("Plain." if agent == "plain" else "init")
        line.type("\x1d")
        shown = line.finish()
        assert (f"`storkitctl watch 42_login/{agent}`" in shown) == json_told, shown
    ctl("stop", "--all")


if __name__ == "__main__":
    main()
