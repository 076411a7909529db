# SPDX-License-Identifier: LGPL-2.1-or-later
"""The pages that tell people what to type: each command is run, and what is shown is true."""

import os
import subprocess
import tempfile

from harness import main, serial, skip, timeout
from markdown import run_page

SOURCE = os.path.dirname(os.path.dirname(os.path.dirname(os.path.realpath(__file__))))
RUNNER = os.path.join(os.path.dirname(os.path.realpath(__file__)), "run-page")


def run_in_session(page, *arguments):
    """Runs a page in the user's own session, which for that long uses the build that is tested;
    in a HOME of its own, where `claude` is the stand-in."""
    if not os.environ.get("STORKIT_TEST_HOST"):
        skip("needs a session of its own: tests/host/boot gives it one")
    with tempfile.TemporaryDirectory(prefix="storkit-test.") as folder:
        home = make_home(folder)
        build = os.path.dirname(os.path.dirname(os.environ["STORKITD"]))
        path = f"{home}/.local/bin:{os.environ['PATH']}"
        subprocess.run(
            [f"{SOURCE}/scripts/run-from-build", build, f"HOME={home}", f"PATH={path}", "--",
             "/usr/bin/python3", RUNNER, page, folder, *arguments],
            check=True,
        )  # fmt: skip


def make_home(folder):
    home = f"{folder}/home"
    os.makedirs(f"{home}/.local/bin")
    with open(f"{home}/.local/bin/claude", "w") as file:
        scenario = r"init; write words.py import sys\n; commit Write words.py; text Done.; result"
        file.write(f"#!/bin/sh\nSTAND_IN='{scenario}' exec {os.environ['STAND_IN_PROGRAM']} \"$@\"\n")
    os.chmod(f"{home}/.local/bin/claude", 0o755)
    return home


@serial
@timeout(240)
def test_tutorial_is_true():
    """The tutorial's commands do what it says, from an empty home to an empty list."""
    run_in_session(f"{SOURCE}/docs/tutorial.md")


if __name__ == "__main__":
    main()
