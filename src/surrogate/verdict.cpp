#include <algorithm>
#include <cmath>
#include <span>

#include <boost/math/distributions/students_t.hpp>

#include <spikesweep/network/statistics.hpp>
#include <spikesweep/surrogate/verdict.hpp>

namespace spikesweep {

namespace {

constexpr int fewest_batches = 8;
constexpr double shortest_batch_s = 0.5;
/// Ratios of lengths this close to a whole number are one.
constexpr double length_tolerance = 1e-6;

/// The batches of the first `seconds` seconds.
std::span<const double> first_seconds(const batched_rate& rate, double seconds) {
  const auto wanted = static_cast<std::size_t>(std::max(1.0, std::round(seconds / rate.batch_s)));
  return std::span(rate.batches).first(std::min(wanted, rate.batches.size()));
}

}  // namespace

double batched_rate::mean() const {
  return spikesweep::mean(batches);
}

double batched_rate::standard_error() const {
  const auto n = static_cast<double>(batches.size());
  return n < 2 ? std::numeric_limits<double>::quiet_NaN() : std::sqrt(squares_about(batches, mean()) / (n * (n - 1)));
}

int batches_per_part(int parts, double part_s, double verdict_s) {
  const int at_least = (fewest_batches + parts - 1) / parts;
  const double short_enough = std::ceil(part_s * fewest_batches / verdict_s - length_tolerance);
  const double long_enough = std::floor(part_s / shortest_batch_s + length_tolerance);
  return std::max(at_least, static_cast<int>(std::min(short_enough, long_enough)));
}

rate_comparison compare_rates(const batched_rate& exact, const batched_rate& repeat, const batched_rate& other,
                              double verdict_s) {
  rate_comparison result;
  if (exact.batches.size() < 2 || repeat.batches.size() < 2 || other.batches.empty()) {
    return result;
  }
  const auto freedom = static_cast<double>(exact.batches.size() + repeat.batches.size() - 2);
  const double noise = exact.batch_s *
                       (squares_about(exact.batches, exact.mean()) + squares_about(repeat.batches, repeat.mean())) /
                       freedom;
  const auto a = first_seconds(exact, verdict_s);
  const auto b = first_seconds(other, verdict_s);
  const double variance = noise * (1 / (static_cast<double>(a.size()) * exact.batch_s) +
                                   1 / (static_cast<double>(b.size()) * other.batch_s));
  const double difference = std::abs(mean(b) - mean(a));
  if (variance > 0) {
    const boost::math::students_t law(freedom);
    result.p = 2 * boost::math::cdf(boost::math::complement(law, difference / std::sqrt(variance)));
  } else {
    result.p = difference > 0 ? 0 : 1;
  }
  const double whole = std::abs(other.mean() - exact.mean());
  result.verdict = result.p >= verdict_level                             ? verdict::indistinguishable
                   : whole <= verdict_tolerance * std::abs(exact.mean()) ? verdict::within_tolerance
                                                                         : verdict::worse;
  return result;
}

}  // namespace spikesweep
