# SPDX-License-Identifier: LGPL-2.1-or-later
"""The pages that tell people what to type: each command is run, and what is shown is true."""

import os
import shutil
import subprocess
import tempfile

from harness import main, serial, skip, timeout
from markdown import run_page

SOURCE = os.path.dirname(os.path.dirname(os.path.dirname(os.path.realpath(__file__))))
RUNNER = os.path.join(os.path.dirname(os.path.realpath(__file__)), "run-page")


def run_in_session(page, *arguments, prepare=None):
    """Runs a page in the user's own session, which for that long uses the build that is tested;
    in a HOME of its own, where `claude` is the stand-in, and which @prepare is called with."""
    if not os.environ.get("STORKIT_TEST_HOST"):
        skip("needs a session of its own: tests/host/boot gives it one")
    with tempfile.TemporaryDirectory(prefix="storkit-test.") as folder:
        home = make_home(folder)
        if prepare:
            prepare(home)
        build = os.path.dirname(os.path.dirname(os.environ["STORKITD"]))
        subprocess.run(
            [f"{SOURCE}/scripts/run-from-build", build, f"HOME={home}", "--",
             "/usr/bin/python3", RUNNER, page, folder, *arguments],
            check=True,
        )  # fmt: skip


def make_shop(home):
    """The project that README.md speaks of."""
    script = """
        git init --quiet --initial-branch=main shop && cd shop
        git config user.name Visitor && git config user.email visitor@localhost
        mkdir stories .storkit && echo 'A login.' >stories/42_login.md
        echo '[[agent]]' >.storkit/project.toml && echo 'name = "coder"' >>.storkit/project.toml
        git add . && git commit --quiet --message 'The beginning'
    """
    environment = os.environ | {"HOME": home}
    subprocess.run(["bash", "-e", "-c", script], cwd=home, env=environment, check=True)


def make_home(folder):
    """A home as a new user has it, whose login shell finds ~/.local/bin."""
    home = f"{folder}/home"
    shutil.copytree("/etc/skel", home)
    os.makedirs(f"{home}/.local/bin")
    with open(f"{home}/.local/bin/claude", "w") as file:
        scenario = r"init; write words.py import sys\n; commit Write words.py; text Done.; result"
        program = os.environ["STAND_IN_PROGRAM"]
        file.write(f"#!/bin/sh\nSTAND_IN='{scenario}' exec {program} \"$@\"\n")
    os.chmod(f"{home}/.local/bin/claude", 0o755)
    return home


@serial
@timeout(240)
def test_tutorial_is_true():
    """The tutorial's commands do what it says, from an empty home to an empty list."""
    recording = os.environ.get("STORKIT_RECORDING")  # docs/record sets it
    run_in_session(f"{SOURCE}/docs/tutorial.md", *([recording] if recording else []))


@serial
@timeout(120)
def test_readme_is_true():
    """The commands that README.md shows work, in a project as it describes one."""
    run_in_session(f"{SOURCE}/README.md", prepare=make_shop)


if __name__ == "__main__":
    main()
