#pragma once

#include <memory>
#include <span>
#include <vector>

#include <spikesweep/base/random.hpp>
#include <spikesweep/learning/model.hpp>

namespace spikesweep {

/// What a transition is drawn for.
struct law_query {
  const parameters* p = nullptr;
  std::span<const double> values;  ///< Axis values.
  phase_kind phase = phase_kind::step;
  state_view before;
  random_stream* stream = nullptr;
};

/// Where a drawn transition goes; `after` may be the query's `before`.
struct law_sample {
  std::span<std::int32_t> after;
  std::span<std::int32_t> times_E;
  std::span<std::int32_t> times_I;
  std::int32_t spikes_E = 0;
  std::int32_t spikes_I = 0;
  double duration = 0;  ///< [s]
};

/// Draws from a model's two-part law: counts and duration from the mixture, then, given them, whole neurons in cells by
/// systematic rounding of the expected shares, scattered as the data do. Population sizes are conserved exactly. Of the
/// mixture only the drawn component is computed. What is drawn for a query does not depend on the other queries nor on
/// `rows`: products of rows are independent, and each query has its own stream. Keeps a reference to the model.
class law_sampler {
 public:
  /// `rows`: queries that go through the networks at a time. `numbers`: of the products in them.
  law_sampler(const member_view& m, int rows, precision numbers = precision::fp32);
  ~law_sampler();
  law_sampler(const law_sampler&) = delete;
  law_sampler& operator=(const law_sampler&) = delete;

  int time_bins() const;
  /// Draws one transition for each query; at most `rows` of them.
  void sample(std::span<const law_query> queries, std::span<law_sample> samples);

 private:
  struct impl;
  std::unique_ptr<impl> impl_;
};

}  // namespace spikesweep
