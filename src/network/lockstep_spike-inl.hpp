// What a spike does. Included once for each instruction set.

#if defined(SPIKESWEEP_NETWORK_LOCKSTEP_SPIKE_INL_HPP) == defined(HWY_TARGET_TOGGLE)
#ifdef SPIKESWEEP_NETWORK_LOCKSTEP_SPIKE_INL_HPP
#undef SPIKESWEEP_NETWORK_LOCKSTEP_SPIKE_INL_HPP
#else
#define SPIKESWEEP_NETWORK_LOCKSTEP_SPIKE_INL_HPP
#endif

#include <bit>
#include <cstring>

#include "network/lockstep_simd-inl.hpp"

HWY_BEFORE_NAMESPACE();
namespace spikesweep::HWY_NAMESPACE {

/// Spikes of one lane.
class spiker {
 public:
  spiker(lockstep_lanes& lanes, int lane) : lanes_(lanes), lane_(lane), l_(static_cast<std::size_t>(lane)) {}

  void fire(int neuron) {
    auto& v = lanes_.potential(lane_, neuron);
    if (lanes_.has_refractory[l_]) {
      v = lane_refractory_mark;
      const std::int32_t n = lanes_.count(lane_list::refractory, lane_);
      lanes_.reserve(lane_list::refractory, lane_, n + 1);
      insert(lanes_.list(lane_list::refractory, lane_), n, neuron, *take(1));
      lanes_.size[static_cast<std::size_t>(lane_list::refractory)][l_] = static_cast<float>(n + 1);
    } else {
      v = 0;
    }
    const auto N_E = static_cast<int>(lanes_.N_E[l_]);
    const auto N_I = static_cast<int>(lanes_.N_I[l_]);
    const auto& reach = lanes_.reach[l_];
    if (neuron < N_E) {
      send(lane_list::EE, 0, N_E, reach[static_cast<std::size_t>(pool::EE)]);
      send(lane_list::IE, N_E, N_I, reach[static_cast<std::size_t>(pool::IE)]);
    } else {
      send(lane_list::EI, 0, N_E, reach[static_cast<std::size_t>(pool::EI)]);
      send(lane_list::II, N_E, N_I, reach[static_cast<std::size_t>(pool::II)]);
    }
  }

 private:
  static constexpr int chunk_ = 64;  ///< Candidates that are tried at once, a byte of a word each.

  HWY_NOINLINE void refill() {
    auto& w = lanes_.words[l_];
    for (std::size_t j = 0; j < lane_words::generators; j += width) {
      auto g = word_generator::load(w.generator, j);
      for (std::size_t i = j; i < lane_words::capacity; i += lane_words::generators) {
        hn::Store(g.next(), du, w.word.data() + i);
      }
      g.store(w.generator, j);
    }
    w.next = 0;
  }

  /// The next `n` words together.
  HWY_INLINE const std::uint32_t* take(std::uint32_t n) {
    auto& w = lanes_.words[l_];
    if (w.next + n > lane_words::capacity) {
      refill();
    }
    w.next += n;
    return w.word.data() + w.next - n;
  }

  /// Adds to a list of n members at a random place.
  static HWY_INLINE void insert(std::uint16_t* list, std::int32_t n, int neuron, std::uint32_t word) {
    const auto place = (static_cast<std::uint64_t>(word) * static_cast<std::uint64_t>(n + 1)) >> 32;
    list[n] = list[place];
    list[place] = static_cast<std::uint16_t>(neuron);
  }

  /// Adds each of `size` neurons from `first` on to a list with probability `reach` 2^-32. A byte decides, and on a tie
  /// three more.
  void send(lane_list k, int first, int size, std::uint64_t reach) {
    std::int32_t n = lanes_.count(k, lane_);
    lanes_.reserve(k, lane_, n + size);
    std::uint16_t* list = lanes_.list(k, lane_);
    const auto high = static_cast<std::uint32_t>(reach >> 24);
    const auto low = static_cast<std::uint32_t>(reach & 0xffffff);
    for (int begin = 0; begin < size; begin += chunk_) {
      std::uint64_t hits = ~std::uint64_t{0};
      std::uint64_t ties = 0;
      if (high < 256) {
        compare(static_cast<std::uint8_t>(high), hits, ties);
      }
      const int left = size - begin;
      const std::uint64_t there = left < chunk_ ? (std::uint64_t{1} << left) - 1 : ~std::uint64_t{0};
      for (ties &= low != 0 ? there : 0; ties != 0; ties &= ties - 1) {
        hits |= *take(1) >> 8 < low ? ties & (~ties + 1) : 0;
      }
      hits &= there;
      const std::uint32_t* word = take(static_cast<std::uint32_t>(std::popcount(hits)));
      for (; hits != 0; hits &= hits - 1) {
        insert(list, n++, first + begin + std::countr_zero(hits), *word++);
      }
    }
    lanes_.size[static_cast<std::size_t>(k)][l_] = static_cast<float>(n);
  }

  /// Which of 64 random bytes are below `bound`, and which are equal to it.
  HWY_INLINE void compare(std::uint8_t bound, std::uint64_t& below, std::uint64_t& equal) {
    const hn::CappedTag<std::uint8_t, chunk_> db;
    constexpr std::size_t bytes = hn::MaxLanes(hn::CappedTag<std::uint8_t, chunk_>());
    const auto* from = reinterpret_cast<const std::uint8_t*>(take(chunk_ / 4));
    below = equal = 0;
    const auto b = hn::Set(db, bound);
    for (std::size_t i = 0; i < chunk_; i += bytes) {
      const auto x = hn::LoadU(db, from + i);
      below |= bits(db, hn::Lt(x, b)) << i;
      equal |= bits(db, hn::Eq(x, b)) << i;
    }
  }

  template <class D, class M>
  static HWY_INLINE std::uint64_t bits(D d, M mask) {
    std::uint64_t out = 0;
    alignas(8) std::uint8_t bytes[8] = {};
    hn::StoreMaskBits(d, mask, bytes);
    std::memcpy(&out, bytes, sizeof(out));
    return out;
  }

  lockstep_lanes& lanes_;
  int lane_;
  std::size_t l_;
};

}  // namespace spikesweep::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // per-target include guard
