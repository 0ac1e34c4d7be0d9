// A sweep whose file is there already: grown, or replaced. On any number of ranks.
#include <atomic>
#include <csignal>
#include <fstream>
#include <optional>

#include <boost/mpi/collectives.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <spikesweep/parallel/interrupt.hpp>
#include <spikesweep/store/file_lock.hpp>
#include <spikesweep/store/sweep_file.hpp>
#include <spikesweep/sweep/sweep.hpp>

#include "store/compare_files.hpp"
#include "store/sweep_samples.hpp"
#include "sweep/made_up_tasks.hpp"
#include "sweep/shared_directory.hpp"

namespace spikesweep {
namespace {

using testing::error_of;
using ::testing::HasSubstr;
using testing::lasting_bytes;
using testing::run_made_up_sweep;
using testing::small_sweep;

class earlier_sweep : public testing::shared_directory {
 protected:
  int calls_of_all() const { return boost::mpi::all_reduce(world, calls.load(), std::plus<int>()); }

  sweep_description description = small_sweep(10, 3);
  std::atomic<int> calls{0};
  testing::task_function samples = [this](int point, int replicate, const std::function<bool()>&) {
    ++calls;
    return testing::made_up_task(description, point, replicate);
  };
};

TEST_F(earlier_sweep, that_has_grown_runs_what_is_new_and_has_the_bytes_of_one_from_scratch) {
  run_made_up_sweep(world, directory / "s.h5", description, samples, {});
  description = small_sweep(12, 4);
  EXPECT_THAT(error_of<input_error>([&] { run_made_up_sweep(world, directory / "s.h5", description, samples, {}); }),
              HasSubstr("--extend"));
  const int before = calls_of_all();
  sweep_options options;
  options.existing = existing_file::extend;
  const sweep_outcome outcome = run_made_up_sweep(world, directory / "s.h5", description, samples, options);
  EXPECT_EQ(outcome.resumed, 30);
  EXPECT_EQ(outcome.done, 48);
  EXPECT_EQ(calls_of_all(), before + 18);
  if (world.rank() == 0) {
    const boost::mpi::communicator self(MPI_COMM_SELF, boost::mpi::comm_duplicate);
    run_made_up_sweep(self, directory / "expected.h5", description, samples, {});
    EXPECT_EQ(lasting_bytes(directory / "s.h5"), lasting_bytes(directory / "expected.h5"));
  }
  world.barrier();
  EXPECT_EQ(run_made_up_sweep(world, directory / "s.h5", description, samples, options).resumed, 48);
}

TEST_F(earlier_sweep, that_is_interrupted_before_it_has_grown_is_as_it_was) {
  run_made_up_sweep(world, directory / "s.h5", description, samples, {});
  const std::vector<char> before = testing::bytes_of(directory / "s.h5");
  sweep_options options;
  options.existing = existing_file::extend;
  const interrupt_guard guard;
  if (world.rank() == 0) {
    ::raise(SIGUSR1);
  }
  EXPECT_THAT(error_of<interrupted_error>(
                  [&] { run_made_up_sweep(world, directory / "s.h5", small_sweep(12, 4), samples, options); }),
              HasSubstr("as it was"));
  EXPECT_EQ(testing::bytes_of(directory / "s.h5"), before);
}

TEST_F(earlier_sweep, starts_over_and_drops_what_was_made_from_the_old_file) {
  sweep_options options;
  options.existing = existing_file::replace;
  options.made_from_it = {directory / "model.h5", directory / "missing"};
  run_made_up_sweep(world, directory / "s.h5", description, samples, options);
  if (world.rank() == 0) {
    std::ofstream(directory / "model.h5") << "stale";
  }
  world.barrier();
  const int before = calls_of_all();
  {
    std::optional<file_lock> other_job;
    if (world.rank() == 0) {
      other_job.emplace(directory / "s.h5");
    }
    world.barrier();
    EXPECT_THROW(run_made_up_sweep(world, directory / "s.h5", description, samples, options), input_error);
    EXPECT_TRUE(std::filesystem::exists(directory / "model.h5"));
    world.barrier();
  }
  world.barrier();
  const sweep_outcome outcome = run_made_up_sweep(world, directory / "s.h5", description, samples, options);
  EXPECT_EQ(outcome.resumed, 0);
  EXPECT_EQ(calls_of_all(), before + 30);
  EXPECT_FALSE(std::filesystem::exists(directory / "model.h5"));
}

}  // namespace
}  // namespace spikesweep
