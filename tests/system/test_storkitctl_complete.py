# SPDX-License-Identifier: LGPL-2.1-or-later
"""What Tab offers: `storkitctl _complete`, which knows, and the shells' scripts, which show it."""

import os
import signal
import time

from ctl import STORKITCTL, Ctl
from harness import main, timeout
from terminal import Terminal

DATA = os.path.realpath(f"{os.path.dirname(__file__)}/../../data/completions")


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
    for option in ("-p", "--resume", "-wp", "-C", "--prompt-file", "--env"):
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


# Each shell as a person has it, with nothing but this completion set up. The prompt is "% ".
SHELLS = {
    "bash": (
        ["bash", "--noprofile", "--rcfile", "{rc}", "-i"],
        "PS1='% '; . /usr/share/bash-completion/bash_completion; . {data}/storkitctl.bash\n"
        "bind 'set bell-style none'\n",
    ),
    "zsh": (
        ["zsh", "-i"],
        "PS1='%% '; fpath=({data} $fpath); autoload -Uz compinit; compinit -D -u; unsetopt beep\n",
    ),
    "fish": (
        ["fish", "--no-config", "--init-command", "source {rc}"],
        "function fish_prompt; echo '% '; end; source {data}/storkitctl.fish\n"
        "set -g fish_greeting; set -g fish_autosuggestion_enabled 0\n",
    ),
}


def in_shell(ctl, shell):
    """A terminal with that shell, ready for a command line."""
    command, settings = SHELLS[shell]
    folder = f"{ctl.pool.folder}/{shell}"
    os.mkdir(folder)
    with open(f"{folder}/.zshrc", "w") as file:
        file.write(settings.format(data=DATA))
    environment = ctl.environment | {
        "PATH": f"{os.path.dirname(STORKITCTL)}:{os.environ['PATH']}",
        "HOME": folder, "ZDOTDIR": folder, "TERM": "screen",
    }  # fmt: skip
    command = [word.format(rc=file.name) for word in command]
    return Terminal(folder, environment, command, cwd=ctl.root)


def completes(terminal, typed, to):
    """Tab behind @typed makes it @to, be there a space behind it or none."""
    terminal.type(f"storkitctl {typed}")
    terminal.press("Tab")
    terminal.wait_for(f"% storkitctl {to.rstrip()}")
    terminal.type("X")
    terminal.wait_for(f"% storkitctl {to}X")
    discard(terminal)


def shows(terminal, typed, *offers):
    """Tab behind @typed shows what may follow."""
    terminal.type(f"storkitctl {typed}")
    terminal.press("Tab", "Tab")
    for offer in offers:
        terminal.wait_for(offer)
    discard(terminal)


def discard(terminal):
    terminal.press("C-u", "C-l")
    terminal.wait_until(lambda screen: screen == "%", "an empty line")


@timeout(240)
def test_every_shell_completes(pool):
    """In bash, zsh and fish Tab completes commands, stories, agents, options, files and folders."""
    ctl = project_with_runs(pool)
    os.mkdir(f"{ctl.root}/afolder")
    open(f"{ctl.root}/afile", "w").close()
    for shell in SHELLS:
        with in_shell(ctl, shell) as terminal:
            terminal.wait_for("%")
            shows(terminal, "w", "watch", "wait", "worktrees")
            shows(terminal, "show 42/c", "42/coder", "42/clerk")
            shows(terminal, "show 4", "42_login", "43_search")
            completes(terminal, "fre", "freeze ")
            completes(terminal, "show 42", "show 42_login ")
            completes(terminal, "stop 42/co", "stop 42/coder ")
            completes(terminal, "list -a cl", "list -a clerk ")
            completes(terminal, "list --agent=cl", "list --agent=clerk ")
            completes(terminal, "start --memory-m", "start --memory-max=")
            completes(terminal, "start --prompt-file afi", "start --prompt-file afile ")
            completes(terminal, "start --prompt-file=afi", "start --prompt-file=afile ")
            completes(terminal, "-C a", "-C afolder/")
            completes(terminal, "--project=a", "--project=afolder/")
    ctl("stop", "42/coder", "43")


if __name__ == "__main__":
    main()
