"""How commands start under mpirun, and what the environment may not do to them. Run as: launch_test.py BINARY MPIEXEC"""

import os
import pathlib
import subprocess
import sys
import tempfile
import unittest

BINARY, MPIEXEC = sys.argv[1:3]
PATIENCE_S = 60 * int(os.environ.get("SPIKESWEEP_TEST_PATIENCE", "1"))
SMALL = """[design]
kind = "list"
selection_points = 0
test_points = 0
[design.axes]
S_EE = [3.9, 4.1]
[sweep]
transitions = 10
"""


class Launch(unittest.TestCase):
    def setUp(self):
        self.scratch = tempfile.TemporaryDirectory()
        self.addCleanup(self.scratch.cleanup)
        self.directory = pathlib.Path(self.scratch.name)
        (self.directory / "c.toml").write_text(SMALL)

    def run_line(self, line, **environment):
        return subprocess.run(line, shell=True, cwd=self.directory, capture_output=True, text=True, timeout=PATIENCE_S,
                              check=False, env=os.environ | environment)

    def spikesweep(self, arguments, ranks=1, **environment):
        launcher = f"{MPIEXEC} -n {ranks} " if ranks > 1 else ""
        return self.run_line(f"{launcher}{BINARY} {arguments}", **environment)

    def files(self):
        return sorted(path.name for path in self.directory.iterdir())

    def test_ranks_that_were_told_different_things_are_refused(self):
        for arguments, words in {
                "sweep c.toml -o x.h5 --set seed=$OMPI_COMM_WORLD_RANK": ["'seed=1'", "'seed=0'"],
                "sweep c.toml -o x.h5 --set tau_EE=2.$OMPI_COMM_WORLD_RANK": ["'tau_EE=2.1'", "'tau_EE=2.0'"],
                "sweep c.toml -o x$OMPI_COMM_WORLD_RANK.h5": ["'x1.h5'", "'x0.h5'"],
                "simulate c.toml --duration 10ms -o x$OMPI_COMM_WORLD_RANK.h5": ["'x1.h5'", "'x0.h5'"],
                "predict -m m.h5 --duration 1s -o x$OMPI_COMM_WORLD_RANK.h5": ["'x1.h5'", "'x0.h5'"],
                "sweep c.toml -o x.h5 $(test $OMPI_COMM_WORLD_RANK = 0 || echo --fresh)": ["'--fresh'", "nothing"]}.items():
            with self.subTest(arguments):
                done = self.run_line(f"{MPIEXEC} -n 2 sh -c '{BINARY} {arguments}'")
                self.assertEqual(done.returncode, 2, done.stderr)
                for word in [" has other arguments than rank 0: ", *words]:
                    self.assertIn(word, done.stderr)
                self.assertEqual(done.stderr.count("spikesweep: error"), 1, done.stderr)
                self.assertEqual(self.files(), ["c.toml"])

    def test_what_one_process_does_needs_no_mpi(self):
        # A rank that started MPI would fail: there is no such transport.
        for arguments in ["--help", "--version", "plan c.toml", "sweep --help", "simulate zhang2024 --duration 10ms"]:
            with self.subTest(arguments):
                done = self.spikesweep(arguments, 2, OMPI_MCA_pml="none_such")
                self.assertEqual(done.returncode, 0, done.stderr)
                alone = self.spikesweep(arguments)
                self.assertEqual(len(done.stdout.splitlines()), len(alone.stdout.splitlines()), "printed once")

    def test_what_one_process_writes_is_written_once(self):
        command = "simulate zhang2024 --duration 10ms -o x.h5"
        done = self.spikesweep(command, 3)
        self.assertEqual(done.returncode, 0, done.stderr)
        alone = self.spikesweep(command.replace("x.h5", "y.h5"))
        self.assertEqual(len(done.stdout.splitlines()), len(alone.stdout.splitlines()))
        self.assertEqual((self.directory / "x.h5").read_bytes(), (self.directory / "y.h5").read_bytes())

    def test_a_process_that_is_told_to_be_one_of_others_writes_its_file_or_says_why_not(self):
        for variables in [{"PMIX_RANK": "1"}, {"PMI_RANK": "1", "PMI_SIZE": "2"},
                          {"OMPI_COMM_WORLD_RANK": "1", "OMPI_COMM_WORLD_SIZE": "2"}]:
            with self.subTest(variables):
                done = self.spikesweep("simulate zhang2024 --duration 10ms -o x.h5", **variables)
                self.assertIn(done.returncode, {0, 1}, done.stderr)
                self.assertEqual("x.h5" in self.files(), done.returncode == 0, done.stderr)
                (self.directory / "x.h5").unlink(missing_ok=True)

    def test_plan_counts_the_ranks_of_the_launcher(self):
        self.assertIn("time on 3 ranks", self.spikesweep("plan c.toml", 3).stdout)

    def test_more_ranks_than_shards_are_refused_before_the_sweep(self):
        config = SMALL.replace("test_points = 0", "test_points = 1") + "[learning]\nshards = 1\n"
        (self.directory / "c.toml").write_text(config)
        done = self.spikesweep("run c.toml -o d", 2)
        self.assertEqual(done.returncode, 2, done.stderr)
        self.assertIn("2 ranks cannot share learning.shards = 1", done.stderr)
        self.assertEqual(self.files(), ["c.toml"])
        self.assertIn("2 ranks cannot share learning.shards = 1", self.spikesweep("plan c.toml --ranks 2").stderr)

    def test_wrong_arguments_are_said_once(self):
        done = self.spikesweep("sweep c.toml", 3)
        self.assertEqual(done.returncode, 2)
        self.assertEqual(done.stderr.count("spikesweep: error"), 1, done.stderr)

    def test_a_process_that_fails_alone_says_so_once(self):
        done = self.spikesweep("status missing.h5", 3)
        self.assertEqual(done.returncode, 2)
        self.assertEqual(done.stderr.count("spikesweep: error"), 1, done.stderr)

    def test_a_number_of_threads_that_is_none_is_one(self):
        for threads in ["", "0", "abc"]:
            with self.subTest(threads):
                done = self.spikesweep("simulate zhang2024 --duration 10ms", OMP_NUM_THREADS=threads)
                self.assertEqual(done.returncode, 0)
                self.assertIn(f"OMP_NUM_THREADS = '{threads}'", done.stderr)
                self.assertIn("one thread", done.stderr)

    def test_variables_of_a_job_that_ended_decide_nothing(self):
        done = self.spikesweep("sweep c.toml -o x.h5", SLURM_JOB_END_TIME="1700000000")
        self.assertEqual(done.returncode, 0, done.stderr)
        done = self.spikesweep("sweep c.toml -o y.h5", SLURM_JOB_ID="7", SLURM_JOB_END_TIME="1700000000")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("SLURM_JOB_END_TIME = 1700000000", done.stderr)
        done = self.spikesweep("sweep c.toml -o x.h5 --fresh", SLURM_RESTART_COUNT="1")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("found done  0", done.stdout)

    def test_variables_of_an_mpirun_that_ended_decide_nothing(self):
        told = self.run_line(f"{MPIEXEC} -n 1 env -0").stdout
        left_over = dict(entry.split("=", 1) for entry in told.split("\0") if "=" in entry)
        self.assertIn("PMIX_SERVER_TMPDIR", left_over)
        left_over |= {"OMPI_COMM_WORLD_RANK": "1", "OMPI_COMM_WORLD_SIZE": "2", "PMIX_RANK": "1"}
        for arguments in ["sweep c.toml -o x.h5", "status x.h5"]:
            with self.subTest(arguments):
                done = self.spikesweep(arguments, **left_over)
                self.assertEqual(done.returncode, 0, done.stderr)
                self.assertIn(f"{left_over['PMIX_SERVER_TMPDIR']} is gone", done.stderr)
                self.assertIn("tasks", done.stdout, "the first process prints")
        self.assertNotIn("is gone", self.spikesweep("sweep c.toml -o y.h5", 2, **left_over).stderr)

    def test_a_sweep_file_may_have_any_name(self):
        # MPI-IO takes some names for something else: Open MPI's own one letter, ROMIO what stands before a colon.
        for reader in ["", "^ompio"]:
            for name in ["a", "b:c.h5", "nfs:d.h5", "e:f/g.h5"]:
                with self.subTest(name, reader=reader):
                    (self.directory / "e:f").mkdir(exist_ok=True)
                    environment = {"OMPI_MCA_io": reader} if reader else {}
                    done = self.spikesweep(f"sweep c.toml -o {name} --fresh", 2, **environment)
                    self.assertEqual(done.returncode, 0, done.stderr)
                    done = self.spikesweep(f"verify {name}", 2, **environment)
                    self.assertEqual(done.returncode, 0, done.stderr)
                    self.assertRegex(done.stdout, r"finished +2\n")
        self.assertEqual(self.files(), ["a", "b:c.h5", "c.toml", "e:f", "nfs:d.h5"])


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
