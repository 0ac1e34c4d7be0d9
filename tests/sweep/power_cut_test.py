"""What a power cut takes of a sweep: at most the seconds since the last time that it was forced to the disk. The disk is
an image behind a loop device; the image is copied while the sweep runs, and has then what the disk had at that moment.
Needs root and loop devices. Run as: power_cut_test.py BINARY"""

import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time
import unittest

BINARY = sys.argv[1]
PATIENCE_S = 120 * int(os.environ.get("SPIKESWEEP_TEST_PATIENCE", "1"))
NOT_HERE = 77
SYNC_EVERY_S = 5
# Tasks of some tenths of a second, for half a minute of one core.
CONFIG = """[design]
points = 200
selection_points = 0
test_points = 0
[design.axes]
S_EE = {min = 3.9, max = 4.1}
[section]
interval_ms = 50
[sweep]
transitions = 1200
bin_width = 83
"""


def run(*command, **options):
    return subprocess.run(command, check=True, capture_output=True, text=True, timeout=PATIENCE_S, **options)


class Disk:
    """An ext4 file system in an image, mounted. Nothing is written back by itself for minutes."""

    def __init__(self, image, place):
        self.place = place
        place.mkdir()
        run("mount", "-o", "loop,commit=300", image, place)

    def unmount(self):
        run("umount", "-l", self.place)


class PowerCut(unittest.TestCase):
    def setUp(self):
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        self.directory = pathlib.Path(scratch.name)

    def mounted(self, image, name):
        disk = Disk(image, self.directory / name)
        self.addCleanup(disk.unmount)
        return disk.place

    def status(self, place):
        return json.loads(run(BINARY, "status", "--json", "s.h5", cwd=place).stdout)

    def test_takes_the_last_seconds_only(self):
        image = self.directory / "disk"
        with open(image, "wb") as file:
            file.truncate(512 << 20)
        run("mkfs.ext4", "-q", image)
        place = self.mounted(image, "before")
        (place / "c.toml").write_text(CONFIG)
        with subprocess.Popen([BINARY, "sweep", "c.toml", "-o", "s.h5"], cwd=place, stdout=subprocess.DEVNULL,
                              stderr=subprocess.DEVNULL) as sweep:
            self.addCleanup(sweep.kill)
            end = time.monotonic() + PATIENCE_S
            while not (place / "s.h5").exists() or self.status(place)["done"] < 20:
                self.assertLess(time.monotonic(), end)
                time.sleep(0.1)
            done = self.status(place)["done"]
            time.sleep(2 * SYNC_EVERY_S)
            self.assertIsNone(sweep.poll(), "the sweep is too short for this test")
            synced = self.status(place)["synced"]
            shutil.copyfile(image, self.directory / "copy")  # The moment of the power cut.
            sweep.kill()
        after = self.mounted(self.directory / "copy", "after")
        left = self.status(after)["done"]
        self.assertGreaterEqual(left, done)
        self.assertGreaterEqual(left, synced, "what status calls synced is on the disk")
        self.assertGreater(synced, 0)
        run(BINARY, "verify", "s.h5", cwd=after)


def permitted():
    if os.geteuid() != 0 or not all(map(shutil.which, ("mkfs.ext4", "mount", "umount"))):
        return False
    return subprocess.run(["losetup", "-f"], capture_output=True, check=False).returncode == 0


if __name__ == "__main__":
    if not permitted():
        print("skipped: needs root, ext4 and loop devices")
        sys.exit(NOT_HERE)
    unittest.main(argv=sys.argv[:1])
