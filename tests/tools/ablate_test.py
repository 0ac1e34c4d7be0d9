#!/usr/bin/python3
"""tools/ablate on a sweep of a moment: a row for the config and for each variation, and nothing done twice.

Usage: ablate_test.py SPIKESWEEP
"""

import os
import pathlib
import subprocess
import sys
import tempfile
import unittest

import h5py

TOOL = pathlib.Path(__file__).resolve().parents[2] / "tools/ablate"
CONFIG = """
[network]
preset = "zhang2024"
[design]
points = 12
selection_points = 2
test_points = 2
[design.axes]
S_EE = {min = 3.8, max = 4.2}
[sweep]
transitions = 60
[learning]
hidden = 16
layers = 1
components = 2
epochs = 2
batch = 64
shards = 8
candidates = 1
selection_s = 1.0
[validation]
duration_s = 2.0
chains = 2
baselines = false
"""


class Ablate(unittest.TestCase):
    def test_tables_the_config_and_its_variations_and_resumes(self):
        with tempfile.TemporaryDirectory() as scratch:
            config = pathlib.Path(scratch) / "c.toml"
            config.write_text(CONFIG)
            out = pathlib.Path(scratch) / "out"
            command = [TOOL, config, "-o", out, "--base", "seed=3", "learning.epochs=3", "sweep.transitions=70"]
            environment = os.environ | {"SPIKESWEEP": sys.argv[1]}
            first = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
            self.assertEqual(first.returncode, 0, first.stderr)
            lines = first.stdout.strip().split("\n")
            self.assertEqual([line.split("|")[1].strip() for line in lines[2:]],
                             ["*noise floor*", "as configured", "`learning.epochs=3`", "`sweep.transitions=70`"])
            self.assertEqual({line.count("|") for line in lines}, {lines[0].count("|")})
            self.assertEqual((out / "ablation.md").read_text(), first.stdout)
            self.assertEqual(len(list(out.glob("*.sweep.h5"))), 2, "variations of learning share a sweep")
            made = {path: path.stat().st_mtime_ns for path in out.rglob("model.h5")}
            again = subprocess.run(command, capture_output=True, text=True, env=environment, check=True)
            self.assertEqual(again.stdout, first.stdout)
            self.assertEqual(made, {path: path.stat().st_mtime_ns for path in out.rglob("model.h5")})

    def test_makes_again_what_an_edited_config_has_changed(self):
        with tempfile.TemporaryDirectory() as scratch:
            config = pathlib.Path(scratch) / "c.toml"
            config.write_text(CONFIG)
            out = pathlib.Path(scratch) / "out"
            environment = os.environ | {"SPIKESWEEP": sys.argv[1]}

            def ablate():
                subprocess.run([TOOL, config, "-o", out], capture_output=True, env=environment, check=True)
                with h5py.File(out / "config/model.h5") as model, h5py.File(out / "config/validation.h5") as validation:
                    return len(model["training/wall"]), validation.attrs["made_from"]

            before = ablate()
            config.write_text(CONFIG.replace("epochs = 2", "epochs = 3"))
            trained = ablate()
            self.assertEqual((before[0], trained[0]), (2, 3), "the model is of the config that is there now")
            self.assertNotEqual(trained[1], before[1], "and so is the validation")
            self.assertTrue((out / "config/model.h5.old-1").exists(), "what is replaced is kept aside")

    def test_an_unknown_key_ends_it(self):
        with tempfile.TemporaryDirectory() as scratch:
            done = subprocess.run([TOOL, "quickstart", "-o", scratch, "learning.hiden=3", "--base", "learning.hiden=2"],
                                  capture_output=True, text=True, env=os.environ | {"SPIKESWEEP": sys.argv[1]},
                                  check=False)
            self.assertEqual(done.returncode, 1)
            self.assertIn("unknown key", done.stderr)
            self.assertIn("ablate: spikesweep sweep ended with 2", done.stderr)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
