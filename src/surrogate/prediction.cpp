#include <algorithm>
#include <cmath>
#include <exception>
#include <utility>

#include <boost/serialization/utility.hpp>
#include <boost/serialization/vector.hpp>
#include <fmt/format.h>

#include <spikesweep/base/error.hpp>
#include <spikesweep/base/log.hpp>
#include <spikesweep/parallel/bytes.hpp>
#include <spikesweep/parallel/checked_bytes.hpp>
#include <spikesweep/parallel/collective.hpp>
#include <spikesweep/parallel/interrupt.hpp>
#include <spikesweep/surrogate/prediction.hpp>

#include "serialise.hpp"

namespace boost::serialization {

template <class Archive>
void serialize(Archive& ar, spikesweep::departure& d, unsigned) {
  ar& d.states& d.beyond& d.farthest;
}

template <class Archive>
void serialize(Archive& ar, spikesweep::member_rates& r, unsigned) {
  ar& r.seed& r.rate_E_hz& r.rate_I_hz;
}

template <class Archive>
void serialize(Archive& ar, spikesweep::point_prediction& p, unsigned) {
  ar& p.values& p.distance& p.nearest& p.figures& p.errors& p.spread& p.seen& p.members& p.wall_s;
  ar& p.power& p.sizes& p.intervals& p.replicate& p.raster;
}

}  // namespace boost::serialization

namespace spikesweep {

namespace {

/// Chains that fill the blocks of rows: more side by side are hardly faster.
constexpr double enough_chains = 128;
constexpr double most_chains = 1024;
/// A group of points, which an interruption loses, stays below this, but for enough_chains [s of one chain]: a few
/// seconds of work.
constexpr double most_chain_s = 2000;
/// The binned counts of the chains side by side stay below this [numbers], but for one point.
constexpr double most_counts = 3e7;
/// Their spikes stay below this, if a neuron fires as often as this, but for one point.
constexpr double most_spikes = 5e7;
constexpr double guessed_rate_hz = 20;

/// Points whose chains run side by side, and which are finished together.
std::size_t points_at_once(const model& m, const prediction_settings& s) {
  if (s.hybrid) {
    return 1;  // Its chains run one after another.
  }
  const double soon = std::clamp(most_chain_s / (s.run.duration_s + s.run.burn_in_s), enough_chains, most_chains);
  const double bins = 2 * s.run.duration_s / s.run.bin_s;  // Of both populations.
  const double spikes = guessed_rate_hz * (m.space.base.N_E + m.space.base.N_I) * s.run.raster_s;
  const double points =
      std::min(std::min(soon, most_counts / bins) / s.replicates, most_spikes / std::max(1.0, spikes));
  return static_cast<std::size_t>(std::max(1.0, points));
}

using numbered_prediction = std::pair<std::size_t, point_prediction>;

std::vector<numbered_prediction> predict_group(const predictor& law, const std::vector<std::vector<double>>& points,
                                               std::span<const std::size_t> group,
                                               const prediction_settings& settings) {
  std::vector<loop_point> places;
  for (const std::size_t i : group) {
    places.push_back({points[i], 0});
  }
  std::vector<point_prediction> found = law.predict(places, settings);
  std::vector<numbered_prediction> out;
  for (std::size_t k = 0; k < group.size(); ++k) {
    out.emplace_back(group[k], std::move(found[k]));
  }
  return out;
}

/// Whether a prediction has as many numbers of each kind as one of this model, with its samples: what is saved may be
/// damaged, and the places of its numbers are not looked at again.
bool fits(const point_prediction& p, const model& m, const prediction_settings& settings) {
  const run_figures like;
  const std::size_t phases = p.sizes.size();
  const trajectory_settings& run = settings.run;
  const auto bins = static_cast<std::size_t>(std::llround(std::min(usual_segment_s, run.duration_s) / run.bin_s));
  bool whole = p.values.size() == m.space.axes.size() && p.members.size() == m.members.size() &&
               p.figures.values.size() == like.values.size() && p.spread.values.size() == like.values.size() &&
               p.errors.values.size() == like.values.size() && is_peak_fault(p.figures.doubt.fault) &&
               (p.power.empty() || p.power.size() == bins / 2 + 1) && p.intervals.size() == phases &&
               p.replicate.size() == phases;
  for (std::size_t k = 0; whole && k < phases; ++k) {
    whole = k + 1 < phases || std::isnan(p.intervals[k]);  // The last phase has none after it.
  }
  return whole;
}

std::string part_name(std::size_t point) {
  return "point " + std::to_string(point);
}

}  // namespace

void predict_points(const communicator& comm, const predictor& law, const std::vector<std::vector<double>>& points,
                    const std::vector<std::size_t>& wanted, const prediction_settings& settings,
                    const prediction_taker& take, const std::function<void(int, int)>& progress) {
  const auto ranks = static_cast<std::size_t>(comm.size());
  std::vector<std::size_t> mine;
  for (const std::size_t i : share_of(comm, wanted.size())) {
    mine.push_back(wanted[i]);
  }
  prediction_settings stopping = settings;
  stopping.stop = [] { return interrupted(); };
  const std::size_t group = points_at_once(law.of(), settings);
  for (std::size_t begin = 0; begin < (wanted.size() + ranks - 1) / ranks; begin += group) {
    const std::size_t count = begin < mine.size() ? std::min(group, mine.size() - begin) : 0;
    std::vector<numbered_prediction> done;
    root_failure failure;
    try {
      done = predict_group(law, points, std::span(mine).subspan(std::min(begin, mine.size()), count), stopping);
    } catch (const std::exception& error) {
      failure = root_failure::of(error);
    }
    // First what is finished is taken, then all ranks leave together.
    collect_bytes(comm, to_bytes(done), [&](int, std::string bytes) {
      for (auto& [point, prediction] : from_bytes<std::vector<numbered_prediction>>(std::move(bytes))) {
        take(point, std::move(prediction));
      }
    });
    if (failure.code == 0 && interrupted()) {
      failure = root_failure::of(interrupted_error("prediction interrupted; the same command starts it again"));
    }
    raise_together(comm, std::move(failure));
    if (progress && count > 0) {
      progress(static_cast<int>(begin + count), static_cast<int>(mine.size()));
    }
  }
}

void add_prediction(unfinished_result& to, std::size_t point, const point_prediction& prediction) {
  to.add(part_name(point), to_bytes(prediction));
}

std::optional<point_prediction> find_prediction(unfinished_result& from, std::size_t point, const model& m,
                                                const prediction_settings& settings) {
  if (!from.has(part_name(point))) {
    return std::nullopt;
  }
  auto found = value_in<point_prediction>(from.read(part_name(point)));
  if (!found || !fits(*found, m, settings)) {
    log_warning(fmt::format("{} holds no possible prediction at point {}, which is predicted again",
                            from.path().string(), point));
    from.forget(part_name(point));
    return std::nullopt;
  }
  return found;
}

point_prediction read_prediction(const unfinished_result& from, std::size_t point) {
  return from_bytes<point_prediction>(from.read(part_name(point)));
}

}  // namespace spikesweep
