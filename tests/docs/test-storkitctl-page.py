#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Holds storkitctl(1) against `--help`, which storkitctl makes from its tables of commands and
options: each is in the other."""

import os
import re
import subprocess
import unittest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.realpath(__file__))))
STORKITCTL = os.environ["STORKITCTL"]
# These take the options of `start`, all but some, and the page says so.
LIKE_START = {
    "run": {"--on"},
    "submit": {"--on"},
    "resume": {"--on", "--resume", "--base", "-b"},
}
OPTION = re.compile(r"(?<![\w-])(--?[a-zA-Z][\w-]*)")


def help_of(*command):
    return subprocess.run(
        [STORKITCTL, *command, "--help"], stdout=subprocess.PIPE, check=True, text=True
    ).stdout


def options_in(text):
    """The options that begin the lines of a list."""
    lines = re.findall(r"(?m)^  ((?:-\w, )?--\S+)", text)
    return {option for line in lines for option in OPTION.findall(line)}


def own_options(verb):
    return options_in(help_of(verb).split("Options of every command:")[0])


def page():
    with open(f"{ROOT}/man/storkitctl.1", encoding="utf-8") as file:
        return file.read().replace("\\\n", "")


def section(name):
    return re.search(rf"(?ms)^\.Sh {name}\n(.*?)(?=^\.Sh |\Z)", page())[1]


def page_options(text):
    """The options in the tags of lists and in synopses."""
    tags = "\n".join(re.findall(r"(?m)^\.It (.*)", text))
    return {"-" + option for option in re.findall(r"\bFl (-?[a-zA-Z][\w-]*)", tags)}


class StorkitctlPage(unittest.TestCase):
    def setUp(self):
        commands = help_of().split("Run coding agents")[1].split("Options:")[0]
        self.verbs = re.findall(r"(?m)^  ([a-z-]+) ", commands)
        parts = re.split(r"(?m)^\.It Cm ([\w-]+)", section("COMMANDS"))
        self.texts = dict(zip(parts[1::2], parts[2::2]))
        for verb, text in self.texts.items():
            self.texts[verb] = f".It Cm {verb}{text}"

    def test_has_every_command_and_no_other(self):
        self.assertEqual(list(self.texts), self.verbs)
        self.assertGreater(len(self.verbs), 10)

    def test_has_the_options_of_every_command(self):
        for verb, text in self.texts.items():
            listed = page_options(text)
            if verb in LIKE_START:
                listed = page_options(self.texts["start"]) - LIKE_START[verb]
            self.assertEqual(listed, own_options(verb), verb)

    def test_has_the_options_of_all_commands(self):
        self.assertEqual(page_options(section("OPTIONS")), options_in(help_of()))

    def test_has_every_exit_status(self):
        with open(f"{ROOT}/src/ctl/ctl-error.c", encoding="utf-8") as file:
            codes = set(re.findall(r"= (\d+)[,}]", file.read()))
        with open(f"{ROOT}/src/ctl/ctl-error.h", encoding="utf-8") as file:
            codes |= set(re.findall(r"CTL_EXIT_\w+ (\d+)", file.read()))
        listed = set(re.findall(r"(?m)^\.It (\d+)$", section("EXIT STATUS")))
        self.assertEqual(listed - {"0", "1"}, codes)


if __name__ == "__main__":
    unittest.main()
