#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include <spikesweep/network/trajectory.hpp>

namespace spikesweep {

/// The spikes of the network's own trajectory of a task, in the bins that figures need. There are more and more of them
/// as the task comes along.
class own_spikes {
 public:
  explicit own_spikes(int N_E) : N_E_(N_E) {}

  /// Adds a phase that begins so long after the trajectory did [s].
  void add(double begin_s, const phase_record& phase, std::span<const spike_record> spikes);

  /// Nothing can be added to so many bins any more when the trajectory is so long [s].
  static std::int64_t finished(double seconds) { return bin_of(seconds); }

  /// The bins from one on, for going on later.
  template <class Archive>
  void serialize_from(Archive& archive, std::int64_t first);
  /// Where so many bins from one on are, which nothing is added to any more.
  std::vector<std::span<std::byte>> parts_of(std::int64_t first, std::int64_t count);

  /// The figures of a task that is done, whose rows these are.
  task_figures figures_of(const transition_block& rows, const task_summary& summary, const parameters& p) const;

 private:
  /// A hair late, so that sums of durations of whole bins count as whole bins.
  static std::int64_t bin_of(double seconds);
  trajectory run_of(const transition_block& rows, const task_summary& summary) const;

  int N_E_;
  std::vector<std::uint32_t> E_;
  std::vector<std::uint32_t> I_;
};

template <class Archive>
void own_spikes::serialize_from(Archive& archive, std::int64_t first) {
  for (auto* bins : {&E_, &I_}) {
    const auto begin = bins->begin() + std::min(first, static_cast<std::int64_t>(bins->size()));
    std::vector<std::uint32_t> later(begin, bins->end());
    archive& later;
    bins->resize(static_cast<std::size_t>(first));
    bins->insert(bins->end(), later.begin(), later.end());
  }
}

}  // namespace spikesweep
