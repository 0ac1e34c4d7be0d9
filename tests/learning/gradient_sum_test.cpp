#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>
#include <vector>

#include <boost/mpi/collectives.hpp>
#include <boost/mpi/communicator.hpp>
#include <boost/serialization/vector.hpp>
#include <gtest/gtest.h>

#include <spikesweep/base/error.hpp>
#include <spikesweep/base/random.hpp>
#include <spikesweep/learning/gradient_sum.hpp>
#include <spikesweep/parallel/reduce.hpp>

#include "instruction_sets.hpp"

namespace {

using namespace spikesweep;
namespace mpi = boost::mpi;

TEST(gradient_sum, is_the_same_in_any_order_on_every_rank_count) {
  const mpi::communicator world;
  const mpi::communicator alone = world.split(world.rank());
  random_stream stream(1, purpose::test, 60);
  std::vector<std::vector<float>> slices(8, std::vector<float>(500));
  for (auto& slice : slices) {
    for (auto& g : slice) {
      const double value = stream.normal();
      g = static_cast<float>(value * std::exp(3 * stream.normal()));
    }
  }
  gradient_sum shared(500, 8);
  for (std::size_t i = static_cast<std::size_t>(world.rank()); i < 8; i += static_cast<std::size_t>(world.size())) {
    shared.add(slices[i]);
  }
  gradient_sum single(500, 8);
  for (std::size_t i = 8; i-- > 0;) {
    single.add(slices[i]);
  }
  const auto a = shared.all_reduce(world);
  const auto b = single.all_reduce(alone);
  for (std::size_t i = 0; i < 500; ++i) {
    ASSERT_EQ(a[i], b[i]);
    double exact = 0;
    for (const auto& slice : slices) {
      exact += static_cast<double>(slice[i]);
    }
    ASSERT_NEAR(a[i], exact, 1e-6 * std::abs(exact) + 1e-10);
  }
}

TEST(gradient_sum, is_that_of_plain_code_on_every_instruction_set) {
  const mpi::communicator self(MPI_COMM_SELF, mpi::comm_duplicate);
  constexpr std::size_t size = 203;  // No whole number of vectors.
  random_stream stream(1, purpose::test, 61);
  std::vector<std::vector<float>> slices(3, std::vector<float>(size));
  std::vector<std::int64_t> plain(size, 0);
  for (auto& slice : slices) {
    for (std::size_t i = 0; i < size; ++i) {
      const double value = stream.normal();
      slice[i] = static_cast<float>(value * std::exp(2 * stream.normal()));
      plain[i] += static_cast<std::int64_t>(static_cast<double>(slice[i]) * 0x1p40);
    }
  }
  for_each_instruction_set([&] {
    gradient_sum sum(size, 3);
    for (const auto& slice : slices) {
      sum.add(slice);
    }
    const auto found = sum.all_reduce(self);
    for (std::size_t i = 0; i < size; ++i) {
      ASSERT_EQ(found[i], static_cast<float>(static_cast<double>(plain[i]) * 0x1p-40)) << i;
    }
    sum.clear();
    auto broken = slices.front();
    broken.back() = -std::numeric_limits<float>::infinity();
    sum.add(broken);
    EXPECT_THROW(sum.all_reduce(self), divergence_error);
  });
}

TEST(gradient_sum, of_the_most_slices_does_not_overflow) {
  const mpi::communicator self(MPI_COMM_SELF, mpi::comm_duplicate);
  constexpr int most_slices = 4096;
  gradient_sum sum(3, most_slices);
  for (int i = 0; i < most_slices; ++i) {
    sum.add(std::vector<float>{1900, -1900, 1});
  }
  EXPECT_EQ(sum.all_reduce(self)[0], 1900.0F * most_slices);
  EXPECT_EQ(sum.all_reduce(self)[1], -1900.0F * most_slices);
  sum.clear();
  for (int i = 0; i < most_slices; ++i) {
    sum.add(std::vector<float>{1e4F, 0, 0});  // 4 10^7 has no place in fixed point.
  }
  EXPECT_THROW(sum.all_reduce(self), divergence_error);
}

TEST(gradient_sum, a_slice_that_is_not_finite_fails_on_every_rank) {
  const mpi::communicator world;
  gradient_sum sum(3, world.size());
  sum.add(std::vector<float>{1, world.rank() == 0 ? std::nanf("") : 1.0F, 1});
  EXPECT_THROW(sum.all_reduce(world), environment_error);
  sum.clear();
  sum.add(std::vector<float>{1, 2, 3});
  EXPECT_EQ(sum.all_reduce(world)[2], static_cast<float>(3 * world.size()));
}

}  // namespace
