# SPDX-License-Identifier: LGPL-2.1-or-later
import os
import signal
import struct
import time

import shimtest
from shimtest import ShimTest, wait_for

WAIT = "while :; do sleep 0.05; done"


def usec(seconds):
    return int(seconds * 1000000)


def freeze(shim):
    shim.write_cgroup("agent/cgroup.freeze", "1")
    wait_for(lambda: "frozen 1" in shimtest.text_of(f"{shim.cgroup}/agent/cgroup.events"),
             "the freezer")


class Stop(ShimTest):
    def stopped(self, shim, grace=None):
        begin = time.monotonic()
        shim.stop(grace)
        end = shim.end()
        self.assertEqual(end["reason"], "stopped")
        self.took = time.monotonic() - begin
        return end

    def test_sigint_is_enough_for_an_agent_that_honours_it(self):
        shim = self.sh(f"trap 'echo saved; exit 0' INT; echo ready; {WAIT}").running()
        end = self.stopped(shim.saw(b"ready"), 30)
        self.assertEqual((end["exit_code"], end["left_behind"]), (0, 0))
        self.assertIn(b"saved", shim.read())

    def test_sigterm_comes_after_half_of_the_grace(self):
        shim = self.sh(f"trap '' INT; trap 'echo term; exit 1' TERM; echo ready; {WAIT}").running()
        end = self.stopped(shim.saw(b"ready"), 1)
        self.assertEqual(end["exit_code"], 1)
        self.assertGreaterEqual(self.took, 0.5)
        self.assertIn(b"term", shim.read())

    def test_the_kill_comes_at_the_end_of_the_grace(self):
        shim = self.sh(f"trap '' INT TERM; echo ready; {WAIT}").running()
        end = self.stopped(shim.saw(b"ready"), 0.4)
        self.assertEqual(end["exit_signal"], signal.SIGKILL)
        self.assertGreaterEqual(self.took, 0.4)

    def test_the_command_lines_grace_counts_where_the_record_has_none(self):
        shim = self.sh(f"trap '' INT TERM; echo ready; {WAIT}",
                       options=[f"--stop-grace={usec(0.2)}"]).running()
        self.assertEqual(self.stopped(shim.saw(b"ready"))["exit_signal"], signal.SIGKILL)

    def test_no_grace_kills_at_once(self):
        shim = self.sh(f"trap 'exit 0' INT TERM; echo ready; {WAIT}").running()
        self.assertEqual(self.stopped(shim.saw(b"ready"), 0)["exit_signal"], signal.SIGKILL)

    def test_a_second_stop_shortens_the_first(self):
        shim = self.sh(f"trap 'echo int' INT; trap '' TERM; echo ready; {WAIT}").running()
        shim.saw(b"ready").stop(1000)
        shim.saw(b"int")
        self.assertEqual(self.stopped(shim, 0.1)["exit_signal"], signal.SIGKILL)

    def test_children_in_sessions_of_their_own_are_ended_too(self):
        # Ended by the stop's SIGINT, the shell hangs up its terminal: see OwnEnd.
        shim = self.sh("trap '' HUP; for i in 1 2 3; do (setsid setsid sleep 1000 &); done; "
                       "exec sleep 1000").running()
        wait_for(lambda: len(shim.procs()) == 4 and self.sleepers(shim) == 4, "the children")
        end = self.stopped(shim, 30)
        self.assertEqual((end["exit_signal"], end["left_behind"]), (signal.SIGINT, 3))

    @staticmethod
    def sleepers(shim):
        return sum("(sleep)" in shimtest.text_of(f"/proc/{pid}/stat") for pid in shim.procs())

    def test_what_forks_while_it_is_killed_is_ended_too(self):
        shim = self.python("import os,signal\n"
                           "for s in (signal.SIGINT, signal.SIGTERM): signal.signal(s, signal.SIG_IGN)\n"
                           "for i in range(8):\n"
                           "    if os.fork() == 0:\n"
                           "        os.setsid()\n"
                           "        while True:\n"
                           "            if os.fork(): os._exit(0)\n"
                           "print('ready')\n"
                           "signal.pause()\n").running()
        self.stopped(shim.saw(b"ready"), 0.3)

    def test_a_frozen_agent_is_thawed(self):
        shim = self.sh(f"trap 'exit 6' INT; echo ready; {WAIT}").running()
        freeze(shim.saw(b"ready"))
        self.assertEqual(self.stopped(shim, 30)["exit_code"], 6)
        self.assertLess(self.took, 15, "it is thawed for its SIGINT, not only for its SIGTERM")

    def test_a_stopped_agent_is_continued(self):
        shim = self.sh(f"trap 'exit 6' INT; echo ready; kill -STOP $$; {WAIT}").running()
        def is_stopped():
            return shimtest.text_of(f"/proc/{shim.started()['agent_pid']}/stat").split()[2] == "T"
        wait_for(is_stopped, "the agent to be stopped")
        self.assertEqual(self.stopped(shim, 30)["exit_code"], 6)

    def test_a_start_that_is_frozen_can_be_stopped(self):
        shim = self.sh("echo never", setups=[("/", "echo busy; sleep 0.3")])
        shim.start().saw(b"busy").write_cgroup("agent/cgroup.freeze", "1")
        self.stopped(shim, 0.2)

    def test_it_reaches_sub_cgroups_of_the_agents_own(self):
        shim = self.sh(f"trap '' INT TERM HUP; echo ready; {WAIT}").running()
        shim.saw(b"ready")
        inner = f"{shim.cgroup}/agent/inner"
        os.mkdir(inner)
        self.addCleanup(lambda: wait_for(lambda: shimtest.remove_folder(inner), "inner"))
        shim.write_cgroup("agent/inner/cgroup.procs", str(shim.started()["agent_pid"]))
        self.assertEqual(self.stopped(shim, 0.2)["exit_signal"], signal.SIGKILL)

    def test_a_stop_that_is_there_before_the_shim_begins_nothing(self):
        shim = self.sh("echo never", setups=[("/", "echo never")])
        fifo = os.open(f"{shim.path}/control", os.O_RDWR)
        self.addCleanup(os.close, fifo)
        shim.stop(30)
        end = shim.start().end()
        self.assertEqual(end["reason"], "stopped")
        self.assertEqual(shim.read(), b"")
        self.assertFalse(shim.exists("started") or "started" in end or "exit_code" in end)

    def test_a_stop_after_the_agents_own_end_keeps_the_reason(self):
        shim = self.sh("(trap '' INT TERM HUP; setsid sh -c 'echo left; sleep 1000') & "
                       "read line; exit 3").running()
        shim.saw(b"left").record(shimtest.TERMINAL, b"\n")
        pid = shim.started()["agent_pid"]
        wait_for(lambda: pid not in shim.procs(), "the agent to be gone")
        shim.stop(0)
        end = shim.end()
        self.assertEqual((end["reason"], end["exit_code"]), ("exited", 3))


class Outside(ShimTest):
    def test_a_sigterm_to_the_shim_ends_the_agent(self):
        shim = self.sh(f"trap 'echo term; exit 8' TERM; echo ready; {WAIT}").running()
        shim.saw(b"ready")
        os.kill(shim.pid, signal.SIGTERM)
        end = shim.end()
        self.assertEqual((end["reason"], end["exit_code"]), ("outside", 8))

    def test_other_signals_do_not(self):
        shim = self.sh("read line; exit 9").running()
        for number in (signal.SIGHUP, signal.SIGINT, signal.SIGQUIT, signal.SIGPIPE, signal.SIGUSR1,
                       signal.SIGALRM, signal.SIGTSTP):
            os.kill(shim.pid, number)
        shim.record(shimtest.TERMINAL, b"\n")
        self.assertEqual(shim.end()["exit_code"], 9)

    @shimtest.unittest.skipIf(shimtest.WRAPPER, "it has to die of SIGKILL itself")
    def test_a_killed_shim_takes_the_agent_with_it(self):
        shim = self.sh("trap '' HUP TERM INT; echo ready; exec sleep 1000").running()
        shim.saw(b"ready")
        os.kill(shim.pid, signal.SIGKILL)
        self.assertEqual(shim.wait(), -signal.SIGKILL)
        wait_for(lambda: shim.procs() == [], "the agent's death")
        self.assertFalse(shim.exists("exit.json"))


class OwnEnd(ShimTest):
    # The agent's end hangs up its terminal: a process that is still in its session ignores that.

    def test_what_ends_soon_is_not_left_behind(self):
        end = self.sh("trap '' HUP; setsid sh -c 'sleep 0.05; echo late' & exit 0").start().end()
        self.assertEqual(end["left_behind"], 0)

    def test_what_is_left_behind_is_ended_and_counted(self):
        shim = self.sh("trap '' HUP; for i in 1 2 3; do setsid sleep 1000 & done; exit 2").start()
        end = shim.end()
        self.assertEqual((end["reason"], end["exit_code"], end["left_behind"]), ("exited", 2, 3))

    def test_what_ignores_sigterm_is_killed(self):
        end = self.sh("trap '' HUP TERM; setsid sleep 1000 & exit 0").start().end()
        self.assertGreaterEqual(end["left_behind"], 1)

    def test_output_of_what_is_left_behind_is_kept(self):
        shim = self.sh("trap '' HUP; setsid sh -c 'sleep 0.1; echo last words' & exit 0")
        shim.start().end()
        self.assertEqual(shim.read(), b"last words\r\n")

    def test_an_outsider_that_holds_the_terminal_does_not_hold_the_end_up(self):
        shim = self.sh("tty; read line").running()
        wait_for(lambda: b"\n" in shim.read(), "the terminal's name")
        fd = os.open(shim.read().split()[0], os.O_RDWR | os.O_NOCTTY)
        self.addCleanup(os.close, fd)
        shim.record(shimtest.TERMINAL, b"\n")
        self.assertEqual(shim.end()["reason"], "exited")


class Strays(ShimTest):
    """Processes that write themselves into another cgroup, which their user may."""

    def setUp(self):
        self.elsewhere = f"{shimtest.cgroups}/elsewhere-{os.getpid()}-{next(shimtest.numbers)}"
        os.mkdir(self.elsewhere)
        self.addCleanup(lambda: wait_for(lambda: shimtest.remove_folder(self.elsewhere), "its end"))

    def strays(self):
        return shimtest.text_of(f"{self.elsewhere}/cgroup.procs").split()

    def moving(self, script, then):
        move = f"trap '' HUP; echo \\$\\$ > {self.elsewhere}/cgroup.procs; {script}"
        shim = self.sh(f"trap '' HUP; setsid sh -c \"{move}\" & {then}").running()
        wait_for(self.strays, "a process to move")
        return shim.saw(b"moved")

    def test_they_end_with_the_run(self):
        shim = self.moving("echo moved; exec sleep 1000", "read line; exit 3")
        shim.record(shimtest.TERMINAL, b"\n")
        end = shim.end()
        self.assertEqual((end["reason"], end["exit_code"], end["left_behind"]), ("exited", 3, 1))
        self.assertEqual(self.strays(), [])

    def test_a_stop_ends_those_that_ignore_its_signals_and_their_children(self):
        shim = self.moving("trap '' TERM; sleep 1000 & sleep 1000 & echo moved; wait", "wait")
        wait_for(lambda: len(self.strays()) == 3, "its children")
        shim.stop(0.2)
        self.assertEqual(shim.end()["reason"], "stopped")
        self.assertEqual(self.strays(), [])

    def test_zombies_do_not_gather(self):
        shim = self.sh("for i in 1 2 3 4; do (true &) ; done; echo ready; read line").running()
        shim.saw(b"ready")
        children = f"/proc/{shim.pid}/task/{shim.pid}/children"
        wait_for(lambda: len(shimtest.text_of(children).split()) == 1, "all but the agent reaped")
        shim.record(shimtest.TERMINAL, b"\n")
        self.assertEqual(shim.end()["left_behind"], 0)


class Limits(ShimTest):
    def grace(self, **values):
        names = {"runtime": "--runtime-max", "idle": "--idle-timeout", "result": "--result-grace"}
        options = [f"{names[name]}={usec(value)}" for name, value in values.items()]
        return [*options, "--closing-type=result", f"--stop-grace={usec(0.4)}"]

    def test_the_runtime_is_limited(self):
        shim = self.sh(f"{WAIT}", options=self.grace(runtime=0.3)).start()
        end = shim.end()
        self.assertEqual((end["reason"], end["exit_signal"]), ("runtime", signal.SIGINT))
        self.assertGreaterEqual(end["ended"] - end["started"], usec(0.3))

    def test_setup_does_not_count_as_runtime(self):
        end = self.sh("exit 0", options=self.grace(runtime=1), setups=[("/", "sleep 1.2")]).start().end()
        self.assertEqual(end["reason"], "exited")

    def test_silence_is_limited(self):
        shim = self.sh("for i in 1 2 3 4 5; do echo $i; sleep 0.5; done; sleep 1000",
                       options=self.grace(idle=2)).start()
        end = shim.end()
        self.assertEqual(end["reason"], "idle")
        self.assertEqual(len(shim.read().split()), 5)

    def thaw(self, shim):
        """Returns the time of it."""
        now = time.time()
        shim.write_cgroup("agent/cgroup.freeze", "0")
        return usec(now)

    def test_a_frozen_agents_silence_does_not_count(self):
        shim = self.sh(f"echo ready; {WAIT}", options=self.grace(idle=0.6)).running()
        freeze(shim.saw(b"ready"))
        time.sleep(1.5)
        self.assertFalse(shim.exists("exit.json"))
        thawed = self.thaw(shim)
        end = shim.end()
        self.assertEqual(end["reason"], "idle")
        self.assertGreaterEqual(end["ended"] - thawed, usec(0.6), "it starts again at the thaw")

    def test_a_frozen_agents_time_after_its_result_does_not_count(self):
        shim = self.sh("echo '{\"type\":\"result\"}'; sleep 1000", options=self.grace(result=0.6))
        freeze(shim.running().saw(b"result"))
        time.sleep(1.5)
        self.assertFalse(shim.exists("exit.json"))
        thawed = self.thaw(shim)
        end = shim.end()
        self.assertEqual(end["reason"], "result")
        self.assertGreaterEqual(end["ended"] - thawed, usec(0.6), "it starts again at the thaw")

    def test_a_frozen_agents_runtime_goes_on(self):
        shim = self.sh(f"echo ready; {WAIT}", options=self.grace(runtime=0.6)).running()
        freeze(shim.saw(b"ready"))
        end = shim.end()
        self.assertEqual((end["reason"], end["exit_signal"]), ("runtime", signal.SIGINT))

    def result(self, script, grace=0.5):
        shim = self.python("import time\n" + script, options=self.grace(result=grace))
        return shim.start().end()

    def test_an_agent_that_hangs_after_its_result_is_ended(self):
        end = self.result("print('{\"x\":1,\"type\":\"result\"}'); time.sleep(1000)")
        self.assertEqual(end["reason"], "result")

    def test_escape_sequences_around_the_result_do_not_hide_it(self):
        end = self.result("print('\\x1b[?25h\\x1b]0;t{i}tle\\x07{\"type\":\"result\"}\\x1b[0m');"
                          "time.sleep(1000)")
        self.assertEqual(end["reason"], "result")

    def test_an_escape_sequence_without_an_end_does_not_hide_the_result(self):
        for line in ("\x1b]0;title{'type':'result'}", "\x1b]0;title\x1b[1m{'type':'result'}",
                     "\x1b]0;{'a':\x1b[1m1,'type':'result'}", "\x1b]0;t{\x18{'type':'result'}",
                     "\x1b]" + "x" * 9000 + "{'a':'" + "y" * 9000 + "\x1b[1m','type':'result'}"):
            line = line.replace("'", '"')
            end = self.result(f"print({line!r}); time.sleep(1000)")
            self.assertEqual(end["reason"], "result", line[:40])

    def test_a_result_in_an_escape_sequence_is_none(self):
        end = self.result("print('\x1b]0;{\"type\":\"result\"}\x1b\\\\'); time.sleep(1.2)")
        self.assertEqual(end["reason"], "exited")

    def test_a_result_that_comes_in_pieces_is_found(self):
        end = self.result("for c in '{\"type\":\"result\"}': print(c, end=''); time.sleep(0.01)\n"
                          "print(); time.sleep(1000)")
        self.assertEqual(end["reason"], "result")

    def test_a_large_result_is_found(self):
        end = self.result("print('{\"text\":\"' + 'x' * 300000 + '\",\"type\":\"result\"}');"
                          "time.sleep(1000)")
        self.assertEqual(end["reason"], "result")

    def test_what_only_looks_like_a_result_is_none(self):
        lines = ['{"type":"assistant","message":{"type":"result"}}', 'say {"type":"result"}',
                 '"result"', '{"type":"result"', '{"type":"result"} {}', '[{"type":"result"}]']
        end = self.result(f"print('\\n'.join({lines!r})); time.sleep(1.2)")
        self.assertEqual((end["reason"], end["exit_code"]), ("exited", 0))

    def test_output_begins_the_grace_anew(self):
        end = self.result("print('{\"type\":\"result\"}')\n"
                          "for i in range(7): time.sleep(0.5); print(i)\n", grace=2.5)
        self.assertEqual((end["reason"], end["exit_code"]), ("exited", 0))

    # As the native claude does with a background task: `busy` of each 100 ms in its main process.
    BUSY = ("import os, subprocess\n"
            "def work(busy):\n"
            "    while True:\n"
            "        end = time.monotonic() + busy / 10\n"
            "        while time.monotonic() < end: pass\n"
            "        time.sleep((1 - busy) / 10)\n")

    def test_a_main_process_that_is_never_quiet_is_ended_though_its_task_sleeps(self):
        for busy in (0.03, 0.47, 1):
            end = self.result(self.BUSY + "subprocess.Popen(['sleep', '1000'])\n"
                              f"print('{{\"type\":\"result\"}}')\nwork({busy})\n")
            self.assertEqual(end["reason"], "result", busy)

    def test_a_descendant_that_works_restarts_the_grace(self):
        end = self.result(self.BUSY + "task = subprocess.Popen(['setsid', 'sh', '-c',"
                          " 'setsid timeout 5 sh -c \"while :; do :; done\"; true'])\n"
                          "print('{\"type\":\"result\"}')\n"
                          "task.wait(); os._exit(4)\n", grace=2)
        self.assertEqual((end["reason"], end["exit_code"]), ("exited", 4))

    def test_without_a_grace_a_result_means_nothing(self):
        shim = self.sh("echo '{\"type\":\"result\"}'; sleep 0.5", options=["--closing-type=result"])
        self.assertEqual(shim.start().end()["reason"], "exited")


class Idle(ShimTest):
    @shimtest.unittest.skipIf(shimtest.WRAPPER, "valgrind wakes up by itself")
    def test_an_idle_shim_does_not_wake_up(self):
        shim = self.sh("echo ready; read line").running().saw(b"ready")
        def switches():
            lines = shimtest.text_of(f"/proc/{shim.pid}/status").splitlines()
            return next(line for line in lines if line.startswith("voluntary"))
        wait_for(lambda: shimtest.text_of(f"/proc/{shim.pid}/stat").split()[2] == "S", "sleep")
        before = switches()
        time.sleep(1)  # there is nothing to wait for: nothing is to happen
        self.assertEqual(switches(), before)


if __name__ == "__main__":
    shimtest.main()
