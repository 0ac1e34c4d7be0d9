// Whole sweeps with made-up tasks, on any number of ranks.
#include <atomic>
#include <csignal>
#include <fstream>
#include <map>
#include <optional>
#include <thread>

#include <boost/mpi/collectives.hpp>
#include <boost/serialization/string.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <spikesweep/parallel/collective.hpp>
#include <spikesweep/store/file_lock.hpp>
#include <spikesweep/store/sweep_file.hpp>
#include <spikesweep/sweep/status.hpp>
#include <spikesweep/sweep/sweep.hpp>

#include "store/compare_files.hpp"
#include "store/sweep_samples.hpp"
#include "sweep/made_up_sweep.hpp"

namespace spikesweep {
namespace {

using ::testing::ElementsAre;
using testing::error_of;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::lasting_bytes;
using testing::run_made_up_sweep;
using testing::small_sweep;
using testing::task_function;
using namespace std::chrono_literals;
using sweep = testing::made_up_sweep;

TEST_F(sweep, writes_the_same_bytes_on_any_number_of_ranks) {
  const sweep_outcome outcome = run_made_up_sweep(world, directory / "s.h5", description, samples, {});
  EXPECT_EQ(outcome.total, 30);
  EXPECT_EQ(outcome.done, 30);
  EXPECT_EQ(outcome.failed, 0);
  EXPECT_FALSE(outcome.interrupted);
  EXPECT_EQ(calls_of_all(), 30) << "every task has to run once";
  if (world.rank() == 0) {
    EXPECT_EQ(lasting_bytes(directory / "s.h5"), expected_bytes(description, samples));
    EXPECT_THAT(sweep_reader(directory / "s.h5").damaged_tasks(), IsEmpty());
  }
}

TEST_F(sweep, keeps_every_rank_busy) {
  // Long beside the time for which a busy machine may keep a rank from its core.
  const task_function slow = [&](int point, int replicate, const std::function<bool()>& poll) {
    std::this_thread::sleep_for(20ms);
    return samples(point, replicate, poll);
  };
  run_made_up_sweep(world, directory / "s.h5", description, slow, {});
  if (world.rank() == 0) {
    std::map<int, int> tasks_of;
    for (const task_provenance& p : sweep_reader(directory / "s.h5").provenance()) {
      ++tasks_of[p.rank];
      EXPECT_EQ(p.attempts, 1);
      EXPECT_GT(p.core_s, 0);
    }
    EXPECT_EQ(static_cast<int>(tasks_of.size()), world.size());
  }
}

TEST_F(sweep, does_nothing_a_second_time) {
  run_made_up_sweep(world, directory / "s.h5", description, samples, {});
  const int before = calls_of_all();
  const sweep_outcome again = run_made_up_sweep(world, directory / "s.h5", description, samples, {});
  EXPECT_EQ(calls_of_all(), before);
  EXPECT_EQ(again.done, 30);
  EXPECT_EQ(again.resumed, 30);
}

TEST_F(sweep, removes_what_the_mpi_library_of_a_killed_job_has_left) {
  const std::vector<std::string> leftovers{"s.h5.data.0", "s.h5.data.17", "s.h5.metadata.17"};
  const std::vector<std::string> others{"s.h5.data.x", "s.h5.data.", "t.h5.data.17", "s.h5.data.18"};
  if (world.rank() == 0) {
    for (const auto& names : {leftovers, others}) {
      for (const std::string& name : names) {
        std::ofstream(directory / name);
      }
    }
    std::ofstream(directory / "s.h5.data.18") << "somebody's";
  }
  world.barrier();
  run_made_up_sweep(world, directory / "s.h5", description, samples, {});
  if (world.rank() == 0) {
    for (const std::string& name : leftovers) {
      EXPECT_FALSE(std::filesystem::exists(directory / name)) << name;
    }
    for (const std::string& name : others) {
      EXPECT_TRUE(std::filesystem::exists(directory / name)) << name;
    }
  }
}

TEST_F(sweep, ends_on_a_signal_and_resumes_to_the_same_bytes) {
  // Only rank 0 gets the signal, after a few of its tasks.
  int mine = 0;
  const task_function until_signal = [&](int point, int replicate, const std::function<bool()>& poll) {
    if (world.rank() == 0 && ++mine == 3) {
      ::raise(SIGTERM);
    }
    return samples(point, replicate, poll);
  };
  const sweep_outcome first = run_made_up_sweep(world, directory / "s.h5", description, until_signal, {});
  EXPECT_TRUE(first.interrupted);
  EXPECT_GE(first.done, 3);
  EXPECT_LT(first.done, 30);
  EXPECT_EQ(calls_of_all(), first.done) << "a task that was begun is finished";
  world.barrier();
  const sweep_outcome second = run_made_up_sweep(world, directory / "s.h5", description, samples, {});
  EXPECT_FALSE(second.interrupted);
  EXPECT_EQ(second.resumed, first.done);
  EXPECT_EQ(second.done, 30);
  if (world.rank() == 0) {
    EXPECT_EQ(lasting_bytes(directory / "s.h5"), expected_bytes(description, samples));
    // Each run begins and ends, and the first one was asked to end.
    const std::vector<std::string> log = read_status(directory / "s.h5").log;
    ASSERT_EQ(log.size(), 5U);
    EXPECT_TRUE(log[1].ends_with(" asked to end")) << log[1];
  }
}

TEST_F(sweep, drops_a_task_that_outlives_the_grace_time) {
  const task_function endless = [&](int, int, const std::function<bool()>& poll) {
    ::raise(SIGUSR1);
    while (poll()) {
      std::this_thread::sleep_for(100us);
    }
    return task_result{};
  };
  sweep_options options;
  options.grace_s = 0.2;
  const sweep_outcome outcome = run_made_up_sweep(world, directory / "s.h5", description, endless, options);
  EXPECT_TRUE(outcome.interrupted);
  EXPECT_EQ(outcome.done, 0);
  if (world.rank() == 0) {
    const sweep_status status = read_status(directory / "s.h5");
    EXPECT_EQ(status.pending, 30);
    EXPECT_EQ(status.started, 0) << "a dropped task was not crashed";
  }
}

TEST_F(sweep, starts_nothing_that_cannot_end_before_the_job_does) {
  sweep_options options;
  options.end = std::chrono::system_clock::now() - 1s;
  const sweep_outcome outcome = run_made_up_sweep(world, directory / "s.h5", description, samples, options);
  EXPECT_TRUE(outcome.interrupted);
  EXPECT_EQ(calls_of_all(), 0);
}

TEST_F(sweep, records_failed_tasks_and_goes_on) {
  const sweep_outcome outcome = run_made_up_sweep(world, directory / "s.h5", description, with_runaway, {});
  EXPECT_EQ(outcome.done, 27);
  EXPECT_EQ(outcome.failed, 3);
  EXPECT_FALSE(outcome.interrupted);
  const sweep_outcome again = run_made_up_sweep(world, directory / "s.h5", description, samples, {});
  EXPECT_EQ(again.failed, 3) << "failed tasks are not run again unasked";
  if (world.rank() == 0) {
    const sweep_status status = read_status(directory / "s.h5");
    EXPECT_EQ(status.runaway, 3);
    EXPECT_THAT(status.failed_points, ElementsAre(4));
    EXPECT_EQ(status.done_points.size(), 9U);
  }
  world.barrier();
  sweep_options retry;
  retry.retry_failed = true;
  const sweep_outcome healed = run_made_up_sweep(world, directory / "s.h5", description, samples, retry);
  EXPECT_EQ(healed.done, 30);
  EXPECT_EQ(healed.failed, 0);
  if (world.rank() == 0) {
    EXPECT_EQ(lasting_bytes(directory / "s.h5"), expected_bytes(description, samples));
  }
}

TEST_F(sweep, simulates_a_damaged_task_again) {
  run_made_up_sweep(world, directory / "s.h5", description, samples, {});
  std::vector<char> whole;
  if (world.rank() == 0) {
    whole = lasting_bytes(directory / "s.h5");
    const auto place = testing::place_of(directory / "s.h5", "transitions/duration");
    testing::flip_bit(directory / "s.h5", place.first + place.second / 2);
    EXPECT_THAT(sweep_reader(directory / "s.h5").damaged_tasks(), ElementsAre(15));
  }
  world.barrier();
  const int before = calls_of_all();
  const sweep_outcome outcome = run_made_up_sweep(world, directory / "s.h5", description, samples, {});
  EXPECT_EQ(calls_of_all(), before + 1);
  EXPECT_EQ(outcome.damaged, 1);
  EXPECT_EQ(outcome.done, 30);
  if (world.rank() == 0) {
    EXPECT_EQ(lasting_bytes(directory / "s.h5"), whole);
  }
}

TEST_F(sweep, of_other_settings_is_refused_on_every_rank) {
  run_made_up_sweep(world, directory / "s.h5", description, samples, {});
  sweep_description other = description;
  other.settings[0].second = "9";
  const std::string message =
      error_of<input_error>([&] { run_made_up_sweep(world, directory / "s.h5", other, samples, {}); });
  EXPECT_THAT(message, HasSubstr("network.S_II: 2.25 in the file, 9 now"));
}

TEST_F(sweep, in_use_by_another_job_is_refused_on_every_rank) {
  std::optional<file_lock> other_job;
  if (world.rank() == 0) {
    other_job.emplace(directory / "s.h5");
  }
  world.barrier();
  EXPECT_THAT(error_of<input_error>([&] { run_made_up_sweep(world, directory / "s.h5", description, samples, {}); }),
              HasSubstr("in use"));
}

TEST_F(sweep, that_cannot_be_written_fails_on_every_rank) {
  EXPECT_THAT(error_of<environment_error>([&] { run_made_up_sweep(world, "/proc/s.h5", description, samples, {}); }),
              HasSubstr("/proc/s.h5"));
}

TEST_F(sweep, without_tasks_is_done_at_once) {
  const sweep_outcome outcome = run_made_up_sweep(world, directory / "s.h5", small_sweep(0), samples, {});
  EXPECT_EQ(outcome.total, 0);
  EXPECT_FALSE(outcome.interrupted);
}

TEST_F(sweep, with_fewer_tasks_than_ranks_ends) {
  EXPECT_EQ(run_made_up_sweep(world, directory / "s.h5", small_sweep(1, 1), samples, {}).done, 1);
}

TEST_F(sweep, reports_progress_on_rank_0) {
  std::vector<sweep_progress> seen;
  sweep_options options;
  options.progress = [&seen](const sweep_progress& p) { seen.push_back(p); };
  const sweep_outcome outcome = run_made_up_sweep(world, directory / "s.h5", description, with_runaway, options);
  if (world.rank() == 0) {
    ASSERT_GE(seen.size(), 30U);
    EXPECT_EQ(seen.back().done, 27);
    EXPECT_EQ(seen.back().failed, 3);
    EXPECT_EQ(seen.back().total, 30);
    EXPECT_EQ(seen.back().simulated_s, outcome.simulated_s);
  } else {
    EXPECT_TRUE(seen.empty());
  }
}

TEST_F(sweep, leaves_nothing_but_its_file) {
  run_made_up_sweep(world, directory / "s.h5", description, samples, {});
  if (world.rank() == 0) {
    std::vector<std::string> names;
    for (const auto& entry : std::filesystem::directory_iterator(directory)) {
      names.push_back(entry.path().filename());
    }
    EXPECT_THAT(names, ElementsAre("s.h5"));
  }
}

TEST(on_root, gives_every_rank_the_result_or_the_error) {
  const boost::mpi::communicator world(MPI_COMM_WORLD, boost::mpi::comm_duplicate);
  EXPECT_EQ(on_root(world, [] { return std::string("from rank 0"); }), "from rank 0");
  EXPECT_EQ(error_of<input_error>([&] { on_root(world, [] { throw input_error("wrong key"); }); }), "wrong key");
  EXPECT_EQ(error_of<environment_error>([&] { on_root(world, [] { throw std::runtime_error("disk"); }); }), "disk");
  EXPECT_THROW(on_root(world, [] { throw interrupted_error("stop"); }), interrupted_error);
  EXPECT_THROW(on_root(world, []() -> int { throw internal_error("bug"); }), internal_error);
}

}  // namespace
}  // namespace spikesweep
