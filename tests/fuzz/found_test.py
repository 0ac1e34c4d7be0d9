"""Inputs that once crashed or hung the program, or were taken for sound. Run as: found_test.py SPIKESWEEP"""

import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest

import h5py
import numpy as np

ROOT = pathlib.Path(__file__).resolve().parents[2]
BINARY = pathlib.Path(sys.argv[1]).resolve()
sys.dont_write_bytecode = True
sys.path.insert(0, str(ROOT / "tools"))

from spikesweep_fuzz import entries, hdf5, originals  # noqa: E402

PATIENCE_S = 60 * int(os.environ.get("SPIKESWEEP_TEST_PATIENCE", "1"))
NAN, INF = float("nan"), float("inf")


class Found(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.scratch = tempfile.TemporaryDirectory()
        cls.addClassCleanup(cls.scratch.cleanup)
        cls.sound = originals.Originals(BINARY, pathlib.Path(cls.scratch.name), None, 2 * PATIENCE_S)

    def setUp(self):
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        self.directory = pathlib.Path(scratch.name)
        shutil.copy(self.sound.directory / "small.toml", self.directory)

    def take(self, what, **names):
        self.sound.need(what)
        for to, origin in names.items():
            origin = self.sound.directory / origin
            (shutil.copytree if origin.is_dir() else shutil.copy)(origin, self.directory / to.replace("_", "."))

    def change(self, name, dataset, value, at=0):
        """Another number or string in a sealed file, which is sealed again."""
        path = self.directory / name
        with h5py.File(path, "r+") as file:
            item = file[dataset]
            values = np.array(item[()])
            values.reshape(-1)[at] = value
            item.id.write(h5py.h5s.ALL, h5py.h5s.ALL, np.ascontiguousarray(values), mtype=item.id.get_type())
        path.write_bytes(hdf5.seal(path.read_bytes()))

    def spikesweep(self, *words, code=2):
        done = subprocess.run([BINARY, *words], cwd=self.directory, capture_output=True, timeout=PATIENCE_S, check=False,
                              stdin=subprocess.DEVNULL)
        out, err = done.stdout.decode(), done.stderr.decode()  # Throws where it is no UTF-8.
        self.assertEqual(done.returncode, code, f"{words}\n{out}{err}")
        return err if code else out

    def test_configs_of_great_depth(self):
        for text in ("a." * 32_000 + "b = 1", "[" + "a." * 32_000 + "b]", "a = " + "[" * 100_000,
                     "a = " + "{a = " * 32_000, "seed = 1\n" + "a . " * 32_000 + "b = 1"):
            (self.directory / "x.toml").write_text(text)
            error = self.spikesweep("plan", "x.toml")
            self.assertRegex(error, r"x\.toml:[12]: (a key has more than 16 levels|arrays and tables lie more than 16)")
        self.spikesweep("plan", "small.toml", "--set", "seed=" + "[" * 30_000)
        self.assertIn("tau_ref", self.spikesweep("plan", "small.toml", "--set", "tau_ref=1e-320"))
        self.spikesweep("plan", "small.toml", "--set", "seed=1\n" + "a." * 30_000 + "b = 1")

    def test_zeros_and_bytes_in_the_header_of_a_table(self):
        for header, word in (("S_EE\0x,S_EI", "'S_EE\ufffdx' is not"), ("S_EE,\0", "is not"), ("S_EE\x1b[2J", "\ufffd[2J")):
            (self.directory / "p.csv").write_text(header + "\n4.0,2.2\n")
            self.assertIn(word, self.spikesweep("plan", "small.toml", "--set", "design.points_file=p.csv"))
        (self.directory / "p.csv").write_bytes(b"S_EE,S_EI,role\n4.0,2.2,t\xff\n")
        self.assertIn("role 't\ufffd' is unknown", self.spikesweep("plan", "small.toml", "--set",
                                                                  "design.points_file=p.csv"))

    def test_sweeps_of_impossible_settings(self):
        for dataset, value in (("design/axis", b"="), ("design/axis", b"S_EI"), ("design/points", NAN),
                               ("design/points", 1e9), ("design/lowest", -1), ("network/S_EE", 65536),
                               ("network/N_E", 65535.5), ("network/S_ext", 2), ("design/role", 7),
                               ("sampling/transitions", 2**62), ("section/interval_ms", 0)):
            with self.subTest(dataset, value=value):
                self.take("study", s_h5="out/sweep.h5")
                self.change("s.h5", dataset, value)
                error = self.spikesweep("status", "s.h5")
                self.assertIn("s.h5", error)
                self.assertIn(dataset.split("/")[0], error)

    def test_models_of_impossible_numbers(self):
        for dataset, value in (("axes/name", b"%s%n"), ("axes/maximum", INF), ("network/lambda_I", 1e9),
                               ("targets/components", 2**31 - 1), ("targets/components", 0),
                               ("counts_network/sizes", 2**31 - 1), ("counts_network/sizes", -1),
                               ("profile_network/layer_0/weights", NAN), ("layout/time_bins", 2**31 - 1),
                               ("starts/phase", 3), ("input_shift/degree", 10**9), ("dispersion/step/variance", -1)):
            with self.subTest(dataset, value=value):
                self.take("study", m_h5="out/model.h5")
                self.change("m.h5", dataset, value)
                error = self.spikesweep("predict", "-m", "m.h5", "--duration", "10ms")
                self.assertIn("m.h5", error)
                self.assertIn(dataset.split("/")[0], error)

    def test_models_of_parts_of_different_lengths(self):
        for dataset in ("features/deviation", "features/mean", "targets/deviation", "targets/mean"):
            with self.subTest(dataset):
                self.take("study", m_h5="out/model.h5")
                with h5py.File(self.directory / "m.h5", "r+") as file:
                    del file[dataset]
                    file[dataset] = np.zeros(0)
                    file[dataset].attrs["units"] = file[dataset].attrs["description"] = "1"
                path = self.directory / "m.h5"
                path.write_bytes(hdf5.seal(path.read_bytes()))
                self.assertRegex(self.spikesweep("predict", "-m", "m.h5", "--duration", "10ms"), "m.h5: .*(lengths|dimensions)")

    def test_arguments_of_great_length(self):
        error = self.spikesweep("plan", "small.toml", "--set", "seed=1", "ne work=" + "a = {" * 20_000)
        self.assertLess(len(error), 2000)
        self.assertIn(" [...] ", error)

    def test_checkpoints_of_impossible_numbers(self):
        for dataset, value in (("step", -1), ("step", 2**40), ("epoch", -1), ("epoch", 10**6), ("history", NAN),
                               ("history", 1e300), ("rollbacks", 99), ("counts/steps", -5), ("counts/second", -1),
                               ("profile/weights", INF), ("best_epoch", 10**6)):
            with self.subTest(dataset, value=value):
                self.take("checkpoint", t_h5_checkpoint="t.h5.checkpoint", sweep_h5="out/sweep.h5")
                self.change("t.h5.checkpoint", dataset, value)
                train = ("train", "small.toml", "-d", "sweep.h5", "-o", "t.h5", "--set", originals.WITHOUT_END)
                error = self.spikesweep(*train)
                self.assertIn("the checkpoint is damaged", error)
                self.assertIn(f"/{dataset} in t.h5.checkpoint", error)

    def test_the_checkpoint_before_a_damaged_one_is_used(self):
        self.take("checkpoint", t_h5_checkpoint="t.h5.checkpoint", t_h5_checkpoint_previous="t.h5.checkpoint.previous",
                  sweep_h5="out/sweep.h5")
        self.change("t.h5.checkpoint", "step", -1)
        with subprocess.Popen([BINARY, *f"train small.toml -d sweep.h5 -o t.h5 --set {originals.WITHOUT_END}".split()],
                              cwd=self.directory, stderr=subprocess.PIPE, text=True) as training:
            line = next(line for line in training.stderr if "going on from" in line)
            training.terminate()
            training.stderr.read()
            self.assertEqual(training.wait(PATIENCE_S), 75)
        self.assertIn("/step in t.h5.checkpoint is -1", line)
        self.assertIn("going on from t.h5.checkpoint.previous", line)

    def test_a_structure_that_hdf5_reads_without_end(self):
        self.take("study", s_h5="out/sweep.h5")
        path = self.directory / "s.h5"
        data = path.read_bytes()
        heap = data.index(b"GCOL") + 16
        path.write_bytes(hdf5.seal(data[:heap] + bytes(16) + data[heap + 16:]))
        self.assertIn("s.h5 is damaged: HDF5 is not through with it", self.spikesweep("status", "s.h5"))

    def test_records_of_runs_that_hold_anything(self):
        self.take("study", out="out")
        record = self.directory / "out/run.json"
        sound = record.read_text()
        depth = "[" * 200_000 + "]" * 200_000
        for text in ("{\"earlier\":" + depth + "," + sound[1:], depth, "{\"earlier\":[{\"command\":7}]}",
                     sound.replace("\"command\":\"", "\"command\":\"\\u0000\\u001b[2J")):
            record.write_text(text)
            self.assertNotIn("\0", self.spikesweep("status", "out", code=0))
            self.spikesweep("status", "out", "--json", code=0)
        record.write_text(sound)
        (self.directory / "out/model.h5.log.jsonl").write_text("{\"epoch\":\"x\",\"member\":{}}\n{\"epoch\":1e300}\n")
        self.spikesweep("status", "out", "--json", code=0)

    def test_locks_that_hold_anything(self):
        self.take("study", s_h5="out/sweep.h5")
        (self.directory / "s.h5.lock").write_bytes(b"h\x1b[2J 1 \xc3\n")
        self.spikesweep("status", "s.h5", code=0)

    def test_pipes_in_place_of_files(self):
        self.take("study", out="out")
        for name in ("out/run.json", "out/model.h5.log.jsonl", "out/sweep.h5.lock", "out/validation.txt"):
            (self.directory / name).unlink(missing_ok=True)
            os.mkfifo(self.directory / name)
        self.spikesweep("status", "out", code=0)
        os.unlink(self.directory / "out/sweep.h5")
        os.mkfifo(self.directory / "out/sweep.h5")
        self.assertIn("no regular file", self.spikesweep("verify", "out/sweep.h5"))

    def test_saved_predictions_that_hold_anything(self):
        self.take("unfinished_prediction", p_h5_unfinished="p.h5.unfinished", out="out")
        path = self.directory / "p.h5.unfinished"
        name, content = entries.read(path.read_bytes())[1]
        whole = entries.read(path.read_bytes())
        for place in (0, 8, len(content) // 2):
            damaged = content[:place] + b"\xff" * 6 + content[place + 6:]
            path.write_bytes(entries.write([whole[0], (name, damaged)]))
            with subprocess.Popen([BINARY, "predict", "-m", "out/model.h5", *originals.LONG["predict"].split(), "-o",
                                   "p.h5"], cwd=self.directory, stderr=subprocess.PIPE, text=True) as prediction:
                line = next(line for line in prediction.stderr if "point" in line or "rank on" in line)
                prediction.terminate()
                prediction.stderr.read()
                self.assertEqual(prediction.wait(PATIENCE_S), 75)
            if place < 9:
                self.assertIn("holds no possible prediction at point 0", line)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
