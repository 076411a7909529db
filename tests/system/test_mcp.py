# SPDX-License-Identifier: LGPL-2.1-or-later
"""storkitctl mcp: the pool as tools and resources of the Model Context Protocol."""

import json
import os
import select
import subprocess

from ctl import STORKITCTL, USAGE, Ctl
from harness import main, wait_until
from session import PATIENCE, scope_name
from test_storkitctl_answer import ASK, asking, behaviour

MODERN = "2026-07-28"
META = "io.modelcontextprotocol/"


class Client:
    """An MCP client: of the revision @version, or one that has made the handshake."""

    def __init__(self, ctl, version=None, cwd=None):
        self.ctl, self.version, self.last_id, self.progress = ctl, version, 0, []
        self.process = subprocess.Popen(
            [STORKITCTL, "mcp"],
            cwd=cwd or ctl.root,
            env=ctl.environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            bufsize=0,
        )
        self.buffer = b""
        if not version:
            self.agreed = self.ask("initialize", protocolVersion="2025-06-18", capabilities={},
                                   clientInfo={"name": "test", "version": "1"})  # fmt: skip
            self.send({"jsonrpc": "2.0", "method": "notifications/initialized"})

    def write(self, line):
        self.process.stdin.write(line + b"\n")

    def send(self, message):
        self.write(json.dumps(message).encode())

    def begin(self, method, token=None, **params):
        self.last_id += 1
        meta = {"progressToken": token} if token else {}
        if self.version:
            meta |= {META + "protocolVersion": self.version, META + "clientCapabilities": {}}
        if meta:
            params["_meta"] = meta
        self.send({"jsonrpc": "2.0", "id": self.last_id, "method": method, "params": params})
        return self.last_id

    def read(self):
        while b"\n" not in self.buffer:
            ready, _, _ = select.select([self.process.stdout], [], [], PATIENCE)
            assert ready, "the server does not answer"
            more = os.read(self.process.stdout.fileno(), 1 << 16)
            assert more, self.process.stderr.read()
            self.buffer += more
        line, _, self.buffer = self.buffer.partition(b"\n")
        return json.loads(line)

    def answer(self, id):
        while (message := self.read()).get("method") == "notifications/progress":
            self.progress.append(message["params"])
        assert message["id"] == id, message
        return message

    def ask(self, method, **params):
        message = self.answer(self.begin(method, **params))
        assert "result" in message, message
        return message["result"]

    def tool(self, tool, token=None, **arguments):
        result = self.ask("tools/call", token=token, name=tool, arguments=arguments)
        assert not result.get("isError"), result
        return result.get("structuredContent") or result["content"][0]["text"]

    def refusal(self, tool, **arguments):
        result = self.ask("tools/call", name=tool, arguments=arguments)
        assert result["isError"], result
        return result["content"][0]["text"]

    def start(self, run, **arguments):
        info = self.tool("start_run", run=run, **arguments)
        self.ctl.pool.units.add(scope_name(info["run_id"]))
        return info

    def close(self):
        out, err = self.process.communicate(timeout=PATIENCE)
        assert self.process.returncode == 0 and b"Sanitizer" not in err, (out, err)


def test_mcp_agrees_on_a_revision(pool):
    """A client of an earlier revision gets what it asks for, one of an unknown gets the newest; a
    modern one needs no handshake, and is told which revisions there are."""
    ctl = Ctl(pool, "init; result")
    client = Client(ctl)
    assert client.agreed["protocolVersion"] == "2025-06-18", client.agreed
    assert client.agreed["serverInfo"]["name"] == "storkit"
    assert client.ask("ping") == {}
    future = client.ask("initialize", protocolVersion="2099-01-01", capabilities={})
    assert future["protocolVersion"] == "2025-11-25"
    assert "resultType" not in future
    client.close()

    modern = Client(ctl, MODERN)
    found = modern.ask("server/discover")
    assert found["supportedVersions"] == [MODERN] and found["resultType"] == "complete", found
    assert found["_meta"][META + "serverInfo"]["name"] == "storkit"
    assert modern.ask("tools/list")["cacheScope"] == "private"
    modern.version = "2031-01-01"
    refused = modern.answer(modern.begin("tools/list"))["error"]
    assert refused["code"] == -32022 and refused["data"]["supported"] == [MODERN], refused
    modern.close()


def test_mcp_tools_do_what_commands_do(pool):
    """Each tool answers with what its command says; a failure is a sentence that a model reads."""
    ctl = Ctl(pool, "init; text Hello.; write new.txt Work.; commit Work; wait go; result")
    client = Client(ctl)
    tools = {tool["name"]: tool for tool in client.ask("tools/list")["tools"]}
    assert {"list_runs", "start_run", "follow_run", "stop_run", "show_diff"} <= set(tools)
    assert tools["start_run"]["inputSchema"]["required"] == ["run"]
    assert tools["stop_run"]["annotations"]["destructiveHint"]

    info = client.start("42_login")
    assert info["status"] == "running" and info["worktree_path"].endswith("42_login")
    assert [run["run_id"] for run in client.tool("list_runs")["runs"]] == [info["run_id"]]
    assert client.tool("show_run", run="42")["runs"][0]["run_id"] == info["run_id"]
    wait_until(lambda: client.tool("list_worktrees")["worktrees"][0]["ahead"] == 1, "it commits")
    assert "+Work." in client.tool("show_diff", story="42_login")
    ctl.touch(info)
    ended = client.tool("wait_for_runs", runs=["42_login"])
    assert ended["ended"][0]["status"] == "completed" and not ended["timed_out"], ended
    client.tool("stop_run", run="42_login")
    assert client.tool("list_runs")["runs"] == []
    assert "no run" in client.refusal("stop_run", run="99")
    client.close()


def test_mcp_answers_questions(pool):
    """What a run asks is listed, and answered once, in words too."""
    ctl = Ctl(pool, agents=asking(f"{ASK}; answers 1"))
    client = Client(ctl)
    info = client.start("42_login")
    (question,) = wait_until(lambda: client.tool("list_questions")["questions"], "the question")
    assert question["run_id"] == info["run_id"] and question["detail"] == "rm -r build"
    answer = {"run": "42_login", "question": question["id"], "answer": "deny"}
    client.tool("answer_question", message="Not that.", **answer)
    client.tool("wait_for_runs", runs=["42_login"])
    (told,) = behaviour(ctl, info)
    assert '"deny"' in told and "Not that." in told
    assert "no open question" in client.refusal("answer_question", **answer)
    client.close()


def test_mcp_refuses_wrong_arguments(pool):
    """What is missing, unknown, of another type or would be an option is named; so is a method or
    a tool that there is not, and a line that is no message."""
    client = Client(Ctl(pool, "init; result"))
    assert "run is missing" in client.refusal("start_run")
    assert "must be a string" in client.refusal("start_run", run=7)
    assert "must be a name" in client.refusal("start_run", run="--version")
    assert "must be a list" in client.refusal("wait_for_runs", runs=[])
    assert "must be true or false" in client.refusal("list_runs", everywhere="yes")
    assert "takes no argument “colour”" in client.refusal("list_runs", colour="red")
    error = client.answer(client.begin("tools/call", name="nothing"))["error"]
    assert error["code"] == -32602 and "nothing" in error["message"], error
    assert client.answer(client.begin("no/method"))["error"]["code"] == -32601
    client.write(b"[1, 2")
    assert client.read()["error"]["code"] == -32700
    client.send({"jsonrpc": "2.0", "id": 1.5, "method": "ping"})
    assert client.read()["error"]["code"] == -32600
    client.close()


def test_mcp_follows_with_progress(pool):
    """follow_run tells what an agent says as progress, and at the end what has become of it."""
    ctl = Ctl(pool, "init; text Ready.; wait begin; text On my way.; wait go; result")
    client = Client(ctl, MODERN)
    info = client.start("42_login")
    following = client.begin("tools/call", token="t1", name="follow_run",
                             arguments={"run": "42_login"})  # fmt: skip
    while "Ready." not in client.read()["params"]["message"]:
        pass
    ctl.touch(info, "begin")
    said = client.read()
    while "On my way." not in said["params"]["message"]:
        said = client.read()
    assert said["params"]["progressToken"] == "t1" and said["params"]["progress"] >= 1, said
    ctl.touch(info)
    result = client.answer(following)["result"]["structuredContent"]
    assert result["run_ended"] and result["events"][-1]["type"] == "done", result
    assert not any(event["type"] == "agent_json" for event in result["events"])
    client.close()


def test_mcp_tells_that_it_still_waits(pool):
    """A call that takes long says so, if its client asks for progress: the usual clients give up
    after a minute without a word."""
    ctl = Ctl(pool, "init; idle")
    client = Client(ctl)
    client.start("42_login")
    waiting = client.begin("tools/call", token="t1", name="wait_for_runs",
                           arguments={"runs": ["42_login"]})  # fmt: skip
    told = client.read()
    assert told["method"] == "notifications/progress", told
    assert told["params"] == {"progressToken": "t1", "progress": 1, "message": "still waiting"}
    ctl("stop", "42_login")
    assert client.answer(waiting)["result"]["structuredContent"]["ended"][0]["error"] == "stopped"
    client.close()


def test_mcp_shows_what_a_diff_lacks(pool):
    """A note of a command that prints text reaches the model: files that git does not know are not
    in a patch."""
    ctl = Ctl(pool, "init; write new.txt Work.; result")
    client = Client(ctl)
    client.start("42_login")
    client.tool("wait_for_runs", runs=["42_login"])
    assert "1 new file is not added to git" in client.tool("show_diff", story="42_login")
    client.close()


def test_mcp_gives_up_in_time_or_when_told(pool):
    """A wait ends when its time is up; one that is cancelled has no answer, and the run goes on."""
    ctl = Ctl(pool, "init; idle")
    client = Client(ctl)
    client.start("42_login")
    assert client.tool("wait_for_runs", runs=["42_login"], timeout_seconds=1)["timed_out"]
    assert not client.tool("follow_run", run="42_login", timeout_seconds=1)["run_ended"]
    waiting = client.begin("tools/call", name="wait_for_runs", arguments={"runs": ["42_login"]})
    client.send({"jsonrpc": "2.0", "method": "notifications/cancelled",
                 "params": {"requestId": waiting}})  # fmt: skip
    assert client.tool("list_runs")["runs"][0]["status"] == "running"  # the next answer is this
    ctl("stop", "42_login")
    client.close()


def test_mcp_has_transcripts_as_resources(pool):
    """Each run is a resource: its events up to now, of a live run as well as of an ended one."""
    ctl = Ctl(pool, "init; text Hello.; wait go; result")
    client = Client(ctl, MODERN)
    info = client.start("42_login")
    uri = f"storkit://run/{info['run_id']}"
    (resource,) = client.ask("resources/list")["resources"]
    assert resource["uri"] == uri and resource["name"] == "42_login/coder", resource

    def texts():
        (contents,) = client.ask("resources/read", uri=uri)["contents"]
        events = [json.loads(line) for line in contents["text"].splitlines()]
        return [event.get("text") or event["type"] for event in events]

    wait_until(lambda: "Hello." in texts(), "its text is there")
    assert texts()[0] == "status"
    ctl.touch(info)
    ctl("wait", "42_login")
    assert texts()[-1] == "done"
    unknown = client.answer(client.begin("resources/read", uri="storkit://run/none"))["error"]
    assert unknown["code"] == -32602, unknown
    assert client.ask("resources/templates/list")["resourceTemplates"]
    client.close()


def test_mcp_ends_with_its_client(pool):
    """It ends when its standard input does, with what it runs; a file can't be its input."""
    ctl = Ctl(pool, "init; idle")
    client = Client(ctl)
    client.start("42_login")
    client.begin("tools/call", name="wait_for_runs", arguments={"runs": ["42_login"]})
    wait_until(lambda: children(client.process.pid), "a command is run")
    (waiter,) = children(client.process.pid)
    client.close()
    assert not os.path.exists(f"/proc/{waiter}")
    with open(os.path.join(ctl.root, "file"), "w+") as file:
        said = ctl.begin("mcp", stdin=file)
        assert "pipe" in ctl.finish(said, USAGE).err
    ctl("stop", "42_login")


def children(pid):
    with open(f"/proc/{pid}/task/{pid}/children") as file:
        return file.read().split()


if __name__ == "__main__":
    main()
