// Designs with points of a file, and sweeps that grow to designs that do not begin with their points.
#include <algorithm>
#include <set>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <spikesweep/store/sweep_file.hpp>

#include "command_runner.hpp"
#include "store/compare_files.hpp"

namespace spikesweep::testing {

namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

/// A network with two axes; `design` holds the keys of [design], `axes` those of [design.axes].
std::string config(const std::string& design, const std::string& axes) {
  return "[network]\npreset = \"zhang2024\"\n[design]\n" + design + "[design.axes]\n" + axes +
         "[sweep]\ntransitions = 10\n";
}

const std::string box = "S_EE = {min = 3.8, max = 4.2}\nS_EI = {min = 2.0, max = 2.2}\n";
const std::string tiny_learning =
    "[learning]\nhidden = 16\nlayers = 1\ncomponents = 2\nepochs = 1\nbatch = 16\nshards = 4\ncandidates = 1\n"
    "selection_s = 0.2\nselection_chains = 1\ntuning_s = 0\n"
    "[validation]\nduration_s = 0.5\nchains = 1\nsegment_s = 0.2\nbaselines = false\n";
const std::string wider = " design.axes.S_EE={min=3.4,max=4.4}";

class points : public ::testing::Test {
 protected:
  command_result sweep(const std::string& rest, const std::string& file = "a.h5") const {
    return runner.run("sweep c.toml -o " + file + ' ' + rest);
  }
  design swept(const std::string& file = "a.h5") const {
    return sweep_reader(runner.directory() / file).description().points;
  }
  /// Extends the sweep of c.toml, and checks that its points, roles and samples stay, and that the same command and the
  /// same config without --extend go on with it.
  design extended(const std::string& settings) const {
    const design before = swept();
    const auto rows = sweep_reader(runner.directory() / "a.h5").records();
    const command_result result = sweep("--extend --set " + settings);
    EXPECT_EQ(result.code, 0) << result.err;
    EXPECT_THAT(result.out, HasSubstr(fmt::format("found done  {}\n", rows.size())));
    design after = swept();
    EXPECT_GT(after.size(), before.size());
    EXPECT_EQ(after.first, before.size());
    EXPECT_EQ(after.points.topRows(before.size()), before.points);
    EXPECT_TRUE(std::equal(before.roles.begin(), before.roles.end(), after.roles.begin()));
    const auto now = sweep_reader(runner.directory() / "a.h5").records();
    for (std::size_t task = 0; task < rows.size(); ++task) {
      EXPECT_EQ(now[task].checksum, rows[task].checksum) << task;
    }
    std::set<std::vector<double>> distinct;
    for (int point = 0; point < after.size(); ++point) {
      const auto row = after.points.row(point);
      distinct.emplace(row.begin(), row.end());
    }
    EXPECT_EQ(distinct.size(), static_cast<std::size_t>(after.size()));
    const std::string all_done = fmt::format("found done  {}\n", now.size());
    EXPECT_THAT(sweep("--extend --set " + settings).out, HasSubstr(all_done));
    EXPECT_THAT(sweep("--set " + settings).out, HasSubstr(all_done));
    return after;
  }
  /// Points whose value on an axis is outside a range.
  static int outside(const design& d, int axis, double lowest, double highest) {
    return static_cast<int>((d.points.col(axis).array() < lowest || d.points.col(axis).array() > highest).count());
  }
  static int held_out(const design& d, int from, point_role role) {
    return static_cast<int>(std::count(d.roles.begin() + from, d.roles.end(), role));
  }
  std::string refusal(const std::string& rest = "") const {
    const command_result result = sweep(rest, "refused.h5");
    EXPECT_EQ(result.code, 2) << result.out;
    EXPECT_EQ(count(result.err, "spikesweep: error: "), 1) << result.err;
    EXPECT_FALSE(runner.files().contains("refused.h5"));
    return result.err;
  }

  command_runner runner;
};

TEST_F(points, of_a_sobol_sweep_stay_when_its_box_is_widened) {
  runner.write("c.toml", config("points = 20\nselection_points = 2\ntest_points = 2\n", box));
  ASSERT_EQ(sweep("").code, 0);
  const design grown = extended("design.points=40" + wider);
  EXPECT_EQ(grown.size(), 40);
  EXPECT_THAT(grown.lowest, ElementsAre(3.4, 2.0));
  EXPECT_THAT(grown.highest, ElementsAre(4.4, 2.2));
  // Of 40 points over the whole box 24 lie outside the old one, which has more than its share already.
  EXPECT_GE(outside(grown, 0, 3.8, 4.2), 19);
  EXPECT_GT(outside(grown, 0, 3.4, 4.2), 3) << "above the old box";
  EXPECT_EQ(held_out(grown, 20, point_role::selection), 2) << "a tenth of the new points";
  EXPECT_EQ(held_out(grown, 20, point_role::test), 2);
  const command_result narrow = sweep("");
  EXPECT_EQ(narrow.code, 2);
  EXPECT_THAT(narrow.err,
              HasSubstr("design.axes.S_EE: {max = 4.4, min = 3.4} in the file, {max = 4.2, min = 3.8} now"));
  // And once more.
  const design again = extended("design.points=60 design.axes.S_EE={min=3.4,max=4.4} design.axes.S_EI={min=2,max=2.6}");
  EXPECT_EQ(again.size(), 60);
  EXPECT_THAT(again.highest, ElementsAre(4.4, 2.6));
}

TEST_F(points, of_every_kind_of_design_stay_when_it_grows) {
  runner.write("c.toml",
               config("kind = \"latin_hypercube\"\npoints = 20\nselection_points = 2\ntest_points = 2\n", box));
  ASSERT_EQ(sweep("").code, 0);
  EXPECT_EQ(extended("design.points=30").size(), 30);
  EXPECT_EQ(extended("design.points=40").size(), 40) << "other slices than before";
  EXPECT_EQ(extended("design.points=50 design.test_points=9" + wider).size(), 50);

  std::filesystem::remove(runner.directory() / "a.h5");
  runner.write("c.toml", config("kind = \"grid\"\n", "S_EE = [3.8, 4.0]\nS_EI = {min = 2, max = 2.2, steps = 3}\n"));
  ASSERT_EQ(sweep("").code, 0);
  EXPECT_EQ(extended("design.axes.S_EI={min=2,max=2.2,steps=5}").size(), 10) << "a finer grid holds the coarser one";
  EXPECT_EQ(extended("design.axes.S_EE=[3.7,4.3] design.axes.S_EI=[2,2.2]").size(), 14);

  std::filesystem::remove(runner.directory() / "a.h5");
  runner.write("c.toml", config("kind = \"list\"\n", "S_EE = [3.8, 4.0]\nS_EI = [2, 2.2]\n"));
  ASSERT_EQ(sweep("").code, 0);
  EXPECT_EQ(extended("design.axes.S_EE=[4.1,3.8,4.0,3.7] design.axes.S_EI=[2,2,2.2,2]").size(), 4);
}

TEST_F(points, stay_when_a_design_of_another_kind_or_more_single_points_come_behind_them) {
  runner.write("c.toml", config("points = 10\ntest_at = [{S_EE = 4.0, S_EI = 2.1}]\n", box));
  ASSERT_EQ(sweep("").code, 0);
  EXPECT_EQ(extended("design.train_at=[{S_EE=4.1,S_EI=2.1}]").size(), 12) << "it comes behind the test point";
  const design grid =
      extended("design.kind=grid design.axes.S_EE={min=3.8,max=4.2,steps=2} design.axes.S_EI={min=2,max=2.2,steps=2}");
  EXPECT_EQ(grid.size(), 16);
}

TEST_F(points, of_a_run_that_grew_are_kept_with_a_config_that_makes_it_again) {
  runner.write("c.toml", config("points = 10\n", box) + tiny_learning);
  ASSERT_EQ(runner.run("run c.toml -o out").code, 0);
  EXPECT_FALSE(runner.files().contains("config.points.csv"));
  const std::string command = "run c.toml -o out --extend --set design.points=16" + wider;
  const command_result grown = runner.run(command);
  ASSERT_EQ(grown.code, 0) << grown.err;
  const auto out = runner.directory() / "out";
  const std::string text = read_text(out / "config.toml");
  const std::string csv = read_text(out / "config.points.csv");
  EXPECT_THAT(text, HasSubstr("points_file = \"config.points.csv\"\n"));
  EXPECT_EQ(count(csv, "\n"), 11);
  EXPECT_THAT(csv, HasSubstr("S_EE,S_EI,role\n"));
  // The same command, and its own config, find everything up to date.
  for (const std::string& again : {command, std::string("run out/config.toml -o out")}) {
    const command_result result = runner.run(again);
    EXPECT_EQ(result.code, 0) << result.err;
    EXPECT_THAT(result.err, HasSubstr("train: out/model.h5 is up to date"));
    EXPECT_THAT(result.err, HasSubstr("validate: out/validation.h5 is up to date"));
    EXPECT_EQ(read_text(out / "config.points.csv"), csv);
  }
  EXPECT_THAT(read_text(out / "config.toml"), HasSubstr("points_file = \"config.points.csv\"\n"));
  // Its own config makes the same from scratch.
  ASSERT_EQ(runner.run("run out/config.toml -o again").code, 0);
  EXPECT_EQ(lasting_bytes(runner.directory() / "again" / "sweep.h5"), lasting_bytes(out / "sweep.h5"));
  EXPECT_EQ(read_text(runner.directory() / "again" / "config.toml"), read_text(out / "config.toml"));
  EXPECT_EQ(runner.run("predict -m out --set S_EE=3.45 --duration 100ms", 1).code, 0) << "the box is the wider one";
}

TEST_F(points, of_others_are_kept_aside_and_a_config_stays_until_the_next_one_is_there) {
  runner.write("c.toml", config("points = 10\n", box) + tiny_learning);
  ASSERT_EQ(runner.run("run c.toml -o out").code, 0);
  const std::string mine = "# mine\nS_EE,S_EI\n3.9,2.1\n";
  runner.write("out/config.points.csv", mine);
  const std::string command = "run c.toml -o out --extend --set design.points=";
  ASSERT_EQ(runner.run(command + "12" + wider).code, 0);
  const auto out = runner.directory() / "out";
  EXPECT_EQ(read_text(out / "config.points.csv.old-1"), mine);
  const std::string earlier = read_text(out / "config.toml");
  ASSERT_EQ(runner.run(command + "14" + wider).code, 0);
  EXPECT_FALSE(std::filesystem::exists(out / "config.points.csv.old-2")) << "it is this run's own";
  const std::string text = read_text(out / "config.toml");
  ASSERT_NE(text, earlier);
  // Killed between its two files, `run` leaves the earlier config with the new points.
  runner.write("out/config.toml", earlier);
  const auto sweep = lasting_bytes(out / "sweep.h5");
  EXPECT_EQ(runner.run("run out/config.toml -o out").code, 2);
  EXPECT_EQ(runner.run(command + "14" + wider).code, 0);
  EXPECT_EQ(read_text(out / "config.toml"), text);
  EXPECT_TRUE(lasting_bytes(out / "sweep.h5") == sweep);
}

TEST_F(points, of_a_file_are_the_design_if_nothing_else_is_said) {
  std::filesystem::create_directory(runner.directory() / "in");
  runner.write("in/p.csv",
               "\"\",\"S_EI\",\"S_EE\"\r\n\"1\",2.0,3.9\r\n# a comment\r\n\"2\",2.125,4.1\r\n\"3\",2.2,4\r\n");
  runner.write("in/c.toml",
               "[network]\npreset = \"zhang2024\"\n[design]\npoints_file = \"p.csv\"\n[sweep]\ntransitions = 10\n");
  const command_result result = runner.run("sweep in/c.toml -o a.h5");
  ASSERT_EQ(result.code, 0) << result.err;
  const design d = swept();
  EXPECT_THAT(d.axes, ElementsAre("S_EE", "S_EI"));
  ASSERT_EQ(d.size(), 3);
  EXPECT_EQ(d.points(1, 0), 4.1);
  EXPECT_EQ(d.points(1, 1), 2.125);
  EXPECT_THAT(d.lowest, ElementsAre(3.9, 2.0));
  // The contents decide: another name and another order of columns are the same sweep, another value is not.
  runner.write("q.csv", "S_EE,S_EI\n3.9,2\n4.1,2.125\n4,2.2\n");
  EXPECT_THAT(runner.run("sweep in/c.toml -o a.h5 --set design.points_file=q.csv").out, HasSubstr("found done  3\n"));
  runner.write("in/p.csv", "S_EE,S_EI\n3.9,2\n4.1,2.13\n4,2.2\n");
  const command_result changed = runner.run("sweep in/c.toml -o a.h5");
  EXPECT_EQ(changed.code, 2);
  EXPECT_THAT(changed.err, HasSubstr("design.points_file: "));
}

TEST_F(points, of_a_file_have_the_roles_that_it_says_and_others_come_behind_them) {
  runner.write("p.csv", "role,S_EE,S_EI\ntest,3.9,2.0\ntrain,4.1,2.1\nselection,4.0,2.2\n");
  runner.write("c.toml", config("points_file = \"p.csv\"\npoints = 13\n", box));
  ASSERT_EQ(sweep("").code, 0);
  const design d = swept();
  EXPECT_EQ(d.size(), 13);
  EXPECT_EQ(d.first, 3);
  EXPECT_THAT(std::vector(d.roles.begin(), d.roles.begin() + 3),
              ElementsAre(point_role::test, point_role::train, point_role::selection));
  EXPECT_EQ(held_out(d, 3, point_role::test), 1);
  EXPECT_EQ(extended("design.points=20" + wider).size(), 20);
}

TEST_F(points, of_a_large_file_are_swept_and_kept) {
  std::string csv = "S_EE,S_EI\n";
  for (int i = 0; i < 60000; ++i) {
    csv += fmt::format("{},{}\n", 3.8 + 4e-1 * (i % 250) / 250.123456789, 2 + 2e-1 * i / 60000.123456789);
  }
  ASSERT_GT(csv.size(), std::size_t{1} << 20);
  runner.write("p.csv", csv);
  runner.write("c.toml", config("points_file = \"p.csv\"\n", box));
  EXPECT_THAT(runner.run("plan c.toml --json", 1).out, HasSubstr("\"points\":60000,"));
}

TEST_F(points, of_a_file_that_cannot_be_are_refused_with_the_line) {
  runner.write("c.toml", config("points_file = \"p.csv\"\n", box));
  EXPECT_THAT(refusal(), HasSubstr("points file 'p.csv' does not exist"));
  const auto with = [&](const std::string& csv) {
    runner.write("p.csv", csv);
    return refusal();
  };
  EXPECT_THAT(with(""), HasSubstr("p.csv has no points"));
  EXPECT_THAT(with("S_EE,S_EX\n1,2\n"), HasSubstr("p.csv: line 1, column 2: 'S_EX' is not a parameter of the network; "
                                                  "did you mean 'S_E"));
  EXPECT_THAT(with("S_EE,S_EI,S_EE\n4,2,4\n"), HasSubstr("p.csv: line 1, column 3: 'S_EE' is named twice"));
  EXPECT_THAT(with("S_EE,S_EI\n4,2\n4.1\n"), HasSubstr("p.csv: line 3, column 2: 1 cells; the header has 2"));
  EXPECT_THAT(with("S_EE,S_EI\n4,two\n"), HasSubstr("p.csv: line 2, column 2: 'two' is not a number"));
  EXPECT_THAT(with("S_EE,S_EI\n4,-2\n"), HasSubstr("p.csv: line 2: S_EI = -2 is out of range; allowed: 0 to 1000"));
  EXPECT_THAT(with("S_EE,S_EI,N_E\n4,2,3.5\n"), HasSubstr("p.csv: line 2: N_E = 3.5 is not a whole number"));
  EXPECT_THAT(with("S_EE,S_EI,role\n4,2,tests\n"), HasSubstr("p.csv: line 2: role 'tests' is unknown; allowed: train"));
  EXPECT_THAT(with("S_EE,S_EI\n4,2\n4.1,2\n4,2\n"), HasSubstr("p.csv: line 4 is the same point as line 2"));
  EXPECT_THAT(with("S_EE\n4\n"), HasSubstr("p.csv has no column S_EI, which 'design.axes.S_EI' of c.toml sweeps"));
  EXPECT_THAT(with("S_EE,S_EI\n4,2\n4.5,2\n"),
              HasSubstr("p.csv has S_EE from 4 to 4.5, outside 'design.axes.S_EE' of c.toml, 3.8 to 4.2"));
  EXPECT_THAT(with("S_EE,S_EI,tau_EE\n4,2,2\n"), HasSubstr("p.csv has a column tau_EE"));
  runner.write("c.toml", "[design]\npoints_file = \"p.csv\"\n");
  EXPECT_THAT(with("S_EE,S_EI\n4,2\n4,2.1\n"), HasSubstr("the column S_EE holds 4 everywhere, so it is no axis"));
  runner.write("c.toml", "[design]\npoints_file = 7\n");
  EXPECT_THAT(refusal(), HasSubstr("c.toml:2: key 'design.points_file' = 7 is not the name of a file"));
}

}  // namespace

}  // namespace spikesweep::testing
