#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The soak's agent: numbers its lines, and keeps beside them how many the terminal has taken.

    agent.py COUNTER LINES PAUSE [deaf] [children] [work] [forever]

COUNTER is a file whose first 8 bytes become the number of the last line that was written whole."""

import mmap
import os
import signal
import subprocess
import sys
import termios
import time

counter_path, lines, pause, *habits = sys.argv[1:]

attributes = termios.tcgetattr(1)
attributes[3] &= ~termios.ECHO  # what is typed is not part of the numbering
termios.tcsetattr(1, termios.TCSANOW, attributes)
if "deaf" in habits:
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
if "children" in habits:
    for session in (False, True):
        subprocess.Popen(["sleep", "1000"], start_new_session=session)
if "work" in habits:
    with open("work.txt", "w") as file:
        file.write("not committed\n")

with open(counter_path, "r+b") as file:
    counter = mmap.mmap(file.fileno(), 8)
for number in range(1, int(lines) + 1):
    line = b"%d\n" % number
    while line:
        line = line[os.write(1, line) :]
    counter[:8] = number.to_bytes(8, "little")
    time.sleep(float(pause))
while "forever" in habits:
    time.sleep(1000)
