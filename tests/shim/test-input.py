# SPDX-License-Identifier: LGPL-2.1-or-later
import fcntl
import hashlib
import os
import struct
import termios
import threading

import shimtest
from shimtest import CLOSE, MESSAGE, RESIZE, TERMINAL, ShimTest


class Terminal(ShimTest):
    def test_what_is_typed_is_not_echoed(self):
        shim = self.sh('read line; echo "got $line"').running()
        shim.record(TERMINAL, b"secret\n")
        shim.end()
        self.assertEqual(shim.read(), b"got secret\r\n")

    def test_control_c_interrupts(self):
        shim = self.sh("trap 'echo interrupted; exit 4' INT; echo ready; "
                       "while :; do sleep 0.05; done").running()
        shim.saw(b"ready").record(TERMINAL, b"\x03")
        self.assertEqual(shim.end()["exit_code"], 4)
        self.assertEqual(shim.read(), b"ready\r\ninterrupted\r\n")

    def test_a_resize_is_seen_by_the_agent(self):
        shim = self.python("import os,signal\n"
                           "signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGWINCH])\n"
                           "print(os.get_terminal_size())\n"
                           "signal.sigwait([signal.SIGWINCH])\n"
                           "print(os.get_terminal_size())\n",
                           options=["--rows=10", "--columns=20"]).running()
        shim.saw(b"columns=20, lines=10)").record(RESIZE, struct.pack("=HH", 33, 44))
        shim.end()
        self.assertIn(b"columns=44, lines=33)", shim.read())

    def test_input_that_is_not_taken_waits_and_none_is_lost(self):
        shim = self.python("import os,sys,tty,hashlib\n"
                           "tty.setraw(0); print('ready'); os.read(os.open(sys.argv[1], 0), 1)\n"
                           "data = b''\n"
                           "while len(data) < 40000: data += os.read(0, 4096)\n"
                           "print(hashlib.sha256(data).hexdigest())\n")
        go = f"{shim.path}/go"
        os.mkfifo(go)
        shim.command.append(go)
        shim.running().saw(b"ready")
        data = bytes(i * 7 % 251 for i in range(40000))
        for i in range(0, len(data), 4000):
            shim.record(TERMINAL, data[i:i + 4000])
        with open(go, "w") as file:
            file.write("go")
        shim.end()
        self.assertIn(hashlib.sha256(data).hexdigest().encode(), shim.read())


class Stdin(ShimTest):
    def test_a_file_is_read_to_its_end(self):
        shim = self.sh("test -t 0 || cat; test -t 1 && echo tty", options=["--stdin=file"],
                       stdin=b"the prompt\n")
        shim.start().end()
        self.assertEqual(shim.read(), b"the prompt\r\ntty\r\n")

    def test_a_pipe_gives_the_file_then_the_messages_then_the_end(self):
        shim = self.sh("cat; echo end", options=["--stdin=pipe"], stdin=b"first\n").running()
        shim.saw(b"first")
        shim.record(MESSAGE, b"second\n")
        shim.saw(b"second")
        shim.record(MESSAGE, b"third\n")
        shim.record(CLOSE)
        shim.end()
        self.assertEqual(shim.read(), b"first\r\nsecond\r\nthird\r\nend\r\n")

    def test_a_large_first_message_comes_whole(self):
        data = b"x" * (1 << 20)
        shim = self.sh("sha256sum", options=["--stdin=pipe"], stdin=data).running()
        shim.record(CLOSE)
        shim.end()
        self.assertIn(hashlib.sha256(data).hexdigest().encode(), shim.read())

    def test_an_agent_that_closed_its_stdin_is_left_alone(self):
        shim = self.sh("exec <&-; echo closed; read line < /dev/tty; echo \"$line\"",
                       options=["--stdin=pipe"]).running()
        shim.saw(b"closed").record(MESSAGE, b"nobody reads this\n")
        shim.record(MESSAGE, b"nor this\n")
        shim.record(TERMINAL, b"but this\n")
        shim.end()
        self.assertEqual(shim.read(), b"closed\r\nbut this\r\n")

    def test_terminal_input_goes_beside_the_pipe(self):
        shim = self.sh("read line < /dev/tty; echo \"$line\"; cat", options=["--stdin=pipe"]).running()
        shim.record(TERMINAL, b"typed\n")
        shim.saw(b"typed")
        shim.record(CLOSE)
        shim.end()


class Stdout(ShimTest):
    """An agent whose stdout is a pipe."""
    def test_it_is_kept_as_it_is_written(self):
        shim = self.sh("test -t 1 || printf 'a\\r\\n\\tb\\004'; test -t 2 && echo tty >&2",
                       options=["--stdout=pipe"])
        shim.start().end()
        self.assertEqual(shim.read(), b"a\r\n\tb\x04\ntty\r\n")

    def test_the_terminal_waits_for_the_end_of_a_line(self):
        shim = self.python("import os\n"
                           "for i in range(200):\n"
                           "    os.write(1, b'{%d' % i + b'x' * 9000)\n"
                           "    os.write(2, b'err\\n')\n"
                           "    os.write(1, b'}\\n')\n", options=["--stdout=pipe"])
        shim.start().end()
        lines = shim.read().splitlines()
        whole = [line for line in lines if line.startswith(b"{")]
        self.assertEqual([len(line) for line in whole],
                         [9000 + len(b"{%d}" % i) for i in range(200)])
        self.assertEqual(b"".join(line for line in lines if line not in whole), b"err" * 200)

    def test_the_terminal_does_not_wait_for_ever(self):
        shim = self.python("import os\n"
                           "os.write(1, b'half')\n"
                           "os.write(2, b'x' * 100000)\n"
                           "os.write(1, b'whole')\n", options=["--stdout=pipe"])
        shim.start().end()
        text = shim.read()
        self.assertTrue(text.startswith(b"half\nx"), text[:20])
        # What the terminal still held may come after the last of the pipe.
        self.assertEqual(text.count(b"x"), 100000)
        self.assertIn(b"\nwhole", text)

    def test_what_a_child_holds_open_ends_with_it(self):
        shim = self.sh("(sleep 1000 &) ; echo gone", options=["--stdout=pipe"])
        shim.start().end()
        self.assertEqual(shim.read(), b"gone\n")

    def test_one_that_stays_behind_its_input_is_ended(self):
        shim = self.sh("cat; exec sleep 1000", options=[
            "--stdin=pipe", "--stdout=pipe", "--result-grace=300000", "--stop-grace=200000"])
        shim.running().record(CLOSE)
        self.assertEqual(shim.end()["reason"], "result")


class Cancel(ShimTest):
    """An agent that can be asked to leave off."""
    OPTIONS = ["--stdin=pipe", "--stdout=pipe", "--stop-grace=60000000"]

    def test_a_stop_asks_first(self):
        shim = self.sh("trap 'echo interrupted; exit 1' INT; read line; echo \"$line\"; cat",
                       options=self.OPTIONS)
        with open(f"{shim.path}/cancel", "w") as file:
            file.write("leave off\n")
        shim.running().stop()
        end = shim.end()  # its input ends with the SIGINT, a second later
        self.assertEqual((end["reason"], shim.read()[:10]), ("stopped", b"leave off\n"))

    def test_a_second_stop_does_not_wait(self):
        shim = self.sh("trap '' INT; while read line; do echo \"$line\"; done; echo end",
                       options=["--stop-grace=3600000000", *self.OPTIONS[:2]])
        with open(f"{shim.path}/cancel", "w") as file:
            file.write("leave off\n")
        shim.running().stop()
        shim.saw(b"leave off").stop()
        self.assertEqual(shim.end()["reason"], "stopped")
        self.assertEqual(shim.read(), b"leave off\nend\n")


class Records(ShimTest):
    def test_unknown_ones_are_skipped(self):
        shim = self.sh('read line; echo "$line"').running()
        shim.record(TERMINAL, b"from the future\n", version=2)
        shim.record(99, b"unknown\n")
        shim.record(MESSAGE, b"there is no pipe\n")
        shim.record(TERMINAL, b"known\n")
        shim.end()
        self.assertEqual(shim.read(), b"known\r\n")

    def test_garbage_does_not_stop_what_comes_after_it(self):
        shim = self.sh('read line; echo "$line"').running()
        for garbage in (b"x", b"garbage, and more of it", struct.pack("=BBH", 1, TERMINAL, 9)):
            shim.raw(garbage, TERMINAL)
            shimtest.wait_for(lambda: self.is_empty(f"{shim.path}/input"), "the FIFO to be read")
        shim.record(TERMINAL, b"sound\n")
        shim.end()
        self.assertTrue(shim.read().endswith(b"sound\r\n"))

    def flood(self, shim, name, data):
        """Writes @data to one of its FIFOs for as long as the shim is there."""
        def write():
            fd = os.open(f"{shim.path}/{name}", os.O_WRONLY)
            try:
                while True:
                    os.write(fd, data)
            except BrokenPipeError:
                os.close(fd)
        threading.Thread(target=write, daemon=True).start()

    def survives(self, name, data):
        shim = self.sh("read line; echo \"$line\"; seq 20000; sleep 1000",
                       options=["--runtime-max=1500000", "--stop-grace=100000"])
        self.flood(shim.running(), name, data)
        if name == "control":
            shim.record(TERMINAL, b"hello\n")
        shim.end()
        if name == "control":
            self.assertTrue(shim.read().startswith(b"hello\r\n1\r\n"))
            self.assertTrue(shim.read().endswith(b"\r\n20000\r\n"))

    def test_a_flood_of_them_starves_nothing(self):
        # In one write there is more than the shim has read when the next one comes.
        self.survives("control", struct.pack("=BBH", 1, 99, 0) * 1000)

    def test_a_flood_of_unknown_ones_starves_nothing(self):
        for name in ("control", "input"):
            self.survives(name, struct.pack("=BBH", 2, 0, 0) * 1000)

    def test_a_flood_of_garbage_starves_nothing(self):
        self.survives("control", b"garbage!" * 500)

    @staticmethod
    def is_empty(fifo):
        fd = os.open(fifo, os.O_RDWR | os.O_NONBLOCK)
        try:
            return fcntl.ioctl(fd, termios.FIONREAD, b"\0\0\0\0") == b"\0\0\0\0"
        finally:
            os.close(fd)


if __name__ == "__main__":
    shimtest.main()
