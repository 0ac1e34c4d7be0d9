#include <spikesweep/base/dct.hpp>
#include <spikesweep/base/portable_math.hpp>

namespace spikesweep {

std::vector<double> dct_cosines(std::size_t cells) {
  if (cells == 0) {
    return {};
  }
  std::vector<double> cosine(4 * cells);  // Element j: cos(pi j / (2 cells)).
  for (std::size_t j = 0; j <= cells; ++j) {
    const double value = j == cells ? 0 : portable_cos_pi(static_cast<double>(j) / static_cast<double>(2 * cells));
    cosine[j] = value;
    cosine[2 * cells - j] = -value;
    cosine[2 * cells + j] = -value;
    cosine[(4 * cells - j) % (4 * cells)] = value;
  }
  return cosine;
}

}  // namespace spikesweep
