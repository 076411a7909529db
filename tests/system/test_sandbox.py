# SPDX-License-Identifier: LGPL-2.1-or-later
"""The sandbox: an agent may write where it should, and nowhere else. Each attack is tried without
the sandbox first, where it has to succeed."""

import ctypes
import os
import shutil
import socket
import subprocess

from ctl import Ctl
from follower import all_events
from harness import main, raises, skip, wait_until
from session import RUNTIME
from traces import read_text

GIT = "git -c user.name=agent -c user.email=agent@localhost"


def write_text(path, text):
    with open(path, "w") as file:
        file.write(text)


def needs_landlock(abi=2):
    if ctypes.CDLL(None).syscall(444, None, 0, 1) < abi:
        skip(f"this kernel has no Landlock of version {abi}")


def agents(script, **keys):
    agent = {"kind": "raw", "command": "/bin/sh", "args": ["-c", script], **keys}
    return {"free": {**agent, "sandbox": "none"}, "confined": {**agent, "sandbox": "worktree"}}


def end(pool, root, story, agent):
    pool.start(root, story, agent)
    return pool.wait(root, story, agent)


def test_a_sandboxed_agent_edits_and_commits(pool):
    """In the worktree: edit, commit, amend, rebase, branch-local config; with temporary files."""
    needs_landlock()
    script = (f"set -e; echo work > file; {GIT} add file; {GIT} commit -qm one; "
              f"echo more >> file; {GIT} commit -qa --amend -m two; "
              f"{GIT} commit -q --allow-empty -m x; "
              f"{GIT} rebase -q --force-rebase HEAD~1; {GIT} status --porcelain; "
              "test -n \"$TMPDIR\"; test \"$JAVA_TOOL_OPTIONS\" = \"-Djava.io.tmpdir='$TMPDIR'\"; "
              "mktemp; mkdir d; mv file d/; git gc --auto; "
              "git fetch -q --refmap= ../../.. main; git rev-parse FETCH_HEAD; "
              "! git stash -q -u")  # fmt: skip
    root = pool.repository(agents=agents(script))
    info = end(pool, root, "42_login", "confined")
    assert info["status"] == "completed", list(pool.subscribe_run(info["run_id"]))
    assert pool.git(root, "rev-list", "--count", "main..story/42_login") == "2"
    assert not os.path.exists(f"{pool.run_folder(info['run_id'])}/tmp"), "it goes with the run"


def test_a_branch_whose_reference_is_packed_can_be_committed_to(pool):
    """git pack-refs removes a folder of references that is empty, which the agent can't make."""
    needs_landlock()
    root = pool.repository(agents=agents(f"{GIT} commit -q --allow-empty -m again"))
    assert end(pool, root, "42_login", "confined")["status"] == "completed"
    pool.git(root, "pack-refs", "--all", "--prune")
    assert end(pool, root, "42_login", "confined")["status"] == "completed"
    assert pool.git(root, "rev-list", "--count", "main..story/42_login") == "2"


# --- Attacks ---

PYTHON = """python3 -c '
import ctypes, os, socket, sys
libc = ctypes.CDLL(None, use_errno=True)
def call(*arguments):
    r = libc.syscall(*arguments)
    if r < 0: raise OSError(ctypes.get_errno(), "refused")
    return r
shim, service = int(os.environ["SHIM"]), int(os.environ["SERVICE"])
%s'
"""

# What an agent may try, in a shell with -e: it exits with 0 where it succeeds. Those with a name of
# `sandbox_missing` succeed in the sandbox, too, where the kernel lacks that. Their victims are the
# test's.
ATTACKS = {
    # Files
    "a file of the home folder": 'echo x >> "$HOME/.bashrc"',
    "a new file in the home folder": 'echo x > "$HOME/.profile.$AGENT"',
    "a unit of the user": 'mkdir -p "$UNITS"; echo x > "$UNITS/storkit-test.service"',
    "a drop-in": 'mkdir -p "$UNITS/x.service.d"; echo x > "$UNITS/x.service.d/y.conf"',
    "the project": 'echo x >> "$ROOT/README"',
    "the roster": 'echo "# x" >> "$ROOT/.storkit/project.toml"',
    "another worktree": 'echo x > "$ROOT/.storkit/worktrees/41_other/x"',
    "a new worktree": 'git worktree add -q "$ROOT/.storkit/worktrees/new" -b new',
    "removing": 'rm "$OUT/removed"',
    "renaming": 'mv "$OUT/renamed" "$OUT/new-name"',
    "through a symbolic link": 'ln -s "$OUT/file" link; echo x >> link',
    "through a hard link": 'ln "$OUT/file" hard; echo x >> hard',
    "through /proc/self/root": 'echo x >> "/proc/self/root$OUT/file"',
    "through the root of the shim": 'echo x >> "/proc/$SHIM/root$OUT/file"',
    "through a bind mount in a user namespace": """
        mkdir -p bound; unshare --user --map-root-user --mount \\
            sh -ec 'mount --bind "$OUT" bound; echo x >> bound/file'""",
    "truncation": ("perl -e 'truncate $ENV{OUT}.\"/file\", 0 or exit 1'", "truncate"),
    "the mode of a file": ('chmod 600 "$OUT/file"', "metadata"),
    "the times of a file": ("perl -e 'utime 0, 0, $ENV{OUT}.\"/file\" or exit 1'", "metadata"),
    "the mode of a file in a namespace of its own": ("""unshare --user --map-root-user --mount \\
            sh -ec 'mount -o remount,bind,rw / || true; umount / || true; chmod 600 "$OUT/file"'
        """, "metadata"),
    "secrets": 'cat "$HOME/.ssh/id_test"',
    # Git
    "git's hooks": 'mkdir -p "$ROOT/.git/hooks"; echo x > "$ROOT/.git/hooks/pre-push"',
    "git's config": 'git config --file "$ROOT/.git/config" alias.x y',
    "git's info": 'echo "* x" >> "$ROOT/.git/info/attributes"',
    "main": "git update-ref refs/heads/main HEAD; git update-ref refs/heads/other HEAD",
    "packed references": "git pack-refs --all",
    # Our own
    "its transcript": "printf '' >> $RUN/times",
    "its control": "printf '' > $RUN/control",
    "its record": "printf '' >> $RUN/run.json",
    "another run's folder": "touch $(echo $RUNS/41_other.*)/x",
    "another run's prompt": "cat $RUNS/41_other.*/run.json",
    "leaving its cgroup": """C=/sys/fs/cgroup$(sed -n 's/^0:://p' /proc/self/cgroup)
        sh -ec 'echo $$ > "$1/../cgroup.procs"' sh "$C" """,
    # Processes
    "SIGKILL": ("kill -KILL $VICTIM", "signals"),
    "a signal to the service": ("kill -0 $SERVICE", "signals"),
    "a signal to the shim": ("kill -0 $SHIM", "signals"),
    "ptrace": PYTHON % "call(101 if os.uname().machine == \"x86_64\" else 117, 0x4206, shim, 0, 0)",
    "pidfd_getfd of the shim": PYTHON % "call(438, call(434, shim, 0), 4, 0)",
    "pidfd_getfd of the service": PYTHON % "call(438, call(434, service, 0), 1, 0)",
    "memory of the service": PYTHON % 'open(f"/proc/{service}/mem", "rb")',
    # Sockets
    "the user manager": "systemctl --user list-units --no-pager",
    "systemd-run": "DBUS_SESSION_BUS_ADDRESS=unix:path=$XDG_RUNTIME_DIR/bus "
                   "systemd-run --user --quiet --wait --collect true",
    "Stop of another run": """gdbus call --address "$BUS" --dest org.storkit.AgentPool \\
        --object-path /org/storkit/AgentPool --method org.storkit.AgentPool.Stop \\
        "$ROOT" 41_other other""",
    "a socket": PYTHON % 'socket.socket(socket.AF_UNIX).connect(os.environ["OUT"] + "/socket")',
    "an abstract socket":
        PYTHON % 'socket.socket(socket.AF_UNIX).connect("\\0" + os.environ["OUT"])',
    "the table of cron": "! crontab -l 2>&1; echo '# x' | crontab -; crontab -r",
    "a job of at": """job=$(echo true | at now + 1 day 2>&1)
        at -r $(echo "$job" | sed -n 's/^job \\([0-9]*\\) at.*/\\1/p')""",
}  # fmt: skip
NEEDS = {"the table of cron": "crontab", "a job of at": "at"}


def script_of(attacks):
    """Runs each in a shell of its own; their exit statuses go into the worktree's file `tried`,
    what they print into files beside it."""
    lines = []
    for number, attack in enumerate(attacks):
        lines.append(f"cat > {number}.sh << 'END'\n{attack}\nEND\n"
                     f"timeout 20 sh -e {number}.sh > {number}.out 2>&1 < /dev/null; "
                     f"echo $? >> tried")  # fmt: skip
    return "\n".join(lines)


def outcome(info, names):
    """For each of @names, None where it succeeded, or how it failed."""
    folder = info["worktree_path"]
    statuses = read_text(f"{folder}/tried").split()
    assert len(statuses) == len(names), statuses
    return {name: None if status == "0" else read_text(f"{folder}/{number}.out")
            for number, (name, status) in enumerate(zip(names, statuses))}  # fmt: skip


class Victims:
    """Files, sockets and a process that an attack may change; those are in $OUT."""

    def __init__(self, pool):
        self.pool = pool
        self.out, self.home = f"{pool.folder}/out", f"{pool.folder}/home"
        os.makedirs(f"{self.home}/.ssh")
        os.mkdir(self.out)
        for name in ("out/file", "out/removed", "out/renamed", "home/.ssh/id_test"):
            write_text(f"{pool.folder}/{name}", "untouched\n")
        self.sockets = [socket.socket(socket.AF_UNIX), socket.socket(socket.AF_UNIX)]
        for server, address in zip(self.sockets, (f"{self.out}/socket", f"\0{self.out}")):
            server.bind(address)
            server.listen()
        self.process = subprocess.Popen(["sleep", "1000"])

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self.process.kill()
        self.process.wait()
        for server in self.sockets:
            server.close()

    def environment(self):
        return {"OUT": self.out, "HOME": self.home, "UNITS": f"{self.home}/.config/systemd/user",
                "BUS": self.pool.environment["DBUS_SESSION_BUS_ADDRESS"],
                "VICTIM": str(self.process.pid), "SERVICE": str(self.pool.process.pid),
                "RUNS": f'{self.pool.environment["XDG_STATE_HOME"]}/storkit/runs'}  # fmt: skip


def tried(pool, attacks, **keys):
    """Plays @attacks, a script each by its name: in the sandbox, then outside of it. Returns the
    info of the former, and the two outcomes."""
    needs_landlock()
    with Victims(pool) as victims:
        prologue = ('export SHIM=$PPID ROOT="${PWD%/.storkit/*}"; '
                    'RUN=$(echo "$RUNS/${PWD##*/}".*); export RUN\n')  # fmt: skip
        roster = agents(prologue + script_of(attacks.values()), **keys)
        for agent in roster.values():
            agent["env"] = agent.get("env", {}) | victims.environment()
        roster["other"] = {"kind": "raw", "command": "/bin/true"}
        root = pool.repository(agents=roster)
        assert end(pool, root, "41_other", "other")["status"] == "completed"
        confined = end(pool, root, "42_confined", "confined")
        return (confined, outcome(confined, attacks),
                outcome(end(pool, root, "43_free", "free"), attacks))  # fmt: skip


def test_attacks(pool):
    """Each is refused in the sandbox, unless that says so, and succeeds outside of it."""
    attacks = {name: attack for name, attack in ATTACKS.items()
               if name not in NEEDS or shutil.which(NEEDS[name])}  # fmt: skip
    parts = {name: attack[1] for name, attack in attacks.items() if isinstance(attack, tuple)}
    scripts = {name: attack[0] if name in parts else attack for name, attack in attacks.items()}
    info, inside, outside = tried(pool, scripts)
    assert info["sandbox"] == "worktree"
    for name in attacks:
        print(f"{name}: {(inside[name] or 'succeeds').strip().splitlines()[-1:]}")
    failed = {name: words for name, words in outside.items() if words is not None}
    assert not failed, failed
    missing = info.get("sandbox_missing", [])
    succeed = {name for name, part in parts.items() if part in missing}
    assert {name for name, words in inside.items() if words is None} == succeed, missing


def test_what_it_lacks_is_said(pool):
    """By start, show and config, and in the journal."""
    needs_landlock()
    root = pool.repository(agents=agents("sleep 1000", sockets=["ssh-agent"]))
    ctl = Ctl(pool, root=root)
    said = ctl("start", "42_login/confined").err
    info = pool.get(root, "42_login", "confined")
    pool.units.add(info["unit"])
    missing = info["sandbox_missing"]
    words = ", ".join(missing)
    assert f"warning: this machine does not enforce all of its sandbox: {words}\n" in said, said
    shown = ctl.out("show", "42_login")
    assert f"Sandbox: worktree\n     Lacks: {words}\n" in shown, shown
    free, confined = pool.get_config(root)["agents"]
    assert confined["sandbox_missing"] == missing and "sandbox_missing" not in free
    assert f"sandbox_missing: {words}\n" in ctl.out("config")
    begun = wait_until(
        lambda: [entry for entry in pool.journal(info["run_id"]) if "STORKIT_SANDBOX" in entry],
        "the entry of the start",
    )
    assert begun[0]["STORKIT_EVENT"] == "status" and begun[0]["STORKIT_SANDBOX"] == "worktree"
    assert begun[0]["STORKIT_SANDBOX_MISSING"] in (missing, *missing)
    assert begun[0]["MESSAGE"].endswith(f"does not enforce: {words}"), begun[0]["MESSAGE"]


def test_network_none(pool):
    """No socket of any family but netlink's, and unix pairs."""
    _, inside, outside = tried(pool, {
        "inet": "python3 -c 'import socket; socket.socket()'",
        "inet6": "python3 -c 'import socket; socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)'",
    }, network="none")  # fmt: skip
    assert None not in inside.values() and set(outside.values()) == {None}


def test_writable_and_sockets_are_honoured(pool):
    needs_landlock()
    outside = f"{pool.folder}/outside"
    os.mkdir(outside)
    script = f"echo x > {outside}/x && python3 -c 'import socket; socket.socket(socket.AF_UNIX)'"
    root = pool.repository(agents=agents(script, writable=[outside], sockets=["ssh-agent"]))
    info = end(pool, root, "42_login", "confined")
    assert info["status"] == "completed", info
    missing = info["sandbox_missing"]
    assert "sockets" in missing, missing
    assert ("bus" in missing) == ("metadata" in missing), "it is hidden where mounts can be had"


def test_a_socket_is_reached_and_the_bus_is_not(pool):
    """Where mounts can be had: of the runtime folder it sees the socket that the roster names."""
    needs_landlock()
    address = f"{RUNTIME}/storkit-test-{os.getpid()}"
    connect = PYTHON % 'socket.socket(socket.AF_UNIX).connect(os.environ["SSH_AUTH_SOCK"])'
    names = ("the user manager", "systemd-run", "Stop of another run")
    attacks = {"agent": connect, **{name: ATTACKS[name] for name in names}}
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(address)
        server.listen()
        try:
            info, inside, outside = tried(pool, attacks, sockets=["ssh-agent"],
                                          env={"SSH_AUTH_SOCK": address})  # fmt: skip
        finally:
            os.unlink(address)
    assert set(outside.values()) == {None}, outside
    if "bus" in info["sandbox_missing"]:
        skip("this machine refuses unprivileged mount namespaces")
    assert inside.pop("agent") is None and None not in inside.values(), inside


def test_required_refuses_where_something_is_missing(pool):
    root = pool.repository(agents={"coder": {"kind": "raw", "command": "/bin/true",
                                             "sandbox": "required", "sockets": ["ssh-agent"]}})
    error = raises("SpawnFailed", pool.start, root, "42_login")
    assert "sockets" in error.message and "worktree" in error.message, error.message
    assert pool.list() == [] and pool.run_folders() == []


def test_it_is_the_default(pool):
    """An agent whose roster says nothing of it, in the info and its object, in `config`, `show` and
    the journal: it writes its worktree and its temporary folder, and nothing outside."""
    needs_landlock()
    script = (f'set -e; echo x > in; echo x > "$(mktemp)"; ! echo x > {pool.folder}/out; '
              'exit 3')  # fmt: skip
    plain = {"kind": "raw", "command": "/bin/sh", "args": ["-c", script]}
    root = pool.repository(agents={"plain": plain, "free": {**plain, "sandbox": "none"}})
    info = end(pool, root, "42_login", "plain")
    assert (info["sandbox"], info["exit_code"]) == ("worktree", 3), info
    assert os.path.exists(f"{info['worktree_path']}/in")
    assert not os.path.exists(f"{pool.folder}/out")
    configured, free = pool.get_config(root)["agents"]
    assert (configured["sandbox"], free["sandbox"]) == ("worktree", "none")
    shown = Ctl(pool, root=root).out("show", "42_login")
    assert "Sandbox: worktree (to try a command in it: storkitctl sandbox 42_login -- " in shown
    begun = [entry for entry in pool.journal(info["run_id"]) if "STORKIT_SANDBOX" in entry]
    assert begun[0]["STORKIT_SANDBOX"] == "worktree"
    info = end(pool, root, "43_other", "free")
    assert "sandbox" not in info and os.path.exists(f"{pool.folder}/out"), info


def test_it_is_the_default_without_a_project_file(pool):
    root = pool.repository(config="")
    (agent,) = pool.get_config(root)["agents"]
    assert agent["sandbox"] == "worktree"


def test_the_project_says_it_for_its_agents(pool):
    """Those that have none of their own."""
    agent = {"kind": "raw", "command": "/bin/true"}
    roster = pool.roster({"plain": agent, "confined": {**agent, "sandbox": "worktree"}})
    root = pool.repository(config=f'sandbox = "none"\n{roster}')
    plain, confined = pool.get_config(root)["agents"]
    assert (plain["sandbox"], confined["sandbox"]) == ("none", "worktree")
    assert "sandbox" not in end(pool, root, "42_login", "plain")
    assert end(pool, root, "42_login", "confined")["sandbox"] == "worktree"


def test_the_bus_is_open_where_the_roster_needs_it(pool):
    """By may_start, or mcp; `bus` wins."""
    cases = (
        ({}, False), ({"may_start": []}, False), ({"may_start": ["a0"]}, True),
        ({"mcp": True}, True), ({"bus": True}, True), ({"may_start": ["a0"], "bus": False}, False),
    )  # fmt: skip
    root = pool.repository(
        agents={f"a{number}": keys for number, (keys, _) in enumerate(cases)}
    )
    for agent, (keys, opens) in zip(pool.get_config(root)["agents"], cases):
        assert agent.get("bus", False) == opens, keys


def test_what_an_undone_start_made_in_gits_folder_goes(pool):
    """Also the file that keeps the folder of the branch."""
    root = pool.repository(agents={"coder": {"kind": "raw", "command": "/none/there"}})
    raises("SpawnFailed", pool.start, root, "42_login")
    for folder in ("refs/heads", "logs/refs/heads"):
        assert os.listdir(f"{root}/.git/{folder}") == ["main"]


def test_exceptions_from_what_is_unreadable(pool):
    """`readable`; what ssh needs to use the keys of an agent, with `sockets`."""
    needs_landlock()
    home = f"{pool.folder}/home"
    os.makedirs(f"{home}/.ssh")
    os.makedirs(f"{home}/.config/gh")
    for name in (".ssh/id_test", ".ssh/known_hosts", ".config/gh/hosts.yml", ".netrc"):
        write_text(f"{home}/{name}", "text\n")
    script = ('cd; for f in .ssh/id_test .ssh/known_hosts .config/gh/hosts.yml .netrc; do '
              'cat $f >/dev/null 2>&1 && echo $f; done; '
              'echo x 2>/dev/null >> .ssh/known_hosts || true')  # fmt: skip
    agent = {"kind": "raw", "command": "/bin/sh", "args": ["-c", script],
             "env": {"HOME": home, "XDG_CONFIG_HOME": f"{home}/.config"}}  # fmt: skip
    more = {"readable": ["~/.config/gh"], "sockets": ["ssh-agent"]}
    root = pool.repository(agents={"none": agent, "some": agent | more})
    for name, seen in (("none", []), ("some", [".ssh/known_hosts", ".config/gh/hosts.yml"])):
        info = end(pool, root, "42_login", name)
        events = pool.subscribe_run(info["run_id"])
        assert [event["text"] for event in events if event["type"] == "output"] == seen, name
    assert read_text(f"{home}/.ssh/known_hosts") == "text\n"


def test_files_of_the_user_stay_his(pool):
    """What he writes anew while an agent works, the agent can read; what he deletes is gone from
    the disk, which Landlock alone would hold."""
    needs_landlock()
    home = f"{pool.folder}/home"
    os.makedirs(f"{home}/.ssh")
    write_text(f"{home}/.gitconfig", "[user]\nname = one\n")
    script = f"while ! [ -e {pool.folder}/go ]; do sleep 0.05; done; git config user.name"
    agent = {"kind": "raw", "command": "/bin/sh", "args": ["-c", script], "env": {"HOME": home}}
    root = pool.repository(agents={"coder": agent})
    info = pool.start(root, "42_login")
    if "metadata" in info.get("sandbox_missing", []):
        skip("this machine refuses unprivileged mount namespaces")
    write_text(f"{home}/new", "[user]\nname = two\n")
    os.rename(f"{home}/new", f"{home}/.gitconfig")
    write_text(f"{pool.folder}/go", "")
    assert pool.wait(root, "42_login")["status"] == "completed"
    events = pool.subscribe_run(info["run_id"])
    assert [event["text"] for event in events if event["type"] == "output"] == ["two"]


def test_the_option_of_a_start_wins(pool):
    needs_landlock()
    root = pool.repository(agents=agents('echo > "$PWD/../../../README"'))
    pool.start(root, "42_login", "free", sandbox="worktree")
    assert pool.wait(root, "42_login", "free")["status"] == "failed"
    pool.start(root, "42_login", "confined", sandbox="none")
    assert pool.wait(root, "42_login", "confined")["status"] == "completed"
    raises("InvalidArgument", pool.start, root, "43", "free", sandbox="yes")


def test_own_processes_can_be_traced(pool):
    """A debugger, and LeakSanitizer, work on what the agent has started."""
    code = """
import ctypes, os, signal
libc = ctypes.CDLL(None, use_errno=True)
child = os.fork()
if child == 0:
    signal.pause()
print("seized", libc.ptrace(0x4206, child, 0, 0) == 0)
os.kill(child, signal.SIGKILL)
"""
    agent = {"kind": "raw", "command": "/usr/bin/python3", "args": ["-c", code]}
    root = pool.repository(agents={"coder": agent})
    info = pool.start(root, "s")
    pool.wait(root, "s")
    output = [event["text"] for event in all_events(pool, info["run_id"]) if "text" in event]
    assert output == ["seized True"], output


def test_setup_is_not_confined(pool):
    needs_landlock()
    config = f'[[component]]\nname = "all"\npath = "."\nsetup = ["touch {pool.folder}/by-setup"]\n'
    root = pool.repository(config=config + pool.roster(agents("true")))
    assert end(pool, root, "42_login", "confined")["status"] == "completed"
    assert os.path.exists(f"{pool.folder}/by-setup")


def test_a_command_in_the_sandbox_of_a_run(pool):
    """storkitctl sandbox STORY -- COMMAND."""
    needs_landlock()
    root = pool.repository(agents=agents("sleep 1000"))
    pool.start(root, "42_login", "confined")
    ctl = Ctl(pool, root=root)
    for command, status in (("echo x > made", 0), (f"echo x > {root}/made", 2), ("exit 5", 5)):
        ctl("sandbox", "42_login", "--", "sh", "-c", command, status=status)
    assert read_text(f"{root}/.storkit/worktrees/42_login/made") == "x\n"
    ctl("sandbox", "42_login", status=2)


if __name__ == "__main__":
    main()
