// How far a surrogate drifts from the network: chains start at states of the sweep's own trajectory, and are put back
// on it after a number of steps. Prints, over the test points, spikes and Fano factors against those of the trajectory.
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <vector>

#include <spikesweep/learning/model.hpp>
#include <spikesweep/store/sweep_file.hpp>
#include <spikesweep/surrogate/kernel.hpp>

namespace spikesweep {
namespace {

struct moments {
  double n = 0, sum = 0, squares = 0;
  void add(double x) {
    n += 1;
    sum += x;
    squares += x * x;
  }
  double mean() const { return sum / n; }
  double fano() const { return (squares / n - mean() * mean()) / mean(); }
};

int run(const char* sweep_path, const char* model_path, int role) {
  const model m = load_model(model_path);
  const sweep_reader sweep(sweep_path);
  const auto& about = sweep.description();
  const int steps_of[] = {1, 2, 4, 8, 16, 64};
  std::printf("%6s %8s | %8s %8s %8s %8s %8s (restart every k steps, log ratio to truth, %%; sd over points)\n", "k",
              "points", "rate_E", "fanoE1", "fanoE10", "fanoI1", "fanoI10");
  for (const int k : steps_of) {
    std::vector<std::vector<double>> logs(5);
    for (std::int64_t task = 0; task < about.tasks(); ++task) {
      const int point = static_cast<int>(about.identity(task).point);
      if (static_cast<int>(about.points.roles[static_cast<std::size_t>(point)]) != role)
        continue;
      const sweep_rows rows = sweep.read_rows(task, task + 1);
      const transition_block& b = rows.block;
      const parameters p = parameters_at(about.points, about.base, point);
      std::vector<double> values;
      for (const auto& axis : m.space.axes)
        values.push_back(get_parameter(p, find_parameter(axis)));
      std::vector<chain> chains;
      std::vector<std::int64_t> at;
      for (std::int64_t i = 0; i + k <= b.rows(); ++i) {
        bool own = true;
        for (std::int64_t j = i; j < i + k; ++j)
          own = own && b.perturbed[static_cast<std::size_t>(j)] == 0;
        if (!own || (k > 1 && i % k != 0 && !chains.empty() && i < at.back() + k))
          continue;
        chain c{p,
                values,
                phase_kind::step,
                {},
                random_stream(7, purpose::test, static_cast<std::uint32_t>(task), static_cast<std::uint32_t>(i)),
                1};
        c.state.assign(b.before.row(i).data(), b.before.row(i).data() + b.before.cols());
        chains.push_back(std::move(c));
        at.push_back(i);
      }
      if (chains.empty())
        continue;
      const kernel step = surrogate_kernel(member_view(m, m.surrogate()), static_cast<int>(chains.size()));
      std::vector<chain_step> done(chains.size());
      moments s[4], t[4];
      for (int j = 0; j < k; ++j) {
        step(chains, done);
        for (std::size_t c = 0; c < chains.size(); ++c) {
          const auto row = static_cast<Eigen::Index>(at[c] + j);
          s[1].add(done[c].spikes_E);
          s[3].add(done[c].spikes_I);
          t[1].add(b.spikes(row, 0));
          t[3].add(b.spikes(row, 1));
          for (const auto n : done[c].times_E)
            s[0].add(n);
          for (const auto n : done[c].times_I)
            s[2].add(n);
          for (Eigen::Index x = 0; x < b.spike_times_E.cols(); ++x) {
            t[0].add(b.spike_times_E(row, x));
            t[2].add(b.spike_times_I(row, x));
          }
        }
      }
      logs[0].push_back(std::log(s[1].mean() / t[1].mean()));
      for (int q = 0; q < 4; ++q)
        logs[static_cast<std::size_t>(q + 1)].push_back(std::log(s[q].fano() / t[q].fano()));
    }
    std::printf("%6d %8zu |", k, logs[0].size());
    for (const auto& l : logs) {
      double mean = 0, sq = 0;
      for (double x : l)
        mean += x / static_cast<double>(l.size());
      for (double x : l)
        sq += (x - mean) * (x - mean) / static_cast<double>(l.size());
      std::printf(" %6.2f+-%-5.2f", 100 * mean, 100 * std::sqrt(sq / static_cast<double>(l.size())));
    }
    std::printf("\n");
    std::fflush(stdout);
  }
  return 0;
}

}  // namespace
}  // namespace spikesweep

int main(int argc, char** argv) {
  return argc < 3 ? 2 : spikesweep::run(argv[1], argv[2], argc > 3 ? std::atoi(argv[3]) : 2);
}
