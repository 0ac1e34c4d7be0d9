#include <cmath>

#include <spikesweep/base/error.hpp>
#include <spikesweep/learning/adamw.hpp>

namespace spikesweep {

adamw::adamw(const adamw_settings& settings, std::size_t size)
    : settings_(settings), first_(size, 0.0F), second_(size, 0.0F) {}

void adamw::step(std::span<float> parameters, std::span<const float> gradient, double learning_rate) {
  SPIKESWEEP_ASSERT(parameters.size() == first_.size() && gradient.size() == first_.size());
  ++steps_;
  const auto n = static_cast<double>(steps_);
  const auto beta_1 = static_cast<float>(settings_.beta_1);
  const auto beta_2 = static_cast<float>(settings_.beta_2);
  const auto keep = static_cast<float>(1 - learning_rate * settings_.weight_decay);
  const auto rate = static_cast<float>(learning_rate / (1 - std::pow(settings_.beta_1, n)));
  const auto scale = static_cast<float>(1 / (1 - std::pow(settings_.beta_2, n)));
  const auto epsilon = static_cast<float>(settings_.epsilon);
  for (std::size_t i = 0; i < first_.size(); ++i) {
    first_[i] = beta_1 * first_[i] + (1 - beta_1) * gradient[i];
    second_[i] = beta_2 * second_[i] + (1 - beta_2) * gradient[i] * gradient[i];
    parameters[i] = keep * parameters[i] - rate * first_[i] / (std::sqrt(second_[i] * scale) + epsilon);
  }
}

void adamw::restore(std::vector<float> first, std::vector<float> second, std::int64_t steps) {
  if (first.size() != first_.size() || second.size() != second_.size()) {
    throw input_error("the optimiser's state is of another size than the model");
  }
  first_ = std::move(first);
  second_ = std::move(second);
  steps_ = steps;
}

double clip_gradient(std::span<float> gradient, double largest_norm) {
  double squares = 0;
  for (const float g : gradient) {
    squares += static_cast<double>(g) * g;
  }
  const double norm = std::sqrt(squares);
  if (norm > largest_norm) {
    const auto factor = static_cast<float>(largest_norm / norm);
    for (float& g : gradient) {
      g *= factor;
    }
  }
  return norm;
}

}  // namespace spikesweep
