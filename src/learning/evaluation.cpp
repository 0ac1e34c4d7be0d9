#include "evaluation.hpp"

#include <algorithm>
#include <numeric>
#include <span>
#include <vector>

#include <spikesweep/learning/dispersion.hpp>
#include <spikesweep/parallel/reduce.hpp>

namespace spikesweep {

namespace {

/// How many rows are evaluated at a time.
constexpr int batch_rows = 512;
/// The dequantising noise of the rows always belongs to this epoch, so that losses of different epochs compare.
constexpr int noise_epoch = 0;

}  // namespace

evaluation::evaluation(const communicator& comm, const training_data& data, std::uint64_t seed, const member_view& m)
    : comm_(comm), data_(data), seed_(seed), model_(m), batch_(m.shared, batch_rows, false) {}

std::vector<batch_loss> evaluation::losses_of_rows() {
  std::vector<batch_loss> losses;
  const std::int64_t rows = data_.selection.rows;
  for (std::int64_t begin = 0; begin < rows; begin += batch_rows) {
    const int filled = static_cast<int>(std::min<std::int64_t>(batch_rows, rows - begin));
    for (int slot = 0; slot < filled; ++slot) {
      batch_.fill(slot, data_.selection, begin + slot, 1.0F, seed_, noise_epoch);
    }
    batch_.evaluate();
    for (int slot = 0; slot < filled; ++slot) {
      losses.push_back(batch_.loss_of(slot));
    }
  }
  return losses;
}

void evaluation::measure_selection(epoch_record& record) {
  batch_.set_weights(model_.own.counts_weights, model_.own.profile_weights);
  constexpr auto regimes = static_cast<std::size_t>(regime_count);
  constexpr std::size_t groups = phase_kind_count * regimes;
  const std::vector<batch_loss> losses = losses_of_rows();
  std::vector<double> sums(3 * groups, 0.0);
  sum_rank_by_rank(comm_, sums, [&] {
    for (std::size_t row = 0; row < losses.size(); ++row) {
      const auto points = data_.selection_regimes.empty() ? 0 : static_cast<std::size_t>(data_.selection_regimes[row]);
      double* of_group = sums.data() + 3 * (data_.selection.phase[row] * regimes + points);
      of_group[0] += losses[row].counts;
      of_group[1] += losses[row].profile;
      of_group[2] += 1;
    }
  });
  double all = 0;
  for (std::size_t g = 0; g < groups; ++g) {
    const double n = sums[3 * g + 2];
    record.selection_counts += sums[3 * g];
    record.selection_profile += sums[3 * g + 1];
    all += n;
    if (n > 0) {
      record.selection_groups.push_back({static_cast<phase_kind>(g / regimes), static_cast<regime>(g % regimes),
                                         static_cast<std::int64_t>(n), sums[3 * g] / n, sums[3 * g + 1] / n});
    }
  }
  // Without selection rows there is no loss: 0 / 0 is no number.
  record.selection_counts /= all;
  record.selection_profile /= all;
}

profile_dispersion evaluation::measure_dispersion() {
  batch_.set_weights(model_.own.counts_weights, model_.own.profile_weights);
  const auto groups = model_.shared.targets.groups();
  const auto width = static_cast<std::size_t>(model_.shared.targets.profile_size());
  const dataset& rows = data_.dispersion;
  dispersion_fit fit(width, static_cast<std::size_t>(rows.rows));
  std::vector<double> expected(width);
  for (std::int64_t begin = 0; begin < rows.rows; begin += batch_rows) {
    int filled = 0;
    for (std::int64_t row = begin; row < rows.rows && filled < batch_rows; ++row) {
      batch_.fill(filled++, rows, row, 1.0F, seed_, noise_epoch);
    }
    batch_.evaluate();
    for (int slot = 0; slot < filled; ++slot) {
      const auto row = static_cast<std::size_t>(begin + slot);
      const auto counts = std::span(rows.profile).subspan(row * width, width);
      const auto logits = batch_.profile_logits(slot);
      std::size_t first = 0;
      for (const int g : groups) {
        const auto size = static_cast<std::size_t>(g);
        const auto part = counts.subspan(first, size);
        softmax(logits.subspan(first, size), std::accumulate(part.begin(), part.end(), 0.0),
                std::span(expected).subspan(first, size));
        first += size;
      }
      fit.add(static_cast<phase_kind>(rows.phase[row]), expected, counts);
    }
  }
  return fit.fit(comm_);
}

}  // namespace spikesweep
