#include <algorithm>
#include <chrono>
#include <cmath>
#include <string>
#include <utility>
#include <vector>

#include <spikesweep/base/error.hpp>
#include <spikesweep/base/log.hpp>
#include <spikesweep/base/random.hpp>
#include <spikesweep/base/stopwatch.hpp>
#include <spikesweep/learning/adamw.hpp>
#include <spikesweep/learning/gradient_sum.hpp>
#include <spikesweep/learning/schedule.hpp>
#include <spikesweep/learning/trainer.hpp>
#include <spikesweep/parallel/reduce.hpp>

#include "batch.hpp"
#include "checkpoint.hpp"
#include "evaluation.hpp"
#include "row_source.hpp"

namespace spikesweep {

namespace {

class trainer {
 public:
  trainer(const communicator& comm, const training_data& data, const training_options& options, model& m)
      : comm_(comm),
        data_(data),
        options_(options),
        settings_(options.settings),
        model_(m),
        own_(m.surrogate()),
        rows_per_shard_(settings_.batch / data.plan.shards),
        first_shard_(data.plan.first_of(comm.rank(), comm.size())),
        last_shard_(data.plan.first_of(comm.rank() + 1, comm.size())),
        steps_per_epoch_((data.plan.largest() + rows_per_shard_ - 1) / rows_per_shard_),
        shards_per_slice_(data.plan.exact() ? data.plan.shards / data.plan.slices(comm.size())
                                            : last_shard_ - first_shard_),
        batch_(m, static_cast<int>(shards_per_slice_ * rows_per_shard_), true, settings_.numbers),
        evaluation_(comm, data, settings_.seed, m),
        gradient_(own_.counts_weights.size() + own_.profile_weights.size() + extras),
        sum_(data.plan.exact() ? gradient_.size() : 0, data.plan.slices(comm.size())),
        rows_(data, m, settings_, first_shard_, last_shard_),
        identity_(options.identity + data.chunks.identity()),
        place_{options.checkpoint, settings_, identity_, options.implied, m.features.size(), steps_per_epoch_} {}

  void run() {
    training_state state = first_state();
    if (!options_.checkpoint.empty()) {
      read_checkpoint(comm_, place_, own_, state);
    }
    while (state.epoch < settings_.epochs && !state.stopped) {
      try {
        epoch(state);
      } catch (const divergence_error& error) {
        roll_back(state, error);
        continue;
      }
      stop_early(state);
      try_candidate(state);
      if (options_.progress) {  // Before the epoch is kept: one that comes again is told again, and none is left out.
        options_.progress(own_.history.back(), settings_.epochs);
      }
      keep(state);
    }
    evaluated(state);
    if (!state.best_counts.empty()) {
      own_.counts_weights = state.best_counts;
      own_.profile_weights = state.best_profile;
    }
    own_.dispersion = evaluation_.measure_dispersion();
    for (auto& candidate : own_.candidates) {
      candidate.chosen = candidate.epoch == state.best_epoch;
    }
  }

  void run_steps(const std::function<bool(const step_record&)>& goes_on) {
    training_state state = first_state();
    for (;;) {
      if (state.step == 0) {
        rows_.begin_epoch(state.epoch + 1);
      }
      const step_record done = one_step(state).first;
      if (++state.step == steps_per_epoch_) {
        ++state.epoch;
        state.step = 0;
      }
      if (!goes_on(done)) {
        return;
      }
    }
  }

 private:
  /// What the ranks sum together with the gradients: both losses, and the wish of rank 0.
  enum extra : std::size_t { counts_loss, profile_loss, wish, extras };
  /// What rank 0 wants of all ranks after a step.
  enum : int { go_on = 0, checkpoint = 1, end = 2 };

  /// The state of a training that has not begun, from the weights that the member was prepared with.
  training_state first_state() const {
    adamw_settings s;
    s.weight_decay = settings_.weight_decay;
    const auto begin = [&](std::span<const float> weights) {
      return network_state(weights, s, settings_.ema_decay > 0);
    };
    return training_state({begin(own_.counts_weights), begin(own_.profile_weights)});
  }

  /// Goes back to the end of the last epoch; from there training goes on at half the rate. Every rank does the same.
  void roll_back(training_state& state, const divergence_error& error) {
    if (++state.rollbacks > most_rollbacks) {
      throw environment_error(std::string(error.what()) + " (given up at the fourth time, in epoch " +
                              std::to_string(state.epoch + 1) + ')');
    }
    state.now = state.epoch_begin;
    state.step = 0;
    if (comm_.rank() == 0) {
      log_warning("training diverged in epoch " + std::to_string(state.epoch + 1) +
                  ": it goes back to the end of epoch " + std::to_string(state.epoch) +
                  " and goes on with half the learning rate");
    }
  }

  void keep(const training_state& state) {
    if (!options_.checkpoint.empty()) {
      rows_.settle();  // HDF5 is not thread-safe, and rows may be being read.
      write_checkpoint(comm_, place_, own_, state);
      kept_ = std::chrono::steady_clock::now();
    }
  }

  /// Trains from the step that the state has reached to the end of the epoch.
  void epoch(training_state& state) {
    auto begin = std::chrono::steady_clock::now();
    const auto clock = [&] {
      const auto now = std::chrono::steady_clock::now();
      state.wall_s += std::chrono::duration<double>(now - std::exchange(begin, now)).count();
    };
    if (state.step == 0) {
      state.epoch_begin = state.now;
      state.counts_loss = state.profile_loss = state.wall_s = 0;
    }
    if (state.step < steps_per_epoch_) {  // Else the training was interrupted before the epoch was evaluated.
      rows_.begin_epoch(state.epoch + 1, state.step);
    }
    exchange_s_ = steps_s_ = 0;
    epoch_record record;
    while (state.step < steps_per_epoch_) {
      const auto rows = static_cast<double>(global_rows(state.step));
      const auto [done, wanted] = timed_step(state);
      ++state.step;
      state.counts_loss += done.counts * rows;
      state.profile_loss += done.profile * rows;
      if (options_.step) {
        options_.step(done);
      }
      if (wanted != go_on) {
        clock();
        keep(state);
      }
      if (wanted >= end) {
        throw interrupted_error("training interrupted in epoch " + std::to_string(state.epoch + 1) + " after step " +
                                std::to_string(state.step) + " of " + std::to_string(steps_per_epoch_) +
                                "; the same command resumes it");
      }
    }
    warn_of_exchange();
    ++state.epoch;
    state.step = 0;
    record.epoch = state.epoch;
    record.learning_rate = scheduled_rate(state, state.epoch * steps_per_epoch_ - 1);
    const auto rows = static_cast<double>(data_.plan.rows);
    record.train_counts = state.counts_loss / rows;
    record.train_profile = state.profile_loss / rows;
    evaluated(state);
    evaluation_.measure_selection(record);
    clock();
    record.wall_s = state.wall_s;
    own_.history.push_back(record);
  }

  /// Copies the weights that are evaluated, and that may become the final ones, into the member.
  void evaluated(const training_state& state) {
    const auto take = [](const network_state& from, std::vector<float>& to) {
      const auto& weights = from.average.empty() ? from.weights : from.average;
      std::ranges::copy(weights, to.begin());
    };
    take(state.now.counts, own_.counts_weights);
    take(state.now.profile, own_.profile_weights);
  }

  /// What rank 0 wants after this step; go_on on all other ranks.
  int my_wish() const {
    if (comm_.rank() != 0) {
      return go_on;
    }
    if (options_.interrupted && options_.interrupted()) {
      return end;
    }
    const std::chrono::duration<double> since = std::chrono::steady_clock::now() - kept_;
    return !options_.checkpoint.empty() && since.count() >= options_.checkpoint_every_s ? checkpoint : go_on;
  }

  /// The number of rows in a step, over all ranks.
  std::int64_t global_rows(std::int64_t step) const {
    std::int64_t rows = 0;
    for (int shard = 0; shard < data_.plan.shards; ++shard) {
      rows += std::clamp<std::int64_t>(data_.plan.size(shard) - step * rows_per_shard_, 0, rows_per_shard_);
    }
    return rows;
  }

  std::pair<step_record, int> timed_step(training_state& state) {
    const stopwatch watch(steps_s_);
    return one_step(state);
  }

  /// Says so if ranks mostly wait for each other.
  void warn_of_exchange() const {
    constexpr double most_share = 0.5;
    constexpr double shortest_s = 5;  // Of an epoch that tells something.
    if (comm_.size() > 1 && steps_s_ > shortest_s && exchange_s_ > most_share * steps_s_) {
      log_warning_once("more than half of the training's time goes into the exchange of gradients between the " +
                       std::to_string(comm_.size()) +
                       " ranks: fewer ranks, ranks on fewer nodes, a larger learning.batch or a faster network make it "
                       "faster");
    }
  }

  /// Updates the weights once. Returns the record of the step, and what rank 0 wants after it.
  std::pair<step_record, int> one_step(training_state& state) {
    const int epoch = state.epoch + 1;
    rows_.begin_step(state.step);
    law_state& now = state.now;
    batch_.set_weights(now.counts.weights, now.profile.weights);
    const float weight = 1.0F / static_cast<float>(global_rows(state.step));
    const auto all = batch_gradient(epoch, state.step, weight);
    const auto counts = all.first(now.counts.weights.size());
    const auto profile = all.subspan(counts.size(), now.profile.weights.size());
    const auto extra_sums = all.last(extras);

    step_record out{epoch,
                    state.step,
                    scheduled_rate(state, state.epoch * steps_per_epoch_ + state.step),
                    extra_sums[counts_loss],
                    extra_sums[profile_loss],
                    gradient_norm(counts),
                    gradient_norm(profile)};
    // Every rank has the same sums, so all ranks throw or none does.
    if (!std::isfinite(out.counts_gradient + out.profile_gradient + out.counts + out.profile)) {
      throw divergence_error();
    }
    update(now.counts, counts, out.learning_rate, out.counts_gradient);
    update(now.profile, profile, out.learning_rate, out.profile_gradient);
    return {out, static_cast<int>(extra_sums[wish])};
  }

  void update(network_state& network, std::span<const float> gradient, double rate, double norm) const {
    network.optimiser.step(network.weights, gradient, rate, clipping_scale(norm, settings_.gradient_clip));
    if (!network.average.empty()) {
      // A young average decays faster. Otherwise the first weights would stay in it for long.
      const auto n = static_cast<double>(network.optimiser.steps());
      const auto keep = static_cast<float>(std::min(settings_.ema_decay, n / (n + 9)));
      for (std::size_t i = 0; i < network.average.size(); ++i) {
        network.average[i] = keep * network.average[i] + (1 - keep) * network.weights[i];
      }
    }
  }

  /// The sums over all ranks: the gradients of both networks, then the extras.
  std::span<const float> batch_gradient(int epoch, std::int64_t step, float weight) {
    if (!data_.plan.exact()) {
      slice_gradient(epoch, step, first_shard_, weight);
      if (comm_.size() > 1) {
        const stopwatch watch(exchange_s_);
        all_reduce_sum(comm_, std::span(gradient_));
      }
      return gradient_;
    }
    sum_.clear();
    for (int first = first_shard_; first < last_shard_; first += static_cast<int>(shards_per_slice_)) {
      sum_.add(slice_gradient(epoch, step, first, weight));
    }
    const stopwatch watch(exchange_s_);
    return sum_.all_reduce(comm_);
  }

  /// The gradients of both networks for the slice that begins with shard `first`, then the extras.
  std::span<const float> slice_gradient(int epoch, std::int64_t step, int first, float weight) {
    int slot = 0;
    for (int shard = first; shard < first + shards_per_slice_; ++shard) {
      for (std::int64_t i = step * rows_per_shard_; i < (step + 1) * rows_per_shard_; ++i, ++slot) {
        if (const auto from = rows_.row(shard, i)) {
          batch_.fill(slot, from->data, from->row, weight, settings_.seed, epoch);
        } else {
          batch_.clear(slot);
        }
      }
    }
    const auto all = std::span(gradient_);
    const auto counts = all.first(own_.counts_weights.size());
    const auto profile = all.subspan(counts.size(), own_.profile_weights.size());
    const batch_loss mine = batch_.differentiate(counts, profile);
    const auto extra_sums = all.last(extras);
    extra_sums[counts_loss] = static_cast<float>(mine.counts);
    extra_sums[profile_loss] = static_cast<float>(mine.profile);
    extra_sums[wish] = static_cast<float>(first == first_shard_ ? my_wish() : go_on);
    return gradient_;
  }

  /// The learning rate of a step; `step` counts all steps of the training from 0.
  double scheduled_rate(const training_state& state, std::int64_t step) const {
    if (options_.rate) {
      return options_.rate(step);
    }
    const std::int64_t total = steps_per_epoch_ * settings_.epochs;
    const auto warmup = static_cast<std::int64_t>(std::ceil(settings_.warmup_share * static_cast<double>(total)));
    return warmup_cosine(settings_.learning_rate, step, warmup, total) * std::ldexp(1.0, -state.rollbacks);
  }

  /// Marks the training as stopped if the selection loss has not improved for `patience` epochs.
  void stop_early(training_state& state) {
    const double loss = own_.history.back().selection_counts + own_.history.back().selection_profile;
    if (loss < state.best_loss) {
      state.best_loss = loss;
      state.best_loss_epoch = state.epoch;
    }
    state.stopped = settings_.patience > 0 && state.epoch - state.best_loss_epoch >= settings_.patience;
  }

  bool is_candidate(const training_state& state) const {
    if (state.epoch == settings_.epochs || state.stopped) {
      return true;
    }
    const double spacing = std::max(1.0, candidate_share * settings_.epochs / settings_.candidates);
    const auto from_end = static_cast<double>(settings_.epochs - state.epoch);
    const double nearest = std::round(from_end / spacing);
    return nearest < settings_.candidates && std::abs(from_end - std::round(nearest * spacing)) < 0.5;
  }

  void try_candidate(training_state& state) {
    if (!options_.score || !is_candidate(state)) {
      return;
    }
    own_.dispersion = evaluation_.measure_dispersion();
    const closed_loop_score score = options_.score(model_);
    own_.candidates.push_back({state.epoch, score.error_E, score.error_I, false});
    // Where nothing was measured the score is no number, and the last epoch is taken.
    if (!(score.total() >= state.best_score)) {
      state.best_score = score.total();
      state.best_epoch = state.epoch;
      state.best_counts = own_.counts_weights;
      state.best_profile = own_.profile_weights;
    }
  }

  const communicator& comm_;
  const training_data& data_;
  const training_options& options_;
  const learning_settings& settings_;
  model& model_;
  model_member& own_;  ///< The member that is trained.
  std::int64_t rows_per_shard_;
  int first_shard_;
  int last_shard_;
  std::int64_t steps_per_epoch_;
  std::int64_t shards_per_slice_;
  law_batch batch_;
  evaluation evaluation_;
  long_vector<float> gradient_;  ///< Gradients of both networks for one slice, then the extras.
  gradient_sum sum_;
  row_source rows_;
  std::string identity_;  ///< Text that names what decides the data and the order of their rows.
  checkpoint_place place_;
  double exchange_s_ = 0;  ///< Of the steps of this epoch, in which ranks exchange gradients, or wait for it [s].
  double steps_s_ = 0;     ///< Of all of these steps [s].
  std::chrono::steady_clock::time_point kept_ = std::chrono::steady_clock::now();  ///< Time of the last checkpoint.
};

}  // namespace

void train(const communicator& comm, const training_data& data, const training_options& options, model& m) {
  trainer(comm, data, options, m).run();
}

void train_steps(const communicator& comm, const training_data& data, const training_options& options, model& m,
                 const std::function<bool(const step_record&)>& go_on) {
  trainer(comm, data, options, m).run_steps(go_on);
}

}  // namespace spikesweep
