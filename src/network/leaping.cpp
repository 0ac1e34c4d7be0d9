#include <algorithm>
#include <cmath>

#include <spikesweep/network/leaping.hpp>

namespace spikesweep {

namespace {

constexpr double s_per_ms = 1e-3;
/// Age of what a spike sends out when its step ends [steps].
constexpr double mean_age = 0.5;

}  // namespace

std::array<count_table, 2> leaping_network::external_tables(const parameters& p, double dt_ms) {
  const auto table = [&](population q) { return count_table::poisson(p.external_rate(q) * dt_ms * s_per_ms); };
  return {table(population::E), table(population::I)};
}

leaping_network::leaping_network(const parameters& p, double dt_ms, random_stream stream)
    : markov_network(p, stream), clock_(dt_ms), external_(external_tables(p, dt_ms)) {}

bool leaping_network::step(double limit) {
  if (clock_.reached(limit)) {
    return false;
  }
  spikes_.clear();
  arrivals_.clear();
  give_back();
  // Whoever rests from here on rests since this step.
  const int resting = lists_[returns_].count;
  kick_externally(external_E_, external_[0]);
  kick_externally(external_I_, external_[1]);
  kick_recurrently();
  fresh_[returns_] = lists_[returns_].count - resting;
  for (std::size_t k = first_pool_; k < returns_; ++k) {
    fresh_[k] = lists_[k].count;
  }
  for (const step_spike& spike : spikes_) {
    fan_out(spike.neuron);
  }
  for (std::size_t k = first_pool_; k < returns_; ++k) {
    fresh_[k] = lists_[k].count - fresh_[k];
  }
  for (const std::int32_t neuron : late_) {
    potential_[static_cast<std::size_t>(neuron)] = 0;
  }
  clock_.tick();
  time_ = clock_.time();
  return true;
}

/// Takes out of a list those whose event comes in this step, into `left_`.
void leaping_network::leave(std::size_t k) {
  event_list& from = lists_[k];
  leaving_.clear();
  left_.clear();
  const auto pick = [&](int begin, int end, double steps) {
    // Each member with chance 1 - exp(-mean): the number of those passed over is geometric.
    const double mean = steps * clock_.dt_ms() * s_per_ms * from.rate;
    for (double place = begin; mean > 0;) {
      place += std::floor(random_.exponential() / mean);
      if (!(place < end)) {
        return;
      }
      leaving_.push_back(static_cast<int>(place));
      place += 1;
    }
  };
  pick(0, from.count - fresh_[k], 1);
  pick(from.count - fresh_[k], from.count, 1 + mean_age);
  for (auto place = leaving_.rbegin(); place != leaving_.rend(); ++place) {
    auto& member = from.members[static_cast<std::size_t>(*place)];
    left_.push_back(member);
    member = from.members[static_cast<std::size_t>(--from.count)];
  }
  events_ += static_cast<std::int64_t>(left_.size());
}

void leaping_network::give_back() {
  leave(returns_);
  late_.clear();
  for (const std::int32_t neuron : left_) {
    if ((random_.word64() >> 63) != 0) {
      late_.push_back(neuron);
    } else {
      potential_[static_cast<std::size_t>(neuron)] = 0;
    }
  }
}

void leaping_network::kick_externally(std::size_t k, const count_table& numbers) {
  const event_list& all = lists_[k];
  for (int i = 0; i < all.count; ++i) {
    const int neuron = all.members[static_cast<std::size_t>(i)];
    const int kicks = numbers.draw(random_);
    events_ += kicks;
    auto& v = potential_[static_cast<std::size_t>(neuron)];
    if (v == refractory_mark_) {
      continue;
    }
    const int moved = v + kicks;
    if (moved >= threshold_potential) {
      fire(neuron, 0);
    } else {
      v = static_cast<std::int16_t>(moved);
    }
  }
}

void leaping_network::kick_recurrently() {
  for (std::size_t k = first_pool_; k < returns_; ++k) {
    leave(k);
    for (const std::int32_t neuron : left_) {
      arrivals_.push_back({k, neuron});
    }
  }
  for (std::size_t n = arrivals_.size(); n > 0; --n) {
    // The next one of those that are left, each with the same probability.
    shuffle_step(arrivals_, n, random_);
    const auto [k, neuron] = arrivals_[n - 1];
    auto& v = potential_[static_cast<std::size_t>(neuron)];
    if (v == refractory_mark_) {
      continue;
    }
    const event_list& from = lists_[k];
    const int moved = std::max(v + from.sign * rounded_kick(from, v), reversal_potential);
    if (moved >= threshold_potential) {
      fire(neuron, 1);
    } else {
      v = static_cast<std::int16_t>(moved);
    }
  }
}

void leaping_network::fire(int neuron, double recurrence) {
  reset(neuron);
  spikes_.push_back({neuron, recurrence});
}

void leaping_network::draw_from(const state_layout& layout, state_view state) {
  markov_network::draw_from(layout, state);
  forget_ages();
}

void leaping_network::perturb(random_stream& stream) {
  markov_network::perturb(stream);
  forget_ages();
}

void leaping_network::change_parameters(const parameters& p) {
  markov_network::change_parameters(p);
  external_ = external_tables(p, clock_.dt_ms());
}

void leaping_network::synthesize(const state_layout& layout, int first_mode, random_stream& stream) {
  markov_network::synthesize(layout, first_mode, stream);
  forget_ages();
}

}  // namespace spikesweep
