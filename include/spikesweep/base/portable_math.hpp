#pragma once

#include <bit>
#include <cstdint>

namespace spikesweep {

/// Natural logarithm of a positive normal double, from additions, multiplications and one division only, so that its
/// bits are the same on every IEEE machine (libm's log differs between CPUs with and without fused multiply-add).
/// Relative error below 4e-15. Formula: log(2^k m) = k log 2 + 2 atanh((m-1)/(m+1)), m in [sqrt(1/2), sqrt(2)).
/// Always inline, for the inner loop of the oracle.
[[gnu::always_inline]] inline double portable_log(double x) {
  constexpr std::uint64_t sqrt_half_bits = 0x3fe6a09e667f3bcdULL;
  const auto bits = std::bit_cast<std::uint64_t>(x);
  const auto shifted = bits - sqrt_half_bits;
  const auto exponent = static_cast<std::int64_t>(shifted) >> 52;
  const double m = std::bit_cast<double>(bits - (static_cast<std::uint64_t>(exponent) << 52));
  const double s = (m - 1.0) / (m + 1.0);
  const double t = s * s;
  // atanh(s)/s = 1 + t/3 + t^2/5 + ...; |s| <= 0.1716, so the first term left out is below 1e-17. Summed in pairs,
  // whose chains of operations are short.
  const double t2 = t * t;
  const double t4 = t2 * t2;
  const double low = (1.0 / 3 + t * (1.0 / 5)) + t2 * (1.0 / 7 + t * (1.0 / 9));
  const double high = (1.0 / 11 + t * (1.0 / 13)) + t2 * (1.0 / 15 + t * (1.0 / 17));
  const double series = low + t4 * (high + t4 * (1.0 / 19 + t * (1.0 / 21)));
  constexpr double log_2 = 0.693147180559945309417;
  return static_cast<double>(exponent) * log_2 + 2.0 * s * (1.0 + t * series);
}

/// Exponential of x in [-700, 700], to a relative error below 2e-13, likewise. Formula: 2^k e^r, |r| <= log(2) / 2.
inline double portable_exp(double x) {
  constexpr double log_2 = 0.693147180559945309417;
  const auto k = static_cast<std::int64_t>(x / log_2 + (x < 0 ? -0.5 : 0.5));
  const double r = x - static_cast<double>(k) * log_2;
  // The first term left out is below 1e-16.
  constexpr int terms = 14;
  double sum = 1;
  for (int n = terms; n > 0; --n) {
    sum = 1 + sum * r / n;
  }
  constexpr std::int64_t bias = 1023;
  return sum * std::bit_cast<double>(static_cast<std::uint64_t>(k + bias) << 52);
}

/// Cosine of pi x, x in [0, 1/2], to an error below 2e-16, likewise. Formula: the Taylor series.
inline double portable_cos_pi(double x) {
  constexpr double pi = 3.14159265358979323846;
  const double square = pi * pi * x * x;
  // The first term left out is below 1e-20.
  constexpr int terms = 13;
  double sum = 1;
  for (int n = terms; n > 0; --n) {
    sum = 1 - sum * square / ((2 * n - 1) * (2 * n));
  }
  return sum;
}

}  // namespace spikesweep
