#include "find_learning_rate.hpp"

#include <cmath>
#include <fstream>
#include <iostream>

#include <fmt/format.h>

#include <spikesweep/base/json.hpp>
#include <spikesweep/base/table.hpp>
#include <spikesweep/learning/range_test.hpp>
#include <spikesweep/parallel/collective.hpp>
#include <spikesweep/store/atomic_file.hpp>
#include <spikesweep/store/sweep_file.hpp>

namespace spikesweep {

namespace {

/// The table shows every so many updates; JSON and CSV hold all.
constexpr std::size_t updates_a_row = 10;

void print_json(const range_test_result& result) {
  for (const range_test_step& s : result.steps) {
    json_object line;
    line.add("step", s.step).add("learning_rate", s.learning_rate);
    line.add("counts", s.counts).add("profile", s.profile).add("smoothed", s.smoothed);
    std::cout << line.text() << '\n';
  }
  json_object line;
  line.add("end", name_of(result.end)).add("steps", result.steps.size());
  line.add("suggestion", result.suggestion.value_or(std::nan("")));
  line.add("best_rate", result.best_rate);
  std::cout << line.text() << '\n';
}

std::string reason_of(range_test_end end) {
  switch (end) {
    case range_test_end::exploded:
      return "the loss exploded";
    case range_test_end::not_finite:
      return "a gradient was no longer finite";
    case range_test_end::highest_rate:
      break;
  }
  return "the highest rate was reached";
}

void print_table(const range_test_result& result) {
  text_table table({"learning rate", "counts loss [nat]", "profile loss [nat]", "sum, smoothed [nat]"});
  for (std::size_t i = 0; i < result.steps.size(); ++i) {
    if (i % updates_a_row == 0 || i + 1 == result.steps.size()) {
      const range_test_step& s = result.steps[i];
      table.add_row(
          {fmt::format("{:.2e}", s.learning_rate), readable(s.counts), readable(s.profile), readable(s.smoothed)});
    }
  }
  table.print(std::cout);
  std::cout << fmt::format("ended after {} updates: {}\n", result.steps.size(), reason_of(result.end));
  if (result.suggestion) {
    std::cout << fmt::format(
        "suggestion: learning.learning_rate = {:.1e}, where the loss falls most steeply; it is lowest at {:.1e}\n",
        *result.suggestion, result.best_rate);
  } else {
    std::cout << "no suggestion: the loss did not fall at any rate\n";
  }
}

void write_csv(const std::filesystem::path& path, const range_test_result& result) {
  write_then_rename(path, [&](const std::filesystem::path& temporary) {
    std::ofstream stream(temporary, std::ios::binary);
    stream << "step,learning_rate,counts_loss_nat,profile_loss_nat,smoothed_loss_nat\n";
    for (const range_test_step& s : result.steps) {
      stream << fmt::format("{},{},{},{},{}\n", s.step, s.learning_rate, s.counts, s.profile, s.smoothed);
    }
    if (!stream.flush()) {
      throw environment_error("cannot write " + path.string());
    }
  });
}

}  // namespace

void check_range_test_output(const std::string& output) {
  if (!output.empty() && std::filesystem::path(output).extension() != ".csv") {
    throw input_error("-o '" + output + "': with --find-lr it names a table and has to end in .csv; without -o " +
                      "nothing is written");
  }
}

void find_learning_rate(const command_context& context, const configuration& config,
                        const std::filesystem::path& sweep_file, const std::filesystem::path& output, bool json) {
  model m;
  const training_data data = load_training_data(context.job.world, sweep_file, config.learning, m);
  const range_test_settings range;
  progress_line line(context.job.progress());
  const auto text = [&](const range_test_step& s) {
    return fmt::format("train: find-lr, update {} of at most {}, rate {:.2g}, loss {:.4g} + {:.4g}", s.step + 1,
                       range.steps, s.learning_rate, s.counts, s.profile);
  };
  const range_test_result result =
      run_range_test(context.job.world, data, config.learning, range, m, [&](const range_test_step& s) {
        if (line.due()) {
          line.update(text(s));
        }
      });
  if (!result.steps.empty()) {
    line.finish(text(result.steps.back()));
  }
  on_root(context.job.world, [&] {
    if (!output.empty()) {
      write_csv(output, result);
    }
    if (json) {
      print_json(result);
    } else {
      print_table(result);
    }
  });
}

}  // namespace spikesweep
