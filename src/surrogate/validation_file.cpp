#include <spikesweep/store/atomic_file.hpp>
#include <spikesweep/store/hdf5.hpp>
#include <spikesweep/surrogate/validation.hpp>

#include "point_table.hpp"

namespace spikesweep {

namespace {

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

void write_run(hdf5::group& root, const validation_result& result, std::size_t k) {
  const std::string& run = result.points.front().runs[k].run;
  for (std::size_t f = 0; f < figure_names().size(); ++f) {
    root.write_array("summary/" + run + "/" + figure_names()[f],
                     over(result.points, [&](const auto& p) { return p.runs[k].figures.values()[f]; }),
                     {figure_units()[f], "of the run, at each point"});
  }
  root.write_array("summary/" + run + "/wall_s", over(result.points, [&](const auto& p) { return p.runs[k].wall_s; }),
                   {"s", "wall time of the run on one core"});
  if (k > 0) {
    const std::string group = "distance/" + run + "/";
    root.write_array(group + "size_ks", over(result.points, [&](const auto& p) { return p.runs[k].size_ks; }),
                     {"1", "Kolmogorov-Smirnov distance of phase sizes to the exact run"});
    root.write_array(group + "interval_ks", over(result.points, [&](const auto& p) { return p.runs[k].interval_ks; }),
                     {"1", "Kolmogorov-Smirnov distance of intervals between phases to the exact run"});
    root.write_array(group + "spectrum", over(result.points, [&](const auto& p) { return p.runs[k].spectrum; }),
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
