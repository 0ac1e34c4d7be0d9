"""Makes the sound inputs that the mutants are made from: a small study, and what interrupted commands leave."""

import re
import signal
import subprocess
import threading
import time
from dataclasses import dataclass, field

CONFIG = """
[network]
preset = "zhang2024"
[design]
kind = "latin_hypercube"
points = 8
selection_points = 2
test_points = 2
[design.axes]
S_EE = {min = 3.8, max = 4.2}
S_EI = {min = 2.0, max = 2.4}
[sweep]
transitions = 40
[learning]
hidden = 16
layers = 2
components = 2
epochs = 2
batch = 64
shards = 8
candidates = 1
selection_s = 1.0
selection_chains = 2
[validation]
duration_s = 2.0
chains = 2
baselines = false
"""
POINTS = "S_EE,S_EI,role\n" + "".join(f"{3.8 + 0.05 * i:.2f},{2.0 + 0.05 * i:.2f},{role}\n"
                                      for i, role in enumerate(["train"] * 6 + ["selection", "test"]))
PREDICTED = "S_EE,S_EI\n3.9,2.1\n4.0,2.2\n4.1,2.3\n"
UNTIL_AT_WORK_S = 0.5  # From the making of a sweep file to tasks in hand.
WITHOUT_END = "learning.epochs=100000"
LONG = {"sweep": "sweep.transitions=20000", "predict": "--duration 400s --design 40"}


@dataclass
class Key:
    """A key of the configuration, with words that its table names as allowed."""
    name: str
    words: list = field(default_factory=list)


def keys_of(spikesweep):
    """Every key, from the table that the program prints."""
    text = subprocess.run([spikesweep, "--config-reference"], capture_output=True, text=True, check=True).stdout
    keys, section = [], ""
    for line in text.splitlines():
        title = re.fullmatch(r"## `\[(.+)\]`", line)
        if title or line.startswith("## "):
            section = title.group(1) + "." if title else ""
        row = re.match(r"\| `(\w+)` \| (\w+) \| [^|]* \| ([^|]*) \|", line)
        if row:
            name, kind, allowed = row.groups()
            words = [f'"{word}"' for word in allowed.split(", ")] if kind == "word" else re.findall(r"[\d.]+", allowed)
            keys.append(Key(section + name, words))
    return keys


class Originals:
    """Sound files in a directory, made when they are first asked for."""

    def __init__(self, spikesweep, directory, environment, patience_s):
        self.spikesweep, self.directory, self.environment, self.patience_s = spikesweep, directory, environment, patience_s
        self.keys = keys_of(spikesweep)
        (directory / "small.toml").write_text(CONFIG)
        (directory / "points.csv").write_text(POINTS)
        (directory / "predicted.csv").write_text(PREDICTED)
        self._made = set()
        self._lock = threading.RLock()

    def configs(self, source):
        """Texts of configs: ours, and those of the source tree."""
        return [CONFIG, *(path.read_text() for path in sorted((source / "configs").rglob("*.toml")))]

    def need(self, what):
        with self._lock:
            if what not in self._made:
                getattr(self, "_make_" + what)()
                self._made.add(what)

    def _run(self, words):
        done = subprocess.run([self.spikesweep, *words.split()], cwd=self.directory, env=self.environment,
                              capture_output=True, text=True, check=False, timeout=self.patience_s)
        if done.returncode != 0:
            raise SystemExit(f"fuzz: 'spikesweep {words}' ended with {done.returncode}:\n{done.stderr}")

    def _interrupt(self, words, is_ready):
        """Starts a command and ends it with SIGTERM when something is there."""
        with subprocess.Popen([self.spikesweep, *words.split()], cwd=self.directory, env=self.environment,
                              stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
            end = time.monotonic() + self.patience_s
            while not is_ready() and process.poll() is None and time.monotonic() < end:
                time.sleep(0.02)
            process.send_signal(signal.SIGTERM)
            if process.wait(self.patience_s) != 75:
                raise SystemExit(f"fuzz: 'spikesweep {words}' ended with {process.returncode}, not interrupted")

    def _make_study(self):
        self._run("run small.toml -o out")

    def _make_spikes(self):
        self._run("simulate zhang2024 --duration 100ms -o spikes.h5")

    def _make_prediction(self):
        self.need("study")
        self._run("predict -m out --points predicted.csv --duration 500ms -o prediction.h5")

    def _make_checkpoint(self):
        self.need("study")
        self._interrupt(f"train small.toml -d out/sweep.h5 -o t.h5 --set {WITHOUT_END}",
                        (self.directory / "t.h5.checkpoint.previous").exists)

    def _make_unfinished_sweep(self):
        begin = []

        def is_at_work():
            if _bytes(self.directory / "u.h5") > 0:
                begin.append(time.monotonic())
            return begin and time.monotonic() > begin[0] + UNTIL_AT_WORK_S
        self._interrupt(f"sweep small.toml -o u.h5 --set {LONG['sweep']}", is_at_work)

    def _make_unfinished_prediction(self):
        self.need("study")
        self._interrupt(f"predict -m out {LONG['predict']} -o p.h5",
                        lambda: _bytes(self.directory / "p.h5.unfinished") > 10_000)


def _bytes(path):
    return path.stat().st_size if path.exists() else 0
