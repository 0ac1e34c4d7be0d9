"""Files of released versions (tests/fixtures): this version reads each of them, fills in what they lack, and says so.
Newer files are refused. Run as: earlier_version_test.py BINARY FIXTURES"""

import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest

import h5py
import numpy as np

BINARY, FIXTURES = sys.argv[1:3]
VERSION = pathlib.Path(FIXTURES) / "0.1.0"
PATIENCE = 4 * int(os.environ.get("SPIKESWEEP_TEST_PATIENCE", "1"))  # Sanitizers make programs slower.
# oneDNN's products have other last digits on other kinds of CPUs. The files were made on one with AVX-512.
SAME_DIGITS = "avx512f" in pathlib.Path("/proc/cpuinfo").read_text()
NEWER = 99  # A number of no format that there is.
# What format 3 of sweeps, from before the first release, did not have.
OF_FORMAT_4 = ["network/S_ext", "network/model", "sampling/simulator", "sampling/dt_ms"] + [
    f"section/discrete_{name}" for name in ("current", "spikes", "window_ms", "cap_ms")]


def values(path, without=()):
    """Every dataset of a file by its path, but for groups and names in `without`."""
    found = {}

    def keep(name, item):
        if isinstance(item, h5py.Dataset) and not set(name.split("/")) & set(without):
            found[name] = item[()]

    with h5py.File(path, "r") as file:
        file.visititems(keep)
    return found


class EarlierVersion(unittest.TestCase):
    def setUp(self):
        self.scratch = tempfile.TemporaryDirectory()
        self.addCleanup(self.scratch.cleanup)
        self.directory = pathlib.Path(self.scratch.name)
        for file in VERSION.iterdir():
            shutil.copy(file, self.directory)

    def spikesweep(self, arguments, code=0):
        done = subprocess.run([BINARY, *arguments.split()], cwd=self.directory, capture_output=True, text=True,
                              timeout=100 * PATIENCE, check=False)
        self.assertEqual(done.returncode, code, f"{arguments}\n{done.stdout}{done.stderr}")
        return done

    def expect_equal(self, one, other, without=()):
        """A later version may add datasets, members to records, and settings; those of the earlier one stay as they
        were, but for the checksum of a record, which covers its members."""
        one, other = (values(self.directory / path, without) for path in (one, other))
        self.assertLessEqual(one.keys(), other.keys())
        for name, value in one.items():
            value, later = np.asarray(value), np.asarray(other[name])
            if name == "config/settings":  # Pairs of key and value, as long as the longest one.
                self.assertLessEqual(set(map(tuple, value.tolist())), set(map(tuple, later.tolist())))
                continue
            if value.dtype.names and value.dtype != later.dtype:
                kept = [member for member in value.dtype.names if member != "checksum"]
                value, later = value[kept], later[kept]
                value, later = (np.array(records.tolist()) for records in (value, later))
            self.assertEqual(value.dtype, later.dtype, name)
            if SAME_DIGITS or value.dtype.kind != "f":
                np.testing.assert_array_equal(value, later, name)
            else:
                np.testing.assert_allclose(later, value, rtol=1e-4, atol=1e-5 * np.abs(value).max(initial=0),
                                           err_msg=name)

    def strip(self, path, datasets):
        """Removes settings from a file, as if they had been added later: also from the list of those of the config."""
        keys = {name.replace("sampling/", "sweep/").replace("/", ".").encode() for name in datasets}
        with h5py.File(self.directory / path, "r+") as file:
            for name in datasets:
                del file[name]
            if "config/settings" in file:
                settings = file["config/settings"]
                kept = np.array([pair for pair in settings[()] if pair[0] not in keys], dtype=settings.dtype)
                del file["config/settings"]
                file["config/settings"] = kept

    def expect_one_line(self, done, path, parts):
        lines = [line for line in done.stderr.splitlines() if "lacks settings" in line]
        self.assertEqual(len(lines), 1, done.stderr)
        for part in [path, "made by spikesweep 0.1.0", *parts]:
            self.assertIn(part, lines[0])

    def make_newer(self, path):
        with h5py.File(self.directory / path, "r+") as file:
            file.attrs["format_version"] = np.int32(NEWER)
            file.attrs["spikesweep_version"] = "9.8.7"

    def test_sweep_is_read_checked_and_resumed(self):
        self.assertRegex(self.spikesweep("status sweep.h5").stdout, r"done +4\b")
        self.spikesweep("verify sweep.h5")
        self.assertRegex(self.spikesweep("sweep small.toml -o sweep.h5").stdout, r"found done +4\b")

    def test_sweep_is_the_same_today(self):
        self.spikesweep("sweep small.toml -o today.h5")
        self.expect_equal("sweep.h5", "today.h5", without=["provenance"])

    def test_sweep_is_the_same_today_but_for_later_settings(self):
        self.strip("sweep.h5", ["section/discrete_cap_ms"])
        self.spikesweep("sweep small.toml -o today.h5")
        self.expect_equal("sweep.h5", "today.h5", without=["provenance"])

    def test_sweep_grows(self):
        done = self.spikesweep("sweep small.toml -o sweep.h5 --extend --set design.replicates=2")
        self.assertRegex(done.stdout, r"found done +4\b")
        self.spikesweep("sweep small.toml -o today.h5 --set design.replicates=2")
        self.expect_equal("sweep.h5", "today.h5", without=["provenance"])

    def test_sweep_without_later_settings_is_read_with_what_was_in_force(self):
        self.strip("sweep.h5", ["sampling/synthetic_share"])
        self.expect_one_line(self.spikesweep("status sweep.h5"), "sweep.h5", ["sampling/synthetic_share = 0"])
        done = self.spikesweep("sweep small.toml -o sweep.h5")
        self.assertRegex(done.stdout, r"found done +4\b")
        self.expect_one_line(done, "sweep.h5", ["sampling/synthetic_share = 0"])
        self.spikesweep("sweep small.toml -o sweep.h5 --extend --set design.replicates=2")
        self.spikesweep("sweep small.toml -o today.h5 --set design.replicates=2")
        self.expect_equal("sweep.h5", "today.h5", without=["provenance"])

    def test_training_takes_a_sweep_and_a_checkpoint_without_later_settings(self):
        self.strip("sweep.h5", ["sampling/synthetic_share"])
        with h5py.File(self.directory / "interrupted.h5.checkpoint", "r+") as file:
            settings = file["settings"][()]
            self.assertIn(b" sweep.synthetic_share=0 ", settings)
            file["settings"][()] = settings.replace(b" sweep.synthetic_share=0 ", b" ")
        said = self.spikesweep("train interrupted.toml -d sweep.h5 -o interrupted.h5").stderr
        self.assertNotIn("epoch 1 of 12", said)
        self.spikesweep("train interrupted.toml -d sweep.h5 -o today.h5")
        self.expect_equal("interrupted.h5", "today.h5", without=["wall"])

    def test_sweep_that_was_made_without_a_later_setting_is_another_one_than_with_it(self):
        self.strip("sweep.h5", ["sampling/synthetic_share"])
        done = self.spikesweep("sweep small.toml -o sweep.h5 --set sweep.synthetic_share=0.1", code=2)
        self.assertIn("sweep.synthetic_share: 0 in the file, 0.1 now", done.stderr)

    def test_sweep_of_an_older_format_is_read(self):
        self.strip("sweep.h5", OF_FORMAT_4)
        with h5py.File(self.directory / "sweep.h5", "r+") as file:
            file.attrs["format_version"] = np.int32(3)
        done = self.spikesweep("sweep small.toml -o sweep.h5")
        self.assertRegex(done.stdout, r"found done +4\b")
        self.expect_one_line(done, "sweep.h5", ["network/S_ext = 1", "network/model = markov",
                                                "sampling/simulator = exact", "section/discrete_cap_ms = 10"])

    def test_sweep_that_lacks_what_every_version_writes_is_refused(self):
        self.strip("sweep.h5", ["sampling/burn_in_s"])
        self.assertIn("sampling/burn_in_s", self.spikesweep("status sweep.h5", code=2).stderr)

    def figures(self, flags=""):
        done = self.spikesweep("predict -m model.h5 --set S_EI=20 --duration 1s --json " + flags)
        return json.loads(done.stdout), done

    def test_model_predicts_what_it_predicted(self):
        expected = json.loads((VERSION / "figures.json").read_text())
        for figures in (expected, found := self.figures()[0]):
            for name in ("wall_s", "realtime_factor", "peak_hz"):  # 0.1.0 sought the peak elsewhere.
                del figures[name]
        self.assertEqual(found, expected | {name: found[name] for name in found.keys() - expected.keys()})

    def test_model_without_later_settings_is_read_with_what_was_in_force(self):
        expected = self.figures()[0]
        with h5py.File(self.directory / "model.h5", "r+") as file:
            del file["simulation"]
            del file["network/S_ext"]
        found, done = self.figures()
        self.assertEqual(found["rate_E_hz"], expected["rate_E_hz"])
        self.expect_one_line(done, "model.h5", ["simulation/simulator = exact", "network/S_ext = 1"])

    def test_training_goes_on_from_a_checkpoint(self):
        said = self.spikesweep("train interrupted.toml -d sweep.h5 -o interrupted.h5").stderr
        self.assertIn(" of 12, ", said)
        self.assertNotIn("epoch 1 of 12", said)
        self.spikesweep("train interrupted.toml -d sweep.h5 -o today.h5")
        self.expect_equal("interrupted.h5", "today.h5", without=["wall"])

    def test_checkpoint_of_other_settings_is_refused(self):
        done = self.spikesweep("train interrupted.toml -d sweep.h5 -o interrupted.h5 --set learning.batch=4", code=2)
        self.assertIn("other settings", done.stderr)

    def test_validations_predictions_and_spikes_are_the_same_today(self):
        self.spikesweep("validate small.toml -m model.h5 -o today_validation.h5")
        self.expect_equal("validation.h5", "today_validation.h5", without=["wall_s", "peak_hz"])
        self.spikesweep("predict -m model.h5 --design 2 --duration 1s --raster 20ms -o today_prediction.h5")
        self.expect_equal("prediction.h5", "today_prediction.h5", without=["peak_hz"])
        self.spikesweep("simulate cai2021_small_reg --duration 50ms -o today_spikes.h5")
        self.expect_equal("spikes.h5", "today_spikes.h5", without=["version"])
        with h5py.File(self.directory / "today_spikes.h5", "r") as file:
            self.assertEqual((file.attrs["format"], file.attrs["format_version"]), ("spikesweep spikes", 1))

    def test_newer_files_are_refused_with_what_to_do(self):
        for path, command, remedy in [
                ("sweep.h5", "status sweep.h5", "sweep anew with --fresh"),
                ("model.h5", "predict -m model.h5 --duration 1s", "train it again"),
                ("interrupted.h5.checkpoint", "train interrupted.toml -d sweep.h5 -o interrupted.h5",
                 "remove the checkpoint")]:
            self.make_newer(path)
            if path != "sweep.h5":
                shutil.copy(VERSION / "sweep.h5", self.directory)
            error = self.spikesweep(command, code=2).stderr
            for part in (path, f"format version {NEWER}", "made by spikesweep 9.8.7", "which reads up to version",
                         remedy):
                self.assertIn(part, error)
            self.assertNotIn("damaged", error)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
