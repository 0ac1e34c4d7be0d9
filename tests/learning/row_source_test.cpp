// The order in which training rows are taken, of rows that are read from nowhere: each is its own number.
#include "learning/row_source.hpp"

#include <algorithm>
#include <atomic>
#include <map>
#include <numeric>
#include <thread>
#include <vector>

#include <boost/mpi/communicator.hpp>
#include <gtest/gtest.h>

#include <spikesweep/base/error.hpp>

namespace spikesweep {
namespace {

constexpr int step_rows = 8;  // Of a shard.

struct numbered_rows {
  explicit numbered_rows(chunk_plan chunks = {24, 7}) {
    settings.batch = 64;
    settings.shards = 8;
    settings.epochs = 3;
    data.plan = {1003, settings.shards};
    data.chunks = chunks;
    data.train.rows = chunks.streams() ? 0 : data.plan.rows;
    data.read = [this](std::int64_t first, std::int64_t last, dataset& to) {
      if (first <= broken && broken < last) {
        throw input_error("row " + std::to_string(broken) + " cannot be read");
      }
      reader = std::this_thread::get_id();
      rows_read += last - first;
      to.rows += last - first;
    };
  }

  std::int64_t steps() const { return (data.plan.largest() + step_rows - 1) / step_rows; }

  /// The numbers that some shards give from a step of an epoch on, by shard.
  std::map<int, std::vector<std::int64_t>> take(int first_shard, int last_shard, int epoch, std::int64_t from = 0) {
    row_source source(data, m, settings, first_shard, last_shard);
    source.begin_epoch(epoch, from);
    std::map<int, std::vector<std::int64_t>> numbers;
    for (std::int64_t step = from; step < steps(); ++step) {
      source.begin_step(step);
      for (int shard = first_shard; shard < last_shard; ++shard) {
        for (std::int64_t i = step * step_rows; i < (step + 1) * step_rows; ++i) {
          if (const auto row = source.row(shard, i)) {
            numbers[shard].push_back(row->data.number_of(row->row));
          }
        }
      }
    }
    return numbers;
  }

  model m;
  learning_settings settings;
  training_data data;
  std::int64_t broken = -1;
  std::atomic<std::int64_t> rows_read{0};
  std::atomic<std::thread::id> reader;
};

TEST(row_source, an_epoch_takes_every_row_exactly_once_streamed_or_not) {
  for (const chunk_plan chunks : {chunk_plan{}, chunk_plan{24, 7}, chunk_plan{8, 1}, chunk_plan{56, 56}}) {
    numbered_rows rows(chunks);
    const auto taken = rows.take(0, rows.settings.shards, 1);
    ASSERT_EQ(taken.size(), 8U);
    for (const auto& [shard, numbers] : taken) {
      std::vector<std::int64_t> expected(static_cast<std::size_t>(rows.data.plan.size(shard)));
      std::iota(expected.begin(), expected.end(), rows.data.plan.begin(shard));
      EXPECT_TRUE(std::ranges::is_permutation(numbers, expected)) << "shard " << shard << ", chunks of " << chunks.rows;
      EXPECT_FALSE(std::ranges::is_sorted(numbers));
    }
  }
}

TEST(row_source, the_order_of_a_shard_does_not_depend_on_the_rank_that_owns_it) {
  const boost::mpi::communicator world;
  for (const chunk_plan chunks : {chunk_plan{}, chunk_plan{24, 7}}) {
    numbered_rows rows(chunks);
    const auto alone = rows.take(0, rows.settings.shards, 2);
    const int first = rows.data.plan.first_of(world.rank(), world.size());
    const int last = rows.data.plan.first_of(world.rank() + 1, world.size());
    const auto mine = rows.take(first, last, 2);
    ASSERT_EQ(mine.size(), static_cast<std::size_t>(last - first));
    for (const auto& [shard, numbers] : mine) {
      EXPECT_EQ(numbers, alone.at(shard)) << "shard " << shard;
    }
  }
}

TEST(row_source, every_epoch_and_every_seed_has_an_order_of_its_own) {
  numbered_rows rows;
  const auto first = rows.take(0, 8, 1);
  EXPECT_EQ(rows.take(0, 8, 1), first);
  EXPECT_NE(rows.take(0, 8, 2), first);
  ++rows.settings.seed;
  EXPECT_NE(rows.take(0, 8, 1), first);
}

TEST(row_source, a_chunk_mixes_rows_of_far_blocks) {
  numbered_rows rows({56, 7});
  const auto numbers = rows.take(0, 8, 1).at(0);
  const auto [lowest, highest] = std::ranges::minmax(std::span(numbers).first(step_rows));
  EXPECT_GT(highest - lowest, 56) << "a step takes rows of one place only";
}

TEST(row_source, begins_within_an_epoch_without_reading_what_came_before) {
  numbered_rows rows;
  const auto whole = rows.take(2, 4, 1);
  rows.rows_read = 0;
  const std::int64_t from = rows.steps() - 4;  // In the last chunk but one.
  const auto rest = rows.take(2, 4, 1, from);
  for (int shard = 2; shard < 4; ++shard) {
    const auto& expected = whole.at(shard);
    EXPECT_EQ(rest.at(shard), std::vector(expected.begin() + from * step_rows, expected.end()));
  }
  EXPECT_LE(rows.rows_read, 2 * 3 * 24) << "the chunk, the next, and the first of the next epoch";
}

TEST(row_source, goes_back_to_the_begin_of_an_epoch) {
  numbered_rows rows;
  row_source source(rows.data, rows.m, rows.settings, 0, 1);
  const auto first_row = [&] {
    const auto row = source.row(0, 0);
    return row->data.number_of(row->row);
  };
  source.begin_epoch(1);
  source.begin_step(0);
  const std::int64_t expected = first_row();
  for (std::int64_t step = 0; step < rows.steps(); ++step) {
    source.begin_step(step);
  }
  source.begin_epoch(1);
  source.begin_step(0);
  EXPECT_EQ(first_row(), expected);
}

TEST(row_source, reads_ahead_on_another_thread_which_settle_waits_for) {
  numbered_rows rows;
  row_source source(rows.data, rows.m, rows.settings, 0, 8);
  source.begin_epoch(1);
  source.settle();
  EXPECT_NE(rows.reader.load(), std::this_thread::get_id());
  EXPECT_EQ(rows.rows_read, 2 * 8 * 24);
  source.begin_step(0);
  source.settle();
  EXPECT_EQ(rows.rows_read, 2 * 8 * 24) << "a step of the same chunk has begun to read";
  source.begin_step(24 / step_rows);
  source.settle();
  EXPECT_EQ(rows.rows_read, 3 * 8 * 24);
}

TEST(row_source, reads_nothing_after_the_last_epoch) {
  numbered_rows rows;
  rows.take(0, 8, rows.settings.epochs);
  EXPECT_EQ(rows.rows_read, rows.data.plan.rows);
}

TEST(row_source, what_fails_while_it_reads_ahead_is_thrown_by_the_step_that_needs_it) {
  numbered_rows rows;
  rows.broken = rows.take(0, 1, 1).at(0)[24];  // The second chunk begins with it.
  row_source source(rows.data, rows.m, rows.settings, 0, 1);
  EXPECT_NO_THROW(source.begin_epoch(1));
  EXPECT_NO_THROW(source.settle());
  EXPECT_NO_THROW(source.begin_step(2));
  EXPECT_THROW(source.begin_step(3), input_error);
  EXPECT_THROW(source.begin_epoch(1, 3), input_error) << "half a chunk was taken for a whole one";
  rows.broken = -1;
  EXPECT_NO_THROW(source.begin_epoch(1, 3));
}

TEST(chunk_plan, two_chunks_of_whole_steps_fit_into_the_buffer) {
  learning_settings settings;
  settings.batch = 512;
  settings.shards = 64;
  settings.buffer_MiB = 32;
  const shard_plan shards{1'000'003, 64};
  constexpr std::int64_t bytes = 457;
  const chunk_plan plan = plan_chunks(shards, bytes, 500, settings);
  ASSERT_TRUE(plan.streams());
  EXPECT_EQ(plan.rows % 8, 0);
  EXPECT_LE(std::int64_t{2} * 64 * plan.rows * bytes, 32LL << 20);
  EXPECT_GT(std::int64_t{2} * 64 * plan.rows * bytes, 24LL << 20) << "much of the buffer lies idle";
  EXPECT_LE(8 * plan.block, plan.rows);
  const std::int64_t last = shards.largest() - (plan.chunks(shards) - 1) * plan.rows;
  EXPECT_GT(last, plan.rows - 8 * plan.chunks(shards)) << "chunks are uneven";
}

TEST(chunk_plan, rows_that_fit_are_not_streamed) {
  learning_settings settings;
  settings.buffer_MiB = 1;
  EXPECT_FALSE(plan_chunks({1024, 64}, 1024, 500, settings).streams());
  EXPECT_TRUE(plan_chunks({1025, 64}, 1024, 500, settings).streams());
  EXPECT_EQ(plan_chunks({1024, 64}, 1024, 500, settings).identity(), "");
  EXPECT_NE(plan_chunks({1025, 64}, 1024, 500, settings).identity(), "");
}

TEST(chunk_plan, a_buffer_that_does_not_hold_two_batches_is_refused_with_the_least_that_does) {
  learning_settings settings;
  settings.batch = 4096;
  settings.buffer_MiB = 7;
  std::string message;
  try {
    plan_chunks({100'000, 64}, 1024, 500, settings);
  } catch (const input_error& error) {
    message = error.what();
  }
  EXPECT_NE(message.find("learning.buffer_MiB = 7"), std::string::npos) << message;
  EXPECT_NE(message.find("at least 8"), std::string::npos) << message;
  settings.buffer_MiB = 8;
  EXPECT_NO_THROW(plan_chunks({100'000, 64}, 1024, 500, settings));
}

}  // namespace
}  // namespace spikesweep
