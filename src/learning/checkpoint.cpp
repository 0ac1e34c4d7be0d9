#include "checkpoint.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <sstream>
#include <string>
#include <string_view>

#include <boost/serialization/string.hpp>
#include <boost/serialization/vector.hpp>
#include <fmt/format.h>

#include <spikesweep/base/error.hpp>
#include <spikesweep/base/log.hpp>
#include <spikesweep/learning/trainer.hpp>
#include <spikesweep/parallel/collective.hpp>
#include <spikesweep/store/atomic_file.hpp>
#include <spikesweep/store/file_format.hpp>

namespace spikesweep {

namespace {

/// A checkpoint that is not damaged, but belongs to another training.
struct other_training : input_error {
  explicit other_training(const std::filesystem::path& path)
      : input_error(path.string() + " belongs to a training with other settings or data; remove it to start afresh") {}
};

/// Whether a setting decides the course of one training. Of the others, tuning comes after it, and `members` says how
/// many trainings there are.
bool decides_course(std::string_view key) {
  return key != "buffer_MiB" && key != "tuning_s" && key != "members";
}

/// Everything that decides the course of a training: "KEY VALUE " of every setting, the number of features, and the
/// data.
std::string fingerprint(const checkpoint_place& place) {
  std::string text;
  for (const auto& row : learning_table()) {
    if (decides_course(row.key)) {
      text += fmt::format("{} {} ", row.key, to_text(row.get(place.settings)));
    }
  }
  return text + fmt::format("features {} data {}", place.features, place.identity);
}

/// The parts of a fingerprint by key. Their order differs between versions.
std::map<std::string, std::string> parts_of(const std::string& fingerprint) {
  constexpr std::string_view last = " data ";
  const std::size_t data = fingerprint.find(last);
  std::map<std::string, std::string> parts;
  if (data != std::string::npos) {
    parts["data"] = fingerprint.substr(data + last.size());
  }
  std::istringstream words(fingerprint.substr(0, data));
  for (std::string key, value; words >> key >> value;) {
    parts[key] = value;
  }
  return parts;
}

/// The words of a text, without those that an earlier version did not write.
std::vector<std::string> words_of(const std::string& text, const std::vector<std::string>& implied) {
  std::istringstream stream(text);
  std::vector<std::string> words;
  for (std::string word; stream >> word;) {
    if (std::ranges::find(implied, word) == implied.end()) {
      words.push_back(word);
    }
  }
  return words;
}

/// Whether a checkpoint is of this training. A setting that it lacks was added later, and had its old value then.
bool is_of_training(const std::string& stored, const checkpoint_place& place) {
  std::map<std::string, std::string> before = parts_of(stored);
  std::map<std::string, std::string> now = parts_of(fingerprint(place));
  for (const auto& row : learning_table()) {
    if (row.absent && decides_course(row.key)) {
      before.emplace(row.key, to_text(*row.absent));
    }
  }
  const bool same_data = words_of(before["data"], place.implied) == words_of(now["data"], place.implied);
  before.erase("data");
  now.erase("data");
  return same_data && before == now;
}

/// The numbers of the epoch records, one record after another.
std::vector<double> flatten_history(const model_member& m) {
  std::vector<double> out;
  for (const auto& r : m.history) {
    out.insert(out.end(), {static_cast<double>(r.epoch), r.learning_rate, r.train_counts, r.train_profile,
                           r.selection_counts, r.selection_profile, r.wall_s});
  }
  return out;
}

std::vector<double> flatten_candidates(const model_member& m) {
  std::vector<double> out;
  for (const auto& c : m.candidates) {
    out.insert(out.end(), {static_cast<double>(c.epoch), c.error_E, c.error_I});
  }
  return out;
}

constexpr std::size_t history_numbers = 7;    ///< Of each epoch record.
constexpr std::size_t candidate_numbers = 3;  ///< Of each candidate record.

/// Says what is wrong with a checkpoint, where.
class contents_check {
 public:
  explicit contents_check(std::string file) : file_(std::move(file)) {}

  void require(bool good, std::string_view path, std::string_view fault) const {
    if (!good) {
      throw input_error(fmt::format("/{} in {} {}", path, file_, fault));
    }
  }
  template <class Numbers>
  void finite(const Numbers& numbers, std::string_view path) const {
    require(std::ranges::all_of(numbers, [](auto x) { return std::isfinite(x); }), path, "is not finite everywhere");
  }
  void within(std::int64_t value, std::int64_t least, std::int64_t most, std::string_view path) const {
    require(value >= least && value <= most, path, fmt::format("is {}; allowed: {} to {}", value, least, most));
  }
  /// The number of an epoch, as it stands among doubles.
  int epoch(double value, int most, std::string_view path) const {
    require(value >= 1 && value <= most && value == std::floor(value), path, "names an epoch that has not been");
    return static_cast<int>(value);
  }

 private:
  std::string file_;
};

/// An epoch record for each of the epochs done, and the candidates among them.
void restore_records(const std::vector<double>& history, const std::vector<double>& candidates, int epochs,
                     const contents_check& check, model_member& m) {
  check.require(history.size() == history_numbers * static_cast<std::size_t>(epochs), "history",
                "does not hold a record of each epoch");
  check.require(candidates.size() % candidate_numbers == 0, "candidates", "does not hold whole records");
  m.history.clear();
  for (std::size_t i = 0; i < history.size(); i += history_numbers) {
    const double* v = history.data() + i;
    m.history.push_back({check.epoch(v[0], epochs, "history"), v[1], v[2], v[3], v[4], v[5], v[6]});
  }
  m.candidates.clear();
  for (std::size_t i = 0; i < candidates.size(); i += candidate_numbers) {
    m.candidates.push_back(
        {check.epoch(candidates[i], epochs, "candidates"), candidates[i + 1], candidates[i + 2], false});
  }
}

void write_network(hdf5::group& root, const std::string& name, const network_state& network) {
  const auto write = [&](const char* part, std::span<const float> values, const char* description) {
    root.write_array<float>(name + '/' + part, values, {values.size()}, {"1", description});
  };
  write("weights", network.weights, "weights, flat");
  write("average", network.average, "moving average of the weights, flat");
  write("first", network.optimiser.first_moments(), "first moments of AdamW");
  write("second", network.optimiser.second_moments(), "second moments of AdamW");
  root.write_scalar(name + "/steps", network.optimiser.steps(), {"1", "updates done"});
}

/// `network` has the dimensions that the file should have.
void read_network(const hdf5::group& root, const std::string& name, network_state& network) {
  const auto read = [&](const char* part, long_vector<float>& into) {
    const auto values = root.read_array<float>(name + '/' + part);
    if (values.size() != into.size()) {
      throw input_error(root.where().file + " is of a model of other dimensions; remove it to start afresh");
    }
    std::ranges::copy(values, into.begin());
  };
  read("weights", network.weights);
  read("average", network.average);
  long_vector<float> first(network.weights.size());
  long_vector<float> second(network.weights.size());
  read("first", first);
  read("second", second);
  const auto steps = root.read_scalar<std::int64_t>(name + "/steps");
  const contents_check check(root.where().file);
  check.finite(network.weights, name + "/weights");
  check.finite(network.average, name + "/average");
  check.finite(first, name + "/first");
  check.finite(second, name + "/second");
  check.require(std::ranges::all_of(second, [](float x) { return x >= 0; }), name + "/second", "is below 0 somewhere");
  check.require(steps >= 0, name + "/steps", "is below 0");
  network.optimiser.restore({first.begin(), first.end()}, {second.begin(), second.end()}, steps);
}

/// The weights of the best candidate.
std::vector<float> read_best(const hdf5::group& root, const std::string& name, const network_state& like) {
  auto weights = root.read_array<float>(name);
  const contents_check check(root.where().file);
  check.require(weights.size() == like.weights.size(), name, "is of a network of other dimensions");
  check.finite(weights, name);
  return weights;
}

void read_file(const std::filesystem::path& path, const checkpoint_place& place, model_member& m,
               training_state& state) {
  const hdf5::file file = hdf5::file::open(path);
  const hdf5::group& root = file.root();
  check_format(root, checkpoint_format);
  if (!is_of_training(root.read_string("settings"), place)) {
    throw other_training(path);
  }
  read_network(root, "counts", state.now.counts);
  read_network(root, "profile", state.now.profile);
  state.epoch = root.read_scalar<int>("epoch");
  state.step = root.read_scalar<std::int64_t>("step");
  const contents_check check(root.where().file);
  check.within(state.epoch, 0, place.settings.epochs, "epoch");
  check.within(state.step, 0, place.steps_per_epoch, "step");  // After the last one the epoch is not over yet.
  state.epoch_begin = state.now;
  if (state.step > 0) {
    read_network(root, "epoch_begin/counts", state.epoch_begin.counts);
    read_network(root, "epoch_begin/profile", state.epoch_begin.profile);
  }
  state.counts_loss = root.read_scalar<double>("counts_loss");
  state.profile_loss = root.read_scalar<double>("profile_loss");
  state.wall_s = root.read_scalar<double>("wall");
  state.stopped = root.read_scalar<int>("stopped") != 0;
  state.rollbacks = root.read_scalar<int>("rollbacks");
  state.best_loss = root.read_scalar<double>("best_loss");
  state.best_loss_epoch = root.read_scalar<int>("best_loss_epoch");
  state.best_score = root.read_scalar<double>("best_score");
  state.best_epoch = root.read_scalar<int>("best_epoch");
  check.finite(std::array{state.counts_loss, state.profile_loss, state.wall_s}, "counts_loss, profile_loss or wall");
  check.within(state.rollbacks, 0, most_rollbacks, "rollbacks");
  check.within(state.best_loss_epoch, 0, state.epoch, "best_loss_epoch");
  check.within(state.best_epoch, 0, state.epoch, "best_epoch");
  if (state.best_epoch > 0) {
    state.best_counts = read_best(root, "best/counts", state.now.counts);
    state.best_profile = read_best(root, "best/profile", state.now.profile);
  }
  restore_records(root.read_array<double>("history"), root.read_array<double>("candidates"), state.epoch, check, m);
}

void write_file(const std::filesystem::path& path, const checkpoint_place& place, const model_member& m,
                const training_state& state) {
  hdf5::file file = hdf5::file::create(path);
  {
    hdf5::group& root = file.root();
    write_format(root, checkpoint_format);
    root.write_string("settings", fingerprint(place), {"1", "what the training depends on"});
    write_network(root, "counts", state.now.counts);
    write_network(root, "profile", state.now.profile);
    root.write_scalar("epoch", state.epoch, {"1", "epochs done"});
    root.write_scalar("step", state.step, {"1", "steps done of the next epoch"});
    if (state.step > 0) {
      write_network(root, "epoch_begin/counts", state.epoch_begin.counts);
      write_network(root, "epoch_begin/profile", state.epoch_begin.profile);
    }
    root.write_scalar("counts_loss", state.counts_loss, {"nat", "sum over the rows of these steps"});
    root.write_scalar("profile_loss", state.profile_loss, {"nat", "sum over the rows of these steps"});
    root.write_scalar("wall", state.wall_s, {"s", "wall time of these steps"});
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
    root.write_array("history", flatten_history(m), {"1", "epoch records, flat"});
    root.write_array("candidates", flatten_candidates(m), {"1", "candidate records, flat"});
  }
  file.close();
}

}  // namespace

network_state::network_state(std::span<const float> first, const adamw_settings& settings, bool averages)
    : weights(first.begin(), first.end()), optimiser(settings, first.size()) {
  if (averages) {
    average = weights;
  }
}

std::filesystem::path previous_checkpoint(const std::filesystem::path& last) {
  return last.string() + ".previous";
}

bool belongs_to(const std::filesystem::path& checkpoint, const training_options& options) {
  std::error_code unknown;
  if (!std::filesystem::exists(checkpoint, unknown)) {
    return true;
  }
  std::string stored;
  try {
    stored = hdf5::file::open(checkpoint).root().read_string("settings");
  } catch (const spikesweep_error&) {
    return false;
  }
  // How rows are read and the number of features are known later only, so words of other keys do not count.
  std::map<std::string, std::string> before = parts_of(stored);
  const std::vector<std::string> data = words_of(before["data"], options.implied);
  const auto has = [](const std::vector<std::string>& words, const std::string& word) {
    return std::ranges::find(words, word) != words.end();
  };
  const std::vector<std::string> now = words_of(options.identity, {});
  const bool same_data = std::ranges::all_of(words_of(options.identity, options.implied),
                                             [&](const std::string& word) { return has(data, word); }) &&
                         std::ranges::none_of(data, [&](const std::string& word) {
                           const std::string key = word.substr(0, word.find('=') + 1);
                           return !has(now, word) && std::ranges::any_of(now, [&](const std::string& other) {
                             return !key.empty() && other.starts_with(key);
                           });
                         });
  return same_data && std::ranges::all_of(learning_table(), [&](const auto& row) {
           const auto found = before.find(std::string(row.key));
           const std::string wanted = to_text(row.get(options.settings));
           const bool lacks = found == before.end();
           return !decides_course(row.key) ||
                  (lacks ? row.absent && to_text(*row.absent) == wanted : found->second == wanted);
         });
}

void write_checkpoint(const communicator& comm, const checkpoint_place& place, const model_member& m,
                      const training_state& state) {
  on_root(comm, [&] {
    write_then_rename(place.path, [&](const std::filesystem::path& temporary) {
      write_file(temporary, place, m, state);
      std::error_code none_yet;
      std::filesystem::rename(place.path, previous_checkpoint(place.path), none_yet);
    });
  });
}

bool read_checkpoint(const communicator& comm, const checkpoint_place& place, model_member& m, training_state& state) {
  std::string name;
  on_root(comm, [&] {
    // Rank 0 alone decides which file is used, so that all ranks use the same.
    std::string damage;
    for (const auto& path : {place.path, previous_checkpoint(place.path)}) {
      if (!std::filesystem::exists(path)) {
        continue;
      }
      try {
        model_member tried = m;
        training_state into = state;
        read_file(path, place, tried, into);
        if (!damage.empty()) {
          log_warning(damage + "; going on from " + path.string());
        }
        name = path.string();
        return;
      } catch (const other_training&) {
        throw;
      } catch (const format_error&) {
        throw;
      } catch (const input_error& error) {
        damage = "the checkpoint is damaged (" + std::string(error.what()) + ')';
      }
    }
    if (!damage.empty()) {
      throw input_error(damage + "; remove " + place.path.string() + "* to start afresh");
    }
  });
  broadcast(comm, name);
  if (!name.empty()) {
    // Every rank reads the whole file: it is small, and every rank needs all of it.
    read_file(name, place, m, state);
  }
  return !name.empty();
}

}  // namespace spikesweep
