#pragma once

#include <cstdint>
#include <future>
#include <optional>
#include <vector>

#include <spikesweep/learning/model.hpp>
#include <spikesweep/learning/training_data.hpp>

namespace spikesweep {

/// A row of a step: valid until the next begin_step() or begin_epoch().
struct row_reference {
  const dataset& data;
  std::int64_t row;
};

/// Gives the training rows of a range of shards in the order in which they are trained on: anew in every epoch, and a
/// function of (seed, epoch, shard) and the chunk plan alone, whatever the rank that owns the shard. Where rows are
/// streamed, a thread of its own reads the next chunk while steps go on with the current one. Local, not collective.
///
/// HDF5 is not thread-safe: while a chunk is read, no other thread of the process may call it. A read begins in
/// begin_epoch() and begin_step() alone, so between settle() and the next of these calls HDF5 is free.
class row_source {
 public:
  /// Of shards [first, last) of the plan. All arguments have to outlive it.
  row_source(const training_data& data, const model& m, const learning_settings& settings, int first, int last);
  row_source(const row_source&) = delete;
  row_source& operator=(const row_source&) = delete;
  ~row_source() = default;  // Waits for a chunk that is being read.

  /// Goes to a step of an epoch, which may be any: only its own chunk is read, and nothing before it. Throws what
  /// reading throws.
  void begin_epoch(int epoch, std::int64_t first_step = 0);

  /// Makes the rows of a step of this epoch available; waits if they are still being read. Steps come in order. Throws
  /// what reading throws, also on the other thread.
  void begin_step(std::int64_t step);

  /// The i-th row of the epoch in a shard, which belongs to the current step; nothing if the shard has fewer rows.
  std::optional<row_reference> row(int shard, std::int64_t i) const;

  /// Waits until no other thread calls HDF5. Call it before anything else does.
  void settle();

 private:
  /// Rows of all shards of the range, one shard after another.
  struct chunk {
    int epoch = 0;  ///< 0: of none, nothing to be relied on.
    std::int64_t index = 0;
    dataset rows;                      ///< Only where rows are streamed.
    std::vector<std::uint32_t> order;  ///< Rows of the data set as they are dealt.
    std::vector<std::size_t> begin;    ///< Of each shard in `order`, and the end of the last.
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
  std::int64_t rows_per_step_;  ///< Of each shard.
  std::int64_t chunks_;         ///< Of an epoch.
  chunk current_;
  chunk next_;                 ///< Belongs to the other thread while reading_ is valid.
  std::future<void> reading_;  ///< The last member, so that it is waited for before the rest goes.
};

}  // namespace spikesweep
