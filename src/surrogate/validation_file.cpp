#include <spikesweep/network/parameters.hpp>
#include <spikesweep/store/atomic_file.hpp>
#include <spikesweep/store/hdf5.hpp>
#include <spikesweep/surrogate/validation.hpp>

namespace spikesweep {

namespace {

std::uint8_t code_of(verdict v) {
  return static_cast<std::uint8_t>(v);
}

template <class Get>
auto over_points(const validation_result& result, Get get) {
  std::vector<std::remove_cvref_t<decltype(get(result.points[0]))>> out;
  for (const auto& point : result.points) {
    out.push_back(get(point));
  }
  return out;
}

void write_points(hdf5::group& root, const validation_result& result) {
  const auto n = static_cast<hsize_t>(result.points.size());
  const auto axes = static_cast<hsize_t>(result.axes.size());
  std::vector<std::string> units;
  for (const auto& axis : result.axes) {
    units.emplace_back(find_parameter(axis).unit);
  }
  root.write_strings("points/axis", result.axes, {axes}, {"1", "swept parameters"});
  root.write_strings("points/unit", units, {axes}, {"1", "unit of each axis"});
  std::vector<double> values;
  for (const auto& point : result.points) {
    values.insert(values.end(), point.values.begin(), point.values.end());
  }
  root.write_array<double>("points/values", values, {n, axes}, {"points/unit", "axis values of the held-out points"});
  root.write_array("points/index",
                   over_points(result, [](const auto& p) { return static_cast<std::uint32_t>(p.point); }),
                   {"1", "number of the point in the sweep"});
  root.write_array("points/runaway",
                   over_points(result, [](const auto& p) { return static_cast<std::uint8_t>(p.runaway); }),
                   {"1", "1: a surrogate chain's E rate left half to twice the exact one"});
  root.write_array("points/distance", over_points(result, [](const auto& p) { return p.distance; }),
                   {"1", "distance to the trained ranges, in units of the ranges; 0 inside"});
}

/// Standard errors of the rates and, but of the exact run, verdicts.
void write_noise(hdf5::group& root, const validation_result& result, std::size_t k) {
  const std::string& run = result.points.front().runs[k].run;
  const auto write_of = [&](const std::string& q, batched_rate run_result::*rate,
                            rate_comparison run_result::*compared) {
    root.write_array("summary/" + run + "/rate_" + q + "_standard_error_hz",
                     over_points(result, [&](const auto& p) { return (p.runs[k].*rate).standard_error(); }),
                     {"Hz", "standard error of the rate over the whole run, by batch means"});
    if (k == 0) {
      return;
    }
    root.write_array("verdict/" + run + "/rate_" + q,
                     over_points(result, [&](const auto& p) { return code_of((p.runs[k].*compared).outcome); }),
                     {"1", "verdict on this rate: see /verdict, `values`"});
    root.write_array("verdict/" + run + "/p_" + q,
                     over_points(result, [&](const auto& p) { return (p.runs[k].*compared).p; }),
                     {"1", "p-value of the test on runs of `verdict_s`; uniform where both are one network"});
  };
  write_of("E", &run_result::batches_E, &run_result::rate_E);
  write_of("I", &run_result::batches_I, &run_result::rate_I);
  if (k > 0) {
    root.write_array("verdict/" + run + "/point",
                     over_points(result, [&](const auto& p) { return code_of(p.runs[k].outcome()); }),
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

void write_run(hdf5::group& root, const validation_result& result, std::size_t k) {
  const std::string& run = result.points.front().runs[k].run;
  for (std::size_t f = 0; f < figure_names().size(); ++f) {
    root.write_array("summary/" + run + "/" + figure_names()[f],
                     over_points(result, [&](const auto& p) { return p.runs[k].figures.values()[f]; }),
                     {figure_units()[f], "of the run, at each point"});
  }
  root.write_array("summary/" + run + "/wall_s", over_points(result, [&](const auto& p) { return p.runs[k].wall_s; }),
                   {"s", "wall time of the run on one core"});
  write_noise(root, result, k);
  if (k > 0) {
    const std::string group = "distance/" + run + "/";
    root.write_array(group + "size_ks", over_points(result, [&](const auto& p) { return p.runs[k].size_ks; }),
                     {"1", "Kolmogorov-Smirnov distance of phase sizes to the exact run"});
    root.write_array(group + "interval_ks", over_points(result, [&](const auto& p) { return p.runs[k].interval_ks; }),
                     {"1", "Kolmogorov-Smirnov distance of intervals between phases to the exact run"});
    root.write_array(group + "spectrum", over_points(result, [&](const auto& p) { return p.runs[k].spectrum; }),
                     {"1", "relative distance of the E-rate spectrum to the exact run's"});
  }
  std::vector<double> power;
  for (const auto& point : result.points) {
    power.insert(power.end(), point.runs[k].power.begin(), point.runs[k].power.end());
  }
  if (power.size() == result.points.size() * result.frequency.size()) {
    root.write_array<double>("spectra/" + run, power, {result.points.size(), result.frequency.size()},
                             {"Hz^2/Hz", "power spectral density of the E rate per neuron, points x frequencies"});
  }
  std::vector<std::int32_t> index;
  std::vector<std::int32_t> neuron;
  std::vector<double> time;
  for (std::size_t i = 0; i < result.points.size(); ++i) {
    for (const auto& spike : result.points[i].runs[k].raster) {
      index.push_back(static_cast<std::int32_t>(i));
      neuron.push_back(spike.neuron);
      time.push_back(spike.time);
    }
  }
  if (!time.empty()) {
    root.write_array("rasters/" + run + "/point", index, {"1", "row of /points"});
    root.write_array("rasters/" + run + "/neuron", neuron, {"1", "neuron; E neurons come first"});
    root.write_array("rasters/" + run + "/time", time, {"s", "time of the spike"});
  }
}

}  // namespace

void save_validation(const std::filesystem::path& path, const validation_result& result, const model& m,
                     const std::string& model_file) {
  write_then_rename(path, [&](const std::filesystem::path& temporary) {
    hdf5::file file = hdf5::file::create(temporary);
    {
      hdf5::group& root = file.root();
      root.write_attribute("format", std::string("spikesweep validation"));
      root.write_attribute("format_version", std::int32_t{1});
      root.write_attribute("spikesweep_version", std::string(SPIKESWEEP_VERSION));
      root.write_attribute("model", model_file);
      root.write_attribute("seed", result.settings.seed);
      root.write_attribute("duration_s", result.settings.duration_s);
      root.write_attribute("chains", static_cast<std::int32_t>(result.settings.chains));
      root.write_attribute("N_E", static_cast<std::int32_t>(m.space.base.N_E));
      root.write_attribute("N_I", static_cast<std::int32_t>(m.space.base.N_I));
      write_points(root, result);
      root.write_array("spectra/frequency", result.frequency, {"Hz", "frequencies of the spectra"});
      describe_verdicts(root, result.settings);
      std::vector<std::string> runs;
      for (std::size_t k = 0; k < result.points.front().runs.size(); ++k) {
        runs.push_back(result.points.front().runs[k].run);
        write_run(root, result, k);
      }
      root.write_strings("runs", runs, {runs.size()}, {"1", "runs compared; distances are to the first"});
    }
    file.close();
  });
}

}  // namespace spikesweep
