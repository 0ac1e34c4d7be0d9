#pragma once

#include <spikesweep/learning/model.hpp>
#include <spikesweep/learning/training_data.hpp>
#include <spikesweep/parallel/communicator.hpp>

#include "batch.hpp"

namespace spikesweep {

/// Measures a model between the epochs of its training, on rows that do not change. Every call is collective and uses
/// the weights that the member has at that time.
class evaluation {
 public:
  /// All arguments have to outlive it.
  evaluation(const communicator& comm, const training_data& data, std::uint64_t seed, const member_view& m);

  /// Writes the mean losses over the selection rows of all ranks into the record, for all rows together and for each
  /// phase and regime.
  void measure_selection(epoch_record& record);
  /// Measures how the cells scatter about the profile that the network expects.
  profile_dispersion measure_dispersion();

 private:
  /// The sums of both losses over some selection rows of this rank.
  std::vector<batch_loss> losses_of_rows();

  const communicator& comm_;
  const training_data& data_;
  std::uint64_t seed_;
  member_view model_;
  law_batch batch_;
};

}  // namespace spikesweep
