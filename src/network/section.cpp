#include <array>

#include <spikesweep/network/section.hpp>

namespace spikesweep {

namespace {

using s = section_settings;

constexpr std::array rows{
    choice_setting<&s::kind, section_kind::interval, section_kind::mfe, section_kind::volley>(
        "kind", "rule that cuts a trajectory into phases"),
    number_setting<&s::interval_ms>("interval_ms", {0.1, 1000}, "ms", "interval: length of a step"),
    number_setting<&s::cap_ms>("cap_ms", {1, 10000}, "ms", "mfe, volley: longest active phase"),
    whole_setting<&s::mfe_start>("mfe_start", {1, 1000}, "spike",
                                 "mfe: an MFE starts when the recurrent E spikes of the window reach this number"),
    whole_setting<&s::mfe_end>("mfe_end", {0, 999}, "spike",
                               "mfe: an MFE may end when the recurrent E spikes of the window are at most this number"),
    number_setting<&s::mfe_window>("mfe_window", {0.1, 100}, "tau_EE", "mfe: length of the window"),
    number_setting<&s::mfe_fanouts>("mfe_fanouts", {0, 100}, "fan-out",
                                    "mfe: an MFE ends only below this many spikes' fan-out of pending E-to-E kicks"),
    number_setting<&s::discrete_current>(
        "discrete_current", {0, 100}, "external current",
        "mfe of the discrete network: an E spike counts when its recurrent current exceeds this multiple of the "
        "external current")
        .absent_means(0.25),
    whole_setting<&s::discrete_spikes>("discrete_spikes", {0, 1000}, "spike",
                                       "mfe of the discrete network: an MFE starts when more than this many counted "
                                       "spikes are in the window, and ends "
                                       "when no more than this many are")
        .absent_means(std::int64_t{2}),
    number_setting<&s::discrete_window_ms>("discrete_window_ms", {0.1, 100}, "ms",
                                           "mfe of the discrete network: length of the window")
        .absent_means(2.0),
    number_setting<&s::discrete_cap_ms>("discrete_cap_ms", {1, 10000}, "ms", "mfe of the discrete network: longest MFE")
        .absent_means(10.0),
    number_setting<&s::volley_start>("volley_start", {0.01, 100}, "mean pool",
                                     "volley: a volley starts when the pending E-to-E kicks reach this level"),
    number_setting<&s::volley_end>("volley_end", {0, 100}, "mean pool",
                                   "volley: a volley ends when the pending E-to-E kicks fall to this level"),
};

}  // namespace

std::span<const setting<section_settings>> section_table() {
  return rows;
}

std::string_view name_of(section_kind kind) {
  switch (kind) {
    case section_kind::interval:
      return "interval";
    case section_kind::mfe:
      return "mfe";
    case section_kind::volley:
      return "volley";
  }
  return "?";
}

}  // namespace spikesweep
