// The training step. tools/bench train and tools/bench allreduce run it; tools/bench_train.py has the other side.
//   bench_train time BATCH fp32|bf16     one JSON line: samples/s, GFLOP/s of the step and of a bare inner product
//   bench_train share BATCH              under mpirun: seconds of a step, and of them in the all-reduce; JSON on rank 0
//   bench_train export BATCH STEPS RATE HIDDEN FILE.h5
//                                        weights, inputs and targets of STEPS steps on one batch, for another
//                                        implementation to train on; losses of ours to standard output

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <exception>
#include <iostream>
#include <string>
#include <string_view>
#include <vector>

#include <boost/mpi/environment.hpp>
#include <nlohmann/json.hpp>

#include <spikesweep/base/json_text.hpp>
#include <spikesweep/base/stopwatch.hpp>
#include <spikesweep/learning/trainer.hpp>
#include <spikesweep/parallel/reduce.hpp>
#include <spikesweep/store/hdf5.hpp>

#include "learning/batch.hpp"
#include "learning/real_transitions.hpp"

namespace spikesweep {
namespace {

namespace mpi = boost::mpi;

constexpr int units = 512;
constexpr int layers = 3;

training_options options_for(int batch, int hidden, int epochs, double rate) {
  training_options options;
  options.settings.hidden = hidden;
  options.settings.layers = layers;
  options.settings.batch = batch;
  options.settings.shards = 16;
  options.settings.slices = 1;
  options.settings.epochs = epochs;
  options.settings.learning_rate = rate;
  return options;
}

/// Multiplications and additions of a step on one row: forward, gradient of weights, gradient of inputs but the first.
double flops_per_row(const mlp_shape& shape) {
  const auto n = shape.sizes();
  double sum = 0;
  for (std::size_t l = 0; l + 1 < n.size(); ++l) {
    sum += (l == 0 ? 4.0 : 6.0) * n[l] * n[l + 1];
  }
  return sum;
}

double median(std::vector<double> values) {
  std::ranges::sort(values);
  return values[values.size() / 2];
}

/// Of a bare 512 x 512 inner product on so many rows, over a second: the median of 40 tries, as of the steps [GFLOP/s].
double peak_gflops(int rows, precision numbers) {
  mlp product({units, {}, units}, rows, false, numbers);
  product.set_parameters(std::vector<float>(mlp_shape{units, {}, units}.parameter_count(), 0.01F));
  std::ranges::fill(product.input(), 0.5F);
  std::vector<double> tries;
  for (int repeat = 0; repeat < 40; ++repeat) {
    const auto start = steady_clock::now();
    constexpr int times = 20;
    for (int i = 0; i < times; ++i) {
      product.forward();
    }
    tries.push_back(2.0 * units * units * rows * times / seconds_since(start) * 1e-9);
  }
  return median(tries);
}

/// Seconds of every step but the first few.
std::vector<double> time_steps(const mpi::communicator& ranks, const training_data& data, const training_options& given,
                               model& m) {
  training_options options = given;
  std::vector<double> seconds;
  auto last = steady_clock::now();
  options.step = [&](const step_record&) {
    seconds.push_back(seconds_since(last));
    last = steady_clock::now();
  };
  prepare_networks(m, options.settings);
  train(ranks, data, options, m);
  constexpr std::size_t warm_up = 5;
  seconds.erase(seconds.begin(), seconds.begin() + std::min(warm_up, seconds.size() - 1));
  return seconds;
}

int time(int batch, precision numbers) {
  const mpi::communicator self(MPI_COMM_SELF, mpi::comm_duplicate);
  model m;
  const training_data data = testing::real_transitions(self, 8192, 16, m);
  training_options options = options_for(batch, units, std::max(1, 120 * batch / 8192), 1e-4);
  options.settings.numbers = numbers;
  const double step_s = median(time_steps(self, data, options, m));
  const double flops = flops_per_row(m.counts_network) + flops_per_row(m.profile_network);
  const double peak = peak_gflops(batch, numbers);
  const nlohmann::ordered_json out{{"batch", batch},
                                   {"precision", name_of(numbers)},
                                   {"step_ms", 1e3 * step_s},
                                   {"samples_per_s", batch / step_s},
                                   {"gflops", flops * batch / step_s * 1e-9},
                                   {"peak_gflops", peak}};
  std::printf("%s\n", json_text(out).c_str());
  return 0;
}

/// The all-reduce is timed apart, on a buffer of the gradient's size.
int share(const mpi::communicator& ranks, int batch) {
  model m;
  const training_data data = testing::real_transitions(ranks, 8192, 16, m);
  const double step_s = median(time_steps(ranks, data, options_for(batch, units, 1, 1e-4), m));
  std::vector<float> buffer(m.surrogate().counts_weights.size() + m.surrogate().profile_weights.size());
  std::vector<double> seconds;
  for (int i = 0; i < 30; ++i) {
    ranks.barrier();
    const auto start = steady_clock::now();
    all_reduce_sum(ranks, std::span(buffer));
    seconds.push_back(seconds_since(start));
  }
  if (ranks.rank() == 0) {
    const nlohmann::ordered_json out{{"ranks", ranks.size()},
                                     {"batch", batch},
                                     {"step_ms", 1e3 * step_s},
                                     {"allreduce_ms", 1e3 * median(seconds)},
                                     {"megabytes", 4e-6 * static_cast<double>(buffer.size())}};
    std::printf("%s\n", json_text(out).c_str());
  }
  return 0;
}

int export_steps(int batch, int steps, double rate, int hidden, const std::string& path) {
  const mpi::communicator self(MPI_COMM_SELF, mpi::comm_duplicate);
  model m;
  const training_data data = testing::real_transitions(self, batch, 16, m);  // One step an epoch.
  training_options options = options_for(batch, hidden, steps, rate);
  prepare_networks(m, options.settings);
  const model first = m;
  std::vector<double> rates;
  options.step = [&](const step_record& done) {
    rates.push_back(done.learning_rate);
    std::printf("%.9g %.9g\n", done.counts, done.profile);
  };
  train(self, data, options, m);
  law_batch rows(first, batch, false);
  std::vector<float> targets;
  for (int step = 1; step <= steps; ++step) {
    for (int row = 0; row < batch; ++row) {
      rows.fill(row, data.train, row, 1, options.settings.seed, step);
    }
    const auto of_step = rows.filled().targets;
    targets.insert(targets.end(), of_step.begin(), of_step.end());
  }
  const auto filled = rows.filled();
  hdf5::file file = hdf5::file::create(path);
  hdf5::group& root = file.root();
  const auto n = static_cast<std::size_t>(batch);
  const auto write = [&](const char* name, std::span<const float> values) {
    root.write_array<float>(name, values, {n, values.size() / n}, {"1", name});
  };
  write("counts_input", filled.counts_input);
  write("profile_input", filled.profile_input);
  write("profile_targets", filled.profile_targets);
  root.write_array<float>("targets", targets, {static_cast<std::size_t>(steps), n, targets.size() / n / rates.size()},
                          {"1", "targets of each step"});
  root.write_array("rates", rates, {"1", "learning rate of each step"});
  root.write_array("counts_weights", first.surrogate().counts_weights, {"1", "flat and plain"});
  root.write_array("profile_weights", first.surrogate().profile_weights, {"1", "flat and plain"});
  const auto groups = first.targets.groups();
  root.write_array("groups", std::vector<int>(groups.begin(), groups.end()), {"1", "softmax groups"});
  root.write_array("counts_sizes", first.counts_network.sizes(), {"1", "units of each layer"});
  root.write_array("profile_sizes", first.profile_network.sizes(), {"1", "units of each layer"});
  root.write_scalar("components", first.mixture.components, {"1", "of the mixture"});
  root.write_scalar("weight_decay", options.settings.weight_decay, {"1", "of AdamW"});
  root.write_scalar("gradient_clip", options.settings.gradient_clip, {"1", "largest norm"});
  file.close();
  return 0;
}

int run(const std::vector<std::string>& words) {
  if (words.size() == 3 && words[0] == "time") {
    return time(std::stoi(words[1]), words[2] == "bf16" ? precision::bf16 : precision::fp32);
  }
  if (words.size() == 2 && words[0] == "share") {
    return share(mpi::communicator(), std::stoi(words[1]));
  }
  if (words.size() == 6 && words[0] == "export") {
    return export_steps(std::stoi(words[1]), std::stoi(words[2]), std::stod(words[3]), std::stoi(words[4]), words[5]);
  }
  std::fprintf(stderr, "usage: bench_train time BATCH fp32|bf16 | share BATCH | export BATCH STEPS RATE HIDDEN FILE\n");
  return 2;
}

}  // namespace
}  // namespace spikesweep

int main(int argc, char** argv) try {
  const boost::mpi::environment environment(argc, argv, false);
  return spikesweep::run({argv + 1, argv + argc});
} catch (const std::exception& error) {
  std::cerr << error.what() << '\n';
  return 1;
}
