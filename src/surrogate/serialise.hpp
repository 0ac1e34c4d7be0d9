#pragma once

#include <spikesweep/surrogate/trajectory.hpp>

// What results hold, for the messages in which ranks send them.
namespace boost::serialization {

template <class Archive>
void serialize(Archive& ar, spikesweep::spike_record& s, unsigned) {
  ar& s.time& s.neuron;
}

template <class Archive>
void serialize(Archive& ar, spikesweep::run_figures& f, unsigned) {
  ar& f.rate_E_hz& f.rate_I_hz& f.phase_rate_hz& f.size_mean& f.size_cv& f.interval_mean_s& f.interval_cv& f
      .fano_E_1ms& f.peak_hz;
}

}  // namespace boost::serialization
