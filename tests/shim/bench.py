# SPDX-License-Identifier: LGPL-2.1-or-later
"""bench.py PTY-THROUGHPUT: how fast the shim is beside a bare loop, and what it weighs."""

import statistics
import subprocess
import sys
import time

import sandbox
import shimtest

MEGABYTES = "200"
ROUNDS = 5


def bare(program):
    return float(subprocess.check_output([program, "discard", program, "write", MEGABYTES]))


def with_shim(program, *options):
    shim = shimtest.Shim(program, "write", MEGABYTES, options=options)
    begin = time.monotonic()
    shim.start().end()
    seconds = time.monotonic() - begin
    shim.destroy()
    return seconds


def idle_pss():
    shim = shimtest.Shim("sh", "-c", "seq 100000; read line").running().saw(b"100000\r\n")
    with open(f"/proc/{shim.pid}/smaps_rollup") as rollup:
        pss = next(line.split()[1] for line in rollup if line.startswith("Pss:"))
    shim.destroy()
    return pss


def main():
    program = sys.argv[1]
    shimtest.cgroups = sandbox.enter(sys.argv)
    shimtest.reserve_fds()
    result = ["--result-grace=1000000", "--closing-type=result"]
    times = [(bare(program), with_shim(program), with_shim(program, *result))
             for _ in range(ROUNDS)]
    loop, shim, looking = (statistics.median(column) for column in zip(*times))
    print(f"bare loop {float(MEGABYTES) / loop:.0f} MB/s; "
          f"shim {float(MEGABYTES) / shim:.0f} MB/s ({100 * loop / shim:.0f} %); looking for a "
          f"result {float(MEGABYTES) / looking:.0f} MB/s ({100 * loop / looking:.0f} %)")
    print(f"idle: PSS {idle_pss()} KiB")


main()
