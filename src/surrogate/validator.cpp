#include "validator.hpp"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <utility>

#include <spikesweep/base/error.hpp>
#include <spikesweep/base/stopwatch.hpp>
#include <spikesweep/network/simulators.hpp>
#include <spikesweep/parallel/interrupt.hpp>
#include <spikesweep/surrogate/closed_loop.hpp>
#include <spikesweep/surrogate/paper_scheme.hpp>

namespace spikesweep {

namespace {

/// Of one hybrid run.
constexpr int most_hybrid_parts = 4;
/// Apart from every replicate of a sweep.
constexpr std::uint32_t first_exact_replicate = 1U << 31;

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

loop_point place_of(const point_result& r) {
  return {r.values, static_cast<std::uint32_t>(r.point)};
}

}  // namespace

point_result empty_result(const model& m, const validation_point& point) {
  point_result r;
  r.point = point.point;
  r.values = point.values;
  r.distance = distance_to_training(m.space, point.values);
  return r;
}

validator::validator(const model& m, const validation_settings& settings, const std::vector<validation_point>& points)
    : m_(m), settings_(settings) {
  for (const auto& point : points) {
    results_.push_back(empty_result(m, point));
  }
  references_.resize(points.size());
}

void validator::apply(std::size_t i, validation_part part) {
  if (results_[i].runs.empty()) {
    references_[i] = std::move(part.reference);
  }
  append_part(results_[i], std::move(part));
}

validation_part validator::exact_twice(std::size_t i) const {
  const auto begin = steady_clock::now();
  // Parts of two runs fill the lanes, but are no shorter than the raster and two segments of the spectrum.
  const double shortest_s = std::max(2 * settings_.segment_s, settings_.raster_s);
  const parameters p = parameters_at(m_.space, results_[i].values);
  const int most = std::max(1, simulator_of_tasks(p.model, m_.space.simulation).width / 2);
  const int parts = std::clamp(static_cast<int>(settings_.duration_s / shortest_s), 1, most);
  std::vector<network_task> networks;
  for (int part = 0; part < 2 * parts; ++part) {
    const std::uint32_t replicate = first_exact_replicate + static_cast<std::uint32_t>(part);
    networks.push_back({p, {settings_.seed, static_cast<std::uint32_t>(results_[i].point), replicate}, 0});
  }
  trajectory_settings s = follow(parts, settings_.duration_s);
  s.raster_s = settings_.raster_s;
  std::vector<trajectory> runs =
      run_exact(networks, m_.space.section, m_.space.simulation, s, [] { return !interrupted(); });
  if (runs.empty()) {
    throw interrupted_error("interrupted in an exact run; the same command goes on");
  }
  const double wall = seconds_since(begin) / 2;
  const auto half = static_cast<std::size_t>(parts);
  runs[half].raster.clear();
  const auto first = std::span(runs).first(half);
  const auto second = std::span(runs).subspan(half);
  validation_part found;
  {
    const kept_runs kept = kept_of(p, first);
    found.reference = {kept.all_sizes(), kept.all_intervals(), kept.power()};
  }
  found.runs.push_back(measure(i, {}, found.reference, "exact", first, wall, true));
  found.runs.push_back(measure(i, found.runs, found.reference, "exact_repeat", second, wall, true));
  return found;
}

std::vector<validation_part> validator::surrogate(std::span<const std::size_t> own, const predictor& law) const {
  const auto begin = steady_clock::now();
  loop_settings loop{
      .run = follow(settings_.chains, settings_.surrogate_s()), .replicates = settings_.chains, .seed = settings_.seed};
  loop.run.raster_s = settings_.raster_s;
  loop.stop = [] { return interrupted(); };
  std::vector<loop_point> points;
  for (const std::size_t i : own) {
    points.push_back(place_of(results_[i]));
  }
  const std::vector<point_runs> runs = law.run(points, loop);
  const double wall = seconds_since(begin) / static_cast<double>(own.size());
  std::vector<validation_part> found;
  for (std::size_t k = 0; k < own.size(); ++k) {
    const std::size_t i = own[k];
    validation_part& part = found.emplace_back();
    part.runs.push_back(measure(i, "surrogate", runs[k].replicates, wall, true));
    part.runaway = std::ranges::any_of(runs[k].replicates, [&](const trajectory& run) { return ran_away(i, run); });
  }
  return found;
}

std::vector<validation_part> validator::of_baseline(std::span<const std::size_t> own, const baseline& other) const {
  std::vector<chain> chains;
  for (const std::size_t i : own) {
    const point_result& r = results_[i];
    for (auto& c : start_chains(m_, r.values, settings_.chains, settings_.seed, static_cast<std::uint32_t>(r.point))) {
      c.values = r.values;  // Tuning is of the surrogate alone.
      chains.push_back(std::move(c));
    }
  }
  const auto begin = steady_clock::now();
  const auto runs = run_closed_loop(other.step, chains, follow(settings_.chains, settings_.duration_s), {},
                                    [] { return interrupted(); });
  const double wall = seconds_since(begin) / static_cast<double>(own.size());
  const auto per_point = static_cast<std::size_t>(settings_.chains);
  std::vector<validation_part> found;
  for (std::size_t k = 0; k < own.size(); ++k) {
    found.emplace_back().runs.push_back(
        measure(own[k], other.name, std::span(runs).subspan(k * per_point, per_point), wall, false));
  }
  return found;
}

std::vector<validation_part> validator::emulated(std::span<const std::size_t> own) const {
  const auto begin = steady_clock::now();
  Eigen::MatrixXd points(static_cast<Eigen::Index>(own.size()), static_cast<Eigen::Index>(m_.space.axes.size()));
  for (std::size_t k = 0; k < own.size(); ++k) {
    const std::vector<double>& values = results_[own[k]].values;
    points.row(static_cast<Eigen::Index>(k)) =
        Eigen::Map<const Eigen::RowVectorXd>(values.data(), static_cast<Eigen::Index>(values.size()));
  }
  const emulation found = emulate(m_.emulator, points);
  const double wall = seconds_since(begin) / static_cast<double>(own.size());
  std::vector<validation_part> parts;
  for (std::size_t k = 0; k < own.size(); ++k) {
    run_result& r = parts.emplace_back().runs.emplace_back();
    r.run = emulator_run;
    r.figures = found.figures[k];
    r.errors = found.errors[k];
    r.size_ks = r.interval_ks = r.spectrum = std::numeric_limits<double>::quiet_NaN();
    r.wall_s = wall;
  }
  return parts;
}

validation_part validator::hybrid(std::size_t i, const predictor& law) const {
  const auto begin = steady_clock::now();
  const int parts = hybrid_parts();
  loop_settings loop{
      .run = follow(parts, settings_.hybrid_s), .replicates = parts, .seed = settings_.seed, .hybrid = true};
  loop.stop = [] { return interrupted(); };
  const loop_point place = place_of(results_[i]);
  const std::vector<point_runs> runs = law.run(std::span(&place, 1), loop);
  validation_part found;
  found.runs.push_back(measure(i, "hybrid", runs.front().replicates, seconds_since(begin), false));
  return found;
}

validation_part validator::of_paper_scheme(std::size_t i, const kernel& step) const {
  const auto begin = steady_clock::now();
  const int parts = hybrid_parts();
  const point_result& r = results_[i];
  std::vector<trajectory> runs;
  for (auto& c : start_chains(m_, r.values, parts, settings_.seed, static_cast<std::uint32_t>(r.point))) {
    runs.push_back(run_hybrid(m_, step, std::move(c), follow(parts, settings_.hybrid_s), [] { return interrupted(); }));
  }
  validation_part found;
  found.runs.push_back(measure(i, std::string(paper_run), runs, seconds_since(begin), false));
  return found;
}

/// Parts with start states of their own, none shorter than a segment of the spectrum.
int validator::hybrid_parts() const {
  return std::clamp(static_cast<int>(settings_.hybrid_s / settings_.segment_s), 1, most_hybrid_parts);
}

/// Of each of so many runs side by side, which share a length.
trajectory_settings validator::follow(int chains, double duration_s) const {
  trajectory_settings s;
  s.duration_s = duration_s / chains;
  s.burn_in_s = settings_.burn_in_s;
  s.bin_s = settings_.bin_ms * 1e-3;
  s.batches = batches_per_part(chains, s.duration_s, settings_.verdict_s);
  return s;
}

bool validator::ran_away(std::size_t i, const trajectory& run) const {
  const int neurons = parameters_at(m_.space, results_[i].values).N_E;
  const double truth = results_[i].runs.front().figures.rate_E();
  // Below one spike in the exact run nothing is measured: a silent network is no measure of twice too much.
  const double known = truth == 0 ? 1 / (neurons * settings_.duration_s) : truth;
  const double rate = static_cast<double>(run.spikes_E) / (neurons * run.duration_s);
  return rate > 2 * known || rate < truth / 2;
}

kept_runs validator::kept_of(const parameters& p, std::span<const trajectory> runs) const {
  figure_settings look = settings_.look();
  look.before_each = [] { stop_if_asked([] { return interrupted(); }); };
  return {runs, p, look};
}

/// Runs of a point whose exact runs have been applied.
run_result validator::measure(std::size_t i, const std::string& name, std::span<const trajectory> runs, double wall,
                              bool keep_power) const {
  return measure(i, results_[i].runs, references_[i], name, runs, wall, keep_power);
}

run_result validator::measure(std::size_t i, std::span<const run_result> done, const reference_samples& reference,
                              const std::string& name, std::span<const trajectory> runs, double wall,
                              bool keep_power) const {
  const parameters p = parameters_at(m_.space, results_[i].values);
  run_result r;
  r.run = name;
  const kept_runs kept = kept_of(p, runs);
  r.figures = figures_of(kept);
  r.errors = standard_errors_of(kept);
  r.wall_s = wall;
  r.size_ks = ks_distance(kept.all_sizes(), reference.sizes);
  r.interval_ks = ks_distance(kept.all_intervals(), reference.intervals);
  r.spectrum = spectrum_distance(kept.power(), reference.power);
  if (!done.empty() && !kept.runaway()) {
    r.figures["spectrum_db"] = log_spectrum_distance(kept.power(), reference.power);
  }
  if (keep_power) {
    r.power = kept.power().power;
  }
  r.raster = runs.front().raster;
  compare_with_exact(done, r, runs, p);
  return r;
}

void validator::compare_with_exact(std::span<const run_result> done, run_result& r, std::span<const trajectory> runs,
                                   const parameters& p) const {
  if (std::ranges::none_of(runs, &trajectory::runaway)) {
    r.batches_E = batched(runs, &trajectory::batches_E, p.N_E);
    r.batches_I = batched(runs, &trajectory::batches_I, p.N_I);
  }
  if (done.empty()) {
    return;
  }
  const run_result& repeat = done.size() > 1 ? done[1] : r;
  r.rate_E = compare_rates(done[0].batches_E, repeat.batches_E, r.batches_E, settings_.verdict_s);
  r.rate_I = compare_rates(done[0].batches_I, repeat.batches_I, r.batches_I, settings_.verdict_s);
}

}  // namespace spikesweep
