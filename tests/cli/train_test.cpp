// Trainings of the binary that are more than one model: the range test of the learning rate, and ensembles.
#include <cmath>
#include <fstream>
#include <regex>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "command_runner.hpp"

namespace spikesweep::testing {

namespace {

using ::testing::ContainsRegex;
using ::testing::HasSubstr;

class train : public ::testing::Test {
 protected:
  train() {
    runner.write("small.toml",
                 "[network]\npreset = \"zhang2024\"\n"
                 "[design]\nkind = \"latin_hypercube\"\npoints = 12\nselection_points = 2\ntest_points = 2\n"
                 "[design.axes]\nS_EE = {min = 3.8, max = 4.2}\n"
                 "[sweep]\ntransitions = 150\n"
                 "[learning]\nhidden = 32\nlayers = 2\ncomponents = 3\nepochs = 3\nbatch = 64\nshards = 8\n"
                 "candidates = 1\nselection_s = 1.0\nselection_chains = 2\n");
  }

  void SetUp() override { ASSERT_EQ(runner.run("sweep small.toml -o a.h5").code, 0); }

  /// Every number behind a key, in order.
  static std::vector<double> numbers(const std::string& text, const std::string& key) {
    std::vector<double> found;
    const std::regex pattern('"' + key + "\":([-+.e0-9]+)");
    for (std::sregex_iterator at(text.begin(), text.end(), pattern), end; at != end; ++at) {
      found.push_back(std::stod((*at)[1]));
    }
    return found;
  }

  command_runner runner;
};

TEST_F(train, finds_a_learning_rate_and_writes_nothing_unless_told_to) {
  const auto before = runner.files();
  const command_result table = runner.run("train small.toml -d a.h5 --find-lr");
  EXPECT_EQ(table.code, 0) << table.err;
  EXPECT_EQ(runner.files(), before);
  EXPECT_THAT(table.out, HasSubstr("learning rate  counts loss [nat]  profile loss [nat]"));
  EXPECT_THAT(table.out, ContainsRegex("ended after [0-9]+ updates: the loss exploded\n"));
  EXPECT_THAT(table.out, ContainsRegex("suggestion: learning.learning_rate = [0-9.]+e-0[1-5], "));

  const command_result json = runner.run("train small.toml -d a.h5 --find-lr --json -o rates.csv");
  EXPECT_EQ(json.code, 0) << json.err;
  const std::vector<double> rates = numbers(json.out, "learning_rate");
  EXPECT_EQ(count(json.out, "\n"), static_cast<int>(rates.size()) + 1);
  EXPECT_THAT(json.out, ContainsRegex("\"end\":\"exploded\",\"steps\":" + std::to_string(rates.size())));
  EXPECT_EQ(numbers(json.out, "suggestion").size(), 1U);
  const std::string csv = read_text(runner.directory() / "rates.csv");
  EXPECT_EQ(count(csv, "\n"), static_cast<int>(rates.size()) + 1);
  EXPECT_THAT(csv, HasSubstr("step,learning_rate,counts_loss_nat,profile_loss_nat,smoothed_loss_nat\n0,1e-07,"));
}

TEST_F(train, an_ensemble_names_its_members_and_tells_how_far_they_disagree) {
  const command_result trained =
      runner.run("train small.toml -d a.h5 -o m.h5 --set learning.members=3 learning.seed=5");
  ASSERT_EQ(trained.code, 0) << trained.err;
  EXPECT_THAT(trained.out, HasSubstr("member  epoch"));
  EXPECT_THAT(trained.err, HasSubstr("train: member 2 (3 in all), epoch 3 of 3, loss "));
  EXPECT_EQ(runner.files(), (std::set<std::string>{"a.h5", "m.h5", "m.h5.log.jsonl", "small.toml"}));
  EXPECT_EQ(numbers(read_text(runner.directory() / "m.h5.log.jsonl"), "member"),
            (std::vector<double>{0, 0, 0, 1, 1, 1, 2, 2, 2}));

  const std::string predict = "predict -m m.h5 --duration 2s --set S_EE=4.0";
  const command_result json = runner.run(predict + " --json");
  ASSERT_EQ(json.code, 0) << json.err;
  EXPECT_EQ(numbers(json.out, "seed"), (std::vector<double>{5, 6, 7}));
  // The surrogate's own figure and its standard error, the three members' and the spread.
  const std::vector<double> rates = numbers(json.out, "rate_E_hz");
  ASSERT_EQ(rates.size(), 6U) << json.out;
  EXPECT_EQ(rates[0], rates[2]);
  EXPECT_NE(rates[2], rates[3]);
  const double mean = (rates[2] + rates[3] + rates[4]) / 3;
  const double squares = std::pow(rates[2] - mean, 2) + std::pow(rates[3] - mean, 2) + std::pow(rates[4] - mean, 2);
  EXPECT_NEAR(rates[5], std::sqrt(squares / 2), 1e-9 * mean);
  const command_result table = runner.run(predict);
  EXPECT_THAT(table.out, HasSubstr("member  seed  rate_E_hz  rate_I_hz\n0       5  "));
  EXPECT_THAT(table.out, ContainsRegex("\nspread +[0-9.]+ +[0-9.]+\n"));

  // The first member is the model that the same training gives without the others.
  ASSERT_EQ(runner.run("train small.toml -d a.h5 -o one.h5 --set learning.seed=5").code, 0);
  const command_result alone = runner.run("predict -m one.h5 --duration 2s --set S_EE=4.0 --json");
  EXPECT_EQ(numbers(alone.out, "rate_E_hz"), (std::vector<double>{rates[0], rates[1]}));
  EXPECT_EQ(count(alone.out, "members"), 0) << alone.out;
}

TEST_F(train, is_validated_only_where_a_test_point_succeeded) {
  const std::string settings =
      " --set 'design.kind=\"grid\"' 'design.axes.S_EE=[3.8,3.9,4.0,4.1,4.2,50]' design.selection_points=1"
      " design.test_points=0 'design.test_at=[{S_EE=40}]' sweep.max_pending=20000 learning.epochs=1";
  ASSERT_EQ(runner.run("sweep small.toml -o b.h5" + settings).code, 3);
  ASSERT_EQ(runner.run("train small.toml -d b.h5 -o b-model.h5" + settings).code, 0);
  const command_result result = runner.run("validate small.toml -d b.h5 -m b-model.h5 -o v.h5" + settings);
  EXPECT_EQ(result.code, 2);
  EXPECT_THAT(result.err, HasSubstr("b.h5: every test point failed, so nothing is left to validate at; "));
}

}  // namespace

}  // namespace spikesweep::testing
