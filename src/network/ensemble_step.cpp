#include <bit>

#include "network/ensemble_lanes.hpp"

// clang-format off
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "network/ensemble_step.cpp"
#include <hwy/foreach_target.h>  // Has to come before highway.h.
#include <hwy/highway.h>
#include "network/ensemble_simd-inl.hpp"
#include "network/ensemble_spike-inl.hpp"
// clang-format on

HWY_BEFORE_NAMESPACE();
namespace spikesweep::HWY_NAMESPACE {

/// The lanes of one vector.
class lane_vector {
 public:
  lane_vector(ensemble_lanes& lanes, lane_control& control, std::size_t g, std::uint64_t step)
      : lanes_(lanes), control_(control), g_(g), step_(step) {
    load();
  }

  /// `cuts`: whether lanes stop at events that no spike causes.
  template <bool cuts>
  void run(std::uint64_t groups) {
    const std::uint32_t mine = lane_bits << g_;
    if ((lanes_.waiting & mine) != 0) {
      start(lanes_.waiting & mine);
    }
    group_words now = {draw(0), draw(1), draw(2)};
    for (std::uint64_t i = 0; i < groups; ++i) {
      // Four blocks a group, one of them unused: so the carry comes between groups.
      counter_low_ = hn::Add(counter_low_, hn::Set(du, 4U));
      const auto carry = hn::Eq(counter_low_, hn::Zero(du));
      counter_high_ = hn::IfThenElse(carry, hn::Add(counter_high_, hn::Set(du, 1U)), counter_high_);
      // The next group's words are drawn between the steps, where they fill the time that a step waits for memory.
      group_words next;
      step<cuts>(now.time.w0, now.place.w0, now.mark.w0);
      next.time = draw(0);
      step<cuts>(now.time.w1, now.place.w1, now.mark.w1);
      next.place = draw(1);
      step<cuts>(now.time.w2, now.place.w2, now.mark.w2);
      next.mark = draw(2);
      step<cuts>(now.time.w3, now.place.w3, now.mark.w3);
      if (HWY_UNLIKELY((lanes_.waiting & mine) != 0)) {
        start(lanes_.waiting & mine);
        next = {draw(0), draw(1), draw(2)};
      }
      now = next;
    }
    store();
  }

 private:
  HWY_INLINE floats constant(const ensemble_lanes::row<float>& of) const { return hn::Load(df, of.data() + g_); }
  HWY_INLINE ints constant(const ensemble_lanes::row<std::int32_t>& of) const { return hn::Load(di, of.data() + g_); }
  HWY_INLINE words constant(const ensemble_lanes::row<std::uint32_t>& of) const { return hn::Load(du, of.data() + g_); }
  template <class T>
  static constexpr const auto& of(const T& rows, lane_list k) {
    return rows[static_cast<std::size_t>(k)];
  }

  /// One event in each lane.
  template <bool cuts>
  HWY_INLINE void step(words time_word, words class_word, words mark_word) {
    using enum lane_list;
    // Where the classes end in [0, total rate), and when the next event comes.
    const auto end_refractory = hn::Mul(n_refractory_, constant(of(lanes_.rate, refractory)));
    const auto end_II = hn::Add(end_refractory, hn::Mul(n_II_, constant(of(lanes_.rate, II))));
    const auto end_IE = hn::Add(end_II, hn::Mul(n_IE_, constant(of(lanes_.rate, IE))));
    const auto end_EE = hn::Add(end_IE, hn::Mul(n_EE_, constant(of(lanes_.rate, EE))));
    const auto end_EI = hn::Add(end_EE, hn::Mul(n_EI_, constant(of(lanes_.rate, EI))));
    const auto end_external_I = hn::Add(end_EI, constant(lanes_.external_I));
    const auto total = hn::Add(end_external_I, constant(lanes_.external_E));
    time_ = hn::Add(time_, hn::Div(exponential(time_word), total));
    const auto goes_on = hn::Le(time_, constant(lanes_.slice));  // False if there are no events at all.

    // The class, as the ends that the point in [0, total rate) has passed. A dropped event passes all.
    const auto uniform = hn::ConvertTo(df, hn::BitCast(di, hn::ShiftRight<1>(class_word)));
    const auto x = hn::IfThenElse(goes_on, hn::Mul(uniform, hn::Mul(total, hn::Set(df, 0x1p-31F))), hn::Set(df, 1e30F));
    const auto past_refractory = hn::Ge(x, end_refractory);
    const auto past_II = hn::Ge(x, end_II);
    const auto past_IE = hn::Ge(x, end_IE);
    const auto past_EE = hn::Ge(x, end_EE);
    const auto past_EI = hn::Ge(x, end_EI);
    const auto past_external_I = hn::Ge(x, end_external_I);

    // The neuron: the last of a list, or any. The weight of its kick; a dropped event has none.
    const auto n = choose(past_refractory, past_II, past_IE, past_EE, n_refractory_, n_II_, n_IE_, n_EE_, n_EI_);
    const auto begin =
        choose(as_int(past_refractory), as_int(past_II), as_int(past_IE), as_int(past_EE),
               constant(of(lanes_.begin, refractory)), constant(of(lanes_.begin, II)), constant(of(lanes_.begin, IE)),
               constant(of(lanes_.begin, EE)), constant(of(lanes_.begin, EI)));
    auto weight = choose(past_refractory, past_II, past_IE, past_EE, constant(of(lanes_.weight, refractory)),
                         constant(of(lanes_.weight, II)), constant(of(lanes_.weight, IE)),
                         constant(of(lanes_.weight, EE)), constant(of(lanes_.weight, EI)));
    const auto one = hn::Set(df, 1.0F);
    weight = hn::IfThenElse(past_EI, hn::IfThenElseZero(goes_on, one), weight);
    const auto to_E = hn::RebindMask(du, past_external_I);
    const auto N_E = constant(lanes_.N_E);
    const auto size = hn::IfThenElse(to_E, N_E, constant(lanes_.N_I));
    const auto any = hn::BitCast(di, hn::Add(multiply_high(mark_word, size), hn::IfThenZeroElse(to_E, N_E)));

    // A kick to a refractory neuron is lost. A return has a weight that takes any potential to its lowest: 0.
    const auto mark = hn::Set(di, lane_refractory_mark);
    const auto lost_at = hn::IfThenElseZero(as_int(past_refractory), mark);
    const auto lowest = hn::IfThenElseZero(as_int(past_refractory), hn::Set(di, reversal_potential));

    // The entry that is taken goes.
    n_refractory_ = hn::IfThenElse(past_refractory, n_refractory_, hn::Sub(n_refractory_, one));
    n_II_ = hn::IfThenElse(hn::AndNot(past_II, past_refractory), hn::Sub(n_II_, one), n_II_);
    n_IE_ = hn::IfThenElse(hn::AndNot(past_IE, past_II), hn::Sub(n_IE_, one), n_IE_);
    n_EE_ = hn::IfThenElse(hn::AndNot(past_EE, past_IE), hn::Sub(n_EE_, one), n_EE_);
    n_EI_ = hn::IfThenElse(hn::AndNot(past_EI, past_EE), hn::Sub(n_EI_, one), n_EI_);

    const auto last = hn::Sub(hn::Add(begin, hn::ConvertTo(di, n)), hn::Set(di, 1));
    const auto item = gather_items(lanes_.items.data(), last);
    const auto neuron = hn::IfThenElse(as_int(past_EI), any, item);
    const auto place = hn::Add(constant(lanes_.first), neuron);
    const auto v = gather(lanes_.potential.data(), place);

    // The jump: the whole number below the weight, one more with the rest for its probability.
    const auto inhibition_by_voltage = hn::And(weight, hn::BitCast(df, constant(lanes_.voltage_dependent)));
    const auto distance = hn::ConvertTo(df, hn::Sub(v, hn::Set(di, reversal_potential)));
    weight = hn::IfThenElse(hn::Lt(inhibition_by_voltage, hn::Zero(df)), hn::Mul(weight, distance), weight);
    const auto whole = hn::Floor(weight);
    const auto up = hn::Lt(fraction(mark_word), hn::Sub(weight, whole));
    const auto jump = hn::ConvertTo(di, hn::IfThenElse(up, hn::Add(whole, one), whole));
    const auto moved = hn::IfThenElse(hn::Eq(v, lost_at), v, hn::Max(hn::Add(v, jump), lowest));
    scatter(moved, lanes_.potential.data(), place);
    const auto spikes = hn::AndNot(hn::Eq(moved, mark), hn::Gt(moved, hn::Set(di, threshold_potential - 1)));

    auto attend = hn::Or(hn::Not(as_int(goes_on)), spikes);
    if constexpr (cuts) {
      attend = hn::Or(attend, as_int(stops()));
    }
    ++step_;
    if (HWY_UNLIKELY(!hn::AllFalse(di, attend))) {
      // What is not past EI is no external kick.
      this->attend(bits(attend), bits(spikes), bits(as_int(goes_on)), ~bits(as_int(past_EI)), neuron);
    }
  }

  /// The lanes whose section cuts here.
  HWY_INLINE float_mask stops() const {
    return hn::Or(hn::Or(hn::Le(time_, constant(lanes_.hold)), hn::Ge(n_EE_, constant(lanes_.high))),
                  hn::And(hn::Le(n_EE_, constant(lanes_.low)), hn::Gt(time_, constant(lanes_.expire))));
  }

  /// One of five by how many of four ends a lane is past.
  template <class M, class V>
  static HWY_INLINE V choose(M first, M second, M third, M fourth, V a, V b, V c, V d, V e) {
    V out = hn::IfThenElse(first, b, a);
    out = hn::IfThenElse(second, c, out);
    out = hn::IfThenElse(third, d, out);
    return hn::IfThenElse(fourth, e, out);
  }

  /// Words of four steps.
  struct group_words {
    philox_block time;
    philox_block place;  ///< In [0, total rate): the class.
    philox_block mark;   ///< A neuron for an external kick, the rounding of a weight for a pending one.
  };

  HWY_INLINE philox_block draw(std::uint32_t block) const {
    return philox(lanes_.key, hn::Add(counter_low_, hn::Set(du, block)), counter_high_, constant(lanes_.point),
                  constant(lanes_.replicate));
  }

  static HWY_INLINE hn::Mask<int_tag> as_int(float_mask m) { return hn::RebindMask(di, m); }

  static HWY_INLINE std::uint32_t bits(hn::Mask<int_tag> mask) {
    std::uint8_t bytes[8] = {};
    hn::StoreMaskBits(di, mask, bytes);
    return bytes[0] | (static_cast<std::uint32_t>(bytes[1]) << 8);
  }

  HWY_NOINLINE void attend(std::uint32_t attend, std::uint32_t spikes, std::uint32_t goes_on, std::uint32_t recurrent,
                           ints neurons) {
    alignas(64) std::int32_t neuron[width];
    hn::Store(neurons, di, neuron);
    store();
    for (; attend != 0; attend &= attend - 1) {
      const int i = std::countr_zero(attend);
      const auto is = [i](std::uint32_t of) { return ((of >> i) & 1U) != 0; };
      const int lane = static_cast<int>(g_) + i;
      if (!is(goes_on)) {
        control_.reached(lane, step_);
        continue;
      }
      if (is(spikes)) {
        spiker(lanes_, lane).fire(neuron[i]);
        control_.fired(lane, neuron[i], is(recurrent));
      }
      if (lanes_.stops(lane)) {
        control_.stopped(lane, step_);
      }
    }
    load();
  }

  HWY_NOINLINE void start(std::uint32_t waiting) {
    store();
    for (; waiting != 0; waiting &= waiting - 1) {
      const int lane = std::countr_zero(waiting);
      lanes_.waiting &= ~(1U << lane);
      control_.start(lane, step_);
    }
    load();
  }

  HWY_INLINE void load() {
    using enum lane_list;
    time_ = constant(lanes_.time);
    n_refractory_ = constant(of(lanes_.size, refractory));
    n_II_ = constant(of(lanes_.size, II));
    n_IE_ = constant(of(lanes_.size, IE));
    n_EE_ = constant(of(lanes_.size, EE));
    n_EI_ = constant(of(lanes_.size, EI));
    counter_low_ = constant(lanes_.counter_low);
    counter_high_ = constant(lanes_.counter_high);
  }

  HWY_INLINE void store() const {
    using enum lane_list;
    hn::Store(time_, df, lanes_.time.data() + g_);
    const auto store_size = [&](lane_list k, floats n)
                                HWY_ATTR { hn::Store(n, df, lanes_.size[static_cast<std::size_t>(k)].data() + g_); };
    store_size(refractory, n_refractory_);
    store_size(II, n_II_);
    store_size(IE, n_IE_);
    store_size(EE, n_EE_);
    store_size(EI, n_EI_);
    hn::Store(counter_low_, du, lanes_.counter_low.data() + g_);
    hn::Store(counter_high_, du, lanes_.counter_high.data() + g_);
  }

  ensemble_lanes& lanes_;
  lane_control& control_;
  std::size_t g_;
  std::uint64_t step_;
  floats time_;
  floats n_refractory_;
  floats n_II_;
  floats n_IE_;
  floats n_EE_;
  floats n_EI_;
  words counter_low_;
  words counter_high_;
};

std::uint64_t run_lanes_here(ensemble_lanes& lanes, lane_control& control, std::uint64_t step, std::uint64_t steps) {
  const std::uint64_t groups = (steps + steps_per_group - 1) / steps_per_group;
  for (std::size_t g = 0; g < lane_count; g += width) {
    if ((lanes.occupied >> g & lane_bits) != 0) {
      lane_vector vector(lanes, control, g, step);
      if (lanes.cuts) {
        vector.run<true>(groups);
      } else {
        vector.run<false>(groups);
      }
    }
  }
  return step + groups * steps_per_group;
}

}  // namespace spikesweep::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace spikesweep {

namespace {
HWY_EXPORT(run_lanes_here);
}  // namespace

std::uint64_t run_lanes(ensemble_lanes& lanes, lane_control& control, std::uint64_t step, std::uint64_t steps) {
  return HWY_DYNAMIC_DISPATCH(run_lanes_here)(lanes, control, step, steps);
}

}  // namespace spikesweep
#endif  // HWY_ONCE
