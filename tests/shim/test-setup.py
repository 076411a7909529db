# SPDX-License-Identifier: LGPL-2.1-or-later
import errno
import os
import signal
import tempfile

import shimtest
from shimtest import ShimTest


class Setup(ShimTest):
    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="shim-setup-")
        self.addCleanup(lambda: os.path.isdir(self.folder) and shimtest.shutil.rmtree(self.folder))
        self.record = f"{self.folder}/done"
        self.options = [f"--setup-record={self.record}"]

    def test_it_runs_in_order_in_its_folders_before_the_agent(self):
        shim = self.sh(f"test -e {self.record} && echo agent", options=self.options,
                       setups=[("/usr", "pwd"), ("/etc", "pwd; test -t 1 && echo tty")])
        end = shim.start().end()
        self.assertEqual(end["exit_code"], 0)
        self.assertEqual(shim.read(), b"/usr\r\n/etc\r\ntty\r\nagent\r\n")
        self.assertEqual(shim.started()["offset"], len(b"/usr\r\n/etc\r\ntty\r\n"))

    def test_the_agents_output_begins_on_a_fresh_line(self):
        shim = self.sh("echo agent", setups=[("/", "printf unfinished")])
        end = shim.start().end()
        self.assertEqual(shim.read(), b"unfinished\nagent\r\n")
        self.assertEqual(end["offset"], len(b"unfinished\n"))

    def test_all_of_its_output_comes_before_the_offset(self):
        shim = self.sh("echo agent", setups=[("/", "seq 20000")])
        end = shim.start().end()
        lines = shim.read()[:end["offset"]].split()
        self.assertEqual(lines, [b"%d" % i for i in range(1, 20001)])
        self.assertEqual(shim.read()[end["offset"]:], b"agent\r\n")

    def test_a_failure_ends_the_run_and_leaves_no_record(self):
        shim = self.sh("echo never", options=self.options,
                       setups=[("/", "echo one"), ("/", "exit 7"), ("/", "echo never")]).start()
        end = shim.end()
        started = shim.started()
        self.assertEqual((end["reason"], end["failed"]), ("setup", "setup"))
        for report in (started, end):
            self.assertEqual((report["setup"], report["exit_code"]), (1, 7))
        self.assertEqual(shim.read(), b"one\r\n")
        self.assertNotIn("started", end)
        self.assertFalse(os.path.exists(self.record))

    def test_a_signal_is_a_failure_too(self):
        end = self.sh("echo never", setups=[("/", "kill -TERM $$")]).start().end()
        self.assertEqual((end["reason"], end["exit_signal"]), ("setup", signal.SIGTERM))

    def test_a_missing_folder_is_named(self):
        shim = self.sh("echo never", setups=[("/no/such/folder", "true")]).start()
        end = shim.end()
        self.assertEqual((end["reason"], end["setup"], end["step"], end["errno"]),
                         ("setup", 0, "cwd", errno.ENOENT))
        self.assertNotIn("exit_code", end)

    def test_an_unwritable_record_ends_the_run(self):
        shim = self.sh("echo never", options=["--setup-record=/no/such/folder/done"]).start()
        end = shim.end()
        self.assertEqual((end["reason"], end["step"]), ("exec", "setup-record"))

    def test_what_it_leaves_behind_runs_until_the_end_of_the_run(self):
        shim = self.sh('kill -0 "$(cat pid)" && echo alive', cwd=self.folder,
                       setups=[(self.folder, "sleep 1000 & echo $! > pid")])
        end = shim.start().end()
        self.assertEqual(shim.read(), b"alive\r\n")
        self.assertEqual(end["left_behind"], 1)

    def test_a_chatty_leftover_does_not_keep_the_agent_from_starting(self):
        shim = self.sh("read line; exit 5", setups=[("/", "yes chatter &")]).running()
        shim.record(shimtest.TERMINAL, b"\n")
        self.assertEqual(shim.end()["exit_code"], 5)

    def test_a_stop_ends_it(self):
        shim = self.sh("echo never", options=self.options,
                       setups=[("/", "trap 'exit 9' INT; echo busy; while :; do sleep 0.05; done"),
                               ("/", "echo never")]).start()
        shim.saw(b"busy").stop(30)
        end = shim.end()
        self.assertEqual((end["reason"], end["exit_code"]), ("stopped", 9))
        self.assertEqual(shim.read(), b"busy\r\n")
        self.assertFalse(shim.exists("started") or shim.exists("started.tmp"))
        self.assertEqual(end["offset"], end["bytes"])
        self.assertFalse(os.path.exists(self.record))


if __name__ == "__main__":
    shimtest.main()
