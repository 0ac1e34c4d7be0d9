#!/usr/bin/python3
"""The quickstart's sweep under mpirun, killed and interrupted again and again, and what is left of it in the end.

Usage: fault_test.py BINARY MPIEXEC SOURCE_DIR [TESTS]
Random moments come from a fixed seed; what the machine does in them is its own.
"""

import json
import os
import pathlib
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest

import h5py

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
from mpi_job import PATIENCE_S, MpiJob  # noqa: E402
from result_bytes import lasting_bytes  # noqa: E402

BINARY, MPIEXEC, SOURCE = sys.argv[1:4]
CONFIG = f"{SOURCE}/configs/quickstart.toml"
RANKS = 3
KILLS = 25
INTERRUPTS = 10
GRACE_S = 2.0
SLACK_S = 4.0  # mpirun's start and end on a crowded machine.
LATEST_S = 0.5  # After the ranks are up: less than a core needs for its first sixteen tasks and the next.


def done_tasks(path):
    with h5py.File(path, "r", locking=False) as f:
        return {int(i) for i in (f["tasks/state"][:] == 1).nonzero()[0]}


class SweepFaults(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.scratch = tempfile.TemporaryDirectory(prefix="spikesweep_fault_")
        cls.directory = pathlib.Path(cls.scratch.name)
        undisturbed = cls.directory / "undisturbed.h5"
        cls.run_alone("sweep", CONFIG, "-o", undisturbed)
        cls.expected = lasting_bytes(undisturbed)

    @classmethod
    def tearDownClass(cls):
        cls.scratch.cleanup()

    @staticmethod
    def run_alone(*arguments, code=0):
        done = subprocess.run([BINARY, "-q", *arguments], capture_output=True, text=True, timeout=PATIENCE_S)
        if done.returncode != code:
            raise AssertionError(f"{arguments}: exit {done.returncode}, not {code}: {done.stdout}{done.stderr}")
        return done

    def setUp(self):
        self.file = self.directory / f"{self.id().rsplit('.', 1)[1]}.h5"
        self.random = random.Random(17)

    def start(self, *options):
        job = MpiJob(MPIEXEC, RANKS, [BINARY, "sweep", CONFIG, "-o", self.file, *options], self.directory / "log")
        self.addCleanup(job.end)
        return job

    def wait_for_ranks(self, job):
        """Waits until the sweep of a job has begun; its ranks, or none if it is over already."""
        lock = self.file.with_name(self.file.name + ".lock")
        end = time.monotonic() + PATIENCE_S
        while job.running and time.monotonic() < end:
            ranks = job.ranks()
            if len(ranks) == RANKS and lock.exists() and self.file.exists():
                return ranks
            time.sleep(0.005)
        return []

    def strike(self, hit, *options):
        """Starts a job and hits it at a random moment after its ranks have begun to sweep; its exit code."""
        job = self.start(*options)
        ranks = self.wait_for_ranks(job)
        time.sleep(self.random.uniform(0, LATEST_S))
        if ranks and job.running:
            try:
                hit(job, ranks)
            except ProcessLookupError:
                pass  # It was over.
        self.hit_at = time.monotonic()
        self.job = job
        return job.wait()

    def finish(self):
        """Lets an unfinished sweep go on to its end."""
        if self.file.exists():
            job = self.start()
            self.assertEqual(job.wait(), 0, job.log())
            self.expect_undisturbed()

    def expect_undisturbed(self):
        self.run_alone("verify", self.file)
        with h5py.File(self.file, "r") as f:
            self.assertTrue((f["tasks/state"][:] == 1).all())
            self.assertEqual(f["transitions/duration"].shape[0], f["tasks/records"]["rows"].sum())
        self.assertTrue(lasting_bytes(self.file) == self.expected, "bytes differ from the undisturbed sweep's")

    def begin_anew_if_over(self):
        """A sweep that was over before it was hit is looked at, and another begins."""
        if self.file.exists() and len(done_tasks(self.file)) == self.tasks():
            self.expect_undisturbed()
            self.file.unlink()
            return True
        return False

    def tasks(self):
        with h5py.File(self.directory / "undisturbed.h5", "r") as f:
            return f["tasks/state"].shape[0]

    def test_killed_at_any_moment_it_loses_nothing_that_was_finished(self):
        kills = 0
        rounds = 0
        done = set()
        while kills < KILLS:
            rounds += 1
            self.assertLess(rounds, 3 * KILLS, "most sweeps end before they can be killed")
            victim = self.random.choice(range(RANKS))
            code = self.strike(lambda job, ranks: os.kill(ranks[victim], signal.SIGKILL))
            after = done_tasks(self.file)
            self.assertLessEqual(done, after, f"kill {kills} of rank {victim} lost tasks: {self.job.log()}")
            done = after
            kills += code != 0
            if self.begin_anew_if_over():
                done = set()
        self.finish()
        print(f"{kills} kills in {rounds} rounds", file=sys.stderr)

    def test_it_says_that_a_rank_other_than_0_cannot_save_its_tasks(self):
        directory = self.file.with_name(self.file.name + ".unfinished")
        (directory / "1-1.partial" / "in the way").mkdir(parents=True)
        job = self.start("--set", "sweep.transitions=20000")
        self.wait_for_ranks(job)
        time.sleep(1)
        os.kill(job.process.pid, signal.SIGUSR1)
        self.assertEqual(job.wait(), 75, job.log())
        self.assertRegex(job.log(), r"warning: rank 1 on \S+: cannot make \S+1-1\.partial: Is a directory; the sweep goes")
        self.assertEqual(job.log().count("Is a directory"), 1, job.log())
        self.assertIn("but not every task in hand could be saved", job.log())
        shutil.rmtree(directory)
        self.file.unlink()

    def test_interrupted_it_ends_with_75_within_the_grace_time(self):
        interrupts = 0
        rounds = 0
        longest = 0.0
        while interrupts < INTERRUPTS:
            rounds += 1
            self.assertLess(rounds, 3 * INTERRUPTS, "most sweeps end before they can be interrupted")
            code = self.strike(lambda job, ranks: os.kill(job.process.pid, signal.SIGUSR1), "--grace", f"{GRACE_S:g}s")
            took = time.monotonic() - self.hit_at
            self.assertIn(code, (75, 0), self.job.log())
            if code == 75:
                interrupts += 1
                longest = max(longest, took)
                self.assertLess(took, GRACE_S + SLACK_S)
                self.run_alone("verify", self.file)
            self.begin_anew_if_over()
        self.finish()
        print(f"{interrupts} interrupts in {rounds} rounds, at most {longest:.2f} s each", file=sys.stderr)

    def test_a_failing_point_is_reported_with_its_reason_and_the_others_are_done(self):
        config = self.directory / "runaway.toml"
        config.write_text(
            """
            [network]
            preset = "zhang2024"
            [design]
            kind = "list"
            replicates = 2
            selection_points = 0
            test_points = 0
            [design.axes]
            S_EI = [2.2, 0.0, 2.0]
            S_II = [2.0, 0.0, 2.0]
            S_EE = [4.0, 20.0, 4.2]
            [sweep]
            transitions = 40
            max_pending = 20000
            """
        )
        command = [MPIEXEC, "-n", "2", BINARY, "sweep", config, "-o", self.file]
        job = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE_S)
        self.assertEqual(job.returncode, 3, job.stderr)
        with h5py.File(self.file, "r") as f:
            self.assertEqual(f["tasks/state"][:].tolist(), [1, 1, 2, 2, 1, 1])
        status = json.loads(self.run_alone("status", self.file, "--json").stdout)
        self.assertEqual(status["runaway"], 2)
        self.assertEqual(status["failed_points"], [1])
        self.assertIn("runaway", self.run_alone("status", self.file).stdout)

    def test_a_full_disk_ends_it_with_a_message_and_it_goes_on_once_there_is_room(self):
        shutil.copy(self.directory / "undisturbed.h5", self.file)
        with h5py.File(self.file, "r") as f:
            begin, size = f["tasks/state"].id.get_offset(), f["tasks/state"].id.get_storage_size()
        with open(self.file, "r+b") as f:  # Every task is open again; the disk of all is reserved.
            f.seek(begin)
            f.write(bytes(size))
        # A limit on the size of files stands in for a disk that refuses in mid-sweep: blocks of 512 bytes, a fifth of it.
        limited = f"ulimit -f 20000; exec {MPIEXEC} -n 2 {BINARY} sweep {CONFIG} -o {self.file}"
        stopped = subprocess.run(["sh", "-c", limited], capture_output=True, text=True, timeout=PATIENCE_S)
        self.assertEqual(stopped.returncode, 1, stopped.stderr)
        self.assertIn("spikesweep: rank", stopped.stderr)
        self.assertIn("cannot write", stopped.stderr)
        self.finish()


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0], *sys.argv[4:]], verbosity=2)
