#include "validation_parts.hpp"

#include <iterator>
#include <utility>

#include <boost/serialization/string.hpp>
#include <boost/serialization/vector.hpp>

#include <spikesweep/parallel/bytes.hpp>

#include "serialise.hpp"

namespace boost::serialization {

template <class Archive>
void serialize(Archive& ar, spikesweep::batched_rate& b, unsigned) {
  ar& b.batches& b.batch_s;
}

template <class Archive>
void serialize(Archive& ar, spikesweep::rate_comparison& c, unsigned) {
  ar& c.p& c.verdict;
}

template <class Archive>
void serialize(Archive& ar, spikesweep::run_result& r, unsigned) {
  ar& r.run& r.figures& r.batches_E& r.batches_I& r.rate_E& r.rate_I& r.size_ks& r.interval_ks& r.spectrum& r.wall_s& r
      .power& r.raster;
}

template <class Archive>
void serialize(Archive& ar, spikesweep::spectrum& s, unsigned) {
  ar& s.frequency& s.power;
}

template <class Archive>
void serialize(Archive& ar, spikesweep::reference_samples& s, unsigned) {
  ar& s.sizes& s.intervals& s.power;
}

template <class Archive>
void serialize(Archive& ar, spikesweep::validation_part& p, unsigned) {
  ar& p.runs& p.runaway& p.reference;
}

template <class Archive>
void serialize(Archive& ar, spikesweep::placed_part& p, unsigned) {
  ar& p.place& p.part;
}

}  // namespace boost::serialization

namespace spikesweep {

void append_part(point_result& to, validation_part part) {
  std::move(part.runs.begin(), part.runs.end(), std::back_inserter(to.runs));
  to.runaway = to.runaway || part.runaway;
}

std::string part_name(const std::string& stage, int point) {
  return stage + ' ' + std::to_string(point);
}

std::string bytes_of(const validation_part& part) {
  return to_bytes(part);
}

validation_part part_of(std::string bytes) {
  return from_bytes<validation_part>(std::move(bytes));
}

std::string bytes_of(const std::vector<placed_part>& parts) {
  return to_bytes(parts);
}

std::vector<placed_part> parts_of(std::string bytes) {
  return from_bytes<std::vector<placed_part>>(std::move(bytes));
}

}  // namespace spikesweep
