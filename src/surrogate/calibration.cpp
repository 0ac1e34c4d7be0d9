#include <algorithm>
#include <cmath>
#include <cstring>

#include <spikesweep/base/error.hpp>
#include <spikesweep/learning/law.hpp>
#include <spikesweep/learning/mlp.hpp>
#include <spikesweep/parallel/collective.hpp>
#include <spikesweep/parallel/interrupt.hpp>
#include <spikesweep/parallel/reduce.hpp>
#include <spikesweep/surrogate/calibration.hpp>

namespace spikesweep {

namespace {

/// Rows that go through the counts network at a time.
constexpr int batch_rows = 256;
constexpr int draws = calibration_draws;
/// Unit of the sum of PITs.
constexpr double pit_unit = 0x1p-32;
/// Durations this close to an extreme are at it: sums of times carry rounding. Of log durations.
constexpr double duration_tolerance = 1e-9;

constexpr int aggregate_count = 4;
const std::array<std::string, count_dims + 1 + aggregate_count> output_names{
    "spikes_E", "spikes_I", "pending_EE", "pending_IE",   "pending_EI",  "pending_II",
    "duration", "high_E",   "high_I",     "refractory_E", "refractory_I"};
constexpr std::size_t first_aggregate = count_dims + 1;

std::int32_t high_neurons(const state_layout& layout, state_view state, population q) {
  const auto upper = static_cast<std::size_t>(layout.bins() / 4);
  const auto end = static_cast<std::size_t>(layout.refractory_cell(q));
  std::int32_t sum = 0;
  for (std::size_t cell = end - upper; cell < end; ++cell) {
    sum += state[cell];
  }
  return sum;
}

std::array<std::int32_t, aggregate_count> aggregates(const state_layout& layout, state_view state) {
  const auto refractory = [&](population q) { return state[static_cast<std::size_t>(layout.refractory_cell(q))]; };
  return {high_neurons(layout, state, population::E), high_neurons(layout, state, population::I),
          refractory(population::E), refractory(population::I)};
}

state_view row_of(const count_matrix& states, std::int64_t row) {
  return {states.row(row).data(), static_cast<std::size_t>(states.cols())};
}

}  // namespace

void pit_tally::add(double pit) {
  ++rows;
  ++histogram[static_cast<std::size_t>(std::clamp(static_cast<int>(pit * pit_bins), 0, pit_bins - 1))];
  for (std::size_t k = 0; k < inside.size(); ++k) {
    inside[k] += std::abs(pit - 0.5) <= 0.5 * coverage_levels[k] ? 1 : 0;
  }
  sum += std::llround(pit / pit_unit);
}

double pit_tally::mean() const {
  return static_cast<double>(sum) * pit_unit / static_cast<double>(rows);
}

double pit_tally::bias() const {
  return (mean() - 0.5) * std::sqrt(12.0 * static_cast<double>(rows));
}

double pit_tally::coverage(std::size_t level) const {
  return static_cast<double>(inside[level]) / static_cast<double>(rows);
}

double randomised_pit(double below, double at_most, double v) {
  return below + v * (at_most - below);
}

double rank_pit(std::span<const std::int32_t> drawn, std::int32_t observed, double v) {
  const auto less = std::ranges::count_if(drawn, [observed](std::int32_t x) { return x < observed; });
  const auto equal = std::ranges::count(drawn, observed);
  return (static_cast<double>(less) + v * static_cast<double>(equal + 1)) / static_cast<double>(drawn.size() + 1);
}

double law_pit(const target_map& targets, const mixture_marginals& law, phase_kind phase, int dim, double observed,
               double v) {
  const auto k = static_cast<std::size_t>(dim);
  const target_map::extremes& bound = targets.bounds()[static_cast<std::size_t>(phase)];
  const auto below = [&](double raw) {
    return law.below(dim, (raw - targets.statistics().mean[k]) / targets.statistics().deviation[k]);
  };
  if (dim == count_dims) {
    const double x = std::log(observed);
    const double inner = below(x);
    return randomised_pit(x <= bound.lowest[k] + duration_tolerance ? 0 : inner,
                          x >= bound.highest[k] - duration_tolerance ? 1 : inner, v);
  }
  const auto at_most = [&](double n) {
    return n < bound.lowest[k] ? 0.0 : n >= bound.highest[k] ? 1.0 : below(std::sqrt(n + 1));
  };
  return randomised_pit(at_most(observed - 1), at_most(observed), v);
}

struct law_calibrator::impl {
  explicit impl(const member_view& of) : m(of.shared), counts(m.counts_network, batch_rows, false), sampler(of, draws) {
    counts.set_parameters(of.own.counts_weights);
    tallies.resize(phase_kind_count * output_names.size());
  }

  pit_tally& tally(phase_kind phase, std::size_t output) {
    return tallies[static_cast<std::size_t>(phase) * output_names.size() + output];
  }

  /// At most batch_rows rows of a block.
  void add_counts(const parameters& p, std::span<const double> values, const transition_block& block,
                  std::span<const std::int64_t> rows, random_stream& stream) {
    const auto width = static_cast<std::size_t>(m.features.size());
    const auto outputs = static_cast<std::size_t>(m.mixture.outputs());
    for (std::size_t i = 0; i < rows.size(); ++i) {
      const auto features = counts.input().subspan(i * width, width);
      m.features.raw(p, values, phase_of(block, rows[i]), row_of(block.before, rows[i]), features);
      m.features.standardise(features);
    }
    const auto raw = counts.forward();
    const state_layout& layout = m.space.layout.state;
    for (std::size_t i = 0; i < rows.size(); ++i) {
      const std::int64_t row = rows[i];
      const phase_kind phase = phase_of(block, row);
      const mixture_marginals law = marginals_of(m.mixture, raw.subspan(i * outputs, outputs));
      for (int dim = 0; dim < m.targets.first_centre(); ++dim) {
        const double observed = dim < 2            ? block.spikes(row, dim)
                                : dim < count_dims ? block.after(row, layout.pending(static_cast<pool>(dim - 2)))
                                                   : block.duration[static_cast<std::size_t>(row)];
        tally(phase, static_cast<std::size_t>(dim))
            .add(law_pit(m.targets, law, phase, dim, observed, stream.uniform()));
      }
    }
  }

  void add_profile(const parameters& p, std::span<const double> values, const transition_block& block, std::int64_t row,
                   random_stream& stream) {
    const state_layout& layout = m.space.layout.state;
    const auto size = static_cast<std::size_t>(layout.size());
    const auto parts = static_cast<std::size_t>(sampler.time_bins());
    std::vector<std::int32_t> after(draws * size);
    std::vector<std::int32_t> times(2 * parts);
    std::vector<law_query> queries;
    std::vector<law_sample> samples;
    for (std::size_t i = 0; i < draws; ++i) {
      queries.push_back({&p, values, phase_of(block, row), row_of(block.before, row), &stream});
      samples.push_back(
          {std::span(after).subspan(i * size, size), std::span(times).first(parts), std::span(times).last(parts)});
    }
    sampler.sample(queries, samples);
    const auto observed = aggregates(layout, row_of(block.after, row));
    std::array<std::array<std::int32_t, draws>, aggregate_count> drawn;
    for (std::size_t i = 0; i < draws; ++i) {
      const auto one = aggregates(layout, std::span(after).subspan(i * size, size));
      for (std::size_t k = 0; k < aggregate_count; ++k) {
        drawn[k][i] = one[k];
      }
    }
    // Where nobody rests there is nothing to predict.
    const std::size_t known = p.refractory_ms() > 0 ? aggregate_count : 2;
    for (std::size_t k = 0; k < known; ++k) {
      tally(phase_of(block, row), first_aggregate + k).add(rank_pit(drawn[k], observed[k], stream.uniform()));
    }
  }

  static phase_kind phase_of(const transition_block& block, std::int64_t row) {
    return static_cast<phase_kind>(block.phase[static_cast<std::size_t>(row)]);
  }

  const model& m;
  mlp counts;
  law_sampler sampler;
  std::vector<pit_tally> tallies;  ///< phases x outputs
};

law_calibrator::law_calibrator(const member_view& m) : impl_(std::make_unique<impl>(m)) {}

law_calibrator::~law_calibrator() = default;

void law_calibrator::add(const parameters& p, std::span<const double> values, const transition_block& block,
                         int profile_stride, random_stream& stream) {
  std::vector<std::int64_t> rows;
  for (std::int64_t row = 0; row < block.rows(); ++row) {
    if (block.perturbed[static_cast<std::size_t>(row)] == 0) {
      rows.push_back(row);
    }
  }
  for (std::size_t begin = 0; begin < rows.size(); begin += batch_rows) {
    const std::size_t count = std::min<std::size_t>(batch_rows, rows.size() - begin);
    impl_->add_counts(p, values, block, std::span(rows).subspan(begin, count), stream);
  }
  for (std::size_t i = 0; i < rows.size(); i += static_cast<std::size_t>(profile_stride)) {
    impl_->add_profile(p, values, block, rows[i], stream);
  }
}

std::vector<output_calibration> law_calibrator::gather(const communicator& comm) const {
  static_assert(sizeof(pit_tally) == (2 + pit_bins + coverage_levels.size()) * sizeof(std::int64_t));
  std::vector<pit_tally> all = impl_->tallies;
  const std::size_t bytes = all.size() * sizeof(pit_tally);
  std::vector<std::int64_t> numbers(bytes / sizeof(std::int64_t));
  std::memcpy(numbers.data(), all.data(), bytes);
  all_reduce_sum(comm, std::span(numbers));
  std::memcpy(static_cast<void*>(all.data()), numbers.data(), bytes);
  std::vector<output_calibration> out;
  for (std::size_t i = 0; i < all.size(); ++i) {
    if (all[i].rows > 0) {
      out.push_back({static_cast<phase_kind>(i / output_names.size()), output_names[i % output_names.size()], all[i]});
    }
  }
  return out;
}

std::vector<output_calibration> calibrate(const communicator& comm, const model& m, const sweep_reader& file,
                                          std::uint64_t seed) {
  const sweep_description& about = file.description();
  const std::vector<task_record> records = file.records();
  std::vector<std::int64_t> tasks;
  for (std::size_t t = 0; t < records.size(); ++t) {
    if (records[t].state == task_state::done && about.points.roles[records[t].point] == point_role::test) {
      tasks.push_back(static_cast<std::int64_t>(t));
    }
  }
  const auto count = static_cast<std::int64_t>(tasks.size());
  const std::int64_t rows_of_each = std::max<std::int64_t>(1, most_calibration_rows / std::max<std::int64_t>(1, count));
  std::int64_t all_rows = 0;
  for (const std::int64_t t : tasks) {
    all_rows += std::min<std::int64_t>(rows_of_each, records[static_cast<std::size_t>(t)].rows);
  }
  const auto profile_stride = static_cast<int>((all_rows + most_profile_rows - 1) / most_profile_rows);
  law_calibrator calibrator(m);
  for (std::int64_t i = comm.rank(); i < std::min(count, most_calibration_rows); i += comm.size()) {
    if (interrupted()) {
      break;
    }
    const std::int64_t t = tasks[static_cast<std::size_t>(i)];
    const task_record& record = records[static_cast<std::size_t>(t)];
    const auto point = about.points.points.row(record.point);
    const std::vector<double> values(point.data(), point.data() + point.size());
    random_stream stream(seed, purpose::calibration, static_cast<std::uint32_t>(t));
    calibrator.add(parameters_at(m.space, values), values,
                   file.rows_of_task(t, 0, std::min<std::int64_t>(rows_of_each, record.rows)), profile_stride, stream);
  }
  if (on_any_rank(comm, interrupted())) {
    throw interrupted_error("calibration interrupted; the same command starts it again");
  }
  return calibrator.gather(comm);
}

}  // namespace spikesweep
