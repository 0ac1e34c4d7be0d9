"""Synthetic run directories for tests of the tools that read them."""

import os
import shutil
import subprocess
import tempfile
import unittest

import synthetic_run

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
REPORT = os.path.join(ROOT, "tools", "report.py")
CHECK = os.path.join(ROOT, "tools", "check_run.py")


def run_tool(tool, *arguments, environment=None):
    return subprocess.run([tool, *arguments], capture_output=True, text=True, check=False,
                          env={**os.environ, **(environment or {})})


class ReportTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.base = tempfile.mkdtemp()
        cls.source = synthetic_run.write_run(os.path.join(cls.base, "source"), failures=[5])

    @classmethod
    def tearDownClass(cls):
        shutil.rmtree(cls.base)

    def fresh(self):
        """A copy of the synthetic run that the test may spoil."""
        directory = tempfile.mkdtemp(dir=self.base)
        shutil.copytree(self.source, directory, dirs_exist_ok=True)
        return directory

    def page(self, directory, **options):
        done = run_tool(REPORT, directory, **options)
        self.assertEqual(done.returncode, 0, done.stderr)
        path = os.path.join(directory, "report.html")
        self.assertEqual(done.stdout, path + "\n")
        with open(path, encoding="utf-8") as file:
            return file.read()

    def refused(self, directory):
        done = run_tool(REPORT, directory)
        self.assertEqual(done.returncode, 2, done.stderr)
        self.assertEqual(done.stdout, "")
        self.assertEqual(len(done.stderr.splitlines()), 1, done.stderr)
        left = os.listdir(directory) if os.path.isdir(directory) else []
        self.assertFalse([name for name in left if "report" in name], left)
        return done.stderr
