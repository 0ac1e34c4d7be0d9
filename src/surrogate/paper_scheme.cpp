#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <memory>
#include <numbers>
#include <numeric>
#include <utility>
#include <vector>

#include <spikesweep/base/dct.hpp>
#include <spikesweep/base/error.hpp>
#include <spikesweep/learning/adamw.hpp>
#include <spikesweep/learning/mlp.hpp>
#include <spikesweep/surrogate/paper_scheme.hpp>

#include "expected_step.hpp"

namespace spikesweep {

namespace {

/// Active phases that it is fitted on, passes over them, rows of a batch, and the peak of the learning rate, which
/// falls like a cosine.
constexpr std::int64_t active_rows = 20000;
constexpr int passes = 40;
constexpr int rows_of_batch = 256;
constexpr double peak_rate = 2e-3;
constexpr int hidden_units = 128;
constexpr int hidden_layers = 3;
/// Cosine modes of a histogram of potentials, and of the times of the spikes in a phase.
constexpr std::size_t potential_modes = 8;
constexpr std::size_t time_modes = 4;
/// Standard deviations below this are of numbers that do not change.
constexpr double least_deviation = 1e-6;

std::size_t at(int i) {
  return static_cast<std::size_t>(i);
}

/// The low cosine modes of shares in cells.
class low_modes {
 public:
  low_modes(std::size_t cells, std::size_t most) : cells_(cells), modes_(std::min(most, cells)) {
    const std::vector<double> cosines = dct_cosines(cells);
    for (std::size_t mode = 0; mode < modes_; ++mode) {
      for (std::size_t cell = 0; cell < cells; ++cell) {
        cosines_.push_back(cosines[mode * (2 * cell + 1) % (4 * cells)]);
      }
    }
  }

  std::size_t size() const { return modes_; }

  /// Appends the modes of counts, in shares of `total`.
  void append(std::span<const std::int32_t> counts, double total, std::vector<double>& out) const {
    for (std::size_t mode = 0; mode < modes_; ++mode) {
      double sum = 0;
      for (std::size_t cell = 0; cell < cells_; ++cell) {
        sum += counts[cell] * cosines_[mode * cells_ + cell];
      }
      out.push_back(total > 0 ? sum / total : 0);
    }
  }

  /// Writes the shares that have these modes and no higher ones; they may be below 0.
  void shares(std::span<const double> modes, std::span<double> out) const {
    for (std::size_t cell = 0; cell < cells_; ++cell) {
      double sum = modes[0];
      for (std::size_t mode = 1; mode < modes_; ++mode) {
        sum += 2 * modes[mode] * cosines_[mode * cells_ + cell];
      }
      out[cell] = sum / static_cast<double>(cells_);
    }
  }

 private:
  std::size_t cells_;
  std::size_t modes_;
  std::vector<double> cosines_;  ///< modes x cells
};

/// What the perceptron takes and gives, not yet standardised.
class outline {
 public:
  explicit outline(const model& m)
      : space_(m.space),
        potentials_(at(m.space.layout.state.bins()), potential_modes),
        times_(at(m.space.layout.time_bins), time_modes) {}

  std::size_t inputs() const { return 2 * potentials_.size() + pool_count + space_.axes.size(); }
  std::size_t outputs() const { return 2 * (potentials_.size() + times_.size()) + count_dims + 1; }

  void before(const parameters& p, std::span<const double> values, state_view state, std::vector<double>& out) const {
    append_potentials(p, state, out);
    for (int k = 0; k < pool_count; ++k) {
      out.push_back(std::log1p(state[at(space_.layout.state.pending(static_cast<pool>(k)))]));
    }
    out.insert(out.end(), values.begin(), values.end());
  }

  void after(const parameters& p, const transition_block& block, std::int64_t row, std::vector<double>& out) const {
    const state_view state(block.after.row(row).data(), static_cast<std::size_t>(block.after.cols()));
    append_potentials(p, state, out);
    const auto times = [&](const count_matrix& of, double total) {
      times_.append({of.row(row).data(), static_cast<std::size_t>(of.cols())}, total, out);
    };
    times(block.spike_times_E, block.spikes(row, 0));
    times(block.spike_times_I, block.spikes(row, 1));
    out.push_back(block.spikes(row, 0));
    out.push_back(block.spikes(row, 1));
    for (int k = 0; k < pool_count; ++k) {
      out.push_back(state[at(space_.layout.state.pending(static_cast<pool>(k)))]);
    }
    out.push_back(block.duration[static_cast<std::size_t>(row)]);
  }

  /// The step that the outputs describe.
  void take(const model& m, std::span<const double> out, chain& c, chain_step& step) const {
    const auto cells = at(space_.layout.state.cells());
    const auto parts = at(space_.layout.time_bins);
    std::vector<double> profile(at(m.targets.profile_size()), 1.0);
    std::size_t next = 0;
    std::size_t begin = 0;
    for (int q = 0; q < 2; ++q) {
      potentials_.shares(out.subspan(next, potentials_.size()), std::span(profile).subspan(begin, cells - 1));
      profile[begin + cells - 1] = 1 - out[next];  // The others are refractory.
      next += potentials_.size();
      begin += cells;
    }
    for (int q = 0; q < 2; ++q) {
      times_.shares(out.subspan(next, times_.size()), std::span(profile).subspan(begin, parts));
      next += times_.size();
      begin += parts;
    }
    constexpr double shortest_s = 1e-6;
    take_expected_step(m, out.subspan(next, count_dims), std::max(out[next + count_dims], shortest_s), profile, c,
                       step);
  }

 private:
  void append_potentials(const parameters& p, state_view state, std::vector<double>& out) const {
    const state_layout& layout = space_.layout.state;
    for (const population q : {population::E, population::I}) {
      potentials_.append(state.subspan(at(layout.first_cell(q)), at(layout.cells() - 1)), p.size(q), out);
    }
  }

  const transition_space& space_;
  low_modes potentials_;
  low_modes times_;
};

/// Rows of numbers, and what standardises them.
struct table {
  explicit table(std::size_t columns) : mean(columns), deviation(columns) {}

  std::size_t rows() const { return numbers.size() / mean.size(); }

  void standardise() {
    const std::size_t columns = mean.size();
    const auto n = static_cast<double>(rows());
    for (std::size_t c = 0; c < columns; ++c) {
      double sum = 0;
      double squares = 0;
      for (std::size_t i = c; i < numbers.size(); i += columns) {
        sum += numbers[i];
      }
      mean[c] = sum / n;
      for (std::size_t i = c; i < numbers.size(); i += columns) {
        squares += (numbers[i] - mean[c]) * (numbers[i] - mean[c]);
      }
      deviation[c] = std::max(std::sqrt(squares / n), least_deviation);
    }
  }

  void copy_row(std::size_t row, float* to) const { scale({numbers.data() + row * mean.size(), mean.size()}, to); }

  void scale(std::span<const double> row, float* to) const {
    for (std::size_t c = 0; c < mean.size(); ++c) {
      to[c] = static_cast<float>((row[c] - mean[c]) / deviation[c]);
    }
  }

  std::vector<double> numbers;
  std::vector<double> mean;
  std::vector<double> deviation;
};

/// The active phases of the training points, evenly spread, at most about active_rows.
void read_rows(const model& m, const sweep_reader& file, const outline& code, const stop_check& stop, table& before,
               table& after) {
  const sweep_description& about = file.description();
  if (about.points.axes != m.space.axes || !(about.sampling.layout == m.space.layout)) {
    throw input_error("the sweep file given for the paper's scheme is not of the model's axes and states");
  }
  const std::vector<task_record> records = file.records();
  std::int64_t held = 0;
  for (const task_record& record : records) {
    const bool own = record.state == task_state::done && about.points.roles[record.point] == point_role::train;
    held += own ? record.rows : 0;
  }
  // Every second phase is active.
  const std::int64_t stride = std::max<std::int64_t>(1, held / 2 / active_rows);
  for (std::size_t t = 0; t < records.size(); ++t) {
    const task_record& record = records[t];
    if (record.state != task_state::done || about.points.roles[record.point] != point_role::train) {
      continue;
    }
    stop_if_asked(stop);
    const auto row_of_values = about.points.points.row(record.point);
    const std::vector<double> values(row_of_values.data(), row_of_values.data() + row_of_values.size());
    const parameters p = parameters_at(m.space, values);
    const transition_block block = file.rows_of_task(static_cast<std::int64_t>(t), 0, record.rows);
    std::int64_t active = 0;
    for (std::int64_t i = 0; i < block.rows(); ++i) {
      if (static_cast<phase_kind>(block.phase[static_cast<std::size_t>(i)]) == phase_kind::active &&
          active++ % stride == 0) {
        code.before(p, values, {block.before.row(i).data(), static_cast<std::size_t>(block.before.cols())},
                    before.numbers);
        code.after(p, block, i, after.numbers);
      }
    }
  }
  if (after.numbers.empty()) {
    throw input_error("the sweep file holds no active phase of a training point, so the paper's scheme learns nothing");
  }
  before.standardise();
  after.standardise();
}

mlp_shape shape_of(const outline& code) {
  return {static_cast<int>(code.inputs()), std::vector<int>(hidden_layers, hidden_units),
          static_cast<int>(code.outputs())};
}

/// The parameters of a perceptron that is fitted by mean square error.
std::vector<float> fit(const mlp_shape& shape, const table& before, const table& after, std::uint64_t seed,
                       const stop_check& stop) {
  std::vector<float> parameters(shape.parameter_count());
  // Apart from those of the law.
  random_stream initial(seed, purpose::initial, 2);
  initialise(shape, initial, parameters);
  const std::size_t rows = before.rows();
  const int batch = static_cast<int>(std::min<std::size_t>(rows_of_batch, rows));
  mlp network(shape, batch, true);
  adamw optimiser({}, parameters.size());
  std::vector<float> gradient(parameters.size());
  std::vector<std::size_t> order(rows);
  std::iota(order.begin(), order.end(), std::size_t{0});
  const std::size_t batches = rows / at(batch);
  std::vector<float> wanted(at(shape.outputs));
  for (int pass = 0; pass < passes; ++pass) {
    shuffle(order, random_stream(seed, purpose::shuffle, static_cast<std::uint32_t>(pass), 1));
    for (std::size_t b = 0; b < batches; ++b) {
      stop_if_asked(stop);
      const auto own = std::span(order).subspan(b * at(batch), at(batch));
      for (std::size_t i = 0; i < own.size(); ++i) {
        before.copy_row(own[i], network.input().data() + i * at(shape.inputs));
      }
      network.set_parameters(parameters);
      const auto given = network.forward();
      for (std::size_t i = 0; i < own.size(); ++i) {
        after.copy_row(own[i], wanted.data());
        for (std::size_t c = 0; c < wanted.size(); ++c) {
          const std::size_t k = i * wanted.size() + c;
          network.output_gradient()[k] = 2 * (given[k] - wanted[c]) / static_cast<float>(batch);
        }
      }
      network.backward(gradient);
      const double done = static_cast<double>(pass * batches + b) / static_cast<double>(passes * batches);
      optimiser.step(parameters, gradient, peak_rate * 0.5 * (1 + std::cos(std::numbers::pi * done)),
                     clipping_scale(gradient_norm(gradient), 1));
    }
  }
  return parameters;
}

/// The fitted scheme, one chain at a time.
class fitted_scheme {
 public:
  fitted_scheme(const model& m, const sweep_reader& file, const stop_check& stop)
      : m_(m), code_(m), before_(code_.inputs()), after_(code_.outputs()) {
    read_rows(m, file, code_, stop, before_, after_);
    const mlp_shape shape = shape_of(code_);
    parameters_ = fit(shape, before_, after_, m.surrogate().seed, stop);
    before_.numbers = after_.numbers = {};
    network_ = std::make_unique<mlp>(shape, 1, false);
    network_->set_parameters(parameters_);
  }

  void step(chain& c, chain_step& step) {
    SPIKESWEEP_ASSERT(c.phase == phase_kind::active);
    std::vector<double> row;
    code_.before(c.p, c.values, c.state, row);
    before_.scale(row, network_->input().data());
    const auto given = network_->forward();
    std::vector<double> out(given.size());
    for (std::size_t k = 0; k < out.size(); ++k) {
      out[k] = given[k] * after_.deviation[k] + after_.mean[k];
    }
    code_.take(m_, out, c, step);
  }

 private:
  const model& m_;
  outline code_;
  table before_;
  table after_;
  std::vector<float> parameters_;
  std::unique_ptr<mlp> network_;
};

}  // namespace

kernel paper_scheme(const model& m, const sweep_reader& file, const stop_check& stop) {
  return
      [scheme = std::make_shared<fitted_scheme>(m, file, stop)](std::span<chain> chains, std::span<chain_step> steps) {
        for (std::size_t i = 0; i < chains.size(); ++i) {
          scheme->step(chains[i], steps[i]);
        }
      };
}

double paper_scheme_products(const model& m, double rows) {
  const double active = std::min(rows / 2, static_cast<double>(active_rows));
  constexpr double forward_and_backward = 3;
  return forward_and_backward * passes * active * static_cast<double>(shape_of(outline(m)).parameter_count());
}

}  // namespace spikesweep
