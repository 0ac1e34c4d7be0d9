#include "evaluation.hpp"

#include <algorithm>
#include <array>
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

batch_loss evaluation::losses_of(const std::vector<std::int64_t>& rows) {
  batch_loss sum;
  for (std::size_t begin = 0; begin < rows.size(); begin += batch_rows) {
    for (int slot = 0; slot < batch_rows; ++slot) {
      const std::size_t at = begin + static_cast<std::size_t>(slot);
      if (at < rows.size()) {
        batch_.fill(slot, data_.selection, rows[at], 1.0F, seed_, noise_epoch);
      } else {
        batch_.clear(slot);
      }
    }
    const batch_loss loss = batch_.evaluate();
    sum.counts += loss.counts;
    sum.profile += loss.profile;
  }
  return sum;
}

void evaluation::measure_selection(epoch_record& record) {
  batch_.set_weights(model_.own.counts_weights, model_.own.profile_weights);
  constexpr auto regimes = static_cast<std::size_t>(regime_count);
  constexpr std::size_t groups = phase_kind_count * regimes;
  std::array<std::vector<std::int64_t>, groups> rows;
  for (std::int64_t row = 0; row < data_.selection.rows; ++row) {
    const auto at = static_cast<std::size_t>(row);
    const auto points = data_.selection_regimes.empty() ? 0 : static_cast<std::size_t>(data_.selection_regimes[at]);
    rows[data_.selection.phase[at] * regimes + points].push_back(row);
  }
  std::vector<double> sums(3 * groups, 0.0);
  for (std::size_t g = 0; g < groups; ++g) {
    const batch_loss loss = losses_of(rows[g]);
    sums[3 * g] = loss.counts;
    sums[3 * g + 1] = loss.profile;
    sums[3 * g + 2] = static_cast<double>(rows[g].size());
  }
  all_reduce_sum(comm_, std::span(sums));
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
  dispersion_fit fit(width);
  std::vector<double> expected(width);
  const dataset& rows = data_.dispersion;
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
