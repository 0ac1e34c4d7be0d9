// Prints a name and a checksum for what a sweep, a training and a prediction compute, a line each: samples of every
// simulator, features, weights, closed loops, figures. Two compilers have to give the same lines. Rank 0 alone runs it.
#include <filesystem>
#include <iostream>
#include <string>

#include <unistd.h>

#include <boost/mpi/environment.hpp>

#include <spikesweep/learning/trainer.hpp>
#include <spikesweep/network/lockstep.hpp>
#include <spikesweep/network/serial.hpp>
#include <spikesweep/network/simulators.hpp>
#include <spikesweep/parallel/collective.hpp>
#include <spikesweep/store/sweep_file.hpp>
#include <spikesweep/surrogate/predictor.hpp>
#include <spikesweep/surrogate/selection.hpp>
#include <spikesweep/sweep/design.hpp>
#include <spikesweep/sweep/sweep.hpp>

#include "network/checksum.hpp"
#include "network/network_sets.hpp"

namespace {

using namespace spikesweep;
using testing::checksum;

template <class... Values>
void print(const std::string& name, const Values&... values) {
  checksum sum;
  (sum.add_all(values), ...);
  std::cout << name << ' ' << sum.value() << '\n';
}

std::string words(section_kind section, const std::string& what) {
  return std::string(name_of(section)) + ' ' + what;
}

/// A few transitions of a network, with both kinds of excursions.
void print_tasks(section_kind kind) {
  section_settings section;
  section.kind = kind;
  sampling_settings sampling;
  sampling.transitions = 20;
  sampling.burn_in_s = 0.02;
  sampling.perturb_share = sampling.synthetic_share = 0.3;
  sampling.synthetic_s = 0.005;
  sampling.max_simulated_s = 6;
  sampling_settings leaping = sampling;
  leaping.simulation.simulator = simulator_kind::tau_leaping;
  const auto print_task = [kind](const std::string& simulator, const task_result& result) {
    checksum sum;
    sum.add(result);
    std::cout << words(kind, simulator) << ' ' << sum.value() << '\n';
  };
  const parameters markov = cai2021_small(1.4);
  const task_identity task{11, 1, 3};
  print_task("lockstep", sample_task_lockstep(markov, section, sampling, task));
  print_task("oracle", sample_task(markov, section, sampling, task));
  print_task("tau-leaping", sample_task(markov, section, leaping, task));
  print_task("discrete", sample_task(wu2023(0.41), section, sampling, task));
}

sweep_description small_sweep(section_kind kind) {
  design_settings design;
  design.points = 8;
  design.selection_points = 1;
  design.test_points = 1;
  design.axes = {{"S_EE", {}, 3.6, 4.4, 0}, {"tau_IE", {}, 1.8, 2.2, 0}};
  sweep_description about;
  about.section.kind = kind;
  about.sampling.transitions = 60;
  about.sampling.burn_in_s = 0.1;
  about.points = make_design(design, about.base, 1);
  return about;
}

learning_settings small_learning() {
  learning_settings settings;
  settings.hidden = 32;
  settings.layers = 2;
  settings.components = 3;
  settings.batch = 64;
  settings.shards = 4;
  settings.epochs = 3;
  settings.candidates = 1;
  settings.selection_s = 0.2;
  settings.selection_chains = 2;
  return settings;
}

void print_prediction(const model& m, section_kind kind, bool hybrid) {
  loop_settings settings;
  settings.run.duration_s = 0.3;
  settings.run.burn_in_s = 0.05;
  settings.run.raster_s = 0.1;
  settings.replicates = 2;
  settings.hybrid = hybrid;
  settings.seed = 5;
  for (const point_runs& at : predictor(m).run(std::vector<loop_point>{{{4.0, 2.0}, 0}, {{4.3, 1.9}, 1}}, settings)) {
    for (const trajectory& run : at.replicates) {
      std::vector<double> raster;
      for (const spike_record& spike : run.raster) {
        raster.insert(raster.end(), {spike.time, static_cast<double>(spike.neuron)});
      }
      print(words(kind, hybrid ? "hybrid run" : "closed loop"), run.counts_E, run.batches_I, run.sizes, run.intervals,
            raster);
    }
    print(words(kind, "figures"), figures_of(kept_runs(at.replicates, at.network, {1e-3, 0.1})).values);
  }
}

void print_study(section_kind kind, const std::filesystem::path& file) {
  const communicator alone = self();
  const sweep_description about = small_sweep(kind);
  run_sweep(alone, file, about, {});
  std::cout << words(kind, "sweep") << ' ' << sweep_reader(file).digest() << '\n';
  model m;
  training_options options;
  options.settings = small_learning();
  training_data data = load_training_data(alone, file, options.settings, m);
  print(words(kind, "features"), data.train.inputs, data.train.profile, data.selection.inputs);
  options.score = closed_loop_selection(alone, data.selection_points, options.settings);
  prepare_networks(m, options.settings);
  print(words(kind, "first weights"), m.surrogate().counts_weights, m.surrogate().profile_weights);
  train(alone, data, options, m);
  print(words(kind, "weights"), m.surrogate().counts_weights, m.surrogate().profile_weights);
  print_prediction(m, kind, false);
  if (kind != section_kind::interval) {
    print_prediction(m, kind, true);
  }
}

}  // namespace

int main(int argc, char** argv) {
  const boost::mpi::environment environment(argc, argv);
  const auto directory = std::filesystem::temp_directory_path() / ("spikesweep_bits_" + std::to_string(::getpid()));
  std::filesystem::create_directories(directory);
  int code = 0;
  try {
    for (const section_kind kind : {section_kind::interval, section_kind::mfe, section_kind::volley}) {
      print_tasks(kind);
    }
    for (const section_kind kind : {section_kind::interval, section_kind::mfe}) {
      print_study(kind, directory / (std::string(name_of(kind)) + ".h5"));
    }
  } catch (const std::exception& error) {
    std::cerr << "bits_program: " << error.what() << '\n';
    code = 1;
  }
  std::filesystem::remove_all(directory);
  return code;
}
