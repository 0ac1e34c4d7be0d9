// Rounds of refining: points added where the members of an ensemble disagree, kept in the sweep file, whatever happens.
#include <algorithm>
#include <csignal>
#include <set>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <spikesweep/store/sweep_file.hpp>

#include "command_runner.hpp"
#include "store/compare_files.hpp"

namespace spikesweep::testing {

namespace {

using ::testing::HasSubstr;

class refine : public ::testing::Test {
 protected:
  refine() {
    runner.write("c.toml",
                 "[network]\npreset = \"zhang2024\"\n"
                 "[design]\npoints = 8\nselection_points = 1\ntest_points = 0\n"
                 "test_at = [{S_EE = 4.0, S_EI = 2.2}]\n"
                 "refine_points = 3\nrefine_candidates = 20\nrefine_s = 1.0\nrefine_chains = 2\n"
                 "[design.axes]\nS_EE = {min = 3.8, max = 4.2}\nS_EI = {min = 2.0, max = 2.4}\n"
                 "[sweep]\ntransitions = 60\n"
                 "[learning]\nhidden = 16\nlayers = 2\ncomponents = 3\nepochs = 2\nbatch = 64\nshards = 8\n"
                 "candidates = 1\nselection_s = 0.5\nselection_chains = 1\nmembers = 2\n"
                 "[validation]\nduration_s = 1.0\nchains = 1\nbaselines = false\n");
  }

  std::filesystem::path sweep(const std::string& run) const { return runner.directory() / run / "sweep.h5"; }

  void run_to_the_end(const std::string& run, const std::string& how, int ranks = test_ranks()) const {
    const command_result result = runner.run("run c.toml -o " + run + ' ' + how, ranks);
    ASSERT_EQ(result.code, 0) << result.err;
  }

  command_runner runner;
};

TEST_F(refine, adds_points_in_rounds_and_keeps_in_the_file_which) {
  run_to_the_end("out", "--refine 2");
  const sweep_reader reader(sweep("out"));
  const design& d = reader.description().points;
  ASSERT_EQ(d.size(), 9 + 2 * 3);
  EXPECT_EQ(d.rounds, (std::vector<std::int32_t>{0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 2, 2, 2}));
  EXPECT_EQ(d.roles[8], point_role::test);
  std::set<std::vector<double>> places;
  for (int point = 0; point < d.size(); ++point) {
    places.insert({d.points(point, 0), d.points(point, 1)});
    EXPECT_TRUE(point < 9 || d.roles[static_cast<std::size_t>(point)] == point_role::train);
    EXPECT_GE(d.points(point, 0), 3.8);
    EXPECT_LE(d.points(point, 1), 2.4);
  }
  EXPECT_EQ(places.size(), 15U);
  for (const task_record& record : reader.records()) {
    EXPECT_EQ(record.state, task_state::done);
  }

  // Nothing is left to do, and a plain sweep of the config knows the points as well.
  const auto bytes = bytes_of(sweep("out"));
  const command_result again = runner.run("run c.toml -o out --refine 2");
  EXPECT_EQ(again.code, 0) << again.err;
  EXPECT_THAT(again.err, HasSubstr("train: out/model.h5 is up to date"));
  const command_result plain = runner.run("sweep c.toml -o out/sweep.h5");
  EXPECT_EQ(plain.code, 0) << plain.err;
  EXPECT_THAT(plain.out, HasSubstr("found done  15"));
  EXPECT_EQ(bytes_of(sweep("out")), bytes);
}

TEST_F(refine, has_the_same_bytes_in_one_go_by_rounds_on_other_ranks_and_when_killed) {
  run_to_the_end("whole", "--refine 2", 1);
  run_to_the_end("ranks", "--refine 2");
  EXPECT_EQ(lasting_bytes(sweep("ranks")), lasting_bytes(sweep("whole")));
  if (test_ranks() > 1) {
    return;  // mpirun that is killed leaves its ranks behind.
  }
  // Ever later, so that kills fall into every step; what one left is where the next begins.
  int kills = 0;
  for (double seconds = 0.3 * patience();; seconds *= 1.3) {
    const std::string alarm = "timeout -s KILL " + std::to_string(seconds);
    const command_result result = runner.run("run c.toml -o killed --refine 2", 1, alarm);
    if (result.code == 0) {
      break;
    }
    ++kills;
    constexpr int killed = 128 + SIGKILL;
    ASSERT_EQ(result.code, killed) << result.err;
  }
  EXPECT_GT(kills, 0);
  EXPECT_EQ(lasting_bytes(sweep("killed")), lasting_bytes(sweep("whole")));
}

TEST_F(refine, goes_on_with_more_rounds) {
  run_to_the_end("out", "--refine 1");
  const design first = sweep_reader(sweep("out")).description().points;
  run_to_the_end("out", "--set design.refine_rounds=2 design.refine_points=1");
  const design second = sweep_reader(sweep("out")).description().points;
  ASSERT_EQ(second.size(), 9 + 3 + 1);
  EXPECT_EQ(second.points.topRows(12), first.points);
  EXPECT_EQ(second.rounds.back(), 2);
}

TEST_F(refine, needs_members_that_can_disagree) {
  const command_result result = runner.run("run c.toml -o out --refine 2 --set learning.members=1");
  EXPECT_EQ(result.code, 2);
  EXPECT_THAT(result.err, HasSubstr("--set: key 'learning.members' = 1 has to be at least 2 for design.refine_rounds = "
                                    "2: points are added where members disagree"));
  EXPECT_FALSE(std::filesystem::exists(runner.directory() / "out"));
}

TEST_F(refine, begins_again_when_the_design_grows_behind_the_points_added) {
  run_to_the_end("out", "--refine 1");
  const design before = sweep_reader(sweep("out")).description().points;
  ASSERT_EQ(before.size(), 12);
  const std::string grow = "--refine 1 --extend --set design.points=16";
  run_to_the_end("out", grow);
  const design after = sweep_reader(sweep("out")).description().points;
  ASSERT_EQ(after.size(), 16 + 3);
  EXPECT_EQ(after.first, 12);
  EXPECT_EQ(after.points.topRows(12), before.points);
  std::set<std::vector<double>> places;
  for (int point = 0; point < after.size(); ++point) {
    places.insert({after.points(point, 0), after.points(point, 1)});
  }
  EXPECT_EQ(places.size(), 19U) << "no point is there twice";
  EXPECT_EQ(std::count(after.rounds.begin(), after.rounds.end(), 1), 3);
  EXPECT_EQ(after.rounds.back(), 1);
  const auto bytes = bytes_of(sweep("out"));
  run_to_the_end("out", grow);
  EXPECT_EQ(bytes_of(sweep("out")), bytes);
  const command_result again = runner.run("run out/config.toml -o again");
  EXPECT_EQ(again.code, 0) << again.err;
  EXPECT_EQ(lasting_bytes(sweep("again")), lasting_bytes(sweep("out")));
}

TEST_F(refine, refuses_to_grow_the_design_below_the_points_added) {
  run_to_the_end("out", "--refine 1");
  const auto bytes = bytes_of(sweep("out"));
  const command_result result = runner.run("run c.toml -o out --extend --set design.points=9");
  EXPECT_EQ(result.code, 2);
  EXPECT_THAT(result.err, HasSubstr("point 8: S_EE = 4 in the file"));
  EXPECT_THAT(result.err, HasSubstr("hold all 12 points of the file (design.points counts them all)"));
  EXPECT_EQ(bytes_of(sweep("out")), bytes);
  run_to_the_end("out", "--extend --refine 1 --set design.replicates=2");
  EXPECT_EQ(sweep_reader(sweep("out")).description().tasks(), 2 * 12);
}

}  // namespace

}  // namespace spikesweep::testing
