#pragma once

// The network of the reference, written again as plainly as can be and with nothing of the library in it: the standard
// library's random numbers, one record a pending kick, a linear search for the next event.

#include <cmath>
#include <random>
#include <vector>

namespace plain {

struct network {
  int N_E, N_I;
  double P[2][2];  // [post][pre]
  double S[2][2];
  double tau_ms[2][2];
  double lambda;  // 1/s
  double tau_ref_ms;
  bool voltage_dependent;
};

struct rates {
  double E = 0;
  double I = 0;
};

class simulation {
 public:
  simulation(const network& n, unsigned seed) : n_(n), random_(seed), v_(static_cast<std::size_t>(n.N_E + n.N_I), 0) {}

  rates run(double burn_in, double seconds) {
    double t = 0;
    rates spikes;
    while (true) {
      double weights[7] = {n_.N_E * n_.lambda, n_.N_I * n_.lambda, 0, 0, 0, 0, 0};
      for (int post = 0; post < 2; ++post) {
        for (int pre = 0; pre < 2; ++pre) {
          weights[2 + 2 * post + pre] = static_cast<double>(pending_[post][pre].size()) * 1000 / n_.tau_ms[post][pre];
        }
      }
      weights[6] = n_.tau_ref_ms > 0 ? static_cast<double>(resting_.size()) * 1000 / n_.tau_ref_ms : 0;
      double total = 0;
      for (const double w : weights) {
        total += w;
      }
      t += std::exponential_distribution<double>(total)(random_);
      if (t >= burn_in + seconds) {
        return {spikes.E / (n_.N_E * seconds), spikes.I / (n_.N_I * seconds)};
      }
      const int what = std::discrete_distribution<int>(std::begin(weights), std::end(weights))(random_);
      const int fired = happen(what);
      if (fired >= 0 && t >= burn_in) {
        (fired < n_.N_E ? spikes.E : spikes.I) += 1;
      }
    }
  }

 private:
  static constexpr int resting = 1000;

  int pick(int n) { return std::uniform_int_distribution<int>(0, n - 1)(random_); }

  int whole(double x) {
    const double floor = std::floor(x);
    return static_cast<int>(floor) + (std::bernoulli_distribution(x - floor)(random_) ? 1 : 0);
  }

  int happen(int what) {
    if (what == 0) {
      return kick(pick(n_.N_E), 1);
    }
    if (what == 1) {
      return kick(n_.N_E + pick(n_.N_I), 1);
    }
    if (what == 6) {
      const auto i = static_cast<std::size_t>(pick(static_cast<int>(resting_.size())));
      v_[static_cast<std::size_t>(resting_[i])] = 0;
      resting_.erase(resting_.begin() + static_cast<std::ptrdiff_t>(i));
      return -1;
    }
    const int post = (what - 2) / 2;
    const int pre = (what - 2) % 2;
    auto& pool = pending_[post][pre];
    const auto i = static_cast<std::size_t>(pick(static_cast<int>(pool.size())));
    const int neuron = pool[i];
    pool[i] = pool.back();
    pool.pop_back();
    if (pre == 0) {
      return kick(neuron, whole(n_.S[post][0]));
    }
    int& v = v_[static_cast<std::size_t>(neuron)];
    if (v != resting) {
      const double weight = n_.S[post][1] * (n_.voltage_dependent ? (v + 66) / 166.0 : 1.0);
      v = std::max(-66, v - whole(weight));
    }
    return -1;
  }

  int kick(int neuron, int size) {
    int& v = v_[static_cast<std::size_t>(neuron)];
    if (v == resting) {
      return -1;
    }
    v += size;
    if (v < 100) {
      return -1;
    }
    v = n_.tau_ref_ms > 0 ? resting : 0;
    if (n_.tau_ref_ms > 0) {
      resting_.push_back(neuron);
    }
    const int pre = neuron < n_.N_E ? 0 : 1;
    for (int target = 0; target < n_.N_E + n_.N_I; ++target) {
      const int post = target < n_.N_E ? 0 : 1;
      if (std::bernoulli_distribution(n_.P[post][pre])(random_)) {
        pending_[post][pre].push_back(target);
      }
    }
    return neuron;
  }

  network n_;
  std::mt19937_64 random_;
  std::vector<int> v_;
  std::vector<int> resting_;
  std::vector<int> pending_[2][2];
};

}  // namespace plain
