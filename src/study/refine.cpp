#include <algorithm>

#include <fmt/format.h>

#include <spikesweep/base/log.hpp>
#include <spikesweep/base/table.hpp>
#include <spikesweep/parallel/collective.hpp>
#include <spikesweep/parallel/interrupt.hpp>
#include <spikesweep/study/refine.hpp>
#include <spikesweep/surrogate/refinement.hpp>

namespace spikesweep {

namespace {

/// Scales points so that the box of the axes becomes the unit cube.
Eigen::MatrixXd in_unit_cube(const design_settings& settings, Eigen::MatrixXd points) {
  for (std::size_t axis = 0; axis < settings.axes.size(); ++axis) {
    const auto [lowest, highest] = range_of(settings.axes[axis]);
    auto column = points.col(static_cast<Eigen::Index>(axis)).array();
    if (highest > lowest) {
      column = (column - lowest) / (highest - lowest);
    } else {
      column = 0;
    }
  }
  return points;
}

/// The points of a design that are trained on.
Eigen::MatrixXd training_points(const design& d) {
  Eigen::MatrixXd points(std::ranges::count(d.roles, point_role::train), d.points.cols());
  Eigen::Index next = 0;
  for (int point = 0; point < d.size(); ++point) {
    if (d.roles[static_cast<std::size_t>(point)] == point_role::train) {
      points.row(next++) = d.points.row(point);
    }
  }
  return points;
}

std::string text_of(const design& d, int point) {
  std::string text;
  for (std::size_t axis = 0; axis < d.axes.size(); ++axis) {
    text += fmt::format("{}{} = {}", text.empty() ? "" : ", ", d.axes[axis],
                        readable(d.points(point, static_cast<Eigen::Index>(axis))));
  }
  return text;
}

}  // namespace

void append_point(design& d, const Eigen::Ref<const Eigen::RowVectorXd>& values, int round) {
  d.rounds.resize(d.roles.size(), 0);
  d.points.conservativeResize(d.points.rows() + 1, Eigen::NoChange);
  d.points.bottomRows(1) = values;
  d.roles.push_back(point_role::train);
  d.rounds.push_back(round);
}

int rounds_of(const design& d) {
  return d.rounds.empty() ? 0 : *std::ranges::max_element(d.rounds);
}

void add_round(const rank_context& job, const configuration& config, const std::filesystem::path& model_file,
               sweep_description& description) {
  const interrupt_guard guard;
  design& d = description.points;
  const int round = rounds_of(d) + 1;
  const model m = load_model(job.world, model_file);
  const Eigen::MatrixXd candidates =
      candidate_points(config.design, config.network, d, config.refine.candidates, config.seed, round);
  if (candidates.rows() == 0) {
    throw input_error(fmt::format(
        "{}: key 'design.refine_rounds' = {}: round {} finds no new point; use fewer rounds or more candidates",
        config.source, config.refine.rounds, round));
  }
  const std::vector<double> excess =
      measure_disagreement(job.world, m, candidates, config.refine, [] { return interrupted(); });
  const Eigen::MatrixXd unit = in_unit_cube(config.design, candidates);
  const std::vector<double> disagreement = smooth_disagreement(unit, excess);
  std::vector<int> picked;
  if (job.root()) {
    picked = pick_points(unit, disagreement, in_unit_cube(config.design, training_points(d)), config.refine.points);
  }
  broadcast(job.world, picked);
  for (const int i : picked) {
    append_point(d, candidates.row(i), round);
    if (job.root()) {
      log_info(fmt::format("refine: round {} of {} adds point {}: {}; the members disagree by {:.2g} %", round,
                           config.refine.rounds, d.size() - 1, text_of(d, d.size() - 1),
                           100 * disagreement[static_cast<std::size_t>(i)]));
    }
  }
}

}  // namespace spikesweep
