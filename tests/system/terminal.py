# SPDX-License-Identifier: LGPL-2.1-or-later
"""Terminal: a program in a real terminal, which is tmux's."""

import os
import shlex
import subprocess
from contextlib import contextmanager

from session import children_of, wait_until

SETTINGS = """
set-option -g remain-on-exit on
set-option -g remain-on-exit-format ""
set-option -g history-limit 10000
set-option -g status off
"""


class Terminal:
    """Used in a `with`. Runs @command (a list) in a terminal of that size; its screen stays to be
    read when the program has ended. With @stay the terminal itself lives on, for modes()."""

    def __init__(self, folder, environment, command, rows=24, columns=80, cwd=None, stay=False):
        self.socket = f"{folder}/tmux-{os.urandom(4).hex()}"
        self.environment = {"LC_ALL": "C.UTF-8"} | environment
        self.settings = f"{self.socket}.conf"
        with open(self.settings, "w") as file:
            file.write(SETTINGS)
        start = f"new-session -d -x {columns} -y {rows}".split()
        if cwd:
            start += ["-c", cwd]
        # tmux 3.3 may forget to take note of a program's exit status.
        self.status = f"{self.socket}.status"
        # The keys that interrupt are for the program alone.
        script = f'trap : INT QUIT; "$@"; echo $? >{self.status}'
        script += "; exec sleep infinity" if stay else ""
        keep_status = ["sh", "-c", script, "sh"]
        start += ["-P", "-F", "#{pid}"]
        self._server = int(self._tmux(*start, shlex.join(keep_status + command)))

    def _tmux(self, *arguments):
        return subprocess.run(
            ["tmux", "-S", self.socket, "-f", self.settings, *arguments],
            env=self.environment,
            stdout=subprocess.PIPE,
            check=True,
            text=True,
        ).stdout

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._tmux("kill-server")
        wait_until(lambda: not os.path.exists(f"/proc/{self._server}"), "the end of tmux")

    def screen(self, history=False):
        """What is to be seen, without trailing blanks; with @history what has scrolled away too,
        and lines that were folded in one piece."""
        options = ["-J", "-S", "-"] if history else []
        text = self._tmux("capture-pane", "-p", *options)
        return "\n".join(line.rstrip() for line in text.splitlines()).rstrip("\n")

    def wait_for(self, text, gone=False):
        """Waits until @text is to be seen (with @gone: is not); returns the screen."""
        what = f"{text!r} to {'go from' if gone else 'come on'} the screen"
        return self.wait_until(lambda screen: (text in screen) != gone, what)

    def wait_until(self, condition, what):
        """Waits until @condition is true of the screen; returns the screen."""
        with self._screen_on_failure():
            wait_until(lambda: condition(self.screen()), what)
        return self.screen()

    def type(self, text):
        self._tmux("send-keys", "-l", "--", text)

    def paste(self, text):
        """Much text, as fast as the program takes it."""
        with open(f"{self.socket}.paste", "w") as file:
            file.write(text)
        self._tmux("load-buffer", file.name, ";", "paste-buffer")

    def press(self, *keys):
        """Keys by tmux's names: Enter, Up, C-]."""
        self._tmux("send-keys", *keys)

    def resize(self, rows, columns):
        self._tmux("resize-window", "-x", str(columns), "-y", str(rows))

    def clear(self):
        """Forgets what has scrolled away."""
        self._tmux("clear-history")

    def modes(self, *names):
        """What tmux knows of the terminal, by its names: alternate_on, cursor_flag."""
        values = self._tmux("display-message", "-p", " ".join(f"#{{{name}}}" for name in names))
        return dict(zip(names, values.split()))

    def kill(self, signal_number):
        """Sends the program (not what it has started) a signal."""
        shell = self._tmux("display-message", "-p", "#{pane_pid}").strip()
        os.kill(int(children_of(shell)[0]), signal_number)

    def wait_for_end(self):
        """Waits until the program has ended; returns its exit status."""
        with self._screen_on_failure():
            return int(wait_until(self._read_status, "the end of the program"))

    def _read_status(self):
        if not os.path.exists(self.status):
            return ""
        with open(self.status) as file:
            return file.read().strip()

    @contextmanager
    def _screen_on_failure(self):
        try:
            yield
        except AssertionError:
            print(f"--- the screen\n{self.screen()}\n---")
            raise
