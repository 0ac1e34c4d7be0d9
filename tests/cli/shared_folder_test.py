"""Files in a folder that several users share: they have the user's umask, and links that somebody has put there in their
way are not followed.

Usage: shared_folder_test.py BINARY
"""

import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
from small_study import SMALL_STUDY  # noqa: E402

BINARY = sys.argv[1]
PRECIOUS = "somebody's work\n"
RUN = "run c.toml -o run"
COMMANDS = [RUN, "sweep c.toml -o run/other.h5", "simulate zhang2024 --duration 100ms -o run/spikes.h5",
            "predict -m run/model.h5 --design 3 --duration 1s -o run/p.h5"]


class SharedFolder(unittest.TestCase):
    def setUp(self):
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="spikesweep-shared-"))
        self.addCleanup(shutil.rmtree, self.directory)
        (self.directory / "c.toml").write_text(SMALL_STUDY)

    def launch(self, command, umask=0o022):
        return subprocess.run([BINARY, "-q", *command.split()], cwd=self.directory, check=False, capture_output=True,
                              text=True, umask=umask)

    def test_every_file_has_the_mode_that_the_user_wants(self):
        for umask in (0o002, 0o027, 0o077):
            with self.subTest(umask=oct(umask)):
                for command in COMMANDS:
                    done = self.launch(command, umask)
                    self.assertEqual(done.returncode, 0, done.stderr)
                made = [self.directory / "run", *(self.directory / "run").rglob("*")]
                self.assertGreaterEqual(len(made), 10)
                modes = {path.name: oct(path.stat().st_mode & 0o777) for path in made}
                self.assertEqual(modes, {path.name: oct((0o777 if path.is_dir() else 0o666) & ~umask) for path in made})
                shutil.rmtree(self.directory / "run")

    def test_a_link_in_the_way_of_a_temporary_file_is_not_followed(self):
        self.assertEqual(self.launch(RUN).returncode, 0)
        precious = self.directory / "precious"
        precious.write_text(PRECIOUS)
        outputs = {"a.h5": "sweep c.toml -o a.h5", "m.h5": "train c.toml -d run/sweep.h5 -o m.h5",
                   "v.h5": "validate c.toml -d run/sweep.h5 -m run/model.h5 -o v.h5",
                   "s.h5": "simulate zhang2024 --duration 100ms -o s.h5",
                   "p.h5": "predict -m run/model.h5 --design 3 --duration 1s -o p.h5"}
        for name, command in outputs.items():
            with self.subTest(name):
                (self.directory / f"{name}.partial").symlink_to(precious)
                done = self.launch(command)
                self.assertEqual(done.returncode, 0, done.stderr)
                self.assertEqual(precious.read_text(), PRECIOUS)
                self.assertFalse((self.directory / name).is_symlink())
                self.assertEqual([path.name for path in self.directory.glob(f"{name}.partial*")], [])
                (self.directory / name).unlink()
                for left in ("lock", "unfinished"):
                    (self.directory / f"{name}.{left}").symlink_to(precious)
                    done = self.launch(command)
                    self.assertEqual(precious.read_text(), PRECIOUS, left)
                    if done.returncode != 0:
                        self.assertIn(f"{name}.{left}", done.stderr)
                    (self.directory / f"{name}.{left}").unlink(missing_ok=True)


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0], *sys.argv[2:]], verbosity=2)
