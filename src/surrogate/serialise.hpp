#pragma once

#include <boost/serialization/vector.hpp>

#include <spikesweep/network/figures.hpp>

// What results hold, for the messages in which ranks send them, and for unfinished results.

namespace boost::serialization {

template <class Archive>
void serialize(Archive& ar, spikesweep::peak_doubt& d, unsigned) {
  ar& d.fault& d.other_hz;
}

template <class Archive>
void serialize(Archive& ar, spikesweep::run_figures& f, unsigned) {
  ar& f.values& f.doubt;
}

}  // namespace boost::serialization
