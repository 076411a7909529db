# SPDX-License-Identifier: LGPL-2.1-or-later
"""What is tried with each agent. A trial is a method `do_…` that says in words what it saw."""

import contextlib
import json
import os
import tempfile
import time
from urllib.parse import quote

import agents
import model
from harness import FACTOR, wait_until
from test_answers import answer

PATIENCE = 240
COMMON = ("text", "file", "commit", "resume", "limit", "stop", "stop_tool", "err401")
ACP = ("text", "file", "commit", "resume", "permission", "message", "limit", "stop", "err401",
       "mcp")  # fmt: skip
COMMIT = "git add . && git -c user.name=t -c user.email=t@localhost commit --quiet --message=work"
CLAUDE = ("text", "file", "commit", "resume", "permission", "message", "background", "limit",
          "stop", "stop_tool", "err401", "mcp", "children")  # fmt: skip


def trials_of(name):
    if name in agents.ACP:
        return ACP
    if name == "claude":
        return CLAUDE
    return (*COMMON, "mcp") if name in ("codex", "opencode", "qwen") else COMMON


class Trial:
    def __init__(self, pool, stub, modules, name):
        self.pool, self.stub, self.name = pool, stub, name
        self.home = agents.Home(tempfile.mkdtemp(prefix=f"{name}-", dir=pool.folder), modules)
        self.root = pool.repository(name=name)
        self.left = 0
        self.urls = {}

    # --- Runs ---

    def configure(self, url, **keys):
        agent = agents.roster_entry(self.name, self.home, url)
        agent["env"] |= keys.pop("env", {})
        self.pool.write_config(self.root, self.pool.roster({"agent": agent | keys}))

    def start(self, story, scenario, keys=None, **options):
        """The stub plays @scenario, and counts what it is asked from now on."""
        self.urls[story] = self.stub.url(scenario)
        self.configure(self.urls[story], **(keys or {}))
        return self.pool.start(self.root, story, **options)

    def asked(self, story):
        """When the model was asked."""
        return self.stub.times(self.urls[story])

    def get(self, story):
        return self.pool.get(self.root, story)

    def over(self, story):
        return self.get(story)["status"] in ("completed", "failed")

    def end(self, story):
        info = self.pool.wait(self.root, story, timeout=PATIENCE)
        self.left += self.pool.scope_exists(info["unit"])
        return info

    def outputs(self, story):
        return [e["text"] for e in self.pool.drain(self.root, story) if e["type"] == "output"]

    def count_said(self, story, words="hello from stub"):
        return sum(words in text for text in self.outputs(story))

    def restart(self):
        self.pool.kill_daemon()
        self.pool.start_daemon()

    @staticmethod
    def words(info):
        figures = "/".join(str(info.get(key, "-")) for key in ("input_tokens", "output_tokens"))
        turns = f", turns {info['turns']}" if "turns" in info else ""
        cost = f", ${info['cost_usd']:.6f}" if "cost_usd" in info else ""
        if info["status"] == "completed":
            return f"{figures}{turns}{cost}"
        return f"failed: {info['error']}"

    def made(self, info):
        return "file" if os.path.exists(f"{info['worktree_path']}/stub-out.txt") else "NO FILE"

    # --- Trials ---

    def do_text(self):
        self.start("text", "text")
        info = self.end("text")
        heard = "" if self.count_said("text") == 1 else "NOT ONE TEXT "
        known = "" if info.get("session_id") else "NO ID "
        return heard + known + self.words(info)

    def do_file(self):
        info = self.start("file", "tool")
        end = self.end("file")
        return f"{self.made(info)}, {self.words(end)}"

    def do_commit(self):
        """A command that edits, builds and commits."""
        work = f"printf 'out: Makefile\\n\\tcp Makefile out\\n' >Makefile && make && {COMMIT}"
        info = self.start("commit", f"tool,cmd={quote(work, safe='')}")
        end = self.end("commit")
        subject = self.pool.git(self.root, "log", "-1", "--format=%s", info["branch"])
        return f"last commit: {subject}, {self.words(end)}"

    def do_resume(self):
        """Twice; of gemini in later minutes, as it needs, and with something new between."""
        found = []
        session = self.get("text")["session_id"]
        for _ in range(2):
            if self.name.startswith("gemini"):
                self.let_gemini_forget(found)
            self.start("text", "text", resume=session)
            info = self.end("text")
            same = "" if info.get("session_id") == session else "OTHER ID, "
            found.append(f"{same}{self.count_said('text')} text, {self.words(info)}")
        return "; ".join(found)

    def let_gemini_forget(self, found):
        if found:
            self.start("text", "text")
            self.end("text")
        time.sleep(61)
        self.ensure_daemon()
        self.pool.drain(self.root, "text")

    def questions(self, story):
        return self.get(story).get("questions", [])

    def do_permission(self):
        """Answered no, then yes, the service being killed before and after each answer."""
        return "; ".join(self.ask(option) for option in ("deny", "allow"))

    def ask(self, option):
        info = self.start(option, "tool", {"permission": "ask"})
        asked = 0
        while True:
            wait_until(lambda: self.questions(option) or self.over(option), "a question", PATIENCE)
            if self.over(option):
                break
            question = self.questions(option)[0]
            asked += 1
            self.restart()
            wait_until(lambda: self.questions(option), "it again", PATIENCE)
            assert self.questions(option)[0]["id"] == question["id"]
            answer(self.pool, info, question, option)
            self.restart()
            wait_until(lambda: question not in self.questions(option), "the answer", PATIENCE)
        return f"{option}: {asked} asked, {self.made(info)}, {self.words(self.end(option))}"

    def do_message(self):
        """Of an interactive run: two turns, then the end of its input."""
        self.start("message", "text", {"interactive": True})
        self.pool.send_message(self.root, "message", "again")
        self.pool.close_input(self.root, "message")
        info = self.end("message")
        asked = len(self.asked("message"))
        return f"{self.count_said('message')} texts, {self.words(info)}, asked {asked} times"

    def do_background(self):
        """A task in the background that never ends does not keep the run beyond its grace."""
        self.start("background", "bgsleep", {"result_grace": "6s"})
        result = self.wait_for_line("background", "result")
        info = self.end("background")
        return f"{self.words(info)}, {info['ended'] / 1e6 - result:.0f} s after its result"

    def wait_for_line(self, story, kind):
        """When the agent's line of that type came, in seconds."""
        for event in self.pool.subscribe(self.root, story):
            if event["type"] == "agent_json" and event["data"].get("type") == kind:
                return event["time"] / 1e6
        raise AssertionError(f"no {kind}")

    def do_limit(self):
        """The model has a limit, and says when it ends."""
        if self.name == "claude":
            return self.wait_out_limit()
        self.start("limit", "err429,retry=1,after=7,ok=1", {"on_limit": "wait"})
        waiting = False
        while not self.over("limit"):
            waiting |= self.get("limit").get("waiting") == "limit"
            time.sleep(0.1)
        words, times = self.words(self.end("limit")), self.asked("limit")
        waited = f"{times[1] - times[0]:.0f} s" if len(times) > 1 else "not"
        return f"waited {waited} by itself{', shown' if waiting else ''}, {words}"

    def wait_out_limit(self):
        """A subscription's, which the service waits out, over its own end."""
        reset = int(time.time() + 10 * FACTOR)
        token = {"ANTHROPIC_API_KEY": "", "CLAUDE_CODE_OAUTH_TOKEN": agents.KEY}
        with model.Model(model.limit(reset)) as limited:
            self.configure(limited.url, on_limit="wait", env=token)
            first = self.pool.start(self.root, "limit")
            wait_until(lambda: self.get("limit").get("waiting") == "limit", "the limit", PATIENCE)
            parked = self.get("limit")
            self.restart()
            wait_until(lambda: time.time() > reset, "its end", PATIENCE)
            self.ensure_daemon()
            info = self.end("limit")
        late = info["started"] / 1e6 - reset
        same = all(info[key] == parked[key] for key in ("session_id", "run_id"))
        assert first["run_id"] != parked["run_id"] and parked["retry_at"] == reset * 1_000_000
        return (f"parked until its end, resumed {late:.0f} s after, {'same' if same else 'OTHER'} "
                f"session, {self.count_said('limit')} text, {self.words(info)}")  # fmt: skip

    def do_stop(self):
        """While the model does not answer."""
        info = self.start("stop", "hang", {"stop_grace": "20s"})
        wait_until(lambda: self.asked("stop"), "the model to be asked", PATIENCE)
        took = self.stop(info, "stop")
        with open(f"{self.pool.run_folder(info['run_id'])}/transcript") as file:
            cancelled = '"cancelled"' in file.read()
        words = "" if self.name not in agents.ACP else f"{'' if cancelled else 'not '}cancelled, "
        return f"{words}{took:.1f} s"

    def stop(self, info, story):
        began = time.time()
        self.pool.stop(self.root, story)
        self.left += self.pool.scope_exists(info["unit"])
        return time.time() - began

    def do_stop_tool(self):
        """While a tool runs which has started something in a session of its own."""
        info = self.start("stop_tool", "setsid", {"stop_grace": "20s"})
        wait_until(lambda: self.sleepers(info) == 2 or self.over("stop_tool"), "it", PATIENCE)
        if self.over("stop_tool"):
            return self.words(self.end("stop_tool"))
        return f"{self.stop(info, 'stop_tool'):.1f} s"

    def sleepers(self, info):
        found = 0
        for pid in self.pool.cgroup_procs(info["unit"]):
            with contextlib.suppress(OSError), open(f"/proc/{pid}/cmdline", "rb") as file:
                found += file.read().startswith(b"sleep\0" + b"100")
        return found

    def do_err401(self):
        self.start("err401", "err401")
        return self.words(self.end("err401"))

    def do_mcp(self):
        """With `mcp = true` the model is told of the tools of `storkitctl mcp`."""
        self.stub.requests_with("start_run")
        self.start("mcp", "text", {"mcp": True})
        words = self.words(self.end("mcp"))
        found = self.stub.requests_with("start_run")
        return f"{'told of them' if found else 'NOT TOLD'}, {words}"

    def do_children(self):
        """It starts two others through `storkitctl mcp`, waits for them and looks at their work."""
        children = ["child-1/worker", "child-2/worker"]
        with model.Model(model.orchestrate(children)) as orchestra:
            self.write_family(orchestra.url)
            info = self.pool.start(self.root, "parent")
            end = self.end("parent")
        runs = {run["story_id"]: run for run in self.pool.list()}
        family = [runs.get(child.split("/")[0], {}) for child in children]
        parents = [child.get("parent") == info["run_id"] for child in family]
        self.left += sum(self.pool.scope_exists(run["unit"]) for run in runs.values())
        states = [child.get("status", "none") for child in family]
        told = [text for text in self.outputs("parent") if text.startswith("ended")]
        return f"{self.words(end)}; children {states}, its own {parents}; says {told}"

    def write_family(self, url):
        keys = {"mcp": True, "may_start": ["worker"]}
        parent = agents.roster_entry("claude", self.home, url) | keys
        work = quote(f"echo $STORKIT_STORY >new.txt && {COMMIT}", safe="")
        worker = agents.roster_entry("claude", self.home, self.stub.url(f"sleep,cmd={work}"))
        roster = self.pool.roster({"agent": parent, "worker": worker})
        self.pool.write_config(self.root, roster)

    # --- All of them ---

    def ensure_daemon(self):
        """It ends while there is nothing to do."""
        if not self.pool.running():
            self.pool.start_daemon()

    def all(self, wanted):
        for what in wanted or trials_of(self.name):
            self.ensure_daemon()
            try:
                found = getattr(self, f"do_{what}")()
            except Exception as error:
                found = f"ERROR {type(error).__name__} {error}"
            yield what, found[:300]
        yield "left", f"{self.left} scopes, {self.count_processes()} processes"

    def count_processes(self):
        """Those that have this pool's environment, less the pool's own."""
        own = {self.pool.process.pid, self.pool.bus.process.pid}
        return len(set(self.pool.processes()) - own)
