#include <algorithm>
#include <cmath>
#include <functional>
#include <optional>
#include <ranges>
#include <system_error>
#include <utility>

#include <fmt/format.h>

#include <spikesweep/base/log.hpp>
#include <spikesweep/base/stopwatch.hpp>
#include <spikesweep/learning/emulator.hpp>
#include <spikesweep/learning/members.hpp>
#include <spikesweep/learning/training_data.hpp>
#include <spikesweep/parallel/collective.hpp>
#include <spikesweep/parallel/interrupt.hpp>
#include <spikesweep/store/atomic_file.hpp>
#include <spikesweep/store/file_lock.hpp>
#include <spikesweep/store/sweep_file.hpp>
#include <spikesweep/study/train_step.hpp>
#include <spikesweep/surrogate/selection.hpp>
#include <spikesweep/surrogate/tuning.hpp>
#include <spikesweep/sweep/sweep.hpp>

#include "settings_text.hpp"
#include "training_log.hpp"

namespace spikesweep {

namespace {

/// Tunes a trained model and logs how far the errors of its figures went down.
void tune(const rank_context& job, double seconds, model& m) {
  const std::vector<tuning_record> record = tune_figures(
      job.world, seconds, [] { return interrupted(); }, m);
  if (m.surrogate().shift.empty()) {
    log_warning(fmt::format("train: not tuned: {} training points are too few, or no shift of the axes helps",
                            m.emulator.points.rows()));
    return;
  }
  std::vector<std::string> errors;
  for (const tuning_record& r : record) {
    const figure& f = r.of;
    errors.push_back(fmt::format("{} {:.2f} -> {:.2f} {}", f.name, r.before, r.after, f.error_unit()));
  }
  log_info(fmt::format("train: tuned at {} training points, root mean square errors, noise of the runs included: {}",
                       m.emulator.points.rows(), fmt::join(errors, ", ")));
}

/// Fits the regressions of the figures, and says how many there are.
void fit_regressions(const rank_context& job, model& m) {
  const auto begin = steady_clock::now();
  fit_emulator(job.world, m.emulator, [] { return interrupted(); });
  const auto fitted = std::ranges::count_if(m.emulator.figures, [](const auto& f) { return f.law.has_value(); });
  if (fitted > 0) {
    log_info(fmt::format("train: regressions of {} figures themselves at {} training points, {:.1f} s", fitted,
                         m.emulator.points.rows(), seconds_since(begin)));
  } else if (!m.emulator.figures.empty()) {
    log_warning("train: no regression of the figures themselves: " + m.emulator.figures.front().reason);
  }
}

/// The sweep that a checkpoint was made from, as a word.
std::string sweep_word(const model& m) {
  return "sweep=" + m.made_from.from;
}

/// What a checkpoint was made with, as one line. A checkpoint of another line is refused.
std::string identity_of(const configuration& config, const model& m) {
  std::string text;
  for (const auto& [key, value] : canonical_settings(config, config_group::sweep)) {
    text += fmt::format("{}={} ", key, value);
  }
  return text + sweep_word(m) + ' ';
}

/// The training of one model file: its options, its log on rank 0 and its progress line.
class training {
 public:
  training(const rank_context& job, const configuration& config, const training_data& data, const model& m,
           const std::filesystem::path& model_file, foreign_checkpoint foreign)
      : job_(job),
        config_(config),
        data_(data),
        checkpoints_(member_checkpoints(model_file.string() + ".checkpoint")),
        identity_(identity_of(config, m)),
        implied_{sweep_word(m)},
        line_(job.progress()) {
    on_root(job.world, [&] { put_aside_checkpoints(foreign); });
    if (job.root()) {
      const auto own = own_checkpoints();
      const bool resumes = std::ranges::any_of(own, [](const auto& path) { return std::filesystem::exists(path); });
      log_.emplace(model_file, resumes, data.plan.rows, config.learning.members);
    }
  }

  /// Trains every member. Collective.
  void run(model& m) {
    train_members(
        job_.world, data_, config_.learning.members, [this](int member) { return options_of(member); }, m);
    line_.finish(last_.empty() ? "train: every epoch was done already" : last_);
  }

  /// The model holds the result of the training: its checkpoints are no longer needed. Those of other members may be
  /// what is left of another training.
  void remove_checkpoints() const {
    // The newest one of a member last: a training that is killed here has to repeat nothing.
    for (const auto& file : own_checkpoints() | std::views::reverse) {
      std::error_code ignored;
      std::filesystem::remove(file, ignored);
    }
  }

 private:
  /// Every name that a checkpoint of a member of this training may have.
  std::vector<std::filesystem::path> own_checkpoints() const {
    std::vector<std::filesystem::path> own;
    for (int member = 0; member < config_.learning.members; ++member) {
      const auto& checkpoint = checkpoints_[static_cast<std::size_t>(member)];
      own.push_back(checkpoint);
      own.push_back(previous_checkpoint(checkpoint));
    }
    return own;
  }

  void put_aside_checkpoints(foreign_checkpoint foreign) {
    for (int member = 0; foreign == foreign_checkpoint::keep_aside && member < most_members; ++member) {
      const training_options options = options_of(member);
      for (const auto& file : {options.checkpoint, previous_checkpoint(options.checkpoint)}) {
        if (!belongs_to(file, options)) {
          keep_aside(file);
        }
      }
    }
  }

  training_options options_of(int member) {
    training_options options;
    options.settings = member_settings(config_.learning, member);
    options.identity = identity_;
    options.implied = implied_;
    for (const auto& [key, value] : absent_settings(config_)) {
      options.implied.push_back(fmt::format("{}={}", key, value));
    }
    options.score = closed_loop_selection(job_.world, data_.selection_points, options.settings);
    if (config_.learning.tuning_s > 0) {
      options.tune = [this](model& trained) { tune(job_, config_.learning.tuning_s, trained); };
    }
    options.checkpoint = checkpoints_[static_cast<std::size_t>(member)];
    options.interrupted = [] { return interrupted(); };
    if (log_) {
      log_->begin(member);
      options.step = [this](const step_record& step) { log_->add(step); };
    }
    options.progress = [this](const epoch_record& epoch, int epochs) {
      if (log_) {
        last_ = log_->add(epoch, epochs);
        line_.update(last_);
      }
    };
    return options;
  }

  const rank_context& job_;
  const configuration& config_;
  const training_data& data_;
  std::vector<std::filesystem::path> checkpoints_;  ///< Of each member.
  std::string identity_;
  std::vector<std::string> implied_;  ///< Words that checkpoints of version 0.1.0 lack.
  std::optional<training_log> log_;   ///< On rank 0.
  progress_line line_;
  std::string last_;  ///< Text of the last epoch.
};

}  // namespace

void check_precision(const rank_context& job, const configuration& config) {
  const bool lacks = config.learning.numbers == precision::bf16 && !has_bf16();
  if (on_any_rank(job.world, lacks)) {
    throw input_error(
        config.source +
        ": key 'learning.precision' = bf16 needs CPUs with AVX512-BF16, which a rank here lacks; use fp32");
  }
}

void check_same_sweep(const configuration& config, const std::filesystem::path& sweep_file) {
  if (config.design.axes.empty()) {
    return;
  }
  const sweep_reader file(sweep_file);
  const auto& there = file.description().settings;
  const auto implied = absent_settings(config);
  for (const auto& setting : canonical_settings(config, config_group::sweep)) {
    // A file that lacks the key is of a version in which it had one value.
    const bool lacks = std::ranges::find(there, setting.first, &canonical_setting::first) == there.end();
    if (std::ranges::find(lacks ? implied : there, setting) == (lacks ? implied : there).end()) {
      throw input_error(fmt::format("{}: key '{}' = {} differs from the sweep in {}; use the config of that sweep",
                                    config.source, setting.first, setting.second, sweep_file.string()));
    }
  }
}

model train_surrogate(const rank_context& job, const configuration& config, const std::filesystem::path& sweep_file,
                      const std::filesystem::path& model_file, foreign_checkpoint foreign, tested_tasks* tested) {
  const interrupt_guard guard;
  std::optional<file_lock> lock;
  const input_lock in_use(sweep_file);
  on_root(job.world, [&] { lock.emplace(model_file); });
  check_undamaged(job.world, sweep_file, tested);
  model m;
  const training_data data = load_training_data(job.world, sweep_file, config.learning, m);
  m.data_file = sweep_file.string();
  m.made_from.settings = settings_text(config, {config_group::sweep, config_group::learning});
  m.config_text = config.text;
  fit_regressions(job, m);
  training run(job, config, data, m, model_file, foreign);
  run.run(m);
  on_root(job.world, [&] {
    save_model(model_file, m);
    run.remove_checkpoints();
  });
  return m;
}

}  // namespace spikesweep
