#pragma once

#include <cstdint>
#include <vector>

#include <boost/mpi/communicator.hpp>

#include <spikesweep/learning/dataset.hpp>
#include <spikesweep/learning/model.hpp>
#include <spikesweep/store/sweep_file.hpp>

namespace spikesweep {

/// A selection point with the rates that the sweep measured there.
struct selection_point {
  int point = 0;
  std::vector<double> values;  ///< One an axis.
  double rate_E_hz = 0;
  double rate_I_hz = 0;
};

/// The global order of training rows, cut into equal contiguous shards. Each rank owns a contiguous range of shards,
/// and a batch takes equally many rows from every shard: so the batches are the same whatever the rank count, while
/// each rank reads its own rows only.
struct shard_plan {
  std::int64_t rows = 0;
  int shards = 1;

  std::int64_t begin(int shard) const { return rows * shard / shards; }
  std::int64_t size(int shard) const { return begin(shard + 1) - begin(shard); }
  std::int64_t largest() const;
  /// First shard of a rank; first_of(ranks) is the number of shards.
  int first_of(int rank, int ranks) const { return static_cast<int>(static_cast<std::int64_t>(shards) * rank / ranks); }
};

/// What one rank holds for training.
struct training_data {
  shard_plan plan;
  dataset train;                                  ///< This rank's shards.
  dataset selection;                              ///< This rank's share of the selection rows.
  std::vector<selection_point> selection_points;  ///< All of them, on every rank.
};

/// Reads this rank's share of a sweep file and prepares a model's space, scales, start states and rates from it.
/// Collective. Throws input_error if the file holds no finished training points, fewer training rows than shards, or
/// more ranks than shards are used.
training_data load_training_data(const boost::mpi::communicator& comm, const sweep_reader& file, int shards, model& m);

}  // namespace spikesweep
