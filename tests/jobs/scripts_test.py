#!/usr/bin/python3
"""What the scripts of jobs/ promise where there is no SLURM, with a stand-in for sbatch."""

import glob
import os
import shutil
import stat
import subprocess
import tempfile
import unittest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
PIPELINE = os.path.join(ROOT, "jobs", "pipeline.sh")
SCRIPTS = sorted(glob.glob(os.path.join(ROOT, "jobs", "*.sbatch")) + glob.glob(os.path.join(ROOT, "jobs", "*.sh")))
# Writes its arguments down, one line a call, and prints the number of the call; fails at call number $FAILING.
STAND_IN = """#!/bin/bash
printf '%s|' "$(basename "$0")" "${SPIKESWEEP_ALLOW_FAILED-}" "$@" >> "$CALLS"
echo >> "$CALLS"
count=$(wc -l < "$CALLS")
[ "$count" = "${FAILING-}" ] && exit 1
echo "$count"
"""


class EveryScript(unittest.TestCase):
    def test_is_clean_by_shellcheck(self):
        self.assertGreaterEqual(len(SCRIPTS), 6)
        self.assertIsNotNone(shutil.which("shellcheck"), "shellcheck is not installed: tools/setup --test does that")
        done = subprocess.run(["shellcheck", "-x", *SCRIPTS], cwd=ROOT, check=False, capture_output=True, text=True)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def test_asks_for_its_signal_and_for_requeueing(self):
        for script in SCRIPTS:
            if script.endswith(".sbatch"):
                with open(script, encoding="utf-8") as file:
                    text = file.read()
                for option in ("--signal=B:USR1@", "--requeue", "--open-mode=append"):
                    self.assertIn("#SBATCH " + option, text, script)
                self.assertNotIn("OMPI_ALLOW_RUN_AS_ROOT", text)


class Pipeline(unittest.TestCase):
    def setUp(self):
        self.base = os.path.realpath(tempfile.mkdtemp())
        self.addCleanup(shutil.rmtree, self.base)
        for name in ("sbatch", "scancel"):
            path = os.path.join(self.base, name)
            with open(path, "w", encoding="utf-8") as file:
                file.write(STAND_IN)
            os.chmod(path, os.stat(path).st_mode | stat.S_IXUSR)

    def call(self, *arguments, **environment):
        """Runs it; returns its end, and the words of each call of sbatch and scancel."""
        record = os.path.join(self.base, "calls")
        open(record, "w", encoding="utf-8").close()
        done = subprocess.run([PIPELINE, *arguments], cwd=self.base, check=False, capture_output=True, text=True,
                              env={**os.environ, "PATH": self.base + os.pathsep + os.environ["PATH"],
                                   "CALLS": record, **environment})
        with open(record, encoding="utf-8") as file:
            return done, [line.rstrip("|\n").split("|") for line in file]

    def test_submits_a_chain_and_prints_its_jobs(self):
        done, calls = self.call("my.toml", "-o", "out dir", "--set", "seed=3", "sweep.transitions=9", "--",
                                "--ntasks=64", "--account=abc")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(done.stdout, "sweep 1\ntrain 2\nvalidate 3\n")
        out = os.path.join(self.base, "out dir")
        steps = {"sweep": ["-o", f"{out}/sweep.h5"], "train": ["-d", f"{out}/sweep.h5", "-o", f"{out}/model.h5"],
                 "validate": ["-d", f"{out}/sweep.h5", "-m", f"{out}/model.h5", "-o", f"{out}/validation.h5"]}
        for number, (call, (step, arguments)) in enumerate(zip(calls, steps.items())):
            self.assertEqual(call[:2], ["sbatch", "yes"])
            script = call.index(os.path.join(ROOT, "jobs", step + ".sbatch"))
            self.assertEqual(call[script + 1:],
                             ["my.toml", *arguments, "--set", "seed=3", "--set", "sweep.transitions=9"])
            self.assertIn("--account=abc", call[:script])
            dependency = [word for word in call if word.startswith("--dependency")]
            self.assertEqual(dependency, [f"--dependency=afterok:{number}"] if number else [])

    def test_begins_where_it_is_told_and_gives_each_step_its_options(self):
        done, calls = self.call("my.toml", "-o", "out", "--from", "train", "--train=--ntasks=4 --mem=8G", "--strict")
        self.assertEqual(done.stdout, "train 1\nvalidate 2\n")
        self.assertEqual(calls[0][1], "no")
        self.assertIn("--ntasks=4", calls[0])
        self.assertIn("--mem=8G", calls[0])
        self.assertNotIn("--mem=8G", calls[1])

    def test_leaves_nothing_in_the_queue_if_a_job_is_refused(self):
        done, calls = self.call("my.toml", "-o", "out", FAILING="2")
        self.assertEqual(done.returncode, 1)
        self.assertEqual(calls[-1][0], "scancel")
        self.assertEqual(calls[-1][2:], ["1"])

    def test_explains_itself(self):
        done, calls = self.call("--help")
        self.assertEqual((done.returncode, calls), (0, []))
        self.assertIn("OPTIONS OF sbatch", done.stdout)

    def test_refuses_what_it_does_not_know(self):
        for arguments in ([], ["my.toml"], ["-o", "out"], ["a", "b", "-o", "out"], ["a", "-o"],
                          ["a", "-o", "out", "--ntasks=3"], ["a", "-o", "out", "--from", "report"],
                          ["a", "-o", "out", "--set"]):
            done, calls = self.call(*arguments)
            self.assertEqual((done.returncode, calls), (2, []), arguments)
            self.assertIn("--help", done.stderr)


if __name__ == "__main__":
    unittest.main()
