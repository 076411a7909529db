# SPDX-License-Identifier: LGPL-2.1-or-later
"""Runs the commands of a Markdown page, and holds what it shows against what they print.

    ```sh          commands, one after another in one shell; each has to succeed
    ```console     `$ COMMAND` (`> ` before its further lines), and below it what it prints, if the
                   page shows that. `…` stands for anything: in a line for a part of it, alone on a
                   line for any number of lines. `# exit status N` behind a command expects that.
    indented       the same where it begins with `$ `, but what it shows may be shortened, folded
                   and of another day: it is not compared

A comment above a block says more:

    <!-- test: types "text" Key… -->   typed when what its last command prints first has come
    <!-- test: screen, types … -->     the block shows a screen that then goes away
    <!-- test: exit status N -->       of its last command
    <!-- test: set-up -->              begins with a clean copy of the source, where it is run
    <!-- test: set-up, adds "text" --> the same; the test gives its last command that as well
    <!-- not run: REASON -->           by no test
    <!-- not run: `COMMAND`: REASON -->  where the command stands in a sentence

The shell is bash in a terminal of its own, so all commands of a page share folder and variables.
Nothing that looks like a command can be without a test by mistake: see left_out().
"""

import os
import re
import shlex
import subprocess
import textwrap

from session import wait_until
from terminal import Terminal

NOTE = r"(?:<!-- test: (?P<note>[^\n]*?) -->\n\n?)?"
FENCED = r"```(?P<kind>sh|console)\n(?P<text>.*?)^```$"
INDENTED = r"(?P<indented>    \$ [^\n]*\n(?:(?:    [^\n]*)?\n)*)"
BLOCK = re.compile(rf"(?ms)^{NOTE}(?:{FENCED}|{INDENTED})")
STATUS = re.compile(r" *# exit status (\d+)$")

# What is no command, or said to be none that a test could run.
SHOWN = re.compile(r"(?ms)^```(?:toml|text)\n.*?^```$")
NOT_RUN = re.compile(
    r"(?ms)^<!-- not run: [^`\n][^\n]* -->\n\n?(?:```\w+\n.*?^```$|(?:    [^\n]*\n(?:\n(?=    ))?)+)"
)
NOT_RUN_SPAN = re.compile(r"<!-- not run: `([^`]+)`: [^\n]+ -->")
# A command in the middle of a sentence; a program's bare name is none.
SPAN = re.compile(
    r"(?<!`)`((?:storkitctl|scripts/[^\s`]+|meson|ninja|git|busctl|gdbus|systemctl|journalctl)"
    r"\s[^`]+)`"
)


SET_UP_SECONDS = 600  # for one command: a build, a demo


class Command:
    def __init__(self, text):
        status = STATUS.search(text)
        self.status = int(status[1]) if status else 0
        self.text = STATUS.sub("", text)
        self.section = ""
        self.is_set_up = False
        self.keys = []
        self.is_screen = False
        self.expected = []

    def obey(self, note):
        """Takes on what a block's comment says."""
        self.is_screen = note.startswith("screen")
        added = re.search(r'adds "(.+?)"', note)
        if added:
            self.text += f" {added[1]}"
        keys = re.search(r"types (.+?)(?:, exit|$)", note)
        self.keys = shlex.split(keys[1]) if keys else []
        status = re.search(r"exit status (\d+)", note)
        if status:
            self.status = int(status[1])

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

    def first_words(self):
        """What its output begins with, as far as the page tells."""
        line = next((line for line in self.expected if line != "…"), "")
        return line.split("…")[0]


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


def commands_of_session(text):
    """The commands of a console block, each with what is shown below it."""
    command = None
    for line in text.splitlines():
        if line.startswith("$ "):
            if command:
                yield command
            command = Command(line[2:])
        elif not command.expected and (line.startswith("> ") or command.text.endswith("\\")):
            command.text += "\n" + line.removeprefix("> ")
        else:
            command.expected.append(line)
    yield command


def commands_of_block(block):
    if block["kind"] == "sh":
        commands = list(map(Command, commands_of_script(block["text"])))
    else:
        commands = list(commands_of_session(block["text"] or textwrap.dedent(block["indented"])))
    if block["indented"]:
        for command in commands:
            command.expected = []
    commands[-1].obey(block["note"] or "")
    return commands


def commands_of(page):
    """The page's commands, in order."""
    for block in BLOCK.finditer(page):
        for command in commands_of_block(block):
            command.section = re.findall(r"(?m)^#+ (.*)", page[: block.start()])[-1]
            command.is_set_up = (block["note"] or "").startswith("set-up")
            yield command


def on_one_line(text):
    return " ".join(text.replace("\\\n", " ").split())


def left_out(pages):
    """What in these pages is or may be a command that no test runs: blocks of another form than
    those above, and commands in sentences that are in no block. A list of lines."""
    run = [on_one_line(command.text) for page in pages for command in commands_of(page)]
    found = []
    for page in pages:
        rest = page
        for known in (NOT_RUN, BLOCK, SHOWN):
            rest = known.sub("", rest)
        found += re.findall(r"(?m)^(?:```.+|    \S.*)$", rest)
        run_or_told = run + list(map(on_one_line, NOT_RUN_SPAN.findall(rest)))
        spans = map(on_one_line, SPAN.findall(NOT_RUN_SPAN.sub("", rest)))
        found += [span for span in spans if not any(span in command for command in run_or_told)]
    return found


class Shell:
    """A bash in a terminal, used in a `with`."""

    def __init__(self, folder, environment, cwd, rows=24, columns=100):
        self.done = f"{folder}/statuses"
        open(self.done, "w").close()
        quiet = {"PAGER": "cat", "GIT_PAGER": "cat", "SYSTEMD_PAGER": "cat", "NO_COLOR": "1"}
        shell = self._write_shell(folder)
        environment = environment | quiet | {"SHELL": shell}
        self.terminal = Terminal(folder, environment, [shell], rows, columns, cwd)
        self.prompts = 0

    def _write_shell(self, folder):
        """A program for $SHELL: a shell that a command of the page opens counts its prompts too."""
        start, shell = f"{folder}/bashrc", f"{folder}/shell"
        with open(start, "w") as file:
            file.write("PS1='$ ' PS2='> '; set +o history\n")
            file.write(f"PROMPT_COMMAND='echo $? >>{self.done}'\n")
        with open(shell, "w") as file:
            file.write(f'#!/bin/sh\nexec bash --noprofile --rcfile {start} "$@"\n')
        os.chmod(shell, 0o755)
        return shell

    def __enter__(self):
        self.terminal.__enter__()
        self._wait_for_prompt(60)
        return self

    def __exit__(self, *error):
        self.terminal.__exit__(*error)

    def _statuses(self):
        with open(self.done) as file:
            return file.read().split("\n")[:-1]

    def _wait_for_prompt(self, seconds, before="the shell's start"):
        """Waits for the next prompt; returns the status of the command before it."""
        self.prompts += 1
        what = f"a prompt after {before}"
        wait_until(lambda: len(self._statuses()) >= self.prompts, what, seconds)
        return int(self._statuses()[self.prompts - 1])

    def _clear(self):
        self.terminal.press("C-l")
        wait_until(lambda: self.terminal.screen() == "$", "an empty screen")
        self.terminal.clear()

    def run(self, command):
        """Runs it; returns its status and all that was to be seen."""
        self._clear()
        screen = ""
        for line in command.text.split("\n"):
            self.terminal.type(line)
            self.terminal.press("Enter")
        if command.keys:
            screen = self._type(command)
        seconds = SET_UP_SECONDS if command.is_set_up else 60
        status = self._wait_for_prompt(seconds, command.text)
        wait_until(lambda: self.terminal.screen().endswith("\n$"), "the prompt on the screen")
        seen = self.terminal.screen(history=True).removesuffix("\n$")
        return status, f"{seen}\n{screen}" if command.is_screen else seen

    def _type(self, command):
        """Types when what the page shows is to be seen; returns what was."""
        wanted = command.first_words()
        screen = self.terminal.wait_until(
            lambda screen: output_of(command, screen).strip() and wanted in screen,
            f"the beginning of its output: {wanted!r}",
        )
        if command.is_screen:
            screen = self.terminal.wait_until(command.matches, "the screen of the page")
        for key in command.keys:
            if len(key) > 1 and key[0].isupper():
                self.terminal.press(key)
            else:
                self.terminal.type(key)
        return screen


def output_of(command, seen):
    """What came after the command itself."""
    return "\n".join(seen.split("\n")[command.text.count("\n") + 1 :])


def environment_for(home):
    """What a page's shell has of our environment."""
    kept = ["PATH", "LANG", "USER", "LOGNAME", "STORKIT_TEST_TIMEOUT_FACTOR"]
    kept += ["XDG_RUNTIME_DIR", "DBUS_SESSION_BUS_ADDRESS"]
    kept += ["CCACHE_DIR", "CCACHE_NOHASHDIR", "CCACHE_IGNOREOPTIONS"]
    environment = {name: os.environ[name] for name in kept if name in os.environ}
    return environment | {"HOME": home, "GIT_CONFIG_NOSYSTEM": "1"}


def run_page(path, folder, environment, cwd, wanted, record=None):
    """Runs those commands of the page at @path that @wanted is true of, in a shell that starts in
    @cwd; @record is called with the section and what was to be seen after each command. Returns
    how many there were."""
    with open(path, encoding="utf-8") as file:
        commands = list(filter(wanted, commands_of(file.read())))
    with Shell(folder, environment, cwd) as shell:
        for command in commands:
            status, seen = shell.run(command)
            output = output_of(command, seen)
            said = f"{os.path.basename(path)}: {command.text}\n{output}\n"
            assert status == command.status, f"{said}ended with {status}, not {command.status}"
            assert command.matches(output), f"{said}is not what the page shows:\n" + "\n".join(
                command.expected
            )
            if record:
                record(command.section, seen)
    return len(commands)
