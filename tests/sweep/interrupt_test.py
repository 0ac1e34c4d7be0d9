#!/usr/bin/python3
"""Sweeps of few, long tasks that are interrupted and killed again and again: they lose next to nothing.

Usage: interrupt_test.py BINARY MPIEXEC [--task-s SECONDS] [TESTS]
--task-s: core time of a task. The default is short. With 20 the test is a study of a quarter of an hour, which also
prints the total time over that of an undisturbed sweep.
"""

import json
import os
import pathlib
import pty
import random
import re
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest

import h5py

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
from mpi_job import PATIENCE_S, MpiJob  # noqa: E402
from result_bytes import lasting_bytes  # noqa: E402

BINARY, MPIEXEC = sys.argv[1:3]
TASK_S = float(sys.argv.pop(sys.argv.index("--task-s") + 1)) if "--task-s" in sys.argv else 0.3
sys.argv = [word for word in sys.argv if word != "--task-s"]
STUDY = TASK_S >= 10
TASKS = 24
RANKS = 2
PARTS = 6  # An interrupt comes after a sixth of the time of an undisturbed sweep.
SAVED_EVERY_S = 5
MOST_SIMULATED_S = 100_000  # No task fails for its length.
CONFIG = f"""[design]
kind = "list"
selection_points = 0
test_points = 0
[design.axes]
S_EE = {[round(3.5 + 0.02 * i, 2) for i in range(TASKS)]}
"""


def wait_status(process, seconds):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        done, status = os.waitpid(process, os.WNOHANG)
        if done:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.01)
    os.kill(process, signal.SIGKILL)
    os.waitpid(process, 0)
    raise AssertionError("the program hangs")


def in_terminal(command, directory, presses):
    """Runs a command in a terminal of its own and types Ctrl-C at these times [s]. Exit code, and what it printed."""
    process, terminal = pty.fork()
    if process == 0:
        try:
            os.chdir(directory)
            os.execvp(command[0], command)
        finally:
            os._exit(127)
    start = time.monotonic()
    presses = list(presses)
    text = b""
    while time.monotonic() < start + PATIENCE_S * (20 if STUDY else 1):
        if select.select([terminal], [], [], 0.02)[0]:
            try:
                read = os.read(terminal, 65536)
            except OSError:  # The last one closed it.
                read = b""
            if not read:
                break
            text += read
        if presses and time.monotonic() >= start + presses[0]:
            presses.pop(0)
            os.write(terminal, b"\x03")
    code = wait_status(process, PATIENCE_S)
    os.close(terminal)
    return code, text.decode(errors="replace")


def heeds_signals(process):
    """Whether a process handles SIGTERM."""
    try:
        caught = re.search(r"^SigCgt:\s*([0-9a-f]+)", pathlib.Path(f"/proc/{process}/status").read_text(), re.M)
    except (FileNotFoundError, ProcessLookupError):
        return False
    return caught is not None and int(caught.group(1), 16) >> (signal.SIGTERM - 1) & 1 == 1


def core_time(sweep):
    """Of all tasks [s]."""
    with h5py.File(sweep, "r") as file:
        return float(file["provenance/core_s"][()].sum())


class Interrupts(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.scratch = tempfile.TemporaryDirectory(prefix="spikesweep_interrupt_")
        cls.directory = pathlib.Path(cls.scratch.name)
        cls.config = cls.directory / "c.toml"
        cls.config.write_text(CONFIG)
        plan = json.loads(subprocess.run([BINARY, "plan", cls.config, "--json"], capture_output=True, check=True).stdout)
        transitions = max(100, round(plan["samples"] / TASKS * TASK_S * TASKS / plan["core_s"]))
        cls.config.write_text(CONFIG + f"[sweep]\nmax_simulated_s = {MOST_SIMULATED_S}\ntransitions = {transitions}\n")
        # A busy machine makes a short run long: then the interrupts come too late. The shorter of two tells.
        names = ["expected.h5"] if STUDY else ["again.h5", "expected.h5"]
        cls.undisturbed_s = min(map(cls.undisturbed, names))
        cls.expected = lasting_bytes(cls.directory / "expected.h5")

    @classmethod
    def undisturbed(cls, name):
        """The time that a sweep takes which nothing disturbs [s]."""
        begin = time.monotonic()
        subprocess.run([MPIEXEC, "-n", str(RANKS), BINARY, "-q", "sweep", cls.config, "-o", cls.directory / name],
                       check=True, capture_output=True)
        return time.monotonic() - begin

    @classmethod
    def tearDownClass(cls):
        cls.scratch.cleanup()

    def setUp(self):
        self.file = self.directory / f"{self.id().rsplit('.', 1)[1]}.h5"
        self.random = random.Random(5)

    def command(self, launcher=(MPIEXEC, "-n", str(RANKS)), options=()):
        return [*launcher, BINARY, "-q", "sweep", str(self.config), "-o", str(self.file), *options]

    def unfinished(self):
        directory = self.file.with_name(self.file.name + ".unfinished")
        return sorted(path.name for path in directory.iterdir()) if directory.exists() else []

    def status(self):
        return subprocess.run([BINARY, "status", self.file], capture_output=True, check=True, text=True).stdout

    def expect_undisturbed(self, text=""):
        self.assertNotIn("set aside", text)
        self.assertNotIn("in a process of their own", text)
        self.assertTrue(lasting_bytes(self.file) == self.expected, "bytes differ from the undisturbed sweep's")
        self.assertEqual(self.unfinished(), [])

    def tell(self, disturbances, spent_s):
        """What the study found. Machines are not equally fast all the time. The core time of the tasks tells how fast
        this one was, and the ratio at equal speed what is lost to starts, ends, and work that runs again."""
        core_s, before_s = core_time(self.file), core_time(self.directory / "expected.h5")
        ratio = spent_s / self.undisturbed_s
        print(f"{self.id()}: {disturbances}, {spent_s:.0f} s for {self.undisturbed_s:.0f} s undisturbed; core time of "
              f"the tasks {core_s:.0f} s and {before_s:.0f} s\nratio: {ratio:.2f}; at equal speed: "
              f"{ratio * before_s / core_s:.2f}", flush=True)

    def interrupt_till_it_is_over(self, command, interrupted_code):
        begin = time.monotonic()
        texts = ""
        interrupts = 0
        while True:
            # Start and end of mpirun take time in which nothing is simulated.
            code, text = in_terminal(command, self.directory, [self.undisturbed_s / PARTS + 1])
            texts += text
            if code == 0:
                break
            interrupts += 1
            self.assertEqual(code, interrupted_code, text)
            self.assertLess(interrupts, 3 * PARTS, texts)
            self.assertNotIn("died", self.status())
        spent_s = time.monotonic() - begin
        self.assertGreaterEqual(interrupts, 2)
        self.expect_undisturbed(texts)
        if STUDY:
            self.tell(f"{interrupts} interrupts", spent_s)

    def test_ctrl_c_again_and_again_under_mpirun_that_the_program_started(self):
        self.interrupt_till_it_is_over(self.command(launcher=(), options=["--ranks", str(RANKS)]), 75)

    def test_ctrl_c_again_and_again_under_plain_mpirun(self):
        # Open MPI gives its ranks a second, and has an exit code of its own.
        self.interrupt_till_it_is_over(self.command(), 1)

    def test_ctrl_c_again_and_again_on_one_rank(self):
        if STUDY:
            self.skipTest("one rank is not what the study is about")
        self.interrupt_till_it_is_over(self.command(launcher=()), 75)

    def test_a_request_is_answered_at_once(self):
        code, text = in_terminal(self.command(launcher=(), options=["--ranks", str(RANKS)]), self.directory, [2])
        self.assertEqual(code, 75, text)
        self.assertIn("asked the ranks to finish", text)
        self.assertIn("the same command resumes", text)
        self.assertNotIn("mpirun", text)

    def test_a_request_while_the_ranks_start_is_not_lost(self):
        if STUDY:
            self.skipTest("no matter of time")
        command = self.command(launcher=(), options=["--ranks", str(RANKS)])
        for after_s in [0, 0.03, 0.06, 0.1, 0.15, 0.2, 0.3, 0.5]:
            process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
            while not heeds_signals(process.pid):
                time.sleep(0.001)
            time.sleep(after_s)
            process.send_signal(signal.SIGINT)  # To the program alone.
            words = process.communicate(timeout=PATIENCE_S)[1]
            self.assertEqual(process.returncode, 75, (after_s, words))

    def signal_at_any_time(self, command, codes):
        """Ends the command after ever longer times, from the moment it heeds signals until it is over before them."""
        ended_by_itself = 0
        after_s = 0
        while ended_by_itself < 5:
            process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
            while not heeds_signals(process.pid) and process.poll() is None:
                time.sleep(0.001)
            time.sleep(after_s)
            process.send_signal(self.random.choice([signal.SIGINT, signal.SIGTERM, signal.SIGUSR1]))
            self.assertIn(process.wait(PATIENCE_S), codes, (after_s, process.stderr.read()))
            process.stderr.close()
            ended_by_itself += 1 if process.returncode == 0 else 0
            after_s += 0.03

    def test_a_signal_at_any_time_from_the_start_of_mpi_to_the_end_lets_the_program_end_in_good_order(self):
        if STUDY:
            self.skipTest("no matter of time")
        small = self.directory / "small.toml"
        small.write_text(CONFIG + "[sweep]\ntransitions = 200\n")
        self.signal_at_any_time([BINARY, "-q", "sweep", small, "-o", self.file], {0, 75})
        self.signal_at_any_time([BINARY, "-q", "verify", self.file], {0, 75})
        self.signal_at_any_time([BINARY, "-q", "sweep", small, "-o", self.file], {0, 75})

    def test_a_second_request_ends_what_the_first_one_lets_finish(self):
        command = self.command(launcher=(), options=["--ranks", str(RANKS), "--grace", "1h"])
        begin = time.monotonic()
        code, text = in_terminal(command, self.directory, [1.5, 2])
        self.assertEqual(code, 75, text)
        self.assertIn("asked the ranks to end at once", text)
        self.assertLess(time.monotonic() - begin, self.undisturbed_s + 5)

    def test_sigkill_of_a_random_rank_again_and_again(self):
        begin = time.monotonic()
        kills = 0
        texts = ""
        after_s = max(self.undisturbed_s / PARTS, SAVED_EVERY_S + 1) if STUDY else self.undisturbed_s / 3
        while True:
            job = MpiJob(MPIEXEC, RANKS, self.command(launcher=()), self.directory / "log")
            self.addCleanup(job.end)
            end = time.monotonic() + after_s
            while job.running and time.monotonic() < end:
                time.sleep(0.01)
            ranks = job.ranks()
            # Short tasks are not saved in time before a kill, so that a few kills would look like their fault.
            if ranks and (STUDY or kills < 1):
                os.kill(self.random.choice(ranks), signal.SIGKILL)
                kills += 1
            code = job.wait()
            texts += job.log()
            if code == 0:
                break
            self.assertLess(kills, 4 * PARTS, texts)
        spent_s = time.monotonic() - begin
        self.assertGreaterEqual(kills, 1)
        self.expect_undisturbed(texts)
        if STUDY:
            self.tell(f"{kills} kills", spent_s)

    def interrupt_once(self):
        code, text = in_terminal(self.command(launcher=()), self.directory, [self.undisturbed_s / 2])
        self.assertEqual(code, 75, text)
        self.assertTrue(self.unfinished())
        status = subprocess.run([BINARY, "status", self.file, "--json"], capture_output=True, check=True).stdout
        self.assertGreater(json.loads(status)["saved"], 0)

    def test_what_is_saved_may_be_lost_or_damaged(self):
        if STUDY:
            self.skipTest("no matter of time")
        directory = self.file.with_name(self.file.name + ".unfinished")
        for harm in [shutil.rmtree, lambda at: [os.truncate(path, path.stat().st_size // 2) for path in at.iterdir()],
                     lambda at: [path.write_bytes(b"\0" * path.stat().st_size) for path in at.iterdir()]]:
            self.file.unlink(missing_ok=True)
            self.interrupt_once()
            harm(directory)
            self.assertEqual(in_terminal(self.command(launcher=()), self.directory, [])[0], 0)
            self.expect_undisturbed()

    def test_another_number_of_ranks_goes_on_with_what_was_saved(self):
        if STUDY:
            self.skipTest("no matter of time")
        self.interrupt_once()
        code, text = in_terminal(self.command(launcher=(MPIEXEC, "-n", "3")), self.directory, [])
        self.assertEqual(code, 0, text)
        self.expect_undisturbed(text)

    def test_ranks_are_refused_under_a_launcher(self):
        done = subprocess.run([MPIEXEC, "-n", "2", *self.command(launcher=(), options=["--ranks", "2"])],
                              capture_output=True, text=True, timeout=PATIENCE_S)
        self.assertEqual(done.returncode, 2)
        self.assertIn("leave out --ranks", done.stderr)
        self.assertEqual(done.stderr.count("spikesweep: error"), 1, done.stderr)


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0], *sys.argv[3:]], verbosity=2)
