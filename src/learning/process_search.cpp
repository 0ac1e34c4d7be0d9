#include "process_search.hpp"

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <numeric>
#include <utility>
#include <vector>

#include <spikesweep/base/portable_math.hpp>
#include <spikesweep/base/random.hpp>

#include "bounded_maximum.hpp"

namespace spikesweep {

namespace {

// The bounds of the law. Documented at gaussian_process: tools/check_gaussian_process.py has the same ones.
constexpr double largest_relevance = 400;  // A length of 1/20 of the box.
constexpr double smallest_signal = 1e-6;
constexpr double largest_signal = 1e4;
constexpr double largest_nugget = 10;
/// The covariance of the values has at most about this condition: beyond it, rounding decides the likelihood.
constexpr double largest_condition = 1e13;

/// The search goes through one number for each quantity q of the law. For the signal it is log q. For relevances and
/// the nugget, whose best value may be 0, it is log(1 + q / u): like log q where q is far above the unit u, and like
/// q / u below. The unit of relevances is that of a length of 10 boxes.
constexpr double relevance_unit = 1e-2;

/// Between laws and the numbers of the search: relevances first, then the signal, then the nugget.
class law_coordinates {
 public:
  explicit law_coordinates(const scaled_figure& figure) : axes_(figure.points.cols()) {
    std::vector<double> noise(figure.noise.data(), figure.noise.data() + figure.noise.size());
    const auto middle = noise.begin() + static_cast<std::ptrdiff_t>(noise.size() / 2);
    std::nth_element(noise.begin(), middle, noise.end());
    nugget_unit_ = *middle;
    const double conditioned = largest_condition * figure.noise.minCoeff() / static_cast<double>(figure.noise.size());
    covariance_law least;
    least.relevance.setZero(axes_);
    least.signal = smallest_signal;
    covariance_law most;
    most.relevance.setConstant(axes_, largest_relevance);
    most.signal = std::clamp(conditioned, 2 * smallest_signal, largest_signal);
    most.nugget = largest_nugget;
    box_ = {from(least), from(most)};
  }

  const search_box& box() const { return box_; }
  double nugget_unit() const { return nugget_unit_; }

  Eigen::VectorXd from(const covariance_law& law) const {
    Eigen::VectorXd out(axes_ + 2);
    for (Eigen::Index a = 0; a < axes_; ++a) {
      out(a) = portable_log(1 + law.relevance(a) / relevance_unit);
    }
    out(axes_) = portable_log(law.signal);
    out(axes_ + 1) = portable_log(1 + law.nugget / nugget_unit_);
    return out;
  }

  covariance_law law(const Eigen::VectorXd& at) const {
    covariance_law out;
    out.relevance.resize(axes_);
    for (Eigen::Index a = 0; a < axes_; ++a) {
      out.relevance(a) = relevance_unit * std::max(0.0, portable_exp(at(a)) - 1);
    }
    out.signal = portable_exp(at(axes_));
    out.nugget = nugget_unit_ * std::max(0.0, portable_exp(at(axes_ + 1)) - 1);
    return out;
  }

  /// The gradient by the numbers of the search, from that by the quantities of the law.
  Eigen::VectorXd gradient(const covariance_law& law, const profile_likelihood& found) const {
    Eigen::VectorXd out(axes_ + 2);
    out.head(axes_) = found.by_relevance.array() * (law.relevance.array() + relevance_unit);
    out(axes_) = found.by_signal * law.signal;
    out(axes_ + 1) = found.by_nugget * (law.nugget + nugget_unit_);
    return out;
  }

 private:
  Eigen::Index axes_;
  double nugget_unit_ = 1;
  search_box box_;
};

smooth_function likelihood_of(const law_coordinates& coordinates, likelihood_computer& likelihood,
                              const std::function<void()>& poll) {
  return [&](const Eigen::VectorXd& at, Eigen::VectorXd* gradient) {
    poll();
    const covariance_law law = coordinates.law(at);
    const profile_likelihood found = likelihood(law, gradient != nullptr);
    if (gradient != nullptr) {
      *gradient = std::isfinite(found.value) ? coordinates.gradient(law, found) : Eigen::VectorXd::Zero(at.size());
    }
    return found.value;
  };
}

/// Where searches start: some plain guesses, then random places, which are the same on every machine.
std::vector<Eigen::VectorXd> search_starts(const law_coordinates& coordinates, Eigen::Index axes) {
  std::vector<Eigen::VectorXd> out;
  covariance_law law;
  law.signal = 1;
  for (const double length : {0.2, 0.6, 2.0}) {
    for (const double nugget : {coordinates.nugget_unit(), 0.1}) {
      law.relevance.setConstant(axes, 1 / (length * length));
      law.nugget = nugget;
      out.push_back(coordinates.from(law));
    }
  }
  constexpr int random_starts = 10;
  random_stream random(0, purpose::regression);
  const auto between = [&](double low, double high) {
    return portable_exp(portable_log(low) + random.uniform() * (portable_log(high) - portable_log(low)));
  };
  for (int i = 0; i < random_starts; ++i) {
    for (Eigen::Index a = 0; a < axes; ++a) {
      const double length = between(0.1, 10);
      law.relevance(a) = 1 / (length * length);
    }
    law.signal = between(0.1, 100);
    law.nugget = between(0.1 * coordinates.nugget_unit(), std::max(1.0, coordinates.nugget_unit()));
    out.push_back(coordinates.from(law));
  }
  return out;
}

/// Some of the points, drawn at random: regular ones could leave out whole values of an axis.
scaled_figure some_of(const scaled_figure& figure, Eigen::Index count) {
  std::vector<Eigen::Index> order(static_cast<std::size_t>(figure.values.size()));
  std::iota(order.begin(), order.end(), Eigen::Index{0});
  shuffle(order, random_stream(0, purpose::regression, 1));
  order.resize(static_cast<std::size_t>(count));
  return {figure.points(order, Eigen::all), figure.values(order), figure.noise(order)};
}

/// Keeps the `most` best ones, and of those that are the same maximum one.
void keep_best(std::vector<found_maximum>& found, std::size_t most) {
  constexpr double same = 0.05;  // In logarithms.
  std::ranges::stable_sort(found, std::greater{}, &found_maximum::value);
  std::vector<found_maximum> kept;
  for (const auto& candidate : found) {
    const bool known = std::ranges::any_of(
        kept, [&](const auto& other) { return (other.at - candidate.at).cwiseAbs().maxCoeff() < same; });
    if (!known && kept.size() < most) {
      kept.push_back(candidate);
    }
  }
  found = std::move(kept);
}

/// The best law without a signal. Its likelihood is a function of the nugget alone, and needs no matrices.
struct law_without_signal {
  double nugget = 0;
  double value = -std::numeric_limits<double>::infinity();
};

law_without_signal find_without_signal(const scaled_figure& figure, double unit) {
  struct answer {
    double value;
    double slope;
  };
  const auto at = [&](double coordinate) {
    const double nugget = unit * (portable_exp(coordinate) - 1);
    const Eigen::ArrayXd precision = (figure.noise.array() + nugget).inverse();
    const double mean = (precision * figure.values.array()).sum() / precision.sum();
    const Eigen::ArrayXd weights = precision * (figure.values.array() - mean);
    constexpr double log_two_pi = 1.8378770664093454836;
    double value = -0.5 * (weights * (figure.values.array() - mean)).sum();
    for (const double p : precision) {
      value += 0.5 * (portable_log(p) - log_two_pi);
    }
    return answer{value, weights.square().sum() - precision.sum()};
  };
  constexpr int cells = 200;
  constexpr int halvings = 60;
  const double top = portable_log(1 + largest_nugget / unit);
  law_without_signal out;
  const auto consider = [&](double coordinate) {
    if (const double value = at(coordinate).value; value > out.value) {
      out = {unit * (portable_exp(coordinate) - 1), value};
    }
  };
  consider(0);
  consider(top);
  for (int cell = 0; cell < cells; ++cell) {
    double low = top * cell / cells;
    double high = top * (cell + 1) / cells;
    if (at(low).slope > 0 && at(high).slope <= 0) {
      for (int i = 0; i < halvings; ++i) {
        const double middle = 0.5 * (low + high);
        (at(middle).slope > 0 ? low : high) = middle;
      }
      consider(low);
    }
  }
  return out;
}

// How thorough a search is. The first searches are there to find the right hill; the last ones to climb it.
constexpr double rough_climb = 1e-2;
constexpr int rough_evaluations = 40;
constexpr double fine_climb = 1e-6;
constexpr int fine_evaluations = 300;
constexpr Eigen::Index first_points = 100;       // Points of the first searches: each takes a millisecond.
constexpr Eigen::Index points_of_several = 600;  // Up to here several hills are climbed with all points.
constexpr std::size_t several_hills = 3;

}  // namespace

found_law find_law(const scaled_figure& figure, likelihood_computer& likelihood, const std::function<void()>& poll) {
  const law_coordinates coordinates(figure);
  const search_box& box = coordinates.box();
  const Eigen::Index n = figure.values.size();
  const scaled_figure first = n > first_points ? some_of(figure, first_points) : figure;
  likelihood_computer first_likelihood(first);
  const smooth_function of_first = likelihood_of(coordinates, first_likelihood, poll);
  std::vector<found_maximum> found;
  for (const auto& start : search_starts(coordinates, figure.points.cols())) {
    found.push_back(climb(of_first, box, start, rough_climb, rough_evaluations));
  }
  keep_best(found, several_hills);
  const smooth_function of_all = likelihood_of(coordinates, likelihood, poll);
  if (n > first_points) {
    for (auto& candidate : found) {
      candidate = climb(of_first, box, candidate.at, rough_climb, fine_evaluations);
    }
    keep_best(found, n > points_of_several ? 1 : several_hills);
  }
  for (auto& candidate : found) {
    candidate = climb(of_all, box, candidate.at, fine_climb, fine_evaluations);
  }
  keep_best(found, 1);
  const found_maximum best = polish_maximum(of_all, box, found.front());

  found_law out{coordinates.law(best.at), best.last_step};
  const law_without_signal plain = find_without_signal(figure, coordinates.nugget_unit());
  constexpr double gain = 1e-6;  // A signal has to be worth this.
  const Eigen::Index signal_place = figure.points.cols();
  if (!(best.value > plain.value + gain) || best.at(signal_place) <= box.lower(signal_place)) {
    out.law = {Eigen::VectorXd::Zero(figure.points.cols()), 0, plain.nugget};
    out.last_step = 0;
  }
  return out;
}

}  // namespace spikesweep
