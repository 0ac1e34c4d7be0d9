#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>

#include "network/lockstep_lanes.hpp"

// clang-format off
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "network/lockstep_step.cpp"
#include <hwy/foreach_target.h>  // Has to come before highway.h.
#include <hwy/highway.h>
#include "network/lockstep_simd-inl.hpp"
#include "network/lockstep_spike-inl.hpp"
// clang-format on

HWY_BEFORE_NAMESPACE();
namespace spikesweep::HWY_NAMESPACE {

/// What changes with every event, kept in registers between spikes.
struct lane_registers {
  floats time;
  floats n_refractory;  ///< Members of the lists.
  floats n_II;
  floats n_IE;
  floats n_EE;
  floats n_EI;
  floats wait;  ///< Until the next event, at a total rate of 1.
  words class_word;
  words mark_word;
  word_generator generator;
  potential_blocks potentials;
  const std::uint16_t* items;
};

/// The lanes of one vector.
class lane_vector {
 public:
  lane_vector(lockstep_lanes& lanes, lane_control& control, std::size_t g, std::uint64_t step)
      : lanes_(lanes), control_(control), g_(g), step_(step) {}

  /// `cuts`: whether lanes stop at events that no spike causes.
  template <bool cuts>
  void run(std::uint64_t steps) {
    start();
    lane_registers now = load();
    for (const std::uint64_t end = step_ + steps; step_ < end;) {
      step<cuts>(now);
    }
    store(now);
  }

 private:
  HWY_INLINE floats constant(const lockstep_lanes::row<float>& of) const { return hn::Load(df, of.data() + g_); }
  HWY_INLINE ints constant(const lockstep_lanes::row<std::int32_t>& of) const { return hn::Load(di, of.data() + g_); }
  HWY_INLINE words constant(const lockstep_lanes::row<std::uint32_t>& of) const { return hn::Load(du, of.data() + g_); }
  template <class T>
  static constexpr auto& of(T& rows, lane_list k) {
    return rows[static_cast<std::size_t>(k)];
  }

  /// One event in each lane.
  template <bool cuts>
  HWY_INLINE void step(lane_registers& now) {
    using enum lane_list;
    const auto mark_word = now.mark_word;  // A neuron for an external kick, the rounding of another's weight.
    // Where the classes end in [0, total rate), and when the next event comes.
    const auto end_refractory = hn::Mul(now.n_refractory, constant(of(lanes_.rate, refractory)));
    const auto end_II = hn::Add(end_refractory, hn::Mul(now.n_II, constant(of(lanes_.rate, II))));
    const auto end_IE = hn::Add(end_II, hn::Mul(now.n_IE, constant(of(lanes_.rate, IE))));
    const auto end_EE = hn::Add(end_IE, hn::Mul(now.n_EE, constant(of(lanes_.rate, EE))));
    const auto end_EI = hn::Add(end_EE, hn::Mul(now.n_EI, constant(of(lanes_.rate, EI))));
    const auto end_external_I = hn::Add(end_EI, constant(lanes_.external_I));
    const auto total = hn::Add(end_external_I, constant(lanes_.external_E));
    now.time = hn::Add(now.time, hn::Div(now.wait, total));
    const auto goes_on = hn::Le(now.time, constant(lanes_.slice));  // False if there are no events at all.

    // The class, as the ends that the point in [0, total rate) has passed. A dropped event passes all.
    const auto uniform = hn::ConvertTo(df, hn::BitCast(di, hn::ShiftRight<1>(now.class_word)));
    auto x = hn::Mul(uniform, hn::Mul(total, hn::Set(df, 0x1p-31F)));
    const auto one = hn::Set(df, 1.0F);
    auto external_weight = one;
    if (HWY_UNLIKELY(!hn::AllTrue(df, goes_on))) {
      // A branch, not a blend: so the class need not wait for the time.
      asm volatile("");
      x = hn::IfThenElse(goes_on, x, hn::Set(df, 1e30F));
      external_weight = hn::IfThenElseZero(goes_on, one);
    }
    const auto past_refractory = hn::Ge(x, end_refractory);
    const auto past_II = hn::Ge(x, end_II);
    const auto past_IE = hn::Ge(x, end_IE);
    const auto past_EE = hn::Ge(x, end_EE);
    const auto past_EI = hn::Ge(x, end_EI);
    const auto past_external_I = hn::Ge(x, end_external_I);

    // The neuron: the last of a list, or any. The weight of its kick; a dropped event has none.
    const auto n =
        choose(past_refractory, past_II, past_IE, past_EE, now.n_refractory, now.n_II, now.n_IE, now.n_EE, now.n_EI);
    const auto begin =
        choose(as_int(past_refractory), as_int(past_II), as_int(past_IE), as_int(past_EE),
               constant(of(lanes_.begin, refractory)), constant(of(lanes_.begin, II)), constant(of(lanes_.begin, IE)),
               constant(of(lanes_.begin, EE)), constant(of(lanes_.begin, EI)));
    auto weight = choose(past_refractory, past_II, past_IE, past_EE, constant(of(lanes_.weight, refractory)),
                         constant(of(lanes_.weight, II)), constant(of(lanes_.weight, IE)),
                         constant(of(lanes_.weight, EE)), constant(of(lanes_.weight, EI)));
    weight = hn::IfThenElse(past_EI, external_weight, weight);
    const auto to_E = hn::RebindMask(du, past_external_I);
    const auto size = hn::IfThenElse(to_E, constant(lanes_.N_E), constant(lanes_.N_I));
    const auto first = hn::IfThenElse(as_int(past_external_I), constant(lanes_.neurons_E), constant(lanes_.neurons_I));
    const auto any = hn::Add(hn::BitCast(di, multiply_high(mark_word, size)), first);

    // A kick to a refractory neuron is lost. A return has a weight that takes any potential to its lowest: 0.
    const auto mark = hn::Set(di, lane_refractory_mark);
    const auto lost_at = hn::IfThenElseZero(as_int(past_refractory), mark);
    const auto lowest = hn::IfThenElseZero(as_int(past_refractory), hn::Set(di, reversal_potential));

    // The entry that is taken goes.
    now.n_refractory = hn::IfThenElse(past_refractory, now.n_refractory, hn::Sub(now.n_refractory, one));
    now.n_II = hn::IfThenElse(hn::AndNot(past_II, past_refractory), hn::Sub(now.n_II, one), now.n_II);
    now.n_IE = hn::IfThenElse(hn::AndNot(past_IE, past_II), hn::Sub(now.n_IE, one), now.n_IE);
    now.n_EE = hn::IfThenElse(hn::AndNot(past_EE, past_IE), hn::Sub(now.n_EE, one), now.n_EE);
    now.n_EI = hn::IfThenElse(hn::AndNot(past_EI, past_EE), hn::Sub(now.n_EI, one), now.n_EI);

    const auto last = hn::Add(hn::Add(begin, to_int(n)), hn::Set(di, -1));
    const auto item = hn::IfThenElse(as_int(past_EI), any, last);
    alignas(64) std::int32_t neuron[width];
    const auto v = gather_potentials(now.potentials, now.items, item, neuron);
    draw(now);  // Fills the time that the potentials take.

    // The jump: the whole number below the weight, one more with the rest for its probability.
    const auto inhibition_by_voltage = hn::And(weight, hn::BitCast(df, constant(lanes_.voltage_dependent)));
    const auto distance = hn::ConvertTo(df, hn::Sub(v, hn::Set(di, reversal_potential)));
    weight = hn::IfThenElse(hn::Lt(inhibition_by_voltage, hn::Zero(df)), hn::Mul(weight, distance), weight);
    const auto whole = hn::Floor(weight);
    const auto up = hn::Lt(fraction(mark_word), hn::Sub(weight, whole));
    const auto jump = to_int(hn::IfThenElse(up, hn::Add(whole, one), whole));
    const auto moved = hn::IfThenElse(hn::Eq(v, lost_at), v, hn::Max(hn::Add(v, jump), lowest));
    scatter_potentials(now.potentials, neuron, moved);
    const auto spikes = hn::AndNot(hn::Eq(v, mark), hn::Gt(moved, hn::Set(di, threshold_potential - 1)));

    auto attend = hn::Or(hn::Not(as_int(goes_on)), spikes);
    if constexpr (cuts) {
      attend = hn::Or(attend, as_int(stops(now)));
    }
    ++step_;
    if (HWY_UNLIKELY(!hn::AllFalse(di, attend))) {
      // What is not past EI is no external kick.
      store(now);
      this->attend(bits(attend), bits(spikes), bits(as_int(goes_on)), ~bits(as_int(past_EI)), neuron);
      now = load();
    }
  }

  /// The lanes whose section cuts here.
  HWY_INLINE float_mask stops(const lane_registers& now) const {
    return hn::Or(hn::Or(hn::Le(now.time, constant(lanes_.hold)), hn::Ge(now.n_EE, constant(lanes_.high))),
                  hn::And(hn::Le(now.n_EE, constant(lanes_.low)), hn::Gt(now.time, constant(lanes_.expire))));
  }

  /// One of five by how many of four ends a lane is past.
  template <class M, class V>
  static HWY_INLINE V choose(M first, M second, M third, M fourth, V a, V b, V c, V d, V e) {
    V out = hn::IfThenElse(first, b, a);
    out = hn::IfThenElse(second, c, out);
    out = hn::IfThenElse(third, d, out);
    return hn::IfThenElse(fourth, e, out);
  }

  /// The random numbers of the next event.
  static HWY_INLINE void draw(lane_registers& now) {
    now.wait = exponential(now.generator.next());
    now.class_word = now.generator.next();
    now.mark_word = now.generator.next();
  }

  static HWY_INLINE hn::Mask<int_tag> as_int(float_mask m) { return hn::RebindMask(di, m); }

  static HWY_INLINE std::uint32_t bits(hn::Mask<int_tag> mask) {
    std::uint8_t bytes[8] = {};
    hn::StoreMaskBits(di, mask, bytes);
    return bytes[0] | (static_cast<std::uint32_t>(bytes[1]) << 8);
  }

  HWY_NOINLINE void attend(std::uint32_t attend, std::uint32_t spikes, std::uint32_t goes_on, std::uint32_t recurrent,
                           const std::int32_t* neuron) {
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
    start();
  }

  /// Starts the lanes that wait.
  void start() {
    const std::uint32_t mine = lane_bits << g_;
    while ((lanes_.waiting & mine) != 0) {
      const int lane = std::countr_zero(lanes_.waiting & mine);
      lanes_.waiting &= ~(1U << lane);
      control_.start(lane, step_);
      alignas(64) float wait[width];
      hn::Store(exponential(constant(lanes_.drawn[0])), df, wait);
      lanes_.wait[static_cast<std::size_t>(lane)] = wait[static_cast<std::size_t>(lane) - g_];
    }
  }

  HWY_INLINE lane_registers load() const {
    using enum lane_list;
    lane_registers now;
    now.time = constant(lanes_.time);
    now.n_refractory = constant(of(lanes_.size, refractory));
    now.n_II = constant(of(lanes_.size, II));
    now.n_IE = constant(of(lanes_.size, IE));
    now.n_EE = constant(of(lanes_.size, EE));
    now.n_EI = constant(of(lanes_.size, EI));
    now.class_word = constant(lanes_.drawn[1]);
    now.mark_word = constant(lanes_.drawn[2]);
    now.wait = constant(lanes_.wait);
    now.generator = word_generator::load(lanes_.generator, g_);
    for (std::size_t b = 0; b < now.potentials.size(); ++b) {
      const auto lane = static_cast<int>(g_ + b * part);
      now.potentials[b] = lanes_.block_of(lane) + lane % block_lanes;
    }
    now.items = lanes_.items.data();
    return now;
  }

  HWY_INLINE void store(const lane_registers& now) const {
    using enum lane_list;
    hn::Store(now.time, df, lanes_.time.data() + g_);
    hn::Store(now.n_refractory, df, of(lanes_.size, refractory).data() + g_);
    hn::Store(now.n_II, df, of(lanes_.size, II).data() + g_);
    hn::Store(now.n_IE, df, of(lanes_.size, IE).data() + g_);
    hn::Store(now.n_EE, df, of(lanes_.size, EE).data() + g_);
    hn::Store(now.n_EI, df, of(lanes_.size, EI).data() + g_);
    hn::Store(now.wait, df, lanes_.wait.data() + g_);
    hn::Store(now.class_word, du, lanes_.drawn[1].data() + g_);
    hn::Store(now.mark_word, du, lanes_.drawn[2].data() + g_);
    now.generator.store(lanes_.generator, g_);
  }

  lockstep_lanes& lanes_;
  lane_control& control_;
  std::size_t g_;
  std::uint64_t step_;
};

std::uint64_t run_lanes_here(lockstep_lanes& lanes, lane_control& control, std::uint64_t step, std::uint64_t steps) {
  for (std::size_t g = 0; g < lane_count; g += width) {
    if ((lanes.occupied >> g & lane_bits) != 0) {
      lane_vector vector(lanes, control, g, step);
      if (lanes.cuts) {
        vector.run<true>(steps);
      } else {
        vector.run<false>(steps);
      }
    }
  }
  return step + steps;
}

}  // namespace spikesweep::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace spikesweep {

namespace {
HWY_EXPORT(run_lanes_here);
}  // namespace

std::uint64_t run_lanes(lockstep_lanes& lanes, lane_control& control, std::uint64_t step, std::uint64_t steps) {
  return HWY_DYNAMIC_DISPATCH(run_lanes_here)(lanes, control, step, steps);
}

}  // namespace spikesweep
#endif  // HWY_ONCE
