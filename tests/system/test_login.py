# SPDX-License-Identifier: LGPL-2.1-or-later
"""What an agent has from the user's login: the environment of now, limits, a terminal of its own;
and what the login shell leaves running, which is the user's."""

import os
import pwd
import signal

from harness import Pool, main, serial, skip, wait_until
from test_activation import UNIT, Installed, systemctl
from test_start import said


def set_profile(pool, text):
    """Of bash, which is asked as an interactive login shell."""
    if os.path.basename(pwd.getpwuid(os.getuid()).pw_shell) != "bash":
        skip("the user's login shell is not bash")
    home = pool.environment["HOME"]
    with open(f"{home}/.profile", "w") as file:
        file.write('. "$HOME/.bashrc"\n')
    with open(f"{home}/.bashrc", "w") as file:
        file.write(text)


def shell_project(pool, script, **keys):
    """A project whose agent is @script."""
    return pool.repository(
        agents={"coder": {"kind": "raw", "command": "sh", "args": ["-c", script]} | keys}
    )


def read(path):
    with open(path) as file:
        return file.read()


def test_gpg_tty_is_the_agents_own_terminal(pool):
    """The GPG_TTY that gpg-agent(1) wants in .bashrc names the agent's terminal, where a pinentry
    can ask."""
    set_profile(pool, "export GPG_TTY=$(tty)\n")
    root = shell_project(pool, 'echo "$GPG_TTY"; tty')
    named, terminal = said(pool, pool.start(root, "42_login"))[0]
    assert named == terminal and terminal.startswith("/dev/pts/")


def test_limits_and_umask_of_the_shell_are_the_agents(pool):
    """What `ulimit` and `umask` in the profile set holds for agents as for the user's terminals,
    and only that."""
    root = shell_project(pool, "umask; ulimit -S -n; ulimit -S -s; ulimit -S -c")
    before = said(pool, pool.start(root, "1_without"))[0]
    set_profile(pool, "umask 027; ulimit -S -n 600 -s 4096\n")
    pool.restart_daemon()
    with_profile = said(pool, pool.start(root, "2_with"))[0]
    assert with_profile == ["0027", "600", "4096", before[3]], (before, with_profile)


@serial
def test_what_a_login_shell_leaves_running_survives_the_service():
    """An ssh-agent that .bashrc starts when the service asks the shell is the user's: it lives on
    when the service ends."""
    with Pool(daemon=False) as pool, Installed(pool) as session:
        told = f"{pool.folder}/left.pid"
        left = f"setsid -f sh -c 'echo $$ >{told}.new; mv {told}.new {told}; exec sleep 1000'"
        set_profile(pool, f"[ -e {told} ] || {left}\n")
        root = shell_project(pool, "true")
        session.call("Start", "sss", root, "42_login", "")
        session.call("Wait", "sss", root, "42_login", "")
        wait_until(lambda: os.path.exists(told), "what .bashrc starts")
        pid = int(read(told))
        assert UNIT not in read(f"/proc/{pid}/cgroup")
        systemctl("kill", "--signal=KILL", UNIT)
        systemctl("stop", UNIT)
        assert read(f"/proc/{pid}/comm") == "sleep\n"
        os.kill(pid, signal.SIGKILL)


def test_what_a_login_shell_starts_has_time_to_leave_it(pool):
    """A daemon's first parent ends before its child has a session of its own: the child is not
    ended with the shell's group."""
    told = f"{pool.folder}/left.pid"
    leave = f"setsid sh -c 'echo $$ >{told}.new; mv {told}.new {told}; exec sleep 1000'"
    await_end = "until grep -q '^State:.Z' /proc/$1/status; do sleep 0.01; done"
    with open(f"{pool.folder}/late", "w") as file:
        file.write(f"{await_end}; exec {leave}\n")
    # Without job control it stays in the shell's group.
    set_profile(pool, f"set +m; [ -e {told} ] || sh {pool.folder}/late $$ >/dev/null 2>&1 &\n")
    root = shell_project(pool, "true")
    pool.start(root, "42_login")
    wait_until(lambda: os.path.exists(told), "what .bashrc starts")
    os.kill(int(read(told)), signal.SIGKILL)


@serial
def test_next_agent_has_what_the_user_manager_has_now():
    """`systemctl --user import-environment`, as a new login calls it, reaches the next agent,
    before the first Start and after."""
    names = ("SSH_AUTH_SOCK", "DISPLAY", "WAYLAND_DISPLAY")
    ask = 'echo "$SSH_AUTH_SOCK $DISPLAY ${WAYLAND_DISPLAY-none}" >$STORKIT_STORY'
    with Pool(daemon=False) as pool, Installed(pool) as session:
        set_profile(pool, "")
        root = shell_project(pool, ask, sockets=["ssh-agent", "x11", "wayland"])
        try:
            systemctl("set-environment", "SSH_AUTH_SOCK=/old", "DISPLAY=:1", "WAYLAND_DISPLAY=w1")
            session.call("List", "")
            for story, display in (("first", ":2"), ("second", ":3")):
                systemctl("set-environment", f"SSH_AUTH_SOCK=/{story}", f"DISPLAY={display}")
                systemctl("unset-environment", "WAYLAND_DISPLAY")
                session.call("Start", "sss", root, story, "")
                session.call("Wait", "sss", root, story, "")
                told = read(f"{root}/.storkit/worktrees/{story}/{story}")
                assert told == f"/{story} {display} none\n", told
        finally:
            systemctl("unset-environment", *names)


if __name__ == "__main__":
    main()
