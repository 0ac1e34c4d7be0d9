"""h5py_test.py MAKE_SWEEP_FILE: a sweep file explains itself to h5py, with names and units alone."""
import math
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

import h5py

MAKE = sys.argv.pop(1)


class SweepFile(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.scratch = tempfile.TemporaryDirectory()
        path = Path(cls.scratch.name) / "sweep.h5"
        subprocess.run([MAKE, path], check=True)
        cls.file = h5py.File(path, "r")

    @classmethod
    def tearDownClass(cls):
        cls.file.close()
        cls.scratch.cleanup()

    def datasets(self):
        found = []
        self.file.visititems(lambda name, item: found.append(item) if isinstance(item, h5py.Dataset) else None)
        return found

    def test_every_dataset_has_units_and_a_description(self):
        self.assertGreater(len(self.datasets()), 60)
        for data in self.datasets():
            for name in ("units", "description"):
                text = data.attrs.get(name)
                self.assertIsInstance(text, str, f"{data.name}: {name}")
                self.assertTrue(text.strip(), f"{data.name}: {name}")

    def test_every_dataset_is_contiguous_and_of_fixed_size(self):
        for data in self.datasets():
            self.assertIsNone(data.chunks, data.name)
            self.assertEqual(data.maxshape, data.shape, data.name)
            if data.size:
                self.assertIsNotNone(data.id.get_offset(), data.name)

    def test_the_root_says_what_the_file_is(self):
        self.assertEqual(self.file.attrs["format"], "spikesweep sweep")
        self.assertEqual(self.file.attrs["format_version"], 6)
        self.assertEqual(self.file.attrs["seed"], 77)
        self.assertEqual(self.file.attrs["replicates"], 2)
        self.assertRegex(self.file.attrs["spikesweep_version"], r"^\d+\.\d+\.\d+")

    def test_points_are_found_by_the_names_of_their_axes(self):
        points = self.file["design/points"]
        self.assertEqual([axis.decode() for axis in points.dims[1]["axis"][:]], ["S_EE", "lambda_E"])
        self.assertEqual([dim.label for dim in points.dims], ["point", "axis"])
        units = [self.file["network"][name].attrs["units"] for name in ("S_EE", "lambda_E")]
        self.assertEqual([unit.decode() for unit in self.file["design/unit"]], units)
        self.assertEqual(units[1], "1/s")

    def test_every_member_of_a_structure_has_units_and_a_description(self):
        for name in ("tasks/records", "tasks/figures"):
            data = self.file[name]
            for member in data.dtype.names:
                self.assertTrue(data.attrs["units_" + member] and data.attrs["description_" + member], member)
        self.assertEqual(self.file["tasks/records"].attrs["units_simulated_s"], "s")
        self.assertEqual(self.file["tasks/figures"].attrs["units_peak_hz"], "Hz")

    def test_figures_of_a_task_have_names_and_standard_errors(self):
        figures = self.file["tasks/figures"]
        self.assertEqual(figures.shape, self.file["tasks/records"].shape)
        for name in ("rate_E_hz", "fano_E_1ms", "peak_hz", "size_cv", "lag_I_ms"):
            for member in (name, name + "_standard_error"):
                self.assertTrue(0 < figures[0][member] < 1, member)  # As made up.
                self.assertTrue(math.isnan(figures[1][member]), "a task that is not done")

    def test_histograms_know_their_voltages(self):
        histogram = self.file["transitions/before/histogram_E"]
        edges = histogram.dims[1]["voltage"][:]
        self.assertEqual(len(edges), histogram.shape[1])
        self.assertEqual((edges[0], edges[-1]), (-66, 96))

    def test_rows_of_a_task_are_found_by_its_record(self):
        done = [t for t, state in enumerate(self.file["tasks/state"]) if state == 1]
        self.assertEqual(done, [0, 5])
        task = self.file["tasks/records"][5]
        first, rows = task["first_row"], task["rows"]
        self.assertEqual((first, rows, task["point"], task["replicate"]), (100, 20, 2, 1))
        self.assertTrue((self.file["transitions/duration"][first:first + rows] > 0).all())
        self.assertFalse(self.file["transitions/duration"][20:100].any())


if __name__ == "__main__":
    unittest.main()
