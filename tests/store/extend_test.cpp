// A sweep file that grows into that of a larger sweep.
#include <fstream>
#include <functional>

#include <sys/resource.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <mpi.h>

#include <spikesweep/parallel/collective.hpp>
#include <spikesweep/store/seal.hpp>
#include <spikesweep/store/sweep_file.hpp>

#include "store/compare_files.hpp"
#include "store/sweep_samples.hpp"

namespace spikesweep {
namespace {

using ::testing::AllOf;
using testing::bytes_of;
using ::testing::ElementsAre;
using testing::error_of;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::lasting_bytes;
using testing::made_up_task;
using testing::place_of;
using testing::scratch_directory;
using testing::small_sweep;

/// Point 3 runs away, the others are done.
task_result result_of(const sweep_description& d, std::int64_t task) {
  const task_identity id = d.identity(task);
  task_result result = made_up_task(d, static_cast<int>(id.point), static_cast<int>(id.replicate));
  if (id.point == 3) {
    result.state = task_state::runaway;
    result.block = transition_block(d.sampling.layout, 0);
    result.figures = {};
  }
  return result;
}

/// Runs the tasks that are pending or damaged, of the first `most` of the file.
void sweep_open_tasks(const std::filesystem::path& path, const sweep_description& d, std::int64_t most) {
  std::vector<std::int64_t> open = sweep_reader(path).damaged_tasks();
  const std::vector<task_record> records = sweep_reader(path).records();
  for (std::int64_t task = 0; task < most; ++task) {
    if (records[static_cast<std::size_t>(task)].state == task_state::pending) {
      open.push_back(task);
    }
  }
  sweep_writer writer(self(), path, d);
  for (const std::int64_t task : open) {
    writer.begin_task(task, static_cast<int>(task % 4));
    writer.write_task(task, result_of(d, task), 0.25 * static_cast<double>(task));
  }
  writer.close();
}

std::vector<char> bytes_from_scratch(const sweep_description& d) {
  const scratch_directory scratch;
  create_sweep_file(scratch / "s.h5", d);
  sweep_open_tasks(scratch / "s.h5", d, d.tasks());
  return lasting_bytes(scratch / "s.h5");
}

/// The small sweep with more points or replicates, as its config would say it.
sweep_description sweep_of(int points, int replicates) {
  sweep_description d = small_sweep(points, replicates, 20);
  d.settings.emplace_back("design.points", std::to_string(points));
  d.settings.emplace_back("design.replicates", std::to_string(replicates));
  d.config_text = "points = " + std::to_string(points) + ", replicates = " + std::to_string(replicates);
  return d;
}

struct growth {
  int points;
  int replicates;
};

void PrintTo(const growth& g, std::ostream* out) {
  *out << g.points << " points, " << g.replicates << " replicates";
}

class extend : public ::testing::TestWithParam<growth> {};

TEST_P(extend, ends_with_the_bytes_of_a_sweep_from_scratch) {
  const scratch_directory scratch;
  const auto path = scratch / "s.h5";
  const sweep_description before = sweep_of(6, 2);
  sweep_description after = sweep_of(GetParam().points, GetParam().replicates);
  after.points.roles[0] = point_role::test;  // Roles are drawn anew for the new number of points.
  create_sweep_file(path, before);
  sweep_open_tasks(path, before, 10);  // Failed ones among them; the last point is left.
  ASSERT_TRUE(extend_sweep_file(path, after, {}));
  EXPECT_NO_THROW(check_sweep_file(path, after));
  EXPECT_THAT(sweep_reader(path).damaged_tasks(), IsEmpty());
  std::int64_t finished = 0;
  for (const task_record& record : sweep_reader(path).records()) {
    finished += record.state != task_state::pending ? 1 : 0;
    EXPECT_TRUE(record.state != task_state::runaway || record.point == 3);
  }
  EXPECT_EQ(finished, 10);
  EXPECT_NO_THROW(check_seal(path));
  sweep_open_tasks(path, after, after.tasks());
  EXPECT_EQ(lasting_bytes(path), bytes_from_scratch(after));
  EXPECT_FALSE(std::filesystem::exists(path.string() + ".partial"));
}

INSTANTIATE_TEST_SUITE_P(any_growth, extend,
                         ::testing::Values(growth{9, 2}, growth{6, 5}, growth{8, 3}, growth{128, 2}, growth{7, 2}));

TEST(extend, copies_no_damaged_task) {
  const scratch_directory scratch;
  const auto path = scratch / "s.h5";
  const sweep_description before = sweep_of(6, 2);
  const sweep_description after = sweep_of(8, 2);
  create_sweep_file(path, before);
  sweep_open_tasks(path, before, before.tasks());
  const auto [offset, length] = place_of(path, "transitions/spikes");
  testing::flip_bit(path, offset + length * 5 / 12);  // In task 5.
  ASSERT_THAT(sweep_reader(path).damaged_tasks(), ElementsAre(5));
  extend_sweep_file(path, after, {});
  EXPECT_EQ(sweep_reader(path).records()[5].state, task_state::pending);
  EXPECT_EQ(sweep_reader(path).records()[4].state, task_state::done);
  EXPECT_EQ(sweep_reader(path).records()[8].state, task_state::done);
  sweep_open_tasks(path, after, after.tasks());
  EXPECT_EQ(lasting_bytes(path), bytes_from_scratch(after));
}

TEST(extend, keeps_all_provenance) {
  const scratch_directory scratch;
  const auto path = scratch / "s.h5";
  const sweep_description before = sweep_of(128, 2);  // As many tasks as the log has lines.
  const sweep_description after = sweep_of(128, 3);
  create_sweep_file(path, before);
  sweep_open_tasks(path, before, 20);
  {
    sweep_writer writer(self(), path, before);
    writer.begin_task(21, 1);
    writer.begin_task(21, 1);
    writer.log("first line");
  }
  const auto ran = sweep_reader(path).provenance();
  extend_sweep_file(path, after, {});
  const sweep_reader reader(path);
  const auto provenance = reader.provenance();
  EXPECT_THAT(reader.log(), ElementsAre("first line"));
  for (std::size_t task = 0; task < 20; ++task) {
    const task_provenance& moved = provenance[task / 2 * 3 + task % 2];
    EXPECT_EQ(moved.rank, static_cast<int>(task % 4));
    EXPECT_EQ(moved.attempts, 1);
    EXPECT_EQ(moved.core_s, 0.25 * static_cast<double>(task));
    EXPECT_EQ(moved.finished_at, ran[task].finished_at);
  }
  EXPECT_EQ(provenance[10 * 3 + 1].attempts, 2) << "a task in flight at two crashes has to stay suspect";
  EXPECT_EQ(provenance[2].attempts, 0);
}

TEST(extend, does_nothing_if_nothing_grew) {
  const scratch_directory scratch;
  const sweep_description d = sweep_of(6, 2);
  create_sweep_file(scratch / "s.h5", d);
  const auto before = bytes_of(scratch / "s.h5");
  EXPECT_FALSE(extend_sweep_file(scratch / "s.h5", d, {}));
  EXPECT_EQ(bytes_of(scratch / "s.h5"), before);
}

TEST(extend, is_offered_where_a_plain_resume_is_refused) {
  const scratch_directory scratch;
  create_sweep_file(scratch / "s.h5", sweep_of(6, 2));
  EXPECT_THAT(error_of<input_error>([&] { check_sweep_file(scratch / "s.h5", sweep_of(7, 2)); }),
              AllOf(HasSubstr("design.points: 6 in the file, 7 now"), HasSubstr("--extend")));
  EXPECT_THAT(error_of<input_error>([&] { check_sweep_file(scratch / "s.h5", sweep_of(5, 2)); }),
              AllOf(HasSubstr("design.points"), ::testing::Not(HasSubstr("--extend"))));
}

TEST(extend, is_refused_unless_the_old_tasks_are_among_the_new_ones) {
  const scratch_directory scratch;
  const auto path = scratch / "s.h5";
  create_sweep_file(path, sweep_of(6, 2));
  const auto before = bytes_of(path);
  const auto refusal = [&](int points, int replicates, const std::function<void(sweep_description&)>& change) {
    sweep_description other = sweep_of(points, replicates);
    change(other);
    std::string message = error_of<input_error>([&] { extend_sweep_file(path, other, {}); });
    EXPECT_THAT(message, HasSubstr("allowed: more replicates"));
    EXPECT_EQ(bytes_of(path), before);
    return message;
  };
  const auto same = [](sweep_description&) {};
  EXPECT_THAT(refusal(5, 2, same), HasSubstr("points: 6 in the file, 5 now; a sweep can grow, not shrink"));
  EXPECT_THAT(refusal(9, 1, same), HasSubstr("replicates: 2 in the file, 1 now"));
  EXPECT_THAT(refusal(9, 2, [](auto& o) { o.points.points(4, 1) += 1; }),
              HasSubstr("point 4: lambda_E = 2400 in the file, 2401 now"));
  EXPECT_THAT(refusal(9, 2, [](auto& o) { o.points.axes[1] = "lambda_I"; }),
              HasSubstr("axes: S_EE lambda_E in the file, S_EE lambda_I now"));
  EXPECT_THAT(refusal(9, 2, [](auto& o) { o.seed = 78; }), HasSubstr("seed: 77 in the file, 78 now"));
  EXPECT_THAT(refusal(9, 2, [](auto& o) { o.settings[0].second = "2.5"; }), HasSubstr("network.S_II"));
  EXPECT_THAT(refusal(9, 2, [](auto& o) { o.section.cap_ms = 60; }), HasSubstr("section.cap_ms"));
  EXPECT_THAT(refusal(9, 2, [](auto& o) { o.sampling.transitions = 21; }), HasSubstr("transitions"));
  EXPECT_THAT(refusal(9, 2, [](auto& o) { o.settings.emplace_back("design.axes.S_EE", "[3, 5]"); }),
              HasSubstr("design.axes.S_EE"))
      << "synthetic states come from the ranges of the axes";
}

TEST(extend, lets_axes_grow_that_no_synthetic_state_comes_from) {
  const scratch_directory scratch;
  const auto with_axis = [](int points, const std::string& values) {
    sweep_description d = sweep_of(points, 2);
    d.sampling.synthetic_share = 0;
    d.settings.emplace_back("design.axes.S_EE", values);
    return d;
  };
  create_sweep_file(scratch / "s.h5", with_axis(6, "[3, 4]"));
  EXPECT_TRUE(extend_sweep_file(scratch / "s.h5", with_axis(9, "[3, 4, 5]"), {}));
}

TEST(extend, that_is_given_up_leaves_the_old_file) {
  const scratch_directory scratch;
  const auto path = scratch / "s.h5";
  const sweep_description before = sweep_of(6, 2);
  create_sweep_file(path, before);
  sweep_open_tasks(path, before, before.tasks());
  const auto bytes = bytes_of(path);
  for (int last = 0;; ++last) {
    int polls = 0;
    const auto give_up = [&] {
      if (polls++ == last) {
        throw interrupted_error("enough");
      }
    };
    if (error_of<interrupted_error>([&] { extend_sweep_file(path, sweep_of(9, 2), give_up); }).empty()) {
      break;  // It came to its end.
    }
    ASSERT_EQ(bytes_of(path), bytes);
    ASSERT_FALSE(std::filesystem::exists(path.string() + ".partial"));
    ASSERT_LT(last, 1000);
  }
  EXPECT_NO_THROW(check_sweep_file(path, sweep_of(9, 2)));
}

TEST(extend, that_does_not_fit_on_the_disk_leaves_the_old_file) {
  const scratch_directory scratch;
  const auto path = scratch / "s.h5";
  create_sweep_file(path, sweep_of(6, 2));
  const auto bytes = bytes_of(path);
  // The file-size limit of the process stands in for a full disk: it works for any user.
  rlimit before{};
  ::getrlimit(RLIMIT_FSIZE, &before);
  const rlimit tight{1 << 20, before.rlim_max};
  ::setrlimit(RLIMIT_FSIZE, &tight);
  const std::string message = error_of<environment_error>([&] { extend_sweep_file(path, sweep_of(6, 200), {}); });
  ::setrlimit(RLIMIT_FSIZE, &before);
  EXPECT_THAT(message, AllOf(HasSubstr("s.h5"), HasSubstr("bytes"), HasSubstr("too large")));
  EXPECT_EQ(bytes_of(path), bytes);
  EXPECT_FALSE(std::filesystem::exists(path.string() + ".partial"));
}

TEST(extend, keeps_a_link_a_link) {
  const scratch_directory scratch;
  create_sweep_file(scratch / "s.h5", sweep_of(6, 2));
  std::filesystem::create_symlink(scratch / "s.h5", scratch / "link.h5");
  extend_sweep_file(scratch / "link.h5", sweep_of(7, 2), {});
  EXPECT_TRUE(std::filesystem::is_symlink(scratch / "link.h5"));
  EXPECT_EQ(sweep_reader(scratch / "s.h5").description().points.size(), 7);
}

}  // namespace
}  // namespace spikesweep
