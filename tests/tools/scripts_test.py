#!/usr/bin/python3
"""What the shell scripts of tools/ promise, with stand-ins for the programs that they start."""

import os
import shutil
import stat
import subprocess
import tempfile
import unittest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
STAND_IN = """#!/bin/sh
echo "$(basename "$0")|$PWD|$*|${OMPI_ALLOW_RUN_AS_ROOT-}" >> "$CALLS"
[ "$(basename "$0")" = "${FAILING-none}" ] && exit 9
exit 0
"""


class ScriptTest(unittest.TestCase):
    def setUp(self):
        self.base = os.path.realpath(tempfile.mkdtemp())
        self.addCleanup(shutil.rmtree, self.base)
        # A tree of its own, so that a test never builds anything; setup has nothing to install there.
        self.root = os.path.join(self.base, "source tree")
        os.makedirs(os.path.join(self.root, "tools"))
        for name in ("quickstart", "test", "lint"):
            shutil.copy(os.path.join(ROOT, "tools", name), os.path.join(self.root, "tools", name))
        self.bin = os.path.join(self.base, "bin")
        os.makedirs(self.bin)
        for path in [os.path.join(self.bin, name) for name in ("cmake", "mpirun", "ctest", "clang-format")]:
            self.stand_in(path)
        self.stand_in(os.path.join(self.root, "tools", "setup"))
        self.elsewhere = os.path.join(self.base, "elsewhere")
        os.makedirs(self.elsewhere)

    def stand_in(self, path):
        with open(path, "w", encoding="utf-8") as file:
            file.write(STAND_IN)
        os.chmod(path, os.stat(path).st_mode | stat.S_IXUSR)

    def call(self, script, *arguments, path=None, **environment):
        """Runs a script from another directory; returns its status and what it started. `path` replaces PATH."""
        record = os.path.join(self.base, "calls")
        open(record, "w", encoding="utf-8").close()
        path = path or self.bin + os.pathsep + os.environ["PATH"]
        clean = {k: v for k, v in os.environ.items() if not k.startswith("OMPI_")}
        done = subprocess.run([os.path.join(self.root, "tools", script), *arguments], cwd=self.elsewhere, check=False,
                              capture_output=True, text=True,
                              env={**clean, "PATH": path, "CALLS": record, **environment})
        with open(record, encoding="utf-8") as file:
            return done, [line.rstrip("\n").split("|") for line in file]


class Quickstart(ScriptTest):
    def test_installs_builds_and_runs_in_this_order(self):
        done, calls = self.call("quickstart")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual([c[0] for c in calls], ["setup", "cmake", "cmake", "mpirun"])
        self.assertTrue(all(c[1] == self.root for c in calls[1:]))
        for step in ("1/3", "2/3", "3/3"):
            self.assertIn(step, done.stderr)
        self.assertEqual(done.stdout, "")

    def test_runs_on_no_more_ranks_than_cores(self):
        _, calls = self.call("quickstart")
        words = calls[-1][2].split()
        self.assertEqual(words[0], "-n")
        self.assertTrue(1 <= int(words[1]) <= len(os.sched_getaffinity(0)))
        self.assertNotIn("oversubscribe", calls[-1][2])

    def test_puts_results_where_it_was_called(self):
        _, calls = self.call("quickstart")
        self.assertTrue(calls[-1][2].endswith(f"run configs/quickstart.toml -o {self.elsewhere}/spikesweep-quickstart"))

    def test_puts_results_where_it_is_told(self):
        _, calls = self.call("quickstart", "my results")
        self.assertTrue(calls[-1][2].endswith(f"-o {self.elsewhere}/my results"))
        _, calls = self.call("quickstart", "/somewhere/else")
        self.assertTrue(calls[-1][2].endswith("-o /somewhere/else"))

    def test_lets_only_root_run_as_root(self):
        _, calls = self.call("quickstart")
        self.assertEqual(calls[-1][3], "1" if os.geteuid() == 0 else "")

    def test_hands_on_the_status_of_the_run(self):
        self.assertEqual(self.call("quickstart", FAILING="mpirun")[0].returncode, 9)

    def test_stops_where_the_build_fails(self):
        done, calls = self.call("quickstart", FAILING="cmake")
        self.assertNotEqual(done.returncode, 0)
        self.assertNotIn("mpirun", [c[0] for c in calls])

    def test_refuses_what_it_does_not_know(self):
        for arguments in (["--frobnicate"], ["a", "b"]):
            done, calls = self.call("quickstart", *arguments)
            self.assertEqual(done.returncode, 2)
            self.assertEqual(calls, [])


class Test(ScriptTest):
    def test_passes_its_arguments_on_to_ctest(self):
        done, calls = self.call("test", "-R", "sweep_file")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual([c[0] for c in calls], ["setup", "cmake", "cmake", "ctest"])
        self.assertTrue(calls[-1][2].endswith("-R sweep_file"))

    def test_installs_what_only_tests_need(self):
        self.assertEqual(self.call("test")[1][0][2], "--test")
        self.assertEqual(self.call("quickstart")[1][0][2], "")

    def test_builds_and_tests_with_sanitizers_when_told(self):
        done, calls = self.call("test", "--sanitize", "-R", "store")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual([c[0] for c in calls], ["setup", "cmake", "cmake", "ctest"])
        self.assertTrue(calls[1][2].startswith("--preset asan"))
        self.assertTrue(calls[2][2].startswith("--build --preset asan"))
        self.assertTrue(calls[-1][2].startswith("--test-dir build/asan "))
        self.assertTrue(calls[-1][2].endswith(" -R store"))

    def test_fails_when_a_test_fails(self):
        self.assertEqual(self.call("test", FAILING="ctest")[0].returncode, 9)


class Setup(ScriptTest):
    def test_refuses_what_it_does_not_know(self):
        shutil.copy(os.path.join(ROOT, "tools", "setup"), os.path.join(self.root, "tools", "setup"))
        self.assertEqual(self.call("setup", "--frobnicate")[0].returncode, 2)


@unittest.skipUnless(shutil.which("git"), "git is not installed")
class Lint(ScriptTest):
    def track(self, *tracked):
        """A repository with these files, and an untracked one."""
        os.makedirs(os.path.join(self.root, "src"))
        for name in (*tracked, "stray.cpp", "src/stray.cpp"):
            open(os.path.join(self.root, name), "w", encoding="utf-8").close()
        for command in (["init", "-q"], ["add", *tracked]):
            subprocess.run(["git", *command], cwd=self.root, check=True)

    def test_checks_tracked_files_only(self):
        self.track("tracked.cpp")
        done, calls = self.call("lint")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual([c[2] for c in calls], ["--dry-run -Werror tracked.cpp"])
        self.assertEqual(self.call("lint", FAILING="clang-format")[0].returncode, 1)

    def test_hands_tracked_sources_to_clang_tidy_when_told(self):
        self.stand_in(os.path.join(self.bin, "clang-tidy"))
        self.track("src/one.cpp", "src/two.cpp")
        os.makedirs(os.path.join(self.root, "build", "tidy"))  # The stand-in for cmake makes none.
        done, calls = self.call("lint", "--tidy")
        self.assertEqual(done.returncode, 0, done.stderr)
        tidied = sorted(c[2].split()[-1] for c in calls if c[0] == "clang-tidy")
        self.assertEqual(tidied, ["src/one.cpp", "src/two.cpp"])
        self.assertEqual(len(self.call("lint", "--tidy", "src/two.cpp")[1]), 3)
        self.assertEqual(self.call("lint", "--tidy", FAILING="clang-tidy")[0].returncode, 1)
        self.assertEqual(self.call("lint", "--tidy", "src/three.cpp")[0].returncode, 2)

    def test_needs_both_tools_only_when_told_to_use_both(self):
        self.track("src/one.cpp")
        bare = os.path.join(self.base, "bare")
        os.makedirs(bare)
        for program in ("sh", "dirname", "readlink", "git", "xargs", "nproc", "grep"):
            os.symlink(shutil.which(program), os.path.join(bare, program))
        done, _ = self.call("lint", path=bare)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("formatting is not checked", done.stderr)
        done, _ = self.call("lint", "--tidy", path=bare)
        self.assertEqual(done.returncode, 1)
        for program in ("clang-format", "clang-tidy"):
            self.assertIn(f"{program} is not installed: tools/setup --test installs it", done.stderr)

    def test_refuses_what_it_does_not_know(self):
        self.assertEqual(self.call("lint", "--frobnicate")[0].returncode, 2)


class EveryScript(unittest.TestCase):
    def test_can_be_executed(self):
        for name in ("tools/quickstart", "tools/test", "tools/lint", "tools/setup", "tools/structure",
                     "tools/report.py", "tools/check_run.py", ".ci/run"):
            self.assertTrue(os.access(os.path.join(ROOT, name), os.X_OK), name)


if __name__ == "__main__":
    unittest.main()
