#!/usr/bin/python3
"""Nodes that differ are refused, and nodes that only have equal copies are not.

Usage: agreement_test.py BINARY MPIEXEC
"""

import json
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time
import unittest

import cluster

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
from small_study import SMALL_STUDY  # noqa: E402

BINARY, MPIEXEC = map(pathlib.Path, sys.argv[1:3])
RANKS = 4
LIMIT_S = 60


class TwoNodes(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.nodes = cluster.Cluster(2)
        cls.addClassCleanup(cls.nodes.close)

    def setUp(self):
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="spikesweep-agreement-"))
        self.addCleanup(shutil.rmtree, self.directory)
        (self.directory / "c.toml").write_text(SMALL_STUDY)
        for node in (1, 2):
            self.nodes.on(node, "mkdir -p /mnt/own")
            self.addCleanup(self.nodes.on, node, "rm -rf /mnt/own")

    def spikesweep(self, *words, binary=BINARY):
        begin = time.monotonic()
        done = subprocess.run(
            self.nodes.mpirun(MPIEXEC, RANKS, [binary, "-q", *words], self.directory), check=False,
            capture_output=True, text=True, timeout=LIMIT_S, env={**self.nodes.environment, "OMP_NUM_THREADS": "1"})
        self.took_s = time.monotonic() - begin
        return done

    def refused(self, code, text, *words, **options):
        done = self.spikesweep(*words, **options)
        self.assertEqual(done.returncode, code, done.stderr)
        self.assertIn(text, done.stderr)
        self.assertEqual(done.stderr.count("spikesweep: error"), 1, done.stderr)

    def succeeds(self, *words, **options):
        done = self.spikesweep(*words, **options)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done

    def give(self, node, source, name):
        """Copies a file of the directory into /mnt/own of a node."""
        self.nodes.on(node, f"cp '{self.directory / source}' /mnt/own/{name}")

    def names(self, node, directory="/mnt/own"):
        return self.nodes.on(node, f"ls -A '{directory}'").split()


class ADirectory(TwoNodes):
    def test_that_each_node_has_for_itself_is_refused(self):
        self.refused(1, "rank 1 on n2: this node does not see /mnt/own as node n1 does: all nodes have to share",
                     "sweep", "c.toml", "-o", "/mnt/own/a.h5")
        self.assertEqual([name for name in self.names(1) if not name.startswith("a.h5")], [])
        self.assertEqual(self.names(2), [])
        self.refused(1, "rank 1 on n2: this node does not see /mnt/own/run as node n1 does",
                     "run", "c.toml", "-o", "/mnt/own/run")

    def test_that_one_node_lacks_is_refused(self):
        self.nodes.on(2, "rmdir /mnt/own")
        self.addCleanup(self.nodes.on, 2, "mkdir -p /mnt/own")
        self.refused(1, "this node does not see /mnt/own as node n1 does", "sweep", "c.toml", "-o", "/mnt/own/a.h5")

    def test_that_one_node_can_only_read_is_refused(self):
        self.nodes.on(2, f"mount --bind '{self.directory}' '{self.directory}' && "
                         f"mount -o remount,ro,bind '{self.directory}'")
        self.addCleanup(self.nodes.on, 2, f"umount '{self.directory}'")
        self.refused(1, "rank 1 on n2: this node cannot write a.h5, and node n1 can: Read-only file system",
                     "sweep", "c.toml", "-o", "a.h5")
        self.assertLess(self.took_s, 20)

    def test_of_a_run_tells_its_nodes(self):
        self.succeeds("run", "c.toml", "-o", "run")
        record = json.loads((self.directory / "run" / "run.json").read_text())
        self.assertEqual((record["host"], record["nodes"], record["ranks"]), ("n1", ["n1", "n2"], RANKS))

    def test_that_all_nodes_share_is_used_and_left_clean(self):
        self.succeeds("sweep", "c.toml", "-o", "a.h5")
        self.assertEqual(sorted(path.name for path in self.directory.iterdir()), ["a.h5", "c.toml"])


class ABuild(TwoNodes):
    def test_that_differs_on_a_node_is_refused(self):
        for node in (1, 2):
            self.nodes.on(node, f"cp '{BINARY}' /mnt/own/spikesweep")
        self.succeeds("sweep", "c.toml", "-o", "a.h5", binary="/mnt/own/spikesweep")
        self.nodes.on(2, "echo >>/mnt/own/spikesweep")
        self.refused(2, "rank 1 on n2 has another build of spikesweep than rank 0: ", "sweep", "c.toml", "-o", "b.h5",
                     binary="/mnt/own/spikesweep")
        self.assertFalse((self.directory / "b.h5").exists())


class AnInput(TwoNodes):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.made = pathlib.Path(tempfile.mkdtemp(prefix="spikesweep-agreement-"))
        cls.addClassCleanup(shutil.rmtree, cls.made)
        (cls.made / "c.toml").write_text(SMALL_STUDY)
        for name, seed in (("one", "1"), ("other", "2")):
            subprocess.run([BINARY, "-q", "run", "c.toml", "-o", name, "--set", f"seed={seed}"], cwd=cls.made, check=True,
                           capture_output=True)
        (cls.made / "one.csv").write_text("S_EE\n3.9\n4.0\n")
        (cls.made / "other.csv").write_text("S_EE\n3.9\n4.1\n")

    def setUp(self):
        super().setUp()
        for node in (1, 2):
            for name in ("sweep.h5", "model.h5"):
                self.give(node, self.made / "one" / name, name)
            self.give(node, self.made / "one.csv", "points.csv")

    SEED = ["--set", "seed=1"]
    COMMANDS = {
        "sweep.h5": ["train", "c.toml", "-d", "/mnt/own/sweep.h5", *SEED, "-o", "m.h5"],
        "model.h5": ["validate", "c.toml", "-d", "/mnt/own/sweep.h5", "-m", "/mnt/own/model.h5", *SEED, "-o", "v.h5"],
    }
    PREDICT = ["predict", "-m", "/mnt/own/model.h5", "--points", "/mnt/own/points.csv", "--duration", "1s", "--csv"]

    def test_may_be_an_equal_copy_on_each_node(self):
        for command in [*self.COMMANDS.values(), self.PREDICT]:
            self.succeeds(*command)

    def test_of_points_is_that_of_the_first_rank(self):
        expected = self.succeeds(*self.PREDICT).stdout
        self.give(2, self.made / "other.csv", "points.csv")
        self.assertEqual(self.succeeds(*self.PREDICT).stdout, expected)
        self.nodes.on(2, "rm /mnt/own/points.csv")
        self.assertEqual(self.succeeds(*self.PREDICT).stdout, expected)

    def test_that_differs_on_a_node_is_refused(self):
        for name, command in self.COMMANDS.items():
            with self.subTest(name):
                self.give(2, self.made / "other" / name, name)
                self.refused(2, f"rank 1 on n2 has other contents in /mnt/own/{name} than rank 0: ", *command)
                self.assertFalse((self.directory / command[-1]).exists())
                self.give(2, self.made / "one" / name, name)

    def test_that_a_node_lacks_is_refused(self):
        for name, command in self.COMMANDS.items():
            with self.subTest(name):
                self.nodes.on(2, f"mv /mnt/own/{name} /mnt/own/away")
                self.refused(2, "rank 1 on n2: ", *command)
                self.nodes.on(2, f"mv /mnt/own/away /mnt/own/{name}")


if __name__ == "__main__":
    cluster.main()
