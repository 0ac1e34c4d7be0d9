#pragma once

#include <span>
#include <string_view>
#include <vector>

#include <spikesweep/parallel/communicator.hpp>
#include <spikesweep/surrogate/validation.hpp>

namespace spikesweep {

/// Published rates of a network that is built in, by one of the models of the publication.
struct published_rates {
  std::string_view preset;
  std::string_view model;
  double rate_E_hz;
  double rate_I_hz;
};

/// Where all of them are from.
extern const std::string_view published_source;

/// Every published figure, three models a preset: the full network, the authors' reduced network, and their
/// coarse-grained model.
std::span<const published_rates> published_figures();

/// The exact network and the surrogate at every built-in network of which there are published figures, if it is what
/// the model was trained for: its fixed parameters are those of the sweep, and its others lie within the trained
/// ranges. Of a test point the results are taken from `result`; others are run, but for points that were learnt from,
/// which are left out. `saved` is that of validate_model(), which is called for these others. Collective; the list is
/// on rank 0.
std::vector<published_comparison> compare_with_published(const communicator& comm, const model& m, const design& points,
                                                         const validation_result& result, unfinished_result* saved);

}  // namespace spikesweep
