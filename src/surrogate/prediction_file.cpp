#include <algorithm>
#include <cmath>
#include <cstdint>
#include <optional>
#include <span>

#include <spikesweep/base/error.hpp>
#include <spikesweep/parallel/interrupt.hpp>
#include <spikesweep/store/atomic_file.hpp>
#include <spikesweep/store/file_format.hpp>
#include <spikesweep/surrogate/prediction.hpp>

#include "point_table.hpp"

namespace spikesweep {

namespace {

using predictions = std::vector<point_prediction>;

void write_figures(hdf5::group& root, const predictions& points) {
  for (const figure& f : predicted_figures()) {
    root.write_array("figures/" + f.name, over(points, [&f](const auto& p) { return p.figures[f]; }),
                     {f.unit, f.words + ", over all replicates of each point"});
    root.write_array("standard_errors/" + f.name, over(points, [&f](const auto& p) { return p.errors[f]; }),
                     {f.unit, "standard error of it"});
    root.write_array("spread/" + f.name, over(points, [&f](const auto& p) { return p.spread[f]; }),
                     {f.unit, "standard deviation over the replicates of each point"});
  }
}

/// Which peaks may not be the rhythm.
void write_doubts(hdf5::group& root, const predictions& points) {
  root.write_array("peak_doubt/fault",
                   over(points, [](const auto& p) { return static_cast<std::uint8_t>(p.figures.doubt.fault); }),
                   {"1", "0: none; 1: a higher peak lies outside the peak band; 2: the peak may be a subharmonic"});
  root.write_array("peak_doubt/other_hz", over(points, [](const auto& p) { return p.figures.doubt.other_hz; }),
                   {"Hz", "the higher peak, or the strong one near twice the frequency"});
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

/// How many of each kind of sample there are.
struct sample_counts {
  std::size_t frequencies = 0;
  std::size_t phases = 0;
  std::size_t pairs = 0;  ///< Of active phases that follow one another.
  std::size_t spikes = 0;

  void add(const point_prediction& point) {
    frequencies = std::max(frequencies, point.power.size());
    phases += point.sizes.size();
    pairs += static_cast<std::size_t>(std::ranges::count_if(point.intervals, [](double x) { return !std::isnan(x); }));
    spikes += point.raster.size();
  }
};

/// Columns of a value for each sample, which are filled point by point.
class sample_columns {
 public:
  sample_columns(hdf5::group& root, std::size_t rows) : root_(root), rows_(rows) {}

  template <hdf5::number T>
  void create(const std::string& name, const hdf5::label& text) {
    columns_.push_back(root_.create_dataset(name, hdf5::file_type(hdf5::memory_type<T>()), {rows_}, text));
  }
  /// The next rows of all columns, in the order in which they were made; each has a value for each row.
  template <hdf5::number... T>
  void append(const std::vector<T>&... values) {
    std::size_t column = 0;
    std::size_t added = 0;
    (append_to(columns_[column++], values, added), ...);
    next_ += added;
  }

 private:
  template <hdf5::number T>
  void append_to(hdf5::dataset& column, const std::vector<T>& values, std::size_t& added) {
    added = values.size();
    if (added > 0) {
      column.write_rows(next_, std::span<const T>(values));
    }
  }

  hdf5::group& root_;
  std::size_t rows_;
  std::size_t next_ = 0;
  std::vector<hdf5::dataset> columns_;
};

/// The part of the file that grows with the length of the runs.
class sample_writer {
 public:
  /// Makes all datasets. A kind of which there is nothing has none.
  sample_writer(hdf5::group& root, std::size_t points, const sample_counts& counts, const trajectory_settings& run)
      : phases_(root, counts.phases), pairs_(root, counts.pairs), spikes_(root, counts.spikes), counts_(counts) {
    std::vector<double> frequency =
        spectrum_frequencies(run.bin_s, std::llround(std::min(usual_segment_s, run.duration_s) / run.bin_s));
    frequency.resize(counts.frequencies);  // There may be no spectra.
    root.write_array("spectra/frequency", frequency, {"Hz", "frequencies of the spectra"});
    power_.emplace(
        root.create_dataset("spectra/power", hdf5::file_type(hdf5::memory_type<double>()), {points, counts.frequencies},
                            {"Hz^2/Hz", "power spectral density of the E rate per neuron, points x frequencies"}));
    if (counts.phases > 0) {
      create_phases();
    }
    if (counts.pairs > 0) {
      create_pairs();
    }
    if (counts.spikes > 0) {
      spikes_.create<std::int32_t>("rasters/point", {"1", "row of /points"});
      spikes_.create<std::int32_t>("rasters/neuron", {"1", "neuron, drawn at random; E neurons come first"});
      spikes_.create<double>("rasters/time", {"s", "time of the spike in the point's first replicate"});
    }
  }

  /// The points come in order.
  void write(std::size_t i, const point_prediction& p) {
    if (!p.power.empty()) {
      power_->write_rows(i, std::span<const double>(p.power));
    }
    if (counts_.phases > 0) {
      write_phases(static_cast<std::int32_t>(i), p);
    }
    if (counts_.spikes > 0) {
      const std::vector<std::int32_t> point(p.raster.size(), static_cast<std::int32_t>(i));
      spikes_.append(point, over(p.raster, [](const auto& spike) { return std::int32_t{spike.neuron}; }),
                     over(p.raster, [](const auto& spike) { return spike.time; }));
    }
  }

 private:
  void create_phases() {
    phases_.create<std::int32_t>("phases/point", {"1", "row of /points"});
    phases_.create<std::int32_t>("phases/replicate", {"1", "run of the phase, from 0"});
    phases_.create<double>("phases/size", {"spike", "spikes of each phase that is not quiet"});
    phases_.create<double>("phases/interval", {"s", "to the start of the next one; NaN of the last, and of steps"});
  }

  void create_pairs() {
    pairs_.create<std::int32_t>("return_map/point", {"1", "row of /points"});
    pairs_.create<std::int32_t>("return_map/replicate", {"1", "run of the phases, from 0"});
    pairs_.create<double>("return_map/size", {"spike", "spikes of an active phase"});
    pairs_.create<double>("return_map/next_size", {"spike", "spikes of the active phase after it"});
    pairs_.create<double>("return_map/interval", {"s", "from the start of the one to that of the other"});
  }

  /// Every phase that is not quiet, and, of active phases, every pair that follow one another.
  void write_phases(std::int32_t i, const point_prediction& p) {
    const std::vector<std::int32_t> replicate(p.replicate.begin(), p.replicate.end());
    phases_.append(std::vector<std::int32_t>(p.sizes.size(), i), replicate, p.sizes, p.intervals);
    if (counts_.pairs == 0) {
      return;
    }
    std::vector<std::int32_t> map_replicate;
    std::vector<double> size, next, interval;
    for (std::size_t k = 0; k < p.sizes.size(); ++k) {
      if (!std::isnan(p.intervals[k])) {
        map_replicate.push_back(p.replicate[k]);
        size.push_back(p.sizes[k]);
        next.push_back(p.sizes[k + 1]);
        interval.push_back(p.intervals[k]);
      }
    }
    pairs_.append(std::vector<std::int32_t>(size.size(), i), map_replicate, size, next, interval);
  }

  std::optional<hdf5::dataset> power_;
  sample_columns phases_;
  sample_columns pairs_;
  sample_columns spikes_;
  sample_counts counts_;
};

/// At least the bytes of the file.
std::uint64_t prediction_file_bytes(std::size_t points, const sample_counts& counts, const model& m) {
  constexpr std::uint64_t number = sizeof(double);
  constexpr std::uint64_t metadata = std::uint64_t{256} * 1024;
  const std::uint64_t of_each =
      3 * predicted_figures().size() + m.space.axes.size() + 2 * m.members.size() + counts.frequencies + 8;
  return metadata + number * (points * of_each + 3 * counts.phases + 4 * counts.pairs + 2 * counts.spikes);
}

}  // namespace

void save_prediction(const std::filesystem::path& path, const std::vector<point_prediction>& points,
                     const std::function<point_prediction(std::size_t point)>& with_samples,
                     const prediction_settings& settings, const model& m, const std::string& model_file) {
  const auto each = [&](const std::function<void(std::size_t, const point_prediction&)>& call) {
    for (std::size_t i = 0; i < points.size(); ++i) {
      if (interrupted()) {
        throw interrupted_error("interrupted before " + path.string() + " was written; the same command writes it");
      }
      call(i, with_samples(i));
    }
  };
  sample_counts counts;
  each([&](std::size_t, const point_prediction& point) { counts.add(point); });
  atomic_file target(path);
  target.reserve(prediction_file_bytes(points.size(), counts, m));  // Only to see whether it fits.
  hdf5::file file = hdf5::file::create_large(target.path());
  {
    hdf5::group& root = file.root();
    write_format(root, prediction_format);
    root.write_attribute("model", model_file);
    root.write_attribute("seed", settings.seed.value_or(m.surrogate().seed));
    root.write_attribute("duration_s", settings.run.duration_s);
    root.write_attribute("burn_in_s", settings.run.burn_in_s);
    root.write_attribute("raster_s", settings.run.raster_s);
    root.write_attribute("replicates", static_cast<std::int32_t>(settings.replicates));
    root.write_attribute("hybrid", static_cast<std::int32_t>(settings.hybrid));
    root.write_attribute("peak_lowest_hz", settings.peak_band.lowest);
    root.write_attribute("peak_highest_hz", settings.peak_band.highest);
    root.write_attribute("precision", std::string(name_of(settings.numbers)));
    write_axis_values(root, m.space.axes, over(points, [](const auto& p) { return p.values; }));
    root.write_array("points/distance", over(points, [](const auto& p) { return p.distance; }),
                     {"1", "distance to the trained ranges, in units of the ranges; 0 inside"});
    root.write_array("points/nearest", over(points, [](const auto& p) { return p.nearest; }),
                     {"1", "distance to the nearest point of training, each axis in units of its trained range"});
    write_figures(root, points);
    write_doubts(root, points);
    write_departures(root, points);
    write_members(root, points);
    sample_writer samples(root, points.size(), counts, settings.run);
    each([&](std::size_t i, const point_prediction& point) { samples.write(i, point); });
  }
  file.close();
  target.commit();
}

}  // namespace spikesweep
