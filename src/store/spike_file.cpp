#include <spikesweep/store/atomic_file.hpp>
#include <spikesweep/store/file_format.hpp>
#include <spikesweep/store/settings_file.hpp>
#include <spikesweep/store/spike_file.hpp>

namespace spikesweep {

namespace {

void write(hdf5::group& root, const spike_train& train) {
  write_format(root, spikes_format);
  std::vector<double> time;
  std::vector<std::int32_t> neuron;
  time.reserve(train.spikes.size());
  neuron.reserve(train.spikes.size());
  for (const spike_record& spike : train.spikes) {
    time.push_back(spike.time - train.begin);
    neuron.push_back(spike.neuron);
  }
  root.write_array("time", time, {"s", "time of each spike since the end of the burn-in"});
  root.write_array("neuron", neuron, {"1", "neuron of each spike; the first N_E are excitatory"});
  if (!train.replicate.empty()) {
    root.write_array("replicate", train.replicate, {"1", "run of each spike, from 0"});
  }
  root.write_scalar("duration", train.duration, {"s", "length of the run"});
  root.write_scalar("seed", train.seed, {"1", "seed of the run"});
  root.write_string("config", train.config_text, {"1", "the configuration in force"});
  // Version 0.1.0 said so in datasets; programs that were written for its files find them here still.
  root.write_string("format", "spikesweep spikes 1", {"1", "what this file is"});
  root.write_string("version", SPIKESWEEP_VERSION, {"1", "version of spikesweep that wrote the file"});
  write_network(root, "parameters", train.network);
}

}  // namespace

void save_spikes(const std::filesystem::path& path, const spike_train& train) {
  write_then_rename(path, [&](const std::filesystem::path& temporary) {
    hdf5::file file = hdf5::file::create(temporary);
    write(file.root(), train);
    file.close();
  });
}

}  // namespace spikesweep
