#!/usr/bin/python3
"""A sweep of 400 short tasks on one rank and on two, by turns.

Usage: tools/bench sweep [REPEATS]     (default: 5)

The tasks are the quickstart's: about 0.03 s of a core each. Prints the wall time of every sweep, without the start of
MPI; the share of it that the ranks spent in HDF5; and what rank 0 spent on each task as the master. The last line is
`ratio: X`: the median speed of two ranks over that of one.
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


def sweep(ranks, directory):
    """What `spikesweep sweep --json` says of one sweep."""
    file = directory / "sweep.h5"
    file.unlink(missing_ok=True)
    command = ["mpirun", "-n", str(ranks), "--bind-to", "core", BINARY, "--quiet", "sweep"]
    command += [ROOT / "configs/quickstart.toml", "--set", f"design.points={TASKS}", "-o", file, "--json"]
    environment = dict(os.environ)
    if os.geteuid() == 0:
        environment |= {"OMPI_ALLOW_RUN_AS_ROOT": "1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1"}
    done = subprocess.run(command, check=True, capture_output=True, text=True, env=environment)
    return json.loads(done.stdout)


def main():
    repeats = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    runs = {1: [], 2: []}
    print(f"{'ranks':>5} {'wall [s]':>9} {'in HDF5':>8} {'master per task':>16} {'requests':>9}")
    with tempfile.TemporaryDirectory(prefix="spikesweep-bench-") as scratch:
        for _ in range(repeats):
            for ranks, seen in runs.items():
                run = sweep(ranks, pathlib.Path(scratch))
                seen.append(run)
                share = run["store_s"] / (ranks * run["wall_s"])
                master_us = 1e6 * run["master_s"] / run["ended"]
                print(f"{ranks:5} {run['wall_s']:9.3f} {share:8.2%} {master_us:13.1f} us {run['requests']:9}", flush=True)
    speedups = [one["wall_s"] / two["wall_s"] for one, two in zip(runs[1], runs[2])]
    print(f"two ranks over one, each pair: {' '.join(f'{x:.3f}' for x in speedups)}")
    print(f"ratio: {statistics.median(speedups):.3f}")


if __name__ == "__main__":
    main()
