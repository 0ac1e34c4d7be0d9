#!/usr/bin/python3
"""A sweep of 400 short tasks on one rank and on two, by turns.

Usage: tools/bench sweep [REPEATS]     (default: 5)

The tasks are the quickstart's: about 0.03 s of a core each. Prints the wall time of every sweep, without the start of
MPI; the share of it that the ranks spent in HDF5; and what rank 0 spent on each task as the master. Beside them, what
the machine itself allows: two sweeps of half the tasks that know nothing of each other, one a core, at the same time.
The last line is `ratio: X`: the median speed of two ranks over that of one.
"""

import json
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
BINARY = ROOT / "build/release/spikesweep"
TASKS = 400


def start(launcher, tasks, file):
    """A running `spikesweep sweep`; finish() gives what its --json says."""
    file.unlink(missing_ok=True)
    command = [*launcher, BINARY, "--quiet", "sweep", ROOT / "configs/quickstart.toml", "-o", file, "--json"]
    command += ["--set", f"design.points={tasks}"]
    environment = dict(os.environ)
    if os.geteuid() == 0:
        environment |= {"OMPI_ALLOW_RUN_AS_ROOT": "1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1"}
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment)


def finish(job):
    out, _ = job.communicate()
    if job.returncode != 0:
        raise SystemExit(f"bench sweep: a sweep ended with {job.returncode}")
    return json.loads(out)


def sweep(ranks, directory):
    return finish(start(["mpirun", "-n", str(ranks), "--bind-to", "core"], TASKS, directory / "sweep.h5"))


def side_by_side(directory):
    """Wall time of the slower of two sweeps of half the tasks, one on each of the first two cores [s]."""
    cores = sorted(os.sched_getaffinity(0))[:2]
    jobs = [start(["taskset", "-c", str(core)], TASKS // 2, directory / f"half{core}.h5") for core in cores]
    return max(finish(job)["wall_s"] for job in jobs)


def main():
    if {"-h", "--help"} & set(sys.argv[1:]):
        print(__doc__)
        return
    repeats = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    runs = {1: [], 2: []}
    halves = []
    print(f"{'ranks':>5} {'wall [s]':>9} {'in HDF5':>8} {'master per task':>16} {'requests':>9}")
    with tempfile.TemporaryDirectory(prefix="spikesweep-bench-") as scratch:
        for _ in range(repeats):
            for ranks, seen in runs.items():
                run = sweep(ranks, pathlib.Path(scratch))
                seen.append(run)
                share = run["store_s"] / (ranks * run["wall_s"])
                master_us = 1e6 * run["master_s"] / run["ended"]
                print(f"{ranks:5} {run['wall_s']:9.3f} {share:8.2%} {master_us:13.1f} us {run['requests']:9}", flush=True)
            halves.append(side_by_side(pathlib.Path(scratch)))
            print(f"  two halves apart {halves[-1]:.3f} s", flush=True)
    limits = [one["wall_s"] / half for one, half in zip(runs[1], halves)]
    print(f"two halves apart over one rank, each round: {' '.join(f'{x:.3f}' for x in limits)}")
    speedups = [one["wall_s"] / two["wall_s"] for one, two in zip(runs[1], runs[2])]
    print(f"two ranks over one rank, each round: {' '.join(f'{x:.3f}' for x in speedups)}")
    print(f"ratio: {statistics.median(speedups):.3f}")


if __name__ == "__main__":
    main()
