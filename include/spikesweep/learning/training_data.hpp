#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <vector>

#include <spikesweep/learning/chunk_plan.hpp>
#include <spikesweep/learning/dataset.hpp>
#include <spikesweep/learning/model.hpp>
#include <spikesweep/learning/settings.hpp>
#include <spikesweep/learning/shard_plan.hpp>
#include <spikesweep/parallel/communicator.hpp>
#include <spikesweep/store/sweep_file.hpp>

namespace spikesweep {

/// A point, and the rates that the sweep measured there.
struct measured_point {
  int point = 0;
  std::vector<double> values;  ///< One for each axis.
  double rate_E_hz = 0;
  double rate_I_hz = 0;
  double one_spike_E_hz = 0;  ///< The rate if there had been one E spike: what is lower cannot be measured.
  double one_spike_I_hz = 0;
};

/// The selection loss is measured on at most this many rows of the selection points, over all ranks. If there are more
/// rows, evenly spread ones are taken.
inline constexpr std::int64_t most_selection_rows = 32768;
/// The scatter of the profile is measured on every n-th training row, over all ranks. n is the largest number that
/// leaves at least this many rows, so there are less than twice as many; if there are fewer training rows, n is 1.
inline constexpr std::int64_t dispersion_rows = 16384;

/// What one rank holds for training. A training on a few rows needs some memory too; on top of that, the peak resident
/// memory over all ranks is at most
/// - settings.buffer_MiB for training rows of row_bytes() each: all rows, or two chunks if they are streamed;
/// - the selection rows and the dispersion rows, together less than 65,536 rows;
/// - on each rank 8 MiB for rows as they lie in the file, of which it reads most_block_rows at a time, and 400 bytes
/// for
///   each task of the sweep.
struct training_data {
  shard_plan plan;
  chunk_plan chunks;
  dataset train;  ///< The rows of this rank's shards; empty if rows are streamed.
  /// If rows are streamed: reads rows [first, last) of the global order from the sweep file and appends them,
  /// standardised. It calls HDF5, which is not thread-safe, so no other thread may call HDF5 meanwhile.
  std::function<void(std::int64_t first, std::int64_t last, dataset& to)> read;
  dataset selection;                             ///< This rank's share of the selection rows.
  std::vector<regime> selection_regimes;         ///< The regime of each of these rows.
  dataset dispersion;                            ///< This rank's share of the dispersion rows.
  std::vector<measured_point> selection_points;  ///< All selection points, on every rank.
};

/// What the transitions of a sweep consist of. The ranges of its axes are those of all points of the design: a model
/// keeps those of the points that it is trained on.
transition_space space_of(const sweep_description& sweep);

/// Appends the dispersion rows among some training rows to `to`. The plan alone decides which rows these are.
void add_dispersion_rows(const dataset& train, const shard_plan& plan, dataset& to);

/// Reads this rank's share of a sweep file, and prepares the space, the scales, the cloud, the start states, the rates
/// and the figures (without regressions) of a model from it. If rows are streamed, they are read once for the scales
/// and not kept, and the file stays open. Collective. Throws input_error if the file holds no finished training point
/// or fewer training rows than shards, if there are more ranks than shards, or if the buffer does not hold two batches.
training_data load_training_data(const communicator& comm, const std::filesystem::path& sweep_file,
                                 const learning_settings& settings, model& m);

}  // namespace spikesweep
