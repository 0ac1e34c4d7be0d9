#!/usr/bin/python3
"""What jobs/ promises, on a real SLURM that the test starts: jobs that run out of time, are cancelled or preempted
end with the file of an undisturbed run, and a chain of jobs outlives all that."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import unittest

import h5py

from slurm_cluster import Cluster, programs_missing

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, "tests"))
from result_bytes import lasting_bytes  # noqa: E402

JOBS = os.path.join(ROOT, "jobs")
BINARY = os.environ.get("SPIKESWEEP_BINARY", os.path.join(ROOT, "build", "release", "spikesweep"))
PATIENCE_S = 400
ENVIRONMENT = {
    "SPIKESWEEP": BINARY,
    # What a container wants; no script of jobs/ may set it unasked.
    "OMPI_ALLOW_RUN_AS_ROOT": "1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1",
    "OMPI_MCA_rmaps_base_oversubscribe": "1", "OMPI_MCA_hwloc_base_binding_policy": "none",
    "OMPI_MCA_mpi_yield_when_idle": "1",
}
ENDED = ("COMPLETED", "FAILED", "CANCELLED", "TIMEOUT", "NODE_FAIL", "OUT_OF_MEMORY", "BOOT_FAIL", "DEADLINE")

# Some 20 s of one core, which four jobs of two ranks share: none is over within the half minute in which the signal of
# a job of one minute comes.
LONG = """
[network]
preset = "zhang2024"
[design]
points = 90
selection_points = 5
test_points = 5
replicates = 4
[design.axes]
S_EE = {min = 3.8, max = 4.2}
S_EI = {min = 2.0, max = 2.4}
[sweep]
transitions = 20
burn_in_s = 6.5
"""
# Small enough that one of its twelve tasks fails if at most 12000 kicks may be pending.
SMALL = """
[network]
preset = "zhang2024"
[design]
points = 12
selection_points = 2
test_points = 2
[design.axes]
S_EE = {min = 3.8, max = 4.2}
S_EI = {min = 2.0, max = 2.4}
[sweep]
transitions = 80
"""
LEARNING = """
[learning]
hidden = 16
layers = 1
components = 2
epochs = 2
candidates = 1
shards = 8
selection_s = 0.5
selection_chains = 1
[validation]
duration_s = 1.0
chains = 1
"""


def differing(one, other):
    """Names of the datasets that differ, for messages."""
    found = []
    with h5py.File(one, "r") as a, h5py.File(other, "r") as b:
        def visit(name, item):
            if isinstance(item, h5py.Dataset) and item[()].tobytes() != b[name][()].tobytes():
                found.append(name)
        a.visititems(visit)
    return found


class Job:
    """A job of the test's cluster."""

    def __init__(self, number, log):
        self.number = number
        self.log_file = log

    def shown(self):
        return SLURM.job(self.number)

    def log(self):
        try:
            with open(self.log_file, encoding="utf-8") as file:
                return file.read()
        except FileNotFoundError:
            return ""

    def wait_for(self, condition, what):
        def reached():
            if condition():
                return True
            state = self.shown().get("JobState")
            if state in ENDED and not condition():
                raise AssertionError(f"job {self.number} is {state} before {what}\n{self.log()}")
            return False
        SLURM.wait_for(reached, f"job {self.number}: {what}", PATIENCE_S)

    def wait(self):
        """Waits for its end; returns what SLURM shows of it."""
        SLURM.wait_for(lambda: self.shown().get("JobState") in ENDED, f"job {self.number} to end", PATIENCE_S)
        return self.shown()


def path(name):
    return os.path.join(WORK, name)


def submit(script, *arguments, options=(), **environment):
    done = SLURM.call("sbatch", "--parsable", "--ntasks=2", *options, script, *arguments, cwd=WORK, **environment)
    if done.returncode != 0:
        raise AssertionError(f"sbatch: {done.stderr}")
    number = int(done.stdout)
    return Job(number, SLURM.job(number)["StdOut"])


def submit_sweep(output, *options, **environment):
    return submit(os.path.join(JOBS, "sweep.sbatch"), "long.toml", "-o", output, options=options, **environment)


def spikesweep(*arguments):
    return subprocess.run([BINARY, *arguments], cwd=WORK, check=False, capture_output=True, text=True,
                          env={**os.environ, "HDF5_USE_FILE_LOCKING": "FALSE"})


def tasks_done(file):
    if not os.path.exists(path(file)):
        return 0
    status = spikesweep("status", file)
    rows = [line.split() for line in status.stdout.splitlines()]
    return next((int(row[1]) for row in rows if row[:1] == ["done"]), 0)


def setUpModule():  # pylint: disable=invalid-name
    global SLURM, WORK, UNDISTURBED, SHORT, OVERDUE
    missing = programs_missing()
    if missing:
        raise AssertionError(f"programs of SLURM are missing: {' '.join(missing)}; tools/setup --test installs them")
    if not os.access(BINARY, os.X_OK):
        raise AssertionError(f"{BINARY} is not there: build it first")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # So that everything is cleaned up.
    # pylint: disable=consider-using-with
    WORK = os.path.realpath(tempfile.mkdtemp(prefix="spikesweep jobs "))
    unittest.addModuleCleanup(shutil.rmtree, WORK)
    for name, text in {"long": LONG, "small": SMALL,
                       "failing": SMALL + "max_pending = 12000\n"}.items():
        with open(path(name + ".toml"), "w", encoding="utf-8") as file:
            file.write(text + LEARNING)
    SLURM = Cluster(processors=8, cores=1, environment=ENVIRONMENT)
    unittest.addModuleCleanup(SLURM.__exit__)
    SLURM.__enter__()  # pylint: disable=unnecessary-dunder-call
    # These go on while the tests do other things.
    UNDISTURBED = submit_sweep("undisturbed.h5", "--time=30")
    SHORT = {launch: submit_sweep(f"short {launch}.h5", "--time=1", "--signal=B:USR1@30", "--comment=my own",
                                  SPIKESWEEP_LAUNCH=launch)
             for launch in ("mpirun", "srun --mpi=pmix")}
    with open(path("deaf"), "w", encoding="utf-8") as file:  # Stands in for what does not heed SIGUSR1 in time.
        file.write("#!/bin/sh\ntrap '' USR1\n[ -e tried ] && echo 0 >$SPIKESWEEP_EXIT_FILE && exit 0\n"
                   "touch tried\nexec sleep 300\n")
    os.chmod(path("deaf"), 0o755)
    OVERDUE = submit_sweep("overdue.h5", "--time=1", SPIKESWEEP=path("deaf"), SPIKESWEEP_LAUNCH="env")


class SlurmTest(unittest.TestCase):
    def assert_completed(self, job):
        shown = job.wait()
        self.assertEqual((shown["JobState"], shown["ExitCode"]), ("COMPLETED", "0:0"), job.log())
        return shown

    def assert_like_undisturbed(self, file):
        self.assert_completed(UNDISTURBED)
        self.assertTrue(os.path.exists(path("undisturbed.h5")), UNDISTURBED.log())
        verified = spikesweep("verify", file)
        self.assertEqual(verified.returncode, 0, verified.stdout + verified.stderr)
        if lasting_bytes(path(file)) != lasting_bytes(path("undisturbed.h5")):
            self.fail(f"differ: {differing(path(file), path('undisturbed.h5'))}")

    def wait_for_tasks(self, job, file, count):
        job.wait_for(lambda: tasks_done(file) >= count, f"{count} tasks are done")


class Sweeps(SlurmTest):
    def test_out_of_time_they_go_back_into_the_queue_until_they_are_done(self):
        for launch, job in SHORT.items():
            with self.subTest(launch):
                shown = self.assert_completed(job)
                self.assertIn(f"{launch} {BINARY} sweep", job.log())
                restarts = int(shown["Restarts"])
                self.assertGreaterEqual(restarts, 1)
                self.assertEqual(job.log().count("sweep ended with 75"), restarts)
                self.assertEqual(job.log().count("sweep ended with 0"), 1)
                self.assertEqual(shown["Comment"].rstrip(), f"my own restarts={restarts}")
                self.assert_like_undisturbed(f"short {launch}.h5")

    def test_killed_at_the_end_of_their_time_they_go_back_into_the_queue_too(self):
        shown = self.assert_completed(OVERDUE)
        self.assertIn("DUE TO TIME LIMIT", OVERDUE.log())
        self.assertEqual((shown["Restarts"], shown["Comment"].rstrip()), ("1", "restarts=1"))

    def test_cancelled_they_stay_out_of_the_queue_and_resume_when_submitted_again(self):
        first = submit_sweep("cancelled.h5")
        self.wait_for_tasks(first, "cancelled.h5", 10)
        SLURM.call("scancel", str(first.number))
        self.assertEqual(first.wait()["JobState"], "CANCELLED")
        self.assertNotIn("goes back", first.log())
        self.assertLess(tasks_done("cancelled.h5"), 360)
        again = submit_sweep("cancelled.h5")
        self.assert_completed(again)
        self.assert_like_undisturbed("cancelled.h5")

    def preempt(self, job):
        """Gives the job's processors to another one, of a partition that goes first."""
        for _ in range(5):  # Processors may become free for other reasons.
            idle = int(SLURM.call("sinfo", "-h", "-o", "%C").stdout.split("/")[1])
            other = submit("--wrap=sleep 1", options=(f"--ntasks={idle + 1}", "--partition=day"))
            other.wait()
            if int(job.shown()["Restarts"]) > 0:
                return
        self.fail("the job was not preempted")

    def test_preempted_they_go_on_and_that_is_not_counted(self):
        # With mpirun it is harder: it kills its ranks soon after SIGTERM.
        job = submit_sweep("preempted.h5", "--partition=spare", SPIKESWEEP_RESTARTS="1", SPIKESWEEP_LAUNCH="mpirun")
        self.wait_for_tasks(job, "preempted.h5", 10)
        self.preempt(job)
        job.wait_for(lambda: job.shown()["JobState"] == "PENDING", "it is in the queue again")
        with h5py.File(path("preempted.h5"), "r") as file:  # No task is under suspicion for having been in hand.
            self.assertEqual(file["provenance/attempts"][:][file["tasks/state"][:] == 0].max(), 0)
        job.wait_for(lambda: job.log().count("spikesweep job: ") > 1 and job.log().count("info: 2 ranks") == 2,
                     "it runs again")
        self.assertNotIn("goes back", job.log())
        self.assertNotIn("restarts=", job.shown().get("Comment", ""))
        # The one restart that it may have is still there.
        SLURM.call("scancel", "--batch", "--signal=USR1", str(job.number))
        job.wait_for(lambda: "restart 1 of at most 1" in job.log(), "it goes back into the queue")
        shown = self.assert_completed(job)
        self.assertEqual(shown["Restarts"], "2")
        self.assert_like_undisturbed("preempted.h5")

    def test_out_of_restarts_they_end_with_75(self):
        job = submit_sweep("ended.h5", SPIKESWEEP_RESTARTS="0")
        self.wait_for_tasks(job, "ended.h5", 1)
        SLURM.call("scancel", "--batch", "--signal=USR1", str(job.number))
        shown = job.wait()
        self.assertEqual((shown["JobState"], shown["ExitCode"], shown["Restarts"]), ("FAILED", "75:0", "0"))
        self.assertIn("SPIKESWEEP_RESTARTS=0", job.log())

    def test_ranks_that_do_not_know_of_each_other_are_refused(self):
        done = SLURM.call("srun", "--ntasks=2", "--mpi=none", BINARY, "sweep", "long.toml", "-o", "refused.h5",
                          cwd=WORK)
        self.assertIn(done.returncode, (1, 2))
        self.assertEqual(done.stderr.count("use `srun --mpi=pmix`"), 1, done.stderr)
        self.assertEqual([name for name in os.listdir(WORK) if name.startswith("refused")], [])

    def submit_dying(self, launch, starts, end):
        """A job whose rank 0 ends like this in its first starts, before MPI has started."""
        name = f"{end} {launch} {starts}"
        with open(path(f"{name} starts"), "w", encoding="utf-8"):
            pass
        with open(path(name), "w", encoding="utf-8") as file:
            file.write(f"""#!/bin/sh
if [ "${{OMPI_COMM_WORLD_RANK:-$SLURM_PROCID}}" = 0 ] && [ "$(stat -c %s '{name} starts')" -lt {starts} ]; then
  printf . >>'{name} starts'
  {end}
fi
exec {BINARY} "$@"
""")
        os.chmod(path(name), 0o755)
        return submit(os.path.join(JOBS, "sweep.sbatch"), "small.toml", "-o", f"{name}.h5", SPIKESWEEP=path(name),
                      SPIKESWEEP_LAUNCH=launch, SLURM_WAIT="1")

    def test_whose_ranks_die_while_mpi_starts_start_once_more(self):
        once = [self.submit_dying(launch, 1, "kill -SEGV $$") for launch in SHORT]
        always = self.submit_dying("mpirun", 2, "kill -SEGV $$")
        # SLURM's srun does that: "task 0 launch failed", and 0.
        well = [self.submit_dying("env", 1, "exit 0"), self.submit_dying("env", 2, "exit 0")]
        for job in [*once, *well]:
            shown = self.assert_completed(job)
            self.assertEqual(job.log().count("the ranks did not start"), 1, job.log())
        self.assertEqual(shown["Restarts"], "1", well[1].log())
        self.assertIn("the launcher ended with 0, but rank 0 has not ended", well[1].log())
        self.assertEqual(always.wait()["ExitCode"], "139:0", always.log())
        self.assertEqual(always.log().count("the ranks did not start (139)"), 1, always.log())

    def test_a_script_far_from_its_library_says_so(self):
        shutil.copy(os.path.join(JOBS, "sweep.sbatch"), path("copy.sbatch"))
        job = submit(path("copy.sbatch"), "small.toml", "-o", "copy.h5")
        self.assertEqual(job.wait()["ExitCode"], "2:0")
        self.assertIn("SPIKESWEEP_JOBS", job.log())
        job = submit(path("copy.sbatch"), "small.toml", "-o", "copy.h5", SPIKESWEEP_JOBS=JOBS)
        self.assert_completed(job)


class Pipeline(SlurmTest):
    def submit(self, *arguments):
        done = SLURM.call(os.path.join(JOBS, "pipeline.sh"), *arguments, cwd=WORK)
        self.assertEqual(done.returncode, 0, done.stderr)
        steps = dict(line.split() for line in done.stdout.splitlines())
        self.assertEqual(list(steps), ["sweep", "train", "validate"])
        return [Job(int(number), SLURM.job(number)["StdOut"]) for number in steps.values()]

    def test_waits_for_a_sweep_that_goes_back_into_the_queue_and_ends_with_a_report(self):
        sweep, train, validate = self.submit("long.toml", "-o", "my chain", "--", "--ntasks=2", "--time=10")
        self.wait_for_tasks(sweep, "my chain/sweep.h5", 10)
        SLURM.call("scancel", "--batch", "--signal=USR1", str(sweep.number))
        sweep.wait_for(lambda: sweep.shown()["Restarts"] == "1", "it is in the queue again")
        self.assertEqual(train.shown()["JobState"], "PENDING")
        for job in (sweep, train, validate):
            self.assert_completed(job)
        self.assert_like_undisturbed("my chain/sweep.h5")
        self.assertIn("noise floor", validate.log())
        for name in ("model.h5", "validation.h5", "report.html"):
            self.assertTrue(os.path.exists(path(f"my chain/{name}")), name)

    def test_trains_on_what_is_there_if_some_tasks_failed(self):
        sweep, _, validate = self.submit("failing.toml", "-o", "failing", "--", "--ntasks=2")
        self.assert_completed(validate)
        self.assertIn("sweep ended with 3", sweep.log())
        self.assertIn("some tasks failed", sweep.log())

    def test_stops_at_failed_tasks_if_it_is_strict(self):
        sweep, train, validate = self.submit("failing.toml", "-o", "strict", "--strict", "--", "--ntasks=2")
        self.assertEqual(validate.wait()["JobState"], "CANCELLED")
        self.assertEqual(train.wait()["JobState"], "CANCELLED")
        self.assertEqual(sweep.shown()["ExitCode"], "3:0")


if __name__ == "__main__":
    unittest.main(verbosity=2)
