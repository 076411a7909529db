# SPDX-License-Identifier: LGPL-2.1-or-later
"""Budgets: what a project may spend in a day."""

import json
import os
import shutil

from gi.repository import GLib

from harness import main, raises, wait_until

KEY = "42_login"


def costing(usd, then=""):
    result = {"type": "result", "subtype": "success", "is_error": False, "num_turns": 1,
              "total_cost_usd": usd, "session_id": "S"}  # fmt: skip
    return f"init; text On it.; json {json.dumps(result)}; {then}"


def repository(pool, keys, **scenarios):
    roster = pool.roster({name: {"scenario": s} for name, s in scenarios.items()})
    return pool.repository(config=f"{keys}\n{roster}")


def test_no_start_beyond_the_budget(pool):
    """Refused with both figures, once it is spent; over a restart, and where the runs' folders are
    gone. Other projects have their own."""
    root = repository(pool, "budget_usd = 1.0", coder=costing(0.6))
    other = pool.repository("other", agents={"coder": {"scenario": "init; result"}})
    for story in ("1", "2"):
        pool.start(root, story)
        assert pool.wait(root, story)["cost_usd"] == 0.6
    error = raises("BudgetExceeded", pool.start, root, "3")
    assert "$1.20" in error.message and "$1.00" in error.message, error.message
    pool.start(other, "1")
    pool.restart_daemon()
    raises("BudgetExceeded", pool.start, root, "3")
    for story in ("1", "2"):
        pool.stop(root, story)
    pool.stop_daemon()
    for run_id in pool.run_folders():
        shutil.rmtree(pool.run_folder(run_id))
    pool.start_daemon()
    error = raises("BudgetExceeded", pool.start, root, "3")
    assert "$1.20" in error.message, error.message
    pool.write_config(root, pool.roster({"coder": {"scenario": "init; result"}}))
    pool.start(root, "3")


def test_the_summaries_are_enough(pool):
    """Without the ledger, which a crash may have cut short, the ended runs say what they cost."""
    root = repository(pool, "budget_usd = 1.0", coder=costing(1.5))
    pool.start(root, "1")
    pool.wait(root, "1")
    pool.stop_daemon()
    os.unlink(f"{pool.environment['XDG_STATE_HOME']}/storkit/spent.json")
    pool.start_daemon()
    raises("BudgetExceeded", pool.start, root, "2")


def test_a_queued_run_is_refused_on_its_turn(pool):
    """What was free when it was called for is spent by then."""
    root = repository(pool, "budget_usd = 1.0", coder=costing(1.5, "wait go"))
    pool.set_property("MaxAgents", GLib.Variant("u", 1))
    info = pool.start(root, "1")
    wait_until(lambda: "budget_spent_usd" in pool.get(root, "1"), "the cost")
    pool.write_config(root, open(f"{root}/.storkit/project.toml").read().replace("1.0", "2.0"))
    assert pool.start(root, "2")["status"] == "pending"
    pool.write_config(root, open(f"{root}/.storkit/project.toml").read().replace("2.0", "1.0"))
    open(f"{info['worktree_path']}/go", "w").close()
    error = pool.wait_for(lambda e: e["type"] == "error" and e["story_id"] == "2")
    assert "budget_usd" in error["message"], error


def test_running_ones_are_told(pool):
    """At 80 per cent and at the whole, whoever's run has spent it; they go on."""
    root = repository(pool, "budget_usd = 1.0", idler="init; idle",
                      spender=costing(0.9, "wait go; " + costing(1.1)))  # fmt: skip
    pool.start(root, KEY, "idler")
    info = pool.start(root, "43", "spender")

    def told(status):
        event = pool.wait_for(lambda e: e.get("status") == status and e["story_id"] == KEY)
        return event["budget_spent_usd"], event["budget_usd"]

    assert told("budget_low") == (0.9, 1.0)
    assert pool.get(root, KEY, "idler")["budget_spent_usd"] == 0.9
    open(f"{info['worktree_path']}/go", "w").close()
    spent, budget = told("budget_spent")
    assert spent >= 1.0 and budget == 1.0
    assert pool.get(root, KEY, "idler")["status"] == "running"
    wait_until(
        lambda: any("budget for the day is spent" in e["MESSAGE"]
                    for e in pool.journal(pool.get(root, KEY, "idler")["run_id"])),
        "the journal's entry",
    )  # fmt: skip


def test_running_ones_are_stopped(pool):
    """With on_budget = "stop", at the whole of it, as by a Stop."""
    root = repository(pool, 'budget_usd = 1.0\non_budget = "stop"', idler="init; idle",
                      spender=costing(1.5, "idle"))  # fmt: skip
    idler = pool.start(root, KEY, "idler")
    pool.start(root, "43", "spender")
    pool.wait_for(lambda e: e.get("status") == "stopped" and e["story_id"] == KEY)
    wait_until(lambda: pool.list() == [], "both to be off the list")
    assert not pool.scope_exists(idler["unit"])


def test_keys_are_checked(pool):
    """A wrong word, and a negative sum."""
    for keys in ('budget_usd = 1\non_budget = "halt"', "budget_usd = -1"):
        root = pool.repository(f"p{len(keys)}", config=keys + "\n" + pool.roster({"coder": {}}))
        raises("InvalidConfig", pool.start, root, KEY)


if __name__ == "__main__":
    main()
