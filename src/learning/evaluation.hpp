#pragma once

#include <spikesweep/learning/model.hpp>
#include <spikesweep/learning/training_data.hpp>
#include <spikesweep/parallel/communicator.hpp>

#include "batch.hpp"

namespace spikesweep {

/// What is measured of a model between the epochs of its training, on rows that do not change. Every call is
/// collective and takes the weights that the model has then.
class evaluation {
 public:
  evaluation(const communicator& comm, const training_data& data, std::uint64_t seed, const member_view& m);

  /// Mean losses over the selection rows of all ranks, all together and by phase and regime, into the record.
  void measure_selection(epoch_record& record);
  /// How cells scatter about the profile that the network expects.
  profile_dispersion measure_dispersion();

 private:
  /// Sums of both losses over some selection rows of this rank.
  batch_loss losses_of(const std::vector<std::int64_t>& rows);

  const communicator& comm_;
  const training_data& data_;
  std::uint64_t seed_;
  member_view model_;
  law_batch batch_;
};

}  // namespace spikesweep
