#include "batch.hpp"

#include <algorithm>
#include <array>
#include <cmath>

#include <spikesweep/base/random.hpp>
#include <spikesweep/learning/profile.hpp>

#include "softmax.hpp"

namespace spikesweep {

namespace {

/// Weight of a spike-time group for a phase with the mean number of spikes. A cell group has weight 1.
constexpr double spike_time_weight = 0.25;
/// Largest weight of a spike-time group, for a phase with many spikes.
constexpr double largest_spike_time_weight = 4 * spike_time_weight;

}  // namespace

void softmax(std::span<const float> logits, double total, std::span<double> out) {
  const double sum = exponentials<float>(logits, out);
  for (auto& x : out.first(logits.size())) {
    x *= total / sum;
  }
}

law_batch::law_batch(const model& m, int rows, bool training, precision numbers)
    : model_(m),
      rows_(rows),
      counts_(m.counts_network, rows, training, numbers),
      profile_(m.profile_network, rows, training, numbers),
      targets_(static_cast<std::size_t>(rows * m.targets.dims())),
      profile_targets_(static_cast<std::size_t>(rows * m.targets.profile_size())),
      weights_(static_cast<std::size_t>(rows)) {}

void law_batch::set_weights(std::span<const float> counts, std::span<const float> profile) {
  counts_.set_parameters(counts);
  profile_.set_parameters(profile);
}

void law_batch::fill(int slot, const dataset& data, std::int64_t row, float weight, std::uint64_t seed, int epoch) {
  const auto s = static_cast<std::size_t>(slot);
  const auto r = static_cast<std::size_t>(row);
  const auto width = static_cast<std::size_t>(data.features);
  const auto dims = static_cast<std::size_t>(model_.targets.dims());
  const auto features = std::span(data.inputs).subspan(r * width, width);
  const auto counts = std::span(data.counts).subspan(r * count_dims, count_dims);
  std::ranges::copy(features, counts_.input().subspan(s * width, width).begin());
  const auto profile_input = profile_.input().subspan(s * (width + dims), width + dims);
  std::ranges::copy(features, profile_input.begin());
  const auto size = static_cast<std::size_t>(model_.targets.profile_size());
  const auto profile = std::span(data.profile).subspan(r * size, size);
  std::array<double, dequantised_dims> u;
  u.fill(0.5);
  std::array<double, dequantised_dims + 1> y{};
  const auto target = std::span(y).first(dims);
  model_.targets.raw(counts, data.duration[r], profile, u, target);
  model_.targets.standardise(target, profile_input.subspan(width));

  random_stream noise(seed, purpose::dequantisation, static_cast<std::uint32_t>(epoch),
                      static_cast<std::uint32_t>(data.number_of(row)));
  for (auto& x : u) {
    x = static_cast<double>(noise.word()) * 0x1p-32;
  }
  model_.targets.raw(counts, data.duration[r], profile, u, target);
  model_.targets.standardise(target, std::span(targets_).subspan(s * dims, dims));

  const float* from = profile.data();
  float* to = profile_targets_.data() + s * size;
  const auto groups = model_.targets.groups();
  for (std::size_t g = 0; g < groups.size(); ++g) {
    float sum = 0;
    for (int i = 0; i < groups[g]; ++i) {
      sum += from[i];
    }
    double group_weight = 1;
    if (g >= 2) {
      const double y_mean = model_.targets.statistics().mean[g - 2];
      group_weight = std::min(spike_time_weight * sum / std::max(1.0, y_mean * y_mean), largest_spike_time_weight);
    }
    const float scale = sum > 0 ? static_cast<float>(group_weight) / sum : 0.0F;
    for (int i = 0; i < groups[g]; ++i) {
      *to++ = *from++ * scale;
    }
  }
  weights_[s] = weight;
}

void law_batch::clear(int slot) {
  weights_[static_cast<std::size_t>(slot)] = 0;
}

void law_batch::evaluate() {
  raw_ = counts_.forward();
  logits_ = profile_.forward();
}

batch_loss law_batch::loss_of(int slot) const {
  const auto at = static_cast<std::size_t>(slot);
  const auto row = [at](std::span<const float> all, int width) {
    return all.subspan(at * static_cast<std::size_t>(width), static_cast<std::size_t>(width));
  };
  const auto weight = std::span(weights_).subspan(at, 1);
  const int profile = model_.targets.profile_size();
  return {
      mixture_loss(model_.mixture, row(raw_, model_.mixture.outputs()), row(targets_, model_.mixture.dims), weight, {}),
      profile_loss(model_.targets.groups(), row(logits_, profile), row(profile_targets_, profile), weight, {})};
}

std::span<const float> law_batch::profile_logits(int slot) {
  const auto size = static_cast<std::size_t>(model_.targets.profile_size());
  return logits_.subspan(static_cast<std::size_t>(slot) * size, size);
}

batch_loss law_batch::differentiate(std::span<float> counts_gradient, std::span<float> profile_gradient) {
  evaluate();
  const batch_loss sum{
      mixture_loss(model_.mixture, raw_, targets_, weights_, counts_.output_gradient()),
      profile_loss(model_.targets.groups(), logits_, profile_targets_, weights_, profile_.output_gradient())};
  counts_.backward(counts_gradient);
  profile_.backward(profile_gradient);
  return sum;
}

}  // namespace spikesweep
