// A sweep file that is there: resumed, repaired, extended, replaced or refused by the binary.
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "command_runner.hpp"
#include "store/compare_files.hpp"

namespace spikesweep::testing {

namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

const std::string sobol = R"([network]
preset = "zhang2024"
[design]
points = 20
selection_points = 2
test_points = 2
[design.axes]
S_EE = {min = 3.8, max = 4.2}
[sweep]
transitions = 10
)";

const std::string grid = R"([network]
preset = "zhang2024"
[design]
kind = "grid"
selection_points = 1
test_points = 1
[design.axes]
lambda_E = [2800, 3000, 3200]
S_EE = [3.8, 4.0]
[sweep]
transitions = 10
)";

class resume : public ::testing::Test {
 protected:
  void SetUp() override { runner.write("c.toml", sobol); }

  command_result sweep(const std::string& rest, const std::string& file = "a.h5") const {
    return runner.run("sweep c.toml -o " + file + ' ' + rest);
  }
  std::filesystem::path path(const std::string& file = "a.h5") const { return runner.directory() / file; }
  /// The file that a sweep of these settings makes from scratch.
  std::vector<char> from_scratch(const std::string& settings) const {
    EXPECT_EQ(sweep(settings, "scratch.h5").code, 0);
    std::vector<char> bytes = lasting_bytes(path("scratch.h5"));
    std::filesystem::remove(path("scratch.h5"));
    return bytes;
  }
  void expect_refused(const command_result& result, const std::vector<std::string>& says) const {
    EXPECT_EQ(result.code, 2) << result.err;
    EXPECT_EQ(result.out, "");
    EXPECT_EQ(count(result.err, "spikesweep: error: "), 1) << result.err;
    for (const std::string& part : says) {
      EXPECT_THAT(result.err, HasSubstr(part));
    }
  }

  command_runner runner;
};

TEST_F(resume, extends_to_more_points_and_replicates_with_the_bytes_of_a_sweep_from_scratch) {
  ASSERT_EQ(sweep("").code, 0);
  for (const std::string settings : {"--set design.points=24", "--set design.points=30 design.replicates=2"}) {
    expect_refused(sweep(settings), {"design.points", "--extend grows it"});
    const command_result extended = sweep(settings + " --extend");
    EXPECT_EQ(extended.code, 0) << extended.err;
    EXPECT_THAT(extended.out, Not(HasSubstr("found done  0\n")));
    EXPECT_EQ(lasting_bytes(path()), from_scratch(settings));
  }
  EXPECT_THAT(sweep("--set design.points=30 design.replicates=2 --extend").out, HasSubstr("found done  60\n"));
  EXPECT_EQ(runner.files(), (std::set<std::string>{"a.h5", "c.toml"}));
}

TEST_F(resume, extends_a_grid_along_its_first_axis_to_the_bytes_of_a_sweep_from_scratch) {
  runner.write("c.toml", grid);
  ASSERT_EQ(sweep("").code, 0);
  // S_EE comes first: the order of the parameters counts, not that of the file.
  const std::string taller = "--set design.axes.S_EE=[3.8,4.0,4.2]";
  const command_result extended = sweep(taller + " --extend");
  EXPECT_EQ(extended.code, 0) << extended.err;
  EXPECT_THAT(extended.out, HasSubstr("found done  6\n"));
  EXPECT_EQ(lasting_bytes(path()), from_scratch(taller));
}

TEST_F(resume, refuses_to_extend_what_would_not_keep_the_old_samples) {
  ASSERT_EQ(sweep("").code, 0);
  const std::vector<char> before = bytes_of(path());
  expect_refused(sweep("--extend --set design.points=10"), {"points: 20 in the file, 10 now", "grow, not shrink"});
  expect_refused(sweep("--extend --set design.points=30 seed=2"), {"seed: 1 in the file, 2 now"});
  expect_refused(sweep("--extend --set design.points=30 section.interval_ms=4"), {"section.interval_ms: 10"});
  expect_refused(sweep("--extend --set design.axes.S_EE={min=3.8,max=4.3}"),
                 {"point 0: S_EE = ", "design.points counts them all"});
  expect_refused(sweep("--extend --set design.points=30 design.axes.S_EE={min=3.9,max=4.3}"),
                 {"point 0: S_EE = ", "within ranges that hold all 20 points of the file"});
  expect_refused(sweep("--extend --set design.points=30 design.axes.S_EI={min=2,max=3}"), {"axes: S_EE in the file"});
  ASSERT_EQ(sweep("--set sweep.synthetic_share=0.1", "s.h5").code, 0);
  expect_refused(
      sweep("--extend --set sweep.synthetic_share=0.1 design.points=30 design.axes.S_EE={min=3.7,max=4.3}", "s.h5"),
      {"design.axes.S_EE: {max = 4.2, min = 3.8} in the file", "only if sweep.synthetic_share is 0"});
  ASSERT_EQ(sweep("--set design.kind=latin_hypercube", "l.h5").code, 0);
  const std::string replicates = "--set design.kind=latin_hypercube design.replicates=2";
  EXPECT_EQ(sweep(replicates + " --extend", "l.h5").code, 0);
  EXPECT_EQ(lasting_bytes(path("l.h5")), from_scratch(replicates));
  EXPECT_EQ(bytes_of(path()), before);
}

TEST_F(resume, extends_to_other_held_out_points) {
  ASSERT_EQ(sweep("").code, 0);
  const std::string settings = "--set design.test_points=4";
  EXPECT_THAT(sweep(settings + " --extend").out, HasSubstr("found done  20\n"));
  EXPECT_EQ(lasting_bytes(path()), from_scratch(settings));
}

TEST_F(resume, extend_without_a_file_is_a_new_sweep) {
  EXPECT_EQ(sweep("--extend").code, 0);
  EXPECT_EQ(lasting_bytes(path()), from_scratch(""));
}

TEST_F(resume, a_disk_too_full_for_the_larger_file_leaves_the_old_one) {
  ASSERT_EQ(sweep("").code, 0);
  const std::vector<char> before = bytes_of(path());
  // The file-size limit stands in for a full disk; in units of 1024 bytes.
  const command_result full = runner.run("sweep c.toml -o a.h5 --extend --set design.replicates=2000", test_ranks(),
                                         "bash -c 'ulimit -f 65536; exec \"$@\"' bash");
  EXPECT_EQ(full.code, 1);
  EXPECT_THAT(full.err, AllOf(HasSubstr("cannot reserve"), HasSubstr("a.h5")));
  EXPECT_EQ(bytes_of(path()), before);
  EXPECT_FALSE(runner.files().contains("a.h5.partial"));
}

TEST_F(resume, fresh_starts_over_whatever_the_settings_were) {
  ASSERT_EQ(sweep("--set seed=5").code, 0);
  const command_result fresh = sweep("--fresh");
  EXPECT_EQ(fresh.code, 0) << fresh.err;
  EXPECT_THAT(fresh.out, HasSubstr("found done  0\n"));
  EXPECT_EQ(lasting_bytes(path()), from_scratch(""));
}

TEST_F(resume, fresh_in_a_requeued_slurm_job_resumes) {
  ASSERT_EQ(sweep("").code, 0);
  const command_result again =
      runner.run("sweep c.toml -o a.h5 --fresh", test_ranks(), "SLURM_JOB_ID=7 SLURM_RESTART_COUNT=1");
  EXPECT_EQ(again.code, 0) << again.err;
  EXPECT_THAT(again.out, HasSubstr("found done  20\n"));
}

TEST_F(resume, a_file_in_use_is_refused_to_every_kind_of_sweep) {
  ASSERT_EQ(sweep("").code, 0);
  const std::vector<char> before = bytes_of(path());
  for (const std::string flags : {"", "--fresh", "--extend --set design.points=30"}) {
    const command_result refused = runner.run("sweep c.toml -o a.h5 " + flags, test_ranks(), "flock a.h5.lock");
    expect_refused(refused, {"a.h5 is in use by another job", "a.h5.lock"});
  }
  EXPECT_EQ(bytes_of(path()), before);
  EXPECT_EQ(sweep("").code, 0) << "the lock file that is left locks nothing";
}

TEST_F(resume, a_file_cut_anywhere_is_refused_and_left_alone) {
  ASSERT_EQ(sweep("").code, 0);
  const auto whole = std::filesystem::file_size(path());
  for (const std::uintmax_t length : {whole - 1, whole / 2, std::uintmax_t{60}, std::uintmax_t{0}}) {
    std::filesystem::copy_file(path(), path("cut.h5"), std::filesystem::copy_options::overwrite_existing);
    std::filesystem::resize_file(path("cut.h5"), length);
    const std::vector<char> before = bytes_of(path("cut.h5"));
    for (const std::string command : {"status cut.h5", "verify cut.h5", "sweep c.toml -o cut.h5",
                                      "sweep c.toml -o cut.h5 --extend", "sweep c.toml -o cut.h5 --fresh"}) {
      SCOPED_TRACE(command + " at " + std::to_string(length) + " bytes");
      expect_refused(runner.run(command), {"cut.h5 is truncated or no sweep file"});
    }
    EXPECT_EQ(bytes_of(path("cut.h5")), before);
  }
}

TEST_F(resume, a_file_of_another_format_version_is_refused_unless_it_is_to_be_replaced) {
  {
    hdf5::file newer = hdf5::file::create(path());
    newer.root().write_attribute("format", std::string("spikesweep sweep"));
    newer.root().write_attribute("format_version", 99);
    newer.root().write_attribute("spikesweep_version", std::string("9.8.7"));
    newer.close();
  }
  const std::vector<char> before = bytes_of(path());
  for (const std::string command :
       {"status a.h5", "verify a.h5", "sweep c.toml -o a.h5", "sweep c.toml -o a.h5 --extend"}) {
    SCOPED_TRACE(command);
    expect_refused(runner.run(command), {"a.h5 has format version 99, made by spikesweep 9.8.7",
                                         "use the version that made it, or sweep anew with --fresh"});
  }
  EXPECT_EQ(bytes_of(path()), before);
  EXPECT_EQ(sweep("--fresh").code, 0);
  EXPECT_EQ(lasting_bytes(path()), from_scratch(""));
}

TEST_F(resume, a_zero_has_no_sign) {
  ASSERT_EQ(sweep("--set network.S_IE=-0.0").code, 0);
  EXPECT_THAT(sweep("--set network.S_IE=0").out, HasSubstr("found done  20\n"));
  runner.write("p.csv", "S_EE\n-0.0\n2\n3\n");
  const std::string file = "--set 'design.points_file=\"p.csv\"' design.points=3 design.selection_points=1 ";
  ASSERT_EQ(sweep(file + "design.test_points=1 'design.axes.S_EE={min=-0.0,max=4}'", "b.h5").code, 0);
}

TEST_F(resume, the_path_of_a_file_may_be_long) {
  std::string name;
  while (name.size() < 400) {
    name += "long/";
  }
  std::filesystem::create_directories(runner.directory() / name);
  const command_result result = sweep("", name + std::string(150, 'a') + ".h5");
  EXPECT_EQ(result.code, 0) << result.err;
}

TEST_F(resume, a_file_that_is_no_sweep_file_is_never_replaced) {
  runner.write("text.h5", sobol);
  for (const std::string flags : {"", "--fresh", "--extend"}) {
    expect_refused(sweep(flags, "c.toml"), {"output 'c.toml'", "let it end in .h5"});
    expect_refused(sweep(flags, "text.h5"), {"text.h5 is truncated or no sweep file"});
  }
  EXPECT_EQ(read_text(path("c.toml")), sobol);
  EXPECT_EQ(read_text(path("text.h5")), sobol);
  ASSERT_EQ(runner.run("simulate cai2021_small_reg --duration 100ms -o spikes.h5").code, 0);
  const std::vector<char> before = bytes_of(path("spikes.h5"));
  expect_refused(sweep("--fresh", "spikes.h5"), {"spikes.h5 is"});
  EXPECT_EQ(bytes_of(path("spikes.h5")), before);
}

TEST_F(resume, a_flipped_bit_is_found_by_verify_and_repaired_by_the_same_sweep) {
  ASSERT_EQ(sweep("--set design.replicates=2").code, 0);
  const std::vector<char> whole = lasting_bytes(path());
  const auto [offset, length] = place_of(path(), "transitions/before/histogram_E");
  flip_bit(path(), offset + length * 7 / 40 + length / 80);  // In the rows of task 7 of 40.
  const command_result verify = runner.run("verify a.h5");
  EXPECT_EQ(verify.code, 1) << verify.err;
  EXPECT_THAT(verify.out, AllOf(HasSubstr("damaged   1\n"), HasSubstr("damaged: task 7 (point 3, replicate 1)\n")));
  EXPECT_EQ(count(verify.out, "damaged: "), 1);
  const command_result train = runner.run("train c.toml -d a.h5 -o m.h5 --set design.replicates=2");
  EXPECT_EQ(train.code, 2);
  EXPECT_THAT(train.err, HasSubstr("a.h5: 1 finished tasks are damaged: their checksums do not hold"));
  const command_result repaired = sweep("--set design.replicates=2");
  EXPECT_EQ(repaired.code, 0) << repaired.err;
  EXPECT_THAT(repaired.out, AllOf(HasSubstr("done        40\n"), HasSubstr("found done  39\n")));
  EXPECT_THAT(repaired.err, HasSubstr("1 tasks on disk were damaged"));
  EXPECT_EQ(lasting_bytes(path()), whole);
  EXPECT_EQ(runner.run("verify a.h5").code, 0);
}

}  // namespace

}  // namespace spikesweep::testing
