#include <algorithm>
#include <cstdint>
#include <limits>
#include <optional>
#include <span>

#include <spikesweep/base/error.hpp>
#include <spikesweep/parallel/interrupt.hpp>
#include <spikesweep/store/atomic_file.hpp>
#include <spikesweep/store/file_format.hpp>
#include <spikesweep/surrogate/validation.hpp>

#include "point_table.hpp"

namespace spikesweep {

namespace {

std::uint8_t code_of(verdict v) {
  return static_cast<std::uint8_t>(v);
}

void write_points(hdf5::group& root, const validation_result& result) {
  write_axis_values(root, result.axes, over(result.points, [](const auto& p) { return p.values; }));
  root.write_array("points/index",
                   over(result.points, [](const auto& p) { return static_cast<std::uint32_t>(p.point); }),
                   {"1", "number of the point in the sweep"});
  root.write_array("points/runaway",
                   over(result.points, [](const auto& p) { return static_cast<std::uint8_t>(p.runaway); }),
                   {"1", "1: a surrogate chain's E rate left half to twice the exact one"});
  root.write_array("points/distance", over(result.points, [](const auto& p) { return p.distance; }),
                   {"1", "distance to the trained ranges, in units of the ranges; 0 inside"});
}

/// Standard errors of the rates and, but of the exact run, verdicts.
void write_noise(hdf5::group& root, const validation_result& result, std::size_t k) {
  const std::string& run = result.points.front().runs[k].run;
  const auto write_of = [&](const std::string& q, batched_rate run_result::*rate,
                            rate_comparison run_result::*compared) {
    root.write_array("summary/" + run + "/rate_" + q + "_standard_error",
                     over(result.points, [&](const auto& p) { return (p.runs[k].*rate).standard_error(); }),
                     {"Hz", "standard error of the rate over the whole run, by batch means"});
    if (k == 0) {
      return;
    }
    root.write_array("verdict/" + run + "/rate_" + q,
                     over(result.points, [&](const auto& p) { return code_of((p.runs[k].*compared).verdict); }),
                     {"1", "verdict on this rate: see /verdict, `values`"});
    root.write_array("verdict/" + run + "/p_" + q,
                     over(result.points, [&](const auto& p) { return (p.runs[k].*compared).p; }),
                     {"1", "p-value of the test on runs of `verdict_s`; uniform where both are one network"});
  };
  write_of("E", &run_result::batches_E, &run_result::rate_E);
  write_of("I", &run_result::batches_I, &run_result::rate_I);
  if (k > 0) {
    root.write_array("verdict/" + run + "/point",
                     over(result.points, [&](const auto& p) { return code_of(p.runs[k].verdict()); }),
                     {"1", "verdict on the point, the worse of both rates': see /verdict, `values`"});
  }
}

void describe_verdicts(hdf5::group& root, const validation_settings& settings) {
  hdf5::group group = root.create_group("verdict");
  std::string values;
  for (int v = 0; v < verdict_count; ++v) {
    values += std::to_string(v) + ": " + name_of(static_cast<verdict>(v)) + (v + 1 < verdict_count ? "; " : "");
  }
  group.write_attribute("values", values);
  group.write_attribute("verdict_s", std::min(settings.verdict_s, settings.duration_s));
  group.write_attribute("level", verdict_level);
  group.write_attribute("tolerance", verdict_tolerance);
  group.write_attribute("description",
                        std::string("verdicts on the rates of runs of `verdict_s` seconds: a t-test of level `level` "
                                    "does not tell them from the exact run's (0), or it does, and the whole runs "
                                    "differ by at most the share `tolerance` (1), or by more (2)"));
}

/// What the figures under /summary are and how they are compared, for whoever reads the file.
void describe_figures(hdf5::group& root) {
  std::vector<std::string> names;
  std::vector<std::string> units;
  std::vector<std::string> words;
  std::vector<std::string> definitions;
  std::vector<std::string> comparisons;
  std::vector<double> tolerances;
  for (const figure& f : compared_figures()) {
    names.push_back(f.name);
    units.push_back(f.unit);
    words.push_back(f.words);
    definitions.push_back(f.definition);
    comparisons.emplace_back(name_of(f.compared));
    tolerances.push_back(f.tolerance.value_or(std::numeric_limits<double>::quiet_NaN()));
  }
  hdf5::group group = root.create_group("figures");
  const auto n = static_cast<std::uint64_t>(names.size());
  group.write_strings("name", names, {n}, {"1", "figures, as they are called under /summary"});
  group.write_strings("unit", units, {n}, {"1", "unit of each figure"});
  group.write_strings("words", words, {n}, {"1", "each figure in words"});
  group.write_strings("definition", definitions, {n}, {"1", "each figure in a sentence"});
  group.write_strings(
      "comparison", comparisons, {n},
      {"1",
       "relative: by the difference over the exact value; absolute: by the difference; decibel: by ten "
       "times the decimal logarithm of the ratio; distance: the figure is a distance from the exact run"});
  group.write_array("tolerance", tolerances, {"1", "an error up to which a value is right; NaN: none is named"});
}

void write_run(hdf5::group& root, const validation_result& result, std::size_t k) {
  const std::string& run = result.points.front().runs[k].run;
  for (const figure& f : compared_figures()) {
    root.write_array("summary/" + run + "/" + f.name,
                     over(result.points, [&](const auto& p) { return p.runs[k].figures[f]; }),
                     {f.unit, "of the run, at each point"});
    root.write_array("standard_errors/" + run + "/" + f.name,
                     over(result.points, [&](const auto& p) { return p.runs[k].errors[f]; }),
                     {f.unit, "standard error of the figure of the run"});
  }
  root.write_array("summary/" + run + "/wall_s", over(result.points, [&](const auto& p) { return p.runs[k].wall_s; }),
                   {"s", "wall time of the run on one core"});
  root.write_array(
      "peak_doubt/" + run,
      over(result.points, [&](const auto& p) { return static_cast<std::uint8_t>(p.runs[k].figures.doubt.fault); }),
      {"1", "0: none; 1: a higher peak lies outside the peak band; 2: the peak may be a subharmonic"});
  write_noise(root, result, k);
  if (k > 0) {
    const std::string group = "distance/" + run + "/";
    root.write_array(group + "size_ks", over(result.points, [&](const auto& p) { return p.runs[k].size_ks; }),
                     {"1", "Kolmogorov-Smirnov distance of phase sizes to the exact run"});
    root.write_array(group + "interval_ks", over(result.points, [&](const auto& p) { return p.runs[k].interval_ks; }),
                     {"1", "Kolmogorov-Smirnov distance of intervals between phases to the exact run"});
    root.write_array(group + "spectrum", over(result.points, [&](const auto& p) { return p.runs[k].spectrum; }),
                     {"1", "relative distance of the E-rate spectrum to the exact run's"});
  }
}

/// How much there is of the traces of one run at all points.
struct trace_counts {
  std::size_t power = 0;   ///< Numbers of the spectra.
  std::size_t spikes = 0;  ///< Of the rasters.
};

/// Spectra and rasters of one run, which are filled point by point.
class trace_writer {
 public:
  /// Makes the datasets of what there is.
  trace_writer(hdf5::group& root, const validation_result& result, const std::string& run, const trace_counts& counts) {
    const auto create = [&](const std::string& name, hdf5::object_id type, const hdf5::extent& shape,
                            const hdf5::label& text) {
      return root.create_dataset(name, hdf5::file_type(type), shape, text);
    };
    const std::size_t points = result.points.size();
    if (counts.power == points * result.frequency.size()) {
      power_ = create("spectra/" + run, hdf5::memory_type<double>(), {points, result.frequency.size()},
                      {"Hz^2/Hz", "power spectral density of the E rate per neuron, points x frequencies"});
    }
    if (counts.spikes > 0) {
      point_ = create("rasters/" + run + "/point", hdf5::memory_type<std::int32_t>(), {counts.spikes},
                      {"1", "row of /points"});
      neuron_ = create("rasters/" + run + "/neuron", hdf5::memory_type<std::int32_t>(), {counts.spikes},
                       {"1", "neuron; E neurons come first"});
      time_ =
          create("rasters/" + run + "/time", hdf5::memory_type<double>(), {counts.spikes}, {"s", "time of the spike"});
    }
  }

  /// The points come in order.
  void write(std::size_t i, const run_result& run) {
    if (power_) {
      power_->write_rows(i, std::span<const double>(run.power));
    }
    if (run.raster.empty()) {
      return;
    }
    const std::vector<std::int32_t> point(run.raster.size(), static_cast<std::int32_t>(i));
    const auto neuron = over(run.raster, [](const auto& spike) { return std::int32_t{spike.neuron}; });
    const auto time = over(run.raster, [](const auto& spike) { return spike.time; });
    point_->write_rows(spikes_, std::span<const std::int32_t>(point));
    neuron_->write_rows(spikes_, std::span<const std::int32_t>(neuron));
    time_->write_rows(spikes_, std::span<const double>(time));
    spikes_ += point.size();
  }

 private:
  std::optional<hdf5::dataset> power_;
  std::optional<hdf5::dataset> point_;
  std::optional<hdf5::dataset> neuron_;
  std::optional<hdf5::dataset> time_;
  std::size_t spikes_ = 0;
};

/// At least the bytes of the file.
std::uint64_t validation_file_bytes(const validation_result& result, const std::vector<trace_counts>& counts) {
  constexpr std::uint64_t number = sizeof(double);
  constexpr std::uint64_t metadata = std::uint64_t{1} << 20;
  constexpr std::uint64_t noise_and_distances = 10;
  const std::uint64_t of_point =
      result.axes.size() + counts.size() * (2 * compared_figures().size() + noise_and_distances);
  std::uint64_t numbers = result.points.size() * of_point;
  for (const mapped_plane& plane : result.maps.planes) {
    numbers += plane.places() * (result.maps.figures.size() + 2);
  }
  for (const trace_counts& run : counts) {
    numbers += run.power + 2 * run.spikes;
  }
  return metadata + number * numbers;
}

void write_calibration(hdf5::group& root, const std::vector<output_calibration>& outputs) {
  const std::size_t n = outputs.size();
  std::vector<std::string> phases;
  std::vector<std::string> names;
  std::vector<std::int64_t> rows;
  std::vector<std::int64_t> histogram;
  std::vector<double> coverage;
  std::vector<double> means;
  std::vector<double> biases;
  for (const output_calibration& o : outputs) {
    phases.emplace_back(name_of(o.phase));
    names.push_back(o.output);
    rows.push_back(o.tally.rows);
    histogram.insert(histogram.end(), o.tally.histogram.begin(), o.tally.histogram.end());
    for (std::size_t k = 0; k < coverage_levels.size(); ++k) {
      coverage.push_back(o.tally.coverage(k));
    }
    means.push_back(o.tally.mean());
    biases.push_back(o.tally.bias());
  }
  hdf5::group group = root.create_group("calibration");
  group.write_attribute("description",
                        std::string("one step of the law, from recorded states of the test points: unperturbed "
                                    "transitions only; of a right law all histograms are flat"));
  group.write_strings("phase", phases, {n}, {"1", "kind of the phases"});
  group.write_strings("output", names, {n}, {"1", "output of the law"});
  group.write_array("rows", rows, {"1", "transitions"});
  group.write_array<std::int64_t>("histogram", histogram, {n, pit_bins},
                                  {"1", "randomised probability integral transforms in equal bins of [0, 1]"});
  group.write_array<double>("level", coverage_levels, {coverage_levels.size()}, {"1", "of the central intervals"});
  group.write_array<double>("coverage", coverage, {n, coverage_levels.size()},
                            {"1", "share of transitions within the central interval of each level"});
  group.write_array("mean", means, {"1", "mean of the transforms: 1/2 of a right law, more if it predicts too little"});
  group.write_array("bias", biases, {"1", "mean less 1/2, in its standard errors"});
}

/// The run of that name at a point.
const run_result& run_named(const point_result& point, const std::string& name) {
  return *std::ranges::find(point.runs, name, &run_result::run);
}

void write_published(hdf5::group& root, const std::vector<published_comparison>& published) {
  const std::size_t n = published.size();
  hdf5::group group = root.create_group("published");
  std::vector<std::string> presets;
  std::vector<std::string> models;
  for (const published_comparison& c : published) {
    presets.push_back(c.preset);
  }
  for (const published_model& model : published.front().models) {
    models.push_back(model.model);
  }
  group.write_attribute("source", published.front().source);
  group.write_strings("preset", presets, {n}, {"1", "built-in network"});
  group.write_strings("model", models, {models.size()}, {"1", "models of the publication"});
  const auto write_of = [&](const std::string& name, double published_model::*theirs,
                            double (run_figures::*ours)() const, batched_rate run_result::*noise) {
    std::vector<double> rates;
    for (const published_comparison& c : published) {
      for (const published_model& model : c.models) {
        rates.push_back(model.*theirs);
      }
    }
    group.write_array<double>(name, rates, {n, models.size()}, {"Hz", "published rates, networks x models"});
    for (const std::string run : {"exact", "surrogate"}) {
      std::vector<double> own;
      std::vector<double> errors;
      for (const published_comparison& c : published) {
        const run_result& found = run_named(c.here, run);
        own.push_back((found.figures.*ours)());
        errors.push_back((found.*noise).standard_error());
      }
      group.write_array(run + "/" + name, own, {"Hz", "of our own run"});
      group.write_array(run + "/" + name + "_standard_error", errors, {"Hz", "standard error of it"});
    }
  };
  write_of("rate_E", &published_model::rate_E_hz, &run_figures::rate_E, &run_result::batches_E);
  write_of("rate_I", &published_model::rate_I_hz, &run_figures::rate_I, &run_result::batches_I);
}

}  // namespace

void save_validation(const std::filesystem::path& path, const validation_result& result,
                     const std::function<point_result(std::size_t place)>& with_traces, const model& m,
                     const std::string& model_file, const origin& made_from, const std::string& table) {
  const auto each = [&](const std::function<void(std::size_t, const run_result&, std::size_t)>& call) {
    for (std::size_t i = 0; i < result.points.size(); ++i) {
      if (interrupted()) {
        throw interrupted_error("interrupted before " + path.string() + " was written; the same command writes it");
      }
      const point_result point = with_traces(i);
      for (std::size_t k = 0; k < point.runs.size(); ++k) {
        call(i, point.runs[k], k);
      }
    }
  };
  const std::vector<std::string> runs = over(result.points.front().runs, [](const auto& r) { return r.run; });
  std::vector<trace_counts> counts(runs.size());
  each([&](std::size_t, const run_result& run, std::size_t k) {
    counts[k].power += run.power.size();
    counts[k].spikes += run.raster.size();
  });
  atomic_file target(path);
  target.reserve(validation_file_bytes(result, counts));  // Only to see whether it fits.
  hdf5::file file = hdf5::file::create_large(target.path());
  {
    hdf5::group& root = file.root();
    write_format(root, validation_format);
    root.write_attribute("model", model_file);
    write_origin(root, made_from);
    root.write_attribute("seed", result.settings.seed);
    root.write_attribute("duration_s", result.settings.duration_s);
    root.write_attribute("surrogate_s", result.settings.surrogate_s());
    root.write_attribute("peak_lowest_hz", result.settings.peak_lowest_hz);
    root.write_attribute("peak_highest_hz", result.settings.peak_highest_hz);
    root.write_attribute("chains", static_cast<std::int32_t>(result.settings.chains));
    root.write_attribute("N_E", static_cast<std::int32_t>(m.space.base.N_E));
    root.write_attribute("N_I", static_cast<std::int32_t>(m.space.base.N_I));
    write_points(root, result);
    root.write_strings("table", std::span(&table, 1), {1}, {"1", "what spikesweep validate prints of this file"});
    root.write_array("spectra/frequency", result.frequency, {"Hz", "frequencies of the spectra"});
    describe_figures(root);
    describe_verdicts(root, result.settings);
    if (!result.calibration.empty()) {
      write_calibration(root, result.calibration);
    }
    if (!result.maps.planes.empty()) {
      write_maps(root, result.maps, m.space);
    }
    if (!result.published.empty()) {
      write_published(root, result.published);
    }
    std::vector<trace_writer> traces;
    for (std::size_t k = 0; k < runs.size(); ++k) {
      write_run(root, result, k);
      traces.emplace_back(root, result, runs[k], counts[k]);
    }
    root.write_strings("runs", runs, {runs.size()}, {"1", "runs compared; distances are to the first"});
    each([&](std::size_t i, const run_result& run, std::size_t k) { traces[k].write(i, run); });
  }
  file.close();
  target.commit();
}

std::optional<std::string> find_validation_table(const std::filesystem::path& path) {
  hdf5::file file = hdf5::file::open(path);
  if (!file.root().has("table")) {
    return std::nullopt;
  }
  const std::vector<std::string> rows = file.root().read_strings("table");
  return rows.empty() ? std::nullopt : std::optional(rows.front());
}

}  // namespace spikesweep
