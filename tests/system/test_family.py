# SPDX-License-Identifier: LGPL-2.1-or-later
"""Agents that start agents: whose child a run is, what its parent may start, and what becomes of
the children."""

import json
import os
import signal

from gi.repository import Gio, GLib

from ctl import FAILED, STORKITCTL, Ctl
from harness import NAME, PATH, Pool, main, raises, wait_until
from session import connect

# What agents are told in: `start WORD ARGUMENT…` starts a run by storkitctl, and leaves what it
# said in the file WORD; `stay` is what they do until the test is over.
WORDS = r"""
start() {
    word=$1; shift
    "$CTL" --json start "$@" >"$POOL/$word.new" 2>&1
    echo "$?" >>"$POOL/$word.new"
    mv "$POOL/$word.new" "$POOL/$word"
}
wait_for() { while ! [ -e "$POOL/$1" ]; do sleep 0.05; done; }
stay() { wait_for end; }
"""


def agent(pool, script, **keys):
    program = f"{pool.folder}/agent-{len(os.listdir(pool.folder))}"
    with open(program, "w") as file:
        file.write(f"#!/bin/sh\n{WORDS}{script}\n")
    os.chmod(program, 0o755)
    kept = ("DBUS_SESSION_BUS_ADDRESS", "XDG_RUNTIME_DIR", "ASAN_OPTIONS", "LSAN_OPTIONS")
    env = {name: value for name, value in pool.environment.items() if name in kept}
    env |= {"POOL": pool.folder, "CTL": STORKITCTL}
    # The agents tell the test what they saw.
    return {"kind": "raw", "command": program, "env": env, "writable": [pool.folder]} | keys


def family(pool, **agents):
    """A project whose agents are these: a script each, or (script, keys)."""
    pairs = {name: a if isinstance(a, tuple) else (a, {}) for name, a in agents.items()}
    return pool.repository(agents={name: agent(pool, s, **k) for name, (s, k) in pairs.items()})


def told(pool, word):
    """What storkitctl said to an agent, and its status."""
    path = f"{pool.folder}/{word}"
    wait_until(lambda: os.path.exists(path), f"an agent's `start {word}`")
    with open(path) as file:
        text, _, status = file.read().rstrip("\n").rpartition("\n")
    return text, int(status)


def started(pool, word):
    """The info of the run that an agent has started."""
    text, status = told(pool, word)
    assert status == 0, text
    info = json.loads(text)
    pool.units.add(info["unit"])
    return info


def refused(pool, word):
    text, status = told(pool, word)
    assert status == FAILED, (text, status)
    return text


def release(pool, name="end"):
    open(f"{pool.folder}/{name}", "w").close()


def statuses(pool):
    return {info["story_id"]: info["status"] for info in pool.list()}


def test_the_run_that_calls_is_the_parent(pool):
    """Found by the scope that the caller is in, whatever its environment says: in info, `show`,
    `list --json` and on the run's object; over a restart, too. A caller outside has no parent."""
    root = family(pool, lead=("start a child/helper; stay", {"may_start": ["helper"]}),
                  helper="stay")  # fmt: skip
    lead = pool.start(root, "top")
    child = started(pool, "a")
    assert child["parent"] == lead["run_id"] and "parent" not in lead, child
    ctl = Ctl(pool, root=root)
    assert f"Parent: {lead['run_id']}" in ctl.out("show", "child")
    parents = {info["story_id"]: info.get("parent") for info in ctl.json("list")}
    assert parents == {"top": None, "child": lead["run_id"]}
    value = pool.bus.connection.call_sync(
        NAME, child["object_path"], "org.freedesktop.DBus.Properties", "Get",
        GLib.Variant("(ss)", ("org.storkit.Run", "Parent")), None, 0, -1, None,
    )  # fmt: skip
    assert value.unpack()[0] == lead["run_id"]
    environment = {"STORKIT_STORY": "top", "STORKIT_AGENT": "lead"}
    outside = json.loads(ctl.out("--json", "start", "out/helper", environment=environment))
    pool.units.add(outside["unit"])
    assert "parent" not in outside
    pool.restart_daemon()
    assert pool.get(root, "child", "helper")["parent"] == lead["run_id"]
    release(pool)
    assert pool.wait(root, "child", "helper")["parent"] == lead["run_id"]


def test_an_agent_starts_only_what_may_start_names(pool):
    """Nothing without the key; agents in it, in its own project."""
    other = pool.repository("other", agents={"helper": agent(pool, "stay")})
    root = family(
        pool,
        lead=(f"start a 1/lead; cd {other}; start b 2/helper; stay", {"may_start": ["helper"]}),
        helper=("start c 3/helper; stay", {"bus": True}),
    )
    lead = pool.start(root, "top")
    text = refused(pool, "a")
    assert "may not start agent 'lead'" in text and "may_start" in text, text
    assert "own project" in refused(pool, "b")
    pool.start(root, "s", "helper")
    assert 'may_start = ["helper"]' in refused(pool, "c")
    assert {info["run_id"] for info in pool.list() if info["story_id"] == "top"} == {lead["run_id"]}
    assert len(pool.list()) == 2


def test_a_bound_is_a_typed_error(pool):
    """Whatever client the agent has: its name on the bus is NotAllowed."""
    call = f"gdbus call --session --dest {NAME} --object-path {PATH} --method {NAME}.Start"
    script = f'{call} "$ROOT" 1 "" >"$POOL/a.new" 2>&1; echo $? >>"$POOL/a.new"; ' \
             'mv "$POOL/a.new" "$POOL/a"; stay'  # fmt: skip
    root = family(pool, lead=(script, {"bus": True}))
    text = open(f"{root}/.storkit/project.toml").read()
    pool.write_config(root, text.replace("env = { ", f'env = {{ ROOT = "{root}", '))
    pool.start(root, "top")
    text = refused(pool, "a")
    assert f"{NAME}.Error.NotAllowed" in text and "may_start" in text, text


def test_max_children_counts_those_that_live(pool):
    """A further one is refused, with the key's name, until one has ended."""
    script = "start a 1/helper; start b 2/helper; wait_for again; start c 3/helper; stay"
    root = family(pool, lead=(script, {"may_start": ["helper"], "max_children": 1}), helper="stay")
    pool.start(root, "top")
    started(pool, "a")
    assert "max_children = 1" in refused(pool, "b")
    pool.stop(root, "1", "helper")
    release(pool, "again")
    assert started(pool, "c")["story_id"] == "3"


def test_max_depth_holds_for_the_tree_below(pool):
    """The root's bound holds for its grandchildren, whatever their own agents may; a changed roster
    and a new service do not lift it."""
    script = 'wait_for "go-$STORKIT_STORY"; ' \
             'start "from-$STORKIT_STORY" "${STORKIT_STORY}x/chain"; stay'  # fmt: skip
    root = family(pool, lead=("start a x/chain; stay", {"may_start": ["chain"], "max_depth": 2}),
                  chain=(script, {"may_start": ["chain"], "max_depth": 9}))  # fmt: skip
    pool.start(root, "top")
    started(pool, "a")
    text = open(f"{root}/.storkit/project.toml").read()
    pool.write_config(root, text.replace("max_depth = 2", "max_depth = 7"))
    pool.restart_daemon()
    release(pool, "go-x")
    assert started(pool, "from-x")["story_id"] == "xx"
    release(pool, "go-xx")
    assert "max_depth" in refused(pool, "from-xx")


def test_a_caller_that_has_gone_has_no_child(pool):
    """Nobody can tell whose it would be: a script that does not wait for the reply is served."""
    root = pool.repository(agents={"coder": "init; result"})
    os.kill(pool.process.pid, signal.SIGSTOP)
    client = connect(pool.bus.address)
    client.call(NAME, PATH, NAME, "Start", GLib.Variant("(sss)", (root, "gone", "")), None,
                Gio.DBusCallFlags.NONE, -1, None, None)  # fmt: skip
    client.flush_sync(None)
    name = client.get_unique_name()
    client.close_sync(None)

    def is_gone():
        return not pool.bus.connection.call_sync(
            "org.freedesktop.DBus", "/org/freedesktop/DBus", "org.freedesktop.DBus",
            "NameHasOwner", GLib.Variant("(s)", (name,)), None, 0, -1, None,
        ).unpack()[0]  # fmt: skip

    wait_until(is_gone, "the caller to go")
    os.kill(pool.process.pid, signal.SIGCONT)
    wait_until(lambda: statuses(pool).get("gone") == "completed", "its run")
    assert "parent" not in pool.get(root, "gone")


def test_calls_keep_their_order(pool):
    """A Stop, or a removal, right behind a Start whose reply nobody awaits, is about its run."""
    root = pool.repository(agents={"coder": "init; idle"})
    for i in range(20):
        replies = []
        story = f"{i}_story"
        for method, signature, arguments in (
            ("Start", "(sss)", (root, story, "")),
            ("Stop" if i % 2 else "RemoveWorktree", "(sss)" if i % 2 else "(ssb)",
             (root, story, "" if i % 2 else True)),
        ):  # fmt: skip
            pool.bus.connection.call(
                NAME, PATH, NAME, method, GLib.Variant(signature, arguments), None,
                Gio.DBusCallFlags.NONE, -1, None, lambda *call: replies.append(call),
            )  # fmt: skip
        wait_until(lambda: len(replies) == 2, "both replies")
        assert story not in statuses(pool), statuses(pool)


TREE = {
    "lead": ("start a mid/mid; stay", {"may_start": ["mid"]}),
    "mid": ("start b --no-block leaf/leaf; stay", {"may_start": ["leaf"]}),
    "leaf": "stay",
}


def test_a_stop_stops_the_children(pool):
    """And theirs: once it replies, nothing of them is left, nor of one that waits in the queue."""
    root = family(pool, **TREE)
    pool.set_property("MaxAgents", GLib.Variant("u", 2))
    lead = pool.start(root, "top")
    units = [lead["unit"], started(pool, "a")["unit"]]
    assert started(pool, "b")["status"] == "pending"
    bystander = pool.start(root, "by", "leaf")
    assert bystander["status"] == "pending"
    pool.stop(root, "top")
    assert list(statuses(pool)) == ["by"]
    assert not any(map(pool.scope_exists, units))
    release(pool)
    assert pool.wait(root, "by", "leaf")["status"] == "completed"


def test_a_stop_stops_them_over_a_restart(pool):
    """The service dies after it has told the parent to stop, before it has told the children."""
    pool.stop_daemon()
    pool.environment["STORKIT_FAULT"] = "children"
    pool.start_daemon()
    root = family(pool, **TREE)
    pool.set_property("MaxAgents", GLib.Variant("u", 2))
    lead = pool.start(root, "top")
    units = [lead["unit"], started(pool, "a")["unit"]]
    started(pool, "b")
    pool.begin("Stop", "(sss)", root, "top", "lead")
    wait_until(lambda: not pool.running(), "the service to die")
    del pool.environment["STORKIT_FAULT"]
    wait_until(lambda: not pool.scope_exists(units[0]), "the parent to end without the service")
    assert pool.scope_exists(units[1])
    pool.start_daemon()
    wait_until(lambda: not pool.list(), "the children to be stopped")
    wait_until(lambda: not pool.scope_exists(units[1]), "the child's scope to go")
    pool.restart_daemon()
    assert pool.list() == []


def test_an_end_leaves_the_children(pool):
    """A parent that ends by itself was done with them, or not: they go on. A Stop then only takes
    it off the list."""
    root = family(pool, lead=("start a child/helper; wait_for go", {"may_start": ["helper"]}),
                  helper="stay")  # fmt: skip
    pool.start(root, "top")
    child = started(pool, "a")
    release(pool, "go")
    assert pool.wait(root, "top")["status"] == "completed"
    pool.stop(root, "top")
    assert statuses(pool) == {"child": "running"}
    pool.restart_daemon()
    assert pool.get_run(child["run_id"])["status"] == "running"
    release(pool)
    assert pool.wait(root, "child", "helper")["status"] == "completed"


def test_a_parked_parent_has_its_children():
    """A run that goes on after a usage limit is the same parent: its Stop stops what the run before
    it has started; so does that of a parent whose child is parked."""
    info = '{"status":"rejected","resetsAt":4000000000}'
    limit = f"""echo '{{"type":"rate_limit_event","rate_limit_info":{info}}}'
        echo '{{"type":"result","is_error":true,"result":"Limit reached"}}'; exit 1"""
    init = """echo '{"type":"system","subtype":"init","session_id":"S1"}'; """
    with Pool(environment={"STORKIT_LIMIT_SPREAD_MSEC": "0"}) as pool:
        limited = {"kind": "claude", "on_limit": "wait"}
        root = family(pool, helper="stay",
                      lead=(init + "start a child/helper; " + limit,
                            limited | {"may_start": ["helper"]}),
                      boss=("start c low/poor; stay", {"may_start": ["poor"]}),
                      poor=(init + limit, limited))  # fmt: skip

        def is_parked(story, name):
            return pool.get(root, story, name).get("waiting") == "limit"

        pool.start(root, "top", "lead")
        started(pool, "a")
        wait_until(lambda: is_parked("top", "lead"), "the parent to be parked")
        pool.restart_daemon()
        pool.stop(root, "top", "lead")
        assert pool.list() == []
        boss = pool.start(root, "top", "boss")
        started(pool, "c")
        wait_until(lambda: is_parked("low", "poor"), "the child to be parked")
        assert pool.get(root, "low", "poor")["parent"] == boss["run_id"]
        pool.stop(root, "top", "boss")
        assert pool.list() == []


# Takes the server that it is given with --mcp-config, and starts a run by its tool.
MCP_AGENT = """#!/usr/bin/python3
import json, os, subprocess, sys
print(json.dumps({"type": "system", "subtype": "init", "session_id": "S1"}), flush=True)
given = json.loads(sys.argv[sys.argv.index("--mcp-config") + 1])["mcpServers"]["storkit"]
server = subprocess.Popen([given["command"], *given["args"]], env=os.environ | given["env"],
                          stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1)
def ask(number, method, **params):
    server.stdin.write(json.dumps({"jsonrpc": "2.0", "id": number, "method": method,
                                   "params": params}) + "\\n")
    while (answer := json.loads(server.stdout.readline())).get("id") != number:
        pass
    return answer["result"]
ask(1, "initialize", protocolVersion="2025-06-18", capabilities={},
    clientInfo={"name": "t", "version": "1"})
answer = ask(2, "tools/call", name="start_run", arguments={"run": "child/helper"})
print(json.dumps({"type": "result", "is_error": bool(answer.get("isError")),
                  "result": answer["content"][0]["text"]}), flush=True)
"""


def test_mcp_gives_the_agent_the_server(pool):
    """`mcp = true`: the program is told of `storkitctl mcp`; what it starts by that is its run's
    child, under its bounds."""
    helper = agent(pool, "stay")
    program = f"{pool.folder}/claude"
    with open(program, "w") as file:
        file.write(MCP_AGENT)
    os.chmod(program, 0o755)
    lead = {"command": program, "mcp": True, "may_start": ["helper"]}
    agents = {"lead": lead, "helper": helper, "other": lead | {"may_start": []}}
    root = pool.repository(agents=agents)
    info = pool.start(root, "top")
    assert pool.wait(root, "top")["status"] == "completed", pool.get(root, "top")
    child = pool.get(root, "child", "helper")
    pool.units.add(child["unit"])
    assert child["parent"] == info["run_id"]
    pool.start(root, "top", "other")
    ended = pool.wait(root, "top", "other")
    assert ended["status"] == "failed" and "may_start" in ended["error"], ended


def test_mcp_that_cannot_be_given_is_refused(pool):
    """By a kind that has no way to be told of it, and in a sandbox that closes the bus."""
    root = pool.repository()
    for kind in ("raw", "gemini"):
        pool.write_config(root, pool.roster({"coder": {"kind": kind, "mcp": True}}))
        assert "mcp needs kind" in raises("InvalidConfig", pool.start, root, "1").message
    boxed = pool.repository("boxed", agents={"coder": {"mcp": True, "bus": False}})
    error = raises("InvalidConfig", pool.start, boxed, "1")
    assert "bus = false" in error.message, error.message
    assert pool.run_folders() == [] and pool.list() == []


def test_an_unknown_name_in_may_start_is_refused(pool):
    """Here, and not when the agent wants to start it."""
    root = family(pool, lead=("stay", {"may_start": ["helpre"]}), helper="stay")
    error = raises("InvalidConfig", pool.start, root, "top")
    assert "'helpre'" in error.message, error.message


if __name__ == "__main__":
    main()
