# SPDX-License-Identifier: LGPL-2.1-or-later
"""Start: the agent runs as the contract says, or nothing of it is left."""

import json
import os
import pwd
import re
import subprocess
import time

from gi.repository import Gio, GLib

from harness import NAME, PATH, STAND_IN, Pool, PoolError, connect, main, raises, scope_name, skip
from harness import wait_until
from pool import PendingCall
from traces import assert_leaves_nothing, read_text, refused, touch, traces, with_setup

# What the info of an agent that runs holds, and what else it may hold.
RUNNING_INFO = {
    "project_root": "s", "story_id": "s", "agent_name": "s", "status": "s", "worktree_path": "s",
    "base_branch": "s", "branch": "s", "run_id": "s", "unit": "s", "pid": "u", "started": "t",
    "cursor": "t", "frozen": "b", "cpu_usec": "t", "processes": "u", "object_path": "o",
}  # fmt: skip
MAY_BE_THERE = {"session_id": "s", "memory": "t", "memory_peak": "t", "unenforced": "as",
                "sandbox": "s", "sandbox_missing": "as"}  # fmt: skip


def reply_types(pool, method, signature, *arguments):
    """The type of each entry of the a{sv} that @method answers."""
    reply = pool.bus.connection.call_sync(
        NAME, PATH, NAME, method, GLib.Variant(signature, arguments), None,
        Gio.DBusCallFlags.NO_AUTO_START, -1, None,
    )  # fmt: skip
    info = reply.get_child_value(0)
    entries = (info.get_child_value(i) for i in range(info.n_children()))
    return {
        entry.get_child_value(0)
        .get_string(): entry.get_child_value(1)
        .get_variant()
        .get_type_string()
        for entry in entries
    }


def said(pool, info):
    """Runs to the end; returns the outputs and the JSON objects that the agent printed."""
    events = list(pool.subscribe_run(info["run_id"]))
    assert events[-1]["type"] == "done", events[-1]
    outputs = [event["text"] for event in events if event["type"] == "output"]
    return outputs, [event["data"] for event in events if event["type"] == "agent_json"]


def argv_of(pool, info):
    (line,) = (data for data in said(pool, info)[1] if data["type"] == "argv")
    return line["argv"]


def test_start_answers_the_info_of_a_running_agent(pool):
    """Start answers when the program executes: status running, every key that has a value, each in
    the contract's type; Get and List say the same."""
    root = pool.repository(agents={"coder": "idle"})
    types = reply_types(pool, "Start", "(sss)", root, "42_login", "")
    assert {key: types.get(key) for key in RUNNING_INFO} == RUNNING_INFO, types
    extra = {key: types[key] for key in types.keys() - RUNNING_INFO.keys()}
    assert extra.items() <= MAY_BE_THERE.items(), extra

    info = pool.get(root, "42_login")
    assert (info["project_root"], info["story_id"], info["agent_name"]) == (
        root,
        "42_login",
        "coder",
    )
    assert (info["status"], info["base_branch"], info["branch"]) == (
        "running",
        "main",
        "story/42_login",
    )
    assert info["worktree_path"] == f"{root}/.storkit/worktrees/42_login"
    assert re.fullmatch(r"42_login\.coder\.[a-z0-9]{10}", info["run_id"])
    assert info["unit"] == scope_name(info["run_id"])
    assert not info["frozen"] and info["processes"] >= 2
    (listed,) = pool.list()
    assert (listed["run_id"], listed["status"]) == (info["run_id"], "running")


def test_pid_is_the_agents(pool):
    """The pid of the info is that of the agent's program."""
    root = pool.repository(agents={"coder": "idle"})
    info = pool.start(root, "42_login")
    with open(f"/proc/{info['pid']}/cmdline", "rb") as file:
        assert file.read().split(b"\0")[0].decode() == STAND_IN


def test_run_has_a_scope_in_the_slice(pool):
    """A run is a transient scope in app-storkit.slice with the shim, and a sub-cgroup with the
    agent; the scope has the properties that the design names."""
    root = pool.repository(agents={"coder": {"scenario": "idle", "stop_grace": "7s"}})
    info = pool.start(root, "42_login")
    unit, manager = info["unit"], pool.manager
    assert manager.property(unit, "Slice", "Scope") == "app-storkit.slice"
    assert manager.property(unit, "Delegate", "Scope") is True
    assert manager.property(unit, "SendSIGHUP", "Scope") is True
    assert manager.property(unit, "OOMPolicy", "Scope") == "continue"
    assert manager.property(unit, "TimeoutStopUSec", "Scope") == 12_000_000
    assert manager.property(unit, "CollectMode") == "inactive-or-failed"
    assert "coder" in manager.property(unit, "Description")

    cgroup = manager.cgroup(unit)
    with open(f"{cgroup}/agent/cgroup.procs") as file:
        assert [int(line) for line in file] == [info["pid"]]
    with open(f"{cgroup}/cgroup.procs") as file:
        (shim,) = (int(line) for line in file)
    assert os.readlink(f"/proc/{shim}/exe") == os.path.realpath(os.environ["STORKIT_SHIM"])


def test_limits_are_on_the_scope(pool):
    """The roster's limits and the caller's, which win, are properties of the scope; those that this
    machine does not delegate are named in `unenforced`."""
    agent = {"scenario": "idle", "memory_max": "1G", "tasks_max": 100, "cpu_weight": 50}
    root = pool.repository(agents={"coder": agent})
    info = pool.start(root, "42_login", tasks_max=77)
    unit, manager = info["unit"], pool.manager
    assert manager.property(unit, "MemoryMax", "Scope") == 1 << 30
    assert manager.property(unit, "TasksMax", "Scope") == 77
    assert manager.property(unit, "CPUWeight", "Scope") == 50
    with open(f"{manager.cgroup(unit)}/cgroup.controllers") as file:
        controllers = file.read().split()
    limits = {"memory_max": "memory", "tasks_max": "pids", "cpu_weight": "cpu"}
    missing = {limit for limit, controller in limits.items() if controller not in controllers}
    assert set(info.get("unenforced", [])) == missing


def test_command_line_is_the_contracts(pool):
    """An agent of kind claude gets its options in the contract's order, templates replaced."""
    agent = {
        "scenario": "argv",
        "prompt": "Do {{story_id}} from {{base_branch}} in {{worktree_path}}.",
        "args": ["--add-dir", "{{worktree_path}}/{{story_id}}"],
        "model": "opus",
        "allowed_tools": ["Bash", "Edit"],
        "max_turns": 7,
        "max_budget_usd": 2.5,
        "system_prompt": "You work on {{story_id}}.",
    }
    root = pool.repository(agents={"coder": agent})
    info = pool.start(root, "42_login", resume="abc-1")
    tree = info["worktree_path"]
    assert argv_of(pool, info) == [
        STAND_IN,
        "-p", f"Do 42_login from main in {tree}.",
        "--add-dir", f"{tree}/42_login",
        "--model", "opus",
        "--allowedTools", "Bash,Edit",
        "--max-turns", "7",
        "--max-budget-usd", "2.5",
        "--append-system-prompt", "You work on 42_login.",
        "--resume", "abc-1",
        "--output-format", "stream-json",
        "--verbose",
        "--permission-mode", "bypassPermissions",
    ]  # fmt: skip


def test_command_line_leaves_out_what_is_not_set(pool):
    """Without keys in the roster the command line has the prompt and the fixed options only; the
    caller's prompt wins, and is a template too."""
    root = pool.repository(agents={"coder": "argv"})
    info = pool.start(root, "42_login", prompt="Look at {{story_id}}")
    assert argv_of(pool, info) == [
        STAND_IN, "-p", "Look at 42_login", "--output-format", "stream-json", "--verbose",
        "--permission-mode", "bypassPermissions",
    ]  # fmt: skip


def test_prompt_that_looks_like_an_option_goes_last(pool):
    """A prompt that begins with '-' is the last argument, after `--`."""
    root = pool.repository(agents={"coder": "argv"})
    argv = argv_of(pool, pool.start(root, "42_login", prompt="-h is the question"))
    assert argv[:3] == [STAND_IN, "-p", "--output-format"]
    assert argv[-2:] == ["--", "-h is the question"]


def test_long_prompt_comes_on_stdin(pool):
    """A prompt over 100 KiB is the agent's stdin; one over 4 MiB is refused."""
    root = pool.repository(agents={"coder": "argv; read"})
    prompt = "x" * (100 * 1024) + " the end"
    outputs, objects = said(pool, pool.start(root, "42_login", prompt=prompt))
    argv = next(data["argv"] for data in objects if data["type"] == "argv")
    assert argv[1:3] == ["-p", "--output-format"] and max(map(len, argv)) < 1000
    (message,) = (data["message"]["content"] for data in objects if data["type"] == "user")
    assert message == prompt
    refused(pool, root, "InvalidArgument", "other", prompt="x" * (4 << 20) + "x")


def test_environment_is_cleaned_and_completed():
    """The agent gets NO_COLOR=1, its roster's env and the caller's, which wins; nothing of the
    daemon's own service, and nothing of a Claude Code around it."""
    dropped = (
        "CLAUDECODE", "CLAUDE_CODE_ENTRYPOINT", "NOTIFY_SOCKET", "INVOCATION_ID", "LISTEN_FDNAMES",
        "JOURNAL_STREAM", "MANAGERPID", "SYSTEMD_EXEC_PID", "WATCHDOG_PID",
    )  # fmt: skip
    names = ("NO_COLOR", *dropped, "RUST_LOG", "MINE", "ODD")
    with Pool(environment={name: "the-daemons" for name in dropped}) as pool:
        env = {"RUST_LOG": "info", "MINE": "the roster's"}
        scenario = "; ".join(f"env {name}" for name in names)
        root = pool.repository(agents={"coder": {"scenario": scenario, "env": env}})
        info = pool.start(root, "42_login", env={"MINE": "the caller's", "ODD": "a=b c"})
        outputs, _ = said(pool, info)
        assert outputs == [
            "NO_COLOR=1",
            *(f"{name} unset" for name in dropped),
            "RUST_LOG=info",
            "MINE=the caller's",
            "ODD=a=b c",
        ]


def test_terminal_has_50_rows_and_200_columns(pool):
    """The agent's terminal is 50 x 200, its folder the worktree."""
    root = pool.repository(agents={"coder": "size; cwd"})
    info = pool.start(root, "42_login")
    assert said(pool, info)[0] == ["size 50 200", info["worktree_path"]]


def put_on_login_path(pool):
    """A `my-agent` that only a login shell finds: as Debian has it, ~/.profile reads ~/.bashrc, and
    that returns early where the shell is not interactive."""
    if os.path.basename(pwd.getpwuid(os.getuid()).pw_shell) != "bash":
        skip("the user's login shell is not bash")
    home = pool.environment["HOME"]
    os.mkdir(f"{home}/tools")
    os.symlink(STAND_IN, f"{home}/tools/my-agent")
    with open(f"{home}/.profile", "w") as file:
        file.write('. "$HOME/.bashrc"\n')
    with open(f"{home}/.bashrc", "w") as file:
        file.write('case $- in *i*) ;; *) return ;; esac\nPATH="$HOME/tools:$PATH"\n')


def test_agent_is_found_on_the_login_path(pool):
    """An agent that only the user's interactive login shell finds is found."""
    put_on_login_path(pool)
    root = pool.repository(agents={"coder": {"scenario": "argv", "command": "my-agent"}})
    assert argv_of(pool, pool.start(root, "42_login"))[0] == "my-agent"


def test_without_a_roster_there_is_one_agent():
    """A project without project.toml has one agent `default`, kind claude, whose prompt names the
    story; a claude that is not there is named in the error."""
    with Pool() as pool:
        put_on_login_path(pool)
        home = pool.environment["HOME"]
        os.rename(f"{home}/tools/my-agent", f"{home}/tools/claude")
        root = pool.repository(config="")
        info = pool.start(root, "42_login")
        assert info["agent_name"] == "default"
        assert list(pool.subscribe_run(info["run_id"]))[-1]["type"] == "done"
        with open(f"{pool.run_folder(info['run_id'])}/run.json") as file:
            argv = json.load(file)["argv"]
        assert argv[:2] == ["claude", "-p"] and "42_login" in argv[2]


def test_project_root_may_be_given_once(pool):
    """Where project_root is empty the property ProjectRoot holds; where both are, the call is
    InvalidArgument."""
    root = pool.repository()
    for call in (pool.start, pool.stop, pool.get, pool.wait):
        raises("InvalidArgument", call, "", "42_login")
    raises("InvalidArgument", pool.get_config, "")
    pool.set_property("ProjectRoot", GLib.Variant("s", root))
    assert pool.start("", "42_login")["project_root"] == root
    assert pool.wait("", "42_login")["status"] == "completed"
    assert pool.get_config("")


def test_folder_inside_stands_for_the_top(pool):
    """A link to the project, or a folder inside it, is the project."""
    root = pool.repository()
    os.mkdir(f"{root}/sub")
    link = f"{pool.folder}/link"
    os.symlink(f"{root}/sub", link)
    assert pool.start(link, "42_login")["project_root"] == root
    assert pool.wait(f"{root}/sub", "42_login")["status"] == "completed"


def test_bad_project_is_refused(pool):
    """No such folder, no git repository, a bare one, a linked worktree, a relative path, one that
    is no UTF-8: each is refused by what it is."""
    root = pool.repository()
    os.mkdir(f"{pool.folder}/plain")
    refused(pool, root, "NoSuchProject", path=f"{pool.folder}/nowhere")
    refused(pool, root, "NoSuchProject", path=f"{root}/README")
    refused(pool, root, "NotAGitRepository", path=f"{pool.folder}/plain")
    refused(pool, root, "InvalidArgument", path="project")
    pool.git(pool.folder, "init", "--quiet", "--bare", "bare")
    refused(pool, root, "NotAGitRepository", path=f"{pool.folder}/bare")
    os.mkdir(f"{pool.folder}/".encode() + b"\xff")
    os.symlink(f"{pool.folder}/".encode() + b"\xff", f"{pool.folder}/link")
    refused(pool, root, "InvalidArgument", path=f"{pool.folder}/link")
    pool.git(root, "worktree", "add", "--quiet", f"{pool.folder}/linked")
    error = refused(pool, root, "NotAGitRepository", path=f"{pool.folder}/linked")
    assert root in error.message


def test_bad_names_are_refused(pool):
    """A story or agent outside the contract's form is InvalidArgument and is named."""
    root = pool.repository()
    for name in (
        "",
        ".hidden",
        "a/b",
        "../up",
        "a..b",
        "dot.",
        "x.lock",
        "-x",
        "a b",
        "ä",
        "x" * 65,
    ):
        refused(pool, root, "InvalidArgument", story=name)
        if name:
            refused(pool, root, "InvalidArgument", agent=name)
    error = refused(pool, root, "InvalidArgument", story="a/b")
    assert "'a/b'" in error.message


def test_unknown_agent_is_refused(pool):
    """An agent that the roster does not have is NoSuchAgent, and the message names those it has."""
    root = pool.repository(agents={"coder": {}, "reviewer": {}})
    error = refused(pool, root, "NoSuchAgent", agent="nobody")
    assert "nobody" in error.message and "coder" in error.message and "reviewer" in error.message


def test_roster_without_agents_is_refused(pool):
    """A project.toml without an agent is NoAgentsConfigured."""
    root = pool.repository(config='[[component]]\nname = "all"\npath = "."\n')
    refused(pool, root, "NoAgentsConfigured")


def test_broken_config_is_refused(pool):
    """What is wrong in project.toml is InvalidConfig with file, line and column."""
    root = pool.repository()
    for text, place in (
        ('[[agent]]\nname = "a"\ncommand = \n', "3:"),
        ('[[agent]]\nname = "a"\nmax_turns = "many"\n', "3:13"),
        ('[[agent]]\nname = "a"\n[[agent]]\nname = "a"\n', "4:8"),
        ('[[agent]]\nname = ""\n', "2:8"),
    ):
        pool.write_config(root, text)
        error = refused(pool, root, "InvalidConfig")
        assert f"project.toml:{place}" in error.message, error


def test_unknown_key_is_a_warning(pool):
    """A key that nobody knows stops nothing; the log names it."""
    root = pool.repository(agents={"coder": {"colour": "red"}})
    assert pool.start(root, "42_login")["status"] == "running"
    wait_until(lambda: "colour" in pool.log_text(), "the warning")


def test_head_without_a_branch_is_refused(pool):
    """A detached or unborn HEAD is WorktreeFailed, and the message says what to do."""
    root = pool.repository()
    pool.git(root, "checkout", "--quiet", "--detach")
    assert "base_branch" in refused(pool, root, "WorktreeFailed").message
    pool.git(root, "checkout", "--quiet", "--orphan", "empty")
    assert "commit" in refused(pool, root, "WorktreeFailed").message


def test_unknown_base_branch_is_refused(pool):
    """A base_branch that is not there is WorktreeFailed and is named."""
    root = pool.repository()
    error = refused(pool, root, "WorktreeFailed", base_branch="no-such-branch")
    assert "no-such-branch" in error.message


def test_what_may_not_be_written_or_entered_is_refused(pool):
    """A repository that is read-only, or in a folder that may not be entered: the message says what
    to see to, and names the root without a slash at its end."""
    root = pool.repository()
    os.chmod(f"{root}/.git/refs/heads", 0o500)
    message = refused(pool, root, "WorktreeFailed").message
    os.chmod(f"{root}/.git/refs/heads", 0o700)
    assert f"check that you may write to the git folder of {root}: " in message, message
    os.chmod(root, 0)
    message = raises("NoSuchProject", pool.start, f"{root}/below", "42_login").message
    os.chmod(root, 0o700)
    assert "check that you may enter" in message, message
    assert f" {root} " in refused(pool, root, "WorktreeFailed", base_branch="nowhere").message


def test_prompt_for_a_raw_agent_is_refused(pool):
    """A program of kind raw takes no prompt: one that is passed is InvalidArgument."""
    root = pool.repository(agents={"tool": {"kind": "raw", "command": "true"}})
    assert "prompt" in refused(pool, root, "InvalidArgument", prompt="Do it.").message
    assert pool.start(root, "42_login", prompt="")["agent_name"] == "tool"


def test_program_that_cannot_run_is_refused(pool):
    """A program that is missing, not executable, or not on PATH is SpawnFailed and is named."""
    dull = f"{pool.folder}/dull"
    with open(dull, "w") as file:
        file.write("no program\n")
    programs = {"missing": f"{pool.folder}/missing", "dull": dull, "lost": "no-such-program"}
    root = pool.repository(agents={name: {"command": path} for name, path in programs.items()})
    for name, path in programs.items():
        error = refused(pool, root, "SpawnFailed", agent=name)
        assert path in error.message, error
    assert "PATH" in error.message


def test_failing_setup_is_refused(pool):
    """A failing setup command is SetupFailed with the command, its status and its last lines; what
    it left in the worktree goes, what it left running too."""
    command = "touch debris; sleep 1000 & seq 100; echo sorry >&2; exit 3"
    root = with_setup(pool, "true", command, "touch /nonexistent/never")
    error = refused(pool, root, "SetupFailed")
    assert command in error.message and "exit status 3" in error.message
    assert error.message.endswith("97\n98\n99\n100\nsorry")


def test_killed_setup_is_refused(pool):
    """A setup command that a signal ends is SetupFailed and the signal is named."""
    root = with_setup(pool, "kill -KILL $$")
    assert "killed by SIGKILL" in refused(pool, root, "SetupFailed").message


def test_setup_in_a_missing_folder_is_refused(pool):
    """A component whose folder is not in the worktree is SetupFailed."""
    config = '[[component]]\nname = "web"\npath = "web"\nsetup = ["true"]\n'
    root = pool.repository(config=config + pool.roster({"coder": {}}))
    assert "web" in refused(pool, root, "SetupFailed").message


def test_failed_start_keeps_a_worktree_that_was_there(pool):
    """A Start that fails undoes what it made itself, and nothing that was there before."""
    root = pool.repository(agents={"coder": {}, "lost": {"command": "no-such-program"}})
    tree = pool.start(root, "42_login", "coder")["worktree_path"]
    pool.wait(root, "42_login", "coder")
    with open(f"{tree}/work", "w") as file:
        file.write("uncommitted\n")
    raises("SpawnFailed", pool.start, root, "42_login", "lost")
    assert read_text(f"{tree}/work") == "uncommitted\n"
    assert pool.git(tree, "branch", "--show-current") == "story/42_login"


def test_key_is_free_after_a_failed_start(pool):
    """After a Start that failed the same Start can succeed."""
    root = pool.repository(agents={"coder": {"command": f"{pool.folder}/later"}})
    raises("SpawnFailed", pool.start, root, "42_login")
    os.symlink(STAND_IN, f"{pool.folder}/later")
    assert pool.start(root, "42_login")["status"] == "running"


def test_live_key_is_already_running(pool):
    """A second Start for a live key is AlreadyRunning and names its status; another agent or story
    is another key; and an ended run is no obstacle."""
    root = pool.repository(agents={"coder": "idle", "reviewer": {}})
    info = pool.start(root, "42_login")
    error = raises("AlreadyRunning", pool.start, root, "42_login", "coder")
    assert "running" in error.message and info["run_id"] in error.message
    assert pool.get(root, "42_login")["pid"] == info["pid"]
    first = pool.start(root, "42_login", "reviewer")
    pool.wait(root, "42_login", "reviewer")
    second = pool.start(root, "42_login", "reviewer")
    assert first["run_id"] < second["run_id"]
    assert pool.wait(root, "42_login", "reviewer")["run_id"] == second["run_id"]
    assert len(pool.list()) == 2


def test_one_of_two_equal_starts_wins(pool):
    """Of two Starts of one key at once, one runs and the other is AlreadyRunning as pending."""
    root = pool.repository(agents={"coder": "idle"})
    calls = [pool.begin("Start", "(sss)", root, "42_login", "") for _ in range(2)]
    results = []
    for call in calls:
        try:
            results.append(call.result()["status"])
        except Exception as error:
            results.append(error.name)
            assert "pending" in error.message
    assert sorted(results) == ["AlreadyRunning", "running"]


def test_bad_options_are_refused(pool):
    """An unknown option, and one of a wrong type or value, is InvalidArgument and is named."""
    root = pool.repository()
    for key, value in (
        ("colour", GLib.Variant("s", "red")),
        ("prompt", GLib.Variant("u", 1)),
        ("env", GLib.Variant("as", ["A=b"])),
        ("env", GLib.Variant("a{ss}", {"A=B": "c"})),
        ("memory_max", GLib.Variant("s", "much")),
        ("tasks_max", GLib.Variant("b", True)),
        ("base_branch", GLib.Variant("u", 1)),
        ("base_branch", GLib.Variant("s", "")),
        ("resume", GLib.Variant("s", "")),
        ("resume", GLib.Variant("s", "-x")),
    ):
        error = assert_leaves_nothing(
            pool,
            root,
            lambda: raises(
                "InvalidArgument",
                pool.call,
                "StartWithOptions",
                "(sssa{sv})",
                root,
                "42_login",
                "",
                {key: value},
            ),
        )
        assert key in error.message, error


def config_with_gate(pool):
    """A roster whose setup waits for the file `go`, and then fails if there is a file `fail`."""
    commands = [
        f"while [ ! -e {pool.folder}/go ]; do sleep 0.02; done",
        f"[ ! -e {pool.folder}/fail ]",
    ]
    return with_setup(pool, *commands)


def test_slow_start_answers_pending_and_goes_on():
    """A Start that takes longer answers `pending`, and `running` comes as an event."""
    with Pool(environment={"STORKIT_PENDING_MSEC": "1"}) as pool:
        root = config_with_gate(pool)
        info = pool.start(root, "42_login")
        assert info["status"] == "pending" and "pid" not in info
        assert "pending" in raises("AlreadyRunning", pool.start, root, "42_login").message
        touch(f"{pool.folder}/go")
        pool.wait_for(lambda event: event.get("status") == "running")
        assert pool.wait(root, "42_login")["status"] == "completed"


def test_slow_start_that_fails_is_an_error_event():
    """A Start that answered `pending` and fails later ends in an `error` event with the reason; its
    run is listed as failed and has its folder, its worktree and branch are gone, from its info
    too."""
    with Pool(environment={"STORKIT_PENDING_MSEC": "1"}) as pool:
        root = config_with_gate(pool)
        before = traces(pool, root)
        info = pool.start(root, "42_login")
        assert info["status"] == "pending"
        waiter = pool.begin("Wait", "(sss)", root, "42_login", "")
        touch(f"{pool.folder}/fail")
        touch(f"{pool.folder}/go")
        event = pool.wait_for("error")
        assert event["run_id"] == info["run_id"] and "exit status 1" in event["message"]
        ended = waiter.result()
        assert (ended["status"], ended["error"]) == ("failed", event["message"])
        assert pool.git(root, "for-each-ref") == before["refs"]
        assert traces(pool, root)["worktrees"] == before["worktrees"]
        assert pool.run_folders() == [info["run_id"]]
        assert not {"worktree_path", "branch", "base_branch"} & set(ended)
        assert not pool.scope_exists(info["unit"])
        assert pool.list() == [ended], (pool.list(), ended)
        pool.restart_daemon()
        assert pool.list() == [ended], (pool.list(), ended)


def with_a_start_that_waits(pool, **options):
    """A second agent that waits for the first one's setup, and whose Start has answered `pending`.
    Returns the root and its info."""
    gate = f"while [ ! -e {pool.folder}/go ]; do sleep 0.02; done"
    agents = {"coder": "idle", "reviewer": "idle"}
    root = with_setup(pool, "echo Setting up.", gate, agents=agents)
    pool.start(root, "s", "coder")
    pool.wait_for(lambda event: event.get("text") == "Setting up.")
    info = pool.start(root, "s", "reviewer", **options)
    assert info["status"] == "pending"
    return root, info


def test_start_that_answered_pending_is_not_forgotten():
    """A service that dies behind the answer `pending` has promised a run: it is there as failed,
    with an event that says why."""
    with Pool(environment={"STORKIT_PENDING_MSEC": "1"}) as pool:
        root, info = with_a_start_that_waits(pool)
        pool.kill_daemon()
        pool.start_daemon()
        ended = pool.wait(root, "s", "reviewer")
        assert (ended["run_id"], ended["status"]) == (info["run_id"], "failed")
        assert "the service ended" in list(pool.subscribe_run(info["run_id"]))[-1]["message"]
        assert pool.get(root, "s", "coder")["status"] in ("pending", "running")
        pool.stop(root, "s", "coder")


def test_waiting_start_that_fails_keeps_its_folder():
    """The same for one that fails while the service lives: a restart lists it still."""
    with Pool(environment={"STORKIT_PENDING_MSEC": "1"}) as pool:
        root, info = with_a_start_that_waits(pool, base_branch="nowhere")
        touch(f"{pool.folder}/go")
        ended = pool.wait(root, "s", "reviewer")
        assert ended["status"] == "failed" and "nowhere" in ended["error"]
        pool.stop(root, "s", "coder")
        pool.restart_daemon()
        assert pool.list() == [ended], (pool.list(), ended)


def test_start_that_fails_leaves_the_ended_run_listed(pool):
    """A Start that returns an error has replaced nothing: the last ended run is still there."""
    root = pool.repository(agents={"coder": "exit 0"})
    pool.start(root, "s")
    ended = pool.wait(root, "s")
    pool.write_config(root, pool.roster({"coder": {"command": "/nonexistent"}}))
    raises("SpawnFailed", pool.start, root, "s")
    assert pool.list() == [ended] and pool.run_folders() == [ended["run_id"]]


def test_start_that_fails_as_pending_is_due():
    """A Start that fails just when its caller would be told `pending` is either an error, and
    nothing is left, or `pending`, and the failed run keeps its folder."""
    with Pool(environment={"STORKIT_PENDING_MSEC": "4000"}) as pool:
        crowd = "cd $XDG_STATE_HOME/storkit/runs/$STORKIT_STORY.* && seq 10000 | xargs touch full"
        go = f"{pool.folder}/go"
        root = with_setup(pool, crowd, f"while [ ! -e {go} ]; do sleep 0.02; done", "false")
        due = time.monotonic() + 4
        calls = [pool.begin("Start", "(sss)", root, f"s{i}", "") for i in range(4)]
        # To remove so many files takes a while: `pending` is due in the middle of it.
        wait_until(lambda: time.monotonic() > due - 0.25, "the moment before `pending` is due")
        touch(go)
        kept = []
        for i, call in enumerate(calls):
            try:
                kept.append(call.result()["run_id"])
            except PoolError as error:
                assert error.name == "SetupFailed", error
                continue
            assert pool.wait(root, f"s{i}")["status"] == "failed"
        wait_until(lambda: pool.get_property("Running") == 0, "the end of all of them")
        assert sorted(pool.run_folders()) == sorted(kept)
        assert sorted(info["run_id"] for info in pool.list()) == sorted(kept)


def test_start_in_setup_answers_pending_when_the_service_goes(pool):
    """A service that ends while setup runs answers `pending` to who asked for the start: the run
    goes on, and the next service has it."""
    setup = f'setup = ["until [ -e {pool.folder}/go ]; do sleep 0.05; done"]\n'
    component = f'[[component]]\nname = "all"\npath = "."\n{setup}'
    root = pool.repository(config=pool.roster({"coder": "idle"}) + component)
    call = pool.begin("Start", "(sss)", root, "s", "")

    def in_setup():
        call.done()
        return [run for run in pool.run_folders()
                if os.path.exists(f"{pool.run_folder(run)}/transcript")]  # fmt: skip

    (run,) = wait_until(in_setup, "the setup")
    assert pool.stop_daemon() == 0
    info = call.result(5)
    assert info["run_id"] == run and info["status"] == "pending"
    pool.start_daemon()
    touch(f"{pool.folder}/go")
    wait_until(lambda: pool.get(root, "s")["status"] == "running", "the agent")


def test_caller_that_goes_away_does_not_matter(pool):
    """A Start whose caller leaves the bus before the reply goes on."""
    root = config_with_gate(pool)
    caller = connect(pool.bus.address)
    PendingCall(caller, "Start", GLib.Variant("(sss)", (root, "42_login", "")))
    wait_until(lambda: pool.list(), "the run")
    caller.close_sync()
    touch(f"{pool.folder}/go")
    pool.wait_for("done")
    assert pool.get(root, "42_login")["status"] == "completed"


def test_busctl_can_do_it(pool):
    """The words of the README: busctl starts an agent."""
    root = pool.repository(agents={"coder": "idle"})
    output = subprocess.run(
        ["busctl", f"--address={pool.bus.address}", "--json=short", "call", NAME, PATH, NAME,
         "Start", "sss", root, "42_login", ""],
        stdout=subprocess.PIPE, check=True,
    ).stdout  # fmt: skip
    (info,) = json.loads(output)["data"]
    assert info["status"]["data"] == "running"


if __name__ == "__main__":
    main()
