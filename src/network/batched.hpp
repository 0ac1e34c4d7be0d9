#pragma once

#include <algorithm>
#include <cstddef>
#include <span>
#include <utility>
#include <vector>

#include <spikesweep/network/kept_runs.hpp>

namespace spikesweep {

/// Places of batches in runs that count as one. A run has pieces (trajectory::batches_E). A batch is one piece. If that
/// makes too many batches, several pieces in a row are one batch, because time and memory grow with the batches.
class batch_places {
 public:
  /// 256 batches tell a standard error to 4 % of it.
  static constexpr int most_batches = 256;

  explicit batch_places(std::span<const trajectory> runs) {
    for (const trajectory& run : runs) {
      first_.push_back(pieces_);
      of_run_.push_back(run.batches_E.empty() ? 1 : static_cast<int>(run.batches_E.size()));
      length_s_.push_back(run.duration_s);
      pieces_ += of_run_.back();
    }
    together_ = (pieces_ + most_batches - 1) / most_batches;
  }

  int count() const { return (pieces_ + together_ - 1) / together_; }
  int pieces_of(std::size_t run) const { return of_run_[run]; }
  /// The batch of a piece of a run.
  int of_piece(std::size_t run, int piece) const { return (first_[run] + piece) / together_; }
  /// The batch of a time since the start of the run [s]. A hair before the edge of a batch is at its edge: times are
  /// sums with rounding.
  int at(std::size_t run, double seconds) const {
    const int n = of_run_[run];
    if (n == 1) {
      return of_piece(run, 0);
    }
    constexpr double hair = 1e-6;
    return of_piece(run, std::clamp(static_cast<int>(seconds / length_s_[run] * n + hair), 0, n - 1));
  }

 private:
  int pieces_ = 0;
  int together_ = 1;  ///< Pieces of a batch.
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
  Sum of_choice(const batch_choice& choice) const {
    if (choice.alone) {
      return of[static_cast<std::size_t>(choice.batch)];
    }
    Sum out = all;
    if (choice.batch >= 0) {
      out -= of[static_cast<std::size_t>(choice.batch)];
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
