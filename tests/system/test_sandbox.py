# SPDX-License-Identifier: LGPL-2.1-or-later
"""The sandbox: an agent may write where it should, and nowhere else. Each attack is tried without
the sandbox first, where it has to succeed."""

import ctypes
import os

from ctl import Ctl
from harness import main, raises, skip
from traces import read_text

GIT = "git -c user.name=agent -c user.email=agent@localhost"


def needs_landlock(abi=2):
    if ctypes.CDLL(None).syscall(444, None, 0, 1) < abi:
        skip(f"this kernel has no Landlock of version {abi}")


def agents(script, **keys):
    agent = {"kind": "raw", "command": "/bin/sh", "args": ["-c", script], **keys}
    return {"free": agent, "confined": {**agent, "sandbox": "worktree"}}


def end(pool, root, story, agent):
    pool.start(root, story, agent)
    return pool.wait(root, story, agent)


def refused(pool, script, **keys):
    """@script, with ROOT, exits with 0 where the attack succeeded."""
    needs_landlock()
    name = f"project{len(os.listdir(pool.folder))}"
    script = f'set -e; ROOT="{pool.folder}/{name}"; {script}'
    root = pool.repository(name, agents=agents(script, **keys))
    free = end(pool, root, "42_free", "free")
    assert free["status"] == "completed", free
    confined = end(pool, root, "43_confined", "confined")
    assert confined["status"] == "failed", confined
    assert confined["sandbox"] == "worktree" and "sandbox" not in free
    return root


def test_a_sandboxed_agent_edits_and_commits(pool):
    """In the worktree: edit, commit, amend, rebase, branch-local config; with temporary files."""
    needs_landlock()
    script = (f"set -e; echo work > file; {GIT} add file; {GIT} commit -qm one; "
              f"echo more >> file; {GIT} commit -qa --amend -m two; "
              f"{GIT} commit -q --allow-empty -m x; "
              f"{GIT} rebase -q --force-rebase HEAD~1; {GIT} status --porcelain; "
              "test -n \"$TMPDIR\"; mktemp; mkdir d; mv file d/; git gc --auto")  # fmt: skip
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


def test_git_hooks(pool):
    """What git would run for the user is not written."""
    root = refused(pool, 'mkdir -p "$ROOT/.git/hooks"; echo : > "$ROOT/.git/hooks/pre-push"')
    assert read_text(f"{root}/.git/hooks/pre-push") == ":\n"  # by the free one


def test_git_config(pool):
    refused(pool, 'git config --file "$ROOT/.git/config" alias.x y')


def test_git_info(pool):
    refused(pool, 'echo "* filter=x" >> "$ROOT/.git/info/attributes"')


def test_another_branch(pool):
    """Main, tags and packed references are not the agent's."""
    refused(pool, "git update-ref refs/heads/main HEAD; git update-ref refs/heads/other HEAD")


def test_packed_references(pool):
    refused(pool, "git pack-refs --all")


def test_the_projects_own_file(pool):
    refused(pool, 'echo >> "$ROOT/.storkit/project.toml"')


def test_the_project_itself(pool):
    refused(pool, 'echo >> "$ROOT/README"')


def test_another_worktree(pool):
    refused(pool, 'git worktree add -q "$ROOT/.storkit/worktrees/other" -b other$$')


def test_the_home_folder(pool):
    refused(pool, 'echo >> "$HOME/.bashrc.test"; rm "$HOME/.bashrc.test"')


def test_a_unit_of_the_user(pool):
    refused(pool, 'mkdir -p "$HOME/.config/systemd/user"; '
                  'echo > "$HOME/.config/systemd/user/storkit-test.service"; '
                  'rm "$HOME/.config/systemd/user/storkit-test.service"')


def test_secrets_and_other_runs(pool):
    """Default unreadable paths, and the folders of runs."""
    refused(pool, 'mkdir -p "$HOME/.ssh"; cat "$HOME/.ssh/id_test" 2> /dev/null || '
                  '{ echo secret > "$HOME/.ssh/id_test"; cat "$HOME/.ssh/id_test"; }')
    refused(pool, f'cat {pool.environment["XDG_STATE_HOME"]}/storkit/runs/*/run.json')


def test_the_bus(pool):
    """No call to the service, no unit started by the user manager."""
    refused(pool, "gdbus call --session --dest org.storkit.AgentPool --object-path "
                  "/org/storkit/AgentPool --method org.storkit.AgentPool.List")


def test_the_user_manager(pool):
    refused(pool, "systemctl --user list-units --no-pager")


def test_the_service_can_not_be_signalled(pool):
    needs_landlock(6)
    refused(pool, f"kill -0 {pool.process.pid}")


def test_network_none(pool):
    refused(pool, "python3 -c 'import socket; socket.socket()'", network="none")


def test_writable_and_sockets_are_honoured(pool):
    needs_landlock()
    outside = f"{pool.folder}/outside"
    os.mkdir(outside)
    script = f"echo x > {outside}/x && python3 -c 'import socket; socket.socket(socket.AF_UNIX)'"
    root = pool.repository(agents=agents(script, writable=[outside], sockets=["ssh-agent"]))
    info = end(pool, root, "42_login", "confined")
    assert info["status"] == "completed", info
    assert "bus" in info["sandbox_missing"], "with unix sockets the bus can't be kept away"


def test_required_refuses_where_something_is_missing(pool):
    root = pool.repository(agents={"coder": {"kind": "raw", "command": "/bin/true",
                                             "sandbox": "required", "sockets": ["ssh-agent"]}})
    error = raises("SpawnFailed", pool.start, root, "42_login")
    assert "bus" in error.message and "worktree" in error.message, error.message
    assert pool.list() == [] and pool.run_folders() == []


def test_the_option_of_a_start_wins(pool):
    needs_landlock()
    root = pool.repository(agents=agents('echo > "$PWD/../../../README"'))
    pool.start(root, "42_login", "free", sandbox="worktree")
    assert pool.wait(root, "42_login", "free")["status"] == "failed"
    pool.start(root, "42_login", "confined", sandbox="none")
    assert pool.wait(root, "42_login", "confined")["status"] == "completed"
    raises("InvalidArgument", pool.start, root, "43", "free", sandbox="yes")


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
