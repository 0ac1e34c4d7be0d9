#include <algorithm>
#include <cmath>
#include <functional>
#include <map>
#include <optional>
#include <span>
#include <utility>

#include <fmt/format.h>

#include <spikesweep/base/error.hpp>
#include <spikesweep/base/log.hpp>
#include <spikesweep/base/progress.hpp>
#include <spikesweep/parallel/collective.hpp>
#include <spikesweep/parallel/interrupt.hpp>
#include <spikesweep/parallel/launch_report.hpp>
#include <spikesweep/store/digest.hpp>
#include <spikesweep/store/file_format.hpp>
#include <spikesweep/store/file_lock.hpp>
#include <spikesweep/store/origin.hpp>
#include <spikesweep/store/seal.hpp>
#include <spikesweep/store/spike_file.hpp>
#include <spikesweep/store/text_file.hpp>
#include <spikesweep/store/unfinished_result.hpp>
#include <spikesweep/study/config.hpp>
#include <spikesweep/study/figure_text.hpp>
#include <spikesweep/study/points_file.hpp>
#include <spikesweep/study/predict_step.hpp>
#include <spikesweep/sweep/design.hpp>

namespace spikesweep {

namespace {

using axis_points = std::vector<std::vector<double>>;

/// Predictions with more states than this beyond the training states get a warning. Of the training states themselves
/// it is 0.1 %, and of good surrogates up to 1 % (measured: 0 to 0.6 % at points within the range).
constexpr double alarming_share = 0.02;

/// Values of all axes, and which of them --set names.
struct wanted_values {
  std::vector<double> values;
  std::vector<bool> set;
};

/// The axis values that the overrides ask for; where they say nothing, those in the middle of the trained range.
wanted_values axis_values(const model& m, const predict_request& request) {
  parameters middle = m.space.base;
  for (std::size_t i = 0; i < m.space.axes.size(); ++i) {
    const auto [lowest, highest] = m.space.range(i);
    const double centre = 0.5 * (lowest + highest);
    const parameter_info& info = find_parameter(m.space.axes[i]);
    set_parameter(middle, info, info.whole() ? std::round(centre) : centre);
  }
  parameters wanted = middle;
  const std::vector<std::string> keys = override_network(wanted, request.overrides);
  wanted_values found;
  for (const std::string& axis : m.space.axes) {
    found.values.push_back(get_parameter(wanted, find_parameter(axis)));
    found.set.push_back(std::ranges::find(keys, "network." + axis) != keys.end());
    set_parameter(middle, find_parameter(axis), found.values.back());
  }
  for (const parameter_info& info : parameter_table()) {
    if (get_parameter(wanted, info) != get_parameter(middle, info)) {
      throw input_error(fmt::format("--set: key 'network.{}' is not an axis of {}; allowed: {}", info.name,
                                    request.model, fmt::join(m.space.axes, ", ")));
    }
  }
  if (wanted.inhibition != middle.inhibition || wanted.model != middle.model) {
    throw input_error(fmt::format("--set: key 'network.{}' is not an axis of {}; allowed: {}",
                                  wanted.model != middle.model ? "model" : "inhibition", request.model,
                                  fmt::join(m.space.axes, ", ")));
  }
  return found;
}

/// Whether a point is within the range that the surrogate stands for. Throws input_error if it is not, unless
/// extrapolation is asked for. `place`, if any, goes before the message: the place of value `i` in the input.
bool within_range(const model& m, const predict_request& request, const std::vector<double>& values,
                  const std::function<std::string(std::size_t i)>& place = {}) {
  for (std::size_t i = 0; i < values.size(); ++i) {
    const auto [lowest, highest] = m.space.range(i);
    if (values[i] >= lowest && values[i] <= highest) {
      continue;
    }
    if (!request.extrapolate) {
      throw input_error(
          fmt::format("{}{} = {} is outside the range that {} was trained on ({} to {}); --extrapolate predicts all "
                      "the same",
                      place ? place(i) : std::string(), m.space.axes[i], values[i], request.model, lowest, highest));
    }
    return false;
  }
  return true;
}

/// Says once how many points lie outside.
void warn_of_outside(const predict_request& request, int outside, std::size_t all) {
  if (outside > 0) {
    log_warning(all == 1 ? "the point is outside the range that " + request.model + " was trained on"
                         : fmt::format("{} of {} points are outside the range that {} was trained on: where "
                                       "'distance_to_training' is above 0",
                                       outside, all, request.model));
  }
}

/// Axes without a column keep their value in `otherwise`.
axis_points points_of_file(const model& m, const predict_request& request, const wanted_values& otherwise) {
  const point_list list = parse_points(read_points_file(request.points), request.points, {m.space.axes});
  for (const std::size_t axis : list.axes) {
    if (otherwise.set[axis]) {
      throw input_error(fmt::format("--set: key 'network.{}' has a column in {}, too; leave one of them out",
                                    m.space.axes[axis], request.points));
    }
  }
  axis_points points;
  int outside = 0;
  for (std::size_t i = 0; i < list.values.size(); ++i) {
    std::vector<double> values = otherwise.values;
    for (std::size_t column = 0; column < list.axes.size(); ++column) {
      values[list.axes[column]] = list.values[i][column];
    }
    const auto line = fmt::format("{}: line {}", request.points, list.line[i]);
    const bool within = within_range(m, request, values, [&](std::size_t axis) {
      const auto column = std::ranges::find(list.axes, axis) - list.axes.begin();
      return column < std::ssize(list.axes) ? fmt::format("{}, column {}: ", line, column + 1) : line + ": ";
    });
    outside += within ? 0 : 1;
    try {
      parameters_at(m.space, values);
    } catch (const input_error& error) {
      throw input_error(line + ": " + error.what());
    }
    points.push_back(std::move(values));
  }
  warn_of_outside(request, outside, points.size());
  return points;
}

/// Points of the Sobol sequence, stretched to the trained range. Axes that --set names keep their value.
axis_points points_of_design(const model& m, const predict_request& request, const wanted_values& wanted) {
  std::vector<std::size_t> free;
  for (std::size_t a = 0; a < m.space.axes.size(); ++a) {
    if (!wanted.set[a]) {
      free.push_back(a);
    }
  }
  if (free.empty()) {
    throw input_error("--set fixes every axis of " + request.model +
                      ", so --design has nothing to vary; leave one out");
  }
  const Eigen::MatrixXd unit = sobol_points(request.design, static_cast<int>(free.size()));
  axis_points points;
  for (Eigen::Index i = 0; i < unit.rows(); ++i) {
    std::vector<double>& point = points.emplace_back(wanted.values);
    for (std::size_t k = 0; k < free.size(); ++k) {
      const std::size_t a = free[k];
      const double share = unit(i, static_cast<Eigen::Index>(k));
      const auto [lowest, highest] = m.space.range(a);
      const double value = lowest + share * (highest - lowest);
      point[a] = find_parameter(m.space.axes[a]).whole() ? std::round(value) : value;
    }
  }
  return points;
}

/// Says so if the surrogate has gone where it learnt nothing.
void warn_of_departures(const std::vector<point_prediction>& predictions) {
  const auto strays = [](const point_prediction& p) { return p.seen.share_beyond() > alarming_share; };
  const auto count = std::ranges::count_if(predictions, strays);
  if (count == 0) {
    return;
  }
  const auto worst = std::ranges::max_element(
      predictions, {}, [](const auto& p) { return p.seen.states > 0 ? p.seen.share_beyond() : 0; });
  const std::string states = fmt::format(
      "{:.1f} % of the states lie beyond those that the surrogate was trained on, the farthest {:.1f} "
      "times as far as 99.9 % of those",
      100 * worst->seen.share_beyond(), worst->seen.farthest);
  if (predictions.size() == 1) {
    log_warning(states + ": do not trust the figures");
    return;
  }
  log_warning(
      fmt::format("{} of {} points: the surrogate leaves the states that it was trained on; at point {}, which "
                  "is the worst, {}; do not trust the figures where 'states_beyond_training' is above {:g}",
                  count, predictions.size(), worst - predictions.begin() + 1, states, alarming_share));
}

/// Says where the spectral peak may not be the rhythm.
void warn_of_peaks(const std::vector<point_prediction>& predictions, const frequency_band& band) {
  const auto doubtful = [](const point_prediction& p) { return static_cast<bool>(p.figures.doubt); };
  const auto first = std::ranges::find_if(predictions, doubtful);
  if (first == predictions.end()) {
    return;
  }
  const std::string words = peak_warning(first->figures, band);
  if (predictions.size() == 1) {
    log_warning(words);
    return;
  }
  log_warning(fmt::format(
      "{} of {} points: the spectral peak may not be the rhythm ('peak_doubt' says where); at point "
      "{}, {}",
      std::ranges::count_if(predictions, doubtful), predictions.size(), first - predictions.begin() + 1, words));
}

/// Says so if the last validation found that the surrogate is of no use.
void warn_of_assessment(const model& m, const predict_request& request) {
  if (m.assessed && !m.assessed->to_be_used) {
    log_warning(request.model + ": " + m.assessed->words);
  }
}

std::vector<point_prediction> predict_one(const model& m, const predict_request& request) {
  const interrupt_guard guard;
  const loop_point point{requested_points(m, request).front(), 0};
  std::optional<file_lock> lock;
  if (!request.output.empty()) {
    check_output(request.output, spikes_format);
    lock.emplace(request.output);
  }
  prediction_settings settings = request.settings;
  settings.stop = [] { return interrupted(); };
  std::vector<point_prediction> predictions;
  try {
    predictions = predictor(m).predict(std::span(&point, 1), settings);
  } catch (const interrupted_error&) {
    throw interrupted_error("prediction interrupted; of one point nothing is saved: the same command starts it again");
  }
  if (!request.output.empty()) {
    save_spikes(request.output, {parameters_at(m.space, point.values),
                                 0,
                                 request.settings.run.duration_s,
                                 settings.seed.value_or(m.surrogate().seed),
                                 m.config_text,
                                 predictions.front().raster,
                                 {}});
  }
  return predictions;
}

/// Everything that decides the predictions, and what is kept of them.
origin prediction_origin(const predict_request& request, const model& m, const axis_points& points) {
  digest from;
  from.add(sealed_digest(request.model));
  for (const std::vector<double>& values : points) {
    from.add_bytes(std::as_bytes(std::span(values)));
  }
  const prediction_settings& s = request.settings;
  return {
      from.text(),
      fmt::format("seed = {}\nduration_s = {}\nburn_in_s = {}\nbin_s = {}\nraster_s = {}\nreplicates = {}\n"
                  "hybrid = {}\nprecision = {}\nspread = {}\npeak_band = {}, {}\n",
                  s.seed.value_or(m.surrogate().seed), s.run.duration_s, s.run.burn_in_s, s.run.bin_s, s.run.raster_s,
                  s.replicates, s.hybrid, name_of(s.numbers), s.spread, s.peak_band.lowest, s.peak_band.highest)};
}

/// The predictions that are finished so far, without their samples. With an output their samples lie in its unfinished
/// file. Rank 0 has it.
class finished_predictions {
 public:
  explicit finished_predictions(std::size_t points) : points_(points), done_(points) {}

  /// Takes up what an interrupted call has saved beside the output.
  void take_up(const predict_request& request, const model& m, const axis_points& points) {
    saved_.emplace(request.output, prediction_origin(request, m, points));
    for (std::size_t i = 0; i < points_.size(); ++i) {
      if (auto found = find_prediction(*saved_, i, m, request.settings)) {
        keep(i, *std::move(found));
      }
    }
    if (finished_ > 0) {
      log_info(fmt::format("predict: going on from {}: {} of {} points are finished", saved_->path().string(),
                           finished_, points_.size()));
    }
  }

  void take(std::size_t point, point_prediction&& prediction) {
    if (saved_) {
      add_prediction(*saved_, point, prediction);
    }
    keep(point, std::move(prediction));
  }

  std::vector<std::size_t> open_points() const {
    std::vector<std::size_t> open;
    for (std::size_t i = 0; i < points_.size(); ++i) {
      if (!done_[i]) {
        open.push_back(i);
      }
    }
    return open;
  }

  void save(const predict_request& request, const model& m) {
    save_prediction(
        request.output, points_, [this](std::size_t i) { return read_prediction(*saved_, i); }, request.settings, m,
        request.model);
    saved_->remove();
  }

  /// What somebody who interrupted it has to know.
  std::string report_interruption() const {
    if (!saved_) {
      return fmt::format(
          "prediction interrupted: {} of {} points were done, and none is saved without -o; the same command starts it "
          "again, and with -o FILE.h5 it can go on after an interruption",
          finished_, points_.size());
    }
    return fmt::format("prediction interrupted: {} of {} points are saved in {}; the same command goes on", finished_,
                       points_.size(), saved_->path().string());
  }

  std::vector<point_prediction> release() { return std::move(points_); }

 private:
  void keep(std::size_t point, point_prediction prediction) {
    prediction.drop_samples();
    points_.at(point) = std::move(prediction);
    done_[point] = true;
    ++finished_;
  }

  std::optional<unfinished_result> saved_;
  std::vector<point_prediction> points_;
  std::vector<bool> done_;  ///< Which of the points are finished.
  std::size_t finished_ = 0;
};

std::vector<point_prediction> predict_many(const rank_context& job, const model& m, const predict_request& request) {
  const interrupt_guard guard;
  const axis_points points = on_root(job.world, [&] { return requested_points(m, request); });
  const bool writes = !request.output.empty();
  std::optional<file_lock> lock;
  finished_predictions finished(job.root() ? points.size() : 0);
  const std::vector<std::size_t> open = on_root(job.world, [&] {
    if (writes) {
      check_output(request.output, prediction_format);
      lock.emplace(request.output);
      finished.take_up(request, m, points);
    }
    return finished.open_points();
  });
  report_launch(job.world);
  progress_line line(job.progress());
  try {
    predict_points(
        job.world, predictor(m), points, open, request.settings,
        [&](std::size_t i, point_prediction&& p) { finished.take(i, std::move(p)); },
        [&](int done, int share) { line.update(fmt::format("predict: {} of {} points of this rank", done, share)); });
    line.finish(fmt::format("predict: {} points done", points.size()));
    on_root(job.world, [&] {
      if (writes) {
        finished.save(request, m);
      }
    });
  } catch (const interrupted_error&) {  // All ranks threw it; rank 0 speaks.
    throw interrupted_error(finished.report_interruption());
  }
  return finished.release();
}

}  // namespace

std::vector<std::vector<double>> requested_points(const model& m, const predict_request& request) {
  wanted_values wanted = axis_values(m, request);
  std::vector<double>& values = wanted.values;
  if (request.design > 0) {
    const bool within = within_range(m, request, values);
    axis_points points = points_of_design(m, request, wanted);
    warn_of_outside(request, within ? 0 : static_cast<int>(points.size()), points.size());
    return points;
  }
  if (!request.points.empty()) {
    return points_of_file(m, request, wanted);
  }
  warn_of_outside(request, within_range(m, request, values) ? 0 : 1, 1);
  return {std::move(values)};
}

std::vector<emulated_point> emulate_points(const model& m, const predict_request& request) {
  if (!m.emulator.usable()) {
    throw input_error(
        m.emulator.figures.empty()
            ? request.model +
                  " has no emulator: this version or the sweep's was older; sweep and train with this version"
            : fmt::format("{} has no emulator: {}", request.model, m.emulator.figures.front().reason));
  }
  const axis_points points = requested_points(m, request);
  Eigen::MatrixXd at(static_cast<Eigen::Index>(points.size()), static_cast<Eigen::Index>(m.space.axes.size()));
  for (std::size_t i = 0; i < points.size(); ++i) {
    at.row(static_cast<Eigen::Index>(i)) =
        Eigen::Map<const Eigen::RowVectorXd>(points[i].data(), static_cast<Eigen::Index>(points[i].size()));
  }
  emulation found = emulate(m.emulator, at);
  std::vector<emulated_point> out;
  for (std::size_t i = 0; i < points.size(); ++i) {
    out.push_back({points[i], distance_to_training(m.space, points[i]), distance_to_nearest_point(m, points[i]),
                   std::move(found.figures[i]), std::move(found.errors[i])});
  }
  std::map<std::string, std::vector<std::string>> lacking;  // By the reason.
  for (const emulated_figure& f : m.emulator.figures) {
    if (!f.law) {
      lacking[f.reason].push_back(f.name);
    }
  }
  for (const auto& [reason, names] : lacking) {
    log_info(fmt::format("no value of {}: {}", fmt::join(names, ", "), reason));
  }
  return out;
}

std::vector<point_prediction> predict(const rank_context& job, const model& m, const predict_request& request) {
  std::vector<point_prediction> predictions = request.many() ? predict_many(job, m, request) : predict_one(m, request);
  warn_of_assessment(m, request);
  warn_of_departures(predictions);
  warn_of_peaks(predictions, request.settings.peak_band);
  return predictions;
}

}  // namespace spikesweep
