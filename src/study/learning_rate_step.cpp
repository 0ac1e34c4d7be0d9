#include <fmt/format.h>

#include <spikesweep/base/error.hpp>
#include <spikesweep/learning/training_data.hpp>
#include <spikesweep/parallel/collective.hpp>
#include <spikesweep/store/atomic_file.hpp>
#include <spikesweep/store/text_file.hpp>
#include <spikesweep/study/learning_rate_step.hpp>
#include <spikesweep/sweep/sweep.hpp>

namespace spikesweep {

namespace {

constexpr std::string_view csv_header = "step,learning_rate,counts_loss_nat,profile_loss_nat,smoothed_loss_nat\n";

std::string csv_of(const range_test_result& result) {
  std::string text(csv_header);
  for (const range_test_step& s : result.steps) {
    text += fmt::format("{},{},{},{},{}\n", s.step, s.learning_rate, s.counts, s.profile, s.smoothed);
  }
  return text;
}

}  // namespace

void check_range_test_output(const std::string& output) {
  if (output.empty()) {
    return;
  }
  if (std::filesystem::path(output).extension() != ".csv") {
    throw input_error("-o '" + output + "': with --find-lr it names a table and has to end in .csv; without -o " +
                      "nothing is written");
  }
  check_output_table(output, csv_header);
}

range_test_result find_learning_rate(const rank_context& job, const configuration& config,
                                     const std::filesystem::path& sweep_file, const std::filesystem::path& output) {
  check_undamaged(job.world, sweep_file);
  model m;
  const training_data data = load_training_data(job.world, sweep_file, config.learning, m);
  const range_test_settings range;
  progress_line line(job.progress());
  const auto text = [&](const range_test_step& s) {
    return fmt::format("train: find-lr, update {} of at most {}, rate {:.2g}, loss {:.4g} + {:.4g}", s.step + 1,
                       range.steps, s.learning_rate, s.counts, s.profile);
  };
  range_test_result result = run_range_test(job.world, data, config.learning, range, m, [&](const range_test_step& s) {
    if (line.due()) {
      line.update(text(s));
    }
  });
  if (!result.steps.empty()) {
    line.finish(text(result.steps.back()));
  }
  on_root(job.world, [&] {
    if (!output.empty()) {
      write_text(output, csv_of(result));
    }
  });
  return result;
}

}  // namespace spikesweep
