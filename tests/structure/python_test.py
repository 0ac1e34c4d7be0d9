#!/usr/bin/python3
"""Every Python file of the source tree is free of what pyflakes finds: names that do not exist, unused imports."""

import os
import shutil
import subprocess
import tempfile
import unittest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
FOLDERS = ("jobs", "tests", "tools", "examples", "docs")


def is_python(path):
    if path.endswith(".py"):
        return True
    with open(path, "rb") as file:
        first = file.readline(100)
    return first.startswith(b"#!") and b"python" in first


def python_files(root):
    return sorted(os.path.join(folder, name)
                  for top in FOLDERS for folder, _, names in os.walk(os.path.join(root, top))
                  for name in names if is_python(os.path.join(folder, name)))


def findings(paths):
    done = subprocess.run(["pyflakes3", *paths], check=False, capture_output=True, text=True)
    return done.stdout + done.stderr


class PythonFiles(unittest.TestCase):
    def setUp(self):
        self.assertIsNotNone(shutil.which("pyflakes3"), "pyflakes3 is not installed: tools/setup --test does that")

    def test_are_clean(self):
        files = python_files(ROOT)
        self.assertIn(os.path.abspath(__file__), files)
        self.assertIn(os.path.join(ROOT, "tools", "ablate"), files)
        self.assertEqual(findings(files), "")

    def test_are_found_out_if_they_use_a_name_that_does_not_exist(self):
        with tempfile.TemporaryDirectory() as root:
            os.mkdir(os.path.join(root, "tools"))
            for name, text in (("tool", "#!/usr/bin/python3\nprint(CHECK)\n"), ("script", "#!/bin/sh\necho $CHECK\n")):
                with open(os.path.join(root, "tools", name), "w", encoding="utf-8") as file:
                    file.write(text)
            self.assertIn("undefined name 'CHECK'", findings(python_files(root)))


if __name__ == "__main__":
    unittest.main()
