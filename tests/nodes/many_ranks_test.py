#!/usr/bin/python3
"""As many ranks as fit here, over four nodes, get the results of one rank: sweep, training, validation, prediction.

Usage: many_ranks_test.py BINARY MPIEXEC
"""

import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest

import cluster

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
from result_bytes import lasting_bytes, learnt  # noqa: E402
from small_study import changed  # noqa: E402

BINARY, MPIEXEC = sys.argv[1:3]
NODES = 4
RANKS = 64
LIMIT_S = 300
# More tasks than ranks, and a slice of the gradient for each rank.
CONFIG = changed(points=80, test_points=4, shards=f"{RANKS}\nslices = {RANKS}")
SWEEP = ("sweep", "c.toml", "-o", "sweep.h5")
TRAIN = ("train", "c.toml", "-d", "sweep.h5", "-o", "model.h5")
VALIDATE = ("validate", "c.toml", "-d", "sweep.h5", "-m", "model.h5", "-o", "validation.h5")
PREDICT = ("predict", "-m", "model.h5", "--design", "80", "--duration", "1s", "-o", "predictions.h5")


READERS = {SWEEP: lasting_bytes, TRAIN: learnt, VALIDATE: learnt, PREDICT: learnt}


class ManyRanks(unittest.TestCase):
    def test_agree_with_one(self):
        directory = pathlib.Path(tempfile.mkdtemp(prefix="spikesweep-many-"))
        self.addCleanup(shutil.rmtree, directory)
        alone, together = directory / "alone", directory / "together"
        nodes = cluster.Cluster(NODES, slots=RANKS // NODES)
        self.addCleanup(nodes.close)
        environment = {**nodes.environment, "OMP_NUM_THREADS": "1"}
        for place in (alone, together):
            place.mkdir()
            (place / "c.toml").write_text(CONFIG)
        for command, read in READERS.items():
            with self.subTest(command[0]):
                for words, place in (([BINARY, "-q", *command], alone),
                                     (nodes.mpirun(MPIEXEC, RANKS, [BINARY, "-q", *command], together), together)):
                    done = subprocess.run(words, cwd=place, check=False, capture_output=True, text=True,
                                          timeout=LIMIT_S, stdin=subprocess.DEVNULL, env=environment)
                    self.assertEqual(done.returncode, 0, done.stderr[-3000:])
                self.assertTrue(read(alone / command[-1]) == read(together / command[-1]), command[0])


if __name__ == "__main__":
    cluster.main()
