# SPDX-License-Identifier: LGPL-2.1-or-later
"""Properties, the queue that MaxAgents makes, and what the project's config is understood as."""

import os
import re

from gi.repository import Gio, GLib

from harness import NAME, PATH, main, raises, wait_until
from traces import assert_leaves_nothing, touch


def watch_properties(pool):
    """The changes that PropertiesChanged tells, in order, as (name, value)."""
    changes = []

    def on_signal(connection, sender, path, interface, member, parameters):
        _, changed, invalidated = parameters.unpack()
        assert not invalidated, f"{invalidated}: changed without a value"
        changes.extend(changed.items())

    pool.bus.connection.signal_subscribe(
        NAME, "org.freedesktop.DBus.Properties", "PropertiesChanged", PATH, None,
        Gio.DBusSignalFlags.NONE, on_signal,
    )  # fmt: skip
    return changes


def values_of(changes, name):
    return [value for changed, value in changes if changed == name]


def set_max_agents(pool, value):
    pool.set_property("MaxAgents", GLib.Variant("u", value))


def test_properties_have_their_types(pool):
    """Version, ProjectRoot, MaxAgents, Running and Queued, and nothing else."""
    reply = pool.bus.connection.call_sync(
        NAME, PATH, "org.freedesktop.DBus.Properties", "GetAll", GLib.Variant("(s)", (NAME,)), None,
        Gio.DBusCallFlags.NO_AUTO_START, -1, None,
    ).get_child_value(0)  # fmt: skip
    types = {}
    for i in range(reply.n_children()):
        name, value = (reply.get_child_value(i).get_child_value(j) for j in range(2))
        types[name.get_string()] = value.get_variant().get_type_string()
    assert types == {
        "Version": "s",
        "ProjectRoot": "s",
        "MaxAgents": "u",
        "Running": "u",
        "Queued": "u",
    }
    assert re.fullmatch(r"\d+\.\d+\.\d+\S*", pool.get_property("Version"))
    assert pool.get_property("ProjectRoot") == ""


def test_running_is_told(pool):
    """Running counts the live runs and tells each change."""
    changes = watch_properties(pool)
    root = pool.repository(agents={"coder": "idle", "reviewer": "idle"})
    pool.start(root, "42_login", "coder")
    pool.start(root, "42_login", "reviewer")
    assert pool.get_property("Running") == 2
    pool.stop(root, "42_login", "coder")
    pool.stop(root, "42_login", "reviewer")
    wait_until(lambda: values_of(changes, "Running") == [1, 2, 1, 0], "four changes of Running")
    assert values_of(changes, "Queued") == []


def test_more_than_max_agents_wait_in_line(pool):
    """A Start beyond MaxAgents answers `pending` with its place in the queue, and runs when one has
    ended; Queued tells each change."""
    changes = watch_properties(pool)
    set_max_agents(pool, 1)
    root = pool.repository(agents={"coder": "idle"})
    pool.start(root, "one")
    second, third = (pool.start(root, story) for story in ("two", "three"))
    for info, position in ((second, 1), (third, 2)):
        assert (info["status"], info["queue_position"]) == ("pending", position)
        assert "worktree_path" not in info
    assert (pool.get_property("Running"), pool.get_property("Queued")) == (1, 2)

    pool.stop(root, "one")
    pool.wait_for(lambda e: e["story_id"] == "two" and e.get("status") == "running")
    assert pool.get(root, "three")["queue_position"] == 1
    set_max_agents(pool, 2)
    pool.wait_for(lambda e: e["story_id"] == "three" and e.get("status") == "running")
    wait_until(lambda: values_of(changes, "Queued") == [1, 2, 1, 0], "four changes of Queued")
    assert pool.get_property("Running") == 2


def test_stop_of_a_queued_run(pool):
    """A queued run that is stopped ends in `stopped`, is off the list and never runs."""
    set_max_agents(pool, 1)
    root = pool.repository(agents={"coder": "idle"})
    pool.start(root, "one")
    run_id = pool.start(root, "two")["run_id"]
    pool.stop(root, "two")
    raises("NoSuchRun", pool.get, root, "two")
    pool.wait_for(lambda e: e["run_id"] == run_id and e.get("status") == "stopped")
    pool.stop(root, "one")
    statuses = [e["status"] for e in pool.events if e["run_id"] == run_id]
    assert statuses == ["pending", "stopped"]
    assert "story/two" not in pool.git(root, "for-each-ref")


def test_queued_run_that_fails_is_an_error_event(pool):
    """What is wrong with a queued run shows when its turn comes, as an `error` event."""
    set_max_agents(pool, 1)
    root = pool.repository(agents={"coder": "idle", "lost": {"command": "no-such-program"}})
    pool.start(root, "one")
    assert pool.start(root, "two", "lost")["status"] == "pending"
    pool.stop(root, "one")
    event = pool.wait_for("error")
    assert "no-such-program" in event["message"] and event["story_id"] == "two"
    assert pool.wait(root, "two", "lost")["status"] == "failed"


def test_max_agents_is_kept(pool):
    """MaxAgents tells its change and outlives a restart; ProjectRoot tells, and does not."""
    changes = watch_properties(pool)
    set_max_agents(pool, 7)
    pool.set_property("ProjectRoot", GLib.Variant("s", pool.repository()))
    wait_until(lambda: len(changes) == 2, "two changes")
    assert values_of(changes, "MaxAgents") == [7]
    pool.restart_daemon()
    assert pool.get_property("MaxAgents") == 7
    assert pool.get_property("ProjectRoot") == ""


def test_bad_values_are_refused(pool):
    """MaxAgents 0, a relative ProjectRoot and a property that is not writable are refused."""
    before = pool.get_property("MaxAgents")
    raises("InvalidArgument", set_max_agents, pool, 0)
    raises("InvalidArgument", pool.set_property, "ProjectRoot", GLib.Variant("s", "project"))
    raises(
        "org.freedesktop.DBus.Error.PropertyReadOnly",
        pool.set_property, "Running", GLib.Variant("u", 1),
    )  # fmt: skip
    assert (pool.get_property("MaxAgents"), pool.get_property("ProjectRoot")) == (before, "")


def test_get_config_shows_what_is_understood(pool):
    """GetConfig is the roster and the components, with the values that hold."""
    config = '[[component]]\nname = "web"\npath = "front"\nsetup = ["npm ci"]\n'
    agents = {
        "coder": {"model": "opus", "max_turns": 50, "memory_max": "4G"},
        "reviewer": {"kind": "codex"},
    }
    root = pool.repository(config=config + pool.roster(agents))
    understood = pool.get_config(root)
    (component,) = (dict(found) for found in understood["components"])
    assert (component["name"], component["path"], component["setup"]) == (
        "web",
        "front",
        ["npm ci"],
    )
    coder, reviewer = understood["agents"]
    assert (coder["name"], coder["kind"], coder["model"], coder["max_turns"]) == (
        "coder",
        "claude",
        "opus",
        50,
    )
    assert coder["memory_max"] == 4 << 30
    assert (reviewer["name"], reviewer["kind"]) == ("reviewer", "codex")


def test_get_config_shows_the_prompt_that_holds(pool):
    """An agent that is told nothing of its own has the default prompt, without a file too; one of
    kind raw has none."""
    (agent,) = pool.get_config(pool.repository(config=""))["agents"]
    assert (agent["name"], agent["prompt"]) == ("default", "Work on story {{story_id}}.")
    agents = {"mute": {}, "told": {"prompt": "Go."}, "raw": {"kind": "raw", "command": "true"}}
    mute, told, raw = pool.get_config(pool.repository("other", agents=agents))["agents"]
    assert mute["prompt"] == agent["prompt"] and told["prompt"] == "Go." and "prompt" not in raw


def test_get_config_tells_what_is_wrong(pool):
    """GetConfig has Start's errors, and leaves nothing."""
    root = pool.repository()
    pool.write_config(root, "[[agent]]\nname = 5\n")
    error = assert_leaves_nothing(
        pool, root, lambda: raises("InvalidConfig", pool.get_config, root)
    )
    assert "project.toml:2:8" in error.message
    raises("NoSuchProject", pool.get_config, f"{pool.folder}/nowhere")


def test_a_broken_project_needs_the_agents_name(pool):
    """Without a roster that can be read nobody knows the default agent: the error of a call with an
    empty name says to name the agent, and with its name the run is found and stopped."""
    root = pool.repository(agents={"coder": "idle"})
    pool.start(root, "42_login")
    roster = pool.roster({"coder": "idle"})
    for text, error in (("[[agent", "InvalidConfig"), ("copy = []\n", "NoAgentsConfigured")):
        pool.write_config(root, text)
        for call in (pool.get, pool.stop, pool.wait, pool.drain, pool.freeze, pool.attach):
            assert "name the agent" in raises(error, call, root, "42_login").message
        assert "name the agent" not in raises(error, pool.start, root, "42_login").message
    pool.write_config(root, roster.replace('"coder"', '"author"'))
    assert "name the agent" in raises("NoSuchRun", pool.stop, root, "42_login").message
    os.rename(root, f"{root}.gone")
    assert "name the agent" in raises("NoSuchProject", pool.stop, root, "42_login").message
    pool.stop(root, "42_login", "coder")
    os.rename(f"{root}.gone", root)


def test_list_has_the_last_run_of_each_key(pool):
    """List has every live run and the last ended one of each project, story and agent."""
    root = pool.repository(agents={"coder": f"wait {pool.folder}/go", "reviewer": {}})
    other = pool.repository("other", agents={"coder": {}})
    touch(f"{pool.folder}/go")
    runs = [("one", "coder"), ("one", "reviewer"), ("two", "coder"), ("one", "coder")]
    for story, agent in runs:
        pool.start(root, story, agent)
        last = pool.wait(root, story, agent)
    pool.start(other, "one", "coder")
    pool.wait(other, "one", "coder")
    keys = sorted((i["project_root"], i["story_id"], i["agent_name"]) for i in pool.list())
    assert keys == sorted([(root, *key) for key in set(runs)] + [(other, "one", "coder")])
    assert last["run_id"] in [info["run_id"] for info in pool.list()]


if __name__ == "__main__":
    main()
