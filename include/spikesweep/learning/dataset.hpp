#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include <spikesweep/learning/features.hpp>
#include <spikesweep/learning/shard_plan.hpp>
#include <spikesweep/parallel/communicator.hpp>

namespace spikesweep {

/// Transitions of a sweep, ready for training: row i of every member is one transition.
struct dataset {
  std::int64_t first = 0;  ///< Number of row 0 in the global order; the others follow, unless `numbers` says otherwise.
  std::vector<std::int64_t> numbers;  ///< Number of each row, where they do not follow one another; else empty.
  std::int64_t rows = 0;
  int features = 0;
  std::vector<float> inputs;         ///< rows x features, raw until standardise()
  std::vector<std::int32_t> counts;  ///< rows x count_dims
  std::vector<double> duration;      ///< [s]
  std::vector<std::uint8_t> phase;   ///< phase_kind
  std::vector<float> profile;        ///< rows x target_map::profile_size(): counts per cell and time bin

  /// Number of a row in the global order.
  std::int64_t number_of(std::int64_t row) const {
    return numbers.empty() ? first + row : numbers[static_cast<std::size_t>(row)];
  }
};

/// Memory of a row, its number and its place in the order of an epoch included.
std::int64_t row_bytes(const feature_map& features, const target_map& targets);

/// Makes room for so many rows, and not more.
void reserve(dataset& data, const feature_map& features, const target_map& targets, std::int64_t rows);

/// Drops the rows and keeps their memory.
void clear(dataset& data);

/// Appends every row of a block; `p` and `axis_values` are of the block's point.
void append(dataset& data, const feature_map& features, const transition_layout& layout, const parameters& p,
            std::span<const double> axis_values, const transition_block& block);

/// Appends one row of another data set, with its number.
void append_row(dataset& to, const dataset& from, std::int64_t row);

/// Sums from which means, deviations and extremes of inputs and targets are found. They are taken shard by shard, so
/// that they are the same for every rank count.
class statistics_fit {
 public:
  statistics_fit(const shard_plan& plan, const feature_map& features, const target_map& targets);

  /// Rows of the global order, not yet standardised; those of a shard come in order, also over several calls.
  void add(const dataset& data);
  /// Over the rows that all ranks have added, which have to be the training rows: sets the statistics of both maps.
  /// Collective.
  void fit(const communicator& comm, feature_map& features, target_map& targets);

 private:
  shard_plan plan_;
  target_map targets_;
  std::size_t width_;                 ///< Columns of the inputs.
  std::vector<double> feature_sums_;  ///< shards x (sums, sums of squares) x columns
  std::vector<double> target_sums_;   ///< Likewise.
  std::vector<double> lowest_;        ///< phases x targets
  std::vector<double> highest_;
};

/// Standardises the inputs of the rows from `first` on in place, once.
void standardise(dataset& data, const feature_map& features, std::int64_t first = 0);

}  // namespace spikesweep
