"""What a machine may run out of, on rank 0 and on another one: room on the disk, a quota, a disk that breaks or becomes
read-only, permissions, the size of a file, memory, open files. Each command then ends with a message within seconds, on
all ranks, and the same command gives the bytes of an undisturbed run once the fault is gone.

Usage: resources_test.py BINARY MPIEXEC LIBRARY. The library is made from failing_disk.cpp.
"""

import errno
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

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
from mpi_job import PATIENCE_S  # noqa: E402
from result_bytes import lasting_bytes, learnt  # noqa: E402
from small_study import changed  # noqa: E402

BINARY, MPIEXEC, LIBRARY = sys.argv[1:4]
RANKS = 2
END_S = 20
# Each command, its output, and about how many bytes each rank writes into files of that name.
COMMANDS = {
    "sweep": ("sweep c.toml -o {}", 100_000),
    "train": ("train c.toml -d sweep.h5 -o {}", 300_000),
    "validate": ("validate c.toml -m train.h5 -d sweep.h5 -o {}", 100_000),
    "predict": ("predict -m train.h5 --design 12 --duration 2s -o {}", 100_000),
}
ERRORS = [errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EROFS, errno.EACCES]


READERS = {"sweep": lasting_bytes, "train": learnt, "validate": learnt, "predict": learnt}


class Resources(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.directory = pathlib.Path(tempfile.mkdtemp(prefix="spikesweep-resources-"))
        cls.addClassCleanup(shutil.rmtree, cls.directory)
        (cls.directory / "c.toml").write_text(changed(points=20, transitions=150, epochs=3))
        cls.expected = {}
        for name, (command, _) in COMMANDS.items():
            done = cls.launch(command.format(f"{name}.h5"))
            if done.returncode != 0:
                raise AssertionError(done.stderr)
            cls.expected[name] = READERS[name](cls.directory / f"{name}.h5")

    @classmethod
    def launch(cls, command, prefix=(), **environment):
        begin = time.monotonic()
        done = subprocess.run([MPIEXEC, "-n", str(RANKS), *prefix, BINARY, "-q", *command.split()], cwd=cls.directory,
                              check=False, capture_output=True, text=True, timeout=PATIENCE_S,
                              stdin=subprocess.DEVNULL, env={**os.environ, **environment})
        cls.took_s = time.monotonic() - begin
        return done

    def goes_on(self, name, output):
        """Once the fault is gone, the same command gives the undisturbed bytes."""
        done = self.launch(COMMANDS[name][0].format(output))
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(READERS[name](self.directory / output), self.expected[name])
        for path in self.directory.glob(f"{output}*"):
            shutil.rmtree(path) if path.is_dir() else path.unlink()

    def ends(self, done, words, codes=(1,), within_s=END_S):
        self.assertIn(done.returncode, codes, done.stderr)
        self.assertLess(self.took_s, within_s)
        self.assertRegex(done.stderr, f"spikesweep: (error|rank . on .*): .*({words})", done.stderr)
        self.assertNotRegex(done.stderr, "bug|time = ")

    def disk_fails(self, name, errors, rank):
        """Returns how often the command met the fault."""
        moments = random.Random(5)
        command, most_bytes = COMMANDS[name]
        met = 0
        for error in errors:
            output = f"failing_{name}.h5"
            after = moments.randrange(most_bytes)
            with self.subTest(name, error=os.strerror(error), rank=rank, after=after):
                done = self.launch(command.format(output), LD_PRELOAD=LIBRARY, FAILING_PATH=output,
                                   FAILING_RANK=str(rank), FAILING_ERROR=str(error), FAILING_AFTER=str(after))
                if done.returncode != 0:
                    met += 1
                    self.ends(done, os.strerror(error))
                    self.assertIn(output, done.stderr)
                self.goes_on(name, output)
        return met

    def test_a_disk_that_fails_on_a_rank_ends_a_sweep(self):
        self.assertGreaterEqual(self.disk_fails("sweep", ERRORS, 0), len(ERRORS) - 1)
        self.assertGreaterEqual(self.disk_fails("sweep", ERRORS[:3], 1), 2)

    def test_a_disk_that_fails_ends_a_training(self):
        self.assertGreaterEqual(self.disk_fails("train", ERRORS[2:], 0), 2)

    def test_a_disk_that_fails_ends_a_validation(self):
        self.assertGreaterEqual(self.disk_fails("validate", ERRORS[:3], 0), 2)

    def test_a_disk_that_fails_ends_predictions(self):
        self.assertGreaterEqual(self.disk_fails("predict", ERRORS[:3], 0), 2)

    def test_a_sweep_that_is_killed_while_it_waits_for_its_disk_was_interrupted(self):
        """mpirun kills a second after its signal, and rank 0 looks at signals only when a write has ended."""
        command = COMMANDS["sweep"][0].format("busy.h5")
        job = subprocess.Popen([MPIEXEC, "-n", str(RANKS), BINARY, "-q", *command.split()], cwd=self.directory,
                               stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                               env={**os.environ, "LD_PRELOAD": LIBRARY, "FAILING_PATH": "busy.h5",
                                    "FAILING_AFTER": "300000", "FAILING_WAIT_S": "5"})
        self.addCleanup(job.kill)
        end = time.monotonic() + PATIENCE_S
        while "state          running" not in self.status("busy.h5") and time.monotonic() < end:
            time.sleep(0.1)
        time.sleep(2)
        job.send_signal(signal.SIGINT)
        job.wait(PATIENCE_S)
        self.assertIn("state          interrupted, and killed before it had ended; the same command resumes",
                      self.status("busy.h5"))
        self.goes_on("sweep", "busy.h5")

    def status(self, file):
        return subprocess.run([BINARY, "status", file], cwd=self.directory, check=False, capture_output=True,
                              text=True).stdout

    def limited(self, name, option, value, rank, more=""):
        """Runs a command, of which one rank has a limit of the shell."""
        limit = f'[ "$OMPI_COMM_WORLD_RANK" != {rank} ] || ulimit {option} {value}; exec "$@"'
        return self.launch(COMMANDS[name][0].format("limited.h5") + more, ["bash", "-c", limit, "bash"])

    def test_too_few_open_files_or_too_little_memory_for_mpi_are_told_before_it_starts(self):
        for rank in range(RANKS):
            self.ends(self.limited("sweep", "-n", 40, rank), f"rank {rank} on .* may open 40 files at a time, and needs 64")
            self.ends(self.limited("train", "-v", 300_000, rank), f"rank {rank} on .* may have 292 MiB of addresses, and")
        self.assertEqual(list(self.directory.glob("limited*")), [])

    def test_too_little_memory_ends_a_training_on_any_rank(self):
        for rank in range(RANKS):
            for limit in (550_000, 800_000):
                # The rank waits 10 s for the other one, which makes 200 MB of weights meanwhile.
                self.ends(self.limited("train", "-v", limit, rank, " --set learning.hidden=4096 learning.layers=4"),
                          f"rank {rank} on .*out of memory", within_s=3 * END_S)

    def test_enough_open_files_are_enough(self):
        for name in COMMANDS:
            done = self.limited(name, "-n", 64, 0)
            self.assertEqual(done.returncode, 0, done.stderr)
            self.goes_on(name, "limited.h5")

    def test_a_limit_on_the_size_of_files_ends_a_sweep_on_any_rank(self):
        self.ends(self.limited("sweep", "-f", 1000, 1), "rank 1 on .* may write files of 0 MiB, and needs 8")
        # Files of 12 MiB may be written, and this one has 15.
        more = " --set design.replicates=10"
        done = self.launch(COMMANDS["sweep"][0].format("alone.h5") + more)
        self.assertEqual(done.returncode, 0, done.stderr)
        for rank in range(RANKS):
            self.ends(self.limited("sweep", "-f", 12_000, rank, more), "File too large")
            self.assertEqual(self.launch(COMMANDS["sweep"][0].format("limited.h5") + more).returncode, 0)
            self.assertEqual(lasting_bytes(self.directory / "limited.h5"), lasting_bytes(self.directory / "alone.h5"))
            (self.directory / "limited.h5").unlink()


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0], *sys.argv[4:]], verbosity=2)
