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

namespace spikesweep {

/// A point with the rates that the sweep measured there.
struct measured_point {
  int point = 0;
  std::vector<double> values;  ///< One an axis.
  double rate_E_hz = 0;
  double rate_I_hz = 0;
};

/// Most rows of the selection points that a likelihood is measured on, over all ranks; of more, evenly spread ones.
inline constexpr std::int64_t most_selection_rows = 32768;
/// Most training points that a model is tuned at; of more, evenly spread ones.
inline constexpr std::size_t most_tuning_points = 1024;
/// Training rows that the scatter of the profile is measured on, over all ranks: every so-manieth of all, at least this
/// many if there are as many, and less than twice as many.
inline constexpr std::int64_t dispersion_rows = 16384;

/// What one rank holds for training. Peak resident memory, over all ranks, is above that of a training on a few rows by
/// at most
/// - settings.buffer_MiB for training rows of row_bytes() each: all of them, or two chunks where they are streamed;
/// - the selection and the dispersion rows, less than 65,536 together;
/// - on each rank 8 MiB for rows as they lie in the file, of which it reads most_block_rows at a time, and 400 bytes a
///   task of the sweep.
struct training_data {
  shard_plan plan;
  chunk_plan chunks;
  dataset train;  ///< This rank's shards; none where they are streamed.
  /// Where they are streamed: appends rows [first, last) of the global order, standardised. Calls HDF5.
  std::function<void(std::int64_t first, std::int64_t last, dataset& to)> read;
  dataset selection;                             ///< This rank's share of the selection rows.
  std::vector<regime> selection_regimes;         ///< Of each of these rows.
  dataset dispersion;                            ///< This rank's share of the dispersion rows.
  std::vector<measured_point> selection_points;  ///< All of them, on every rank.
  std::vector<measured_point> training_points;   ///< At most most_tuning_points, on every rank.
};

/// Appends those of some training rows that are dispersion rows; which ones these are depends on the plan alone.
void add_dispersion_rows(const dataset& train, const shard_plan& plan, dataset& to);

/// Reads this rank's share of a sweep file and prepares a model's space, scales, cloud, start states and rates from it.
/// Where rows are streamed the file stays open, and the rows are read for the scales and then not kept. Collective.
/// Throws input_error if the file holds no finished training points, fewer training rows than shards, more ranks than
/// shards are used, or the buffer does not hold two batches.
training_data load_training_data(const communicator& comm, const std::filesystem::path& sweep_file,
                                 const learning_settings& settings, model& m);

}  // namespace spikesweep
