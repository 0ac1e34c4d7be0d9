#include <algorithm>
#include <iterator>

#include <boost/serialization/vector.hpp>

#include <spikesweep/base/error.hpp>
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
  ar& p.values& p.distance& p.nearest& p.figures& p.spread& p.seen& p.members& p.wall_s;
  ar& p.power& p.sizes& p.intervals& p.replicate& p.raster;
}

}  // namespace boost::serialization

namespace spikesweep {

namespace {

/// Chains side by side: enough to fill the blocks of rows, and few enough that a signal is answered soon.
constexpr double most_chains = 1024;
/// The binned counts of the chains side by side stay below this [numbers].
constexpr double most_counts = 3e7;

std::size_t points_at_once(const prediction_settings& s) {
  const double bins = s.run.duration_s / s.run.bin_s;
  return static_cast<std::size_t>(std::max(1.0, std::min(most_chains, most_counts / bins) / s.replicates));
}

}  // namespace

std::vector<point_prediction> predict_points(const communicator& comm, const predictor& law,
                                             const std::vector<std::vector<double>>& points,
                                             const prediction_settings& settings,
                                             const std::function<void(int, int)>& progress) {
  const auto ranks = static_cast<std::size_t>(comm.size());
  std::vector<loop_point> mine;
  for (const std::size_t i : share_of(comm, points.size())) {
    mine.push_back({points[i], 0});
  }
  const std::size_t group = points_at_once(settings);
  std::vector<point_prediction> done;
  // The ranks keep in step, so that a signal at any of them ends all.
  for (std::size_t begin = 0; begin < (points.size() + ranks - 1) / ranks; begin += group) {
    if (begin < mine.size()) {
      const std::size_t count = std::min(group, mine.size() - begin);
      std::ranges::move(law.predict(std::span(mine).subspan(begin, count), settings), std::back_inserter(done));
      if (progress) {
        progress(static_cast<int>(begin + count), static_cast<int>(mine.size()));
      }
    }
    if (on_any_rank(comm, interrupted())) {
      throw interrupted_error("prediction interrupted; the same command starts it again");
    }
  }
  return gather_shares(comm, done, points.size());
}

}  // namespace spikesweep
