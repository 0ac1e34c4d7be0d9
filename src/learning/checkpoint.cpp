#include "checkpoint.hpp"

#include <string>

#include <boost/mpi/collectives.hpp>
#include <boost/serialization/string.hpp>
#include <boost/serialization/vector.hpp>
#include <fmt/format.h>

#include <spikesweep/base/error.hpp>
#include <spikesweep/store/atomic_file.hpp>
#include <spikesweep/store/hdf5.hpp>
#include <spikesweep/sweep/communicate.hpp>

namespace spikesweep {

namespace {

namespace mpi = boost::mpi;

constexpr const char* checkpoint_format = "spikesweep checkpoint";

/// Everything that decides the course of a training beside the data.
std::string fingerprint(const learning_settings& s, const std::string& identity, const model& m) {
  return fmt::format(
      "hidden {} layers {} components {} epochs {} batch {} shards {} learning_rate {} weight_decay {} warmup_share {} "
      "gradient_clip {} precision {} patience {} candidates {} selection_s {} selection_chains {} seed {} features {} "
      "data {}",
      s.hidden, s.layers, s.components, s.epochs, s.batch, s.shards, s.learning_rate, s.weight_decay, s.warmup_share,
      s.gradient_clip, name_of(s.numbers), s.patience, s.candidates, s.selection_s, s.selection_chains, s.seed,
      m.features.size(), identity);
}

/// The numbers of the records, flat.
std::vector<double> flatten(const model& m) {
  std::vector<double> out;
  for (const auto& r : m.history) {
    out.insert(out.end(), {static_cast<double>(r.epoch), r.learning_rate, r.train_counts, r.train_profile,
                           r.selection_counts, r.selection_profile, r.wall_s});
  }
  return out;
}

std::vector<double> flatten_candidates(const model& m) {
  std::vector<double> out;
  for (const auto& c : m.candidates) {
    out.insert(out.end(), {static_cast<double>(c.epoch), c.error_E, c.error_I});
  }
  return out;
}

void restore_records(const std::vector<double>& history, const std::vector<double>& candidates, model& m) {
  m.history.clear();
  for (std::size_t i = 0; i + 7 <= history.size(); i += 7) {
    const double* v = history.data() + i;
    m.history.push_back({static_cast<int>(v[0]), v[1], v[2], v[3], v[4], v[5], v[6]});
  }
  m.candidates.clear();
  for (std::size_t i = 0; i + 3 <= candidates.size(); i += 3) {
    m.candidates.push_back({static_cast<int>(candidates[i]), candidates[i + 1], candidates[i + 2], false});
  }
}

void write_moments(hdf5::group& root, const std::string& name, const adamw& optimiser) {
  const auto first = optimiser.first_moments();
  const auto second = optimiser.second_moments();
  root.write_array<float>(name + "/first", first, {first.size()}, {"1", "first moments of AdamW"});
  root.write_array<float>(name + "/second", second, {second.size()}, {"1", "second moments of AdamW"});
  root.write_scalar(name + "/steps", static_cast<std::int64_t>(optimiser.steps()), {"1", "updates done"});
}

void read_moments(const hdf5::group& root, const std::string& name, adamw& optimiser) {
  optimiser.restore(root.read_array<float>(name + "/first"), root.read_array<float>(name + "/second"),
                    root.read_scalar<std::int64_t>(name + "/steps"));
}

void read_file(const std::filesystem::path& path, const learning_settings& settings, const std::string& identity,
               model& m, adamw& counts, adamw& profile, training_state& state) {
  const hdf5::file file = hdf5::file::open(path);
  const hdf5::group& root = file.root();
  if (root.read_string_attribute("format") != checkpoint_format ||
      root.read_string("settings") != fingerprint(settings, identity, m)) {
    throw input_error(
        fmt::format("{} belongs to a training with other settings or data; remove it to start afresh", path.string()));
  }
  auto counts_weights = root.read_array<float>("weights/counts");
  auto profile_weights = root.read_array<float>("weights/profile");
  if (counts_weights.size() != m.counts_weights.size() || profile_weights.size() != m.profile_weights.size()) {
    throw input_error(fmt::format("{} is of a model of other dimensions; remove it to start afresh", path.string()));
  }
  m.counts_weights = std::move(counts_weights);
  m.profile_weights = std::move(profile_weights);
  read_moments(root, "counts_optimiser", counts);
  read_moments(root, "profile_optimiser", profile);
  state.epoch = root.read_scalar<int>("epoch");
  state.stopped = root.read_scalar<int>("stopped") != 0;
  state.rollbacks = root.read_scalar<int>("rollbacks");
  state.best_loss = root.read_scalar<double>("best_loss");
  state.best_loss_epoch = root.read_scalar<int>("best_loss_epoch");
  state.best_score = root.read_scalar<double>("best_score");
  state.best_epoch = root.read_scalar<int>("best_epoch");
  if (state.best_epoch > 0) {
    state.best_counts = root.read_array<float>("best/counts");
    state.best_profile = root.read_array<float>("best/profile");
  }
  restore_records(root.read_array<double>("history"), root.read_array<double>("candidates"), m);
}

void write_file(const std::filesystem::path& path, const learning_settings& settings, const std::string& identity,
                const model& m, const adamw& counts, const adamw& profile, const training_state& state) {
  write_then_rename(path, [&](const std::filesystem::path& temporary) {
    hdf5::file file = hdf5::file::create(temporary);
    {
      hdf5::group& root = file.root();
      root.write_attribute("format", std::string(checkpoint_format));
      root.write_string("settings", fingerprint(settings, identity, m), {"1", "what the training depends on"});
      root.write_array("weights/counts", m.counts_weights, {"1", "weights of the counts network, flat"});
      root.write_array("weights/profile", m.profile_weights, {"1", "weights of the profile network, flat"});
      write_moments(root, "counts_optimiser", counts);
      write_moments(root, "profile_optimiser", profile);
      root.write_scalar("epoch", state.epoch, {"1", "epochs done"});
      root.write_scalar("stopped", static_cast<int>(state.stopped), {"1", "1: early stopping ended the training"});
      root.write_scalar("rollbacks", state.rollbacks, {"1", "times the training diverged and was rolled back"});
      root.write_scalar("best_loss", state.best_loss, {"nat", "best selection loss"});
      root.write_scalar("best_loss_epoch", state.best_loss_epoch, {"1", "its epoch"});
      root.write_scalar("best_score", state.best_score, {"1", "best closed-loop score"});
      root.write_scalar("best_epoch", state.best_epoch, {"1", "its epoch"});
      if (state.best_epoch > 0) {
        root.write_array("best/counts", state.best_counts, {"1", "weights of the best candidate, flat"});
        root.write_array("best/profile", state.best_profile, {"1", "weights of the best candidate, flat"});
      }
      root.write_array("history", flatten(m), {"1", "epoch records, flat"});
      root.write_array("candidates", flatten_candidates(m), {"1", "candidate records, flat"});
    }
    file.close();
  });
}

}  // namespace

void write_checkpoint(const mpi::communicator& comm, const std::filesystem::path& path,
                      const learning_settings& settings, const std::string& identity, const model& m,
                      const adamw& counts, const adamw& profile, const training_state& state) {
  on_root(comm, [&] { write_file(path, settings, identity, m, counts, profile, state); });
}

bool read_checkpoint(const mpi::communicator& comm, const std::filesystem::path& path,
                     const learning_settings& settings, const std::string& identity, model& m, adamw& counts,
                     adamw& profile, training_state& state) {
  bool there = false;
  on_root(comm, [&] { there = std::filesystem::exists(path); });
  mpi::broadcast(comm, there, 0);
  if (there) {
    // Every rank reads it: it is small, and each needs all of it.
    read_file(path, settings, identity, m, counts, profile, state);
  }
  return there;
}

}  // namespace spikesweep
