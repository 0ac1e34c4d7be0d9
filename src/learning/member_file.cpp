#include "member_file.hpp"

#include <algorithm>
#include <span>
#include <string>
#include <type_traits>
#include <vector>

#include <fmt/format.h>

#include <spikesweep/base/error.hpp>

namespace spikesweep {

namespace {

/// A name inside a group, for messages.
std::string path_in(const hdf5::group& where, const std::string& name) {
  return (where.where().path == "/" ? "/" : where.where().path + '/') + name;
}

void write_network(hdf5::group& root, const std::string& name, const mlp_shape& shape, std::span<const float> weights) {
  const auto sizes = shape.sizes();
  root.write_array(name + "/sizes", std::vector<std::int32_t>(sizes.begin(), sizes.end()),
                   {"1", "units of each layer, inputs first; SiLU between layers, linear output"});
  std::size_t offset = 0;
  for (std::size_t l = 0; l + 1 < sizes.size(); ++l) {
    const auto inputs = static_cast<std::size_t>(sizes[l]);
    const auto outputs = static_cast<std::size_t>(sizes[l + 1]);
    const std::string layer = fmt::format("{}/layer_{}", name, l);
    root.write_array<float>(layer + "/weights", weights.subspan(offset, inputs * outputs), {outputs, inputs},
                            {"1", "weights, outputs x inputs"});
    offset += inputs * outputs;
    root.write_array<float>(layer + "/biases", weights.subspan(offset, outputs), {outputs}, {"1", "biases"});
    offset += outputs;
  }
}

void read_network(const hdf5::group& root, const std::string& name, mlp_shape& shape, std::vector<float>& weights) {
  const auto sizes = root.read_array<std::int32_t>(name + "/sizes");
  if (sizes.size() < 2 || *std::ranges::min_element(sizes) < 1) {
    throw input_error(fmt::format("{}: {}/sizes does not describe a network", root.where().file, path_in(root, name)));
  }
  shape.inputs = sizes.front();
  shape.outputs = sizes.back();
  shape.hidden.assign(sizes.begin() + 1, sizes.end() - 1);
  weights.clear();
  const auto read = [&](const std::string& part, const hdf5::extent& wanted) {
    const hdf5::dataset source = root.open_dataset(part);
    if (source.shape() != wanted) {
      throw input_error(fmt::format("{}: {} does not fit {}/sizes; the file is damaged: restore it", root.where().file,
                                    path_in(root, part), path_in(root, name)));
    }
    const auto values = source.read<float>();
    weights.insert(weights.end(), values.begin(), values.end());
  };
  for (std::size_t l = 0; l + 1 < sizes.size(); ++l) {
    const std::string layer = fmt::format("{}/layer_{}", name, l);
    const auto inputs = static_cast<hdf5::length>(sizes[l]);
    const auto outputs = static_cast<hdf5::length>(sizes[l + 1]);
    read(layer + "/weights", {outputs, inputs});
    read(layer + "/biases", {outputs});
  }
}

std::string dispersion_group(std::size_t phase) {
  return std::string("dispersion/") + name_of(static_cast<phase_kind>(phase));
}

void write_dispersion(hdf5::group& root, const profile_dispersion& dispersion) {
  for (std::size_t k = 0; k < dispersion.size(); ++k) {
    const std::size_t n = dispersion[k].cells();
    const std::string group = dispersion_group(k);
    root.write_array(
        group + "/variance", dispersion[k].variance,
        {"1", "variance of a cell over its expected count; E cells, I cells, E and I spike times; empty: unmet phase"});
    root.write_array<double>(group + "/factor", dispersion[k].factor, {n, n},
                             {"1", "lower Cholesky factor of the correlations of the cells"});
  }
}

void read_dispersion(const hdf5::group& root, int profile_size, profile_dispersion& dispersion) {
  for (std::size_t k = 0; k < dispersion.size(); ++k) {
    const std::string group = dispersion_group(k);
    dispersion[k].variance = root.read_array<double>(group + "/variance");
    dispersion[k].factor = root.read_array<double>(group + "/factor");
    const std::size_t n = dispersion[k].cells();
    if ((n != 0 && n != static_cast<std::size_t>(profile_size)) || dispersion[k].factor.size() != n * n) {
      throw input_error(fmt::format("{}: {} does not fit the model's cells", root.where().file, path_in(root, group)));
    }
  }
}

void write_shift(hdf5::group& root, const input_shift& shift, std::size_t axes) {
  root.write_array<double>("input_shift/coefficients", shift.coefficients,
                           {axes == 0 ? 0 : shift.coefficients.size() / axes, axes},
                           {"half range",
                            "shift of the axes in closed loop: terms of a polynomial of the scaled axes "
                            "(by degree; first axis's power falling) x axes; empty: none"});
  root.write_array("input_shift/degree", std::vector<std::int32_t>{shift.degree}, {"1", "degree of the polynomials"});
  root.write_array("input_shift/log_noise", shift.log_noise,
                   {"1",
                    "natural logarithm of the scale of the noise of the counts in closed loop: terms of a polynomial, "
                    "likewise; empty: none"});
}

void read_shift(const hdf5::group& root, std::size_t axes, input_shift& shift) {
  shift.coefficients = root.read_array<double>("input_shift/coefficients");
  const auto degree = root.read_array<std::int32_t>("input_shift/degree");
  constexpr int highest_degree = 8;
  // Models of older versions have none.
  if (root.has("input_shift/log_noise")) {
    shift.log_noise = root.read_array<double>("input_shift/log_noise");
  }
  const bool known = degree.size() == 1 && degree[0] >= 0 && degree[0] <= highest_degree;
  shift.degree = known ? degree[0] : 0;
  const auto terms = static_cast<std::size_t>(polynomial_basis(static_cast<int>(axes), shift.degree).terms());
  if (!known || (!shift.empty() && shift.coefficients.size() != terms * axes) ||
      (!shift.log_noise.empty() && shift.log_noise.size() != terms)) {
    throw input_error(
        fmt::format("{}: {} does not fit the model's axes", root.where().file, path_in(root, "input_shift")));
  }
}

template <class Record, class Member>
auto column(const std::vector<Record>& records, Member member) {
  std::vector<std::remove_cvref_t<decltype(records[0].*member)>> out;
  for (const auto& record : records) {
    out.push_back(record.*member);
  }
  return out;
}

void write_training(hdf5::group& root, const model_member& member) {
  const auto& h = member.history;
  root.write_array("training/epoch", column(h, &epoch_record::epoch), {"1", "epochs, from 1"});
  root.write_array("training/learning_rate", column(h, &epoch_record::learning_rate), {"1", "at the epoch's end"});
  root.write_array("training/train_counts_loss", column(h, &epoch_record::train_counts),
                   {"nat", "mean negative log-likelihood of counts and duration, standardised units"});
  root.write_array("training/train_profile_loss", column(h, &epoch_record::train_profile),
                   {"nat", "mean cross-entropy of the profile"});
  root.write_array("training/selection_counts_loss", column(h, &epoch_record::selection_counts),
                   {"nat", "the same on the selection points"});
  root.write_array("training/selection_profile_loss", column(h, &epoch_record::selection_profile),
                   {"nat", "the same on the selection points"});
  root.write_array("training/wall", column(h, &epoch_record::wall_s), {"s", "wall time of the epoch"});
  const auto& c = member.candidates;
  root.write_array("training/candidates/epoch", column(c, &candidate_record::epoch),
                   {"1", "epochs tried in closed loop"});
  root.write_array("training/candidates/error_E", column(c, &candidate_record::error_E),
                   {"1", "mean relative error of the E rate at the selection points"});
  root.write_array("training/candidates/error_I", column(c, &candidate_record::error_I),
                   {"1", "mean relative error of the I rate at the selection points"});
  std::vector<std::uint8_t> chosen;
  for (const auto& candidate : c) {
    chosen.push_back(candidate.chosen);
  }
  root.write_array("training/candidates/chosen", chosen, {"1", "1: this epoch became the model"});
}

}  // namespace

void write_member(hdf5::group& to, const model& m, const model_member& member) {
  to.write_attribute("seed", member.seed);
  write_network(to, "counts_network", m.counts_network, member.counts_weights);
  write_network(to, "profile_network", m.profile_network, member.profile_weights);
  write_dispersion(to, member.dispersion);
  write_shift(to, member.shift, m.space.axes.size());
  write_training(to, member);
}

model_member read_member(const hdf5::group& from, const model& m, mlp_shape& counts, mlp_shape& profile) {
  model_member member;
  member.seed = from.read_attribute<std::uint64_t>("seed");
  read_network(from, "counts_network", counts, member.counts_weights);
  read_network(from, "profile_network", profile, member.profile_weights);
  read_dispersion(from, m.targets.profile_size(), member.dispersion);
  read_shift(from, m.space.axes.size(), member.shift);
  return member;
}

}  // namespace spikesweep
