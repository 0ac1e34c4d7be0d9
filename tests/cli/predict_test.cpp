// `predict` at many points.
#include <fstream>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "command_runner.hpp"

namespace spikesweep::testing {

namespace {

using ::testing::AllOf;
using ::testing::ContainsRegex;
using ::testing::HasSubstr;
using ::testing::Not;

class predict : public ::testing::Test {
 protected:
  predict() {
    runner.write("small.toml",
                 "[network]\npreset = \"zhang2024\"\n"
                 "[design]\nkind = \"latin_hypercube\"\npoints = 12\nselection_points = 2\ntest_points = 2\n"
                 "[design.axes]\nS_EE = {min = 3.8, max = 4.2}\nS_EI = {min = 2.0, max = 2.4}\n"
                 "[section]\nkind = \"mfe\"\n"
                 "[sweep]\ntransitions = 100\n"
                 "[learning]\nhidden = 32\nlayers = 2\ncomponents = 3\nepochs = 3\nbatch = 64\nshards = 8\n"
                 "candidates = 1\nselection_s = 1.0\nselection_chains = 2\n");
    runner.write("points.csv", "# Two of them.\nS_EI, S_EE\n\n2.2,4.0\r\n2.25,3.95\n");
  }

  void SetUp() override {
    ASSERT_EQ(runner.run("sweep small.toml -o a.h5").code, 0);
    ASSERT_EQ(runner.run("train small.toml -d a.h5 -o m.h5").code, 0);
  }

  /// The message of a refusal of these points.
  std::string refusal(const std::string& csv, const std::string& more = "") const {
    runner.write("bad.csv", csv);
    const command_result result = runner.run("predict -m m.h5 --duration 1s --points bad.csv" + more);
    EXPECT_EQ(result.code, 2) << result.err;
    EXPECT_EQ(result.out, "");
    return result.err;
  }

  command_runner runner;
};

const std::string many = "predict -m m.h5 --duration 500ms --replicates 3 --points points.csv";

TEST_F(predict, prints_a_row_a_point_which_is_that_of_the_point_alone) {
  const command_result lines = runner.run(many + " --json");
  ASSERT_EQ(lines.code, 0) << lines.err;
  EXPECT_EQ(count(lines.out, "\n"), 2) << lines.out;
  EXPECT_THAT(lines.out, HasSubstr("\"network\":{\"S_EE\":3.95,\"S_EI\":2.25}"));
  EXPECT_THAT(lines.out, HasSubstr("\"spread\":{\"rate_E_hz\":"));
  EXPECT_THAT(lines.out, HasSubstr("\"standard_errors\":{\"rate_E_hz\":"));
  const command_result alone =
      runner.run("predict -m m.h5 --set S_EE=4.0 S_EI=2.2 --chains 3 --duration 1500ms --json");
  const std::string figures = alone.out.substr(0, alone.out.find(",\"simulated_s\""));
  EXPECT_THAT(figures, AllOf(HasSubstr("interval_cv"), HasSubstr("\"peak_doubt\":")));
  EXPECT_THAT(lines.out, ::testing::StartsWith(figures)) << "member 0, to the bit";

  const command_result csv = runner.run(many + " --csv");
  EXPECT_THAT(csv.out, ::testing::StartsWith("S_EE,S_EI,distance_to_training,rate_E_hz,rate_E_hz_spread,"));
  EXPECT_THAT(csv.out, HasSubstr("\n3.95,2.25,0,"));
  EXPECT_THAT(csv.out, HasSubstr(",farthest_state,rate_E_hz_standard_error,"));
  EXPECT_THAT(csv.out, HasSubstr("_standard_error,peak_doubt\n"));
  EXPECT_THAT(csv.out, Not(HasSubstr("nan")));
  const command_result table = runner.run(many);
  EXPECT_THAT(table.out, ContainsRegex("S_EE +S_EI +rate_E_hz"));
  EXPECT_THAT(table.out, HasSubstr(" +- "));
}

/// The text from `from` up to and with `to`.
std::string part(const std::string& text, const std::string& from, const std::string& to) {
  const std::size_t begin = text.find(from);
  return begin == std::string::npos ? std::string() : text.substr(begin, text.find(to, begin) + to.size() - begin);
}

TEST_F(predict, tells_of_many_points_what_it_tells_of_one) {
  ASSERT_EQ(runner.run("train small.toml -d a.h5 -o m.h5 --set learning.members=2").code, 0);
  const command_result lines = runner.run(many + " --json");
  ASSERT_EQ(lines.code, 0) << lines.err;
  const command_result alone =
      runner.run("predict -m m.h5 --set S_EE=4.0 S_EI=2.2 --chains 3 --duration 1500ms --json");
  const std::string place = part(alone.out, "\"network\"", "]");
  EXPECT_THAT(place, HasSubstr("\"farthest_state\":"));
  EXPECT_THAT(place, HasSubstr("\"members\":[{\"seed\":1,"));
  EXPECT_EQ(part(lines.out, "\"network\"", "]"), place) << "departure and members, to the bit";
  const std::string spread = part(alone.out, "\"spread\":{", "}").substr(8);
  EXPECT_THAT(lines.out, HasSubstr("\"members_spread\"" + spread));
  const command_result csv = runner.run(many + " --csv");
  EXPECT_THAT(csv.out, HasSubstr(",states_looked_at,states_beyond_training,farthest_state,rate_E_hz_members_spread,"
                                 "rate_I_hz_members_spread,rate_E_hz_standard_error,"));
}

TEST_F(predict, gives_the_same_at_any_rank_count) {
  const std::string design = "predict -m m.h5 --duration 300ms --replicates 2 --design 7 --csv";
  const command_result one = runner.run(design + " -o one.h5", 1);
  ASSERT_EQ(one.code, 0) << one.err;
  EXPECT_EQ(count(one.out, "\n"), 8);
  const command_result two = runner.run(design + " -o two.h5", 2);
  ASSERT_EQ(two.code, 0) << two.err;
  EXPECT_EQ(one.out, two.out);
  EXPECT_TRUE(read_text(runner.directory() / "one.h5") == read_text(runner.directory() / "two.h5"));
  const command_result hybrid = runner.run(design + " --hybrid", 1);
  ASSERT_EQ(hybrid.code, 0) << hybrid.err;
  EXPECT_NE(hybrid.out, one.out);
  EXPECT_EQ(runner.run(design + " --hybrid", 2).out, hybrid.out);
}

TEST_F(predict, refuses_bad_points_by_line_and_column) {
  EXPECT_THAT(refusal("S_EE,S_XX\n4,2\n"), HasSubstr("bad.csv: line 1, column 2: 'S_XX' is not an axis"));
  EXPECT_THAT(refusal("S_EE,S_EE\n4,2\n"), HasSubstr("line 1, column 2: 'S_EE' is named twice"));
  EXPECT_THAT(refusal("S_EE,S_EI\n4,2.2\n4.1,2.x\n"), HasSubstr("line 3, column 2: '2.x' is not a number"));
  EXPECT_THAT(refusal("S_EE,S_EI\n4,\n"), HasSubstr("line 2, column 2: '' is not a number"));
  EXPECT_THAT(refusal("S_EE,S_EI\n4,nan\n"), HasSubstr("line 2, column 2: 'nan' is not a number"));
  EXPECT_THAT(refusal("S_EE,S_EI\n4\n"), HasSubstr("line 2, column 2: 1 cells; the header has 2"));
  EXPECT_THAT(refusal("S_EI,S_EE\n2.2,9\n"),
              HasSubstr("line 2, column 2: S_EE = 9 is outside the range that m.h5 was trained on"));
  EXPECT_THAT(refusal("S_EI,S_EE\n2.2,-1\n", " --extrapolate"), HasSubstr("bad.csv: line 2: "));
  EXPECT_THAT(refusal("S_EE\n"), HasSubstr("bad.csv has no points"));
  EXPECT_THAT(refusal("S_EE\n4.0\n", " --set S_II=1"), HasSubstr("is not an axis of m.h5"));
}

TEST_F(predict, refuses_options_that_do_not_go_together) {
  for (const char* options :
       {"--points points.csv --chains 2", "--points points.csv --design 3", "--replicates 2", "--csv", "--raster 1s",
        "--design 0", "--points absent.csv", "--precision fp64", "--design 2 --csv --json", "--design 2 -o absent/a.h5",
        "--peak-band 120,20", "--peak-band 400,600"}) {
    EXPECT_EQ(runner.run(std::string("predict -m m.h5 --duration 1s ") + options).code, 2) << options;
  }
}

TEST_F(predict, runs_in_either_precision) {
  const command_result plain = runner.run("predict -m m.h5 --duration 2s --precision fp32 --json");
  EXPECT_EQ(plain.code, 0) << plain.err;
  EXPECT_EQ(count(plain.out, "rate_E_hz"), 2) << "the figure, and its standard error";
}

TEST_F(predict, replaces_no_input_of_its_own) {
  const std::string model = read_text(runner.directory() / "m.h5");
  const std::string sweep = read_text(runner.directory() / "a.h5");
  for (const char* command :
       {"predict -m m.h5 --duration 1s -o m.h5", "predict -m m.h5 --duration 1s --design 2 -o m.h5",
        "predict -m m.h5 --duration 1s --design 2 -o a.h5", "validate small.toml -m m.h5 -o a.h5",
        "validate small.toml -m m.h5 -o m.h5", "train small.toml -d a.h5 -o a.h5",
        "simulate zhang2024 --duration 10ms -o a.h5"}) {
    const command_result result = runner.run(command);
    EXPECT_EQ(result.code, 2) << command;
    EXPECT_THAT(result.err, HasSubstr("is there already, and is no ")) << command;
  }
  EXPECT_EQ(read_text(runner.directory() / "m.h5"), model);
  EXPECT_EQ(read_text(runner.directory() / "a.h5"), sweep);
}

TEST_F(predict, reads_points_from_a_pipe) {
  const command_result of_file = runner.run(many + " --csv");
  const command_result of_pipe = runner.run("predict -m m.h5 --duration 500ms --replicates 3 --points pipe.csv --csv",
                                            test_ranks(), "mkfifo pipe.csv; (cat points.csv >pipe.csv &);");
  EXPECT_EQ(of_pipe.code, 0) << of_pipe.err;
  EXPECT_EQ(of_pipe.out, of_file.out);
}

TEST_F(predict, says_in_full_by_how_little_a_value_is_out_of_range) {
  EXPECT_THAT(refusal("S_EI\n2.4000000000000004\n"),
              HasSubstr("S_EI = 2.4000000000000004 is outside the range that m.h5 was trained on (2 to 2.4)"));
}

TEST_F(predict, validates_only_by_the_config_of_the_sweep) {
  for (const char* other : {"network.S_IE=3.5", "seed=99", "sweep.transitions=77", "design.test_points=1"}) {
    const command_result result = runner.run(std::string("validate small.toml -m m.h5 -o v.h5 --set ") + other);
    EXPECT_EQ(result.code, 2) << other;
    EXPECT_THAT(result.err, HasSubstr("differs from the sweep in a.h5")) << other;
  }
}

}  // namespace

}  // namespace spikesweep::testing
