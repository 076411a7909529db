# SPDX-License-Identifier: LGPL-2.1-or-later
"""What Tab offers: `storkitctl _complete`, which knows, and bash's script, which shows it."""

import os
import signal
import subprocess
import time

from ctl import STORKITCTL, Ctl
from harness import main

SCRIPT = f"{os.path.dirname(os.path.abspath(__file__))}/../../data/completions/storkitctl.bash"
# What bash-completion has and the script needs of it, for words as they are.
BASH = f"""
_get_comp_words_by_ref() {{ cur=${{words[cword]}} prev=${{words[cword - 1]}}; }}
_filedir() {{
    local kind=f
    [ "$1" != -d ] || kind=d
    mapfile -t COMPREPLY < <(compgen -$kind -- "$cur")
}}
compopt() {{ :; }}
words=(storkitctl "$@") cword=$#
eval "$(sed 's/local cur prev words cword/:/' {SCRIPT})"
_storkitctl
printf '%s\\n' "${{COMPREPLY[@]}}"
"""


def offered(ctl, *words, **keywords):
    return set(ctl.out("_complete", *words, **keywords).split())


def project_with_runs(pool):
    """A run of 42_login by each agent: the coder's lives, the clerk's has ended; and a frozen one of
    43_search."""
    ctl = Ctl(pool, agents={"coder": "init; idle", "clerk": "init; result"})
    ctl.start("42_login/coder")
    ctl("start", "42_login/clerk", "--wait")
    ctl.start("43_search/coder")
    ctl("freeze", "43")
    return ctl


def test_runs_are_offered(pool):
    """The runs that a command takes are offered: of the agent that is named, with the story as short
    as it was typed."""
    ctl = project_with_runs(pool)
    both = {"42_login", "43_search"}
    assert offered(ctl, "stop", "") == both
    assert offered(ctl, "stop", "42_login", "") == both
    assert offered(ctl, "stop", "42") == {"42_login"}
    assert offered(ctl, "show", "42_login/") == {"42_login/coder", "42_login/clerk"}
    assert offered(ctl, "show", "42/") == {"42/coder", "42/clerk"}
    assert offered(ctl, "show", "4/") == set()
    assert offered(ctl, "stop", "-a", "clerk", "") == {"42_login"}
    assert offered(ctl, "stop", "--agent=coder", "42/") == {"42/coder"}
    assert offered(ctl, "resume", "") == {"42_login"}
    assert offered(ctl, "resume", "42/") == {"42/clerk"}
    assert offered(ctl, "resume", "42", "") == set()
    assert offered(ctl, "attach", "") == both and offered(ctl, "attach", "42/") == {"42/coder"}
    assert offered(ctl, "send", "42/") == {"42/coder"}
    assert offered(ctl, "freeze", "") == {"42_login"} and offered(ctl, "thaw", "") == {"43_search"}
    assert offered(ctl, "-C", ctl.root, "-q", "stop", "", cwd="/") == both
    assert offered(ctl, "-C", "/", "diff", "") == set()
    ctl("stop", "42/coder", "43")


def test_values_of_options_are_no_arguments(pool):
    """The value of an option is neither a verb nor an argument, and stories are offered for none."""
    ctl = project_with_runs(pool)
    for words in (["-p", "some text"], ["-p", "-C"], ["--prompt", "x", "-w"], ["-wp", "x"], ["-px"]):
        assert "42_login" in offered(ctl, "start", *words, ""), words
    for option in ("-p", "-b", "--base", "--resume", "-wp", "-C", "--prompt-file", "--env"):
        assert offered(ctl, "start", option, "") == set(), option
    assert offered(ctl, "watch", "-n", "") == set()
    assert offered(ctl, "watch", "-n", "5", "4") == {"42_login", "43_search"}
    assert offered(ctl, "list", "-a", "") == {"coder", "clerk"}
    assert offered(ctl, "-a", "co") == {"coder"}
    assert offered(ctl, "list", "--agent=c") == {"--agent=coder", "--agent=clerk"}
    assert offered(ctl, "start", "42/") == {"42/coder", "42/clerk"}
    ctl("stop", "42/coder", "43")


def test_options_and_commands_are_offered(pool):
    """Commands, and a command's options; behind `--` none, for they are another program's."""
    ctl = Ctl(pool, "init; result")
    assert offered(ctl, "w") == {"watch", "wait", "worktrees"}
    assert {"--no-block", "--prompt=", "--json"} <= offered(ctl, "start", "--")
    assert offered(ctl, "--pro") == {"--project="}
    for words in (["log", "--", "-"], ["log", "--", ""], ["diff", "42", "--", "-"]):
        assert offered(ctl, *words) == set(), words
    assert offered(ctl, "list", "") == set()


def test_a_hanging_service_is_not_waited_for(pool):
    """Tab has nothing to offer, soon, where the service hangs."""
    ctl = Ctl(pool, "init; idle")
    ctl.start()
    pool.process.send_signal(signal.SIGSTOP)
    began = time.monotonic()
    assert offered(ctl, "stop", "") == set()
    assert time.monotonic() - began < 15
    pool.process.send_signal(signal.SIGCONT)
    ctl("stop", "42")


def test_bash_completes_files_and_folders(pool):
    """bash's script offers folders for a project, files for a prompt, and else what storkitctl
    does."""
    ctl = Ctl(pool, "init; result")
    os.mkdir(f"{pool.folder}/afolder")
    open(f"{pool.folder}/afile", "w").close()
    start = f"{pool.folder}/a"
    folder, file = f"{pool.folder}/afolder", f"{pool.folder}/afile"
    assert in_bash(ctl, "-C", start) == in_bash(ctl, "list", f"--project={start}") == {folder}
    assert in_bash(ctl, "start", "--prompt-file", start) == {folder, file}
    assert in_bash(ctl, "start", f"--prompt-file={start}") == {folder, file}
    assert in_bash(ctl, "w") == {"watch", "wait", "worktrees"}
    assert in_bash(ctl, "list", "--agent=c") == {"coder"}


def in_bash(ctl, *words):
    environment = ctl.environment | {
        "PATH": f"{os.path.dirname(STORKITCTL)}:{os.environ['PATH']}",
        "COMP_WORDBREAKS": " \t\n\"'><=;|&(:",
    }
    command = ["bash", "--norc", "-c", BASH, "bash", *words]
    result = subprocess.run(
        command, env=environment, cwd=ctl.root, capture_output=True, text=True, check=True
    )
    assert result.stderr == "", result.stderr
    return set(result.stdout.split())


if __name__ == "__main__":
    main()
