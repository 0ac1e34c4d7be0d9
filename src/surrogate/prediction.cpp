#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>

#include <boost/serialization/vector.hpp>

#include <spikesweep/base/error.hpp>
#include <spikesweep/parallel/collective.hpp>
#include <spikesweep/parallel/interrupt.hpp>
#include <spikesweep/surrogate/closed_loop.hpp>
#include <spikesweep/surrogate/prediction.hpp>

#include "serialise.hpp"

namespace boost::serialization {

template <class Archive>
void serialize(Archive& ar, spikesweep::point_prediction& p, unsigned) {
  ar& p.values& p.distance& p.figures& p.spread& p.power& p.sizes& p.intervals& p.replicate& p.raster;
}

}  // namespace boost::serialization

namespace spikesweep {

namespace {

/// Chains side by side: enough for whole blocks of rows, and few enough that a signal is heeded soon.
constexpr double most_chains = 1024;
/// The binned counts of the chains side by side stay below this [numbers].
constexpr double most_counts = 3e7;
/// Welch segment of the spectra [s], or a whole run where that is shorter.
constexpr double segment_s = 1;

std::size_t points_at_once(const prediction_settings& s) {
  const double bins = s.run.duration_s / s.run.bin_s;
  return static_cast<std::size_t>(std::max(1.0, std::min(most_chains, most_counts / bins) / s.replicates));
}

/// Standard deviation of each figure over runs.
run_figures spread_of(std::span<const run_figures> runs) {
  run_figures out;
  for (const figure& f : figure_table()) {
    std::vector<double> values;
    for (const run_figures& run : runs) {
      values.push_back(run[f]);
    }
    out[f] = standard_deviation(values);
  }
  return out;
}

std::vector<trajectory> follow(const model& m, std::vector<chain>& chains, const prediction_settings& s) {
  if (!s.hybrid) {
    return run_closed_loop(surrogate_kernel(m, static_cast<int>(chains.size()), s.numbers), chains, s.run);
  }
  std::vector<trajectory> runs;
  const kernel step = surrogate_kernel(m, 1, s.numbers);
  for (const chain& start : chains) {
    runs.push_back(run_hybrid(m, step, start, s.run));
  }
  return runs;
}

void keep_samples(point_prediction& out, const kept_runs& kept, std::span<trajectory> runs) {
  out.power = kept.power().power;
  out.raster = std::move(runs.front().raster);
  for (std::size_t r = 0; r < runs.size(); ++r) {
    const trajectory& run = runs[r];
    out.sizes.insert(out.sizes.end(), run.sizes.begin(), run.sizes.end());
    out.intervals.insert(out.intervals.end(), run.intervals.begin(), run.intervals.end());
    out.intervals.resize(out.sizes.size(), std::numeric_limits<double>::quiet_NaN());
    out.replicate.resize(out.sizes.size(), static_cast<int>(r));
  }
}

/// Predicts some of the points, their chains side by side.
void predict_group(const model& m, const prediction_settings& s, std::span<point_prediction> points) {
  std::vector<chain> chains;
  for (const auto& point : points) {
    for (auto& c : start_chains(m, point.values, s.replicates, m.surrogate().seed, 0)) {
      chains.push_back(std::move(c));
    }
  }
  std::vector<trajectory> runs = follow(m, chains, s);
  const auto per_point = static_cast<std::size_t>(s.replicates);
  for (std::size_t i = 0; i < points.size(); ++i) {
    const auto mine = std::span(runs).subspan(i * per_point, per_point);
    const parameters& p = chains[i * per_point].p;
    const double segment = std::min(segment_s, s.run.duration_s);
    const kept_runs kept(mine, p, s.run.bin_s, segment);
    points[i].figures = figures_of(kept);
    std::vector<run_figures> each;
    for (const auto& run : mine) {
      each.push_back(figures_of(run, p, s.run.bin_s, segment));
    }
    points[i].spread = spread_of(each);
    if (s.keep_samples) {
      keep_samples(points[i], kept, mine);
    }
  }
}

}  // namespace

std::vector<point_prediction> predict_points(const communicator& comm, const model& m,
                                             const std::vector<std::vector<double>>& points,
                                             const prediction_settings& settings,
                                             const std::function<void(int, int)>& progress) {
  const auto ranks = static_cast<std::size_t>(comm.size());
  std::vector<point_prediction> mine;
  for (const std::size_t i : share_of(comm, points.size())) {
    mine.emplace_back().values = points[i];
    mine.back().distance = distance_to_training(m.space, points[i]);
  }
  const std::size_t group = points_at_once(settings);
  // The ranks keep in step, so that a signal at any of them ends all.
  for (std::size_t begin = 0; begin < (points.size() + ranks - 1) / ranks; begin += group) {
    if (begin < mine.size()) {
      const std::size_t count = std::min(group, mine.size() - begin);
      predict_group(m, settings, std::span(mine).subspan(begin, count));
      if (progress) {
        progress(static_cast<int>(begin + count), static_cast<int>(mine.size()));
      }
    }
    if (on_any_rank(comm, interrupted())) {
      throw interrupted_error("prediction interrupted; the same command starts it again");
    }
  }
  return gather_shares(comm, mine, points.size());
}

}  // namespace spikesweep
