# SPDX-License-Identifier: LGPL-2.1-or-later
import errno
import os
import signal
import tempfile
import time

import shimtest
from shimtest import ShimTest


class Gate(ShimTest):
    def test_a_gate_that_is_closed_leaves_no_trace(self):
        shim = self.sh("echo never").spawn()
        os.close(shim.gate)
        self.assertEqual(shim.wait(), 0)
        self.assertEqual(sorted(os.listdir(shim.path)), ["control", "input"])
        self.assertFalse(os.path.exists(f"{shim.cgroup}/agent"))

    def test_a_sigterm_before_the_gate_leaves_no_trace(self):
        shim = self.sh("echo never").spawn()
        def catches_term():
            with open(f"/proc/{shim.pid}/status") as status:
                blocked = next(line for line in status if line.startswith("SigBlk"))
            return int(blocked.split()[1], 16) & 1 << signal.SIGTERM - 1
        if shimtest.WRAPPER:
            self.skipTest("valgrind blocks signals of its own")
        shimtest.wait_for(catches_term, "SIGTERM to be blocked")
        os.kill(shim.pid, signal.SIGTERM)
        self.assertEqual(shim.wait(), 0)
        self.assertEqual(sorted(os.listdir(shim.path)), ["control", "input"])

    def test_a_second_shim_changes_nothing(self):
        first = self.sh("echo once")
        first.start().end()
        before = {name: first.read(name) for name in ("transcript", "exit.json")}
        second = self.sh("echo twice", folder=first.path)
        self.assertEqual(second.start().wait(), 1)
        self.assertEqual(before, {name: first.read(name) for name in before})

    def test_the_folder_is_locked_for_as_long_as_the_shim_lives(self):
        import fcntl
        shim = self.sh("read line").running()
        fd = os.open(shim.path, os.O_RDONLY)
        self.assertRaises(BlockingIOError, fcntl.flock, fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        shim.record(shimtest.TERMINAL, b"\n")
        shim.end()
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        os.close(fd)


class CommandLine(ShimTest):
    def refused(self, *command):
        shim = self.sh("true")
        shim.command = [*shimtest.WRAPPER, shimtest.SHIM, *command]
        self.assertEqual(shim.start().wait(), 2, command)
        self.assertIn("storkit-shim", shim.read_log())
        self.assertFalse(shim.exists("transcript"))

    def test_what_is_not_in_the_protocol_is_refused(self):
        self.refused()
        self.refused("--format=0", "--cwd=/", "--", "true")
        self.refused("--format=4", "--cwd=/", "--", "true")
        self.refused("--format=2", "--cwd=/", "--umask=1000", "--", "true")
        self.refused("--format=2", "--cwd=/", "--umask=8", "--", "true")
        for limit in ("7", "7=", "7=x", "16=1", "-1=1", "=1"):
            self.refused("--format=2", "--cwd=/", f"--rlimit={limit}", "--", "true")
        self.refused("--cwd=/", "--", "true")
        self.refused("--format=1", "--", "true")
        self.refused("--format=1", "--cwd=relative", "--", "true")
        self.refused("--format=1", "--cwd=/", "--")
        self.refused("--format=1", "--cwd=/", "true")
        self.refused("--format=1", "--cwd=/", "--unknown", "--", "true")
        self.refused("--format=1", "--cwd=/", "--stop-grace=-1", "--", "true")
        self.refused("--format=1", "--cwd=/", "--stop-grace=99999999999999999999", "--", "true")
        self.refused("--format=1", "--cwd=/", "--rows=0", "--", "true")
        self.refused("--format=1", "--cwd=/", "--setup", "/", "--", "true")


class Agent(ShimTest):
    def test_started_says_who_runs_and_where_its_output_begins(self):
        shim = self.sh("echo $$; read line").running()
        started = shim.started()
        shim.saw(b"%d\r\n" % started["agent_pid"])
        self.assertEqual(started["shim_pid"], shim.pid)
        self.assertEqual((started["format"], started["offset"]), (1, 0))
        shim.record(shimtest.TERMINAL, b"\n")
        self.assertEqual(shim.end()["started"], started["time"])

    def test_the_exit_code_is_reported(self):
        end = self.sh("exit 3").start().end()
        self.assertEqual((end["reason"], end["exit_code"]), ("exited", 3))
        self.assertNotIn("exit_signal", end)
        self.assertLessEqual(end["started"], end["ended"])
        self.assertIn("cpu_usec", end)

    def test_the_signal_is_reported(self):
        end = self.sh("kill -KILL $$").start().end()
        self.assertEqual((end["reason"], end["exit_signal"]), ("exited", signal.SIGKILL))
        self.assertNotIn("exit_code", end)

    def test_it_gets_a_clean_process(self):
        script = ("import os,resource,signal\n"
                  "for line in open('/proc/self/status'):\n"
                  "    if line[:6] in ('SigBlk','SigIgn'):\n"
                  "        print(line[:6], hex(int(line.split()[1], 16) & 0x7fffffff))\n"
                  "print('fds', [f for f in os.listdir('/proc/self/fd') if int(f) < 200])\n"
                  "print('limit', resource.getrlimit(resource.RLIMIT_NOFILE)[0])\n"
                  "print('tty', os.isatty(0), os.isatty(1), os.isatty(2), os.ttyname(0) != '')\n"
                  "print('sid', os.getsid(0) == os.getpid() == os.tcgetpgrp(0))\n"
                  "print('cwd', os.getcwd(), 'size', os.get_terminal_size())\n")
        shim = self.shim("python3", "-c", script, cwd="/usr", options=["--nofile=512"])
        shim.start().end()
        text = shim.read().decode()
        self.assertIn("SigBlk 0x0\r\n", text)
        # Python ignores SIGPIPE (13) and SIGXFSZ (25) by itself.
        self.assertIn("SigIgn 0x1001000\r\n", text)
        self.assertIn("fds ['0', '1', '2', '3']", text)  # 3: listdir's own
        if not shimtest.WRAPPER:  # valgrind has a limit of its own
            self.assertIn("limit 512", text)
        self.assertIn("tty True True True True", text)
        self.assertIn("sid True", text)
        self.assertIn("cwd /usr size os.terminal_size(columns=200, lines=50)", text)

    def test_the_umask_is_the_one_asked_for_in_setup_too(self):
        shim = self.sh("umask", options=["--umask=027"], setups=[("/", "umask")])
        shim.start().end()
        self.assertEqual(shim.read(), b"0027\r\n0027\r\n")

    @shimtest.unittest.skipIf(shimtest.WRAPPER, "valgrind has limits of its own")
    def test_soft_limits_are_the_ones_asked_for_in_setup_too(self):
        options = ["--nofile=900", "--rlimit=7=600", f"--rlimit=4={2**64 - 1}", "--rlimit=3=4194304"]
        told = "ulimit -S -n; ulimit -S -s"
        shim = self.sh(told, options=options, setups=[("/", told)])
        shim.start().end()
        self.assertEqual(shim.read(), b"600\r\n4096\r\n" * 2)

    def test_a_command_line_of_the_first_release_is_understood(self):
        shim = self.sh("echo hello")
        shim.command[shim.command.index("--format=2")] = "--format=1"
        self.assertEqual(shim.start().end()["format"], 1)
        self.assertEqual(shim.read(), b"hello\r\n")

    def test_its_environment_is_the_shims(self):
        shim = self.sh('echo "$GREETING"', env={"GREETING": "hello"})
        shim.start().end()
        self.assertEqual(shim.read(), b"hello\r\n")


class LateReport(ShimTest):
    """`started` can't be written: a folder is in its place, as no disk that is full can be here."""

    def obstructed(self, script, **arguments):
        shim = self.sh(script, **arguments)
        os.mkdir(f"{shim.path}/started")
        shim.start()
        shimtest.wait_for(lambda: "; retrying" in shim.read_log(), "the failure")
        return shim

    def test_it_is_written_as_soon_as_that_is_possible_and_before_the_agents_output(self):
        shim = self.obstructed("echo hello; read line; exit 4")
        time.sleep(1.2)
        self.assertEqual(shim.read(), b"")
        self.assertEqual(shim.read_log().count("; retrying"), 1)
        os.rmdir(f"{shim.path}/started")
        started = shim.started()
        self.assertIn(started["agent_pid"], shim.procs())
        shim.saw(b"hello\r\n").record(shimtest.TERMINAL, b"\n")
        end = shim.end()
        self.assertEqual((end["reason"], end["exit_code"]), ("exited", 4))
        self.assertEqual(end["started"], started["time"])

    def test_waiting_for_it_is_not_the_agents_silence(self):
        shim = self.obstructed("echo hello; sleep 1.8; exit 4", options=["--idle-timeout=1000000"])
        time.sleep(1.2)
        os.rmdir(f"{shim.path}/started")
        self.assertEqual(shim.end()["reason"], "exited")

    def test_the_end_does_not_wait_for_it(self):
        shim = self.obstructed("echo hello; exit 4")
        end = shim.end()
        self.assertEqual((end["reason"], end["exit_code"]), ("exited", 4))
        self.assertIn("started", end)
        self.assertEqual(shim.read(), b"hello\r\n")

    def test_a_stop_does_not_wait_for_it(self):
        shim = self.obstructed("trap 'echo bye; exit 6' INT; echo hello; while :; do sleep 0.05; done")
        shim.stop(30)
        self.assertEqual(shim.end()["reason"], "stopped")

    def test_one_that_comes_at_the_end_does_not_tell_of_the_end(self):
        shim = self.obstructed("exec sleep 1000")
        shim.write_cgroup("agent/cgroup.freeze", "1")
        os.rmdir(f"{shim.path}/started")
        shim.stop(0)
        shim.end()
        self.assertNotIn("exit_signal", shim.started())

    def test_the_end_of_a_failed_start_does_not_wait_for_it(self):
        shim = self.shim("no-such-program")
        os.mkdir(f"{shim.path}/started")
        self.assertEqual(shim.start().end()["step"], "exec")


class FailedStart(ShimTest):
    def failed(self, step, error, *argv, **arguments):
        shim = self.shim(*argv, **arguments).start()
        end = shim.end()
        for report in (shim.started(), end):
            self.assertEqual((report["failed"], report["step"], report["errno"]),
                             ("exec", step, error))
        self.assertEqual(end["reason"], "exec")
        self.assertNotIn("exit_code", end)
        self.assertNotIn("started", end)
        self.assertNotIn("agent_pid", shim.started())

    def test_a_missing_program(self):
        self.failed("exec", errno.ENOENT, "no-such-program")
        self.failed("exec", errno.ENOENT, "/no/such/program")

    def test_a_program_that_is_not_executable(self):
        with tempfile.NamedTemporaryFile() as file:
            self.failed("exec", errno.EACCES, file.name)

    def test_a_missing_working_folder(self):
        self.failed("cwd", errno.ENOENT, "true", cwd="/no/such/folder")

    def test_a_missing_stdin_file(self):
        self.failed("stdin", errno.ENOENT, "true", options=["--stdin=file"])

    def test_a_cgroup_that_is_there_already_is_not_taken_over(self):
        shim = self.sh("true")
        os.mkdir(f"{shim.cgroup}/agent")
        shim.start()
        self.assertEqual(shim.end()["step"], "cgroup")


if __name__ == "__main__":
    shimtest.main()
