#include <algorithm>
#include <chrono>
#include <cmath>
#include <numeric>
#include <string>
#include <vector>

#include <boost/mpi/collectives.hpp>

#include <spikesweep/base/error.hpp>
#include <spikesweep/base/log.hpp>
#include <spikesweep/base/random.hpp>
#include <spikesweep/learning/adamw.hpp>
#include <spikesweep/learning/gradient_sum.hpp>
#include <spikesweep/learning/reduce.hpp>
#include <spikesweep/learning/schedule.hpp>
#include <spikesweep/learning/trainer.hpp>

#include "batch.hpp"
#include "checkpoint.hpp"
#include "row_source.hpp"

namespace spikesweep {

namespace {

namespace mpi = boost::mpi;

/// Candidates are spread over this last share of the epochs, the last epoch included.
constexpr double candidate_share = 0.4;
/// Rows that the selection losses are evaluated on at a time.
constexpr int evaluation_rows = 512;
/// A training that diverges once more than this is given up.
constexpr int most_rollbacks = 3;
/// The dequantising noise of the selection rows is that of this epoch, always, so that their losses compare.
constexpr int selection_epoch = 0;

class trainer {
 public:
  trainer(const mpi::communicator& comm, const training_data& data, const training_options& options, model& m)
      : comm_(comm),
        data_(data),
        options_(options),
        settings_(options.settings),
        model_(m),
        rows_per_shard_(settings_.batch / data.plan.shards),
        first_shard_(data.plan.first_of(comm.rank(), comm.size())),
        last_shard_(data.plan.first_of(comm.rank() + 1, comm.size())),
        steps_per_epoch_((data.plan.largest() + rows_per_shard_ - 1) / rows_per_shard_),
        shards_per_slice_(data.plan.shards / data.plan.slices(comm.size())),
        batch_(m, static_cast<int>(shards_per_slice_ * rows_per_shard_), true, settings_.numbers),
        evaluation_(m, evaluation_rows, false),
        gradient_(m.counts_weights.size() + m.profile_weights.size() + 2),
        sum_(gradient_.size()),
        rows_(data, m, settings_, first_shard_, last_shard_),
        identity_(options.identity + data.chunks.identity()),
        counts_optimiser_(make_optimiser(m.counts_weights.size())),
        profile_optimiser_(make_optimiser(m.profile_weights.size())) {}

  void run() {
    training_state state = resume();
    while (state.epoch < settings_.epochs && !state.stopped) {
      const restart_point before{model_.counts_weights, model_.profile_weights, counts_optimiser_, profile_optimiser_};
      ++state.epoch;
      try {
        epoch(state);
      } catch (const divergence_error& error) {
        roll_back(before, state, error);
        continue;
      }
      stop_early(state);
      try_candidate(state);
      keep(state);
      if (options_.progress) {
        options_.progress(model_.history.back(), settings_.epochs);
      }
      bool stop = options_.interrupted && comm_.rank() == 0 && options_.interrupted();
      mpi::broadcast(comm_, stop, 0);
      if (stop && state.epoch < settings_.epochs) {
        throw interrupted_error("training interrupted after epoch " + std::to_string(state.epoch) +
                                "; the same command resumes it");
      }
    }
    if (!state.best_counts.empty()) {
      model_.counts_weights = state.best_counts;
      model_.profile_weights = state.best_profile;
    }
    measure_dispersion();
    for (auto& candidate : model_.candidates) {
      candidate.chosen = candidate.epoch == state.best_epoch;
    }
  }

 private:
  /// What an epoch changes.
  struct restart_point {
    std::vector<float> counts_weights;
    std::vector<float> profile_weights;
    adamw counts_optimiser;
    adamw profile_optimiser;
  };

  /// Back to the end of the last epoch, from where it goes on at half the rate. Every rank does the same.
  void roll_back(const restart_point& to, training_state& state, const divergence_error& error) {
    --state.epoch;
    if (++state.rollbacks > most_rollbacks) {
      throw environment_error(std::string(error.what()) + " (given up at the fourth time, in epoch " +
                              std::to_string(state.epoch + 1) + ')');
    }
    model_.counts_weights = to.counts_weights;
    model_.profile_weights = to.profile_weights;
    counts_optimiser_ = to.counts_optimiser;
    profile_optimiser_ = to.profile_optimiser;
    if (comm_.rank() == 0) {
      log_warning("training diverged in epoch " + std::to_string(state.epoch + 1) + ": back to the end of epoch " +
                  std::to_string(state.epoch) + ", with half the learning rate");
    }
  }

  adamw make_optimiser(std::size_t size) const {
    adamw_settings s;
    s.weight_decay = settings_.weight_decay;
    return adamw(s, size);
  }

  training_state resume() {
    training_state state;
    if (!options_.checkpoint.empty()) {
      read_checkpoint(comm_, options_.checkpoint, settings_, identity_, model_, counts_optimiser_, profile_optimiser_,
                      state);
    }
    return state;
  }

  void keep(const training_state& state) {
    if (!options_.checkpoint.empty()) {
      rows_.settle();  // HDF5 is not thread-safe.
      write_checkpoint(comm_, options_.checkpoint, settings_, identity_, model_, counts_optimiser_, profile_optimiser_,
                       state);
    }
  }

  void epoch(const training_state& state) {
    const auto begin = std::chrono::steady_clock::now();
    rows_.begin_epoch(state.epoch);
    batch_loss sum;
    epoch_record record;
    record.epoch = state.epoch;
    for (std::int64_t step = 0; step < steps_per_epoch_; ++step) {
      const step_record done = one_step(state, step);
      const auto rows = static_cast<double>(global_rows(step));
      sum.counts += done.counts * rows;
      sum.profile += done.profile * rows;
      record.learning_rate = done.learning_rate;
      if (options_.step) {
        options_.step(done);
      }
    }
    const auto rows = static_cast<double>(data_.plan.rows);
    record.train_counts = sum.counts / rows;
    record.train_profile = sum.profile / rows;
    const batch_loss selection = selection_loss();
    record.selection_counts = selection.counts;
    record.selection_profile = selection.profile;
    record.wall_s = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
    model_.history.push_back(record);
  }

  /// Rows of all ranks in a step.
  std::int64_t global_rows(std::int64_t step) const {
    std::int64_t rows = 0;
    for (int shard = 0; shard < data_.plan.shards; ++shard) {
      rows += std::clamp<std::int64_t>(data_.plan.size(shard) - step * rows_per_shard_, 0, rows_per_shard_);
    }
    return rows;
  }

  /// One update of the weights.
  step_record one_step(const training_state& state, std::int64_t step) {
    const int epoch = state.epoch;
    rows_.begin_step(step);
    batch_.set_weights(model_.counts_weights, model_.profile_weights);
    const std::int64_t rows = global_rows(step);
    const float weight = 1.0F / static_cast<float>(rows);
    sum_.clear();
    for (int first = first_shard_; first < last_shard_; first += static_cast<int>(shards_per_slice_)) {
      sum_.add(slice_gradient(epoch, step, first, weight));
    }
    const auto all = sum_.all_reduce(comm_);
    const auto counts = all.first(model_.counts_weights.size());
    const auto profile = all.subspan(counts.size(), model_.profile_weights.size());

    const std::int64_t total = steps_per_epoch_ * settings_.epochs;
    const std::int64_t done = (epoch - 1) * steps_per_epoch_ + step;
    step_record out{epoch,
                    step,
                    scheduled_rate(done, total) * std::ldexp(1.0, -state.rollbacks),
                    all[all.size() - 2],
                    all[all.size() - 1],
                    0,
                    0};
    out.counts_gradient = clip_gradient(counts, settings_.gradient_clip);
    out.profile_gradient = clip_gradient(profile, settings_.gradient_clip);
    counts_optimiser_.step(model_.counts_weights, counts, out.learning_rate);
    profile_optimiser_.step(model_.profile_weights, profile, out.learning_rate);
    return out;
  }

  /// Gradients of both networks and both losses of the slice that begins with shard `first`.
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
    const auto counts = all.first(model_.counts_weights.size());
    const auto profile = all.subspan(counts.size(), model_.profile_weights.size());
    const batch_loss mine = batch_.differentiate(counts, profile);
    gradient_[gradient_.size() - 2] = static_cast<float>(mine.counts);
    gradient_[gradient_.size() - 1] = static_cast<float>(mine.profile);
    return gradient_;
  }

  double scheduled_rate(std::int64_t step, std::int64_t total) const {
    const auto warmup = static_cast<std::int64_t>(std::ceil(settings_.warmup_share * static_cast<double>(total)));
    return warmup_cosine(settings_.learning_rate, step, warmup, total);
  }

  /// Mean losses over the selection rows of all ranks.
  batch_loss selection_loss() {
    evaluation_.set_weights(model_.counts_weights, model_.profile_weights);
    std::vector<double> sums(3, 0.0);
    for (std::int64_t begin = 0; begin < data_.selection.rows; begin += evaluation_rows) {
      for (int slot = 0; slot < evaluation_rows; ++slot) {
        if (begin + slot < data_.selection.rows) {
          evaluation_.fill(slot, data_.selection, begin + slot, 1.0F, settings_.seed, selection_epoch);
        } else {
          evaluation_.clear(slot);
        }
      }
      const batch_loss loss = evaluation_.evaluate();
      sums[0] += loss.counts;
      sums[1] += loss.profile;
    }
    sums[2] = static_cast<double>(data_.selection.rows);
    all_reduce_sum(comm_, std::span(sums));
    const double rows = std::max(1.0, sums[2]);
    return {sums[0] / rows, sums[1] / rows};
  }

  /// Ends the training when the selection losses have not improved for `patience` epochs.
  void stop_early(training_state& state) {
    const double loss = model_.history.back().selection_counts + model_.history.back().selection_profile;
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
    measure_dispersion();
    const closed_loop_score score = options_.score(model_);
    model_.candidates.push_back({state.epoch, score.error_E, score.error_I, false});
    if (score.total() < state.best_score) {
      state.best_score = score.total();
      state.best_epoch = state.epoch;
      state.best_counts = model_.counts_weights;
      state.best_profile = model_.profile_weights;
    }
  }

  /// Fits how cells scatter about the profile that the network expects now.
  void measure_dispersion() {
    evaluation_.set_weights(model_.counts_weights, model_.profile_weights);
    const auto groups = model_.targets.groups();
    const auto width = static_cast<std::size_t>(model_.targets.profile_size());
    dispersion_fit fit(width);
    std::vector<double> expected(width);
    const dataset& rows = data_.dispersion;
    for (std::int64_t begin = 0; begin < rows.rows; begin += evaluation_rows) {
      int filled = 0;
      for (std::int64_t row = begin; row < rows.rows && filled < evaluation_rows; ++row) {
        evaluation_.fill(filled++, rows, row, 1.0F, settings_.seed, selection_epoch);
      }
      evaluation_.evaluate();
      for (int slot = 0; slot < filled; ++slot) {
        const auto row = static_cast<std::size_t>(begin + slot);
        const auto counts = std::span(rows.profile).subspan(row * width, width);
        const auto logits = evaluation_.profile_logits(slot);
        std::size_t first = 0;
        for (const int g : groups) {
          const auto size = static_cast<std::size_t>(g);
          const auto part = counts.subspan(first, size);
          softmax(logits.subspan(first, size), std::accumulate(part.begin(), part.end(), 0.0),
                  std::span(expected).subspan(first, size));
          first += size;
        }
        fit.add(static_cast<phase_kind>(rows.phase[row]), expected, counts);
      }
    }
    model_.dispersion = fit.fit(comm_);
  }

  const mpi::communicator& comm_;
  const training_data& data_;
  const training_options& options_;
  const learning_settings& settings_;
  model& model_;
  std::int64_t rows_per_shard_;
  int first_shard_;
  int last_shard_;
  std::int64_t steps_per_epoch_;
  std::int64_t shards_per_slice_;
  law_batch batch_;
  law_batch evaluation_;
  std::vector<float> gradient_;  ///< Of a slice: both networks' gradients, then both losses.
  gradient_sum sum_;
  row_source rows_;
  std::string identity_;
  adamw counts_optimiser_;
  adamw profile_optimiser_;
};

}  // namespace

void train(const mpi::communicator& comm, const training_data& data, const training_options& options, model& m) {
  trainer(comm, data, options, m).run();
}

}  // namespace spikesweep
