#!/usr/bin/python3
"""What tools/check_run.py promises, on synthetic run directories."""

import os
import sys
import unittest

import h5py

from report_case import CHECK, ReportTest, run_tool


class TheCheckOfARun(ReportTest):
    def checked(self, directory):
        done = run_tool(CHECK, directory)
        return done.returncode, done.stdout + done.stderr

    def test_passes_a_good_run(self):
        directory = self.fresh()
        self.page(directory)
        status, text = self.checked(directory)
        self.assertEqual(status, 0, text)

    def test_fails_a_run_without_a_report(self):
        status, text = self.checked(self.fresh())
        self.assertEqual(status, 1)
        self.assertRegex(text, r"FAILED report")

    def test_fails_an_inaccurate_surrogate(self):
        directory = self.fresh()
        self.page(directory)
        with h5py.File(os.path.join(directory, "validation.h5"), "a") as file:
            file["summary/surrogate/rate_E_hz"][...] *= 1.05
            file["summary/surrogate/peak_hz"][...] += 5
            file["points/runaway"][0] = 1
        status, text = self.checked(directory)
        self.assertEqual(status, 1)
        for part in ("FAILED E rate", "FAILED runaway", "FAILED spectral peak", "ok     I rate"):
            self.assertIn(part, text)

    def test_refuses_a_run_without_validation(self):
        directory = self.fresh()
        os.remove(os.path.join(directory, "validation.h5"))
        self.assertEqual(self.checked(directory)[0], 2)


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0], *sys.argv[1:]])
