# SPDX-License-Identifier: LGPL-2.1-or-later
"""Runs in jobs of Slurm: what storkitctl asks its programs for, and what it makes of their answers.
The programs are made up, and print what those of 22.05 have printed; tests/slurm/run, a command for
people, has the real ones."""

import json
import os
import shlex
from contextlib import contextmanager

from ctl import FAILED, NOT_FOUND, REFUSED, RUN_FAILED, RUN_STOPPED, USAGE, Ctl
from harness import main, wait_until

# Each notes its words; squeue prints the file `queue`, as wide as it was asked to; scancel takes
# the job out of it.
PROGRAM = """#!/usr/bin/python3
import json, os, sys
folder = {folder!r}
name, words = os.path.basename(sys.argv[0]), sys.argv[1:]
with open(folder + "/calls", "a") as file:
    file.write(json.dumps([name, words, sys.stdin.read() if name == "sbatch" else ""]) + "\\n")
def jobs():
    with open(folder + "/queue") as file:
        return [line.rstrip("\\n").split("|") for line in file]
if name == "sbatch" and "--partition=none" in words:
    sys.exit("sbatch: error: invalid partition specified: none\\n"
             "sbatch: error: Batch job submission failed: Invalid partition name specified")
elif name == "sbatch":
    print("4711")
elif name == "squeue":
    if os.path.exists(folder + "/away"):
        sys.exit("slurm_load_jobs error: Unable to contact slurm controller (connect failure)")
    for job in jobs():
        sizes = 20, 20, 100, 200, 30, 20, 2000
        print("|".join(field.ljust(size) for field, size in zip(job, sizes)))
elif name == "sacct":
    if not os.path.exists(folder + "/account-of-" + words[-1]):
        sys.exit("Slurm accounting storage is disabled")
    with open(folder + "/account-of-" + words[-1]) as file:
        print(file.read())
elif name == "scancel" and os.path.exists(folder + "/stubborn") and "--batch" in words:
    pass
elif name == "scancel":
    left = [job for job in jobs() if job[0] != words[-1]]
    with open(folder + "/queue", "w") as file:
        file.writelines("|".join(job) + "\\n" for job in left)
"""


class Slurm:
    """The made-up programs, on the PATH of @ctl."""

    def __init__(self, ctl):
        self.folder = f"{ctl.pool.folder}/slurm"
        self.root = ctl.root
        self.outputs = f"{ctl.pool.environment['XDG_STATE_HOME']}/storkit/slurm"
        os.makedirs(self.folder)
        for name in ("sbatch", "squeue", "scancel", "srun", "sacct"):
            with open(f"{self.folder}/{name}", "w") as file:
                file.write(PROGRAM.format(folder=self.folder))
            os.chmod(f"{self.folder}/{name}", 0o755)
        ctl.environment["PATH"] = f"{self.folder}:{os.environ['PATH']}"
        self.queue()

    def queue(self, *lines):
        """What squeue is to print; each line's comment is that of the run that it names."""
        with open(f"{self.folder}/queue", "w") as file:
            for line in lines:
                *fields, run = line.split("|")
                project = self.root.replace(" ", "%20")
                file.write("|".join([*fields, f"storkit {run} {project}"]) + "\n")

    def output(self, name):
        """What a job has printed, as a path; made if it is not there."""
        path = f"{self.outputs}/{name}.out"
        os.makedirs(self.outputs, exist_ok=True)
        with open(path, "a") as file:
            file.write("42_login/coder is running\n")
        return path

    def calls(self, name):
        with open(f"{self.folder}/calls") as file:
            return [call for call in map(json.loads, file) if call[0] == name]


@contextmanager
def slurm(pool):
    ctl = Ctl(pool, "init; result")
    yield Slurm(ctl), ctl


PENDING = "7|PENDING|Priority||2026-11-30T15:41:10|0|42_login"
RUNNING = "8|RUNNING|None|n1|2026-11-30T15:41:09|0|43_search/coder"
FAILED_JOB = "9|FAILED|NonZeroExitCode|n1|2026-11-30T15:41:09|1792|44_new/coder"


def test_submit_gives_sbatch_a_lease(pool):
    """The script is one `storkitctl run` with every word as it was typed; the options of sbatch
    come last, and what it says is told."""
    with slurm(pool) as (cluster, ctl):
        prompt = "It's \"it\"; $(x)\n#SBATCH --mem=1"
        said = ctl("submit", "42_login/coder", "-p", prompt, "--env=A=b c", "--", "-c", "2").err
        assert "42_login/coder is job 4711 of Slurm" in said, said
        [[_, words, script]] = cluster.calls("sbatch")
        assert shlex.split(script, comments=False)[1:] == [
            "exec", "storkitctl", "-C", ctl.root, "run", "42_login/coder", "--env=A=b c",
            f"--prompt={prompt}",
        ], script  # fmt: skip
        assert script.startswith("#!/bin/sh\nexec storkitctl ")
        output = f"{pool.environment['XDG_STATE_HOME']}/storkit/slurm/42_login.%j.out"
        assert words == [
            "--parsable", "--export=NONE", "--no-requeue", "--open-mode=append",
            "--signal=B:TERM@120", "--job-name=42_login.coder",
            f"--comment=storkit 42_login/coder {ctl.root}", f"--chdir={ctl.root}",
            f"--output={output}", "-c", "2",
        ], words  # fmt: skip
        assert ctl.json("start", "43", "--on=slurm")["job"] == "4711"
        assert "--comment=storkit 43 " + ctl.root in cluster.calls("sbatch")[1][1]
        refused = ctl("submit", "42", "--", "--partition=none", status=FAILED).err
        assert refused.endswith("sbatch: Batch job submission failed: Invalid partition name "
                                "specified\n"), refused  # fmt: skip
        assert "there is slurm" in ctl("start", "42", "--on=moon", status=USAGE).err
        assert "is not valid" in ctl("submit", "../42", status=USAGE).err


def test_jobs_are_rows_of_the_list(pool):
    """Before anything was submitted Slurm is not asked; then its jobs are in the list, with their
    reason and their node, but for one whose run is there."""
    with slurm(pool) as (cluster, ctl):
        cluster.queue(PENDING, RUNNING, FAILED_JOB, PENDING.replace("42_login", "42/a b"))
        assert ctl.json("list") == [] and not os.path.exists(f"{cluster.folder}/calls")
        ctl("submit", "42_login")
        rows = {row["story_id"]: row for row in ctl.json("list")}
        assert [(row["status"], row["job"], row.get("host")) for row in rows.values()] == [
            ("pending", "7", None), ("running", "8", "n1"), ("failed", "9", "n1"),
        ], rows  # fmt: skip
        table = ctl.out("list")
        for text in ("job 7 waits: Priority", "on n1: job 8", "job 9 ended as FAILED"):
            assert text in table, table
        ctl.start("43_search")
        [run] = [row for row in ctl.json("list") if row["story_id"] == "43_search"]
        assert run["run_id"] and run["job"] == "8", run
        check_silence(cluster, ctl)


def check_silence(cluster, ctl):
    """A controller that does not answer is told, and the rest of the list is there."""
    with open(f"{cluster.folder}/away", "w"):
        pass
    listed = ctl("list")
    assert "43_search" in listed.out and "42_login" not in listed.out
    assert "Unable to contact slurm controller" in listed.err, listed.err


def test_stop_is_told_to_slurm(pool):
    """A job that waits is cancelled; one that runs has its lease told, which ends the run."""
    with slurm(pool) as (cluster, ctl):
        ctl("submit", "42_login")
        cluster.queue(PENDING, RUNNING)
        said = ctl("stop", "42", "43").err
        assert "42_login stopped (job 7)" in said and "43_search/coder stopped (job 8)" in said
        assert [words for _, words, _ in cluster.calls("scancel")] == [
            ["--quiet", "7"], ["--quiet", "--batch", "--signal=TERM", "8"],
        ]  # fmt: skip
        cluster.queue(RUNNING)
        assert [run["job"] for run in ctl.json("stop", "43")] == ["8"]


def test_wait_asks_slurm(pool):
    """wait ends with the job, with the exit status that its run had."""
    with slurm(pool) as (cluster, ctl):
        ctl("submit", "42_login")
        cluster.queue(PENDING, FAILED_JOB)
        assert "44_new/coder failed" in ctl("wait", "44", status=RUN_FAILED).out
        waiting = ctl.begin("wait", "42")
        wait_until(lambda: len(cluster.calls("squeue")) >= 4, "a question of wait's")
        cluster.queue(PENDING.replace("PENDING", "FAILED").replace("|0|", "|2816|"))
        assert "42_login was stopped" in ctl.finish(waiting, RUN_STOPPED).out


def test_wait_asks_accounting(pool):
    """How a job ended that squeue has forgotten is asked of sacct; without accounting nobody
    knows, and wait says so."""
    with slurm(pool) as (cluster, ctl):
        ctl("submit", "42_login")
        cluster.queue(PENDING, RUNNING)
        waiting = ctl.begin("wait", "42", "43")
        wait_until(lambda: len(cluster.calls("squeue")) >= 2, "wait to have looked")
        with open(f"{cluster.folder}/account-of-7", "w") as file:
            file.write("CANCELLED by 1000|0:15\n")
        cluster.queue()
        done = ctl.finish(waiting, RUN_FAILED)
        assert "42_login was stopped" in done.out, done.out
        assert "job 8 of 43_search has ended, and Slurm has forgotten how" in done.err, done.err
        words = ["--noheader", "--allocations", "-P", "-o", "state,exitcode", "-j"]
        asked = sorted(words for _, words, _ in cluster.calls("sacct"))
        assert asked == [[*words, "7"], [*words, "8"]]


def test_stop_is_not_for_ever(pool):
    """A lease that does not end in time has its job ended by Slurm."""
    with slurm(pool) as (cluster, ctl):
        ctl("submit", "42_login")
        cluster.queue(RUNNING)
        with open(f"{cluster.folder}/stubborn", "w"):
            pass
        ctl("stop", "43", environment={"STORKIT_SLURM_GRACE": "1"})
        assert [words for _, words, _ in cluster.calls("scancel")] == [
            ["--quiet", "--batch", "--signal=TERM", "8"], ["--quiet", "8"],
        ]  # fmt: skip


def test_outputs_of_jobs_do_not_stay(pool):
    """What a job has printed goes once its end was told, but for a failure; and a week later."""
    with slurm(pool) as (cluster, ctl):
        ctl("submit", "42_login")
        done, failed = cluster.output("42_login.7"), cluster.output("44_new.9")
        cluster.queue(PENDING.replace("PENDING|Priority", "COMPLETED|None"), FAILED_JOB)
        ctl("list")
        assert not os.path.exists(done) and os.path.exists(failed)
        live = cluster.output("43_search.8")
        for path in (failed, live):
            os.utime(path, (0, 0))
        cluster.queue(RUNNING)
        ctl("submit", "42_login")
        assert not os.path.exists(failed) and os.path.exists(live)


def test_commands_follow_a_run_into_its_job(pool):
    """A command about a run in a job runs there; one about a job that waits says so."""
    with slurm(pool) as (cluster, ctl):
        ctl("submit", "42_login")
        cluster.queue(PENDING, RUNNING)
        ctl("watch", "-n", "3", "43")
        [[_, words, _]] = cluster.calls("srun")
        at = words.index("storkitctl")
        assert words[:2] == ["--jobid=8", "--overlap"] and words[at + 1 :] == [
            "-C", ctl.root, "watch", "-n", "3", "43",
        ], words  # fmt: skip
        assert "waits in Slurm's queue as job 7 (Priority)" in ctl(
            "attach", "42", status=REFUSED
        ).err  # fmt: skip
        ctl("watch", "99", status=NOT_FOUND)


if __name__ == "__main__":
    main()
