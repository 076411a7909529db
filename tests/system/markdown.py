# SPDX-License-Identifier: LGPL-2.1-or-later
"""Runs the commands of a Markdown page, and holds what it shows against what they print.

    ```sh          commands, one after another in one shell; each has to succeed
    ```console     `$ COMMAND` (`> ` before its further lines), and below it what it prints, if the
                   page shows that. `…` stands for anything: in a line for a part of it, alone on a
                   line for any number of lines. `# exit status N` behind a command expects that.
    <!-- test: types "text" Key… -->   above a block: is typed when its first command has begun
    <!-- test: build -->               above a block: left to the test that builds

The shell is bash in a terminal of its own, so all commands of a page share folder and variables.
"""

import os
import re
import shlex
import subprocess

from session import wait_until
from terminal import Terminal

FENCE = re.compile(r"(?ms)^(?:<!-- test: (?P<note>[^\n]*?) -->\n)?```(?P<kind>sh|console)\n(?P<text>.*?)^```$")
STATUS = re.compile(r"  # exit status (\d+)$")


class Command:
    def __init__(self, text, keys):
        self.keys = keys
        self.expected = []
        status = STATUS.search(text)
        self.status = int(status[1]) if status else 0
        self.text = STATUS.sub("", text)

    def pattern(self):
        parts = []
        for line in "\n".join(self.expected).strip("\n").split("\n"):
            if line == "…":
                parts.append(r"(?:.*\n)*")
            else:
                parts.append(".*".join(map(re.escape, line.split("…"))) + r" *\n")
        return "".join(parts)

    def matches(self, output):
        return not self.expected or re.fullmatch(self.pattern(), output.strip("\n") + "\n")


def is_whole(text):
    """Whether bash would not ask for more lines."""
    check = subprocess.run(["bash", "-n"], input=text, capture_output=True, text=True)
    return not check.stderr and not text.endswith("\\")


def commands_of_script(text):
    """The commands of a sh block, each with all of its lines."""
    lines = []
    for line in text.splitlines():
        lines.append(line)
        if is_whole("\n".join(lines)):
            yield "\n".join(lines)
            lines = []
    assert not lines, f"a command without an end: {lines}"


def commands_of(page, notes_to_skip=()):
    """The page's commands, in order."""
    for block in FENCE.finditer(page):
        note = block["note"] or ""
        if note in notes_to_skip:
            continue
        keys = shlex.split(note.removeprefix("types ")) if note.startswith("types ") else []
        if block["kind"] == "sh":
            yield from (Command(text, keys) for text in commands_of_script(block["text"]))
        else:
            yield from commands_of_session(block["text"], keys)


def commands_of_session(text, keys):
    command = None
    for line in text.splitlines():
        if line.startswith("$ "):
            if command:
                yield command
            command, keys = Command(line[2:], keys), []
        elif line.startswith("> ") and not command.expected:
            command.text += "\n" + line[2:]
        else:
            command.expected.append(line)
    yield command


class Shell:
    """A bash in a terminal, used in a `with`."""

    def __init__(self, folder, environment, rows=40, columns=100):
        self.done = f"{folder}/statuses"
        open(self.done, "w").close()
        start = f"{folder}/bashrc"
        with open(start, "w") as file:
            file.write(f"PS1='$ ' PS2='> '; set +o history; PROMPT_COMMAND='echo $? >>{self.done}'\n")
        quiet = {"PAGER": "cat", "GIT_PAGER": "cat", "SYSTEMD_PAGER": "cat", "NO_COLOR": "1"}
        self.terminal = Terminal(
            folder,
            environment | quiet,
            ["bash", "--noprofile", "--rcfile", start, "-i"],
            rows,
            columns,
            cwd=environment["HOME"],
        )
        self.prompts = 0

    def __enter__(self):
        self.terminal.__enter__()
        self._wait_for_prompt()
        return self

    def __exit__(self, *error):
        self.terminal.__exit__(*error)

    def _statuses(self):
        with open(self.done) as file:
            return file.read().split("\n")[:-1]

    def _wait_for_prompt(self):
        """Waits for the next prompt; returns the status of the command before it."""
        self.prompts += 1
        wait_until(lambda: len(self._statuses()) >= self.prompts, "a prompt", timeout=60)
        return int(self._statuses()[self.prompts - 1])

    def _clear(self):
        self.terminal.press("C-l")
        wait_until(lambda: self.terminal.screen() == "$", "an empty screen")
        self.terminal.clear()

    def run(self, command):
        """Runs it; returns its status and all that was to be seen."""
        self._clear()
        for line in command.text.split("\n"):
            self.terminal.type(line)
            self.terminal.press("Enter")
        if command.keys:
            self._type(command)
        status = self._wait_for_prompt()
        wait_until(lambda: self.terminal.screen().endswith("\n$"), "the prompt on the screen")
        return status, self.terminal.screen(history=True).removesuffix("\n$")

    def _type(self, command):
        """Types when the first line that the page shows is to be seen."""
        wanted = next(line for line in command.expected if line != "…")
        self.terminal.wait_for(wanted.split("…")[0])
        for key in command.keys:
            if len(key) > 1 and (key[0].isupper()):
                self.terminal.press(key)
            else:
                self.terminal.type(key)


def output_of(command, seen):
    """What came after the command itself."""
    return "\n".join(seen.split("\n")[command.text.count("\n") + 1 :])


def run_page(path, folder, environment, record=None):
    """Runs the page at @path in a shell; @record is called with what was to be seen after each
    command. Returns how many commands there were."""
    with open(path, encoding="utf-8") as file:
        commands = list(commands_of(file.read(), notes_to_skip=("build",)))
    with Shell(folder, environment) as shell:
        for command in commands:
            status, seen = shell.run(command)
            output = output_of(command, seen)
            said = f"{os.path.basename(path)}: {command.text}\n{output}\n"
            assert status == command.status, f"{said}ended with {status}, not {command.status}"
            assert command.matches(output), f"{said}is not what the page shows:\n" + "\n".join(
                command.expected
            )
            if record:
                record(seen)
    return len(commands)
