#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include <spikesweep/learning/features.hpp>
#include <spikesweep/learning/shard_plan.hpp>
#include <spikesweep/parallel/communicator.hpp>

namespace spikesweep {

/// Transitions of a sweep, prepared for training: row i of every data member belongs to transition i.
struct dataset {
  std::int64_t first = 0;             ///< Number of row 0 in the global order of rows, if `numbers` is empty.
  std::vector<std::int64_t> numbers;  ///< Number of each row; empty if the rows are consecutive from `first` on.
  std::int64_t rows = 0;
  int features = 0;
  std::vector<float> inputs;         ///< rows x features; raw before standardise() is called.
  std::vector<std::int32_t> counts;  ///< rows x count_dims
  std::vector<double> duration;      ///< [s]
  std::vector<std::uint8_t> phase;   ///< phase_kind
  std::vector<float> profile;        ///< rows x target_map::profile_size(): counts per cell and time bin

  /// Number of a row in the global order.
  std::int64_t number_of(std::int64_t row) const {
    return numbers.empty() ? first + row : numbers[static_cast<std::size_t>(row)];
  }
};

/// Memory that a row takes, with its number and its place in the order of an epoch [bytes].
std::int64_t row_bytes(const feature_map& features, const target_map& targets);

/// Allocates memory for this many rows and not more.
void reserve(dataset& data, const feature_map& features, const target_map& targets, std::int64_t rows);

/// Removes all rows and keeps the memory.
void clear(dataset& data);

/// Appends every row of a block. `p` and `axis_values` belong to the block's point.
void append(dataset& data, const feature_map& features, const transition_layout& layout, const parameters& p,
            std::span<const double> axis_values, const transition_block& block);

/// Appends one row of another data set, with its number.
void append_row(dataset& to, const dataset& from, std::int64_t row);

/// Collects sums for the means, standard deviations and extremes of inputs and targets. Each shard has sums of its own,
/// so the results are the same for every number of ranks.
class statistics_fit {
 public:
  statistics_fit(const shard_plan& plan, const feature_map& features, const target_map& targets);

  /// Adds rows, which must not be standardised. The rows of a shard have to come in the global order, also over several
  /// calls.
  void add(const dataset& data);
  /// Sets the statistics of both maps from the rows that all ranks have added; together these have to be all training
  /// rows. Collective.
  void fit(const communicator& comm, feature_map& features, target_map& targets);
  /// The same from the rows that were added here. Rank-local.
  void finish(feature_map& features, target_map& targets) const;

 private:
  shard_plan plan_;
  target_map targets_;
  std::size_t width_;                 ///< Columns of the inputs.
  std::vector<double> feature_sums_;  ///< shards x (sums, sums of squares) x columns
  std::vector<double> target_sums_;   ///< The same for the targets.
  std::vector<double> lowest_;        ///< phases x targets
  std::vector<double> highest_;
};

/// Standardises the inputs of the rows from `first` on in place. Call it once for each row.
void standardise(dataset& data, const feature_map& features, std::int64_t first = 0);

}  // namespace spikesweep
