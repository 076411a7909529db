# SPDX-License-Identifier: LGPL-2.1-or-later
"""Usage limits: a run that one ends is parked, and goes on with its session when it is over."""

import json
import os
import re
import time

from ctl import Ctl
from harness import Pool, main, raises, timeout, wait_until
from replay import argv_of
from test_service import Unit, systemctl

AT_ONCE = {"STORKIT_LIMIT_SPREAD_MSEC": "0"}
FAR = 4_000_000_000  # seconds since the epoch: no test gets there
KEY = "42_login"

# Runs into the limit whose end is in the file `limit`, as long as there is one; each run is a line
# in `runs`.
AGENT = """#!/bin/sh
cd "$POOL" || exit 3
echo "$STORKIT_STORY" >>runs
printf '{"type":"argv","argv":["agent","%s"]}\\n' "$(printf '%s\\n' "$@" | paste -sd'|')"
echo '{"type":"system","subtype":"init","session_id":"S1"}'
if reset=$(cat limit 2>/dev/null); then
    limit='{"type":"rate_limit_event","rate_limit_info":{"status":"rejected","resetsAt":%s}}\\n'
    printf "$limit" "$reset"
    echo '{"type":"result","is_error":true,"result":"Limit reached"}'
    exit 1
fi
echo '{"type":"assistant","message":{"content":[{"type":"text","text":"done"}]}}'
echo '{"type":"result","subtype":"success","is_error":false,"num_turns":1}'
"""


def set_limit(pool, reset):
    """The account's limit, until @reset (seconds since the epoch); None: there is none."""
    path = f"{pool.folder}/limit"
    if reset is None:
        os.unlink(path)
        return
    with open(f"{path}.new", "w") as file:
        file.write(str(int(reset)))
    os.rename(f"{path}.new", path)


def count_runs(pool):
    try:
        with open(f"{pool.folder}/runs") as file:
            return len(file.readlines())
    except FileNotFoundError:
        return 0


def repository(pool, name="project", **keys):
    program = f"{pool.folder}/agent"
    with open(program, "w") as file:
        file.write(AGENT)
    os.chmod(program, 0o755)
    agent = {"command": program, "env": {"POOL": pool.folder}, "on_limit": "wait",
             "writable": [pool.folder]} | keys  # fmt: skip
    return pool.repository(name, agents={"coder": agent})


def parked(pool, root, story=KEY):
    """The story's run once a limit holds it."""
    infos = []

    def is_parked():
        infos.append(pool.get(root, story))
        return infos[-1].get("waiting") == "limit"

    wait_until(is_parked, f"{story} to be parked")
    return infos[-1]


def park(pool, root, story=KEY, reset=FAR):
    """Starts a run that runs into a limit: the infos of it and of the one that is to go on."""
    set_limit(pool, reset)
    first = pool.start(root, story)
    info = parked(pool, root, story)
    return first, info


def at_once():
    return Pool(environment=AT_ONCE)


def test_a_limited_run_waits_and_goes_on():
    """Ended by a limit: pending until that is over, with session and worktree; then it goes on with
    the session, and with words for it. Whoever waits for the run waits on."""
    with at_once() as pool:
        root = repository(pool)
        set_limit(pool, time.time() + 10)
        first = pool.start(root, KEY)
        waiting = pool.begin("Wait", "(sss)", root, KEY, "coder")
        info = parked(pool, root)
        assert info["status"] == "pending" and info["run_id"] != first["run_id"]
        assert (info["continues"], info["attempt"]) == (first["run_id"], 1)
        assert info["session_id"] == "S1" and "queue_position" not in info
        assert info["retry_at"] > info["waiting_since"] and info["retry_at"] % 1_000_000 == 0
        set_limit(pool, None)
        ended = waiting.result(60)
        assert (ended["status"], ended["run_id"]) == ("completed", info["run_id"])
        assert ended["started"] >= info["retry_at"]
        assert ended["worktree_path"] == first["worktree_path"]
        words = argv_of(pool, info["run_id"])[0].split("|")
        assert words[words.index("--resume") + 1] == "S1"
        assert any("continue" in word for word in words)
        error = pool.wait_for(lambda event: event.get("message"))
        words = r"Limit reached; it is resumed after \d{4}-\d\d-\d\d \d\d:\d\d \(1 of 5\)"
        assert re.fullmatch(words, error["message"])
        waits = pool.wait_for(lambda event: event.get("status") == "waiting")
        assert (waits["waiting"], waits["run_id"]) == ("limit", info["run_id"])
        assert waits["retry_at"] == info["retry_at"]


def test_fail_is_the_default(pool):
    """Without on_limit = "wait" it has failed, and nothing goes on with it."""
    root = repository(pool, on_limit="fail")
    set_limit(pool, FAR)
    pool.start(root, KEY)
    info = pool.wait(root, KEY)
    assert (info["status"], info["error"]) == ("failed", "Limit reached")
    assert "waiting" not in info and info["retry_at"] == FAR * 1_000_000
    pool.restart_daemon()
    assert pool.get(root, KEY)["status"] == "failed"


def test_a_limit_that_is_over_is_none(pool):
    """A run in which the model spoke after the limit, and which then fails, is not resumed."""
    event = {"type": "rate_limit_event", "rate_limit_info": {"status": "rejected", "resetsAt": FAR}}
    scenario = f"init; json {json.dumps(event)}; text on; result error Something else.; exit 1"
    root = pool.repository(agents={"coder": {"scenario": scenario, "on_limit": "wait"}})
    pool.start(root, KEY)
    info = pool.wait(root, KEY)
    assert (info["status"], info["error"]) == ("failed", "Something else.")
    assert "retry_at" not in info


def test_tries_are_bounded():
    """After limit_retries it has failed, and says so."""
    with at_once() as pool:
        root = repository(pool, limit_retries=2)
        set_limit(pool, 1_000_000_000)
        pool.start(root, KEY)
        wait_until(lambda: count_runs(pool) == 3, "the third run")
        info = pool.wait(root, KEY)
        assert info["status"] == "failed" and info["attempt"] == 2
        assert info["error"].startswith("Limit reached; it has been resumed 2 times after a limit")
        pool.restart_daemon()
        assert pool.get(root, KEY)["run_id"] == info["run_id"] and count_runs(pool) == 3


def test_it_waits_over_restarts():
    """Over a restart and a kill -9 of the service; and where the service died before it could park
    the run, the next one does."""
    with at_once() as pool:
        root = repository(pool)
        first, info = park(pool, root)
        for end in (pool.stop_daemon, pool.kill_daemon):
            end()
            pool.start_daemon()
            again = pool.get(root, KEY)
            assert again["run_id"] == info["run_id"] and again["status"] == "pending"
            assert (again["waiting"], again["retry_at"]) == ("limit", info["retry_at"])
            assert again["session_id"] == "S1"
        assert [run["run_id"] for run in pool.list()] == [info["run_id"]]
        assert count_runs(pool) == 1


@timeout(120)
def test_a_service_that_dies_at_the_end_parks_it_later():
    """Killed when the result is written, and when the folder of the run that goes on is made."""
    for fault in ("result", "ended", "folder", "reserved"):
        with Pool(environment=AT_ONCE | {"STORKIT_FAULT": ""}) as pool:
            root = repository(pool)
            set_limit(pool, FAR)
            if fault in ("result", "ended"):
                pool.stop_daemon()
                pool.environment["STORKIT_FAULT"] = fault
                pool.start_daemon()
                pool.begin("Start", "(sss)", root, KEY, "coder")
                wait_until(lambda: not pool.running(), f"the service to die at {fault}")
            else:
                first, info = park(pool, root)
                pool.kill_daemon()
                for name in os.listdir(pool.run_folder(info["run_id"])):
                    os.unlink(f"{pool.run_folder(info['run_id'])}/{name}")
                if fault == "folder":
                    os.rmdir(pool.run_folder(info["run_id"]))
            pool.environment["STORKIT_FAULT"] = ""
            pool.start_daemon()
            info = parked(pool, root)
            assert info["attempt"] == 1 and info["session_id"] == "S1"
            assert count_runs(pool) == 1
            wait_until(lambda: len(pool.list()) == 1, "the older run to be replaced")


def test_stop_ends_a_parked_run(pool):
    """Off the list, and nothing goes on with it, over a restart either."""
    root = repository(pool)
    park(pool, root)
    pool.stop(root, KEY)
    assert pool.list() == []
    pool.restart_daemon()
    assert pool.list() == [] and count_runs(pool) == 1
    assert pool.start(root, KEY)["status"] in ("running", "pending")


def test_resume_starts_it_now(pool):
    """`storkitctl resume`: that run, at once, with the prompt given; a plain Start is refused."""
    root = repository(pool)
    first, info = park(pool, root)
    raises("AlreadyRunning", pool.start, root, KEY)
    set_limit(pool, None)
    Ctl(pool, root=root)("resume", KEY, "Now", "go", "on.")
    ended = pool.wait(root, KEY)
    assert (ended["status"], ended["run_id"]) == ("completed", info["run_id"])
    assert "Now go on." in argv_of(pool, info["run_id"])[0].split("|")


def test_an_account_waits_together():
    """While an account is limited, Starts of its agents wait behind it, in another project too, and
    no try is lost on them; others start."""
    with at_once() as pool:
        root = repository(pool, account="work")
        other = repository(pool, "other", account="work", on_limit="fail")
        free = repository(pool, "free", account="home")
        first, info = park(pool, root)
        behind = pool.start(other, "43_logout")
        assert (behind["status"], behind["waiting"]) == ("pending", "limit")
        assert (behind["retry_at"], behind["account"]) == (info["retry_at"], "work")
        assert "attempt" not in behind and "continues" not in behind
        assert count_runs(pool) == 1
        set_limit(pool, None)
        pool.start(free, "44_free")
        assert pool.wait(free, "44_free")["status"] == "completed"
        pool.restart_daemon()
        assert pool.get(other, "43_logout")["waiting"] == "limit"
        pool.start(root, KEY, resume="last")
        assert pool.wait(root, KEY)["status"] == "completed"
        assert pool.wait(other, "43_logout")["status"] == "completed"
        assert count_runs(pool) == 4


def test_a_stop_does_not_forget_the_limit(pool):
    """The account stays limited where the run that knew of it is stopped; over a restart, too."""
    root = repository(pool, account="work")
    park(pool, root)
    pool.stop(root, KEY)
    behind = pool.start(root, "43_logout")
    assert behind["waiting"] == "limit" and behind["retry_at"] >= FAR * 10**6
    pool.stop(root, "43_logout")
    pool.restart_daemon()
    assert pool.start(root, "44_again")["waiting"] == "limit"
    assert count_runs(pool) == 1


def test_resume_completes_parked_runs(pool):
    """`storkitctl resume` starts one now, and its completion offers it."""
    root = repository(pool)
    park(pool, root)
    ctl = Ctl(pool, root=root)
    assert ctl.out("_complete", "resume", "").split() == [KEY]


def test_parked_runs_take_no_place(pool):
    """A parked run is not in the queue, and does not keep others out of it."""
    root = repository(pool)
    park(pool, root)
    set_limit(pool, None)
    assert (pool.get_property("Queued"), pool.get_property("Running")) == (0, 0)
    pool.start(root, "43_logout")
    assert pool.wait(root, "43_logout")["status"] == "completed"
    assert pool.get(root, KEY)["waiting"] == "limit"


@timeout(90)
def test_a_timer_wakes_the_service():
    """The service goes while all that there is waits for a limit, and a timer of systemd starts it
    when that is over; one that comes back before sets it again."""
    with Pool(daemon=False, environment=AT_ONCE) as pool:
        os.makedirs(f"{pool.folder}/config/storkit", exist_ok=True)
        with open(f"{pool.folder}/config/storkit/storkitd.conf", "w") as file:
            file.write("[Pool]\nIdleExit=500ms\n")
        root = repository(pool)
        unit = Unit(pool)
        unit.write()
        try:
            systemctl("start", unit.name)
            unit.wait_for_name()
            reset = int(time.time()) + 15
            first, info = park(pool, root, reset=reset)
            timer = f"storkit-wake-{reset}.timer"
            show = ("show", "--value", timer, "--property")
            wait_until(lambda: systemctl(*show, "ActiveState") == "active", "the timer")
            assert systemctl(*show, "WakeSystem") == "no"
            systemctl("stop", unit.name, timer)  # as a reboot does
            systemctl("start", unit.name)
            wait_until(lambda: systemctl(*show, "ActiveState") == "active", "the timer again")
            wait_until(lambda: unit.show("ActiveState") == "inactive", "the service to go")
            set_limit(pool, None)
            wait_until(lambda: count_runs(pool) == 2, "the run to go on", 40)
            assert time.time() >= reset
            unit.wait_for_name()
            assert pool.wait(root, KEY)["status"] == "completed"
            listing = ("list-units", "--all", "storkit-wake-*")
            wait_until(lambda: timer not in systemctl(*listing), "the timer to go")
        finally:
            unit.remove()


def test_codex_that_waits_in_silence(pool):
    """At HTTP 429 codex waits as long as it is told, without a word: the run says that it waits, is
    not taken for idle, and runs again with its next line."""
    lines = [
        {"type": "thread.started", "thread_id": "T1"},
        {"type": "error", "message": "Reconnecting... 1/5 (exceeded retry limit, last status: "
                                     "429 Too Many Requests)"},
    ]  # fmt: skip
    going_on = {"type": "turn.completed", "usage": {"input_tokens": 1, "output_tokens": 1}}
    path = f"{pool.folder}/go"
    script = "".join(f"echo '{json.dumps(line)}'; " for line in lines)
    script += f"while ! [ -e {path} ]; do sleep 0.05; done; echo '{json.dumps(going_on)}'"
    program = f"{pool.folder}/codex"
    with open(program, "w") as file:
        file.write(f"#!/bin/sh\n{script}\n")
    os.chmod(program, 0o755)
    agent = {"kind": "codex", "command": program, "idle_timeout": "2s"}
    root = pool.repository(agents={"coder": agent})
    pool.start(root, KEY)
    info = parked(pool, root)
    assert info["status"] == "running" and "retry_at" not in info
    pool.wait_for(lambda event: event.get("status") == "waiting" and event["waiting"] == "limit")
    time.sleep(3)  # longer than its idle_timeout: nothing happens, which has no event
    assert pool.get(root, KEY)["status"] == "running"
    open(path, "w").close()
    assert pool.wait(root, KEY)["status"] == "completed"


if __name__ == "__main__":
    main()
