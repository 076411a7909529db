# SPDX-License-Identifier: LGPL-2.1-or-later
"""storkitctl in trouble: every command of it, wrongly called, without a service, about what is not
there, and with a service that dies in the middle."""

import os
import re
from contextlib import contextmanager
from dataclasses import dataclass, field

from ctl import NO_SERVICE, NOT_FOUND, USAGE, Ctl, calls_seen
from harness import Pool, main, timeout, wait_until
from test_faults import begin_faulty, wait_for_death

WIDE = {"rows": 50, "columns": 300}  # so that no message is folded
LOST = "exited before it replied"


@dataclass
class Command:
    """@calls: right calls, for a story 42_login that has ended and a 43_search that is live, each
    with the methods of the service that it needs.

    @outlives: of those, the ones whose loss it gets over when the service is back, and the exit
    status that it has then.
    @wrong: wrong calls, each with what the message has to say.
    @absent: a call that names what is not there, and a word for that; or why there is none.
    @offline: it does all that it can without a service.
    @keys: what ends it at a terminal, where alone it works."""

    calls: dict
    wrong: dict
    absent: tuple | str
    outlives: dict = field(default_factory=dict)
    offline: bool = False
    keys: str = ""


NAMES_NO_RUN = "names no run"
NO_RUN = "no run of story '99': `storkitctl list`"
NO_WORKTREE = "no worktree of story '99': `storkitctl worktrees`"

COMMANDS = {
    "list": Command(
        calls={"list": ["List"], "list --everywhere": ["List"]},
        wrong={"list x": "too many arguments"},
        absent=NAMES_NO_RUN,
    ),
    "show": Command(
        calls={"show 42": ["List"]},
        wrong={"show --lines=1": "--lines"},
        absent=("show 99", NO_RUN),
    ),
    "start": Command(
        calls={
            "start 44_new": ["StartWithOptions"],
            "start 45_new/clerk --wait": ["StartWithOptions", "Wait"],
            "start 46_new/clerk --follow": ["StartWithOptions", "SubscribeRun", "Wait"],
        },
        wrong={
            "start": "name a story: STORY or STORY/AGENT",
            "start x y": "too many arguments",
            "start ../x": "is not valid: use 1 to 64",
            "start x --env=NOTHING": "write NAME=VALUE",
            "start x --memory-max=lots": "write a size such as",
            "start x -p a --prompt-file=b": "cannot be used together",
            "start x --prompt-file=no-such-file": "no-such-file",
        },
        absent=("start 44_new/nobody", "has no agent 'nobody': its agents are coder"),
        outlives={"Wait": 0, "SubscribeRun": 0},
    ),
    "run": Command(
        calls={"run 47_new/clerk": ["StartWithOptions", "SubscribeRun", "Wait"]},
        wrong={"run": "name a story: STORY or STORY/AGENT", "run x y": "too many arguments"},
        absent=("run 44_new/nobody", "has no agent 'nobody': its agents are coder"),
        outlives={"Wait": 0, "SubscribeRun": 0},
    ),
    "submit": Command(
        calls={},
        wrong={
            "submit": "name a story: STORY or STORY/AGENT",
            "submit x y": "too many arguments",
            "submit ../x": "is not valid: use 1 to 64",
            "submit x --wait": "`storkitctl wait STORY` waits for its end",
        },
        absent="the service of another host says so",
    ),
    "status": Command(
        calls={},
        wrong={"status x": "too many arguments"},
        absent=NAMES_NO_RUN,
    ),
    "resume": Command(
        calls={"resume 42": ["List", "StartWithOptions"]},
        wrong={"resume": "name a run: STORY or STORY/AGENT", "resume 42 --base=x": "--base"},
        absent=("resume 99", "story '99' has no run to resume"),
    ),
    "stop": Command(
        calls={"stop 42": ["List", "Stop"], "stop 42 43": ["List", "Stop"]},
        wrong={"stop": "name a run: STORY or STORY/AGENT"},
        absent=("stop 99", NO_RUN),
    ),
    "freeze": Command(
        calls={"freeze 43": ["List", "Freeze"]},
        wrong={"freeze": "name a run: STORY or STORY/AGENT"},
        absent=("freeze 99", NO_RUN),
    ),
    "thaw": Command(
        calls={"thaw 43": ["List", "Thaw"]},
        wrong={"thaw": "name a run: STORY or STORY/AGENT"},
        absent=("thaw 43/nobody", "no run of 43_search by agent 'nobody': `storkitctl list`"),
    ),
    "top": Command(
        calls={"top": ["List", "SubscribeRun"]},
        wrong={"top": "needs a terminal", "top x": "too many arguments"},
        absent=NAMES_NO_RUN,
        outlives={"SubscribeRun": 0},
        keys="q",
    ),
    "watch": Command(
        calls={"watch 42": ["List", "SubscribeRun"], "watch": ["List"]},
        wrong={"watch -n many": "many", "watch -n -5": "--lines=-5"},
        absent=("watch 99", NO_RUN),
        outlives={"SubscribeRun": 0},
    ),
    "wait": Command(
        calls={"wait 42": ["List", "Wait"], "wait --any 42 43": ["List", "Wait"]},
        wrong={
            "wait": "name a run: STORY or STORY/AGENT",
            "wait --any --all 42": "--any and --all cannot be used together",
        },
        absent=("wait 42 99", NO_RUN),
        outlives={"Wait": 0},
    ),
    "log": Command(
        calls={"log 42": ["List"]},
        wrong={"log -n many": "many", "log --lines=-5": "--lines=-5"},
        absent="the journal may know what the service does not",
        outlives={"List": 0},
        offline=True,
    ),
    "attach": Command(
        calls={"attach 43": ["List", "Attach", "Resize"]},
        wrong={
            "attach": "name a run: STORY or STORY/AGENT",
            "attach 43": "needs a terminal",
            "attach 43 42": "too many arguments",
        },
        absent=("attach 99", NO_RUN),
        outlives={"Resize": 0},
        keys="C-]",
    ),
    "send": Command(
        calls={
            "send 43 hello": ["List", "SendMessage"],
            "send --raw 43 hello": ["List", "SendInput"],
            "send --close 43": ["List", "CloseInput"],
        },
        wrong={"send": "an argument is missing"},
        absent=("send 99 hello", NO_RUN),
    ),
    "questions": Command(
        calls={"questions": ["List"]},
        wrong={"questions --lines=1": "--lines"},
        absent=("questions 99", NO_RUN),
    ),
    "answer": Command(
        calls={},
        wrong={"answer 42 1 allow x": "too many arguments", "answer --input": "--input"},
        absent=("answer 99 allow", NO_RUN),
    ),
    "worktrees": Command(
        calls={"worktrees": ["ListWorktrees"]},
        wrong={"worktrees x": "too many arguments"},
        absent=NAMES_NO_RUN,
    ),
    "diff": Command(
        calls={"diff 42": ["ListWorktrees"]},
        wrong={"diff": "name a worktree by its story", "diff 42 43": "too many arguments"},
        absent=("diff 99", NO_WORKTREE),
    ),
    "remove": Command(
        calls={"remove 42": ["ListWorktrees", "RemoveWorktree"]},
        wrong={"remove": "an argument is missing"},
        absent=("remove 99", NO_WORKTREE),
    ),
    "sandbox": Command(
        calls={},
        wrong={"sandbox 42": "no command"},
        absent=("sandbox 99 -- true", NO_RUN),
    ),
    "mcp": Command(
        calls={},
        wrong={"mcp x": "too many arguments"},
        absent=NAMES_NO_RUN,
    ),
    "max-agents": Command(
        calls={"max-agents": []},
        wrong={"max-agents x": "is not a number", "max-agents 1 2": "too many arguments"},
        absent=NAMES_NO_RUN,
    ),
    "path": Command(
        calls={"path 43": ["ListWorktrees"]},
        wrong={"path": "name a worktree by its story"},
        absent=("path 99", NO_WORKTREE),
    ),
    "shell": Command(
        calls={"shell 43 -- true": ["ListWorktrees"]},
        wrong={"shell 42 43": "too many arguments"},
        absent=("shell 99", NO_WORKTREE),
    ),
    "merge": Command(
        calls={"merge 42": ["ListWorktrees", "List", "RemoveWorktree"]},
        wrong={"merge 42 43": "too many arguments"},
        absent=("merge 99", NO_WORKTREE),
    ),
    "fetch": Command(
        calls={},
        wrong={"fetch 42": "storkitctl -H HOST fetch STORY", "fetch 42 43": "too many arguments"},
        absent="the host that it asks says so",
    ),
    "config": Command(
        calls={"config": ["GetConfig"]},
        wrong={"config x": "too many arguments", "config --lines=1": "--lines"},
        absent=NAMES_NO_RUN,
    ),
}


def make_project(pool):
    """What the calls of the table are made for."""
    agent = {"scenario": "init; idle", "interactive": True}
    ctl = Ctl(pool, agents={"coder": agent, "clerk": "init; result"})
    ctl("start", "42_login/clerk", "--wait")
    ctl.start("43_search")
    return ctl


def all_calls():
    for command in COMMANDS.values():
        for call, methods in command.calls.items():
            yield command, call, methods


class AtTerminal:
    """A call that is under way in a terminal."""

    def __init__(self, terminal, keys):
        self.terminal = terminal
        self.keys = keys

    def finish(self, status):
        """Waits for its end, by itself or by its key; returns what was to be seen."""
        if status == 0:
            self.terminal.press(self.keys)
        assert self.terminal.wait_for_end() == status, self.terminal.screen()
        return self.terminal.screen()


class InPipe:
    """The same without a terminal."""

    def __init__(self, ctl, process):
        self.ctl = ctl
        self.process = process

    def finish(self, status):
        return self.ctl.finish(self.process, status).err


@contextmanager
def under_way(ctl, command, call, **keywords):
    if command.keys:
        with ctl.terminal(*call.split(), **WIDE, **keywords) as terminal:
            yield AtTerminal(terminal, command.keys)
    else:
        yield InPipe(ctl, ctl.begin(*call.split(), **keywords))


def test_table_has_every_command(pool):
    """The table that the other tests go by has every command that --help shows."""
    text = Ctl(pool, "init").out("--help").partition("\n\n")[2]
    assert max(map(len, text.splitlines())) <= 80, text
    assert set(re.findall(r"(?m)^  ([a-z][a-z-]*) ", text)) == set(COMMANDS) | {"help", "version"}


@timeout(120)
def test_wrong_arguments_get_a_hint(pool):
    """Wrong arguments end a command with 2, and with what is wrong and what would be right."""
    ctl = make_project(pool)
    for name, command in COMMANDS.items():
        for call, words in command.wrong.items():
            error = ctl(*call.split(), status=USAGE).err
            assert error.startswith("storkitctl: ") and words in error, f"{call}: {error}"
        error = ctl(name, "--no-such-option", status=USAGE).err
        assert "--no-such-option" in error and f"`storkitctl {name} --help`" in error, error
        text = ctl.out(name, "--help")
        assert text.startswith(f"Usage:\n  storkitctl {name} "), text
        assert max(map(len, text.splitlines())) <= 80, text
    error = ctl("no-such-command", status=USAGE).err
    assert "unknown command 'no-such-command': see `storkitctl --help`" in error, error


def test_what_is_not_there_has_a_status(pool):
    """A run, a story, an agent, a worktree or a project that there is not ends a command with 3,
    and with its name and where to look."""
    ctl = make_project(pool)
    for name, command in COMMANDS.items():
        if isinstance(command.absent, tuple):
            call, words = command.absent
            error = ctl(*call.split(), status=NOT_FOUND).err
            assert words in error, f"{call}: {error}"
        nowhere = f"{pool.folder}/nowhere"
        call = next(iter(command.calls), name)
        error = ctl("-C", nowhere, *call.split(), status=NOT_FOUND).err
        assert nowhere in error, f"{name}: {error}"
    assert len(ctl.json("list")) == 2, "a command has acted on what it was not told of"


def assert_unreachable(ctl, words, **keywords):
    """Every command ends with 4 and says that, but for those that need no service."""
    for command, call, _ in all_calls():
        with under_way(ctl, command, call, **keywords) as process:
            said = process.finish(0 if command.offline else NO_SERVICE)
            assert command.offline or words in said, f"{call}: {said}"


def test_without_a_service_it_says_what_to_do():
    """Where nothing provides the service, every command that needs it ends with 4 and says so."""
    with Pool(daemon=False) as pool:
        assert_unreachable(Ctl(pool, "init"), "install storkit for this user")


def test_without_a_session_bus_it_says_what_to_do():
    """The same where there is no session bus."""
    with Pool(daemon=False) as pool:
        no_bus = {"DBUS_SESSION_BUS_ADDRESS": f"unix:path={pool.folder}/no-bus"}
        assert_unreachable(Ctl(pool, "init"), "cannot reach the session bus", environment=no_bus)


def test_usage_comes_before_the_service():
    """fetch without a host says so where there is no service, too."""
    with Pool(daemon=False) as pool:
        assert "-H HOST fetch" in Ctl(pool, "init")("fetch", "42", status=USAGE).err


def test_service_that_does_not_start_is_told():
    """Where the bus knows the service and can't start it, every command that needs it ends with 4
    and says where to look."""
    with Pool(daemon=False) as pool:
        install_service(pool, "/bin/false")
        assert_unreachable(Ctl(pool, "init"), "`systemctl --user status storkitd.service`")


def install_service(pool, program):
    """Makes the bus run @program for the service."""
    services = f"{pool.environment['XDG_DATA_HOME']}/dbus-1/services"
    os.makedirs(services)
    with open(f"{services}/org.storkit.AgentPool.service", "w") as file:
        file.write(f"[D-BUS Service]\nName=org.storkit.AgentPool\nExec={program}\n")
    pool.bus.connection.call_sync(
        "org.freedesktop.DBus", "/org/freedesktop/DBus", "org.freedesktop.DBus",
        "ReloadConfig", None, None, 0, -1, None,
    )  # fmt: skip


def test_log_starts_no_service():
    """log, which needs none, does not start the service that it would ask for a name."""
    with Pool(daemon=False) as pool:
        install_service(pool, f"/bin/sh -c 'touch {pool.folder}/started; exit 1'")
        ctl = Ctl(pool, "init")
        ctl("log", "42_login")
        assert not os.path.exists(f"{pool.folder}/started")
        ctl("list", status=NO_SERVICE)
        assert os.path.exists(f"{pool.folder}/started")


@timeout(300)
def test_service_that_dies_in_any_call_is_told(pool):
    """A service that is killed by any of the calls that a command makes ends it with 4 at once, and
    with what may have become of it; or it goes on when the service is back."""
    ctl = make_project(pool)
    for command, call, methods in all_calls():
        for method in methods:
            print(f"# {call}: {method}", flush=True)
            pool.kill_daemon()
            begin_faulty(pool, method)
            with under_way(ctl, command, call) as process:
                wait_for_death(pool, method)
                if method not in command.outlives:
                    said = process.finish(NO_SERVICE)
                    assert LOST in said and "`storkitctl list`" in said, f"{call}: {said}"
                    assert said.count(LOST) == 1, f"{call}: {said}"
                pool.start_daemon()
                if method in command.outlives:
                    process.finish(command.outlives[method])
    ctl("stop", "43")


def test_service_that_dies_during_a_stop_is_told(pool):
    """A stop whose service is killed says that it does not know; one that follows waits for the
    end of the run, however long that takes."""
    agent = {"scenario": "ignore INT; ignore TERM; init; wait go", "stop_grace": "60s"}
    ctl = Ctl(pool, agents={"coder": agent})
    info = ctl.start()
    pool.wait_for("agent_json")
    with calls_seen(pool) as calls:
        stopping = ctl.begin("stop", "42")
        wait_until(lambda: "Stop" in calls, "the call of Stop")
    pool.kill_daemon()
    assert LOST in ctl.finish(stopping, NO_SERVICE).err
    assert pool.scope_exists(info["unit"])
    pool.start_daemon()
    with calls_seen(pool) as calls:
        stopping = ctl.begin("stop", "42")
        wait_until(lambda: "Stop" in calls, "the second call of Stop")
    assert stopping.poll() is None
    ctl.touch(info)
    assert "42_login/coder stopped" in ctl.finish(stopping).err
    assert not pool.scope_exists(info["unit"]) and ctl.json("list") == []


if __name__ == "__main__":
    main()
