# SPDX-License-Identifier: LGPL-2.1-or-later
"""The official clients of the Model Context Protocol, which drive `storkitctl mcp`."""

import json
import os
import subprocess

import agents

SDK, CLIENT = "@modelcontextprotocol/sdk", "@modelcontextprotocol/client"
INSPECTOR = "@modelcontextprotocol/inspector"
PACKAGES = [f"{SDK}@1.32.2", f"{CLIENT}@2.4.0", f"{INSPECTOR}@2.12.0"]
MODERN = "2026-07-28"

# The agent: its work is a commit; it ends when a file `go` is there.
WORK = """echo working
echo done >new.txt && git add new.txt
git -c user.name=t -c user.email=t@localhost commit --quiet --message=work
while ! [ -e go ]; do sleep 0.1; done
echo finished"""


class Client:
    """One of them, which has the project at `root` in the @pool."""

    def __init__(self, pool, modules, name):
        self.pool, self.modules = pool, modules
        agent = {"kind": "raw", "command": "sh", "args": ["-c", WORK]}
        self.root = pool.repository(name=name, agents={"worker": agent})

    def run(self, *words):
        """Runs a program for node; returns what it prints, and what of that as errors."""
        node = f"{agents.node_folder(self.modules)}/node"
        environment = self.pool.environment | {"NO_COLOR": "1"}
        process = subprocess.run([node, *words], cwd=self.root, env=environment, text=True,
                                 capture_output=True, timeout=300, check=False)  # fmt: skip
        return process.stdout, process.stderr

    def end_runs(self):
        for run in self.pool.list():
            if run["project_root"] == self.root:
                self.pool.units.add(run["unit"])


class Sdk(Client):
    """A client library, in one revision of the protocol."""

    package, revision = SDK, "legacy"

    def all(self, wanted):
        script = f"{os.path.dirname(os.path.realpath(__file__))}/mcp-client.mjs"
        ctl = os.environ["STORKITCTL"]
        out, err = self.run(script, self.modules, self.package, self.revision, ctl, self.root)
        self.end_runs()
        for line in out.splitlines():
            yield json.loads(line)
        if err:
            yield "ERROR", err


class Client2(Sdk):
    package = CLIENT


class Modern(Sdk):
    package, revision = CLIENT, MODERN


class Inspector(Client):
    """The Inspector's command line: a server for each call. It hands on next to none of the
    environment: the server finds the service by its state folder."""

    era = "legacy"

    def call(self, method, *words):
        """The result, or the error in its place."""
        script = f"{self.modules}/{INSPECTOR}/clients/launcher/build/index.js"
        state = f"XDG_STATE_HOME={self.pool.environment['XDG_STATE_HOME']}"
        out, err = self.run(script, "--cli", os.environ["STORKITCTL"], "mcp", "-e", state,
                            "--format", "json", "--protocol-era", self.era, "--method", method,
                            *words)  # fmt: skip
        return (json.loads(out)["result"], err) if out else ({}, err)

    def tool(self, name, **arguments):
        words = ("--tool-name", name, "--tool-args-json", json.dumps(arguments))
        result, err = self.call("tools/call", *words)
        texts = [part["text"] for part in result.get("content", [])]
        return result.get("structuredContent", {}), f"{' '.join(texts)} {err}"

    def all(self, wanted):
        result, err = self.call("tools/list", "--strict")
        yield "tools", f"{len(result['tools'])} tools, strict: {err or 'nothing to say'}"
        yield "start", self.tool("start_run", run="inspector")[0]["status"]
        listed = self.call("resources/list")[0]["resources"]
        run = next(run for run in listed if self.root in run["description"])
        yield "resources", f"{run['name']}: {run['uri'].partition(':')[0]}, {run['mimeType']}"
        (read,) = self.call("resources/read", "--uri", run["uri"])[0]["contents"]
        yield "read", " ".join(json.loads(line)["type"] for line in read["text"].splitlines())
        worktree = self.pool.get(self.root, "inspector")["worktree_path"]
        open(f"{worktree}/go", "w").close()
        (ended,) = self.tool("wait_for_runs", runs=["inspector"])[0]["ended"]
        yield "wait", ended["status"]
        yield "diff", first_line(self.tool("show_diff", story="inspector")[1])
        (stopped,) = self.tool("stop_run", run="inspector")[0]["runs"]
        yield "stop", f"{stopped['status']}, then {len(self.tool('list_runs')[0]['runs'])} listed"
        yield "refusal", self.tool("show_run", run="nobody")[1]
        self.end_runs()


def first_line(text):
    return text.strip().partition("\n")[0]


class ModernInspector(Inspector):
    era = "modern"


CLIENTS = {"mcp-sdk": Sdk, "mcp-client": Client2, "mcp-client-2026": Modern,
           "mcp-inspector": Inspector, "mcp-inspector-2026": ModernInspector}  # fmt: skip
