#!/usr/bin/python3
"""run.json and `status DIR`: which calls made a run, in which stage it is, and when a watch ends.

usage: run_status_test.py SPIKESWEEP
"""

import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
from small_study import SMALL_STUDY  # noqa: E402

SPIKESWEEP = sys.argv[1]
PATIENCE = int(os.environ.get("SPIKESWEEP_TEST_PATIENCE", "1"))
LONG_TRAINING = "run small.toml -o out --set learning.epochs=20000"


class RunStatusTest(unittest.TestCase):
    def setUp(self):
        self.directory = pathlib.Path(tempfile.mkdtemp())
        self.addCleanup(shutil.rmtree, self.directory)
        (self.directory / "small.toml").write_text(SMALL_STUDY)
        self.started = []
        self.addCleanup(lambda: [process.kill() for process in self.started if process.poll() is None])

    def start(self, arguments, **streams):
        process = subprocess.Popen([SPIKESWEEP, *arguments.split()], cwd=self.directory, text=True,
                                   stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, **streams)
        self.started.append(process)
        return process

    def spikesweep(self, arguments, code=0):
        done = subprocess.run([SPIKESWEEP, *arguments.split()], cwd=self.directory, text=True, capture_output=True,
                              timeout=240 * PATIENCE, check=False)
        self.assertEqual(done.returncode, code, done.stderr)
        return done

    def record(self):
        return json.loads((self.directory / "out/run.json").read_text())

    def status(self):
        return json.loads(self.spikesweep("status out --json").stdout)["run"]

    def wait_for(self, what):
        deadline = time.monotonic() + 120 * PATIENCE
        while not what():
            self.assertLess(time.monotonic(), deadline, "it did not come")
            time.sleep(0.05)

    def epochs_logged(self):
        log = self.directory / "out/model.h5.log.jsonl"
        return len(log.read_text().splitlines()) if log.exists() else 0

    def in_training(self):
        """A run in the middle of a training that would take long. It goes on with one that was ended."""
        before = self.epochs_logged()
        run = self.start(LONG_TRAINING)
        self.wait_for(lambda: self.epochs_logged() >= before + 3)
        return run

    def end(self, run, how, code):
        run.send_signal(how)
        run.communicate(timeout=60 * PATIENCE)
        self.assertEqual(run.returncode, code)

    def test_names_the_stage_of_a_training_and_how_it_was_interrupted(self):
        run = self.in_training()
        status = self.status()
        self.assertEqual((status["activity"], status["state"]), ("running", "running"))
        self.assertRegex(status["stage"], r"^sweep done; training, epoch \d+ of 20000, about .* left; then validation$")
        self.assertEqual(status["training"]["epochs"], 20000)
        self.assertGreaterEqual(status["training"]["epochs_done"], 3)
        self.assertGreater(status["training"]["left_s"], 1)
        self.assertEqual(status["process"], run.pid)
        self.assertEqual(self.record()["state"], "running")
        self.end(run, signal.SIGUSR1, 75)
        status = self.status()
        self.assertEqual((status["activity"], status["state"]), ("stopped", "interrupted"))
        self.assertRegex(status["stage"], r"^interrupted in training, epoch \d+ of 20000; the same command goes on$")
        self.assertIn("interrupted in training", self.spikesweep("status out").stdout)

    def test_says_that_a_killed_run_died_and_the_record_keeps_every_call(self):
        self.end(self.in_training(), signal.SIGKILL, -signal.SIGKILL)
        self.assertRegex(self.status()["stage"], r"^died without a message in training, epoch \d+ of 20000; ")
        self.end(self.in_training(), signal.SIGUSR1, 75)
        self.spikesweep("run small.toml -o out --grace 7s --set learning.epochs=2")
        record = self.record()
        self.assertEqual(record["command"],
                         "spikesweep run small.toml -o out --set learning.epochs=2 --grace 7s")
        self.assertEqual([call["state"] for call in record["earlier"]] + [record["state"]],
                         ["died", "interrupted", "done"])
        self.assertEqual({call["command"] for call in record["earlier"]}, {"spikesweep " + LONG_TRAINING})
        self.assertIn("sweep", record["earlier"][0]["wall_s"])
        self.assertIn("train", record["earlier"][1]["wall_s"])
        self.assertEqual(list(record["wall_s"]), ["train", "validate"])
        for call in record["earlier"][1:] + [record]:
            self.assertLessEqual(call["started_at"], call["ended_at"])
        status = self.status()
        self.assertEqual((status["state"], status["stage"]), ("done", "finished"))
        self.assertEqual(len(status["calls"]), 3)
        page = (self.directory / "out/report.html").read_text()
        self.assertIn("Calls of this run", page)
        self.assertIn("--grace 7s", page)

    def killed_once_it_was_asked_to_end(self, arguments, sweep_file):
        """A sweep that was asked to end, and has an hour to finish its tasks, but is killed."""
        sweep = self.start(arguments + " --grace 1h --set sweep.transitions=200000")
        self.wait_for(lambda: "running on" in self.spikesweep(f"status {sweep_file}").stdout
                      if sweep_file.exists() else False)
        self.assertNotIn("asked to end", self.spikesweep(f"status {sweep_file}").stdout)
        sweep.send_signal(signal.SIGTERM)
        self.wait_for(lambda: re.search("^state .*running on .*, asked to end", self.spikesweep(
            f"status {sweep_file}").stdout, re.M))
        self.end(sweep, signal.SIGKILL, -signal.SIGKILL)

    def test_a_sweep_that_was_killed_after_it_was_asked_to_end_did_not_die(self):
        file = self.directory / "a.h5"
        self.killed_once_it_was_asked_to_end("sweep small.toml -o a.h5", file)
        self.assertRegex(self.spikesweep("status a.h5").stdout,
                         "state .*interrupted, and killed before it had ended; the same command resumes")

    def test_a_run_that_was_killed_after_it_was_asked_to_end_was_interrupted(self):
        self.killed_once_it_was_asked_to_end("run small.toml -o out", self.directory / "out/sweep.h5")
        status = self.status()
        self.assertEqual((status["activity"], status["state"]), ("stopped", "interrupted"))
        self.assertIn("interrupted in sweep", status["stage"])
        self.assertIn("asked_at", self.record())
        again = self.start("run small.toml -o out --set sweep.transitions=200000")
        self.wait_for(lambda: len(self.record()["earlier"]) == 1)
        self.assertEqual(self.record()["earlier"][0]["state"], "interrupted")
        self.end(again, signal.SIGKILL, -signal.SIGKILL)

    def test_a_signal_ends_the_drawing_of_the_report_and_the_same_command_draws_it(self):
        tools = self.directory / "tools"
        tools.mkdir()
        (tools / "report.py").write_text("#!/bin/sh\ntouch drawing\nexec sleep 1000\n")
        (tools / "report.py").chmod(0o755)
        run = subprocess.Popen([SPIKESWEEP, *"run small.toml -o out".split()], cwd=self.directory, text=True,
                               stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
                               env={**os.environ, "SPIKESWEEP_TOOLS": str(tools)})
        self.started.append(run)
        self.wait_for((self.directory / "drawing").exists)
        run.send_signal(signal.SIGTERM)
        words = run.communicate(timeout=60 * PATIENCE)[1]
        self.assertEqual(run.returncode, 75, words)
        self.assertIn("interrupted while the report was drawn; all results are in out; the same command draws it", words)
        self.assertEqual(self.record()["state"], "done", "no result depends on the report")
        self.assertFalse((self.directory / "out/report.html").exists())
        self.spikesweep("run small.toml -o out")
        self.assertTrue((self.directory / "out/report.html").exists())

    def test_a_call_that_changes_nothing_leaves_the_record_alone(self):
        self.spikesweep("run small.toml -o out")
        before = (self.directory / "out/run.json").read_bytes()
        self.spikesweep("run small.toml -o out")
        self.spikesweep("run small.toml -o out --set section.interval_ms=4", code=2)
        self.assertEqual((self.directory / "out/run.json").read_bytes(), before)

    def test_a_finished_run_that_was_killed_in_a_repetition_is_finished_after_the_next_one(self):
        self.spikesweep("run small.toml -o out")
        record = self.record()
        for killed in [{"state": "running", "step": "sweep"}, {"state": "interrupted", "step": "train"}]:
            (self.directory / "out/run.json").write_text(json.dumps(record | killed))
            self.spikesweep("run small.toml -o out")
            self.assertEqual(self.record()["state"], "done")
            self.assertRegex(self.spikesweep("status out").stdout, "stage +finished")

    def test_a_run_that_is_refused_at_once_leaves_no_record(self):
        self.spikesweep("sweep small.toml -o a.h5")
        os.mkdir(self.directory / "out")
        os.rename(self.directory / "a.h5", self.directory / "out/sweep.h5")
        self.spikesweep("run small.toml -o out --set section.interval_ms=4", code=2)
        self.assertFalse((self.directory / "out/run.json").exists())

    def test_a_fresh_run_forgets_the_calls_before(self):
        self.spikesweep("run small.toml -o out")
        self.spikesweep("run small.toml -o out --fresh")
        self.assertEqual(self.record()["earlier"], [])
        self.assertIn("--fresh", self.record()["command"])

    def test_a_failed_step_says_why(self):
        # No task ends before its time cap, so there is nothing to train on.
        self.spikesweep("run small.toml -o out --set sweep.burn_in_s=0.1 sweep.max_simulated_s=0.2", code=2)
        record = self.record()
        self.assertEqual((record["state"], record["step"]), ("failed", "train"))
        self.assertIn("no finished training point", record["message"])
        self.assertIn("failed in training", self.status()["stage"])
        self.assertIn("sweep", record["wall_s"])

    def test_a_watch_goes_on_after_the_sweep_and_ends_with_the_run(self):
        watch = self.start("status out --watch 0.5")
        time.sleep(0.7)
        self.spikesweep("run small.toml -o out --set learning.epochs=400")
        out, _ = watch.communicate(timeout=60 * PATIENCE)
        self.assertEqual(watch.returncode, 0)
        self.assertIn("waiting for out\n", out)
        self.assertIn("sweep done; training, epoch ", out)
        self.assertTrue(out.endswith(" finished\n"), out)

    def test_a_watch_ends_when_the_run_is_interrupted_or_dies(self):
        for how, code, words in ((signal.SIGUSR1, 75, "interrupted in training"),
                                 (signal.SIGKILL, -signal.SIGKILL, "died without a message in training")):
            run = self.in_training()
            watch = self.start("status out --watch=0.5 --json")
            first = json.loads(watch.stdout.readline())
            self.assertEqual(first["run"]["activity"], "running")
            self.end(run, how, code)
            out, _ = watch.communicate(timeout=60 * PATIENCE)
            self.assertEqual(watch.returncode, 0)
            self.assertIn(words, json.loads(out.splitlines()[-1])["run"]["stage"])

    def test_a_watch_of_a_sweep_ends_when_it_is_interrupted(self):
        sweep = self.start("sweep small.toml -o a.h5 --set sweep.transitions=200000")
        self.wait_for(lambda: (self.directory / "a.h5").exists())
        watch = self.start("status a.h5 --watch=0.5")
        self.wait_for(lambda: "running on 1 rank" in watch.stdout.readline())
        sweep.send_signal(signal.SIGKILL)
        sweep.communicate(timeout=60 * PATIENCE)
        out, _ = watch.communicate(timeout=60 * PATIENCE)
        self.assertIn("died without a message", out.splitlines()[-1])

    def test_an_ended_run_needs_no_watch(self):
        self.end(self.in_training(), signal.SIGKILL, -signal.SIGKILL)
        out = self.spikesweep("status out --watch").stdout
        self.assertEqual(len(out.splitlines()), 1, out)

    def test_plan_estimates_the_whole_run(self):
        self.maxDiff = None
        plan = json.loads(self.spikesweep("plan small.toml --ranks 2 --json").stdout)
        parts = plan["wall_s"] + plan["refine_s"] + plan["train_s"] + plan["validate_s"] + plan["report_s"]
        self.assertAlmostEqual(plan["total_s"], parts, delta=1e-9 * parts)
        for key in ("train_s", "validate_s", "report_s", "model_bytes", "checkpoint_bytes"):
            self.assertGreater(plan[key], 0, key)
        self.assertGreater(plan["total_s_on_one_rank"], plan["total_s"])
        self.assertEqual(plan["training_rows"], 8 * 80)
        table = self.spikesweep("plan small.toml").stdout
        self.assertRegex(table, r"time on 1 rank +about .*: sweep .*, training .*, validation .*, report ")

    def test_plan_grows_with_what_costs_time(self):
        def plan(settings):
            return json.loads(self.spikesweep(f"plan small.toml --json --ranks 1 --set {settings}").stdout)
        base = plan("learning.epochs=200")
        # Measured each time: so the machine may be twice as busy.
        self.assertGreater(plan("learning.epochs=2000")["train_s"], 3 * base["train_s"])
        self.assertGreater(plan("learning.epochs=200 learning.members=10")["train_s"], 3 * base["train_s"])
        self.assertGreater(plan("learning.epochs=200 validation.duration_s=200")["validate_s"], 3 * base["validate_s"])
        refined = plan("learning.epochs=200 learning.members=2 design.refine_rounds=3")
        self.assertEqual((refined["trainings"], refined["training_rows"]), (4, (8 + 3 * 8) * 80))
        self.assertGreater(refined["refine_s"], 0)
        self.assertEqual(plan("design.test_points=0")["validate_s"], 0)

    def test_plan_covers_a_network_too_slow_to_try(self):
        plan = json.loads(self.spikesweep("plan small.toml --json --set sweep.burn_in_s=60").stdout)
        self.assertEqual(plan["trial_tasks"], 0)
        self.assertGreater(plan["train_s"], 0)
        self.assertGreater(plan["validate_s"], 0)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
