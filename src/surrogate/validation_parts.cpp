#include "validation_parts.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

#include <boost/serialization/string.hpp>
#include <boost/serialization/vector.hpp>

#include <spikesweep/parallel/bytes.hpp>
#include <spikesweep/parallel/checked_bytes.hpp>

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
  ar& r.run& r.figures& r.errors& r.batches_E& r.batches_I& r.rate_E& r.rate_I& r.size_ks& r.interval_ks& r.spectrum& r
      .wall_s& r.power& r.raster;
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

namespace {

/// Names of the runs of a stage.
std::vector<std::string> runs_of(const std::string& stage) {
  return stage == "exact" ? std::vector<std::string>{stage, "exact_repeat"} : std::vector<std::string>{stage};
}

bool is_verdict(verdict v) {
  return static_cast<int>(v) < verdict_count;
}

/// Whether a run has as many numbers of each kind as it should.
bool fits_figures(const run_result& run, std::size_t frequencies) {
  static const run_figures like;
  return run.figures.values.size() == like.values.size() && run.errors.values.size() == like.values.size() &&
         is_peak_fault(run.figures.doubt.fault) && is_verdict(run.rate_E.verdict) && is_verdict(run.rate_I.verdict) &&
         (run.power.empty() || run.power.size() == frequencies);
}

}  // namespace

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

std::optional<validation_part> part_of(std::string bytes, const std::string& stage, std::size_t frequencies) {
  auto part = value_in<validation_part>(std::move(bytes));
  const std::vector<std::string> names = runs_of(stage);
  const bool fits = part && std::ranges::equal(part->runs, names, [&](const run_result& run, const std::string& name) {
                      return run.run == name && fits_figures(run, frequencies);
                    });
  return fits ? std::move(part) : std::nullopt;
}

std::string bytes_of(const std::vector<placed_part>& parts) {
  return to_bytes(parts);
}

std::vector<placed_part> parts_of(std::string bytes) {
  return from_bytes<std::vector<placed_part>>(std::move(bytes));
}

}  // namespace spikesweep
