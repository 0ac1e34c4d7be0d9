#include <cstring>
#include <vector>

#include <boost/mpi/collectives.hpp>
#include <boost/mpi/communicator.hpp>
#include <boost/serialization/vector.hpp>
#include <gtest/gtest.h>

#include <spikesweep/learning/reduce.hpp>

namespace {

using namespace spikesweep;
namespace mpi = boost::mpi;

/// Sums of whole numbers, exact in either type: rank r adds (r + 1) (i + 1), so that no rank's own buffer is the sum.
template <class T>
void expect_sum(std::size_t size) {
  const mpi::communicator world;
  std::vector<T> buffer(size + 2, T{-1});
  for (std::size_t i = 0; i < size; ++i) {
    buffer[i + 1] = static_cast<T>((static_cast<std::size_t>(world.rank()) + 1) * (i % 1000 + 1));
  }
  all_reduce_sum(world, std::span(buffer).subspan(1, size));
  const auto ranks = static_cast<std::size_t>(world.size());
  for (std::size_t i = 0; i < size; ++i) {
    ASSERT_EQ(buffer[i + 1], static_cast<T>(ranks * (ranks + 1) / 2 * (i % 1000 + 1))) << i;
  }
  EXPECT_EQ(buffer.front(), -1) << "written before the buffer";
  EXPECT_EQ(buffer.back(), -1) << "written past the buffer";
}

TEST(all_reduce_sum, adds_up_the_buffers_of_all_ranks) {
  for (const std::size_t size : {0, 1, 7, 300000}) {
    expect_sum<float>(size);
    expect_sum<double>(size);
  }
}

TEST(all_reduce_sum, gives_every_rank_the_same_bits) {
  const mpi::communicator world;
  std::vector<float> buffer(5000);
  for (std::size_t i = 0; i < buffer.size(); ++i) {
    buffer[i] = 1.0F / static_cast<float>((i + 3) * static_cast<std::size_t>(world.rank() * world.rank() + 1));
  }
  all_reduce_sum(world, std::span(buffer));
  std::vector<float> first = buffer;
  mpi::broadcast(world, first, 0);
  EXPECT_EQ(std::memcmp(first.data(), buffer.data(), buffer.size() * sizeof(float)), 0);
}

}  // namespace
