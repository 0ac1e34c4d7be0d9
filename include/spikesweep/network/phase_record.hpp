#pragma once

#include <cstdint>

#include <boost/mpl/bool.hpp>
#include <boost/serialization/is_bitwise_serializable.hpp>

#include <spikesweep/network/transition.hpp>

namespace spikesweep {

/// A spike of a trajectory.
struct spike_record {
  double time;  ///< [s]
  int neuron;   ///< E neurons come first.
};

/// How a phase went.
struct phase_record {
  phase_kind kind = phase_kind::step;
  double begin = 0;          ///< [s]
  double end = 0;            ///< [s]
  bool capped = false;       ///< It ended at the section's cap.
  bool unfinished = false;   ///< The time limit or the caller cut it short.
  int pending_at_start = 0;  ///< Pending E-to-E kicks.
  int pending_peak = 0;      ///< Most pending E-to-E kicks seen at a spike.
  std::int64_t spikes_E = 0;
  std::int64_t spikes_I = 0;

  double duration() const { return end - begin; }

  template <class Archive>
  void serialize(Archive& archive, unsigned /*version*/) {
    archive& kind& begin& end& capped& unfinished& pending_at_start& pending_peak& spikes_E& spikes_I;
  }
};

}  // namespace spikesweep

// Messages and files have it as it lies in memory: rasters are long.
BOOST_IS_BITWISE_SERIALIZABLE(spikesweep::spike_record)
