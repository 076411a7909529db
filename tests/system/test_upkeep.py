# SPDX-License-Identifier: LGPL-2.1-or-later
"""What the service does by itself: it ends when idle, and removes ended runs by age and size."""

import os

from harness import main, wait_until


def configure(pool, text):
    """Writes storkitd.conf, and restarts the service, which reads it when it starts."""
    folder = f"{pool.environment['XDG_CONFIG_HOME']}/storkit"
    os.makedirs(folder, exist_ok=True)
    with open(f"{folder}/storkitd.conf", "w") as file:
        file.write(text)
    pool.restart_daemon()


def finished(pool, root, story):
    info = pool.start(root, story)
    return pool.wait(root, story) and info["run_id"]


def test_idle_service_ends_by_itself(pool):
    """A service without runs and callers ends with status 0; the next one knows its runs."""
    root = pool.repository()
    run = finished(pool, root, "s")
    configure(pool, "[Pool]\nIdleExit=200ms\n")
    wait_until(lambda: not pool.running(), "the end of the service")
    assert pool.process.returncode == 0
    configure(pool, "[Pool]\nIdleExit=0\n")
    assert [info["run_id"] for info in pool.list()] == [run]


def test_service_with_a_run_stays(pool):
    """A live run keeps the service; when it has ended, the service ends."""
    go = f"{pool.folder}/go"
    root = pool.repository(agents={"coder": f"init; wait {go}; result"})
    configure(pool, "[Pool]\nIdleExit=200ms\n")
    info = pool.start(root, "s")
    events = pool.subscribe(root, "s")
    assert pool.get(root, "s")["status"] == "running" and pool.running()
    open(go, "w").close()
    assert [event["type"] for event in events][-1] == "done"
    wait_until(lambda: not pool.running(), "the end of the service")
    assert info["run_id"] in pool.run_folders()
    configure(pool, "[Pool]\nIdleExit=0\n")


def wait_for_its_folders_end(pool, run):
    """The settings are read when the service starts."""
    pool.restart_daemon()
    wait_until(lambda: run not in pool.run_folders(), "the end of the run's folder")


def test_oldest_ended_runs_go_when_all_take_too_much(pool):
    """KeepSize: ended runs are removed, oldest first; a live one never."""
    go = f"{pool.folder}/go"
    root = pool.repository(
        agents={"coder": "init; lines 100; result", "host": f"init; lines 100; wait {go}; result"}
    )
    live = pool.start(root, "live", "host")["run_id"]
    old = finished(pool, root, "old")
    configure(pool, "[Retention]\nKeepSize=1\n")
    wait_for_its_folders_end(pool, old)
    assert live in pool.run_folders() and pool.get(root, "live", "host")["status"] == "running"
    assert [info["run_id"] for info in pool.list()] == [live]
    open(go, "w").close()
    assert pool.wait(root, "live", "host")["status"] == "completed"


def test_ended_runs_are_kept_for_a_while(pool):
    """KeepFor: a run that is older goes, whatever somebody put into its folder, with its place in
    List; by default it stays."""
    root = pool.repository()
    run = finished(pool, root, "s")
    os.makedirs(f"{pool.run_folder(run)}/folder/inside")
    pool.restart_daemon()
    assert run in pool.run_folders()
    configure(pool, "[Retention]\nKeepFor=1ms\n")
    wait_for_its_folders_end(pool, run)
    wait_until(lambda: pool.run_folders() == [], "the end of all of it")
    assert pool.list() == []


def test_a_setting_that_means_nothing_is_told(pool):
    """A key that is unknown or makes no sense is logged, and the default holds."""
    configure(pool, "[Pool]\nIdleExit=soon\nMaxAgent=3\n")
    assert "IdleExit=soon is not valid" in pool.log_text()
    assert "MaxAgent is unknown" in pool.log_text()
    assert pool.list() == []


if __name__ == "__main__":
    main()
