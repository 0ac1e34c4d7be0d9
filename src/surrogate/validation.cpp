#include <algorithm>
#include <cmath>
#include <exception>
#include <functional>
#include <numeric>
#include <optional>
#include <span>
#include <utility>

#include <fmt/format.h>

#include <spikesweep/base/error.hpp>
#include <spikesweep/base/log.hpp>
#include <spikesweep/parallel/collective.hpp>
#include <spikesweep/parallel/interrupt.hpp>
#include <spikesweep/surrogate/baselines.hpp>
#include <spikesweep/surrogate/closed_loop.hpp>
#include <spikesweep/surrogate/paper_scheme.hpp>
#include <spikesweep/surrogate/predictor.hpp>
#include <spikesweep/surrogate/validation.hpp>

#include "validation_parts.hpp"
#include "validator.hpp"

namespace spikesweep {

namespace {

/// Chains that fill a block of rows of the networks: points whose chains run side by side share it.
constexpr int enough_chains_of_points = 128;

/// Frequencies of the spectra [Hz].
std::vector<double> frequencies_of(const validation_settings& settings) {
  const double bin_s = settings.bin_ms * 1e-3;
  return spectrum_frequencies(bin_s, std::llround(settings.segment_s / bin_s));
}

/// What is saved of a stage at a point. Throws environment_error if it is damaged since it was looked at.
validation_part read_part(const unfinished_result& from, const std::string& stage, int point, std::size_t frequencies) {
  auto part = part_of(from.read(part_name(stage, point)), stage, frequencies);
  if (!part) {
    throw environment_error(from.path().string() +
                            " has changed while it was in use; remove it, and start the command again");
  }
  return *std::move(part);
}

/// Whether an earlier call has saved a stage at a point. What is no such part is forgotten, with a warning.
bool has_part(unfinished_result& from, const std::string& stage, int point, std::size_t frequencies) {
  const std::string name = part_name(stage, point);
  if (!from.has(name)) {
    return false;
  }
  if (part_of(from.read(name), stage, frequencies)) {
    return true;
  }
  log_warning(fmt::format("{} holds no possible runs of the stage {} at point {}, which run again",
                          from.path().string(), stage, point));
  from.forget(name);
  return false;
}

/// The stages of a validation at shared points. Every public function is collective.
class shared_validation {
 public:
  /// `saved`: on rank 0.
  shared_validation(const communicator& comm, const model& m, const std::vector<validation_point>& points,
                    const validation_settings& settings, std::vector<std::string> stages, unfinished_result* saved)
      : comm_(comm), points_(points), stages_(std::move(stages)), saved_(saved) {
    const std::size_t n = points_.size();
    frequencies_ = frequencies_of(settings).size();
    done_ = on_root(comm_, [&] {
      std::vector<char> done;
      for (const std::string& stage : stages_) {
        for (const validation_point& point : points_) {
          done.push_back(has_part(*saved_, stage, point.point, frequencies_) ? 1 : 0);
        }
      }
      return done;
    });
    // Open points come first, so that the ranks share them evenly.
    std::vector<std::size_t> order(n);
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::stable_partition(order.begin(), order.end(), [&](std::size_t place) { return !is_done(0, place); });
    std::vector<validation_point> own;
    for (const std::size_t k : share_of(comm_, n)) {
      mine_.push_back(order[k]);
      own.push_back(points_[order[k]]);
    }
    work_.emplace(m, settings, own);
    restore();
  }

  const validator& work() const { return *work_; }

  /// Runs a stage at all points that lack it, `block` points of each rank at a time: `run` gives the part of each. Rank
  /// 0 saves the parts as they come. `progress` is called with the points done of this rank's.
  void run(const std::string& stage, std::size_t block,
           const std::function<std::vector<validation_part>(std::span<const std::size_t> own)>& run,
           const std::function<void(int, int)>& progress = {}) {
    const auto number = static_cast<std::size_t>(std::ranges::find(stages_, stage) - stages_.begin());
    std::vector<std::size_t> open;
    for (std::size_t i = 0; i < mine_.size(); ++i) {
      if (!is_done(number, mine_[i])) {
        open.push_back(i);
      }
    }
    const std::size_t before = mine_.size() - open.size();
    // The ranks keep in step, so that a signal at any of them ends the validation on all.
    for (std::size_t next = 0; on_any_rank(comm_, next < open.size());) {
      const auto own = std::span<const std::size_t>(open).subspan(next, std::min(block, open.size() - next));
      next += own.size();
      run_together(stage, own, run);
      if (progress && !own.empty()) {
        progress(static_cast<int>(before + next), static_cast<int>(mine_.size()));
      }
    }
  }

 private:
  bool is_done(std::size_t stage, std::size_t place) const { return done_[stage * points_.size() + place] != 0; }

  /// Gives each rank what is saved of its points that still lack a stage.
  void restore() {
    for (std::size_t place = 0; place < points_.size(); ++place) {
      const auto own = std::ranges::find(mine_, place);
      bool complete = true;
      for (std::size_t stage = 0; stage < stages_.size(); ++stage) {
        complete = complete && is_done(stage, place);
      }
      for (std::size_t stage = 0; !complete && stage < stages_.size(); ++stage) {
        if (!is_done(stage, place)) {
          continue;
        }
        std::string bytes =
            on_root(comm_, [&] { return saved_->read(part_name(stages_[stage], points_[place].point)); });
        if (own != mine_.end()) {
          work_->apply(static_cast<std::size_t>(own - mine_.begin()),
                       part_of(std::move(bytes), stages_[stage], frequencies_).value());
        }
      }
    }
  }

  void run_together(const std::string& stage, std::span<const std::size_t> own,
                    const std::function<std::vector<validation_part>(std::span<const std::size_t> own)>& run) {
    std::vector<placed_part> found;
    root_failure failure;
    try {
      std::vector<validation_part> parts = own.empty() ? std::vector<validation_part>() : run(own);
      for (std::size_t k = 0; k < parts.size(); ++k) {
        found.push_back({mine_[own[k]], std::move(parts[k])});
      }
    } catch (const std::exception& error) {
      failure = root_failure::of(error);
    }
    // First what is finished is saved, then all ranks leave together.
    collect_bytes(comm_, bytes_of(found), [&](int, std::string bytes) {
      for (const placed_part& each : parts_of(std::move(bytes))) {
        saved_->add(part_name(stage, points_[each.place].point), bytes_of(each.part));
      }
    });
    if (failure.code == 0 && interrupted()) {
      failure = root_failure::of(interrupted_error("validation interrupted; the same command goes on"));
    }
    raise_together(comm_, std::move(failure));
    for (std::size_t k = 0; k < found.size(); ++k) {
      work_->apply(own[k], std::move(found[k].part));
    }
  }

  const communicator& comm_;
  const std::vector<validation_point>& points_;
  std::vector<std::string> stages_;
  unfinished_result* saved_;
  std::size_t frequencies_ = 0;
  std::vector<char> done_;         ///< stages x points: saved before.
  std::vector<std::size_t> mine_;  ///< Places of this rank's points.
  std::optional<validator> work_;
};

/// One part for each point.
template <class Run>
auto at_each(const Run& run) {
  return [run](std::span<const std::size_t> own) {
    std::vector<validation_part> parts;
    for (const std::size_t i : own) {
      parts.push_back(run(i));
    }
    return parts;
  };
}

/// `data`: the sweep, null if it is not at hand.
std::vector<std::string> stages_of(const model& m, const validation_settings& settings, const sweep_reader* data) {
  std::vector<std::string> stages{"exact", "surrogate"};
  if (m.emulator.usable()) {
    stages.emplace_back(emulator_run);
  }
  if (m.space.section.kind != section_kind::interval && settings.hybrid_s > 0) {
    stages.emplace_back("hybrid");
    if (data != nullptr) {
      stages.emplace_back(paper_run);
    }
  }
  if (data != nullptr && settings.baselines) {
    stages.insert(stages.end(), baseline_names.begin(), baseline_names.end());
  }
  return stages;
}

void run_baselines(shared_validation& all, const model& m, const sweep_reader& data, std::size_t block) {
  std::vector<baseline> made;  // By ranks that have something to run them at.
  for (std::size_t k = 0; k < baseline_names.size(); ++k) {
    all.run(std::string(baseline_names[k]), block, [&, k](std::span<const std::size_t> own) {
      if (made.empty()) {
        made = make_baselines(m, data, [] { return interrupted(); });
      }
      return all.work().of_baseline(own, made[k]);
    });
  }
}

}  // namespace

point_result read_point(const unfinished_result& from, const model& m, const validation_point& point,
                        const validation_result& result) {
  point_result out = empty_result(m, point);
  for (const std::string& stage : result.stages) {
    append_part(out, read_part(from, stage, point.point, result.frequency.size()));
  }
  return out;
}

bool has_exact_runs(const unfinished_result& from, const validation_point& point) {
  return from.has(part_name("exact", point.point));
}

validation_result validate_model(const communicator& comm, const model& m, const std::vector<validation_point>& points,
                                 const validation_settings& settings, const sweep_reader* data,
                                 unfinished_result* saved, const std::function<void(int, int)>& progress) {
  validation_result result;
  result.settings = settings;
  result.axes = m.space.axes;
  result.stages = stages_of(m, settings, data);
  const auto has = [&result](std::string_view stage) {
    return std::ranges::find(result.stages, stage) != result.stages.end();
  };
  result.frequency = frequencies_of(settings);
  shared_validation all(comm, m, points, settings, result.stages, saved);
  const predictor law(m);
  const auto block = static_cast<std::size_t>(std::max(1, enough_chains_of_points / settings.chains));
  const validator& work = all.work();
  all.run("exact", 1, at_each([&work](std::size_t i) { return work.exact_twice(i); }), progress);
  all.run("surrogate", block, [&](std::span<const std::size_t> own) { return work.surrogate(own, law); });
  if (has(emulator_run)) {
    all.run(emulator_run, points.size(), [&work](std::span<const std::size_t> own) { return work.emulated(own); });
  }
  if (has("hybrid")) {
    all.run("hybrid", 1, at_each([&](std::size_t i) { return work.hybrid(i, law); }));
  }
  if (has(paper_run)) {
    kernel step;  // Of ranks that have a point to run it at.
    all.run(std::string(paper_run), 1, at_each([&](std::size_t i) {
              if (!step) {
                step = paper_scheme(m, *data, [] { return interrupted(); });
              }
              return work.of_paper_scheme(i, step);
            }));
  }
  if (has(baseline_names.front())) {
    run_baselines(all, m, *data, block);
  }
  on_root(comm, [&] {
    for (const validation_point& point : points) {
      result.points.push_back(read_point(*saved, m, point, result));
      for (run_result& run : result.points.back().runs) {
        run.power = std::vector<double>();  // Gives the memory back.
        run.raster = std::vector<spike_record>();
      }
    }
  });
  return result;
}

}  // namespace spikesweep
