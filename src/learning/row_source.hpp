#pragma once

#include <cstdint>
#include <future>
#include <optional>
#include <vector>

#include <spikesweep/learning/model.hpp>
#include <spikesweep/learning/training_data.hpp>

namespace spikesweep {

/// A row of a step; valid until the next begin_step() or begin_epoch().
struct row_reference {
  const dataset& data;
  std::int64_t row;
};

/// Gives the training rows of a range of shards in the order in which training uses them. Every epoch has another
/// order, which depends on (seed, epoch, shard) and the chunk plan alone, and not on the rank that owns the shard. If
/// rows are streamed, a second thread reads the next chunk while training uses the current one. Local, not collective.
/// Only one thread may call its functions.
///
/// HDF5 is not thread-safe: while a chunk is read, no other thread of the process may call HDF5. A read begins only in
/// begin_epoch() and begin_step(). So after settle(), until the next of these calls, every thread may call HDF5.
/// docs/explanation/reading-thread.md gives the whole argument.
class row_source {
 public:
  /// For shards [first, last) of the plan. All arguments have to outlive it.
  row_source(const training_data& data, const model& m, const learning_settings& settings, int first, int last);
  row_source(const row_source&) = delete;
  row_source& operator=(const row_source&) = delete;
  ~row_source() = default;  // It waits for a chunk that is being read.

  /// Goes to any step of any epoch. It reads the chunk of this step and nothing before it. Throws what reading throws.
  void begin_epoch(int epoch, std::int64_t first_step = 0);

  /// Makes the rows of a step of this epoch available, and waits if they are still being read. Steps have to come in
  /// order. Throws what reading throws, also if the second thread read.
  void begin_step(std::int64_t step);

  /// Row i of the epoch in a shard, which has to belong to the current step; nothing if the shard has fewer rows.
  std::optional<row_reference> row(int shard, std::int64_t i) const;

  /// Waits until the second thread does not call HDF5. Call it before any other call of HDF5.
  void settle();

 private:
  /// Rows of all shards of the range, one shard after another.
  struct chunk {
    int epoch = 0;  ///< 0: the chunk is not complete.
    std::int64_t index = 0;
    dataset rows;                      ///< Only where rows are streamed.
    std::vector<std::uint32_t> order;  ///< Rows of the data set in the order in which training uses them.
    std::vector<std::size_t> begin;    ///< Where each shard begins in `order`, and where the last one ends.
  };

  /// Rows [first, last) of the global order.
  struct piece {
    std::int64_t first;
    std::int64_t last;
  };

  void hold(int epoch, std::int64_t index);
  void read_ahead();
  void fill(chunk& to, int epoch, std::int64_t index) const;
  std::vector<piece> pieces(int epoch, int shard, std::int64_t index) const;
  void deal(chunk& to, int shard, std::int64_t first, std::int64_t rows, int epoch, std::int64_t index) const;

  const training_data& data_;
  const learning_settings& settings_;
  int first_shard_;
  int last_shard_;
  std::int64_t rows_per_step_;  ///< Rows of each shard in a step.
  std::int64_t chunks_;         ///< Chunks of an epoch.
  chunk current_;               ///< Only the caller's thread uses it.
  chunk next_;                  ///< Only the second thread uses it while reading_ is valid.
  std::future<void> reading_;   ///< The last member: its destructor waits for the thread before the chunks go.
};

}  // namespace spikesweep
