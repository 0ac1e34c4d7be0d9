"""tools/fuzz sees what a user must never see, and makes the same inputs from the same seed. Run as: tool_test.py
SPIKESWEEP"""

import pathlib
import random
import sys
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
BINARY = pathlib.Path(sys.argv[1]).resolve()
sys.dont_write_bytecode = True
sys.path.insert(0, str(ROOT / "tools"))

from spikesweep_fuzz import cases, entries, hdf5, judge, originals  # noqa: E402


class Judge(unittest.TestCase):
    def faults(self, script):
        with tempfile.TemporaryDirectory() as directory:
            return " ".join(judge.run(["/bin/sh", "-c", script], directory, {}, 2, 1).faults)

    def test_lets_sound_ends_pass(self):
        for script in ("exit 0", "echo spikesweep: error: x >&2; exit 2", "exit 3", "echo it >&2; exit 75"):
            self.assertEqual(self.faults(script), "", script)

    def test_sees_what_a_user_must_not_see(self):
        for script, fault in (("kill -SEGV $$", "SIGSEGV"), ("exit 7", "exit code 7"), ("exit 2", "without a word"),
                              ("echo 'std::bad_alloc' >&2; exit 1", "std::"), ("echo internal error: x >&2", "internal"),
                              ("printf 'a\\377' >&2", "standard error is no UTF-8"), ("printf 'a\\000b'", "has a NUL"),
                              ("trap '' TERM; while :; do :; done", "hangs")):
            self.assertIn(fault, self.faults(script), script)

    def test_stops_what_works_long(self):
        self.assertEqual(self.faults("exec sleep 60"), "")

    def test_asks_for_the_name_of_the_file(self):
        self.assertTrue(judge.names(judge.Outcome(2, "spikesweep: error: s.h5 is damaged", []), ["s.h5"]))
        self.assertFalse(judge.names(judge.Outcome(2, "spikesweep: error: damaged", []), ["s.h5"]))


class Cases(unittest.TestCase):
    def test_are_the_same_for_the_same_seed(self):
        with tempfile.TemporaryDirectory() as scratch:
            scratch = pathlib.Path(scratch)
            (scratch / "sound").mkdir()
            sound = originals.Originals(BINARY, scratch / "sound", None, 60)
            self.assertGreater(len(sound.keys), 80)
            made = []
            for seed, where in ((1, "a"), (1, "b"), (2, "c")):
                files = {}
                for number in range(20):
                    directory = scratch / f"{where}{number}"
                    directory.mkdir()
                    cases.Maker(sound, ROOT, seed).make("config", number, directory)
                    files[number] = (directory / "x.toml").read_bytes()
                made.append(files)
            self.assertEqual(made[0], made[1])
            self.assertNotEqual(made[0], made[2])

    def test_are_of_all_kinds_in_their_shares(self):
        found = list(cases.kinds(cases.FILES, 200))
        self.assertEqual(len(set(found)), 200)
        for kind, share in cases.FILES.items():
            self.assertEqual(sum(one == kind for one, _ in found), 200 * share // sum(cases.FILES.values()))


class Files(unittest.TestCase):
    def test_are_sealed_as_spikesweep_seals_them(self):
        with tempfile.TemporaryDirectory() as scratch:
            sound = originals.Originals(BINARY, pathlib.Path(scratch), None, 60)
            sound.need("spikes")
            data = (sound.directory / "spikes.h5").read_bytes()
            self.assertTrue(hdf5.is_sealed(data))
            self.assertEqual(hdf5.seal(data), data)
            hdf5.change_contents(random.Random(1), sound.directory / "spikes.h5")
            changed = (sound.directory / "spikes.h5").read_bytes()
            self.assertNotEqual(changed, data)
            self.assertEqual(hdf5.seal(changed), changed)

    def test_of_entries_are_read_and_written(self):
        data = entries.write([(b"a", b"bytes"), (b"name", b"")])
        self.assertEqual(entries.read(data), [(b"a", b"bytes"), (b"name", b"")])


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
