"""Every program of tools/ says with --help how it is used, and does nothing else. Run as: help_test.py TOOLS"""

import os
import pathlib
import subprocess
import sys
import tempfile
import unittest

TOOLS = pathlib.Path(sys.argv[1]).resolve()


class Help(unittest.TestCase):
    def test_of_every_program(self):
        programs = [path for path in sorted(TOOLS.iterdir()) if path.is_file() and os.access(path, os.X_OK)]
        self.assertGreater(len(programs), 10)
        for program in programs:
            with self.subTest(program.name), tempfile.TemporaryDirectory() as directory:
                done = subprocess.run([program, "--help"], cwd=directory, capture_output=True, text=True, timeout=20,
                                      check=False)
                self.assertEqual(done.returncode, 0, done.stderr)
                self.assertRegex(done.stdout, r"[Uu]sage")
                self.assertEqual(os.listdir(directory), [])


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
