#include <algorithm>
#include <cmath>
#include <functional>

#include <boost/serialization/string.hpp>
#include <boost/serialization/vector.hpp>

#include <spikesweep/base/error.hpp>
#include <spikesweep/base/stopwatch.hpp>
#include <spikesweep/network/simulators.hpp>
#include <spikesweep/parallel/collective.hpp>
#include <spikesweep/parallel/interrupt.hpp>
#include <spikesweep/surrogate/baselines.hpp>
#include <spikesweep/surrogate/closed_loop.hpp>
#include <spikesweep/surrogate/predictor.hpp>
#include <spikesweep/surrogate/validation.hpp>

#include "serialise.hpp"

namespace boost::serialization {

template <class Archive>
void serialize(Archive& ar, spikesweep::batched_rate& b, unsigned) {
  ar& b.batches& b.batch_s;
}

template <class Archive>
void serialize(Archive& ar, spikesweep::rate_comparison& c, unsigned) {
  ar& c.p& c.verdict;
}

template <class Archive>
void serialize(Archive& ar, spikesweep::run_result& r, unsigned) {
  ar& r.run& r.figures& r.batches_E& r.batches_I& r.rate_E& r.rate_I& r.size_ks& r.interval_ks& r.spectrum& r.wall_s& r
      .power& r.raster;
}

template <class Archive>
void serialize(Archive& ar, spikesweep::point_result& p, unsigned) {
  ar& p.point& p.values& p.distance& p.runaway& p.runs;
}

}  // namespace boost::serialization

namespace spikesweep {

namespace {

/// Samples of the exact run at one point, kept until the distances of all other runs to it are known.
struct reference_samples {
  std::vector<double> sizes;
  std::vector<double> intervals;
  spectrum power;
};

/// Batches of all runs, one run after another.
batched_rate batched(std::span<const trajectory> runs, std::vector<double> trajectory::*counts, int neurons) {
  batched_rate rate;
  for (const auto& run : runs) {
    rate.batch_s = run.duration_s / static_cast<double>((run.*counts).size());
    for (const double spikes : run.*counts) {
      rate.batches.push_back(spikes / (neurons * rate.batch_s));
    }
  }
  return rate;
}

class validator {
 public:
  validator(const model& m, const validation_settings& settings, const std::vector<validation_point>& points)
      : m_(m), settings_(settings) {
    for (const auto& point : points) {
      point_result r;
      r.point = point.point;
      r.values = point.values;
      r.distance = distance_to_training(m.space, point.values);
      results_.push_back(std::move(r));
    }
    references_.resize(points.size());
  }

  /// False if `poll` returned false.
  bool run_exact_twice(std::size_t i, const std::function<bool()>& poll) {
    const auto begin = steady_clock::now();
    // Parts of two runs fill the lanes, but are no shorter than the raster and two segments of the spectrum.
    const double shortest_s = std::max(2 * settings_.segment_s, settings_.raster_s);
    const parameters p = parameters_at(m_.space, results_[i].values);
    const int most = std::max(1, simulator_of_tasks(p.model, m_.space.simulation).width / 2);
    const int parts = std::clamp(static_cast<int>(settings_.duration_s / shortest_s), 1, most);
    std::vector<network_task> networks;
    for (int part = 0; part < 2 * parts; ++part) {
      const std::uint32_t replicate = first_replicate_ + static_cast<std::uint32_t>(part);
      networks.push_back({p, {settings_.seed, static_cast<std::uint32_t>(results_[i].point), replicate}, 0});
    }
    trajectory_settings s = follow(parts);
    s.raster_s = settings_.raster_s;
    std::vector<trajectory> runs = run_exact(networks, m_.space.section, m_.space.simulation, s, poll);
    if (runs.empty()) {
      return false;
    }
    const double wall = seconds_since(begin) / 2;
    const auto half = static_cast<std::size_t>(parts);
    runs[half].raster.clear();
    add(i, "exact", std::span(runs).first(half), wall, true);
    add(i, "exact_repeat", std::span(runs).subspan(half), wall, true);
    return true;
  }

  void run_surrogate(const predictor& law) {
    const auto begin = steady_clock::now();
    loop_settings loop{.run = follow(settings_.chains), .replicates = settings_.chains, .seed = settings_.seed};
    loop.run.raster_s = settings_.raster_s;
    std::vector<loop_point> points;
    for (const point_result& r : results_) {
      points.push_back(place_of(r));
    }
    const std::vector<point_runs> runs = law.run(points, loop);
    const double wall = seconds_since(begin) / static_cast<double>(results_.size());
    for (std::size_t i = 0; i < results_.size(); ++i) {
      add(i, "surrogate", runs[i].replicates, wall, true);
      results_[i].runaway =
          std::ranges::any_of(runs[i].replicates, [&](const trajectory& run) { return ran_away(i, run); });
    }
  }

  void run_baseline(const baseline& other) {
    std::vector<chain> chains;
    for (const auto& r : results_) {
      for (auto& c :
           start_chains(m_, r.values, settings_.chains, settings_.seed, static_cast<std::uint32_t>(r.point))) {
        c.values = r.values;  // Tuning is of the surrogate alone.
        chains.push_back(std::move(c));
      }
    }
    const auto begin = steady_clock::now();
    const auto runs = run_closed_loop(other.step, chains, follow(settings_.chains));
    const double wall = seconds_since(begin) / static_cast<double>(results_.size());
    const auto per_point = static_cast<std::size_t>(settings_.chains);
    for (std::size_t i = 0; i < results_.size(); ++i) {
      add(i, other.name, std::span(runs).subspan(i * per_point, per_point), wall, false);
    }
  }

  /// The paper's scheme at one point.
  void run_hybrid_at(std::size_t i, const predictor& law) {
    const auto begin = steady_clock::now();
    // Parts with start states of their own, none shorter than a segment of the spectrum.
    const int parts = std::clamp(static_cast<int>(settings_.hybrid_s / settings_.segment_s), 1, most_hybrid_parts_);
    loop_settings loop{.run = follow(parts), .replicates = parts, .seed = settings_.seed, .hybrid = true};
    loop.run.duration_s = settings_.hybrid_s / parts;
    const loop_point place = place_of(results_[i]);
    const std::vector<point_runs> runs = law.run(std::span(&place, 1), loop);
    add(i, "hybrid", runs.front().replicates, seconds_since(begin), false);
  }

  std::vector<point_result> take() { return std::move(results_); }

 private:
  static loop_point place_of(const point_result& r) { return {r.values, static_cast<std::uint32_t>(r.point)}; }

  /// Of each of so many runs side by side.
  trajectory_settings follow(int chains) const {
    trajectory_settings s;
    s.duration_s = settings_.duration_s / chains;
    s.burn_in_s = settings_.burn_in_s;
    s.bin_s = settings_.bin_ms * 1e-3;
    s.batches = batches_per_part(chains, s.duration_s, settings_.verdict_s);
    return s;
  }

  bool ran_away(std::size_t i, const trajectory& run) const {
    const int neurons = parameters_at(m_.space, results_[i].values).N_E;
    const double truth = results_[i].runs.front().figures.rate_E();
    // Below one spike in the exact run nothing is measured: a silent network is no measure of twice too much.
    const double known = truth == 0 ? 1 / (neurons * settings_.duration_s) : truth;
    const double rate = static_cast<double>(run.spikes_E) / (neurons * run.duration_s);
    return rate > 2 * known || rate < truth / 2;
  }

  void add(std::size_t i, const std::string& name, std::span<const trajectory> runs, double wall, bool keep_power) {
    const parameters p = parameters_at(m_.space, results_[i].values);
    run_result r;
    r.run = name;
    const kept_runs kept(runs, p, settings_.bin_ms * 1e-3, settings_.segment_s);
    r.figures = figures_of(kept);
    r.wall_s = wall;
    if (name == "exact") {
      references_[i] = {kept.sizes(), kept.intervals(), kept.power()};
    }
    r.size_ks = ks_distance(kept.sizes(), references_[i].sizes);
    r.interval_ks = ks_distance(kept.intervals(), references_[i].intervals);
    r.spectrum = spectrum_distance(kept.power(), references_[i].power);
    if (keep_power) {
      r.power = kept.power().power;
    }
    r.raster = runs.front().raster;
    compare_with_exact(i, r, runs, p);
    results_[i].runs.push_back(std::move(r));
  }

  void compare_with_exact(std::size_t i, run_result& r, std::span<const trajectory> runs, const parameters& p) const {
    if (std::ranges::none_of(runs, &trajectory::runaway)) {
      r.batches_E = batched(runs, &trajectory::batches_E, p.N_E);
      r.batches_I = batched(runs, &trajectory::batches_I, p.N_I);
    }
    const auto& done = results_[i].runs;
    if (done.empty()) {
      return;
    }
    const run_result& repeat = done.size() > 1 ? done[1] : r;
    r.rate_E = compare_rates(done[0].batches_E, repeat.batches_E, r.batches_E, settings_.verdict_s);
    r.rate_I = compare_rates(done[0].batches_I, repeat.batches_I, r.batches_I, settings_.verdict_s);
  }

  static constexpr int most_hybrid_parts_ = 4;
  /// Apart from every replicate of a sweep.
  static constexpr std::uint32_t first_replicate_ = 1U << 31;

  const model& m_;
  const validation_settings& settings_;
  std::vector<point_result> results_;
  std::vector<reference_samples> references_;  ///< One a point.
};

/// The ranks keep in step, so that a signal at any of them ends the validation on all.
void end_if_interrupted(const communicator& comm) {
  if (on_any_rank(comm, interrupted())) {
    throw interrupted_error("validation interrupted; the same command starts it again");
  }
}

}  // namespace

validation_result validate_model(const communicator& comm, const model& m, const std::vector<validation_point>& points,
                                 const validation_settings& settings, const sweep_reader* data,
                                 const std::function<void(int, int)>& progress) {
  std::vector<validation_point> mine;
  for (const std::size_t i : share_of(comm, points.size())) {
    mine.push_back(points[i]);
  }
  validator work(m, settings, mine);
  const auto rounds =
      (points.size() + static_cast<std::size_t>(comm.size()) - 1) / static_cast<std::size_t>(comm.size());
  for (std::size_t i = 0; i < rounds; ++i) {
    if (i < mine.size() && work.run_exact_twice(i, [] { return !interrupted(); })) {
      if (progress) {
        progress(static_cast<int>(i) + 1, static_cast<int>(mine.size()));
      }
    }
    end_if_interrupted(comm);
  }
  const predictor law(m);
  work.run_surrogate(law);
  if (m.space.section.kind != section_kind::interval && settings.hybrid_s > 0) {
    for (std::size_t i = 0; i < rounds; ++i) {
      if (i < mine.size()) {
        work.run_hybrid_at(i, law);
      }
      end_if_interrupted(comm);
    }
  }
  if (data != nullptr && settings.baselines && !mine.empty()) {
    for (const auto& b : make_baselines(m, *data)) {
      work.run_baseline(b);
    }
  }
  validation_result result;
  result.settings = settings;
  result.axes = m.space.axes;
  const auto segment = static_cast<std::size_t>(std::llround(settings.segment_s / (settings.bin_ms * 1e-3)));
  for (std::size_t i = 0; i <= segment / 2; ++i) {
    result.frequency.push_back(static_cast<double>(i) / settings.segment_s);
  }
  result.points = gather_shares(comm, work.take(), points.size());
  return result;
}

}  // namespace spikesweep
