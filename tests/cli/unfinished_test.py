"""Predictions and validations that are interrupted or killed go on where they were, and end with the bytes of an
undisturbed one. Run as: unfinished_test.py BINARY [MPIEXEC]; without MPIEXEC on one rank alone"""

import os
import pathlib
import re
import signal
import subprocess
import sys
import tempfile
import time
import unittest

import h5py

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
from mpi_job import PATIENCE_S, MpiJob  # noqa: E402
from small_study import changed  # noqa: E402

BINARY, MPIEXEC = (sys.argv[1:] + [None])[:2]
RANKS = [1, 2] if MPIEXEC else [1]
GRACE_S = 2.0
SLACK_S = 4.0  # mpirun's start and end on a crowded machine.
CONFIG = changed(points=14, test_points=6, transitions=100, epochs=3, duration_s=8, chains=8) + """
hybrid_s = 2
[section]
kind = "mfe"
"""
PREDICT = "predict -m m.h5 --design 24 --replicates 128 --duration 4s -o".split()  # Two points at a time.
VALIDATE = "validate small.toml -m m.h5 -d a.h5 -o".split()
SEAL = 4096  # Bytes.


def lasting_bytes(path):
    """The bytes of a file, wall times set to zero, and so is the seal, which covers them."""
    data = bytearray(path.read_bytes())
    data[:SEAL] = bytes(SEAL)

    def clear(name, item):
        if isinstance(item, h5py.Dataset) and name.endswith("wall_s"):
            begin, size = item.id.get_offset(), item.id.get_storage_size()
            data[begin : begin + size] = bytes(size)

    with h5py.File(path, "r") as file:
        file.visititems(clear)
    return bytes(data)


class Unfinished(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.scratch = tempfile.TemporaryDirectory()
        cls.addClassCleanup(cls.scratch.cleanup)
        cls.directory = pathlib.Path(cls.scratch.name)
        (cls.directory / "small.toml").write_text(CONFIG)
        cls.finish("sweep small.toml -o a.h5".split())
        cls.finish("train small.toml -d a.h5 -o m.h5".split())
        cls.finish(PREDICT + ["whole_p.h5"])
        cls.finish(VALIDATE + ["whole_v.h5"])

    def setUp(self):
        self.jobs = 0
        self.name = f"{self.id().rsplit('.', 1)[1]}.h5"

    def tearDown(self):
        for left in self.directory.glob(f"{self.name}*"):
            left.unlink()

    @classmethod
    def finish(cls, command, ranks=1):
        launcher = [MPIEXEC, "-n", str(ranks)] if ranks > 1 else []
        done = subprocess.run([*launcher, BINARY, *command], cwd=cls.directory, capture_output=True, text=True,
                              timeout=PATIENCE_S, check=False, stdin=subprocess.DEVNULL)
        if done.returncode != 0:
            raise AssertionError(f"{command}: {done.returncode}\n{done.stderr}")
        return done

    def start(self, command, ranks):
        self.jobs += 1
        log = self.directory / f"log_{self.jobs}"
        # The launcher runs in a directory of its own choice only if it is told so.
        launcher, given = (MPIEXEC, ["-n", str(ranks), "-wdir", str(self.directory), BINARY]) if ranks > 1 else (
            "/usr/bin/env", ["-C", str(self.directory), BINARY])
        job = PlainJob(launcher, given + command, log)
        self.addCleanup(job.end)
        return job

    def unfinished(self):
        path = self.directory / f"{self.name}.unfinished"
        return path.stat().st_size if path.exists() else 0

    def disturb(self, command, ranks, how):
        """Starts the command, waits until it has saved something, and ends it. Returns its exit code and its messages."""
        before = self.unfinished()
        job = self.start(command + [self.name], ranks)
        end = time.monotonic() + PATIENCE_S
        while self.unfinished() in (0, before) and job.running and time.monotonic() < end:
            time.sleep(0.005)
        begin = time.monotonic()
        if how == signal.SIGKILL and ranks > 1:
            for rank in job.ranks():
                os.kill(rank, how)
        else:
            job.process.send_signal(how)
        code = job.wait()
        if how != signal.SIGKILL and code == 75:
            self.assertLess(time.monotonic() - begin, GRACE_S + SLACK_S)
        return code, job.log()

    def check_goes_on(self, command, whole, ways, ranks, saved_words):
        """Disturbs a command in each of these ways, one after another, and compares what it makes in the end."""
        counts = []
        for how in ways:
            code, log = self.disturb(command, ranks, how)
            if code == 0:
                break  # It was faster than the signal.
            if counts:
                self.assertIn(f"going on from {self.name}.unfinished", log)
            if how != signal.SIGKILL:
                self.assertEqual(code, 75, log)
                self.assertRegex(log, saved_words)
                self.assertIn("the same command goes on", log)
                counts.append(int(re.search(saved_words, log).group(1)))
        self.assertGreater(len(counts), 0)
        self.assertEqual(counts, sorted(counts))
        done = self.finish(command + [self.name], ranks)
        if code != 0:
            self.assertIn(f"going on from {self.name}.unfinished", done.stderr)
        self.assertEqual(lasting_bytes(self.directory / self.name), lasting_bytes(self.directory / whole))
        self.assertEqual([path.name for path in self.directory.glob(f"{self.name}*")], [self.name])

    def test_a_prediction_goes_on_with_the_same_bytes(self):
        ways = {1: [signal.SIGINT, signal.SIGTERM, signal.SIGKILL, signal.SIGUSR1],
                2: [signal.SIGUSR1, signal.SIGKILL, signal.SIGUSR1]}  # mpirun forwards SIGUSR1 alone.
        for ranks in RANKS:
            with self.subTest(ranks=ranks):
                self.check_goes_on(PREDICT, "whole_p.h5", ways[ranks], ranks, r"(\d+) of 24 points are saved")
                self.tearDown()

    def test_a_validation_goes_on_with_the_same_bytes(self):
        ways = {1: [signal.SIGINT, signal.SIGKILL, signal.SIGTERM, signal.SIGUSR1],
                2: [signal.SIGUSR1, signal.SIGKILL, signal.SIGUSR1]}
        for ranks in RANKS:
            with self.subTest(ranks=ranks):
                self.check_goes_on(VALIDATE, "whole_v.h5", ways[ranks], ranks, r"exact runs at (\d+) of 6 points")
                self.tearDown()

    def test_another_number_of_ranks_goes_on_too(self):
        if len(RANKS) == 1:
            self.skipTest("needs mpirun")
        for command, whole in [(PREDICT, "whole_p.h5"), (VALIDATE, "whole_v.h5")]:
            self.assertEqual(self.disturb(command, 2, signal.SIGUSR1)[0], 75)
            done = self.finish(command + [self.name], 1)
            self.assertIn("going on from", done.stderr)
            self.assertEqual(lasting_bytes(self.directory / self.name), lasting_bytes(self.directory / whole))
            self.tearDown()

    def test_other_settings_or_another_model_start_afresh_and_keep_the_old_parts(self):
        self.assertEqual(self.disturb(PREDICT, 1, signal.SIGTERM)[0], 75)
        done = self.finish("predict -m m.h5 --design 2 --duration 500ms -o".split() + [self.name])
        self.assertIn(f"{self.name}.unfinished.old-1", done.stderr)
        self.assertNotIn("going on", done.stderr)
        self.assertTrue((self.directory / f"{self.name}.unfinished.old-1").exists())
        self.finish("train small.toml -d a.h5 -o other.h5 --set learning.epochs=2".split())
        self.assertEqual(self.disturb(PREDICT, 1, signal.SIGTERM)[0], 75)
        other = [word.replace("m.h5", "other.h5") for word in PREDICT]
        self.finish(other + ["whole_other.h5"])
        done = self.finish(other + [self.name])
        self.assertIn(f"{self.name}.unfinished.old-2", done.stderr)
        self.assertEqual(lasting_bytes(self.directory / self.name), lasting_bytes(self.directory / "whole_other.h5"))

    def test_one_long_point_ends_within_the_grace_time(self):
        long = "predict -m m.h5 --duration 10000s".split()
        for more, words in [(["--design", "2", "--replicates", "20", "-o", self.name], "0 of 2 points are saved"),
                            (["--design", "2", "--replicates", "20"], "none is saved without -o"),
                            (["--design", "2", "--hybrid", "-o", self.name], "0 of 2 points are saved"),
                            ([], "of one point nothing is saved")]:
            with self.subTest(more=more):
                job = self.start(long + more, 1)
                time.sleep(2)
                begin = time.monotonic()
                job.process.send_signal(signal.SIGTERM)
                self.assertEqual(job.wait(), 75, job.log())
                self.assertLess(time.monotonic() - begin, GRACE_S + SLACK_S)
                self.assertIn(words, job.log())

    def test_a_full_disk_says_what_is_saved_and_the_command_goes_on(self):
        # A limit on the size of files stands in for a full disk: blocks of 512 bytes.
        limited = f"ulimit -f 20000; exec {BINARY} {' '.join(PREDICT)} {self.name}"
        stopped = subprocess.run(["sh", "-c", limited], cwd=self.directory, capture_output=True, text=True,
                                 timeout=PATIENCE_S, check=False)
        self.assertEqual(stopped.returncode, 1, stopped.stderr)
        self.assertRegex(stopped.stderr, r"[1-9]\d* parts of the result are saved; make room")
        done = self.finish(PREDICT + [self.name])
        self.assertIn("going on from", done.stderr)
        self.assertEqual(lasting_bytes(self.directory / self.name), lasting_bytes(self.directory / "whole_p.h5"))


class PlainJob(MpiJob):
    """A command, alone or behind a launcher."""

    def __init__(self, launcher, arguments, log):
        self.program = BINARY
        self.alone = launcher != MPIEXEC
        self.log_file = log
        with open(log, "w", encoding="utf-8") as out:
            self.process = subprocess.Popen([launcher, *arguments], stdout=out, stderr=subprocess.STDOUT,
                                            start_new_session=True, stdin=subprocess.DEVNULL)

    def ranks(self):
        if self.alone:
            return [self.process.pid] if self.running else []
        return super().ranks()


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0]], verbosity=2)
