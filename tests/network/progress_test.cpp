// Tasks that are saved in the middle of their work and go on in another simulator.
#include <algorithm>
#include <iterator>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <spikesweep/base/error.hpp>
#include <spikesweep/base/random.hpp>
#include <spikesweep/network/serial.hpp>
#include <spikesweep/network/simulators.hpp>

#include "network/network_sets.hpp"
#include "network/same_task.hpp"

namespace spikesweep {
namespace {

using results = std::map<std::int64_t, task_result>;

/// What a task handed over, as its caller keeps it.
struct kept {
  std::string state;
  std::vector<std::string> rows;

  void add(task_progress progress) {
    state = std::move(progress.state);
    if (!progress.rows.empty()) {
      std::string& all = rows.emplace_back();
      for (const std::span<const std::byte> part : progress.rows) {
        std::ranges::transform(part, std::back_inserter(all), [](std::byte byte) { return static_cast<char>(byte); });
      }
    }
  }
  std::shared_ptr<const kept_progress> progress() const {
    return std::make_shared<const kept_progress>(
        kept_progress{state, [all = rows](const auto& take) { std::ranges::for_each(all, take); }});
  }
};

struct progress_case {
  std::string name;
  network_model model;
  simulator_kind kind;
  bool serial;
  section_kind section;
};

class saved_tasks : public ::testing::TestWithParam<progress_case> {
 protected:
  static constexpr std::uint64_t seed = 23;

  saved_tasks() {
    section_.kind = GetParam().section;
    sampling_.simulation.simulator = GetParam().kind;
    sampling_.transitions = 100;
    sampling_.burn_in_s = 0.05;
    sampling_.max_simulated_s = 8;
    sampling_.perturb_share = 0.2;
    sampling_.synthetic_share = 0.2;
    sampling_.synthetic_s = 0.01;
    sampling_.swept = {{&find_parameter("S_EI"), 4, 21}};
  }

  std::unique_ptr<task_simulator> simulator() const {
    if (GetParam().serial) {
      return std::make_unique<serial_simulator>(section_, sampling_);
    }
    return make_simulator(GetParam().model, section_, sampling_, seed);
  }

  /// More tasks than lanes where there are lanes, and of different lengths; one of them fails.
  std::vector<network_task> tasks() const {
    std::vector<network_task> out;
    const int count = GetParam().serial || GetParam().model == network_model::discrete ? 3 : 21;
    for (int i = 0; i < count; ++i) {
      parameters p = GetParam().model == network_model::discrete ? wu2023(0.41) : cai2021_small(1.3 + 0.02 * i);
      if (i == 2) {
        p.S_EE *= 3;
        p.S_EI /= 4;
      }
      out.push_back({p, {seed, static_cast<std::uint32_t>(i), 1}, i, nullptr});
    }
    return out;
  }

  results undisturbed() const {
    results out;
    std::vector<network_task> left = tasks();
    simulator()->run([&] { return taken(left); },
                     [&](const network_task& task, task_result&& result) { out[task.label] = std::move(result); });
    return out;
  }

  static std::optional<network_task> taken(std::vector<network_task>& from) {
    if (from.empty()) {
      return std::nullopt;
    }
    network_task task = std::move(from.back());
    from.pop_back();
    return task;
  }

  section_settings section_;
  sampling_settings sampling_;
};

void expect_equal(const task_result& found, const task_result& expected, std::int64_t label) {
  SCOPED_TRACE("task " + std::to_string(label));
  EXPECT_EQ(found.state, expected.state);
  EXPECT_TRUE(testing::same_block(found.block, expected.block));
  EXPECT_EQ(found.summary.simulated_s, expected.summary.simulated_s);
  EXPECT_EQ(found.summary.spikes_E, expected.summary.spikes_E);
  EXPECT_EQ(found.summary.spikes_I, expected.summary.spikes_I);
  EXPECT_EQ(found.summary.grown, expected.summary.grown);
  EXPECT_EQ(found.summary.left_out, expected.summary.left_out);
  EXPECT_EQ(found.summary.events, expected.summary.events);
  EXPECT_TRUE(testing::same_numbers(found.figures.values, expected.figures.values));
  EXPECT_TRUE(testing::same_numbers(found.figures.standard_errors, expected.figures.standard_errors));
}

TEST_P(saved_tasks, come_to_the_bits_of_undisturbed_ones) {
  const results expected = undisturbed();
  random_stream chance(seed, purpose::test);
  results found;
  std::map<std::int64_t, kept> progress;
  std::vector<network_task> left = tasks();
  int interruptions = 0;
  int resumed = 0;
  while (found.size() < expected.size()) {
    std::vector<network_task> again;
    const auto now = simulator();
    const std::uint32_t polls = 1 + chance.below(10);
    std::uint32_t poll = 0;
    resumed += static_cast<int>(
        std::ranges::count_if(left, [](const network_task& task) { return task.progress != nullptr; }));
    now->run([&] { return taken(left); },
             [&](const network_task& task, task_result&& result) {
               if (result.state == task_state::pending) {
                 again.push_back(task);
                 again.back().progress = progress.at(task.label).progress();
               } else {
                 found[task.label] = std::move(result);
               }
             },
             [&] {
               if (++poll % polls != 0) {
                 return true;
               }
               EXPECT_TRUE(now->save([&](std::vector<unfinished_task>&& tasks) {
                 for (unfinished_task& task : tasks) {
                   EXPECT_GT(task.events, 0);
                   EXPECT_LT(task.share_done, 1.01);
                   progress[task.label].add(std::move(task.progress));
                 }
               }));
               return poll < 2 * polls;  // What was saved, and went on, is saved once more.
             });
    interruptions += again.empty() ? 0 : 1;
    left.insert(left.end(), again.begin(), again.end());
  }
  EXPECT_GT(interruptions, 5);
  EXPECT_GT(resumed, 5);
  for (const auto& [label, result] : expected) {
    expect_equal(found.at(label), result, label);
  }
}

TEST_P(saved_tasks, refuse_what_is_no_progress_of_a_task) {
  network_task task = tasks().front();
  task.progress = kept().progress();
  bool given = false;
  EXPECT_THROW(simulator()->run([&] { return std::exchange(given, true) ? std::nullopt : std::optional(task); },
                                [](const network_task&, task_result&&) {}),
               internal_error);
}

TEST_P(saved_tasks, ask_for_their_rows_at_the_end_and_refuse_others) {
  network_task task = tasks().front();
  kept at_half;
  const auto run = [&](const std::function<bool()>& poll, const auto& finished) {
    bool given = false;
    const auto now = simulator();
    now->run([&] { return std::exchange(given, true) ? std::nullopt : std::optional(task); }, finished,
             [&] {
               now->save([&](std::vector<unfinished_task>&& tasks) {
                 for (unfinished_task& one : tasks) {
                   at_half.add(std::move(one.progress));
                 }
               });
               return poll();
             });
  };
  run([&] { return at_half.rows.empty(); }, [](const network_task&, task_result&&) {});
  const kept saved = at_half;
  int reads = 0;
  task.progress = std::make_shared<const kept_progress>(kept_progress{saved.state, [&](const auto& take) {
                                                                        ++reads;
                                                                        std::ranges::for_each(saved.rows, take);
                                                                      }});
  run([&] { return reads > 0; }, [&](const network_task&, task_result&&) { EXPECT_EQ(reads, 0); });
  run([] { return true; },
      [&](const network_task&, task_result&& result) {
        EXPECT_EQ(reads, 1);
        EXPECT_EQ(result.state, task_state::done);
      });
  EXPECT_EQ(reads, 1);
  std::vector<std::string> too_many = saved.rows;
  too_many.push_back(saved.rows[0]);
  for (const std::vector<std::string>& rows : {std::vector<std::string>(), too_many}) {
    task.progress = kept{saved.state, rows}.progress();
    EXPECT_THROW(run([] { return true; }, [](const network_task&, task_result&&) {}), internal_error);
  }
}

std::vector<progress_case> all_cases() {
  std::vector<progress_case> out;
  for (const section_kind section : {section_kind::interval, section_kind::mfe, section_kind::volley}) {
    const std::string of(name_of(section));
    using enum network_model;
    out.push_back({"lockstep_" + of, markov, simulator_kind::exact, false, section});
    out.push_back({"oracle_" + of, markov, simulator_kind::exact, true, section});
    out.push_back({"leaping_" + of, markov, simulator_kind::tau_leaping, true, section});
    out.push_back({"discrete_" + of, discrete, simulator_kind::exact, true, section});
  }
  return out;
}

INSTANTIATE_TEST_SUITE_P(simulators, saved_tasks, ::testing::ValuesIn(all_cases()),
                         [](const auto& instance) { return instance.param.name; });

}  // namespace
}  // namespace spikesweep
