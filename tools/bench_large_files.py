#!/usr/bin/python3
"""Sweep files of 1, 10 and 100 GB: wall time, bytes read and memory of each command that opens them.

Usage: tools/bench large_files [--sizes GB ...] [--directory DIR]     (default: 1 10 100)

The files are sparse: the rows are holes, which take no disk and are read as zeros. A command that reads rows without
need is found by its bytes. Each file is made twice: with 1 % of its tasks done, and with all of them done. `extend`
reserves the disk of the grown file, so it needs a file system with so much room, which may itself be a sparse image:

  truncate -s 400G image; mkfs.ext4 image; mount -o loop image DIR

Bytes read are those that the system calls returned (rchar of /proc/PID/io), of all ranks together, without those of the
start of the program; memory is the peak of the largest rank, and that of the start of the program is printed above. The
last line is `ratio: X`: the peak memory of `status` at the largest size over that at the smallest.
"""

import argparse
import os
import pathlib
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
BINARY = ROOT / "build/release/spikesweep"
MAKER = ROOT / "build/release/tests/bench/make_sparse_sweep"
CONFIG = ROOT / "configs/zhang2024.toml"
POINTS = 100
TRANSITIONS = 1000  # Of a task.
MPIRUN = ["mpirun", "--bind-to", "none", "--oversubscribe", "-n"]
ENVIRONMENT = dict(os.environ, OMP_NUM_THREADS="1")
if os.geteuid() == 0:
    ENVIRONMENT |= {"OMPI_ALLOW_RUN_AS_ROOT": "1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1"}
# Prints the usage of its command once it has ended: a child that was waited for adds to the counters of its parent.
WRAPPER = """
import resource, subprocess, sys
code = subprocess.run(sys.argv[2:], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode
io = dict(line.split(": ") for line in open("/proc/self/io").read().splitlines())
peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
open(sys.argv[1], "a").write(f"{io['rchar']} {peak} {code}\\n")
sys.exit(code)
"""


def measure(command, ranks=1, expected=(0,)):
    """Wall time [s], bytes read by all ranks, and peak memory of the largest rank [bytes]."""
    with tempfile.NamedTemporaryFile("r") as notes:
        wrapped = [sys.executable, "-c", WRAPPER, notes.name, BINARY, "-q", *map(str, command)]
        begin = time.monotonic()
        job = subprocess.run([*MPIRUN, str(ranks), *wrapped] if ranks > 1 else wrapped, env=ENVIRONMENT,
                             capture_output=True, text=True)
        wall_s = time.monotonic() - begin
        lines = [[int(word) for word in line.split()] for line in notes]
    if not lines or any(code not in expected for *_, code in lines):
        raise SystemExit(f"bench large_files: {' '.join(map(str, command))} ended with {lines}\n{job.stderr}")
    return wall_s, sum(rchar for rchar, *_ in lines), 1024 * max(peak for _, peak, _ in lines)


def bytes_of_task(directory):
    """Of a sweep file."""
    file = directory / "small.h5"
    sizes = []
    for replicates in (1, 11):
        make(file, 0, replicates)
        sizes.append(file.stat().st_size)
        file.unlink()
    return (sizes[1] - sizes[0]) / (10 * POINTS)


def settings(replicates):
    return [f"design.points={POINTS}", f"design.replicates={replicates}", f"sweep.transitions={TRANSITIONS}"]


def make(file, done, replicates):
    subprocess.run([MAKER, file, str(done), CONFIG, *settings(replicates)], check=True, env=ENVIRONMENT)


def overrides(replicates):
    return [word for setting in settings(replicates) for word in ("--set", setting)]


def study(gigabytes, task_bytes, directory):
    """One line for each command; the peak memory of status [bytes]."""
    replicates = max(1, round(1e9 * gigabytes / task_bytes / POINTS))
    tasks = POINTS * replicates
    file = directory / "sweep.h5"
    sweep = ["sweep", CONFIG, "-o", file, *overrides(replicates)]
    start = measure(["--version"])
    print(f"{gigabytes:g} GB: {tasks} tasks; the start of the program reads {start[1] / 1e6:.1f} MB, and takes "
          f"{start[2] / 2**20:.0f} MiB")
    peaks = {}

    def show(name, command, ranks=1, expected=(0,)):
        wall_s, read, peak = measure(command, ranks, expected)
        peaks[name] = peak
        print(f"  {name:34} {wall_s:8.2f} s {(read - ranks * start[1]) / 1e6:12.1f} MB read {peak / 2**20:7.0f} MiB",
              flush=True)

    make(file, tasks // 100, replicates)
    show("1 % done: status", ["status", file])
    show("1 % done: status --json", ["status", file, "--json"])
    show("1 % done: plan", ["plan", CONFIG, *overrides(replicates)])
    show("1 % done: verify", ["verify", file])
    show("1 % done: verify on 2 ranks", ["verify", file], ranks=2)
    train = ["train", CONFIG, "-d", file, "-o", directory / "model.h5", *overrides(replicates)]
    for key in ("epochs=1", "members=1", "hidden=16", "layers=1", "patience=0", "tuning_s=0", "candidates=1"):
        train += ["--set", f"learning.{key}"]
    show("1 % done: train one epoch", train, expected=(0, 1, 2))
    free = os.statvfs(directory)
    if free.f_bavail * free.f_frsize > 1.05e9 * gigabytes:
        # The extended sweep would begin to simulate: a time that has passed ends it first.
        late = {"SLURM_JOB_ID": "1", "SLURM_JOB_END_TIME": str(int(time.time()) - 1)}
        ENVIRONMENT.update(late)
        show("1 % done: sweep --extend", [*sweep[:2], "-o", file, *overrides(replicates + 1), "--extend"],
             expected=(75,))
        for name in late:
            del ENVIRONMENT[name]
    else:
        print("  sweep --extend is left out: the disk cannot hold the file", flush=True)
    file.unlink()
    make(file, tasks, replicates)
    show("all done: status", ["status", file])
    show("all done: sweep again", sweep)
    show("all done: verify", ["verify", file])
    show("all done: verify on 2 ranks", ["verify", file], ranks=2)
    file.unlink()
    for left in directory.glob("model.h5*"):
        left.unlink()
    return peaks["all done: status"]


def main():
    parser = argparse.ArgumentParser(prog="tools/bench large_files", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", type=float, nargs="+", default=[1, 10, 100], metavar="GB")
    parser.add_argument("--directory", type=pathlib.Path, help="on a file system that knows holes")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="spikesweep-bench-", dir=arguments.directory) as name:
        directory = pathlib.Path(name)
        task_bytes = bytes_of_task(directory)
        peaks = [study(size, task_bytes, directory) for size in arguments.sizes]
    print(f"ratio: {peaks[-1] / peaks[0]:.2f}")


if __name__ == "__main__":
    main()
