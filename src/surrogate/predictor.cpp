#include <algorithm>
#include <cmath>
#include <limits>
#include <mutex>
#include <utility>

#include <spikesweep/base/error.hpp>
#include <spikesweep/base/stopwatch.hpp>
#include <spikesweep/surrogate/closed_loop.hpp>
#include <spikesweep/surrogate/predictor.hpp>

namespace spikesweep {

namespace {

/// Kernels that wait for the next call. One takes a few megabytes.
constexpr std::size_t most_idle_kernels = 16;

/// What a kernel was built for.
struct kernel_kind {
  std::size_t member = 0;
  int rows = 0;
  precision numbers = precision::fp32;

  bool operator==(const kernel_kind&) const = default;
};

/// Kernels of all members. A kernel has scratch of its own, so each serves one call at a time. For any thread.
class kernel_pool {
 public:
  explicit kernel_pool(std::vector<member_view> members) : members_(std::move(members)) {}

  const std::vector<member_view>& members() const { return members_; }

  kernel take(const kernel_kind& kind) {
    {
      const std::scoped_lock lock(mutex_);
      const auto found = std::ranges::find(idle_, kind, &idle_kernel::kind);
      if (found != idle_.end()) {
        kernel step = std::move(found->step);
        idle_.erase(found);
        return step;
      }
    }
    return surrogate_kernel(members_[kind.member], kind.rows, kind.numbers);
  }

  void give_back(const kernel_kind& kind, kernel step) {
    const std::scoped_lock lock(mutex_);
    if (idle_.size() == most_idle_kernels) {
      idle_.erase(idle_.begin());  // The one that has waited longest.
    }
    idle_.push_back({kind, std::move(step)});
  }

 private:
  struct idle_kernel {
    kernel_kind kind;
    kernel step;
  };

  std::vector<member_view> members_;
  std::mutex mutex_;
  std::vector<idle_kernel> idle_;
};

/// A kernel in use.
class kernel_lease {
 public:
  kernel_lease(kernel_pool& pool, const kernel_kind& kind) : pool_(pool), kind_(kind), step_(pool.take(kind)) {}
  ~kernel_lease() { pool_.give_back(kind_, std::move(step_)); }
  kernel_lease(const kernel_lease&) = delete;
  kernel_lease& operator=(const kernel_lease&) = delete;

  const kernel& step() const { return step_; }

 private:
  kernel_pool& pool_;
  kernel_kind kind_;
  kernel step_;
};

/// Standard deviation of each figure over runs.
run_figures spread_of(std::span<const run_figures> runs) {
  run_figures out;
  for (const figure& f : predicted_figures()) {
    std::vector<double> values;
    for (const run_figures& run : runs) {
      values.push_back(run[f]);
    }
    out[f] = standard_deviation(values);
  }
  return out;
}

void keep_samples(point_prediction& out, const kept_runs& kept, std::span<trajectory> runs) {
  out.power = kept.power().power;
  out.raster = std::move(runs.front().raster);
  for (std::size_t r = 0; r < runs.size(); ++r) {
    const trajectory& run = runs[r];
    out.sizes.insert(out.sizes.end(), run.sizes.begin(), run.sizes.end());
    out.intervals.insert(out.intervals.end(), run.intervals.begin(), run.intervals.end());
    out.intervals.resize(out.sizes.size(), std::numeric_limits<double>::quiet_NaN());
    out.replicate.resize(out.sizes.size(), static_cast<int>(r));
  }
}

/// For as long as `s` lives.
figure_settings look_of(const prediction_settings& s) {
  return {s.run.bin_s, std::min(usual_segment_s, s.run.duration_s), s.peak_band, [&s] { stop_if_asked(s.stop); }};
}

point_prediction prediction_of(point_runs& runs, const prediction_settings& s) {
  point_prediction out;
  const kept_runs all(runs.replicates, runs.network, look_of(s));
  out.figures = figures_of(all);
  out.errors = standard_errors_of(all);
  out.seen = runs.seen;
  if (s.spread && runs.replicates.size() > 1) {
    std::vector<run_figures> each;
    for (std::size_t r = 0; r < runs.replicates.size(); ++r) {
      each.push_back(all.runs_are_batches() ? figures_of(all.alone(static_cast<int>(r)))
                                            : figures_of(runs.replicates[r], runs.network, look_of(s)));
    }
    out.spread = spread_of(each);
  }
  if (s.keep_samples) {
    keep_samples(out, all, runs.replicates);
  }
  return out;
}

/// Of runs that count as one. NaN if one of them ran away.
member_rates rates_of(std::uint64_t seed, const point_runs& runs) {
  const kept_runs all(runs.replicates, runs.network);
  return {seed, figure_of(all, figure_named("rate_E_hz")), figure_of(all, figure_named("rate_I_hz"))};
}

/// Looks at the states of all points' chains before every so many steps, as long as the point still records.
chain_observer watch_of(const model& m, std::span<point_runs> points, int replicates) {
  return [look = state_watch(m), points, per_point = static_cast<std::size_t>(replicates), calls = std::int64_t{0}](
             std::span<const chain> chains, const std::function<bool(std::size_t)>& finished) mutable {
    if (calls++ % departure_stride != 0) {
      return;
    }
    for (std::size_t i = 0; i < points.size(); ++i) {
      const std::size_t first = i * per_point;
      bool records = false;
      for (std::size_t k = first; k < first + per_point && !records; ++k) {
        records = !finished(k);
      }
      for (std::size_t k = first; k < first + per_point && records; ++k) {
        look.at(chains[k], points[i].seen);
      }
    }
  };
}

}  // namespace

member_rates point_prediction::disagreement() const {
  std::vector<double> E;
  std::vector<double> I;
  for (const member_rates& member : members) {
    E.push_back(member.rate_E_hz);
    I.push_back(member.rate_I_hz);
  }
  return {0, standard_deviation(E), standard_deviation(I)};
}

void point_prediction::drop_samples() {
  // A vector that is emptied keeps its memory; one that is replaced does not.
  power = std::vector<double>();
  sizes = std::vector<double>();
  intervals = std::vector<double>();
  replicate = std::vector<int>();
  raster = std::vector<spike_record>();
}

struct predictor::impl {
  impl(const model& of, std::vector<member_view> members) : m(of), kernels(std::move(members)) {}

  const model& m;
  kernel_pool kernels;
};

predictor::predictor(const model& m) {
  std::vector<member_view> members;
  for (const model_member& member : m.members) {
    members.emplace_back(m, member);
  }
  impl_ = std::make_unique<impl>(m, std::move(members));
}

predictor::predictor(const member_view& member)
    : impl_(std::make_unique<impl>(member.shared, std::vector<member_view>{member})) {}

predictor::~predictor() = default;

const model& predictor::of() const {
  return impl_->m;
}

std::vector<point_runs> predictor::run(std::span<const loop_point> points, const loop_settings& s) const {
  std::vector<point_runs> out(points.size());
  if (points.empty()) {
    return out;
  }
  const member_view& member = impl_->kernels.members().at(s.member);
  std::vector<chain> chains;
  for (std::size_t i = 0; i < points.size(); ++i) {
    for (chain& c : start_chains(member, points[i].values, s.replicates, s.seed, points[i].id)) {
      out[i].network = c.p;
      chains.push_back(std::move(c));
    }
  }
  const int rows = s.hybrid ? 1 : rows_at_a_time(static_cast<int>(chains.size()));
  const kernel_lease lease(impl_->kernels, {s.member, rows, s.numbers});
  const auto per_point = static_cast<std::size_t>(s.replicates);
  if (s.hybrid) {
    for (std::size_t i = 0; i < points.size(); ++i) {
      const kernel step = s.watch ? watched(lease.step(), impl_->m, out[i].seen) : lease.step();
      for (std::size_t r = 0; r < per_point; ++r) {
        out[i].replicates.push_back(run_hybrid(impl_->m, step, std::move(chains[i * per_point + r]), s.run, s.stop));
      }
    }
    return out;
  }
  const chain_observer observer = s.watch ? watch_of(impl_->m, out, s.replicates) : chain_observer();
  std::vector<trajectory> runs = run_closed_loop(lease.step(), chains, s.run, observer, s.stop);
  for (std::size_t k = 0; k < runs.size(); ++k) {
    out[k / per_point].replicates.push_back(std::move(runs[k]));
  }
  return out;
}

std::vector<point_prediction> predictor::predict(std::span<const loop_point> points,
                                                 const prediction_settings& s) const {
  const std::vector<member_view>& members = impl_->kernels.members();
  loop_settings loop{.run = s.run,
                     .replicates = s.replicates,
                     .seed = s.seed.value_or(members.front().own.seed),
                     .hybrid = s.hybrid,
                     .numbers = s.numbers,
                     .watch = true,
                     .stop = s.stop};
  loop.run.batches = batches_of(s.replicates, s.run.duration_s);
  const auto begin = steady_clock::now();
  std::vector<point_runs> runs = run(points, loop);
  const double wall_s = seconds_since(begin) / static_cast<double>(points.size());
  std::vector<point_prediction> out;
  for (std::size_t i = 0; i < points.size(); ++i) {
    out.push_back(prediction_of(runs[i], s));
    out[i].values = points[i].values;
    out[i].distance = distance_to_training(impl_->m.space, points[i].values);
    out[i].nearest = distance_to_nearest_point(impl_->m, points[i].values);
    out[i].members = {{members.front().own.seed, out[i].figures.rate_E(), out[i].figures.rate_I()}};
    out[i].wall_s = wall_s;
  }
  // All members start from the same states, each with the randomness of its chains that the surrogate has.
  loop.run.raster_s = 0;
  loop.watch = false;
  for (loop.member = 1; loop.member < members.size(); ++loop.member) {
    runs = run(points, loop);
    for (std::size_t i = 0; i < points.size(); ++i) {
      out[i].members.push_back(rates_of(members[loop.member].own.seed, runs[i]));
    }
  }
  return out;
}

}  // namespace spikesweep
