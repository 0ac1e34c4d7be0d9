#include <array>
#include <cmath>
#include <memory>
#include <vector>

#include <spikesweep/base/error.hpp>
#include <spikesweep/base/rounding.hpp>
#include <spikesweep/learning/law.hpp>

#include "batch.hpp"
#include "cells.hpp"
#include "mixture_head.hpp"
#include "noise.hpp"

namespace spikesweep {

namespace {

std::size_t count_of(int i) {
  return static_cast<std::size_t>(i);
}

/// The counts' network with no other outputs than the logits of the mixture, which are its first outputs.
mlp_shape logits_network(const model& m) {
  mlp_shape shape = m.counts_network;
  shape.outputs = m.mixture.components;
  return shape;
}

/// The output layer of the counts' network.
struct output_layer {
  explicit output_layer(const member_view& m) {
    const std::size_t outputs = count_of(m.shared.counts_network.outputs);
    const std::size_t units = count_of(m.shared.counts_network.hidden.back());
    const auto layer = std::span(m.own.counts_weights).last(outputs * (units + 1));
    weights = layer.first(outputs * units);
    biases = layer.last(outputs);
  }
  std::span<const float> weights;
  std::span<const float> biases;
};

/// Parameters of logits_network().
std::vector<float> logits_parameters(const member_view& m) {
  const output_layer last(m);
  const std::size_t components = count_of(m.shared.mixture.components);
  const auto weights = last.weights.first(components * count_of(m.shared.counts_network.hidden.back()));
  std::vector<float> out(m.own.counts_weights.data(), last.weights.data());
  out.insert(out.end(), weights.begin(), weights.end());
  out.insert(out.end(), last.biases.data(), last.biases.data() + components);
  return out;
}

/// Turns independent noise into noise with the correlations of the cells in a phase.
struct correlating_product {
  correlating_product(const cell_dispersion& dispersion, int rows)
      : parameters(dispersion.factor.begin(), dispersion.factor.end()),
        variance(dispersion.variance.begin(), dispersion.variance.end()),
        product({static_cast<int>(dispersion.cells()), {}, static_cast<int>(dispersion.cells())}, rows, false) {
    parameters.resize(parameters.size() + dispersion.cells(), 0.0F);  // No biases.
    product.set_parameters(parameters);
  }
  std::vector<float> parameters;  ///< The factor of the cells' correlations.
  std::vector<float> variance;
  mlp product;
  std::span<const float> noise;  ///< rows x cells, of the last product.
};

}  // namespace

struct law_sampler::impl {
  impl(const member_view& of, int rows, precision numbers)
      : m(of.shared),
        width(count_of(m.features.size())),
        dims(count_of(m.targets.dims())),
        profile_size(count_of(m.targets.profile_size())),
        logits_weights(logits_parameters(of)),
        logits(logits_network(m), rows, false, numbers),
        head(m.mixture, m.counts_network.hidden.back(), output_layer(of).weights, output_layer(of).biases),
        profile(m.profile_network, rows, false, numbers),
        logits_inputs(logits.input()),
        profile_inputs(profile.input()),
        noise(dims + profile_size),
        cells(m.targets.groups()),
        white(count_of(rows) * profile_size),
        normals(count_of(rows) * dims),
        uniforms(count_of(rows)),
        samples(count_of(rows) * dims) {
    logits.set_parameters(logits_weights);
    profile.set_parameters(of.own.profile_weights);
    for (std::size_t phase = 0; phase < phase_kind_count; ++phase) {
      if (of.own.dispersion[phase].cells() > 0) {
        SPIKESWEEP_ASSERT(of.own.dispersion[phase].cells() == profile_size);
        correlate[phase] = std::make_unique<correlating_product>(of.own.dispersion[phase], rows);
      }
    }
  }

  std::span<float> profile_input(std::size_t row) { return profile_inputs.subspan(row * (width + dims), width + dims); }

  void encode(const law_query& query, std::size_t row) {
    const auto features = logits_inputs.subspan(row * width, width);
    m.features.raw(*query.p, query.values, query.phase, query.before, features);
    m.features.standardise(features);
    std::ranges::copy(features, profile_input(row).begin());
  }

  void draw_noise(const law_query& query, std::size_t row) {
    random_stream& stream = *query.stream;
    const auto drawn = noise.draw(stream);
    std::ranges::transform(drawn.first(dims), normals.begin() + static_cast<std::ptrdiff_t>(row * dims),
                           [scale = query.noise](float x) { return scale * x; });
    std::ranges::copy(drawn.subspan(dims), white.begin() + static_cast<std::ptrdiff_t>(row * profile_size));
    uniforms[row] = static_cast<float>(stream.word()) * 0x1p-32F;
  }

  void take_counts(const law_query& query, std::size_t row, law_sample& out) {
    std::array<std::int32_t, count_dims> n{};
    const auto sample = std::span(samples).subspan(row * dims, dims);
    out.duration = m.targets.decode(query.phase, sample, n);
    m.targets.condition(query.phase, n, out.duration, sample, profile_input(row).subspan(width));
    out.spikes_E = n[0];
    out.spikes_I = n[1];
    const auto& layout = m.space.layout.state;
    for (int k = 0; k < pool_count; ++k) {
      out.after[count_of(layout.pending(static_cast<pool>(k)))] = n[count_of(2 + k)];
    }
  }

  /// For each phase of a query all rows are multiplied, also rows of other phases. There are few phases, and the
  /// product is small.
  void correlate_noise(std::span<const law_query> queries) {
    for (std::size_t phase = 0; phase < phase_kind_count; ++phase) {
      const auto in_phase = [&](const law_query& q) { return static_cast<std::size_t>(q.phase) == phase; };
      if (correlate[phase] && std::ranges::any_of(queries, in_phase)) {
        std::ranges::copy(white, correlate[phase]->product.input().begin());
        correlate[phase]->noise = correlate[phase]->product.forward();
      }
    }
  }

  void draw_profile(const law_query& query, std::span<const float> raw, std::size_t row, law_sample& out) {
    const auto groups = m.targets.groups();
    const state_layout& layout = m.space.layout.state;
    const auto of_state = count_of(layout.cells());
    const auto of_pool = count_of(layout.target_cells());
    std::array<int, 4 + pool_count> totals{query.p->N_E, query.p->N_I, out.spikes_E, out.spikes_I};
    std::array<std::span<std::int32_t>, 4 + pool_count> parts{
        out.after.first(of_state), out.after.subspan(of_state, of_state), out.times_E, out.times_I};
    for (int k = 0; k < pool_count; ++k) {
      totals[count_of(4 + k)] = out.after[count_of(layout.pending(static_cast<pool>(k)))];
      parts[count_of(4 + k)] = out.after.subspan(count_of(layout.first_target(static_cast<pool>(k))), of_pool);
    }
    const std::span used = std::span(totals).first(groups.size());
    const auto* correlated = correlate[static_cast<std::size_t>(query.phase)].get();
    const auto shares = correlated == nullptr
                            ? cells.expect(raw, used, {}, {})
                            : cells.expect(raw, used, correlated->variance,
                                           correlated->noise.subspan(row * profile_size, profile_size));
    if (query.p->refractory_ms() == 0) {
      // No neuron is refractory; systematic_rounding scales the other cells.
      shares[of_state - 1] = shares[2 * of_state - 1] = 0;
      for (std::size_t k = 1; k <= pool_count && of_pool > 0; ++k) {
        shares[profile_size - pool_count * of_pool + k * of_pool - 1] = 0;
      }
    }
    std::size_t begin = 0;
    for (std::size_t g = 0; g < groups.size(); ++g) {
      const std::span<const float> group = shares.subspan(begin, count_of(groups[g]));
      systematic_rounding(group, totals[g], query.stream->word() * 0x1p-32, parts[g]);
      begin += group.size();
    }
  }

  const model& m;
  std::size_t width;  ///< Features.
  std::size_t dims;
  std::size_t profile_size;
  std::vector<float> logits_weights;
  mlp logits;
  mixture_head head;
  mlp profile;
  std::span<float> logits_inputs;                                                ///< rows x width
  std::span<float> profile_inputs;                                               ///< rows x (width + dims)
  std::array<std::unique_ptr<correlating_product>, phase_kind_count> correlate;  ///< None: scatters nothing.
  normal_source noise;
  cell_counts cells;
  std::vector<float> white;     ///< rows x profile size
  std::vector<float> normals;   ///< rows x dims
  std::vector<float> uniforms;  ///< rows
  std::vector<double> samples;  ///< rows x dims
};

law_sampler::law_sampler(const member_view& m, int rows, precision numbers)
    : impl_(std::make_unique<impl>(m, rows, numbers)) {}

law_sampler::~law_sampler() = default;

int law_sampler::time_bins() const {
  return impl_->m.space.layout.time_bins;
}

void law_sampler::sample(std::span<const law_query> queries, std::span<law_sample> samples) {
  impl& law = *impl_;
  const std::size_t n = queries.size();
  SPIKESWEEP_ASSERT(n == samples.size() && n <= law.uniforms.size());
  for (std::size_t i = 0; i < n; ++i) {
    law.encode(queries[i], i);
    law.draw_noise(queries[i], i);
  }
  const auto logits = law.logits.forward();
  law.head.sample(logits, law.logits.last_hidden(), std::span(law.uniforms).first(n),
                  std::span(law.normals).first(n * law.dims), std::span(law.samples).first(n * law.dims));
  for (std::size_t i = 0; i < n; ++i) {
    law.take_counts(queries[i], i, samples[i]);
  }
  const auto raw = law.profile.forward();
  law.correlate_noise(queries);
  for (std::size_t i = 0; i < n; ++i) {
    law.draw_profile(queries[i], raw.subspan(i * law.profile_size, law.profile_size), i, samples[i]);
  }
}

}  // namespace spikesweep
