# SPDX-License-Identifier: LGPL-2.1-or-later
import hashlib
import os
import signal
import stat
import struct
import tempfile

import sandbox
import shimtest
from shimtest import ShimTest, wait_for


class Transcript(ShimTest):
    def test_ten_thousand_lines_are_there_in_order_once(self):
        shim = self.sh("seq 10000")
        shim.start().end()
        self.assertEqual(shim.read(), b"".join(b"%d\r\n" % i for i in range(1, 10001)))

    def test_bytes_that_are_no_text_are_kept(self):
        shim = self.python("import os; os.write(1, bytes(range(256)) * 100)")
        shim.start().end()
        self.assertEqual(shim.read(), bytes(range(256)).replace(b"\n", b"\r\n") * 100)

    def test_the_last_words_of_a_killed_agent_are_kept(self):
        shim = self.sh("seq 3000; printf half; kill -KILL $$")
        shim.start().end()
        self.assertTrue(shim.read().endswith(b"3000\r\nhalf"))

    def test_a_terminal_that_is_closed_and_opened_again_is_heard(self):
        shim = self.sh("exec <&- >&- 2>&-; sleep 0.2; echo again > /dev/tty")
        shim.start().end()
        self.assertEqual(shim.read(), b"again\r\n")

    def test_times_say_when_bytes_came(self):
        shim = self.sh("echo one; read line; echo two").running()
        shim.saw(b"one\r\n")
        wait_for(lambda: self.wall_is_past(self.pairs(shim)[-1][1] + 20000), "20 ms")
        shim.record(shimtest.TERMINAL, b"\n")
        end = shim.end()
        pairs = self.pairs(shim)
        self.assertEqual([offset for offset, _ in pairs], [0, 5])
        self.assertTrue(end["started"] - 1000000 <= pairs[0][1] < pairs[1][1] <= end["ended"])

    def test_there_is_at_most_one_time_per_10_ms(self):
        shim = self.sh("seq 200000")
        shim.start().end()
        pairs = self.pairs(shim)
        self.assertEqual(pairs[0][0], 0)
        for one, next_one in zip(pairs, pairs[1:]):
            self.assertLess(one[0], next_one[0])
            self.assertGreaterEqual(next_one[1] - one[1], 10000)

    def test_the_files_are_the_users_own(self):
        shim = self.sh("true")
        shim.start().end()
        for name in ("transcript", "times", "started", "exit.json"):
            self.assertEqual(stat.S_IMODE(os.stat(f"{shim.path}/{name}").st_mode), 0o600, name)
        self.assertEqual(sorted(os.listdir(shim.path)),
                         ["control", "exit.json", "input", "started", "times", "transcript"])

    @staticmethod
    def pairs(shim):
        return list(struct.iter_unpack("=QQ", shim.read("times")))

    @staticmethod
    def wall_is_past(usec):
        import time
        return time.time_ns() // 1000 > usec


@shimtest.unittest.skipUnless(os.geteuid() == 0, "only root can mount a small file system")
class FullDisk(ShimTest):
    def setUp(self):
        self.disk = tempfile.mkdtemp(prefix="shim-disk-")
        sandbox.mount("tmpfs", self.disk, "size=256k")
        self.addCleanup(self.take_away)

    def take_away(self):
        sandbox.unmount(self.disk)
        os.rmdir(self.disk)

    def wait_until_full(self, shim):
        wait_for(lambda: stat.S_IMODE(os.stat(f"{shim.path}/transcript").st_mode) == 0o400,
                 "the sign that the disk is full")

    def printer(self):
        """600,000 bytes, which are more than the disk takes."""
        return self.python("import os\n"
                           "for i in range(400): os.write(1, b'0123456789abcde' * 100)\n",
                           folder=self.folder())

    def folder(self):
        path = f"{self.disk}/run"
        os.mkdir(path)
        return path

    def test_the_agent_waits_and_nothing_is_lost(self):
        shim = self.printer().running()
        self.wait_until_full(shim)
        held = len(shim.read())
        for size in ("size=384k", "size=2m"):
            os.system(f"mount -o remount,{size} {self.disk}")
            wait_for(lambda: len(shim.read()) > held, "the transcript to grow again")
            held = len(shim.read())
        end = shim.end()
        self.assertEqual((end["reason"], end["exit_code"]), ("exited", 0))
        self.assertNotIn("lost", end)
        self.assertEqual(hashlib.sha256(shim.read()).digest(),
                         hashlib.sha256(b"0123456789abcde" * 40000).digest())
        self.assertEqual(stat.S_IMODE(os.stat(f"{shim.path}/transcript").st_mode), 0o600)

    def test_the_last_words_of_an_agent_that_ended_wait_for_room(self):
        shim = self.sh("read line; seq 1 1500", folder=self.folder()).running()
        filler = f"{self.disk}/filler"
        with open(filler, "wb", buffering=0) as file:
            self.assertRaises(OSError, lambda: [file.write(bytes(4096)) for _ in range(100)])
        shim.record(shimtest.TERMINAL, b"\n")
        self.wait_until_full(shim)
        wait_for(lambda: shim.procs() == [], "the agent's exit")
        os.unlink(filler)
        end = shim.end()
        self.assertEqual(shim.read(), b"".join(b"%d\r\n" % i for i in range(1, 1501)))
        self.assertEqual((end["reason"], end["exit_code"]), ("exited", 0))

    def test_a_stop_ends_it_all_the_same_and_says_what_was_lost(self):
        shim = self.printer().running()
        self.wait_until_full(shim)
        shim.stop(0.2)
        end = shim.end()
        self.assertEqual(end["reason"], "stopped")
        self.assertGreater(end["lost"], 0)

    def end_between_children(self, end_it):
        """Setup's last words find no room, and its process is gone."""
        setup = "head -c 1M /dev/zero > filler 2> /dev/null; seq 1 1500"
        shim = self.sh("echo never", setups=[(self.disk, setup)], folder=self.folder(),
                       options=["--stop-grace=200000"]).start().saw(b"")
        self.wait_until_full(shim)
        wait_for(lambda: shim.procs() == [], "the end of setup")
        end_it(shim)
        end = shim.end()
        self.assertGreater(end["lost"], 0)
        self.assertLessEqual(end["offset"], end["bytes"])
        self.assertFalse(shim.exists("started"))
        return end["reason"]

    def test_a_stop_does_not_wait_for_room_for_setups_output(self):
        self.assertEqual(self.end_between_children(lambda shim: shim.stop(0.2)), "stopped")

    def test_an_end_from_outside_does_not_wait_for_room_for_setups_output(self):
        self.assertEqual(
            self.end_between_children(lambda shim: os.kill(shim.pid, signal.SIGTERM)), "outside")


if __name__ == "__main__":
    shimtest.main()
