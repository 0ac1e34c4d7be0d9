#!/usr/bin/python3
"""What tools/report.py promises, on synthetic run directories."""

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

import h5py
import numpy as np

import synthetic_run
from report_case import CHECK, REPORT, ROOT, ReportTest, run_tool


class ACompleteRun(ReportTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        subprocess.run([REPORT, cls.source], check=True, capture_output=True)
        with open(os.path.join(cls.source, "report.html"), encoding="utf-8") as file:
            cls.written = file.read()

    def test_has_every_section_and_figure(self):
        page = self.written
        for section in ("sweep", "rhythms", "held-out", "validation", "calibration", "training", "provenance"):
            self.assertIn(f"<section id={section}>", page)
        for figure in ("map", "spectrum", "raster", "parity", "errors", "verdicts", "pit", "coverage", "training"):
            self.assertIn(f'<svg class="{figure}"', page)
        self.assertEqual(page.count('<svg class="raster"'), 6)
        self.assertNotIn("class=missing", page)

    def test_needs_nothing_from_elsewhere(self):
        page = self.written
        for reference in re.findall(r'(?:src|href)\s*=\s*["\']?([^"\'\s>]+)', page):
            self.assertTrue(reference.startswith(("#", "data:image/png;base64,")), reference[:80])
        self.assertNotIn("<script", page)
        self.assertNotIn("@import", page)
        self.assertLess(len(page), 5_000_000)

    def test_keeps_the_ids_of_its_figures_apart(self):
        ids = re.findall(r' id="?([^"\s>]+)', self.written)
        self.assertEqual(len(ids), len(set(ids)))

    def test_tells_medians_and_worst_errors_as_they_are(self):
        with h5py.File(os.path.join(self.source, "validation.h5"), "r") as file:
            runs = [name.decode() for name in file["runs"][()] if name != b"exact"]
            for run in runs:
                for key in ("rate_E_hz", "rate_I_hz", "peak_hz", "fano_E_1ms", "peak_power", "spectrum_db"):
                    exact, value = file[f"summary/exact/{key}"][()], file[f"summary/{run}/{key}"][()]
                    error = {"peak_hz": abs(value - exact), "peak_power": abs(10 * np.log10(value / exact)),
                             "spectrum_db": value}.get(key, 100 * abs(value - exact) / exact)
                    cell = re.search(rf'data-run="{run}" data-quantity="{key}" data-median="(.*?)" data-worst="(.*?)">'
                                     r"<b>(.*?)</b><span>(.*?)</span>", self.written)
                    self.assertAlmostEqual(float(cell[1]), np.median(error), places=9)
                    self.assertAlmostEqual(float(cell[2]), error.max(), places=9)
                    self.assertAlmostEqual(float(cell[3]), np.median(error), delta=0.06 * np.median(error) + 1e-9)
                    self.assertAlmostEqual(float(cell[4]), error.max(), delta=0.06 * error.max() + 1e-9)

    def test_lists_the_figures_that_the_file_describes(self):
        rows = re.findall(r"<tr><th scope=row[^>]*>([^<]*?)(?: <small>.*?</small>)?</th><td[^>]*data-run=\"exact_repeat\" "
                          r"data-quantity", self.written)
        self.assertEqual(rows[:3], ["E rate", "I rate", "Phase rate"])
        self.assertIn("Spectral peak <small>[Hz]</small>", self.written)
        self.assertIn("Power of the peak <small>[dB]</small>", self.written)
        self.assertIn("Distance of the log spectra <small>[dB]</small>", self.written)
        self.assertIn("title='E rate, in a sentence'", self.written)

    def test_tells_of_doubtful_peaks_and_of_every_standard_error(self):
        self.assertNotIn("is in doubt", self.written)
        directory = self.fresh()
        with h5py.File(os.path.join(directory, "validation.h5"), "a") as file:
            file["peak_doubt/exact"] = np.array([0, 2, 1] + [0] * (len(file["points/index"]) - 3), "u1")
            for run in ("exact", "surrogate"):
                file[f"standard_errors/{run}/peak_hz"] = np.full(len(file["points/index"]), 0.123)
        page = self.page(directory)
        self.assertIn("At 2 test points the spectral peak of the exact run is in doubt", page)
        self.assertIn(" ± 0.1</td>", page)

    def test_tells_the_share_of_every_verdict(self):
        with h5py.File(os.path.join(self.source, "validation.h5"), "r") as file:
            for run in ("exact_repeat", "surrogate", "nearest_neighbour"):
                codes = file[f"verdict/{run}/point"][()]
                for code, verdict in enumerate(("indistinguishable", "within_2_percent", "worse")):
                    cell = re.search(rf'data-run="{run}" data-verdict="{verdict}"><b>([\d.]+)', self.written)
                    self.assertAlmostEqual(float(cell[1]), 100 * (codes == code).mean(), delta=0.06)

    def test_tells_the_verdict_and_the_noise_of_every_point(self):
        rows = re.findall(r"<tr><th scope=row>(\d+)</th>(.*?)</tr>", self.written)
        with h5py.File(os.path.join(self.source, "validation.h5"), "r") as file:
            labels = ("indistinguishable", "within 2 %", "worse")
            table = {int(point): cells for point, cells in rows if " ± " in cells}
            for row, point in enumerate(file["points/index"][()]):
                wanted = [labels[file[f"verdict/surrogate/rate_{q}"][row]] for q in "EI"]
                self.assertIn(f"<td>{wanted[0]}</td><td>{wanted[1]}</td>", table[point])

    def test_tells_the_coverage_of_every_output(self):
        with h5py.File(os.path.join(self.source, "validation.h5"), "r") as file:
            for label, row in (("E spikes", 0), ("I near threshold", 7)):
                found = re.search(rf"<th scope=row>{label}</th>(.*?)</tr>", self.written)[1]
                shares = [float(x) for x in re.findall(r"<td>([\d.]+)\u00a0%", found)]
                for written, coverage in zip(shares, file["calibration/coverage"][row], strict=True):
                    self.assertAlmostEqual(written, 100 * coverage, delta=0.06)

    def test_shows_published_models_beside_ours(self):
        self.assertNotIn("Published models", self.written)
        directory = self.fresh()
        synthetic_run.write_published(os.path.join(directory, "validation.h5"))
        page = self.page(directory)
        for cell in ("34.73 / 74.91", "40.56 / 76.35", "32.47 / 69.13", "34.90 / 75.20", "34.95 / 75.25"):
            self.assertIn(f"<td>{cell}</td>", page)

    def test_of_an_older_version_is_drawn_without_verdicts_and_calibration(self):
        directory = self.fresh()
        with h5py.File(os.path.join(directory, "validation.h5"), "a") as file:
            del file["verdict"], file["calibration"], file["figures"]
            for run in file["summary"].values():
                del run["rate_E_standard_error"], run["rate_I_standard_error"]
        page = self.page(directory)
        self.assertIn('<svg class="parity"', page)
        self.assertIn("Rate of phases that are not quiet <small>[%]</small>", page)
        for word in ("indistinguishable", "<section id=calibration>", " ± "):
            self.assertNotIn(word, page)

    def test_maps_what_the_sweep_measured_beside_the_surrogate(self):
        self.assertIn("Each map above the diagonal is the surrogate", self.written)
        self.assertIn("<details><summary>Fano factor</summary>", self.written)
        self.assertEqual(self.written.count('<svg class="map"'), 3)
        directory = self.fresh()
        with h5py.File(os.path.join(directory, "validation.h5"), "a") as file:
            del file["maps"]
        with h5py.File(os.path.join(directory, "sweep.h5"), "a") as file:
            del file["tasks/figures"]  # As in files of older versions.
        page = self.page(directory)
        self.assertEqual(page.count('<svg class="map"'), 2)
        self.assertNotIn("Each map above the diagonal", page)

    def test_tells_the_speed_of_the_surrogate(self):
        # 20 s at every point in 0.05 s of one core.
        self.assertIn("400<small>× real time</small>", self.written)

    def test_names_failed_tasks_and_their_reason(self):
        self.assertIn("1 failed", self.written)
        self.assertRegex(self.written, r"<th scope=row>5</th><td>0</td><td>runaway</td>")

    def test_names_the_points_that_the_section_does_not_suit(self):
        self.assertNotIn("Where the section degenerates", self.written)
        directory = self.fresh()
        with h5py.File(os.path.join(directory, "sweep.h5"), "r+") as file:
            file["section/kind"][()] = "mfe"
            records = file["tasks/records"][:]
            records["capped"], records["empty"] = 0, 0
            records["capped"][records["point"] == 3] = 0.25 * records["phases"][0]
            records["capped"][records["point"] == 7] = 0.75 * records["phases"][0]
            records["capped"][records["point"] == 8] = 0.175 * records["phases"][0]  # Below what is notable.
            file["tasks/records"][:] = records
        page = self.page(directory)
        told = page[page.index("Where the section degenerates"):]
        told = told[:told.index("</table>")]
        self.assertIn("does not suit 2 points", told)
        self.assertIn("<code>volley</code> or <code>interval</code>", told)
        self.assertEqual(re.findall(r"<th scope=row>(\d+)</th><td>([\d.]+)", told), [("7", "75"), ("3", "25")])

    def test_names_runaway_surrogates(self):
        directory = self.fresh()
        with h5py.File(os.path.join(directory, "validation.h5"), "a") as file:
            file["points/runaway"][3] = 1
        self.assertIn("The surrogate ran away at 1 test point", self.page(directory))

    def test_escapes_what_users_wrote(self):
        directory = self.fresh()
        with h5py.File(os.path.join(directory, "sweep.h5"), "a") as file:
            del file["config/text"]
            file["config/text"] = "# <b>bold</b> & more"
        self.assertIn("# &lt;b&gt;bold&lt;/b&gt; &amp; more", self.page(directory))

    def test_is_written_for_a_directory_whose_name_is_no_utf_8(self):
        directory = os.path.join(tempfile.mkdtemp(dir=self.base), os.fsdecode(b"d\xff"))
        shutil.copytree(self.source, directory)
        done = subprocess.run([REPORT, directory], capture_output=True, check=False)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(done.stdout, os.fsencode(directory) + b"/report.html\n")
        with open(os.path.join(directory, "report.html"), encoding="utf-8") as file:
            self.assertIn("<title>spikesweep: d\ufffd</title>", file.read())

    def test_is_the_same_text_every_time_and_under_mpirun(self):
        directory = os.path.join(tempfile.mkdtemp(dir=self.base), "source")
        shutil.copytree(self.source, directory)
        self.assertEqual(self.page(directory, environment={"OMPI_COMM_WORLD_SIZE": "2", "OMPI_COMM_WORLD_RANK": "0"}),
                         self.written)

    def test_figures_are_saved_on_request(self):
        directory = self.fresh()
        figures = os.path.join(directory, "pictures")
        self.assertEqual(run_tool(REPORT, directory, "--figures", figures).returncode, 0)
        for name in ("overview", "map_rate_E_hz", "map_fano_E_1ms", "parity_rate_E", "raster_high_surrogate"):
            with open(os.path.join(figures, name + ".png"), "rb") as file:
                self.assertEqual(file.read(8), b"\x89PNG\r\n\x1a\n")


class EveryKindOfDesign(ReportTest):
    def test_is_drawn(self):
        axes = list(synthetic_run.AXES)
        cases = [("one axis", axes[:1], "grid", "map", 3), ("a plane", axes[:2], "latin_hypercube", "map", 3),
                 ("a grid", axes[:2], "grid", "map", 3), ("a cube", axes[:3], "grid", "map", 3),
                 ("six axes", axes, "latin_hypercube", "map", 3)]
        for name, chosen, kind, figure, count in cases:
            with self.subTest(name):
                directory = synthetic_run.write_run(tempfile.mkdtemp(dir=self.base), axes=chosen, kind=kind, count=64,
                                                    tests=3)
                self.assertEqual(self.page(directory).count(f'<svg class="{figure}"'), count)


class AnIncompleteRun(ReportTest):
    def test_without_validation_says_so_in_a_sentence(self):
        directory = self.fresh()
        os.remove(os.path.join(directory, "validation.h5"))
        page = self.page(directory)
        self.assertRegex(page, r"<p class=missing>The comparison with exact runs is not shown: \S+validation.h5: "
                               r"there is no such file\.</p>")
        self.assertIn('<svg class="training"', page)

    def test_without_a_model_says_so_in_a_sentence(self):
        directory = self.fresh()
        os.remove(os.path.join(directory, "model.h5"))
        page = self.page(directory)
        self.assertRegex(page, r"<p class=missing>Training is not shown: \S+model.h5: there is no such file\.</p>")
        self.assertIn("id=validation-table", page)

    def test_with_a_damaged_validation_says_so_in_a_sentence(self):
        directory = self.fresh()
        with h5py.File(os.path.join(directory, "validation.h5"), "a") as file:
            del file["points/values"]
        self.assertRegex(self.page(directory), r"class=missing>.*validation.h5 is damaged or of another version")

    def test_without_run_json_leaves_the_wall_time_out(self):
        directory = self.fresh()
        os.remove(os.path.join(directory, "run.json"))
        self.assertNotIn("Wall time", self.page(directory))

    def test_names_every_state_of_a_task(self):
        """As the program does: a state that is added there needs a word here."""
        with open(os.path.join(ROOT, "include", "spikesweep", "network", "transition.hpp"), encoding="utf-8") as file:
            states = dict(re.findall(r"^  (\w+) = (\d+)", file.read().split("enum class task_state")[1], re.M))
        self.assertEqual(states["crashed"], "4")
        for name, number in states.items():
            directory = self.fresh()
            with h5py.File(os.path.join(directory, "sweep.h5"), "a") as file:
                file["tasks/state"][:2] = int(number)
            page = self.page(directory)
            self.assertIn(name.replace("_", " "), page)
            self.assertNotRegex(page, r"state \d")

    def test_shows_every_call_of_the_run_and_adds_up_their_times(self):
        directory = self.fresh()
        record = os.path.join(directory, "run.json")
        with open(record, encoding="utf-8") as file:
            last = json.load(file)
        last["earlier"] = [{"command": "spikesweep run first.toml -o run --set seed=3", "ranks": 7, "state": "died",
                            "started_at": "2026-11-27T10:00:00Z", "wall_s": {"sweep": 1000}}]
        with open(record, "w", encoding="utf-8") as file:
            json.dump(last, file)
        page = self.page(directory)
        self.assertIn("Calls of this run", page)
        self.assertRegex(page, r"2026-11-27T10:00:00Z.*--set seed=3.*<td>7</td><td>died</td>")
        self.assertRegex(page, r"sweep 18 min 41 s")

    def test_with_a_spoilt_run_json_is_written_all_the_same(self):
        directory = self.fresh()
        for text in ("{", "[1, 2]", '{"wall_s": 3, "versions": "x", "speed": []}',
                     '{"earlier": 3, "ranks": []}', '{"earlier": [2, {}, {"wall_s": [], "command": 4}]}'):
            with open(os.path.join(directory, "run.json"), "w", encoding="utf-8") as file:
                file.write(text)
            self.page(directory)

    def test_without_measured_wall_times_leaves_the_speed_out(self):
        directory = self.fresh()
        with h5py.File(os.path.join(directory, "validation.h5"), "a") as file:
            del file["summary/surrogate/wall_s"]
        self.assertNotIn("Surrogate speed", self.page(directory))

    def test_without_any_finished_task_says_so(self):
        directory = self.fresh()
        with h5py.File(os.path.join(directory, "sweep.h5"), "a") as file:
            file["tasks/state"][...] = 0
        self.assertIn("No task of the sweep is done yet", self.page(directory))

    def test_without_a_finite_number_is_written_all_the_same(self):
        directory = self.fresh()
        with h5py.File(os.path.join(directory, "validation.h5"), "a") as file:
            for run in file["summary"].values():
                for dataset in run.values():
                    dataset[...] = np.nan
        self.page(directory)


class AForeignDirectory(ReportTest):
    def test_without_a_sweep_is_refused(self):
        directory = self.fresh()
        os.remove(os.path.join(directory, "sweep.h5"))
        self.assertIn("there is no such file", self.refused(directory))

    def test_that_does_not_exist_is_refused(self):
        self.assertIn("there is no such directory", self.refused(os.path.join(self.base, "nowhere")))

    def test_with_a_file_of_another_kind_is_refused(self):
        directory = self.fresh()
        shutil.copy(os.path.join(directory, "model.h5"), os.path.join(directory, "sweep.h5"))
        self.assertIn("not a spikesweep sweep file", self.refused(directory))

    def test_with_a_file_that_is_no_hdf5_is_refused(self):
        directory = self.fresh()
        with open(os.path.join(directory, "sweep.h5"), "w", encoding="utf-8") as file:
            file.write("not HDF5")
        self.assertIn("no HDF5 file", self.refused(directory))

    def test_with_a_file_cut_short_is_refused(self):
        directory = self.fresh()
        path = os.path.join(directory, "sweep.h5")
        os.truncate(path, os.path.getsize(path) // 2)
        self.assertIn("cut short", self.refused(directory))

    def test_with_a_sweep_that_lacks_a_part_is_refused(self):
        directory = self.fresh()
        with h5py.File(os.path.join(directory, "sweep.h5"), "a") as file:
            del file["tasks/records"]
        self.assertIn("damaged or of another version", self.refused(directory))

    def test_leaves_an_older_report_alone(self):
        directory = self.fresh()
        page = self.page(directory)
        os.remove(os.path.join(directory, "sweep.h5"))
        self.assertEqual(run_tool(REPORT, directory).returncode, 2)
        with open(os.path.join(directory, "report.html"), encoding="utf-8") as file:
            self.assertEqual(file.read(), page)


class ACaller(ReportTest):
    def test_may_have_another_backend_of_matplotlib(self):
        self.page(self.fresh(), environment={"MPLBACKEND": "nonsense"})

    def test_may_have_closed_its_streams(self):
        for closed in ("2>&-", ">&- 2>&-"):
            directory = self.fresh()
            done = subprocess.run(["sh", "-c", f'exec "$0" "$1" {closed}', REPORT, directory], check=False)
            self.assertEqual(done.returncode, 0)
            self.assertTrue(os.path.exists(os.path.join(directory, "report.html")))

    def test_may_give_a_directory_whose_name_begins_with_a_dash(self):
        directory = os.path.join(self.base, "-dash")
        shutil.copytree(self.source, directory)
        done = subprocess.run([REPORT, "--", "-dash"], cwd=self.base, capture_output=True, text=True, check=False)
        self.assertEqual((done.returncode, done.stdout), (0, "-dash/report.html\n"), done.stderr)


class SilentNetworks(ReportTest):
    def silenced(self, populations):
        """A copy of the run in which nothing of these populations fires, neither exactly nor in the surrogate."""
        directory = self.fresh()
        with h5py.File(os.path.join(directory, "validation.h5"), "a") as file:
            for run in file["summary"]:
                for q in populations:
                    file[f"summary/{run}/rate_{q}_hz"][...] = 0
                    file[f"summary/{run}/rate_{q}_standard_error"][...] = 0
                if "E" in populations:
                    for key in ("peak_hz", "fano_E_1ms"):
                        file[f"summary/{run}/{key}"][...] = np.nan
            if "E" in populations:
                for run in ("exact", "exact_repeat", "surrogate"):
                    file[f"spectra/{run}"][...] = 0
        with h5py.File(os.path.join(directory, "sweep.h5"), "a") as file:
            records = file["tasks/records"][()]
            for q in populations:
                records[f"spikes_{q}"] = 0
            file["tasks/records"][...] = records
        return directory

    def test_are_drawn_without_a_warning(self):
        for populations in ("E", "I", "EI"):
            directory = self.silenced(populations)
            done = subprocess.run(["/usr/bin/python3", "-I", "-W", "error", REPORT, directory], capture_output=True,
                                  text=True, check=False)
            self.assertEqual((done.returncode, done.stderr), (0, ""), populations)
            with open(os.path.join(directory, "report.html"), encoding="utf-8") as file:
                page = file.read()
            words = re.sub(r"base64,[A-Za-z0-9+/=\s]*|data-[a-z]+=\"nan\"", "", page)  # Pictures hold all letters.
            self.assertNotRegex(words, r"[^a-z]nan[^a-z]")
            for q in populations:
                self.assertIn(f'data-run="surrogate" data-quantity="rate_{q}_hz" data-median="0.0"', page)

    def test_have_no_share_of_right_peaks(self):
        directory = self.silenced("E")
        self.page(directory)
        text = run_tool(CHECK, directory).stdout
        self.assertIn("FAILED spectral peak within 2 Hz: not measured (at least 90 %)", text)
        self.assertIn("ok     E rate: median error 0.00 %", text)
        self.assertNotIn("nan", text)


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0], *sys.argv[1:]])
