#!/usr/bin/python3
"""A training under mpirun that is killed again and again, and what it has learnt in the end.

Usage: train_fault_test.py BINARY MPIEXEC [TESTS]
Random moments come from a fixed seed; what the machine does in them is its own.
"""

import contextlib
import json
import os
import pathlib
import random
import re
import signal
import subprocess
import sys
import tempfile
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
from mpi_job import PATIENCE_S, MpiJob  # noqa: E402
from result_bytes import learnt  # noqa: E402

BINARY, MPIEXEC = sys.argv[1:3]
RANKS = 2
KILLS = 10
INTERRUPTS = 6
KILLS_STREAMED = 4
STREAMED = "learning.buffer_MiB=1"  # Of 4 MiB of training rows.
CONFIG = """
[network]
preset = "zhang2024"
[design]
kind = "latin_hypercube"
points = 20
selection_points = 2
test_points = 2
[design.axes]
S_EE = {min = 3.8, max = 4.2}
[sweep]
transitions = 300
[learning]
hidden = 128
epochs = 12
batch = 64
shards = 8
candidates = 2
selection_s = 1.0
selection_chains = 2
tuning_s = 0.5
"""
IN_AN_EPOCH = r"interrupted in epoch \d+ after step (\d+) of (\d+)"
IN_CLOSED_LOOPS = r"interrupted in closed loops"  # Of the selection or the tuning.


def written_at(path):
    """When a file was written [ns]; 0 while there is none, as in the moment in which another one takes its place."""
    try:
        return path.stat().st_mtime_ns
    except FileNotFoundError:
        return 0


class TrainFaults(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.scratch = tempfile.TemporaryDirectory(prefix="spikesweep_train_fault_")
        cls.directory = pathlib.Path(cls.scratch.name)
        (cls.directory / "c.toml").write_text(CONFIG)
        subprocess.run([BINARY, "-q", "sweep", cls.directory / "c.toml", "-o", cls.directory / "sweep.h5"], check=True,
                       capture_output=True, timeout=PATIENCE_S)

    @classmethod
    def tearDownClass(cls):
        cls.scratch.cleanup()

    def start(self, model, *options):
        command = [BINARY, "train", self.directory / "c.toml", "-d", self.directory / "sweep.h5", "-o", model, *options]
        job = MpiJob(MPIEXEC, RANKS, command, self.directory / "log")
        self.addCleanup(job.end)
        return job

    def train_undisturbed(self, model, *options):
        """Seconds from when the ranks are up to the end."""
        job = self.start(model, *options)
        while job.running and len(job.ranks()) < RANKS:
            time.sleep(0.005)
        begin = time.monotonic()
        self.assertEqual(job.wait(), 0, job.log())
        return time.monotonic() - begin

    def test_killed_at_any_moment_it_ends_with_the_undisturbed_model(self):
        self.kill_and_compare("killed", KILLS, [])

    def test_killed_while_it_streams_its_rows_it_ends_with_the_undisturbed_model(self):
        self.kill_and_compare("streamed", KILLS_STREAMED, ["--set", STREAMED])

    def kill_and_compare(self, name, least_kills, settings):
        undisturbed = self.directory / "undisturbed.h5"
        takes_s = self.train_undisturbed(undisturbed, *settings)
        expected = learnt(undisturbed)
        self.assertTrue(any("weights" in name for name in expected), sorted(expected))
        moments = random.Random(23)
        model = self.directory / f"{name}.h5"
        checkpoint = model.with_name(f"{name}.h5.checkpoint")
        checkpoint_time = lambda: written_at(checkpoint)
        kills = rounds = resumed = 0
        code = None
        while kills < least_kills or resumed <= least_kills // 2 or code != 0:
            rounds += 1
            self.assertLess(rounds, 5 * least_kills, "most trainings end before they can be killed")
            resumed += checkpoint.exists()
            before = checkpoint_time()
            job = self.start(model, *settings)
            ranks = []
            while job.running and len(ranks) < RANKS:
                ranks = job.ranks()
                time.sleep(0.005)
            if kills < least_kills or resumed <= least_kills // 2:
                latest_s = 0.8 * takes_s
                if moments.random() < 2 / 3:  # Else the next round may find nothing to resume from.
                    latest_s /= 4
                    while job.running and checkpoint_time() == before:
                        time.sleep(0.002)
                time.sleep(moments.uniform(0, latest_s))
                with contextlib.suppress(ProcessLookupError):  # It may end just now.
                    if job.running and len(ranks) == RANKS:
                        os.kill(moments.choice(ranks), signal.SIGKILL)
            code = job.wait()
            kills += code != 0
            if code == 0:
                self.assertEqual(learnt(model), expected)
                model.unlink()
        print(f"{kills} kills in {rounds} rounds, {resumed} from a checkpoint", file=sys.stderr)

    def test_interrupted_within_an_epoch_it_stops_at_once_and_resumes_there(self):
        undisturbed = self.directory / "undisturbed.h5"
        takes_s = self.train_undisturbed(undisturbed)
        expected = learnt(undisturbed)
        moments = random.Random(31)
        model = self.directory / "interrupted.h5"
        interrupts = rounds = within = 0
        longest = 0.0
        code = None
        enough = lambda: interrupts >= INTERRUPTS and within > INTERRUPTS // 2
        while not enough() or code != 0:
            rounds += 1
            self.assertLess(rounds, 5 * INTERRUPTS, "most trainings end before an interrupt or are not within an epoch")
            job = self.start(model)
            while job.running and len(job.ranks()) < RANKS:
                time.sleep(0.005)
            if not enough():
                time.sleep(moments.uniform(0.3, 0.6) * takes_s)
                job.process.send_signal(signal.SIGUSR1)
            hit = time.monotonic()
            code = job.wait()
            if code in (128 + signal.SIGUSR1, -signal.SIGUSR1) and model.exists():
                code = 0  # It was over: neither the ranks nor mpirun minded signals any more.
            self.assertIn(code, (0, 75), job.log())
            if code == 75:
                interrupts += 1
                longest = max(longest, time.monotonic() - hit)
                at = re.search(IN_AN_EPOCH, job.log())
                self.assertTrue(at or re.search(IN_CLOSED_LOOPS, job.log()), job.log())
                within += at is not None and int(at[1]) < int(at[2])
            else:
                self.assertEqual(learnt(model), expected)
                model.unlink()
        print(f"{interrupts} interrupts, {within} within an epoch, at most {longest:.2f} s each", file=sys.stderr)

    def test_an_ensemble_killed_in_its_second_member_goes_on_there(self):
        options = ("--set", "learning.members=3", "learning.epochs=4", "learning.hidden=64")
        undisturbed = self.directory / "ensemble.h5"
        job = self.start(undisturbed, *options)
        self.assertEqual(job.wait(), 0, job.log())
        expected = learnt(undisturbed)
        self.assertIn("members/2/counts_network/layer_0/weights", expected)
        model = self.directory / "ensemble_killed.h5"
        finished, current, next_one = (model.with_name(f"ensemble_killed.h5.checkpoint{k}") for k in ("", ".1", ".2"))
        job = self.start(model, *options)
        while job.running and not current.exists():
            time.sleep(0.005)
        os.kill(job.ranks()[0], signal.SIGKILL)
        self.assertNotEqual(job.wait(), 0)
        self.assertFalse(next_one.exists() or model.exists(), "it was killed too late")
        self.assertTrue(finished.exists())
        log = model.with_name("ensemble_killed.h5.log.jsonl")
        before = len(log.read_text().splitlines())
        job = self.start(model, *options)
        self.assertEqual(job.wait(), 0, job.log())
        self.assertEqual(learnt(model), expected)
        lines = [json.loads(line) for line in log.read_text().splitlines()]
        self.assertEqual([(line["member"], line["epoch"]) for line in lines],
                         [(member, epoch) for member in range(3) for epoch in range(1, 5)])
        trained = [line["member"] for line in lines[before:]]
        self.assertNotIn(0, trained, "a member that was finished")
        self.assertEqual(trained.count(2), 4)
        self.assertEqual(list(self.directory.glob("ensemble_killed.h5.checkpoint*")), [])


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0], *sys.argv[3:]], verbosity=2)
