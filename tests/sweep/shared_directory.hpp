#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include <boost/mpi/collectives.hpp>
#include <boost/mpi/communicator.hpp>
#include <boost/serialization/string.hpp>
#include <gtest/gtest.h>

#include "store/sweep_samples.hpp"

namespace spikesweep::testing {

/// Gives all ranks of a test one directory, which rank 0 removes when the last of them is done.
class shared_directory : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string path;
    if (world.rank() == 0) {
      scratch_.emplace();
      path = scratch_->path();
    }
    boost::mpi::broadcast(world, path, 0);
    directory = path;
  }
  void TearDown() override {
    world.barrier();
    scratch_.reset();
  }

  boost::mpi::communicator world{MPI_COMM_WORLD, boost::mpi::comm_duplicate};
  std::filesystem::path directory;

 private:
  std::optional<scratch_directory> scratch_;
};

}  // namespace spikesweep::testing
