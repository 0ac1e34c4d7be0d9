#pragma once

#include <cstddef>
#include <span>
#include <utility>
#include <vector>

#include <spikesweep/network/trajectory.hpp>

namespace spikesweep {

/// Places of batches in runs that count as one.
class batch_places {
 public:
  explicit batch_places(std::span<const trajectory> runs) {
    for (const trajectory& run : runs) {
      first_.push_back(count_);
      of_run_.push_back(run.batches_E.empty() ? 1 : static_cast<int>(run.batches_E.size()));
      length_s_.push_back(run.duration_s);
      count_ += of_run_.back();
    }
  }

  int count() const { return count_; }
  int of_run(std::size_t run) const { return of_run_[run]; }
  /// The batch of a time since the start of the run [s].
  int at(std::size_t run, double seconds) const {
    const int n = of_run_[run];
    const int batch = static_cast<int>(seconds / length_s_[run] * n);
    return first_[run] + (batch < 0 ? 0 : batch >= n ? n - 1 : batch);
  }

 private:
  int count_ = 0;
  std::vector<int> first_;
  std::vector<int> of_run_;
  std::vector<double> length_s_;
};

/// Something that adds up, of each batch and of all together.
template <class Sum>
struct batched {
  Sum all;
  std::vector<Sum> of;

  batched(const Sum& nothing, int batches) : all(nothing), of(static_cast<std::size_t>(batches), nothing) {}

  /// Calls `add` for the batch and for all.
  template <class Add>
  void add(int batch, const Add& add) {
    add(all);
    add(of[static_cast<std::size_t>(batch)]);
  }
  /// All but one batch; -1: all.
  Sum without(int batch) const {
    Sum out = all;
    if (batch >= 0) {
      out -= of[static_cast<std::size_t>(batch)];
    }
    return out;
  }
};

/// A list of sums that are added one by one.
template <class Number>
struct sum_list {
  std::vector<Number> values;

  sum_list& operator-=(const sum_list& other) {
    for (std::size_t i = 0; i < values.size(); ++i) {
      values[i] -= other.values[i];
    }
    return *this;
  }
};

}  // namespace spikesweep
