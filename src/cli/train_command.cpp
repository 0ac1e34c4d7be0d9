#include "train_command.hpp"

#include <algorithm>
#include <fstream>
#include <functional>
#include <iostream>
#include <memory>
#include <optional>
#include <system_error>

#include <fmt/format.h>

#include <spikesweep/base/json.hpp>
#include <spikesweep/base/table.hpp>
#include <spikesweep/learning/members.hpp>
#include <spikesweep/parallel/collective.hpp>
#include <spikesweep/parallel/interrupt.hpp>
#include <spikesweep/parallel/launch_report.hpp>
#include <spikesweep/store/sweep_file.hpp>
#include <spikesweep/surrogate/selection.hpp>
#include <spikesweep/surrogate/tuning.hpp>

#include "find_learning_rate.hpp"

namespace spikesweep {

namespace {

struct train_arguments {
  std::string config;
  std::string data;
  std::string output;
  std::vector<std::string> overrides;
  bool find_learning_rate = false;
  bool json = false;
};

/// Follows a training: its live line, and a JSON line an epoch beside the model. Both name the member of an ensemble.
class training_log {
 public:
  /// Goes on with the log of a training that is resumed, and begins a new one otherwise.
  training_log(const std::filesystem::path& model_file, bool resumes, std::int64_t rows, int members)
      : path_(model_file.string() + ".log.jsonl"), rows_(rows), members_(members) {
    if (!resumes) {
      std::error_code ignored;
      std::filesystem::remove(path_, ignored);
    }
  }

  /// What follows is of this member.
  void begin(int member) {
    member_ = member;
    counts_gradient_ = profile_gradient_ = steps_ = 0;
  }

  void add(const step_record& step) {
    counts_gradient_ += step.counts_gradient;
    profile_gradient_ += step.profile_gradient;
    ++steps_;
  }

  /// Writes the epoch down; returns the live line.
  std::string add(const epoch_record& epoch, int epochs) {
    const double counts_gradient = counts_gradient_ / steps_;
    const double profile_gradient = profile_gradient_ / steps_;
    json_object line;
    if (members_ > 1) {
      line.add("member", member_);
    }
    line.add("epoch", epoch.epoch).add("learning_rate", epoch.learning_rate);
    line.add("train_counts", epoch.train_counts).add("train_profile", epoch.train_profile);
    line.add("selection_counts", epoch.selection_counts).add("selection_profile", epoch.selection_profile);
    line.add("counts_gradient", counts_gradient).add("profile_gradient", profile_gradient);
    line.add("wall_s", epoch.wall_s).add("rows_per_s", static_cast<double>(rows_) / epoch.wall_s);
    std::vector<json_object> groups;
    for (const group_loss& group : epoch.selection_groups) {
      groups.emplace_back();
      groups.back().add("phase", name_of(group.phase)).add("regime", name_of(group.points)).add("rows", group.rows);
      groups.back().add("counts", group.counts).add("profile", group.profile);
    }
    line.add("selection_groups", groups);
    std::ofstream(path_, std::ios::app) << line.text() << '\n';
    counts_gradient_ = profile_gradient_ = steps_ = 0;
    return fmt::format(
        "train: {}epoch {} of {}, loss {:.4g} + {:.4g} (selection {:.4g} + {:.4g}), gradient {:.3g} and {:.3g}, rate "
        "{:.2g}, {:.0f} rows/s",
        members_ > 1 ? fmt::format("member {} ({} in all), ", member_, members_) : "", epoch.epoch, epochs,
        epoch.train_counts, epoch.train_profile, epoch.selection_counts, epoch.selection_profile, counts_gradient,
        profile_gradient, epoch.learning_rate, static_cast<double>(rows_) / epoch.wall_s);
  }

 private:
  std::filesystem::path path_;
  std::int64_t rows_;
  int members_;
  int member_ = 0;
  double counts_gradient_ = 0;  ///< Sums over the steps of the epoch, of norms before clipping.
  double profile_gradient_ = 0;
  double steps_ = 0;
};

/// Throws input_error if the config describes another sweep than the file holds. A config without axes describes none.
void check_same_sweep(const configuration& config, const sweep_reader& file, const std::string& name) {
  if (config.design.axes.empty()) {
    return;
  }
  const auto wanted = canonical_settings(config, config_group::sweep);
  for (const auto& setting : wanted) {
    const auto& there = file.description().settings;
    if (std::find(there.begin(), there.end(), setting) == there.end()) {
      throw input_error(fmt::format("{}: key '{}' = {} differs from the sweep in {}; use the config of that sweep",
                                    config.source, setting.first, setting.second, name));
    }
  }
}

exit_code execute(const command_context& context, const train_arguments& arguments) {
  const configuration config = load_configuration(context.job.world, arguments.config, arguments.overrides);
  check_precision(context, config);
  on_root(context.job.world, [&] {
    if (arguments.find_learning_rate) {
      check_range_test_output(arguments.output);
    } else if (arguments.output.empty()) {
      throw input_error("train needs -o MODEL.h5, the file for the model, or --find-lr");
    }
    if (!arguments.output.empty()) {
      check_output_file(arguments.output);
    }
    std::error_code failure;
    if (std::filesystem::equivalent(arguments.data, arguments.output, failure)) {
      throw input_error("-d and -o name the same file '" + arguments.output + "'");
    }
    check_same_sweep(config, sweep_reader(arguments.data), arguments.data);
  });
  report_launch(context.job.world);
  if (arguments.find_learning_rate) {
    find_learning_rate(context, config, arguments.data, arguments.output, arguments.json);
    return exit_code::done;
  }
  train_surrogate(context, config, arguments.data, arguments.output);
  if (context.job.root()) {
    text_table table({"", ""});
    table.add_row({"model", arguments.output});
    table.print(std::cout);
  }
  return exit_code::done;
}

/// Tunes a trained model, and tells by how much.
void tune(const command_context& context, const training_data& data, double seconds, model& m) {
  const tuning_record record = tune_rates(
      context.job.world, data.training_points, seconds, [] { return interrupted(); }, m);
  if (m.surrogate().shift.empty()) {
    log_warning(fmt::format("train: not tuned: {} training points are too few, or no shift of the axes helps",
                            data.training_points.size()));
    return;
  }
  log_info(fmt::format(
      "train: tuned at {} training points, root mean square errors of E rate {:.2f} -> {:.2f} %, of I rate {:.2f} -> "
      "{:.2f} %, noise of both measurements included",
      data.training_points.size(), 100 * record.before_E, 100 * record.after_E, 100 * record.before_I,
      100 * record.after_I));
}

/// The epochs that were tried in closed loop.
void print_training(const model& m) {
  const bool several = m.members.size() > 1;
  std::vector<std::string> header{"epoch", "error of E rate [%]", "error of I rate [%]", ""};
  if (several) {
    header.insert(header.begin(), "member");
  }
  text_table table(header);
  for (std::size_t k = 0; k < m.members.size(); ++k) {
    for (const candidate_record& candidate : m.members[k].candidates) {
      std::vector<std::string> row{std::to_string(candidate.epoch), readable(100 * candidate.error_E),
                                   readable(100 * candidate.error_I), candidate.chosen ? "chosen" : ""};
      if (several) {
        row.insert(row.begin(), std::to_string(k));
      }
      table.add_row(row);
    }
  }
  table.print(std::cout);
}

}  // namespace

void check_precision(const command_context& context, const configuration& config) {
  const bool lacks = config.learning.numbers == precision::bf16 && !has_bf16();
  if (on_any_rank(context.job.world, lacks)) {
    throw input_error(
        config.source +
        ": key 'learning.precision' = bf16 needs CPUs with AVX512-BF16, which a rank here lacks; use fp32");
  }
}

void train_surrogate(const command_context& context, const configuration& config,
                     const std::filesystem::path& sweep_file, const std::filesystem::path& model_file) {
  const interrupt_guard guard;
  model m;
  const training_data data = load_training_data(context.job.world, sweep_file, config.learning, m);
  m.data_file = sweep_file.string();
  m.config_text = config.text;

  progress_line line(context.job.progress());
  const std::filesystem::path checkpoint = model_file.string() + ".checkpoint";
  const auto checkpoints = member_checkpoints(checkpoint);
  const auto files = checkpoint_files(checkpoint);
  training_options shared;
  for (const auto& [key, value] : canonical_settings(config, config_group::sweep)) {
    shared.identity += fmt::format("{}={} ", key, value);
  }
  std::string last;
  std::optional<training_log> log;
  if (context.job.root()) {
    const bool resumes = std::ranges::any_of(files, [](const auto& path) { return std::filesystem::exists(path); });
    log.emplace(model_file, resumes, data.plan.rows, config.learning.members);
    shared.step = [&](const step_record& step) { log->add(step); };
  }
  shared.progress = [&](const epoch_record& epoch, int epochs) {
    if (log) {
      last = log->add(epoch, epochs);
      line.update(last);
    }
  };
  shared.interrupted = [] { return interrupted(); };
  const auto options_of = [&](int member) {
    if (log) {
      log->begin(member);
    }
    training_options options = shared;
    options.settings = member_settings(config.learning, member);
    options.score = closed_loop_selection(context.job.world, data.selection_points, options.settings);
    if (config.learning.tuning_s > 0) {
      options.tune = [&](model& trained) { tune(context, data, config.learning.tuning_s, trained); };
    }
    options.checkpoint = checkpoints[static_cast<std::size_t>(member)];
    return options;
  };
  train_members(context.job.world, data, config.learning.members, options_of, m);
  line.finish(last.empty() ? "train: every epoch was done already" : last);
  on_root(context.job.world, [&] {
    save_model(model_file, m);
    for (const auto& file : files) {  // The training is over; the model holds its outcome.
      std::error_code ignored;
      std::filesystem::remove(file, ignored);
    }
    print_training(m);
  });
}

void add_train_command(CLI::App& app, command_context& context) {
  CLI::App* command = app.add_subcommand("train", "train a surrogate on a sweep file, on all ranks, or resume");
  const auto arguments = std::make_shared<train_arguments>();
  add_config_argument(*command, arguments->config);
  command->add_option("-d,--data", arguments->data, "sweep file to learn from")->required()->type_name("FILE.h5");
  command
      ->add_option("-o,--output", arguments->output,
                   "model file; its checkpoint stands beside it; with --find-lr, a table")
      ->type_name("MODEL.h5|TABLE.csv");
  CLI::Option* find = command->add_flag("--find-lr", arguments->find_learning_rate,
                                        "train no model: raise the learning rate from update to update until the loss "
                                        "explodes, and suggest one");
  command->add_flag("--json", arguments->json, "with --find-lr: a JSON object an update, then one with the suggestion")
      ->needs(find);
  add_set_option(*command, arguments->overrides, "override a config key");
  command->callback(
      [&context, arguments] { context.execute = [&context, arguments] { return execute(context, *arguments); }; });
}

}  // namespace spikesweep
