#pragma once

#include <memory>
#include <span>
#include <vector>

#include <spikesweep/base/random.hpp>
#include <spikesweep/learning/model.hpp>

namespace spikesweep {

/// The conditions for which a transition is drawn.
struct law_query {
  const parameters* p = nullptr;
  std::span<const double> values;  ///< Axis values.
  phase_kind phase = phase_kind::step;
  state_view before;
  random_stream* stream = nullptr;
  float noise = 1;  ///< What the noise of the counts and the duration is multiplied by.
};

/// The drawn transition. `after` may be the same memory as the query's `before`.
struct law_sample {
  std::span<std::int32_t> after;
  std::span<std::int32_t> times_E;
  std::span<std::int32_t> times_I;
  std::int32_t spikes_E = 0;
  std::int32_t spikes_I = 0;
  double duration = 0;  ///< [s]
};

/// Draws transitions from the two-part law of a member. First it draws counts and duration from the mixture. Given
/// them, it scatters the expected numbers of neurons in the cells as the data scatter, and rounds them to whole neurons
/// by systematic rounding. Population sizes are conserved exactly. Only the drawn component of the mixture is computed.
/// The transition of a query depends neither on the other queries nor on `rows`, because rows are multiplied
/// independently and each query has its own random stream. It keeps the view, so the model has to outlive it. Not
/// thread-safe: use one sampler for each thread.
class law_sampler {
 public:
  /// `rows`: how many queries go through the networks at a time. `numbers`: the number type of the matrix products.
  law_sampler(const member_view& m, int rows, precision numbers = precision::fp32);
  ~law_sampler();
  law_sampler(const law_sampler&) = delete;
  law_sampler& operator=(const law_sampler&) = delete;

  int time_bins() const;
  /// Draws one transition for each query. There may be at most `rows` queries.
  void sample(std::span<const law_query> queries, std::span<law_sample> samples);

 private:
  struct impl;
  std::unique_ptr<impl> impl_;
};

}  // namespace spikesweep
