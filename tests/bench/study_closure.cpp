// What a coarse-grained state may forget: exact networks are cut at regular times, something that a state could leave
// out is thrown away and drawn anew, and they go on. Prints, for each network and each thing thrown away, the E rate
// and the Fano factor of the E spikes in 1 ms beside those of the uncut network, and the distance of the log spectra
// from 5 to 150 Hz. The last line is `ratio: X`: the largest distance of the last row of each network over its noise
// floor.
//
// Usage: study_closure [SECONDS [CUT_MS]]     default 40 10; each network runs twice as long in two halves

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <string>
#include <vector>

#include <spikesweep/network/figures.hpp>
#include <spikesweep/network/oracle.hpp>
#include <spikesweep/network/spectrum.hpp>
#include <spikesweep/study/config.hpp>

namespace spikesweep {
namespace {

/// How pending kicks are given to the neurons of a cell.
enum class lifting {
  uniform,    ///< Each kick to any neuron: their numbers have a Poisson law.
  dispersed,  ///< The same, but their numbers scatter as much about the mean of the cell as before, in each pool.
  own,        ///< The same, with the scatter of each cell.
  sloped,     ///< The same, and the mean changes linearly with the potential from cell to cell.
  exchanged   ///< The number of each neuron goes to another one: the numbers stay, and who has them is forgotten.
};

constexpr double burn_in_s = 1;
constexpr int halves = 2;

/// An exact network that can throw away what a coarse-grained state does not hold.
class forgetful_network : public oracle {
 public:
  forgetful_network(const parameters& p, std::uint64_t seed, std::uint32_t run)
      : oracle(p, random_stream(seed, purpose::test, run)), draws_(seed, purpose::test, run, 1) {}

  /// Who has the pending kicks of a pool, within voltage cells of `width` kicks that are aligned to the threshold;
  /// refractory neurons are a cell of their own. 0: one cell for all neurons of the population.
  void forget_targets(int width, lifting how) {
    for (int k = 0; k < pool_count; ++k) {
      redraw(static_cast<pool>(k), cells_of(static_cast<pool>(k), width), how);
    }
  }

  /// The same, but what a neuron has pending in all pools goes to another neuron of its cell together.
  void exchange_neurons(int width) {
    for (const pool first : {pool::EE, pool::IE}) {
      const pool second = first == pool::EE ? pool::EI : pool::II;
      const std::vector<std::vector<std::int32_t>> cells = cells_of(first, width);
      std::vector<std::int32_t> to(potential_.size());
      for (const auto& among : cells) {
        std::vector<std::int32_t> order = among;
        shuffle(order);
        for (std::size_t i = 0; i < among.size(); ++i) {
          to[static_cast<std::size_t>(among[i])] = order[i];
        }
      }
      for (const pool k : {first, second}) {
        for (int j = 0; j < list(k).count; ++j) {
          std::int32_t& target = list(k).members[static_cast<std::size_t>(j)];
          target = to[static_cast<std::size_t>(target)];
        }
      }
    }
  }

  /// Potentials, uniformly within bins of `width` kicks that are aligned to the threshold.
  void forget_potentials(int width) {
    state_layout layout;
    layout.bin_width = width;
    for (auto& v : potential_) {
      if (v != refractory_mark_) {
        const int bin = layout.bin_of(v);
        const int begin = layout.bin_begin(bin);
        const auto values = static_cast<std::uint32_t>(layout.bin_end(bin) - begin);
        v = static_cast<std::int16_t>(begin + static_cast<int>(draws_.below(values)));
      }
    }
  }

 private:
  std::vector<std::vector<std::int32_t>> cells_of(pool k, int width) const {
    std::vector<std::vector<std::int32_t>> cells;
    for (int i = first_target(k); i < first_target(k) + target_count(k); ++i) {
      const auto cell = static_cast<std::size_t>(cell_of(i, width));
      cells.resize(std::max(cells.size(), cell + 1));
      cells[cell].push_back(i);
    }
    return cells;
  }

  void shuffle(std::vector<std::int32_t>& order) {
    for (std::size_t i = order.size(); i > 1; --i) {
      std::swap(order[i - 1], order[draws_.below(static_cast<std::uint32_t>(i))]);
    }
  }

  void redraw(pool k, const std::vector<std::vector<std::int32_t>>& cells, lifting how) {
    event_list& kicks = list(k);
    std::vector<int> pending(potential_.size());
    for (int j = 0; j < kicks.count; ++j) {
      ++pending[static_cast<std::size_t>(kicks.members[static_cast<std::size_t>(j)])];
    }
    // Of the whole pool: how much less than a Poisson law the numbers scatter within the cells.
    double squares = 0;
    double mean = 0;
    for (const auto& among : cells) {
      double sum = 0;
      for (const std::int32_t i : among) {
        sum += pending[static_cast<std::size_t>(i)];
      }
      for (const std::int32_t i : among) {
        const double away = pending[static_cast<std::size_t>(i)] - sum / static_cast<double>(among.size());
        squares += away * away;
      }
      mean += among.size() > 1 ? sum * (1 - 1 / static_cast<double>(among.size())) : 0;
    }
    double dispersion = mean > 0 ? squares / mean : 1;
    int next = 0;
    for (std::size_t c = 0; c < cells.size(); ++c) {
      const auto& among = cells[c];
      std::vector<int> numbers;
      int total = 0;
      for (const std::int32_t i : among) {
        numbers.push_back(pending[static_cast<std::size_t>(i)]);
        total += numbers.back();
      }
      std::vector<double> weights(among.size(), 1.0);
      if (how == lifting::sloped) {
        weights = weights_of(c, cells, pending);
      }
      if (how == lifting::own || how == lifting::sloped) {
        double sum_w = 0;
        for (const double w : weights)
          sum_w += w;
        double away = 0;
        double expected = 0;
        for (std::size_t i = 0; i < among.size(); ++i) {
          const double m = total * weights[i] / sum_w;
          away += (numbers[i] - m) * (numbers[i] - m);
          expected += m * (1 - weights[i] / sum_w);
        }
        dispersion = expected > 0 ? away / expected : 1;
      }
      draw_weighted(numbers, total, dispersion, how, weights);
      for (std::size_t i = 0; i < among.size(); ++i) {
        for (int n = 0; n < numbers[i]; ++n) {
          kicks.members[static_cast<std::size_t>(next++)] = among[i];
        }
      }
    }
  }

  /// Kicks of a neuron by its potential: a line through the means of the neighbouring cells at their mean potentials.
  std::vector<double> weights_of(std::size_t c, const std::vector<std::vector<std::int32_t>>& cells,
                                 const std::vector<int>& pending) const {
    const auto& among = cells[c];
    std::vector<double> out(among.size(), 1.0);
    if (c == 0 || among.size() < 2) {
      return out;
    }
    const auto centre = [&](std::size_t k, double& v, double& m) {
      v = m = 0;
      for (const std::int32_t i : cells[k]) {
        v += potential_[static_cast<std::size_t>(i)];
        m += pending[static_cast<std::size_t>(i)];
      }
      v /= static_cast<double>(cells[k].size());
      m /= static_cast<double>(cells[k].size());
    };
    double v0 = 0, m0 = 0, n = 0, vv = 0, vm = 0, v = 0, m = 0;
    centre(c, v0, m0);
    if (m0 <= 0)
      return out;
    for (std::size_t k = c > 1 ? c - 1 : c; k <= std::min(c + 1, cells.size() - 1); ++k) {
      if (k == c || cells[k].empty())
        continue;
      centre(k, v, m);
      const double w = static_cast<double>(cells[k].size());
      n += w;
      vv += w * (v - v0) * (v - v0);
      vm += w * (v - v0) * (m - m0);
    }
    const double slope = vv > 0 ? vm / vv : 0;
    for (std::size_t i = 0; i < among.size(); ++i) {
      out[i] = std::max(0.1 * m0, m0 + slope * (potential_[static_cast<std::size_t>(among[i])] - v0));
    }
    return out;
  }

  void draw_weighted(std::vector<int>& numbers, int total, double dispersion, lifting how,
                     const std::vector<double>& weights) {
    if (how != lifting::sloped) {
      draw_numbers(numbers, total, dispersion, how == lifting::own ? lifting::dispersed : how);
      return;
    }
    if (numbers.empty())
      return;
    std::ranges::fill(numbers, 0);
    double sum = 0;
    double top = 0;
    for (const double w : weights) {
      sum += w;
      top = std::max(top, w);
    }
    std::vector<int> slots(numbers.size(), 0);
    if (dispersion < 1) {
      double all = 0;
      for (std::size_t i = 0; i < slots.size(); ++i) {
        const double mean = total * weights[i] / sum;
        slots[i] = static_cast<int>(std::max(std::ceil(mean), std::floor(mean / (1 - dispersion) + draws_.uniform())));
        slots[i] = std::max(slots[i], 1);
        all += slots[i];
      }
      while (all < total) {
        ++slots[draws_.below(static_cast<std::uint32_t>(slots.size()))];
        ++all;
      }
      for (int j = 0; j < total; ++j) {
        for (;;) {  // A free slot, each as likely: neurons have slots by their means.
          const std::uint32_t i = draws_.below(static_cast<std::uint32_t>(numbers.size()));
          int most = 0;
          for (const int x : slots)
            most = std::max(most, x);
          if (static_cast<int>(draws_.below(static_cast<std::uint32_t>(most))) < slots[i] - numbers[i]) {
            ++numbers[i];
            break;
          }
        }
      }
      return;
    }
    for (int j = 0; j < total; ++j) {
      for (;;) {
        const std::uint32_t i = draws_.below(static_cast<std::uint32_t>(numbers.size()));
        if (draws_.uniform() * top < weights[i]) {
          ++numbers[i];
          break;
        }
      }
    }
  }

  /// How many of `total` kicks each neuron of a cell gets.
  void draw_numbers(std::vector<int>& numbers, int total, double dispersion, lifting how) {
    const auto size = static_cast<std::uint32_t>(numbers.size());
    if (size == 0) {
      return;
    }
    if (how == lifting::exchanged) {
      std::vector<std::int32_t> order(numbers.begin(), numbers.end());
      shuffle(order);
      numbers.assign(order.begin(), order.end());
      return;
    }
    std::ranges::fill(numbers, 0);
    // Without replacement from so many slots of each neuron: then the variance is less by the factor 1 - mean / slots.
    int slots = 0;
    if (how == lifting::dispersed && dispersion < 1) {
      const double mean = static_cast<double>(total) / size;
      const double wanted = mean / (1 - dispersion);
      slots = static_cast<int>(std::max(std::ceil(mean), std::floor(wanted + draws_.uniform())));
    }
    for (int j = 0; j < total; ++j) {
      for (;;) {
        const std::uint32_t i = draws_.below(size);
        // A neuron with more slots taken is less likely to be hit again.
        if (slots == 0 || static_cast<int>(draws_.below(static_cast<std::uint32_t>(slots))) >= numbers[i]) {
          ++numbers[i];
          break;
        }
      }
    }
  }

  int cell_of(int neuron, int width) const {
    const int v = potential_[static_cast<std::size_t>(neuron)];
    if (v == refractory_mark_) {
      return 0;
    }
    state_layout layout;
    layout.bin_width = width;
    return width == 0 ? 1 : 1 + layout.bin_of(v);
  }

  random_stream draws_;
};

struct scheme {
  std::string words;
  std::function<void(forgetful_network&)> forget;
};

std::vector<scheme> schemes() {
  std::vector<scheme> out;
  const auto nothing = [](forgetful_network&) {};
  out.push_back({"nothing", nothing});
  out.push_back({"nothing, another run", nothing});
  const auto targets = [&](int width, lifting how, const std::string& words) {
    const std::string cell = width == 0 ? "all neurons" : "cells of " + std::to_string(width) + " kicks";
    out.push_back({words + " in " + cell, [width, how](forgetful_network& n) { n.forget_targets(width, how); }});
  };
  targets(16, lifting::dispersed, "targets dispersed");
  targets(16, lifting::own, "own scatter");
  targets(16, lifting::sloped, "own scatter and slope");
  targets(8, lifting::own, "own scatter");
  targets(8, lifting::sloped, "own scatter and slope");
  targets(16, lifting::exchanged, "exchanged");
  out.push_back({"neurons exchanged in cells of 16", [](forgetful_network& n) { n.exchange_neurons(16); }});
  return out;
}

/// Two independent runs, cut every `cut_s` seconds.
std::vector<trajectory> runs_of(const parameters& p, const scheme& what, std::uint64_t seed, double seconds,
                                double cut_s) {
  std::vector<trajectory> out;
  for (std::uint32_t half = 0; half < halves; ++half) {
    forgetful_network network(p, seed, half);
    trajectory_settings settings;
    settings.duration_s = seconds;
    settings.burn_in_s = burn_in_s;
    settings.batches = batches_of(halves, seconds);
    trajectory_recorder recorder(settings, p.N_E);
    double cut = cut_s;
    while (network.time() < burn_in_s + seconds) {
      const network_event event = network.step(cut);
      if (event.what == network_event::kind::spike) {
        recorder.spike(network.time(), event.neuron);
      } else if (event.what == network_event::kind::reached) {
        what.forget(network);
        cut += cut_s;
      }
    }
    out.push_back(recorder.take());
  }
  return out;
}

struct network_case {
  std::string words;
  std::string config;
  std::vector<std::string> overrides;
};

/// From asynchronous to synchronous, both models of inhibition.
const std::vector<network_case> cases{
    {"zhang2024", "zhang2024", {}},
    {"cai2021_syn", "cai2021_syn", {}},
    {"zhang2024, strong E, weak I", "zhang2024", {"S_EE=4.3", "S_IE=2.7", "S_EI=1.7", "S_II=2.3"}},
    {"zhang2024, weak E, strong I", "zhang2024", {"S_EE=3.6", "S_IE=3.4", "S_EI=2.4", "S_II=1.6"}},
    {"cai2021_hom", "cai2021_hom", {}},
    {"cai2021_syn", "cai2021_syn", {}},
};

/// The distance over the noise floor of the last scheme.
double study(const network_case& c, double seconds, double cut_s) {
  const parameters p = load_configuration(c.config, c.overrides).network;
  std::printf("%s\n  %-38s %18s %18s %12s\n", c.words.c_str(), "drawn anew", "E rate [Hz]", "Fano (1 ms)",
              "spectra [dB]");
  spectrum uncut;
  double floor = 0;
  double last = 0;
  double fano = 0;
  std::uint64_t seed = 1;
  for (const scheme& what : schemes()) {
    const std::vector<trajectory> runs = runs_of(p, what, seed, seconds, cut_s);
    ++seed;
    const kept_runs kept(runs, p);
    const run_figures values = figures_of(kept);
    const run_figures errors = standard_errors_of(kept);
    if (uncut.power.empty()) {
      uncut = kept.power();
      fano = values["fano_E_1ms"];
    }
    last = log_spectrum_distance(kept.power(), uncut);
    floor = floor == 0 ? last : floor;
    std::printf("  %-38s %9.3f +- %5.3f %7.3f +- %.3f (%+.1f %%) %7.2f\n", what.words.c_str(), values.rate_E(),
                errors.rate_E(), values["fano_E_1ms"], errors["fano_E_1ms"], 100 * (values["fano_E_1ms"] / fano - 1),
                last);
    std::fflush(stdout);
  }
  return last / floor;
}

}  // namespace
}  // namespace spikesweep

int main(int argc, char** argv) {
  const double seconds = argc > 1 ? std::atof(argv[1]) : 40;
  const double cut_s = 1e-3 * (argc > 2 ? std::atof(argv[2]) : 10);
  if (!(seconds >= 2) || !(cut_s >= 1e-3)) {
    std::fprintf(stderr, "usage: study_closure [SECONDS [CUT_MS]]: at least 2 s, and 1 ms\n");
    return 2;
  }
  double largest = 0;
  for (const auto& c : spikesweep::cases) {
    largest = std::max(largest, spikesweep::study(c, seconds, cut_s));
  }
  std::printf("ratio: %.2f\n", largest);
}
