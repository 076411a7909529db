# SPDX-License-Identifier: LGPL-2.1-or-later
"""The pages that tell people what to type: each command is run, and what is shown is true."""

import os
import re
import shutil
import subprocess
import tempfile
from contextlib import contextmanager
from itertools import groupby

from harness import long, main, serial, skip, timeout
from markdown import commands_of, environment_for, left_out, run_page

HERE = os.path.dirname(os.path.realpath(__file__))
SOURCE = os.path.dirname(os.path.dirname(HERE))
RUNNER = f"{HERE}/run-page"
README = f"{SOURCE}/README.md"
TUTORIAL = f"{SOURCE}/docs/tutorial.md"

# The sections of README.md that begin with a checkout: a test for each, below.
SEE_IT, TEST_IT, INSTALL_IT = "See it", "Test it", "Install it"

CLAUDE = r"""#!/bin/sh
case $STORKIT_AGENT in
pair) STAND_IN='init; read; result' ;;
*) STAND_IN='init; write words.py import sys\n; commit Write words.py; text Done.; result' ;;
esac
export STAND_IN
exec {stand_in} "$@"
"""


def need_own_session():
    if not os.environ.get("STORKIT_TEST_HOST"):
        skip("needs a session of its own: tests/host/boot gives it one")


def run_in_session(page, prepare=None):
    """Runs a page, but its set-up, in the user's own session, which for that long uses the build
    that is tested; in a HOME of its own, where `claude` is the stand-in, and which @prepare is
    called with."""
    need_own_session()
    with tempfile.TemporaryDirectory(prefix="storkit-test.") as folder:
        home = make_home(folder, os.environ["STAND_IN_PROGRAM"])
        if prepare:
            prepare(home)
        build = os.path.dirname(os.path.dirname(os.environ["STORKITD"]))
        subprocess.run(
            [f"{SOURCE}/scripts/run-from-build", build, f"HOME={home}", "--",
             "/usr/bin/python3", RUNNER, page, folder],
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


def make_home(folder, stand_in):
    """A home as a new user has it, whose login shell finds ~/.local/bin."""
    home = f"{folder}/home"
    shutil.copytree("/etc/skel", home)
    os.makedirs(f"{home}/.local/bin")
    with open(f"{home}/.local/bin/claude", "w") as file:
        file.write(CLAUDE.format(stand_in=stand_in))
    os.chmod(f"{home}/.local/bin/claude", 0o755)
    return home


def copy_source(folder):
    """The source as in a clean checkout: without what .gitignore names."""

    def ignored(path, names):
        return [
            name
            for name in names
            if name in (".git", "__pycache__") or (path == SOURCE and name.startswith("build"))
        ]

    shutil.copytree(SOURCE, folder, symlinks=True, ignore=ignored)


def large_folder():
    """For builds: not in /tmp, which may be in memory."""
    need_own_session()
    return tempfile.TemporaryDirectory(prefix="storkit-test.", dir="/var/tmp")


def run_section(section, home=None):
    """Runs a section of README.md in a clean copy of the source."""
    with large_folder() as folder:
        copy_source(f"{folder}/storkit")
        environment = environment_for(home or make_home(folder, "true"))
        environment["PATH"] = f"{environment['HOME']}/.local/bin:{environment['PATH']}"
        count = run_page(
            README, folder, environment, f"{folder}/storkit", lambda c: c.section == section
        )
        assert count > 0, f"README.md has no section {section!r} with commands"


def user_manager(*arguments):
    subprocess.run(["systemctl", "--user", *arguments], check=True)


@contextmanager
def home_of_services(home):
    """The user's manager gives that HOME to what it starts."""
    user_manager("set-environment", f"HOME={home}")
    try:
        yield
    finally:
        user_manager("set-environment", f"HOME={os.environ['HOME']}")


def write_recording(path, screens, home):
    """@screens is a list of sections and what was to be seen."""
    with open(path, "w") as file:
        for section, shown in groupby(screens, lambda seen: seen[0]):
            text = "\n".join(screen for _, screen in shown)
            text = re.sub(r"\n{4,}", "\n\n⋮\n\n", text.replace(home, "~"))
            file.write(f"\n── {section} ──\n\n{text}\n")


def test_every_command_is_run():
    """README.md and the tutorial have no command, in a block or in a sentence, that none of the
    tests below runs."""
    pages = []
    for path in (README, TUTORIAL):
        with open(path, encoding="utf-8") as file:
            pages.append(file.read())
    missing = left_out(pages)
    assert not missing, "no test runs: " + "; ".join(missing)
    set_up = {command.section for command in commands_of(pages[0]) if command.is_set_up}
    assert set_up == {SEE_IT, TEST_IT, INSTALL_IT}


def test_commands_without_a_test_are_found():
    """A command block of a form that is not run, and a command in a sentence that is in no block,
    are told of; one that says why it is not run is not."""
    page = """# Title
<!-- not run: it needs a network -->

    scripts/run

```sh
storkitctl list
```
`storkitctl list` and `storkitctl` are run, `git push -f` is `storkitctl  stop\n42` not.
<!-- not run: `git push -f`: nobody wants that -->

    $ storkitctl config

```toml
a = 1
```
"""
    assert left_out([page]) == ["storkitctl stop 42"]
    assert left_out([page.replace("<!-- not run: it", "<!-- it")])[0] == "    scripts/run"
    assert left_out([page.replace("```sh", "```bash")])[0] == "```bash"


@serial
@timeout(240)
def test_tutorial_is_true():
    """The tutorial's commands do what it says, from an empty home to an empty list."""
    run_in_session(TUTORIAL)


@serial
@timeout(120)
def test_readme_is_true():
    """The commands that README.md shows work, in a project as it describes one."""
    run_in_session(README, prepare=make_shop)


@long
@serial
@timeout(900)
def test_tutorial_from_a_checkout():
    """The tutorial from its first line to its last, the build included, in one shell."""
    screens = []
    with large_folder() as folder:
        home = make_home(folder, "~/storkit/build/tests/stand-in/stand-in")
        copy_source(f"{home}/storkit")
        with home_of_services(home):
            run_page(
                TUTORIAL,
                folder,
                environment_for(home),
                f"{home}/storkit",
                lambda command: True,
                lambda *seen: screens.append(seen),
            )
        recording = os.environ.get("STORKIT_RECORDING")  # docs/record sets it
        if recording:
            write_recording(recording, screens, home)


@long
@serial
@timeout(900)
def test_readme_see_it():
    """scripts/demo works from a clean checkout, for an ordinary user."""
    run_section(SEE_IT)


@long
@serial
@timeout(900)
def test_readme_test_it():
    """scripts/check works from a clean checkout, for an ordinary user."""
    run_section(TEST_IT)


@long
@serial
@timeout(900)
def test_readme_install_it():
    """An installation in ~/.local is found by systemd and the bus, and can be taken away again."""
    # The bus was told of its user's home when it started.
    run_section(INSTALL_IT, home=os.environ["HOME"])


if __name__ == "__main__":
    main()
