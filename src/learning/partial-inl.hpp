// Loads and stores of vectors at the end of an array. Included once for each instruction set.

#if defined(SPIKESWEEP_LEARNING_PARTIAL_INL_HPP) == defined(HWY_TARGET_TOGGLE)
#ifdef SPIKESWEEP_LEARNING_PARTIAL_INL_HPP
#undef SPIKESWEEP_LEARNING_PARTIAL_INL_HPP
#else
#define SPIKESWEEP_LEARNING_PARTIAL_INL_HPP
#endif

#include <algorithm>
#include <cstddef>
#include <cstring>

#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace spikesweep::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

/// Loads the first `n` lanes, or all if there are fewer, from any address. The other lanes are zero, and their memory
/// is not read.
template <class D>
HWY_INLINE hn::Vec<D> load_first(D d, const hn::TFromD<D>* from, std::size_t n) {
#if HWY_TARGET <= HWY_AVX2
  return hn::MaskedLoad(hn::FirstN(d, n), d, from);
#else  // Here a masked load would need alignment and read all lanes.
  if (n >= hn::Lanes(d)) {
    return hn::LoadU(d, from);
  }
  HWY_ALIGN hn::TFromD<D> some[hn::MaxLanes(d)] = {};
  std::memcpy(some, from, n * sizeof(some[0]));
  return hn::Load(d, some);
#endif
}

/// Writes the first `n` lanes, or all if there are fewer. The memory of the other lanes is not written.
template <class D>
HWY_INLINE void store_first(hn::Vec<D> v, D d, hn::TFromD<D>* to, std::size_t n) {
#if HWY_TARGET <= HWY_AVX2
  hn::BlendedStore(v, hn::FirstN(d, n), d, to);
#else
  HWY_ALIGN hn::TFromD<D> all[hn::MaxLanes(d)];
  hn::Store(v, d, all);
  std::memcpy(to, all, std::min(n, hn::Lanes(d)) * sizeof(all[0]));
#endif
}

}  // namespace spikesweep::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
