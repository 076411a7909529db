# SPDX-License-Identifier: LGPL-2.1-or-later
"""storkitctl over several hosts: each an sshd, a storkitd and a home of its own on this machine."""

import json
import os
import shutil
import threading
from contextlib import ExitStack, contextmanager

from ctl import NO_SERVICE, NOT_FOUND, REFUSED, USAGE, Ctl, cursors
from harness import PATIENCE, Pool, main, wait_until
from test_remote import UNREACHABLE, Far, free_port

HOST = """
Host {name}
    HostName 127.0.0.1
    Port {port}
    IdentityFile {folder}/key
"""

GONE = """
Host gone
    HostName 127.0.0.1
    Port {port}
"""

ASK = 'init; text On it.; ask q1 Bash {"command":"rm -r build"}; answers 1; result; read'


class Hosts:
    """`one`, whose home is ours too, and `two`; used in a `with`. `gone` is a host that does not
    answer."""

    def __init__(self, pool, scenario):
        self.pools = {"one": pool, "two": Pool()}
        self.scenario = scenario
        self.stack = ExitStack()
        self.far = {}

    def __enter__(self):
        self.stack.enter_context(self.pools["two"])
        for name, pool in self.pools.items():
            self.far[name] = self.stack.enter_context(Far(pool))
        roots = {name: self._project(pool) for name, pool in self.pools.items()}
        self.ctl = {name: Ctl(pool, root=roots[name]) for name, pool in self.pools.items()}
        self._write_config()
        return self

    def _project(self, pool):
        keys = {"scenario": self.scenario, "permission": "ask", "stop_grace": "1s"}
        return pool.repository("home/project", agents={"coder": keys})

    def _write_config(self):
        """Our ssh knows all hosts; it is the one of `one`."""
        with open(f"{self.far['one'].folder}/config", "r+") as file:
            common = file.read()
            file.seek(0)
            for name, far in self.far.items():
                file.write(HOST.format(name=name, port=far.port, folder=far.folder))
            file.write(GONE.format(port=free_port()) + common)
        for ctl in self.ctl.values():
            ctl.environment["STORKIT_SSH"] = self.far["one"].ssh

    def __exit__(self, *rest):
        return self.stack.__exit__(*rest)


@contextmanager
def two_hosts(pool, scenario="init; text Hello.; wait go; result"):
    """Yields them, and a storkitctl in the project on `one`."""
    with Hosts(pool, scenario) as hosts:
        yield hosts, hosts.ctl["one"]


def write_hosts(pool, *names):
    os.makedirs(f"{pool.environment['XDG_CONFIG_HOME']}/storkit", exist_ok=True)
    with open(f"{pool.environment['XDG_CONFIG_HOME']}/storkit/ctl.toml", "w") as file:
        file.write(f"hosts = {json.dumps(names)}\n")


def test_hosts_make_one_list(pool):
    """list and worktrees have the runs of all hosts, and a row for one that does not answer or has
    no such project; -H all takes the hosts from ctl.toml."""
    with two_hosts(pool) as (hosts, ctl):
        there = hosts.ctl["two"]
        ctl.start("1_here")
        there.start("2_there")
        check_lists(ctl)
        check_file(ctl, there)
        os.rename(there.root, f"{there.root}.away")
        *_, row = ctl.json("-H", "one,two", "list")
        assert row["status"] == "no project" and "git clone" in row["error"], row
        os.rename(f"{there.root}.away", there.root)
        os.unlink(f"{hosts.far['two'].folder}/bin/storkitctl")
        assert "no storkitctl" in ctl.out("-H", "one,two", "list", status=NO_SERVICE)


def check_lists(ctl):
    *found, gone = ctl.json("-H", "one,gone,two", "list", status=UNREACHABLE)
    assert [(run["host"], run["story_id"]) for run in found] == [
        ("one", "1_here"), ("two", "2_there"),
    ], found  # fmt: skip
    assert gone["host"] == "gone" and gone["status"] == "unreachable"
    assert "refused" in gone["error"], gone
    table = ctl.out("-H", "one,gone,two", "list", status=UNREACHABLE).splitlines()
    assert table[0].split()[:3] == ["HOST", "STORY", "AGENT"], table
    assert "gone" in table[3] and "unreachable" in table[3], table
    trees = ctl.json("-H", "localhost,two", "worktrees")
    assert [(tree["host"], tree["story"]) for tree in trees] == [
        ("localhost", "1_here"), ("two", "2_there"),
    ], trees  # fmt: skip
    table = ctl.out("-H", "one,two", "worktrees").splitlines()
    assert [line.split()[:2] for line in table[:3]] == [
        ["HOST", "STORY"], ["one", "1_here"], ["two", "2_there"],
    ], table  # fmt: skip


def check_file(ctl, there):
    assert "ctl.toml names no hosts" in ctl("-H", "all", "list", status=USAGE).err
    write_hosts(ctl.pool, "two", "one", "two")
    far, near = ctl.json("-H", "all", "list")
    assert far["host"] == "two" and far["worktree_path"].startswith(there.root)
    assert near["host"] == "one"
    refused = ctl("-H", "all", "stop", "2", status=USAGE).err
    assert "stop takes one host" in refused and "list" in refused and "watch" in refused
    write_hosts(ctl.pool, 1)
    assert "ctl.toml:1:10: hosts must be" in ctl("-H", "all", "list", status=USAGE).err


def test_hosts_questions_in_one_table(pool):
    """questions has what the runs of all hosts ask; a run that no host has is an error."""
    with two_hosts(pool, ASK) as (hosts, ctl):
        assert "No run asks" in ctl.out("-H", "one,two", "questions")
        hosts.ctl["two"].start("2_there")
        [question] = wait_until(lambda: ctl.json("-H", "one,two", "questions"), "a question")
        assert question["host"] == "two" and question["detail"] == "rm -r build", question
        table = ctl.out("-H", "one,gone,two", "questions", "2", status=UNREACHABLE)
        assert "two" in table and "rm -r build" in table and "unreachable" in table, table
        ctl("-H", "two", "answer", "2", "yes")
        assert "no run of story" in ctl("-H", "one,two", "questions", "9", status=NOT_FOUND).err
        ctl("-H", "two", "stop", "2")


def texts(lines):
    return [event["text"] for event in lines if event.get("type") == "output"]


class Watching:
    """A watch --json under way; `lines` has what it printed."""

    def __init__(self, ctl, *arguments):
        self.process = ctl.begin("--json", *arguments)
        self.lines = []
        self.thread = threading.Thread(target=self._read, daemon=True)
        self.thread.start()

    def _read(self):
        for line in self.process.stdout:
            self.lines.append(json.loads(line))

    def wait_for(self, condition, what):
        try:
            return wait_until(lambda: condition(self.lines), what)
        except AssertionError as error:
            raise AssertionError(f"{error}: {self.lines}") from None

    def wait_for_text(self, *wanted):
        self.wait_for(lambda lines: set(wanted) <= set(texts(lines)), wanted)

    def end(self, status=0):
        code = self.process.wait(PATIENCE)
        self.thread.join(PATIENCE)
        assert code == status, f"{code}: {self.process.stderr.read()}"

    def stop(self):
        self.process.terminate()
        self.process.wait()
        self.thread.join(PATIENCE)


def test_hosts_watch_is_merged_by_time(pool):
    """watch of named runs has the events of all hosts, each once, in the order of their time."""
    with two_hosts(pool, "init; text One.; wait go; text Two.; result") as (hosts, ctl):
        for name in ("one", "two"):
            info = hosts.ctl[name].start("42_login")
            hosts.ctl[name].touch(info)
            hosts.ctl[name]("wait", "42")
        lines = ctl.lines("-H", "one,two", "watch", "42")
        assert sorted((e["host"], e["cursor"]) for e in lines) == sorted(
            (name, e["cursor"]) for name in ("one", "two")
            for e in hosts.ctl[name].lines("watch", "42")
        )  # fmt: skip
        times = [event["time"] for event in lines]
        assert times == sorted(times)
        out = ctl.out("-H", "one,two", "watch", "42")
        assert " one 42_login coder  One." in out and " two 42_login coder  Two." in out, out
        tail = ctl.lines("-H", "one,two", "watch", "-n", "1", "42")
        assert [(e["host"], e["type"]) for e in tail] == [("one", "done"), ("two", "done")], tail
        assert ctl("-H", "one,gone", "watch", "42", status=UNREACHABLE).err.count("gone") == 1
        bad = ctl("watch", "--cursors=-", "42", input="42_login 1 2\n", status=USAGE).err
        assert "line 1 is not a run's id and a cursor" in bad, bad
        more = hosts.ctl["one"].lines("watch", "--cursors=-", "42", input="")
        assert len(more) == len([event for event in lines if event["host"] == "one"])


def transcript(ctl, info):
    with open(f"{ctl.pool.run_folder(info['run_id'])}/transcript") as file:
        return file.read()


def states(lines):
    return [event.get("status") for event in lines]


def hosts_with(lines, text):
    return {event["host"] for event in lines if event.get("text") == text}


def test_hosts_watch_survives_a_host_that_goes_away(pool):
    """A watch of all runs goes on after its last event when the host is back: nothing is lost and
    nothing doubled, of runs that began, ended or were stopped meanwhile as well."""
    scenario = "init; text A.; wait a; text B.; wait b; text C.; wait c; result"
    with two_hosts(pool, scenario) as (hosts, ctl):
        there = hosts.ctl["two"]
        info, here = there.start("42_login"), ctl.start("1_here")
        watching = Watching(ctl, "-H", "one,two", "watch", "-n", "2")
        watching.wait_for(lambda lines: hosts_with(lines, "A.") == {"one", "two"}, "both")
        there.touch(info, "a")
        watching.wait_for(lambda lines: hosts_with(lines, "B.") == {"two"}, "B. of two")
        hosts.far["two"].take_away()
        watching.wait_for(lambda lines: "unreachable" in states(lines), "the loss of two")
        there.touch(info, "b")
        short = there.start("7_short")
        for name in "abc":
            there.touch(short, name)
        there("wait", "7")
        wait_until(lambda: "C." in transcript(there, info), "C.")
        there("stop", "42")
        ctl.touch(here, "a")
        watching.wait_for(lambda lines: hosts_with(lines, "B.") == {"one", "two"}, "B. of one")
        hosts.far["two"].start()
        watching.wait_for(lambda lines: {"stopped", "back"} <= set(states(lines)), "the rest")
        watching.wait_for(lambda lines: any(e["type"] == "done" for e in lines), "7's end")
        watching.stop()
        events = [event for event in watching.lines if event["type"] != "host"]
        assert len(set(cursors(events))) == len(events), events
        assert [e for e in watching.lines if e.get("run_id") == short["run_id"]] == [
            {"host": "two"} | event for event in there.lines("watch", "7")
        ]
        mine = [event for event in events if event["run_id"] == info["run_id"]]
        assert texts(mine) == ["A.", "B.", "C."], mine


def test_hosts_wait_for_all(pool):
    """wait ends with the last run of all hosts, or with --any the first; a host that is away
    meanwhile is waited for."""
    with two_hosts(pool) as (hosts, ctl):
        there, here = hosts.ctl["two"].start("42_login"), ctl.start("42_login")
        assert "2 runs have not ended" in ctl(
            "-H", "one,two", "wait", "--timeout=1", "42", status=124
        ).err  # fmt: skip
        waiting = ctl.begin("-H", "one,two", "wait", "42")
        ctl.touch(here)
        assert waiting.stdout.readline().startswith("one: 42_login/coder completed")
        hosts.far["two"].take_away()
        assert "two: unreachable since" in waiting.stderr.readline()
        hosts.ctl["two"].touch(there)
        hosts.ctl["two"]("wait", "42")
        hosts.far["two"].start()
        assert "two: 42_login/coder completed" in ctl.finish(waiting).out
        ctl.start("1_first")
        second = hosts.ctl["two"].start("2_second")
        waiting = ctl.begin("-H", "one,two", "wait", "--any", "1", "2")
        hosts.ctl["two"].touch(second)
        assert ctl.finish(waiting).out.startswith("two: 2_second/coder completed")
        ctl("stop", "1")
        assert "name a run" in ctl("-H", "one,two", "wait", status=USAGE).err


def test_hosts_list_follows(pool):
    """list --follow has a line for each change of a host's runs, and one for a host that is gone;
    `all` has the same form where it is a single host."""
    with two_hosts(pool) as (hosts, ctl):
        there = hosts.ctl["two"]
        assert "takes --json" in ctl("list", "--follow", status=USAGE).err
        write_hosts(pool, "two")
        assert ctl.json("-H", "all", "list") == []
        watching = Watching(ctl, "-H", "all", "list", "--follow")
        of_two = {"host": "two", "runs": []}
        watching.wait_for(lambda lines: of_two in lines, "the first list")
        there.touch(there.start("42_login"))
        watching.wait_for(lambda lines: statuses(lines) == ["completed"], "the end")
        hosts.far["two"].take_away()
        watching.wait_for(lambda lines: lines[-1].get("status") == "unreachable", "the loss")
        watching.stop()


def statuses(lines):
    """Those of the runs in the last of @lines."""
    return [run["status"] for run in lines[-1].get("runs", [])]


def marked(screen):
    """The host and the story of the marked row of top, or None."""
    rows = [line for line in screen.splitlines() if line.startswith("▸")]
    return rows[0].split()[1:3] if rows else None


def test_hosts_top_is_one_table(pool):
    """top has the runs of all hosts, and acts on each where it is; a host that is away is a row,
    until it is back. Its keys ask for nothing over ssh in between."""
    scenario = "init; text Hello.; wait go; " + ASK
    with two_hosts(pool, scenario) as (hosts, ctl):
        there = hosts.ctl["two"]
        ctl.start("1_here")
        info = there.start("42_login")
        words = ["-H", "one,gone,two", "top"]
        row = "42_login  coder"
        assert "takes one host" in ctl("--json", *words, status=USAGE).err
        with ctl.terminal(*words, columns=120, environment={"GIT_PAGER": "cat"}) as terminal:
            screen = terminal.wait_until(lambda screen: screen.count("Hello.") == 2, "two runs")
            assert screen.splitlines()[2].split()[:3] == ["HOST", "STORY", "AGENT"], screen
            assert "gone: unreachable since " in terminal.wait_for("gone: unreachable")
            terminal.wait_until(lambda screen: marked(screen) == ["one", "1_here"], "the first")
            terminal.press("j")
            terminal.wait_until(lambda screen: marked(screen) == ["two", "42_login"], "the other")
            check_top_acts(terminal, there, info)
            hosts.far["two"].take_away()
            screen = terminal.wait_for("two: unreachable since ")
            # Below the table there may still be what became of the answer.
            assert row not in screen, screen
            hosts.far["two"].start()
            terminal.wait_for(row)
            terminal.press("s")
            terminal.wait_for("Stop 42_login/coder on two? y/n")
            terminal.press("y")
            terminal.wait_for(row, gone=True)
            terminal.press("q")
            assert terminal.wait_for_end() == 0
        assert there.json("list") == [] and len(ctl.json("list")) == 1


def check_top_acts(terminal, there, info):
    terminal.press("f")
    terminal.wait_for("frozen")
    assert there.json("show", "42")[0]["frozen"]
    terminal.press("f")
    terminal.wait_for("frozen", gone=True)
    terminal.press("Enter")
    assert "Worktree:" in terminal.wait_for("Press a key to go back")
    terminal.press("x")
    there.touch(info)
    terminal.wait_for("y/n  May it use Bash?  rm -r build")
    terminal.press("y")
    wait_until(lambda: there.json("questions") == [], "the answer")


@contextmanager
def clone_elsewhere(pool, scenario):
    """The project on `two` is a clone of the one on `one`, which has a commit more by now. Yields
    the storkitctls of both."""
    with two_hosts(pool, scenario) as (hosts, ctl):
        there = hosts.ctl["two"]
        shutil.rmtree(there.root)
        git(ctl, "clone", "--quiet", ctl.root, there.root)
        there.pool.write_config(there.root, there.pool.roster({"coder": {"scenario": scenario}}))
        git(ctl, "commit", "--quiet", "--allow-empty", "--message", "Newer")
        yield ctl, there


def git(ctl, *arguments):
    return ctl.pool.git(ctl.root, *arguments)


def log(ctl, branch):
    return git(ctl, "log", "--format=%s", branch).splitlines()


def test_hosts_get_the_code_and_give_it_back(pool):
    """start takes the base along, fetch brings the story's branch back, and merge takes it in."""
    with clone_elsewhere(pool, "write work Done.; commit Work; result") as (ctl, there):
        ctl("-H", "two", "start", "42_login", "--wait")
        [tree] = there.json("worktrees")
        assert tree["base_branch"] == "storkit/main", tree
        assert "story/42_login is here as on two" in ctl("-H", "two", "fetch", "42").err
        assert log(ctl, "story/42_login") == ["Work", "Newer", "the beginning"]
        assert "is here already" in ctl("-H", "two", "fetch", "42").err
        assert "is merged into main" in ctl("merge", "42_login").err
        assert log(ctl, "main")[0] == "Work" and os.path.exists(f"{ctl.root}/work")
        assert git(ctl, "for-each-ref", "--format=%(refname)") == "refs/heads/main"
        assert "fetch takes the host" in ctl("fetch", "42", status=USAGE).err
        check_turns(ctl, there)


def add_commit(ctl, folder, message):
    ctl.pool.git(folder, "commit", "--quiet", "--allow-empty", "--message", message)


def check_turns(ctl, there):
    """A story goes on here and there in turn; where both have gone on, fetch changes nothing."""
    ctl("-H", "two", "start", "7_logs", "--wait")
    ctl("-H", "two", "fetch", "7")
    here = ctl.start("7_logs")["worktree_path"]
    ctl("wait", "7")
    add_commit(ctl, here, "Here")
    ctl("-H", "two", "start", "7_logs", "--wait")
    assert "Here" in log(there, "story/7_logs")
    away = there.json("show", "7")[0]["worktree_path"]
    add_commit(ctl, away, "There")
    ctl("-H", "two", "fetch", "7")
    assert log(ctl, "story/7_logs")[0] == "There"
    add_commit(ctl, away, "There 2")
    add_commit(ctl, here, "Here 2")
    refused = ctl("-H", "two", "fetch", "7", status=REFUSED).err
    assert "another way here than on two" in refused, refused
    assert log(ctl, "story/7_logs")[0] == "Here 2"
    assert log(ctl, "refs/storkit/fetched/7_logs")[0] == "There 2"


def test_hosts_start_says_how_the_project_gets_there(pool):
    """Without the project there, start names the command that makes it; of another project with
    the same folder it takes the story, and gives it no code."""
    with two_hosts(pool, "result") as (hosts, ctl):
        there = hosts.ctl["two"]
        git(there, "commit", "--amend", "--quiet", "--message", "Another beginning")
        said = ctl("-H", "two", "start", "42_login", "--wait").err
        assert "another history" in said, said
        assert git(there, "branch", "--remotes") == ""
        shutil.rmtree(there.root)
        git(ctl, "remote", "add", "origin", "https://example.invalid/project")
        missing = ctl("-H", "two", "start", "7_logs", status=NOT_FOUND).err
        wanted = "`ssh two git clone https://example.invalid/project ~/project` makes it"
        assert wanted in missing, missing
        assert "cannot be reached" in ctl("-H", "gone", "start", "1", status=UNREACHABLE).err


if __name__ == "__main__":
    main()
