#pragma once

#include <span>
#include <string>
#include <string_view>

namespace spikesweep {

/// The candidate that a mistyped name most likely meant, by edit distance without regard to case (Damerau-Levenshtein,
/// neighbouring letters may swap). Empty if no candidate is near. The first of equally near candidates wins.
std::string nearest_name(std::string_view name, std::span<const std::string> candidates);

}  // namespace spikesweep
