#pragma once

#include <span>
#include <string_view>

#include <spikesweep/base/setting.hpp>

namespace spikesweep {

/// Rule that cuts a trajectory into phases at causal stopping times.
enum class section_kind { interval, mfe, volley };

std::string_view name_of(section_kind kind);

/// A section and its constants.
struct section_settings {
  section_kind kind = section_kind::interval;
  double interval_ms = 10;    ///< `interval`: length of a step [ms].
  double cap_ms = 50;         ///< `mfe`, `volley`: longest active phase [ms].
  int mfe_start = 3;          ///< `mfe`: starts when the recurrent E spikes of the window reach this.
  int mfe_end = 1;            ///< `mfe`: may end when they are at most this.
  double mfe_window = 2;      ///< `mfe`: length of the window [tau_EE].
  double mfe_fanouts = 2;     ///< `mfe`: ends only below this many spikes' fan-out of pending E-to-E kicks.
  double volley_start = 1.0;  ///< `volley`: starts when the E-to-E pool reaches this [mean pool].
  double volley_end = 0.5;    ///< `volley`: ends when it falls to this [mean pool].

  // `mfe` of the discrete network, which has a rule of its own (Wu et al. 2023): the E spikes that count are those
  // whose recurrent current exceeds a share of the external one.
  double discrete_current = 0.25;  ///< This share [external current].
  int discrete_spikes = 2;         ///< Starts above this many in the window, and ends at most at it.
  double discrete_window_ms = 2;   ///< Length of the window [ms].
  double discrete_cap_ms = 10;     ///< Longest MFE [ms].

  bool operator==(const section_settings&) const = default;
};

/// Every setting of a section: the keys of [section] and the datasets of /section in files.
std::span<const setting<section_settings>> section_table();

}  // namespace spikesweep
