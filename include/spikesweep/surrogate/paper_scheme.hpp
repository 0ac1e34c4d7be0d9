#pragma once

#include <string_view>

#include <spikesweep/learning/model.hpp>
#include <spikesweep/store/sweep_file.hpp>
#include <spikesweep/surrogate/closed_loop.hpp>
#include <spikesweep/surrogate/kernel.hpp>

namespace spikesweep {

/// The name of its run in a validation.
inline constexpr std::string_view paper_run = "paper_scheme";

/// The scheme of Zhang et al. 2024, in its essentials, for comparison: a perceptron that takes the low cosine modes of
/// both histograms of potentials, the pending kicks and the axes before an active phase, and gives the modes and counts
/// after it. It is trained by mean square error, so it gives the mean of what follows, and not its law. Its kernel
/// advances active phases only: it is for run_hybrid().
///
/// It is fitted here, on at most 20,000 active phases of the training points, from a fixed seed. It keeps a reference
/// to the model. Rank-local. Throws input_error if the file does not hold the model's space, and interrupted_error if
/// `stop` says so.
kernel paper_scheme(const model& m, const sweep_reader& file, const stop_check& stop = {});

/// Multiplications that paper_scheme() takes where so many rows are there to train with.
double paper_scheme_products(const model& m, double rows);

}  // namespace spikesweep
