#include <algorithm>
#include <cmath>
#include <numeric>

#include <spikesweep/base/stopwatch.hpp>
#include <spikesweep/learning/rehearsal.hpp>
#include <spikesweep/learning/training_data.hpp>
#include <spikesweep/study/study_plan.hpp>
#include <spikesweep/surrogate/calibration.hpp>
#include <spikesweep/surrogate/closed_loop_rates.hpp>
#include <spikesweep/surrogate/kernel.hpp>
#include <spikesweep/surrogate/maps.hpp>
#include <spikesweep/surrogate/paper_scheme.hpp>
#include <spikesweep/sweep/cost_model.hpp>

#include "learning_work.hpp"

namespace spikesweep {

namespace {

constexpr double training_budget_s = 0.3;
constexpr double loop_budget_s = 0.15;
/// Chains of the timed closed loops: about as many as the program runs side by side.
constexpr int timed_chains = 64;
/// Where no trial task ended, as phases of `mfe` come in the canonical network [1/s].
constexpr double usual_phases_per_s = 80;

// What is not worth measuring. Times on a core of 2020, which are to be right within a factor of two.

/// Of the forward pass, in that of forward and backward.
constexpr double forward_share = 1.0 / 3;
/// Reading a row of the sweep file and making features and targets of it [s].
constexpr double read_row_s = 5e-6;
/// A number of a row that is compared with that of another row, by the baseline of the nearest neighbour [s].
constexpr double compare_s = 5e-10;
/// A point that is compared with another one [s].
constexpr double compare_point_s = 5e-8;
/// A multiplication and an addition in double precision, in products of Eigen [s].
constexpr double product_s = 4e-10;
/// The same in single precision, in passes of a network.
constexpr double network_product_s = 6e-11;
/// Rows that the baselines are fitted on, at most.
constexpr double fitted_rows = 20000;
/// A plain simulator takes so many times as long for an event as the lockstep simulator.
constexpr double plain_over_lockstep = 4.5;
/// One chain alone takes so many times as long for a transition as one of many.
constexpr double alone_over_many = 4;
/// Runs of a hybrid at a point.
constexpr int hybrid_parts = 4;
/// Writing a checkpoint so that it is on the disk: at the end of each epoch [s], and for each byte [s].
constexpr double checkpoint_s = 0.02;
constexpr double checkpoint_byte_s = 2e-9;
/// Numbers of a checkpoint for each weight: the weight, its two moments, the same at the beginning of the epoch, and
/// the weight of the best epoch.
constexpr std::uint64_t checkpoint_numbers = 7;
/// A step starts: files are opened, networks are made [s].
constexpr double start_s = 0.1;
/// Python starts, and draws [s].
constexpr double drawing_s = 3.5;

/// Transitions of a network that rests: their shape is what takes time, not their values.
transition_block resting_transitions(const sweep_description& d, const parameters& p) {
  constexpr int rows = 64;
  const state_layout& layout = d.sampling.layout.state;
  transition_block block(d.sampling.layout, rows);
  for (count_matrix* states : {&block.before, &block.after}) {
    states->setZero();
    for (const population q : {population::E, population::I}) {
      states->col(layout.first_cell(q)).setConstant(p.size(q));
    }
  }
  block.spikes.setOnes();
  block.spike_times_E.setZero();
  block.spike_times_I.setZero();
  block.spike_times_E.col(0).setOnes();
  block.spike_times_I.col(0).setOnes();
  const bool steps = d.section.kind == section_kind::interval;
  const double duration_s = steps ? d.section.interval_ms * 1e-3 : 1 / usual_phases_per_s;
  std::ranges::fill(block.duration, duration_s);
  for (std::size_t row = 0; row < rows; ++row) {
    block.phase[row] = static_cast<std::uint8_t>(steps          ? phase_kind::step
                                                 : row % 2 == 0 ? phase_kind::active
                                                                : phase_kind::quiet);
  }
  return block;
}

std::vector<point_transitions> transitions_of(const sweep_description& d, const task_calibration& trial) {
  const auto at = [&d](int point) {
    const auto row = d.points.points.row(point);
    return point_transitions{{row.data(), row.data() + row.size()}, parameters_at(d.points, d.base, point), {}};
  };
  std::vector<point_transitions> all;
  for (const trial_transitions& one : trial.trials) {
    all.push_back(at(one.point));
    all.back().block = one.block;
  }
  if (all.empty()) {
    all.push_back(at(0));
    all.back().block = resting_transitions(d, all.back().network);
  }
  return all;
}

double transitions_per_second(const std::vector<point_transitions>& transitions) {
  double rows = 0;
  double seconds = 0;
  for (const point_transitions& point : transitions) {
    rows += static_cast<double>(point.block.rows());
    seconds += std::accumulate(point.block.duration.begin(), point.block.duration.end(), 0.0);
  }
  return rows / seconds;
}

/// If no trial task ended: from what the mean point is expected to do in one second more.
double expected_events_per_second(const sweep_description& d) {
  sweep_description longer = d;
  longer.sampling.burn_in_s += 1;
  double sum = 0;
  for (int point = 0; point < d.points.size(); ++point) {
    sum += expected_events(longer, point) - expected_events(d, point);
  }
  return sum / d.points.size();
}

/// Seconds of one transition of the law in closed loop.
double time_loop(const model& m, const std::vector<point_transitions>& transitions, precision numbers) {
  std::vector<chain> chains;
  for (std::uint32_t i = 0; i < timed_chains; ++i) {
    const point_transitions& point = transitions[i % transitions.size()];
    chains.push_back(start_chains(m, point.values, 1, 1, i).front());
  }
  const kernel step = surrogate_kernel(m, timed_chains, numbers);
  std::vector<chain_step> steps(chains.size());
  step(chains, steps);
  const auto begin = steady_clock::now();
  int times = 0;
  do {
    step(chains, steps);
    ++times;
  } while (seconds_since(begin) < loop_budget_s);
  return seconds_since(begin) / (static_cast<double>(times) * timed_chains);
}

/// Estimates from sizes and paces.
class estimate {
 public:
  estimate(const configuration& config, const sweep_description& d, const sweep_plan& sweep, const study_pace& pace,
           const model& m)
      : config_(config), description_(d), sweep_(sweep), pace_(pace), model_(m) {}

  std::int64_t training_rows(int round) const {
    const std::int64_t points = sweep_.train_points + std::int64_t{round} * config_.refine.points;
    return points * description_.replicates * description_.sampling.transitions;
  }

  /// The training after this round of refining.
  step_work training(int round) const {
    const learning_settings& s = config_.learning;
    const auto rows = static_cast<double>(training_rows(round));
    const double updates = std::ceil(rows / s.batch);
    const double selection_rows = std::min(
        static_cast<double>(sweep_.selection_points * description_.replicates * description_.sampling.transitions),
        static_cast<double>(most_selection_rows));
    const closed_loop_work loops = loops_of_training(s, description_.points);
    const double candidates = std::min(s.candidates, s.epochs);
    const double scatter_rows = std::min(rows, 2.0 * dispersion_rows) * (candidates + 1);
    step_work member;
    member.shared_s = s.epochs * (rows + forward_share * selection_rows) * pace_.row_s +
                      forward_share * scatter_rows * pace_.row_s +
                      (candidates * loops.candidate_s + loops.tuning_s) * loop_second();
    const double kept_s =
        checkpoint_s + checkpoint_byte_s * static_cast<double>(checkpoint_numbers * weights() * sizeof(float));
    member.each_s = s.epochs * (updates * pace_.update_s + kept_s);
    return {read_row_s * rows + s.members * member.shared_s, start_s + s.members * member.each_s};
  }

  /// One round of refining: the search for points, and their sweep.
  step_work refining() const {
    const refine_settings& s = config_.refine;
    const double loops_s = loop_time_s(static_cast<std::size_t>(s.candidates), {s.duration_s, s.chains});
    const double task_s = sweep_.tasks > 0 ? sweep_.core_s / static_cast<double>(sweep_.tasks) : 0;
    return {config_.learning.members * loops_s * loop_second() + s.points * description_.replicates * task_s, 0};
  }

  step_work validation() const {
    const validation_settings& s = config_.validation;
    const auto points = static_cast<double>(sweep_.test_points);
    const double burn_in_s = s.chains * s.burn_in_s;
    const double exact_s = 2 * (s.duration_s + sweep_.width / 2.0 * s.burn_in_s) * event_second();
    step_work all{points * (exact_s + (s.surrogate_s() + burn_in_s) * loop_second()), start_s};
    all.shared_s += map_time_s(planes_of(model_, s.map_places), s) * loop_second();
    all += calibration();
    if (config_.section.kind != section_kind::interval && s.hybrid_s > 0) {
      // Of the surrogate and of the paper's scheme, whose own steps take next to nothing.
      const double hybrid_s = s.hybrid_s + hybrid_parts * s.burn_in_s;
      const double network_s = plain_over_lockstep * event_second();
      all.shared_s += points * hybrid_s * (2 * network_s + alone_over_many * loop_second());
      const auto rows = static_cast<double>(training_rows(config_.refine.rounds));
      all.each_s += paper_scheme_products(model_, rows) * network_product_s;
    }
    if (s.baselines) {
      all += baselines(points * (s.duration_s + burn_in_s) * pace_.transitions_per_s);
    }
    return all;
  }

  std::uint64_t weights() const {
    return model_.counts_network.parameter_count() + model_.profile_network.parameter_count();
  }

 private:
  double loop_second() const { return pace_.transitions_per_s * pace_.loop_s; }
  double event_second() const { return pace_.events_per_s * sweep_.calibration.ns_per_event * 1e-9; }

  step_work calibration() const {
    const auto rows = static_cast<double>(std::min(
        sweep_.test_points * description_.replicates * description_.sampling.transitions, most_calibration_rows));
    const double draws = calibration_draws * std::min(rows, static_cast<double>(most_profile_rows));
    return {forward_share * rows * pace_.row_s + draws * pace_.loop_s, 0};
  }

  step_work baselines(double transitions) const {
    const auto rows = static_cast<double>(training_rows(config_.refine.rounds));
    const auto width = static_cast<double>(model_.features.size());
    const double outputs = count_dims + 1 + model_.targets.profile_size();
    const double task_rows = static_cast<double>(description_.sampling.transitions);
    const double neighbour_s = task_rows * width * compare_s + rows / task_rows * compare_point_s;
    const double regression_s = width * outputs * product_s;
    return {transitions * (neighbour_s + regression_s),
            read_row_s * rows + std::min(rows, fitted_rows) * width * (width + outputs) * product_s};
  }

  const configuration& config_;
  const sweep_description& description_;
  const sweep_plan& sweep_;
  const study_pace& pace_;
  const model& model_;
};

}  // namespace

step_work& step_work::operator+=(const step_work& more) {
  shared_s += more.shared_s;
  each_s += more.each_s;
  return *this;
}

study_plan plan_study(const configuration& config, const sweep_description& description) {
  study_plan plan;
  plan.sweep = plan_sweep(description, calibrate(description));
  const task_calibration& trial = plan.sweep.calibration;
  const std::vector<point_transitions> transitions = transitions_of(description, trial);
  const auto begin = steady_clock::now();
  dataset rows;
  const model m = rehearsal_model(space_of(description), transitions, config.learning, rows);
  const training_pace training = time_training(m, rows, config.learning, training_budget_s);
  study_pace& pace = plan.pace;
  pace.row_s = training.row_s;
  pace.update_s = training.update_s;
  pace.loop_s = time_loop(m, transitions, precision::fp32);
  pace.transitions_per_s = transitions_per_second(transitions);
  pace.events_per_s = trial.events_per_s > 0 ? trial.events_per_s : expected_events_per_second(description);
  pace.wall_s = seconds_since(begin);

  const estimate of(config, description, plan.sweep, pace, m);
  plan.trainings = config.refine.rounds + 1;
  plan.training_rows = of.training_rows(config.refine.rounds);
  for (int round = 0; round < plan.trainings; ++round) {
    plan.training += of.training(round);
    if (round > 0) {
      plan.refining += of.refining();
    }
  }
  if (plan.sweep.test_points > 0) {
    plan.validation = of.validation();
    plan.report_s = drawing_s;
  }
  plan.model_bytes = of.weights() * sizeof(float) * static_cast<std::uint64_t>(config.learning.members);
  // The last checkpoint, and the one before it.
  plan.checkpoint_bytes = 2 * checkpoint_numbers * plan.model_bytes;
  return plan;
}

}  // namespace spikesweep
