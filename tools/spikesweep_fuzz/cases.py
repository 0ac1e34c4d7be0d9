"""What each kind of mutant is, and which commands read it. A case is made from its kind, its number and the seed
alone, so that it can be made again."""

import os
import random
import shutil
from dataclasses import dataclass, field

from . import entries, hdf5, mutate
from .originals import LONG, WITHOUT_END

DURATIONS = ["1ms", "0", "-1s", "nan", "inf", "1e400s", "1 s", "", "10", "s", "1e-9s", "0x1s", "1ms1ms", "é", "1ms\n"]
NAMES = ["small.toml", "zhang2024", "quickstart", "nothing.toml", "", ".", "/", "-", "/dev/null", "x" * 5000, "é", "a\nb"]
TRAIN = "train small.toml -d sweep.h5 -o t.h5 --set"


@dataclass
class Case:
    """Commands to run one after another, and names of which a refusal has to say one."""
    commands: list
    names: list = field(default_factory=list)


class Maker:
    """Makes cases in a directory of their own."""

    def __init__(self, originals, source, seed):
        self.originals, self.source, self.seed = originals, source, seed
        self.texts = originals.configs(source)

    def make(self, kind, number, directory):
        rng = random.Random(f"{self.seed} {kind} {number}")
        for name in ("small.toml", "points.csv", "predicted.csv"):
            shutil.copy(self.originals.directory / name, directory / name)
        return getattr(self, "_" + kind)(rng, directory)

    def _take(self, what, directory, **names):
        """Copies originals: NAME=PLACE, with '/' for '__' and '.' for '_'."""
        self.originals.need(what)
        for place, name in names.items():
            to = directory / place.replace("__", "/").replace("_", ".")
            to.parent.mkdir(exist_ok=True)
            origin = self.originals.directory / name
            (shutil.copytree if origin.is_dir() else shutil.copy)(origin, to)

    # Configs and what stands on a command line.

    def _config(self, rng, directory):
        text = rng.choice(self.texts)
        if rng.random() < 0.7:
            data = mutate.change_lines(rng, text, self.originals.keys).encode("utf-8", "surrogatepass")
        else:
            data = mutate.change_bytes(rng, text.encode())
        (directory / "x.toml").write_bytes(data)
        return Case([["plan", "x.toml"]], ["x.toml", "points.csv"])

    def _set(self, rng, directory):
        del directory
        words = []
        for _ in range(rng.choice([1, 1, 2, 3])):
            value = mutate.value(rng, self.originals.keys)
            if rng.random() < 0.1:
                value = rng.choice(mutate.DEEP)(rng.choice([3, 17, 10_000]))
            word = f"{mutate.name(rng, self.originals.keys)}={value}"
            words.append(mutate.change_bytes(rng, word.encode()).replace(b"\0", b"?") if rng.random() < 0.2 else word)
        return Case([["plan", "small.toml", "--set", *words]])

    def _points(self, rng, directory):
        change = mutate.change_table if rng.random() < 0.7 else lambda r, text: mutate.change_bytes(r, text.encode())
        name = "predicted.csv" if rng.random() < 0.05 else "points.csv"
        text = change(rng, (directory / name).read_text())
        (directory / name).write_bytes(text if isinstance(text, bytes) else text.encode())
        if name == "points.csv":
            return Case([["plan", "small.toml", "--set", "design.points_file=points.csv"]], [name, "small.toml"])
        self._take("study", directory, model_h5="out/model.h5")
        return Case([["predict", "-m", "model.h5", "--points", name, "--duration", "20ms"]], [name])

    def _command(self, rng, directory):
        del directory
        words = [rng.choice(["plan", "status", "simulate", "verify", "predict", "plan", "simulate", "nothing"]),
                 rng.choice(NAMES), rng.choice(["--duration", "--seed", "--json", "--watch", "--set", "--replicates", "-o",
                                                "--ranks", "--help", "--nothing", "-m", "--", "--points", "--design"]),
                 rng.choice(DURATIONS + NAMES + mutate.WORDS)]
        if words[0] == "simulate" and "--duration" not in words:
            words += ["--duration", rng.choice(DURATIONS)]
        if rng.random() < 0.3:
            rng.shuffle(words)
        if "--watch" in words:  # Waits for a file by design.
            words.remove("--watch")
        return Case([[word.encode("utf-8", "surrogatepass").replace(b"\0", b"?") for word in words]])

    # HDF5 files.

    def _change(self, rng, path):
        how = rng.randrange(10)
        if how < 2:
            hdf5.change_bytes(rng, path, False)
        elif how < 4:
            hdf5.change_bytes(rng, path, True)
        else:
            hdf5.change_contents(rng, path)
        if how in (3, 9):
            hdf5.take_seal_off(path)

    def _sweep(self, rng, directory):
        self._take("study", directory, s_h5="out/sweep.h5")
        if rng.random() < 0.1:
            shutil.copy(self.source / "tests/fixtures/0.1.0/sweep.h5", directory / "s.h5")
        self._change(rng, directory / "s.h5")
        more = rng.choice(["status s.h5", "status s.h5", "verify s.h5", "sweep small.toml -o s.h5",
                           "sweep small.toml -o s.h5 --extend --set design.replicates=2",
                           "train small.toml -d s.h5 -o t.h5 --set learning.epochs=1"])
        return Case([["status", "s.h5", "--json"], more.split()], ["s.h5"])

    def _model(self, rng, directory):
        self._take("study", directory, m_h5="out/model.h5")
        if rng.random() < 0.1:
            shutil.copy(self.source / "tests/fixtures/0.1.0/model.h5", directory / "m.h5")
        self._change(rng, directory / "m.h5")
        command = rng.choice(["predict -m m.h5 --duration 50ms"] * 6 +
                             ["predict -m m.h5 --points predicted.csv --duration 50ms -o p.h5",
                              "predict -m m.h5 --design 2 --duration 50ms --json"])
        return Case([command.split()], ["m.h5", "predicted.csv"])

    def _checkpoint(self, rng, directory):
        self._take("checkpoint", directory, t_h5_checkpoint="t.h5.checkpoint", sweep_h5="out/sweep.h5")
        if rng.random() < 0.5:
            self._take("checkpoint", directory, t_h5_checkpoint_previous="t.h5.checkpoint.previous")
        self._change(rng, directory / "t.h5.checkpoint")
        return Case([f"{TRAIN} {WITHOUT_END}".split()], ["t.h5.checkpoint"])

    def _result(self, rng, directory):
        """A validation, a prediction or spikes: read to be replaced, kept aside or refused."""
        what = rng.choice(["study", "prediction", "spikes"])
        if what == "study":
            self._take("study", directory, out="out")
            self._change(rng, directory / "out/validation.h5")
            return Case([["status", "out"], ["run", "small.toml", "-o", "out"]], ["validation.h5"])
        self._take(what, directory, r_h5=what + ".h5")
        self._change(rng, directory / "r.h5")
        if what == "spikes":
            return Case(["simulate zhang2024 --duration 10ms -o r.h5".split()], ["r.h5"])
        self._take("study", directory, m_h5="out/model.h5")
        return Case(["predict -m m.h5 --points predicted.csv --duration 20ms -o r.h5".split()], ["r.h5"])

    # Other files.

    def _unfinished_sweep(self, rng, directory):
        self._take("unfinished_sweep", directory, u_h5="u.h5", u_h5_unfinished="u.h5.unfinished")
        path = rng.choice(sorted((directory / "u.h5.unfinished").iterdir()))
        data = path.read_bytes()
        # The states of simulators have a digest against damage, and are believed if it holds: see the file's own page.
        states = () if path.suffix == ".rows" else range(1, len(entries.read(data)))
        path.write_bytes(entries.change(rng, data, states))
        return Case([["sweep", "small.toml", "-o", "u.h5", "--set", LONG["sweep"]], ["status", "u.h5"]], ["u.h5"])

    def _unfinished_prediction(self, rng, directory):
        self._take("unfinished_prediction", directory, p_h5_unfinished="p.h5.unfinished", out__model_h5="out/model.h5")
        path = directory / "p.h5.unfinished"
        path.write_bytes(entries.change(rng, path.read_bytes()))
        return Case([["predict", "-m", "out/model.h5", *LONG["predict"].split(), "-o", "p.h5"]], ["p.h5"])

    def _record(self, rng, directory):
        self._take("study", directory, out="out")
        path = directory / "out" / rng.choice(["run.json", "model.h5.log.jsonl"])
        lines = path.read_bytes().splitlines()
        at = rng.randrange(len(lines))
        lines[at] = entries.change_json(rng, lines[at]) if rng.random() < 0.7 else mutate.change_bytes(rng, lines[at])
        path.write_bytes(b"\n".join(lines) + b"\n")
        more = rng.choice([["status", "out"], ["status", "out"], ["run", "small.toml", "-o", "out"]])
        return Case([["status", "out", "--json"], more])

    def _lock(self, rng, directory):
        self._take("study", directory, s_h5="out/sweep.h5")
        content = rng.choice([b"", b"\0" * 600, b"\xff\xfe 1\n", b"host -1\n", b"host 99999999999999999999 7\n", b"a\nb 1\n",
                              b"h" * 10_000, b"localhost 1 \xc3\n", rng.randbytes(80)])
        (directory / "s.h5.lock").write_bytes(content)
        return Case([["status", "s.h5", "--json"], ["status", "s.h5"], ["sweep", "small.toml", "-o", "s.h5"]])

    def _pipe(self, rng, directory):
        """A pipe in which nobody writes, in place of a file."""
        self._take("study", directory, out="out")
        name, command = rng.choice([
            ("out/sweep.h5", "status out"), ("out/sweep.h5", "verify out"), ("out/model.h5", "predict -m out --duration 20ms"),
            ("out/run.json", "status out"), ("out/run.json", "run small.toml -o out"), ("out/config.toml", "status out"),
            ("out/model.h5.log.jsonl", "status out"), ("out/sweep.h5.lock", "status out"),
            ("out/sweep.h5.lock", "sweep small.toml -o out/sweep.h5"), ("out/validation.h5", "status out"),
            ("out/validation.h5", "run small.toml -o out"), ("out/config.toml", "run small.toml -o out"),
            ("out/sweep.h5.unfinished", "sweep small.toml -o out/sweep.h5 --extend --set design.replicates=2"),
            ("t.h5.checkpoint", "train small.toml -d out/sweep.h5 -o t.h5 --set learning.epochs=1"),
            ("p.h5.unfinished", "predict -m out --points predicted.csv --duration 20ms -o p.h5"),
            ("out/validation.txt", "run small.toml -o out"), ("p.h5", "predict -m out --duration 20ms -o p.h5")])
        path = directory / name
        path.unlink(missing_ok=True)
        os.mkfifo(path)
        return Case([command.split()])


CONFIGS = {"config": 5, "set": 2, "points": 2, "command": 1}
FILES = {"sweep": 6, "model": 5, "checkpoint": 2, "result": 1, "unfinished_sweep": 1, "unfinished_prediction": 1,
         "record": 2, "lock": 1, "pipe": 1}


def kinds(shares, count):
    """(kind, number) of `count` cases in the given shares, mixed."""
    row = [kind for kind, share in shares.items() for _ in range(share)]
    numbers = dict.fromkeys(shares, 0)
    for i in range(count):
        kind = row[i * 7 % len(row)] if len(row) % 7 else row[i % len(row)]
        yield kind, numbers[kind]
        numbers[kind] += 1
