"""GCC and Clang give the same bits, and Clang has nothing to say of the sources.

Usage: bits_test.py PROGRAM CMAKE SOURCES BUILD
PROGRAM prints checksums; it was built with GCC. The script builds it again in the folder BUILD, with clang++, and
compares what both print.
"""

import os
import shutil
import subprocess
import sys
import unittest

SKIPPED = 77
PROGRAM, CMAKE, SOURCES, BUILD = sys.argv[1:5] if len(sys.argv) > 4 else [None] * 4


def run(*words, **options):
    done = subprocess.run(words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False, **options)
    return done.returncode, done.stdout


def checksums(program):
    """The lines of a program, as (name, checksum)."""
    done = subprocess.run([program], stdout=subprocess.PIPE, text=True, check=True)
    return [tuple(line.rsplit(" ", 1)) for line in done.stdout.splitlines()]


class Compilers(unittest.TestCase):

    def test_give_the_same_bits(self):
        code, said = run(CMAKE, "-S", SOURCES, "-B", BUILD, "-G", "Ninja", "-DCMAKE_BUILD_TYPE=Release",
                         "-DCMAKE_CXX_COMPILER=clang++", "-DCMAKE_C_COMPILER=clang", "-DSPIKESWEEP_WERROR=ON",
                         "-DSPIKESWEEP_BENCHMARKS=OFF", "-DSPIKESWEEP_MPI_TESTS=OFF")
        self.assertEqual(code, 0, said)
        code, said = run(CMAKE, "--build", BUILD, "--target", "bits_program", "--parallel", "2")
        self.assertEqual(code, 0, said)
        self.assertNotIn("warning:", said)
        expected = checksums(PROGRAM)
        found = checksums(os.path.join(BUILD, "tests", "compilers", "bits_program"))
        self.assertGreater(len(expected), 20)
        for one, other in zip(expected, found, strict=True):
            with self.subTest(one[0]):
                self.assertEqual(one, other)


if __name__ == "__main__":
    if shutil.which("clang++") is None:
        print("clang++ is not installed: tools/setup --test does that")
        sys.exit(SKIPPED)
    unittest.main(argv=sys.argv[:1])
