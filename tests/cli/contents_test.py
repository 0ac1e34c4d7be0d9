"""Contents decide whether a result is up to date, and what stands at an output is never lost: copies, touched files,
links, changed settings, names that hide others. Run as: contents_test.py BINARY FIXTURES"""

import fcntl
import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest

import h5py
import numpy as np

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
from result_bytes import learnt  # noqa: E402
from small_study import SMALL_STUDY  # noqa: E402

BINARY, FIXTURES = sys.argv[1:3]
SMALL = (pathlib.Path(FIXTURES) / "0.1.0" / "small.toml").read_text()
PATIENCE_S = 120 * int(os.environ.get("SPIKESWEEP_TEST_PATIENCE", "1"))


def samples(path):
    """Every dataset of a sweep that does not differ between runs."""
    found = {}

    def keep(name, item):
        if isinstance(item, h5py.Dataset) and not name.startswith("provenance"):
            found[name] = item[()]

    with h5py.File(path, "r") as file:
        file.visititems(keep)
    return found


class Contents(unittest.TestCase):
    def setUp(self):
        self.scratch = tempfile.TemporaryDirectory()
        self.addCleanup(self.scratch.cleanup)
        self.directory = pathlib.Path(self.scratch.name)
        (self.directory / "small.toml").write_text(SMALL)

    def spikesweep(self, arguments, code=0, where=".", **environment):
        done = subprocess.run([BINARY, *arguments.split()], cwd=self.directory / where, capture_output=True, text=True,
                              timeout=PATIENCE_S, check=False, env=os.environ | environment, stdin=subprocess.DEVNULL)
        self.assertEqual(done.returncode, code, f"{arguments}\n{done.stdout}{done.stderr}")
        return done

    def refused(self, arguments, *words, where="."):
        done = self.spikesweep(arguments, 2, where)
        for word in words:
            self.assertIn(word, done.stderr)

    def path(self, name):
        return self.directory / name

    def assert_same_samples(self, one, other):
        one, other = samples(self.path(one)), samples(self.path(other))
        self.assertEqual(one.keys(), other.keys())
        for name, value in one.items():
            np.testing.assert_array_equal(value, other[name], name)

    def test_a_run_that_was_copied_or_touched_is_up_to_date(self):
        self.spikesweep("run small.toml -o out")
        model = self.path("out/model.h5").read_bytes()
        shutil.copytree(self.path("out"), self.path("copy"), copy_function=shutil.copyfile)
        os.utime(self.path("copy/sweep.h5"))
        os.utime(self.path("copy/model.h5"), (1, 1))
        again = self.spikesweep("run small.toml -o copy")
        for result in ["copy/model.h5", "copy/validation.h5"]:
            self.assertIn(f"{result} is up to date", again.stderr)
        self.assertEqual(self.path("copy/model.h5").read_bytes(), model)
        self.assertEqual(list(self.path("copy").glob("*.old-*")), [])

    def test_what_is_replaced_is_kept_aside(self):
        self.spikesweep("run small.toml -o out")
        model = self.path("out/model.h5").read_bytes()
        done = self.spikesweep("run small.toml -o out --set learning.epochs=3")
        self.assertIn("out/model.h5.old-1", done.stderr)
        self.assertEqual(self.path("out/model.h5.old-1").read_bytes(), model)
        self.assertTrue(self.path("out/validation.h5.old-1").exists())
        self.spikesweep("run small.toml -o out")
        self.assertTrue(self.path("out/model.h5.old-2").exists())
        record = json.loads(self.path("out/run.json").read_text())
        self.assertEqual(record["command"], "spikesweep run small.toml -o out")
        self.assertEqual([call["command"] for call in record["earlier"]],
                         ["spikesweep run small.toml -o out",
                          "spikesweep run small.toml -o out --set learning.epochs=3"])

    def test_the_table_is_that_of_the_validation(self):
        self.spikesweep("run small.toml -o out")
        of_run = self.path("out/validation.txt").read_text()
        other = self.spikesweep("validate small.toml -m out -o out/validation.h5 --set validation.seed=5").stdout
        again = self.spikesweep("run small.toml -o out --set validation.seed=5")
        self.assertIn("out/validation.h5 is up to date", again.stderr)
        self.assertIn(other, again.stdout)
        self.assertEqual(self.path("out/validation.txt").read_text(), other)
        self.assertNotEqual(other, of_run)
        self.path("out/validation.txt").unlink()
        self.spikesweep("run small.toml -o out --set validation.seed=5")
        self.assertEqual(self.path("out/validation.txt").read_text(), other)

    def test_files_of_others_in_the_directory_of_a_run_are_kept(self):
        self.path("out").mkdir()
        mine = "# my comment\n" + SMALL
        self.path("out/config.toml").write_text(mine)
        self.path("out/run.json").write_text('{"mine": 1}')
        self.path("out/validation.txt").write_text("mine")
        self.path("out/report.html").write_text("mine")
        done = self.spikesweep("run out/config.toml -o out")
        self.assertEqual(self.path("out/config.toml.old-1").read_text(), mine)
        self.assertEqual(self.path("out/run.json.old-1").read_text(), '{"mine": 1}')
        for name in ["validation.txt", "report.html"]:
            self.assertEqual(self.path(f"out/{name}.old-1").read_text(), "mine")
            self.assertIn(f"{name}.old-1", done.stderr)
        self.spikesweep("run out/config.toml -o out")
        self.assertFalse(self.path("out/config.toml.old-2").exists())

    def test_a_training_removes_its_own_checkpoints_only(self):
        self.spikesweep("sweep small.toml -o s.h5")
        shutil.copyfile(self.path("s.h5"), self.path("m.h5.checkpoint.1"))
        self.spikesweep("train small.toml -d s.h5 -o m.h5")
        self.assertEqual(self.path("m.h5.checkpoint.1").read_bytes(), self.path("s.h5").read_bytes())

    def test_threads_that_do_not_come_get_no_share(self):
        self.spikesweep("sweep small.toml -o s.h5")
        self.spikesweep("train small.toml -d s.h5 -o one.h5", OMP_NUM_THREADS="1")
        limited = self.spikesweep("train small.toml -d s.h5 -o limited.h5", OMP_NUM_THREADS="4", OMP_THREAD_LIMIT="1")
        self.assertIn("OMP_THREAD_LIMIT = 1", limited.stderr)
        self.spikesweep("train small.toml -d s.h5 -o four.h5", OMP_NUM_THREADS="4")
        self.spikesweep("train small.toml -d s.h5 -o dynamic.h5", OMP_NUM_THREADS="4", OMP_DYNAMIC="true")
        self.assertEqual(learnt(self.path("limited.h5")), learnt(self.path("one.h5")))
        self.assertEqual(learnt(self.path("dynamic.h5")), learnt(self.path("four.h5")))

    def test_set_of_many_points_counts_or_is_refused(self):
        self.path("two.toml").write_text(SMALL_STUDY)  # It has two axes.
        self.spikesweep("sweep two.toml -o s.h5")
        self.spikesweep("train two.toml -d s.h5 -o m.h5")
        line = [BINARY, "predict", "-m", "m.h5", "--design", "3", "--duration", "50ms", "--csv", "--set"]
        for text in ["S_EE=4.0625", " S_EE = 4.0625", "network.S_EE =4.0625"]:
            with self.subTest(text):
                done = subprocess.run([*line, text], cwd=self.directory, capture_output=True, text=True,
                                      timeout=PATIENCE_S, check=False)
                self.assertEqual(done.returncode, 0, done.stderr)
                header, *rows = [row.split(",") for row in done.stdout.splitlines()]
                self.assertEqual([float(row[header.index("S_EE")]) for row in rows], [4.0625] * 3)
        self.path("p.csv").write_text("S_EE\n3.9\n")
        self.refused("predict -m m.h5 --points p.csv --duration 50ms --set S_EE=4.0", "network.S_EE", "p.csv")

    def test_spikes_of_a_prediction_name_their_seed(self):
        self.spikesweep("run small.toml -o out")
        self.spikesweep("predict -m out --duration 50ms --seed 77 -o p.h5")
        with h5py.File(self.path("p.h5"), "r") as file:
            self.assertEqual(int(file["seed"][()]), 77)

    def test_closed_streams_do_not_matter(self):
        self.spikesweep("sweep small.toml -o s.h5")
        for closed in ["<&-", ">&-", "2>&-", "<&- 2>&-", "<&- >&- 2>&-"]:
            with self.subTest(closed):
                subprocess.run(["sh", "-c", f'exec "$0" verify s.h5 {closed}', BINARY], cwd=self.directory, check=True,
                               stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=PATIENCE_S)
                self.spikesweep("status s.h5")

    def test_a_sweep_that_grew_is_learnt_anew(self):
        self.spikesweep("run small.toml -o out")
        model = self.path("out/model.h5").read_bytes()
        self.spikesweep("sweep small.toml -o out/sweep.h5 --extend --set design.replicates=2")
        self.refused("validate small.toml -m out -o v.h5 --set design.replicates=2", "out/sweep.h5 does not hold",
                     "train again")
        os.utime(self.path("out/model.h5"))  # Newer than the sweep.
        self.spikesweep("run small.toml -o out --set design.replicates=2")
        self.assertNotEqual(self.path("out/model.h5").read_bytes(), model)

    def interrupted_training(self):
        """A checkpoint beside out/model.h5."""
        with subprocess.Popen([BINARY, *"train small.toml -d out/sweep.h5 -o out/model.h5 --set learning.epochs=100000"
                               .split()], cwd=self.directory, stderr=subprocess.DEVNULL) as training:
            end = time.monotonic() + PATIENCE_S
            while not self.path("out/model.h5.checkpoint").exists() and time.monotonic() < end:
                time.sleep(0.01)
            training.send_signal(signal.SIGTERM)
            self.assertEqual(training.wait(PATIENCE_S), 75)

    def test_a_checkpoint_of_a_sweep_that_grew_is_not_gone_on_from(self):
        self.path("out").mkdir()
        self.spikesweep("sweep small.toml -o out/sweep.h5")
        self.interrupted_training()
        checkpoint = self.path("out/model.h5.checkpoint").read_bytes()
        self.spikesweep("sweep small.toml -o out/sweep.h5 --extend --set design.replicates=2")
        self.refused("train small.toml -d out/sweep.h5 -o out/model.h5 --set design.replicates=2 "
                     "learning.epochs=100000", "model.h5.checkpoint", "other settings or data")
        self.assertEqual(self.path("out/model.h5.checkpoint").read_bytes(), checkpoint)
        self.spikesweep("run small.toml -o out --set design.replicates=2")
        self.assertEqual(self.path("out/model.h5.checkpoint.old-1").read_bytes(), checkpoint)

    def test_a_checkpoint_of_the_same_training_is_gone_on_from_wherever_it_was_copied(self):
        self.path("out").mkdir()
        self.spikesweep("sweep small.toml -o out/sweep.h5")
        self.interrupted_training()
        shutil.copytree(self.path("out"), self.path("copy"), copy_function=shutil.copyfile)
        os.utime(self.path("copy/model.h5.checkpoint"), (1, 1))
        with subprocess.Popen([BINARY, *"run small.toml -o copy --set learning.epochs=100000".split()],
                              cwd=self.directory, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL,
                              text=True) as training:
            time.sleep(3)
            training.send_signal(signal.SIGTERM)
            self.assertEqual(training.wait(PATIENCE_S), 75)
        self.assertEqual(list(self.path("copy").glob("*.old-*")), [])

    def test_validation_takes_the_very_sweep_of_the_model(self):
        self.spikesweep("run small.toml -o out")
        for change in ["seed=6", "design.selection_points=0 learning.epochs=6", "section.interval_ms=5",
                       "sweep.transitions=13"]:
            with self.subTest(change):
                self.spikesweep(f"sweep small.toml -o other.h5 --fresh --set {change}"
                                if self.path("other.h5").exists() else f"sweep small.toml -o other.h5 --set {change}")
                validate = "validate small.toml -m out/model.h5 -d other.h5 -o v.h5"
                self.refused(validate, "differs from the sweep in other.h5; use the config of that sweep")
                self.refused(f"{validate} --set {change}", "other.h5 does not hold")
        self.assertFalse(self.path("v.h5").exists())

    def test_validation_finds_the_sweep_beside_the_model_and_no_foreign_one(self):
        self.spikesweep("run small.toml -o out")
        self.path("else/out").mkdir(parents=True)
        self.spikesweep("sweep small.toml -o else/out/sweep.h5 --set seed=6")
        self.spikesweep("validate ../small.toml -m ../out/model.h5 -o v.h5", where="else")

    def test_the_config_that_is_kept_makes_the_same_again(self):
        self.spikesweep("run small.toml -o out --set seed=9 learning.epochs=3 design.axes.S_EI=[18,19,20,22] "
                        "design.kind=list")
        self.spikesweep("run out/config.toml -o again")
        self.assert_same_samples("out/sweep.h5", "again/sweep.h5")
        self.assertEqual(self.path("out/config.toml").read_text(), self.path("again/config.toml").read_text())

    def test_links_stay_and_what_is_no_file_is_refused(self):
        self.path("store").mkdir()
        self.path("spikes.h5").symlink_to("store/real.h5")
        self.spikesweep("simulate zhang2024 --duration 20ms -o spikes.h5")
        self.assertTrue(self.path("spikes.h5").is_symlink())
        self.assertTrue(self.path("store/real.h5").is_file())
        os.mkfifo(self.path("pipe"))
        self.path("circle").symlink_to("circle")
        self.refused("simulate zhang2024 --duration 20ms -o pipe", "'pipe' is no regular file")
        self.refused("simulate zhang2024 --duration 20ms -o /dev/null", "'/dev/null' is no regular file")
        self.refused("simulate zhang2024 --duration 20ms -o circle", "leads to itself")
        self.refused("simulate zhang2024 --duration 20ms -o spikes.csv", "'spikes.csv'", "let it end in .h5")
        self.assertTrue(self.path("pipe").is_fifo())
        self.assertTrue(pathlib.Path("/dev/null").is_char_device())

    def test_a_sweep_with_two_names_has_one_lock(self):
        self.path("real").mkdir()
        self.path("link.h5").symlink_to("real/s.h5")
        self.spikesweep("sweep small.toml -o link.h5")
        self.assertTrue(self.path("link.h5").is_symlink())
        with open(self.path("real/s.h5.lock"), "w", encoding="ascii") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            self.refused("sweep small.toml -o link.h5", "in use by another job")
        os.link(self.path("real/s.h5"), self.path("hard.h5"))
        self.refused("sweep small.toml -o hard.h5", "hard link")

    def test_one_output_is_written_by_one_job(self):
        self.spikesweep("run small.toml -o out")
        for output, command in {"m.h5": "train small.toml -d out/sweep.h5 -o m.h5",
                                "v.h5": "validate small.toml -m out -o v.h5",
                                "p.h5": "predict -m out --design 2 --duration 1s -o p.h5",
                                "s.h5": "simulate zhang2024 --duration 20ms -o s.h5"}.items():
            with self.subTest(output), open(self.path(output + ".lock"), "w", encoding="ascii") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX)
                self.refused(command, f"{output} is in use by another job")
        with open(self.path("out/sweep.h5"), "rb") as read:
            fcntl.flock(read, fcntl.LOCK_SH)
            self.refused("sweep small.toml -o out/sweep.h5 --fresh", "out/sweep.h5 is being read by another job")
            self.refused("sweep small.toml -o out/sweep.h5 --extend --set design.replicates=2", "is being read")
            self.spikesweep("sweep small.toml -o out/sweep.h5")

    def test_a_name_without_a_path_is_a_built_in_config(self):
        self.path("cai2021_syn").write_text("")
        self.path("mine").write_text(SMALL)
        self.path("quickstart").mkdir()
        rates = json.loads(self.spikesweep("simulate cai2021_syn --duration 500ms --json").stdout)
        self.assertGreater(rates["rate_E_hz"], 20)  # The canonical network fires at 8 Hz.
        self.spikesweep("plan quickstart")
        self.refused("plan mine", "no built-in config 'mine'", "./mine")
        self.spikesweep("plan ./mine")
        self.refused("plan ./cai2021_syn", "'./cai2021_syn' is empty")

    def test_what_the_user_has_set_for_python_does_not_matter(self):
        self.path("python").mkdir()
        self.path("python/numpy.py").write_text("raise SystemExit(3)")
        self.path("matplotlibrc").write_text("backend: no_such_backend\nfont.size: many\n")
        self.spikesweep("run small.toml -o out", PYTHONPATH=str(self.path("python")), MATPLOTLIBRC=str(self.directory))
        self.assertTrue(self.path("out/report.html").exists())
        done = self.spikesweep("run small.toml -o out", SPIKESWEEP_TOOLS="/no/such/directory")
        self.assertIn("the report could not be drawn", done.stderr)
        self.assertIn("noise floor", done.stdout)

    def test_a_run_that_may_only_be_read_gives_its_table(self):
        if os.geteuid() != 0 or shutil.which("setpriv") is None:
            self.skipTest("needs root and setpriv, to become a user without rights")
        user = 65534
        nobody = f"setpriv --reuid {user} --regid {user} --clear-groups --".split()
        if subprocess.run([*nobody, BINARY, "--version"], capture_output=True, check=False).returncode != 0:
            self.skipTest("the program is in a directory that others may not enter")
        self.spikesweep("run small.toml -o out")
        self.directory.chmod(0o755)
        # Open MPI puts a directory of each user into the temporary directory. One that an earlier job of that user has
        # left in /tmp may be of any kind.
        temporary = self.path("temporary")
        temporary.mkdir()
        os.chown(temporary, user, user)
        environment = {**os.environ, "TMPDIR": str(temporary)}
        before = {path.name: path.read_bytes() for path in self.path("out").iterdir()}
        done = subprocess.run([*nobody, BINARY, "run", "small.toml", "-o", "out"], cwd=self.directory, env=environment,
                              capture_output=True, text=True, timeout=PATIENCE_S, check=False)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("noise floor", done.stdout)
        self.assertEqual({path.name: path.read_bytes() for path in self.path("out").iterdir()}, before)
        refused = subprocess.run([*nobody, BINARY, "run", "small.toml", "-o", "out", "--set", "learning.epochs=3"],
                                 cwd=self.directory, env=environment, capture_output=True, text=True,
                                 timeout=PATIENCE_S, check=False)
        self.assertEqual(refused.returncode, 1, refused.stderr)
        self.assertIn("model.h5 is not up to date", refused.stderr)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
