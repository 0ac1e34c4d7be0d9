#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <spikesweep/surrogate/validation.hpp>

namespace spikesweep {

/// For what a surrogate is good, by its errors at the test points.
struct usefulness {
  enum class grade_type : std::uint8_t {
    good,     ///< Every figure that has a bound (figure::useful) is of use.
    partly,   ///< The rates are, and some other figures are not.
    bad,      ///< A rate is not, or chains ran away.
    unknown,  ///< There are too few test points to tell.
  };
  grade_type grade = grade_type::unknown;
  std::vector<std::string> useful;   ///< Names of figures.
  std::vector<std::string> useless;  ///< Likewise, the worst one first.
  std::string reason;                ///< In words; empty if it is good.
  std::string advice;                ///< What to try; empty if it is good.
};

/// A figure is of use if its median error is at most its bound, or at most 1.5 times that of two exact runs, whose
/// noise it cannot beat. What to try depends on the regressions of the figures: where they are wrong too, the points of
/// the sweep say too little, otherwise the surrogate learnt too little of them.
usefulness usefulness_of(const validation_result& result);

/// In one line, such as "verdict: usable for rate_E_hz, rate_I_hz, peak_hz; not for fano_E_1ms (...); try ...".
std::string words_of(const usefulness& verdict);

}  // namespace spikesweep
