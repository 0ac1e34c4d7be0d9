#include <array>
#include <cmath>

#include <spikesweep/base/error.hpp>
#include <spikesweep/base/rounding.hpp>
#include <spikesweep/learning/law.hpp>

#include "batch.hpp"

namespace spikesweep {

struct law_sampler::impl {
  impl(const model& of, int rows)
      : m(of), counts(of.counts_network, rows, false), profile(of.profile_network, rows, false) {
    counts.set_parameters(of.counts_weights);
    profile.set_parameters(of.profile_weights);
  }

  void encode(const law_query& query, std::size_t row) {
    const auto width = static_cast<std::size_t>(m.features.size());
    const auto dims = static_cast<std::size_t>(m.targets.dims());
    const auto features = counts.input().subspan(row * width, width);
    m.features.raw(*query.p, query.values, query.phase, query.before, features);
    m.features.standardise(features);
    std::ranges::copy(features, profile.input().subspan(row * (width + dims), width).begin());
  }

  void draw_counts(const law_query& query, std::span<const float> raw, std::size_t row, law_sample& out) {
    const auto width = static_cast<std::size_t>(m.features.size());
    const auto dims = static_cast<std::size_t>(m.targets.dims());
    std::array<double, count_dims + 1> y{};
    std::array<std::int32_t, count_dims> n{};
    mixture_sample(m.mixture, raw, *query.stream, std::span(y).first(dims));
    out.duration = m.targets.decode(query.phase, std::span(y).first(dims), n);
    condition(m, n, out.duration, profile.input().subspan(row * (width + dims) + width, dims));
    out.spikes_E = n[0];
    out.spikes_I = n[1];
    const auto& layout = m.space.layout.state;
    for (int k = 0; k < pool_count; ++k) {
      out.after[static_cast<std::size_t>(layout.pending(static_cast<pool>(k)))] = n[static_cast<std::size_t>(2 + k)];
    }
  }

  void draw_profile(const law_query& query, std::span<const float> logits, law_sample& out) {
    const auto& layout = m.space.layout.state;
    const auto groups = m.targets.groups();
    const int totals[] = {query.p->N_E, query.p->N_I, out.spikes_E, out.spikes_I};
    const auto cells = static_cast<std::size_t>(layout.cells());
    const std::span<std::int32_t> parts[] = {out.after.first(cells), out.after.subspan(cells, cells), out.times_E,
                                             out.times_I};
    shares.resize(logits.size());
    std::size_t begin = 0;
    for (std::size_t g = 0; g < groups.size(); ++g) {
      const auto size = static_cast<std::size_t>(groups[g]);
      softmax(logits.subspan(begin, size), totals[g], std::span(shares).subspan(begin, size));
      begin += size;
    }
    scatter(m.dispersion[static_cast<std::size_t>(query.phase)], *query.stream, shares);
    if (query.p->tau_ref == 0) {
      // Nobody rests; systematic_rounding scales the rest.
      shares[cells - 1] = shares[2 * cells - 1] = 0;
    }
    begin = 0;
    for (std::size_t g = 0; g < groups.size(); ++g) {
      const auto size = static_cast<std::size_t>(groups[g]);
      systematic_rounding(std::span(shares).subspan(begin, size), totals[g], query.stream->uniform(), parts[g]);
      begin += size;
    }
  }

  const model& m;
  mlp counts;
  mlp profile;
  std::vector<double> shares;
};

law_sampler::law_sampler(const model& m, int rows) : impl_(std::make_unique<impl>(m, rows)) {}

law_sampler::~law_sampler() = default;

int law_sampler::time_bins() const {
  return impl_->m.space.layout.time_bins;
}

void law_sampler::sample(std::span<const law_query> queries, std::span<law_sample> samples) {
  SPIKESWEEP_ASSERT(queries.size() == samples.size());
  for (std::size_t i = 0; i < queries.size(); ++i) {
    impl_->encode(queries[i], i);
  }
  const auto raw = impl_->counts.forward();
  const auto outputs = static_cast<std::size_t>(impl_->m.mixture.outputs());
  for (std::size_t i = 0; i < queries.size(); ++i) {
    impl_->draw_counts(queries[i], raw.subspan(i * outputs, outputs), i, samples[i]);
  }
  const auto logits = impl_->profile.forward();
  const auto size = static_cast<std::size_t>(impl_->m.targets.profile_size());
  for (std::size_t i = 0; i < queries.size(); ++i) {
    impl_->draw_profile(queries[i], logits.subspan(i * size, size), samples[i]);
  }
}

}  // namespace spikesweep
