#!/usr/bin/python3
"""Nodes that are cut off or die, and ranks that stop or are killed, in sweeps and trainings over three nodes.

Usage: lost_node_test.py BINARY MPIEXEC [--faults SWEEP TRAINING]
--faults: instead of the tests, a study with so many random faults in one sweep and in one training, each started again
by the same command; it prints each fault, and how long after it the job ended. SPIKESWEEP_SILENCE_S=10 makes it
shorter. 0 faults: not this command.
"""

import os
import pathlib
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest

import cluster

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
from result_bytes import lasting_bytes, learnt  # noqa: E402

BINARY, MPIEXEC = map(pathlib.Path, sys.argv[1:3])
FAULTS = list(map(int, sys.argv[4:6])) if sys.argv[3:4] == ["--faults"] else None
NODES = 3
RANKS = 6
SILENCE_S = "10"  # The least that is allowed. The study has the default, 60.
MPIRUN_S = 20  # After which an mpirun that hangs is killed.
SLACK_S = 15
WARNED_S = 60
FAULT_TO_END_S = 90
PATIENCE_S = 900
STARTS = 5
PAUSE_S = 3
CONFIG = """
[network]
preset = "zhang2024"
[design]
kind = "latin_hypercube"
points = {points}
selection_points = 2
test_points = 2
[design.axes]
S_EE = {{min = 3.8, max = 4.2}}
S_EI = {{min = 2.0, max = 2.4}}
[sweep]
transitions = {transitions}
burn_in_s = {burn_in_s}
[learning]
hidden = 128
epochs = {epochs}
batch = 64
shards = 8
slices = 8
candidates = 2
selection_s = 1.0
selection_chains = 2
tuning_s = 0.5
"""


class ThreeNodes(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.directory = pathlib.Path(tempfile.mkdtemp(prefix="spikesweep-lost-"))
        cls.addClassCleanup(shutil.rmtree, cls.directory, ignore_errors=True)
        # A small disk of its own, which all nodes see.
        cls.disk = cls.directory / "disk"
        cls.disk.mkdir()
        study = FAULTS is not None
        size = "size=1000m" if study else "size=200m"
        subprocess.run(["mount", "-t", "tmpfs", "-o", size, "tmpfs", cls.disk], check=True)
        cls.addClassCleanup(subprocess.run, ["umount", "-l", cls.disk], check=True)
        # In the study a minute of work for each fault: the ranks that are left go on while one is missed.
        (cls.disk / "c.toml").write_text(CONFIG.format(
            points=400 if study else 24, transitions=1000 if study else 2500, burn_in_s=150 if study else 1, epochs=2))
        # What is learnt from is small, so that an epoch is short.
        (cls.disk / "t.toml").write_text(CONFIG.format(points=20, transitions=300, burn_in_s=1, epochs=200 if study else 40))
        commands = [["sweep", "c.toml", "-o", "expected.h5"], ["sweep", "t.toml", "-o", "data.h5"],
                    ["train", "t.toml", "-d", "data.h5", "-o", "expected_model.h5"]]
        if study:
            commands = commands[:1] * (FAULTS[0] > 0) + commands[1:] * (FAULTS[1] > 0)
        for command in commands:
            more = ["--ranks", "2"] if study and command[0] == "sweep" else []
            subprocess.run([BINARY, "-q", *command, *more], cwd=cls.disk, check=True, capture_output=True,
                           env={**os.environ, "OMPI_ALLOW_RUN_AS_ROOT": "1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1"})
        cls.nodes = cluster.Cluster(NODES)
        cls.addClassCleanup(cls.nodes.close)

    def setUp(self):
        self.log = self.directory / f"{self.id().rsplit('.', 1)[1]}.log"
        self.exit_file = self.directory / "exit"
        self.process = None
        self.said_before = 0
        self.addCleanup(self.end)
        self.clear()

    SWEEP = ("sweep", "c.toml", "-o", "s.h5")
    TRAIN = ("train", "t.toml", "-d", "data.h5", "-o", "m.h5")

    def start(self, command, prefix=()):
        self.exit_file.unlink(missing_ok=True)
        self.said_before = len(self.log.read_text()) if self.log.exists() else 0
        environment = {**self.nodes.environment, "OMP_NUM_THREADS": "1", "SPIKESWEEP_EXIT_FILE": str(self.exit_file)}
        if FAULTS is None:
            environment["SPIKESWEEP_SILENCE_S"] = SILENCE_S
        with open(self.log, "a") as log:
            self.process = subprocess.Popen(
                self.nodes.mpirun(MPIEXEC, RANKS, [*prefix, BINARY, "-q", *command], self.disk), env=environment,
                stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT, start_new_session=True)

    def at_work(self):
        """Whether the job has begun with what it keeps."""
        names = [path.name for path in self.disk.iterdir()]
        return any(name.startswith("m.h5.checkpoint") for name in names) or "s.h5.unfinished" in names

    def await_work(self, more_s=0.0):
        end = time.monotonic() + PATIENCE_S
        while self.process.poll() is None and not self.at_work():
            self.assertLess(time.monotonic(), end, self.log.read_text())
            time.sleep(0.05)
        end = time.monotonic() + more_s
        while self.process.poll() is None and time.monotonic() < end:
            time.sleep(0.05)

    def await_end(self, seconds):
        """Seconds till mpirun has ended, and its exit code."""
        begin = time.monotonic()
        try:
            code = self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.fail(f"still there after {seconds} s: {self.log.read_text()[-3000:]}")
        return time.monotonic() - begin, code

    def end(self):
        if self.process is not None and self.process.poll() is None:
            os.killpg(self.process.pid, 9)
            self.process.wait()

    def finish(self, command):
        """Starts the command until it is done. A network that has just been mended may not let mpirun through at once."""
        for _ in range(STARTS):
            self.start(command)
            _, code = self.await_end(PATIENCE_S)
            if code == 0:
                return
            time.sleep(PAUSE_S)
        self.fail(f"ended with {code}: {self.log.read_text()[-3000:]}")

    def expect_result(self, command):
        if command[0] == "sweep":
            self.assertTrue(lasting_bytes(self.disk / "s.h5") == lasting_bytes(self.disk / "expected.h5"))
        else:
            found, expected = learnt(self.disk / "m.h5"), learnt(self.disk / "expected_model.h5")
            self.assertEqual(found.keys(), expected.keys())
            self.assertEqual([name for name in expected if found[name] != expected[name]], [])

    def clear(self):
        for path in self.disk.glob("s.h5*"):
            shutil.rmtree(path) if path.is_dir() else path.unlink()
        for path in self.disk.glob("m.h5*"):
            path.unlink()

    # Faults. Each returns what makes the machine whole again, if anything.

    def cut(self, node):
        self.nodes.cut(node)
        return lambda: self.nodes.mend(node)

    def ranks_of(self, node):
        """Process numbers of the ranks on a node, as it counts them. n1 sees those of the others too, by other numbers."""
        lines = self.nodes.on(node, f"pgrep -x {BINARY.name} || true").split()
        if node == 1:
            lines = [line for line in lines
                     if self.nodes.on(1, f"readlink /proc/{line}/ns/uts || true") == self.nodes.on(1, "readlink /proc/1/ns/uts")]
        return lines

    def signal_rank(self, node, name):
        ranks = self.ranks_of(node)
        if ranks:
            self.nodes.on(node, f"kill -{name} {ranks[0]} || true")

    def kill_node(self, node):
        """The node keeps its name and address: a machine that was started again."""
        self.nodes.on(node, f"pkill -KILL orted; pkill -KILL -x {BINARY.name} || true")

    def fill_disk(self):
        full = self.disk / "full"
        take_room = f"dd if=/dev/zero bs=64k >>'{full}' 2>/dev/null"
        subprocess.run(take_room, shell=True, check=False)
        # Tasks that end give back the room of what was saved of them.
        filler = subprocess.Popen(f"while :; do {take_room}; sleep 0.1; done", shell=True, start_new_session=True)

        def mend():
            if filler.poll() is None:
                os.killpg(filler.pid, signal.SIGKILL)
                filler.wait()
            full.unlink(missing_ok=True)

        self.addCleanup(mend)
        return mend


class ALostNode(ThreeNodes):
    """Everything is said, saved, and over in a stated time; and the same command gives the same bytes."""

    def lose(self, command, fault, expected_ranks, code):
        self.start(command)
        self.await_work()
        mend = fault()
        took_s, ended = self.await_end(float(SILENCE_S) + MPIRUN_S + SLACK_S)
        if mend:
            mend()
        text = self.log.read_text()
        self.assertIn(f"no word from {expected_ranks} for ", text)
        self.assertIn("the same command resumes", text)
        self.assertEqual(self.exit_file.read_text(), "75\n")
        self.assertIn(ended, code, text)
        self.finish(command)
        self.expect_result(command)
        return took_s

    def test_in_a_sweep(self):
        # mpirun waits for the daemon of the node, and is killed.
        self.lose(self.SWEEP, lambda: self.cut(2), "ranks 1, 4 on n2", {-9, 75})

    def test_in_a_training(self):
        self.lose(self.TRAIN, lambda: self.cut(3), "ranks 2, 5 on n3", {-9, 75})

    def test_with_a_stopped_rank_in_a_sweep(self):
        self.lose(self.SWEEP, lambda: self.signal_rank(3, "STOP"), "rank 2 on n3", {75})

    def test_with_a_stopped_rank_in_a_training(self):
        self.lose(self.TRAIN, lambda: self.signal_rank(2, "STOP"), "rank 1 on n2", {75})

    def part(self, one, other):
        """Nothing that one node sends to the other arrives. Both still reach n1."""
        self.nodes.on(one, f"ip neigh replace 10.77.0.{other} lladdr 02:00:00:00:00:99 dev eth0 nud permanent")
        mend = f"ip neigh del 10.77.0.{other} dev eth0 || true"
        self.addCleanup(self.nodes.on, one, mend)
        return lambda: self.nodes.on(one, mend)

    def expect_standstill(self, message):
        _, code = self.await_end(float(SILENCE_S) + MPIRUN_S + SLACK_S)
        self.assertIn(message, self.log.read_text())
        self.assertIn(code, {-9, 75})
        self.assertEqual(self.exit_file.read_text(), "75\n")

    def test_two_nodes_that_do_not_reach_each_other_at_the_start(self):
        for command in (self.SWEEP, self.TRAIN):
            with self.subTest(command=command[0]):
                mend = self.part(2, 3)
                self.start(command)
                self.expect_standstill("the ranks have not found each other for 10 s")
                self.assertFalse(self.at_work())
                mend()

    def test_two_nodes_that_lose_each_other_in_a_training(self):
        self.start(self.TRAIN)
        self.await_work()
        mend = self.part(2, 3)
        self.expect_standstill("all ranks wait for each other, for 1")
        mend()
        self.finish(self.TRAIN)
        self.expect_result(self.TRAIN)

    def test_whose_rank_never_starts(self):
        stopped = '[ "$OMPI_COMM_WORLD_RANK" != 1 ] || kill -STOP $$; exec "$@"'
        self.start(self.SWEEP, ["sh", "-c", stopped, "sh"])
        took_s, code = self.await_end(float(SILENCE_S) + MPIRUN_S + SLACK_S)
        self.assertIn("the ranks have not found each other for 10 s", self.log.read_text())
        self.assertEqual((code, self.exit_file.read_text()), (75, "75\n"))
        self.assertGreater(took_s, float(SILENCE_S) - 1)

    def test_that_mpirun_notices_first_ends_the_job_too(self):
        self.start(self.SWEEP)
        self.await_work()
        self.kill_node(2)
        _, code = self.await_end(SLACK_S + MPIRUN_S)
        self.assertNotEqual(code, 0)
        self.finish(self.SWEEP)
        self.expect_result(self.SWEEP)

    def test_of_rank_0_is_missed_by_the_others(self):
        self.start(self.SWEEP)
        self.await_work()
        self.signal_rank(1, "STOP")
        _, code = self.await_end(float(SILENCE_S) + MPIRUN_S + SLACK_S)
        self.assertEqual(code, 75, self.log.read_text())
        self.assertIn("rank 1 on n2: no word from rank 0 on n1 for ", self.log.read_text())
        self.finish(self.SWEEP)
        self.expect_result(self.SWEEP)


class RandomFaults(ThreeNodes):
    """The study."""

    def await_warning(self):
        """Of a disk that is full, or until it is clear that the next save is far away: on a busy machine they are few."""
        end = time.monotonic() + WARNED_S
        while (self.process.poll() is None and time.monotonic() < end
               and "the sweep goes on" not in self.log.read_text()[self.said_before:]):
            time.sleep(0.5)

    def await_no_ranks(self):
        """Of the start before: the daemons of mpirun end the last ones a moment after it."""
        end = time.monotonic() + SLACK_S
        while left := [node for node in range(1, NODES + 1) if self.ranks_of(node)]:
            self.assertLess(time.monotonic(), end, f"ranks are left on nodes {left}")
            time.sleep(0.1)

    def go_through(self, command, count):
        chance = random.Random(11)
        faults = {
            "cut": lambda: self.cut(chance.choice([2, 3])),
            "dead node": lambda: self.kill_node(chance.choice([2, 3])),
            "killed rank": lambda: self.signal_rank(chance.choice([1, 2, 3]), "KILL"),
            "stopped rank": lambda: self.signal_rank(chance.choice([1, 2, 3]), "STOP"),
            "full disk": self.fill_disk,
            "signal": lambda: self.nodes.on(1, f"pkill -{chance.choice(['TERM', 'INT', 'USR1'])} -x {MPIEXEC.name} || true"),
        }
        kinds = [kind for _ in range(count) for kind in faults][:count]
        chance.shuffle(kinds)
        longest_s = 0
        done = 0
        for kind in kinds:
            for _ in range(STARTS):  # mpirun may fail where the network has just been mended.
                self.await_no_ranks()
                self.start(command)
                # A fault while mpirun itself starts is not ours to end.
                while self.process.poll() is None and not all(self.ranks_of(node) for node in range(1, NODES + 1)):
                    time.sleep(0.1)
                self.await_work(chance.uniform(0, 4))
                if self.process.poll() in (None, 0):
                    break
                time.sleep(PAUSE_S)
            if self.process.poll() is not None:
                break
            mend = faults[kind]()
            if kind == "full disk" and command[0] == "sweep":
                # The space of its results is its own already. Only what is saved of the tasks in hand has none.
                self.await_warning()
                if self.process.poll() == 0:
                    mend()
                    break
                self.nodes.on(1, f"pkill -TERM -x {MPIEXEC.name} || true")  # It may have ended by now.
            took_s, code = self.await_end(FAULT_TO_END_S + SLACK_S)
            if mend:
                mend()
            if kind == "full disk":
                self.assertIn("No space left on device", self.log.read_text()[self.said_before:])
            done += 1
            longest_s = max(longest_s, took_s)
            print(f"{command[0]}: fault {done}, {kind}: ended with {code} after {took_s:.1f} s", flush=True)
            self.assertLess(took_s, FAULT_TO_END_S, self.log.read_text()[-3000:])
        self.finish(command)
        self.expect_result(command)
        print(f"{command[0]}: {done} faults, same bytes, longest time from a fault to the end {longest_s:.1f} s",
              flush=True)
        self.assertEqual(done, count, "the job was done before all faults had come; make it longer")

    def test_sweep(self):
        if FAULTS[0] > 0:
            self.go_through(self.SWEEP, FAULTS[0])

    def test_training(self):
        if FAULTS[1] > 0:
            self.go_through(self.TRAIN, FAULTS[1])


def load_tests(loader, _tests, _pattern):
    return loader.loadTestsFromTestCase(ALostNode if FAULTS is None else RandomFaults)


if __name__ == "__main__":
    cluster.main([] if FAULTS else sys.argv[3:])
