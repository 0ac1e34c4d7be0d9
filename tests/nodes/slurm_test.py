#!/usr/bin/python3
"""What jobs/ promises for jobs of several nodes, on a real SLURM over nodes that the test makes: each job ends by itself
with the bytes of an undisturbed run, whatever happens to its nodes.

Usage: slurm_test.py BINARY MPIEXEC [TESTS]
"""

import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time
import unittest

import cluster

TESTS = pathlib.Path(__file__).resolve().parent.parent
sys.path[:0] = [str(TESTS), str(TESTS / "jobs")]
from result_bytes import lasting_bytes  # noqa: E402
from small_study import changed  # noqa: E402
from slurm_cluster import Cluster, programs_missing  # noqa: E402

BINARY = pathlib.Path(sys.argv[1])
JOBS = TESTS.parent / "jobs"
NODES = 11  # n1 has the controller; the others compute.
PROCESSORS = 2  # Of each node.
JOB = ("--nodes=2", f"--ntasks={2 * PROCESSORS}", "--time=30")
LAUNCHERS = ("mpirun", "srun --mpi=pmix")
PATIENCE_S = 600
ENDED = ("COMPLETED", "FAILED", "CANCELLED", "TIMEOUT", "NODE_FAIL", "OUT_OF_MEMORY", "BOOT_FAIL", "DEADLINE")
SILENCE_S = "10"  # The least that is allowed.


class Job:
    """A job, and the file that it makes."""

    def __init__(self, slurm, work, script, arguments, file, options=(), **environment):
        self.slurm = slurm
        self.file = work / file
        self.again = lambda: Job(slurm, work, script, arguments, file, options, **environment)
        done = slurm.call("sbatch", "--parsable", *JOB, *options, str(JOBS / script), *arguments, cwd=work, **environment)
        if done.returncode != 0:
            raise AssertionError(done.stderr)
        self.number = int(done.stdout)
        self.log_file = pathlib.Path(self.shown()["StdOut"])

    def shown(self):
        return self.slurm.job(self.number)

    def log(self):
        return self.log_file.read_text() if self.log_file.exists() else ""

    def tasks_done(self):
        status = subprocess.run([BINARY, "status", self.file], check=False, capture_output=True, text=True,
                                env={**os.environ, "HDF5_USE_FILE_LOCKING": "FALSE"})
        rows = [line.split() for line in status.stdout.splitlines()]
        return next((int(row[1]) for row in rows if row[:1] == ["done"]), 0)

    def is_at_work(self):
        return self.tasks_done() >= 4 and self.shown()["JobState"] == "RUNNING"

    def nodes(self):
        """The numbers of its nodes; that of the batch script comes first."""
        shown = self.shown()
        names = self.slurm.call("scontrol", "show", "hostnames", shown["NodeList"]).stdout.split()
        names.sort(key=lambda name: name != shown["BatchHost"])
        return [int(name[1:]) for name in names]

    def wait(self):
        """Waits for its end; returns what SLURM shows of it."""
        self.slurm.wait_for(lambda: self.shown().get("JobState") in ENDED, f"job {self.number} to end", PATIENCE_S)
        return self.shown()


class OnNodes(unittest.TestCase):
    # The first tasks are done after a third of the work, and no job is over before somebody has looked at it.
    POINTS = 100
    BURN_IN_S = 9.0  # Twenty seconds of one core, which all jobs share.

    @classmethod
    def setUpClass(cls):
        missing = programs_missing()
        if missing:
            raise AssertionError(f"programs of SLURM are missing: {' '.join(missing)}; tools/setup --test installs them")
        cls.work = pathlib.Path(tempfile.mkdtemp(prefix="spikesweep nodes "))
        cls.addClassCleanup(shutil.rmtree, cls.work, ignore_errors=True)
        (cls.work / "c.toml").write_text(
            changed(points=f"{cls.POINTS}\nreplicates = 2", transitions=f"20\nburn_in_s = {cls.BURN_IN_S}", hidden=16))
        subprocess.run([BINARY, "-q", "sweep", "c.toml", "-o", "expected.h5"], cwd=cls.work, check=True,
                       capture_output=True)
        cls.cluster = cluster.Cluster(NODES)
        cls.addClassCleanup(cls.cluster.close)
        cls.slurm = Cluster(PROCESSORS, cores=os.cpu_count(), nodes=cls.cluster,
                            environment={**cls.cluster.environment, "SPIKESWEEP": str(BINARY),
                                         "SPIKESWEEP_SILENCE_S": SILENCE_S})
        cls.addClassCleanup(cls.slurm.__exit__)
        cls.slurm.__enter__()  # pylint: disable=unnecessary-dunder-call

    def submit(self, *words, script="sweep.sbatch", file, **more):
        return Job(self.slurm, self.work, script, words or ("c.toml", "-o", file), file, **more)

    def trouble(self, waiting):
        """What there is to know of jobs that do not come to work."""
        shown = [self.slurm.call("squeue", "--long").stdout, self.slurm.call("sinfo", "--long", "--Node").stdout]
        return "\n".join([*shown, *(f"{name}: {job.tasks_done()} tasks done\n{job.log()}"
                                    for name, job in waiting.items()), self.slurm.logs()])

    def once_at_work(self, jobs, act):
        """Calls act(name, job) for each of the named jobs as soon as it is at work."""
        begin = time.monotonic()
        waiting = dict(jobs)
        while waiting:
            for name, job in list(waiting.items()):
                if job.is_at_work():
                    act(name, job)
                    del waiting[name]
                elif (state := job.shown()["JobState"]) in ENDED:  # Over while SLURM did not answer: once more.
                    self.assertEqual(state, "COMPLETED", job.log())
                    job.file.unlink()
                    waiting[name] = jobs[name] = job.again()
            if time.monotonic() > begin + PATIENCE_S:
                self.fail(self.trouble(waiting))
            time.sleep(0.1)

    def assert_completed(self, job):
        shown = job.wait()
        self.assertEqual((shown["JobState"], shown["ExitCode"]), ("COMPLETED", "0:0"), job.log())
        return shown

    def assert_as_expected(self, job):
        self.assertTrue(lasting_bytes(job.file) == lasting_bytes(self.work / "expected.h5"), job.log())


class SeveralNodes(OnNodes):
    """All jobs of a test go on at the same time."""

    def test_share_one_study(self):
        runs = {launcher: self.submit("c.toml", "-o", f"run {launcher}", script="run.sbatch",
                                      file=f"run {launcher}/sweep.h5", SPIKESWEEP_LAUNCH=launcher)
                for launcher in LAUNCHERS}
        chain = self.slurm.call(str(JOBS / "pipeline.sh"), "c.toml", "-o", "50% chain", "--", *JOB, cwd=self.work)
        self.assertEqual(chain.returncode, 0, chain.stderr)
        array = self.submit("c.toml", "-o", "array_%a.h5", "--set", "seed=%a", file="array_1.h5", options=["--array=1-2"])
        for launcher, job in runs.items():
            with self.subTest(launcher):
                self.assert_completed(job)
                self.assert_as_expected(job)
                self.assertIn(f"{launcher} {BINARY} run", job.log())
                self.assertTrue((job.file.parent / "report.html").exists())
        for line in chain.stdout.splitlines():
            last = int(line.split()[1])
            self.slurm.wait_for(lambda number=last: self.slurm.job(number)["JobState"] in ENDED, line, PATIENCE_S)
            self.assertEqual(self.slurm.job(last)["JobState"], "COMPLETED", line)
        results = self.work / "50% chain"
        self.assertTrue((results / "report.html").exists())
        self.assertEqual(len(list(results.glob("*.log"))), 3)
        self.assertTrue(lasting_bytes(results / "sweep.h5") == lasting_bytes(self.work / "expected.h5"))
        for element in (1, 2):
            name = f"{array.number}_{element}"
            state = lambda one=name: self.slurm.job(one)["JobState"]
            self.slurm.wait_for(lambda known=state: known() in ENDED, name, PATIENCE_S)
            self.assertEqual(state(), "COMPLETED", name)
            alone = subprocess.run([BINARY, "-q", "sweep", "c.toml", "--set", f"seed={element}", "-o", "alone.h5"],
                                   cwd=self.work, check=False, capture_output=True, text=True)
            self.assertEqual(alone.returncode, 0, alone.stderr)
            self.assertTrue(lasting_bytes(self.work / "alone.h5") == lasting_bytes(self.work / f"array_{element}.h5"))
            (self.work / "alone.h5").unlink()

    def test_hand_over_and_are_preempted(self):
        jobs = {launcher: self.submit(file=f"handed over {launcher}.h5", SPIKESWEEP_LAUNCH=launcher)
                for launcher in LAUNCHERS}
        jobs["preempted"] = self.submit(file="preempted.h5", options=["--partition=spare"], SPIKESWEEP_LAUNCH="mpirun")

        def disturb(name, job):
            if name == "preempted":
                self.slurm.call("sbatch", f"--nodelist={job.shown()['NodeList']}", "--exclusive", "--output=/dev/null",
                                "--wrap=sleep 1")
            else:
                self.slurm.call("scancel", "--batch", "--signal=USR1", str(job.number))

        self.once_at_work(jobs, disturb)
        preempted = jobs.pop("preempted")
        for launcher, job in jobs.items():
            with self.subTest(launcher):
                self.assertEqual(self.assert_completed(job)["Restarts"], "1", job.log())
                self.assertIn("sweep ended with 75", job.log())
                self.assert_as_expected(job)
        self.assertGreaterEqual(int(self.assert_completed(preempted)["Restarts"]), 1, preempted.log())
        self.assert_as_expected(preempted)


class LostNodes(OnNodes):
    """A job whose node goes away ends, and goes on with other nodes."""

    BURN_IN_S = 15.0  # No job is over before its fault is noticed.

    def kill(self, node):
        """Power off: nothing on the node lives, and nobody is told."""
        self.cluster.cut(node)
        self.cluster.kill_all(node)

    FAULTS = {"the node of the batch script dies": (0, kill), "the other node dies": (1, kill),
              "the node of the batch script is cut off": (0, lambda self, node: self.cluster.cut(node)),
              "the other node is cut off": (1, lambda self, node: self.cluster.cut(node))}

    def go_on(self, launcher):
        # Files of each launcher: a finished file would make a job look at work before it has begun.
        jobs = {fault: self.submit(file=f"{fault}, {launcher}.h5", SPIKESWEEP_LAUNCH=launcher) for fault in self.FAULTS}
        begin = time.monotonic()
        cut_off = []

        def inflict(fault, job):
            which, how = self.FAULTS[fault]
            node = job.nodes()[which]
            how(self, node)
            cut_off.extend([node] if "cut off" in fault else [])

        self.once_at_work(jobs, inflict)
        for fault, job in jobs.items():
            with self.subTest(launcher, fault=fault):
                shown = self.assert_completed(job)
                print(f"{launcher}: {fault}: done {time.monotonic() - begin:.0f} s after the start", file=sys.stderr)
                self.assertGreaterEqual(int(shown["Restarts"]), 1, job.log())
                self.assert_as_expected(job)
        for node in cut_off:
            self.cluster.mend(node)

    def test_of_mpirun(self):
        self.go_on("mpirun")

    def test_of_srun(self):
        self.go_on("srun --mpi=pmix")


if __name__ == "__main__":
    cluster.main(sys.argv[3:])
