#include <cmath>

#include <spikesweep/store/atomic_file.hpp>
#include <spikesweep/store/file_format.hpp>
#include <spikesweep/surrogate/prediction.hpp>

#include "point_table.hpp"

namespace spikesweep {

namespace {

using predictions = std::vector<point_prediction>;

void write_figures(hdf5::group& root, const predictions& points) {
  for (const figure& f : compared_figures()) {
    root.write_array("figures/" + f.name, over(points, [&f](const auto& p) { return p.figures[f]; }),
                     {f.unit, "over all replicates of each point"});
    root.write_array("spread/" + f.name, over(points, [&f](const auto& p) { return p.spread[f]; }),
                     {f.unit, "standard deviation over the replicates of each point"});
  }
}

void write_departures(hdf5::group& root, const predictions& points) {
  root.write_array("departure/states", over(points, [](const auto& p) { return p.seen.states; }),
                   {"1", "states that were compared with the training states"});
  root.write_array("departure/share_beyond", over(points, [](const auto& p) { return p.seen.share_beyond(); }),
                   {"1", "share of these states that lie beyond the limit of the training states"});
  root.write_array("departure/farthest", over(points, [](const auto& p) { return p.seen.farthest_state(); }),
                   {"1", "largest distance of a state, in units of that limit"});
}

/// What the members of an ensemble say; nothing of a surrogate of one member.
void write_members(hdf5::group& root, const predictions& points) {
  const std::size_t members = points.front().members.size();
  if (members < 2) {
    return;
  }
  std::vector<double> rates_E;
  std::vector<double> rates_I;
  for (const point_prediction& point : points) {
    for (const member_rates& member : point.members) {
      rates_E.push_back(member.rate_E_hz);
      rates_I.push_back(member.rate_I_hz);
    }
  }
  root.write_array("members/seed", over(points.front().members, [](const auto& member) { return member.seed; }),
                   {"1", "seed of each member; the first one is the surrogate"});
  root.write_array<double>("members/rate_E_hz", rates_E, {points.size(), members}, {"Hz", "E rates, points x members"});
  root.write_array<double>("members/rate_I_hz", rates_I, {points.size(), members}, {"Hz", "I rates, points x members"});
}

void write_spectra(hdf5::group& root, const predictions& points, double segment_s) {
  const std::size_t frequencies = points.front().power.size();
  std::vector<double> frequency(frequencies);
  std::vector<double> power;
  for (std::size_t i = 0; i < frequencies; ++i) {
    frequency[i] = static_cast<double>(i) / segment_s;
  }
  for (const auto& point : points) {
    power.insert(power.end(), point.power.begin(), point.power.end());
  }
  root.write_array("spectra/frequency", frequency, {"Hz", "frequencies of the spectra"});
  root.write_array<double>("spectra/power", power, {points.size(), frequencies},
                           {"Hz^2/Hz", "power spectral density of the E rate per neuron, points x frequencies"});
}

/// Every phase that is not quiet, and, of active phases, every pair that follow one another.
void write_phases(hdf5::group& root, const predictions& points) {
  std::vector<std::int32_t> point, replicate, map_point, map_replicate;
  std::vector<double> size, interval, map_size, map_next, map_interval;
  for (std::size_t i = 0; i < points.size(); ++i) {
    const auto& p = points[i];
    for (std::size_t k = 0; k < p.sizes.size(); ++k) {
      point.push_back(static_cast<std::int32_t>(i));
      replicate.push_back(p.replicate[k]);
      if (!std::isnan(p.intervals[k])) {
        map_point.push_back(static_cast<std::int32_t>(i));
        map_replicate.push_back(p.replicate[k]);
        map_size.push_back(p.sizes[k]);
        map_next.push_back(p.sizes[k + 1]);
        map_interval.push_back(p.intervals[k]);
      }
    }
    size.insert(size.end(), p.sizes.begin(), p.sizes.end());
    interval.insert(interval.end(), p.intervals.begin(), p.intervals.end());
  }
  if (point.empty()) {
    return;
  }
  root.write_array("phases/point", point, {"1", "row of /points"});
  root.write_array("phases/replicate", replicate, {"1", "run of the phase, from 0"});
  root.write_array("phases/size", size, {"spike", "spikes of each phase that is not quiet"});
  root.write_array("phases/interval", interval, {"s", "to the start of the next one; NaN of the last, and of steps"});
  if (map_point.empty()) {
    return;
  }
  root.write_array("return_map/point", map_point, {"1", "row of /points"});
  root.write_array("return_map/replicate", map_replicate, {"1", "run of the phases, from 0"});
  root.write_array("return_map/size", map_size, {"spike", "spikes of an active phase"});
  root.write_array("return_map/next_size", map_next, {"spike", "spikes of the active phase after it"});
  root.write_array("return_map/interval", map_interval, {"s", "from the start of the one to that of the other"});
}

void write_rasters(hdf5::group& root, const predictions& points) {
  std::vector<std::int32_t> point, neuron;
  std::vector<double> time;
  for (std::size_t i = 0; i < points.size(); ++i) {
    for (const auto& spike : points[i].raster) {
      point.push_back(static_cast<std::int32_t>(i));
      neuron.push_back(spike.neuron);
      time.push_back(spike.time);
    }
  }
  if (time.empty()) {
    return;
  }
  root.write_array("rasters/point", point, {"1", "row of /points"});
  root.write_array("rasters/neuron", neuron, {"1", "neuron, drawn at random; E neurons come first"});
  root.write_array("rasters/time", time, {"s", "time of the spike in the point's first replicate"});
}

}  // namespace

void save_prediction(const std::filesystem::path& path, const std::vector<point_prediction>& points,
                     const prediction_settings& settings, const model& m, const std::string& model_file) {
  write_then_rename(path, [&](const std::filesystem::path& temporary) {
    hdf5::file file = hdf5::file::create(temporary);
    hdf5::group& root = file.root();
    write_format(root, prediction_format);
    root.write_attribute("model", model_file);
    root.write_attribute("seed", m.surrogate().seed);
    root.write_attribute("duration_s", settings.run.duration_s);
    root.write_attribute("burn_in_s", settings.run.burn_in_s);
    root.write_attribute("raster_s", settings.run.raster_s);
    root.write_attribute("replicates", static_cast<std::int32_t>(settings.replicates));
    root.write_attribute("hybrid", static_cast<std::int32_t>(settings.hybrid));
    root.write_attribute("precision", std::string(name_of(settings.numbers)));
    write_axis_values(root, m.space.axes, over(points, [](const auto& p) { return p.values; }));
    root.write_array("points/distance", over(points, [](const auto& p) { return p.distance; }),
                     {"1", "distance to the trained ranges, in units of the ranges; 0 inside"});
    root.write_array("points/nearest", over(points, [](const auto& p) { return p.nearest; }),
                     {"1", "distance to the nearest point of training, each axis in units of its trained range"});
    write_figures(root, points);
    write_departures(root, points);
    write_members(root, points);
    write_spectra(root, points, std::min(1.0, settings.run.duration_s));
    write_phases(root, points);
    write_rasters(root, points);
    file.close();
  });
}

}  // namespace spikesweep
