#include <cstdint>
#include <cstring>
#include <limits>
#include <string>
#include <vector>

#include <boost/mpi/collectives.hpp>
#include <gtest/gtest.h>

#include <spikesweep/parallel/collective.hpp>
#include <spikesweep/parallel/launch.hpp>
#include <spikesweep/parallel/reduce.hpp>

namespace {

using namespace spikesweep;
namespace mpi = boost::mpi;

/// Sums of whole numbers, exact in either type: rank r adds (r + 1) (i + 1), so that no rank's own buffer is the sum.
template <class T>
void expect_sum(std::size_t size) {
  const communicator world;
  std::vector<T> buffer(size + 2, T{-1});
  for (std::size_t i = 0; i < size; ++i) {
    buffer[i + 1] = static_cast<T>((static_cast<std::size_t>(world.rank()) + 1) * (i % 1000 + 1));
  }
  all_reduce_sum(world, std::span(buffer).subspan(1, size));
  const auto ranks = static_cast<std::size_t>(world.size());
  const std::size_t sum_of_ranks = ranks * (ranks + 1) / 2;
  for (std::size_t i = 0; i < size; ++i) {
    ASSERT_EQ(buffer[i + 1], static_cast<T>(sum_of_ranks * (i % 1000 + 1))) << i;
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
  const communicator world;
  std::vector<float> buffer(5000);
  for (std::size_t i = 0; i < buffer.size(); ++i) {
    buffer[i] = 1.0F / static_cast<float>((i + 3) * static_cast<std::size_t>(world.rank() * world.rank() + 1));
  }
  all_reduce_sum(world, std::span(buffer));
  std::vector<float> first = buffer;
  mpi::broadcast(world, first, 0);
  EXPECT_EQ(std::memcmp(first.data(), buffer.data(), buffer.size() * sizeof(float)), 0);
}

TEST(all_reduce_sum, goes_in_pieces) {
  const communicator world;
  for (const std::size_t most : {1, 7, 100}) {
    std::vector<std::int64_t> buffer(100);
    for (std::size_t i = 0; i < buffer.size(); ++i) {
      buffer[i] = static_cast<std::int64_t>(i);
    }
    all_reduce_sum(world, std::span(buffer), most);
    for (std::size_t i = 0; i < buffer.size(); ++i) {
      EXPECT_EQ(buffer[i], static_cast<std::int64_t>(i) * world.size());
    }
  }
}

TEST(sum_rank_by_rank, has_the_bits_of_one_sum_in_order) {
  const mpi::communicator world;
  constexpr int terms = 24;
  const auto term = [](int i) { return std::vector<double>{1.0 / (i + 1), 1e9 / (i * i + 3)}; };
  const auto add = [&](std::vector<double>& sums, int first, int last) {
    for (int i = first; i < last; ++i) {
      sums[0] += term(i)[0];
      sums[1] += term(i)[1];
    }
  };
  std::vector<double> expected(2);
  add(expected, 0, terms);
  std::vector<double> sums(2);
  sum_rank_by_rank(world, sums,
                   [&] { add(sums, terms * world.rank() / world.size(), terms * (world.rank() + 1) / world.size()); });
  EXPECT_EQ(sums, expected);
}

TEST(all_reduce_least_and_largest, go_in_pieces) {
  const communicator world;
  for (const std::size_t longest : {std::size_t{1}, std::size_t{24}, longest_message}) {
    std::vector<double> least, largest;
    for (int i = 0; i < 50; ++i) {
      least.push_back(i + world.rank());
      largest.push_back(i + world.rank());
    }
    all_reduce_least(world, least, longest);
    all_reduce_largest(world, largest, longest);
    for (std::size_t i = 0; i < least.size(); ++i) {
      EXPECT_EQ(least[i], static_cast<double>(i));
      EXPECT_EQ(largest[i], static_cast<double>(i) + world.size() - 1);
    }
  }
}

/// Bytes of a length that differs between ranks; rank 0 has none.
std::string bytes_of(int rank) {
  std::string bytes;
  for (int i = 0; i < 1000 * rank; ++i) {
    bytes += static_cast<char>(i * (rank + 1));
  }
  return bytes;
}

TEST(collect_bytes, brings_bytes_longer_than_the_longest_message_rank_by_rank) {
  const communicator world;
  for (const std::size_t longest : {std::size_t{1}, std::size_t{7}, std::size_t{1000}, longest_message}) {
    int next = 0;
    collect_bytes(
        world, bytes_of(world.rank()),
        [&](int rank, const std::string& bytes) {
          EXPECT_EQ(rank, next++);
          EXPECT_EQ(bytes, bytes_of(rank)) << "rank " << rank << ", " << longest << " bytes";
        },
        longest);
    EXPECT_EQ(next, world.rank() == 0 ? world.size() : 0);
  }
}

TEST(collect_bytes, throws_on_every_rank_what_rank_0_throws_while_it_takes_them) {
  const communicator world;
  for (int bad = 0; bad < world.size(); ++bad) {
    std::string message;
    try {
      collect_bytes(
          world, bytes_of(world.rank()),
          [&](int rank, const std::string&) {
            EXPECT_LE(rank, bad);
            if (rank == bad) {
              throw environment_error("the disk is full");
            }
          },
          16);
    } catch (const environment_error& error) {
      message = error.what();
    }
    EXPECT_EQ(message, "the disk is full");
  }
  world.barrier();  // All left in step.
}

TEST(all_gather_joined, joins_parts_on_every_rank_in_pieces) {
  const communicator world;
  const std::vector<std::int64_t> mine(static_cast<std::size_t>(world.rank()), world.rank());
  std::vector<std::int64_t> expected;
  for (int rank = 0; rank < world.size(); ++rank) {
    expected.insert(expected.end(), static_cast<std::size_t>(rank), rank);
  }
  EXPECT_EQ(all_gather_joined(world, mine), expected);
  EXPECT_EQ(all_gather_joined(world, mine, 3), expected);
}

TEST(on_any_rank, is_true_everywhere_if_it_is_on_one_rank) {
  const communicator world;
  EXPECT_TRUE(on_any_rank(world, world.rank() == world.size() - 1));
  EXPECT_FALSE(on_any_rank(world, false));
}

TEST(on_every_rank, throws_everywhere_what_the_lowest_rank_that_failed_throws) {
  const communicator world;
  const int last = world.size() - 1;
  EXPECT_EQ(on_every_rank(world, [&] { return world.rank() + 1; }), world.rank() + 1);
  std::string message;
  try {
    on_every_rank(world, [&] {
      if (world.rank() == last) {
        throw input_error("no such thing");
      }
    });
  } catch (const input_error& error) {
    message = error.what();
  }
  EXPECT_NE(message.find("no such thing"), std::string::npos);
  EXPECT_EQ(message.find("rank " + std::to_string(last) + " on ") == 0, last > 0) << message;
  world.barrier();  // All left in step.
}

TEST(check_same_words, refuses_the_first_rank_that_has_others) {
  const communicator world;
  EXPECT_NO_THROW(check_same_words(world, {"sweep", "a.toml"}, "other arguments"));
  if (world.size() == 1) {
    return;
  }
  std::string message;
  try {
    check_same_words(world, {"sweep", world.rank() == 1 ? "b.toml" : "a.toml"}, "other arguments");
  } catch (const input_error& error) {
    message = error.what();
  }
  EXPECT_EQ(message, "rank 1 on " + host_name() +
                         " has other arguments than rank 0: 'b.toml' where rank 0 has 'a.toml'; start "
                         "all ranks with the same ones");
}

TEST(broadcast_all, brings_bytes_longer_than_the_longest_message) {
  const communicator world;
  std::vector<std::byte> bytes(1000, std::byte{static_cast<unsigned char>(world.rank() + 1)});
  broadcast_all(world, bytes, 64);
  EXPECT_EQ(bytes, std::vector<std::byte>(1000, std::byte{1}));
}

TEST(broadcast, brings_values_longer_than_the_longest_message) {
  const communicator world;
  for (const std::size_t longest : {std::size_t{1}, std::size_t{64}, longest_message}) {
    std::vector<std::string> value{"kept", "by all but rank 0"};
    if (world.rank() == 0) {
      value = {std::string(500, 'a'), "", std::string(77, 'b')};
    }
    broadcast(world, value, longest);
    EXPECT_EQ(value, (std::vector<std::string>{std::string(500, 'a'), "", std::string(77, 'b')}));
  }
}

}  // namespace
