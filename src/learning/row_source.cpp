#include "row_source.hpp"

#include <algorithm>
#include <numeric>
#include <span>
#include <utility>

#include <spikesweep/base/error.hpp>
#include <spikesweep/base/random.hpp>

namespace spikesweep {

row_source::row_source(const training_data& data, const model& m, const learning_settings& settings, int first,
                       int last)
    : data_(data),
      settings_(settings),
      first_shard_(first),
      last_shard_(last),
      rows_per_step_(settings.batch / data.plan.shards),
      chunks_(data.chunks.chunks(data.plan)) {
  // Memory is reserved at once, because a vector that grows takes more memory than it needs.
  if (!data.chunks.streams()) {
    current_.order.reserve(static_cast<std::size_t>(data.train.rows));
    return;
  }
  SPIKESWEEP_ASSERT(data.chunks.rows % rows_per_step_ == 0 && data.read);
  std::int64_t rows = 0;
  for (int shard = first; shard < last; ++shard) {
    rows += std::min(data.chunks.rows, data.plan.size(shard));
  }
  for (chunk* held : {&current_, &next_}) {
    reserve(held->rows, m.features, m.targets, rows);
    held->order.reserve(static_cast<std::size_t>(rows));
  }
}

void row_source::begin_epoch(int epoch, std::int64_t first_step) {
  hold(epoch, data_.chunks.streams() ? first_step * rows_per_step_ / data_.chunks.rows : 0);
}

void row_source::begin_step(std::int64_t step) {
  if (data_.chunks.streams()) {
    hold(current_.epoch, step * rows_per_step_ / data_.chunks.rows);
  }
}

std::optional<row_reference> row_source::row(int shard, std::int64_t i) const {
  const auto s = static_cast<std::size_t>(shard - first_shard_);
  const std::int64_t in_chunk = i - current_.index * data_.chunks.rows;
  SPIKESWEEP_ASSERT(in_chunk >= 0);
  const std::size_t at = current_.begin[s] + static_cast<std::size_t>(in_chunk);
  if (at >= current_.begin[s + 1]) {
    return std::nullopt;
  }
  return row_reference{data_.chunks.streams() ? current_.rows : data_.train, current_.order[at]};
}

void row_source::settle() {
  if (reading_.valid()) {
    reading_.wait();
  }
}

/// Makes a chunk the current one, and begins to read the next one.
void row_source::hold(int epoch, std::int64_t index) {
  if (current_.epoch == epoch && current_.index == index) {
    return;
  }
  if (reading_.valid()) {
    reading_.get();
  }
  if (next_.epoch == epoch && next_.index == index) {
    std::swap(current_, next_);
  } else {
    fill(current_, epoch, index);
  }
  if (data_.chunks.streams()) {
    read_ahead();
  }
}

void row_source::read_ahead() {
  const bool ends = current_.index + 1 == chunks_;
  const int epoch = current_.epoch + (ends ? 1 : 0);
  const std::int64_t index = ends ? 0 : current_.index + 1;
  if (epoch <= settings_.epochs) {
    reading_ = std::async(std::launch::async, [this, epoch, index] { fill(next_, epoch, index); });
  }
}

void row_source::fill(chunk& to, int epoch, std::int64_t index) const {
  to.epoch = 0;  // Until the chunk is complete.
  clear(to.rows);
  to.order.clear();
  to.begin.assign(1, 0);
  for (int shard = first_shard_; shard < last_shard_; ++shard) {
    if (data_.chunks.streams()) {
      const std::int64_t first = to.rows.rows;
      for (const piece& p : pieces(epoch, shard, index)) {
        data_.read(p.first, p.last, to.rows);
        for (std::int64_t number = p.first; number < p.last; ++number) {
          to.rows.numbers.push_back(number);
        }
      }
      deal(to, shard, first, to.rows.rows - first, epoch, index);
    } else {
      deal(to, shard, data_.plan.begin(shard) - data_.train.first, data_.plan.size(shard), epoch, index);
    }
  }
  to.epoch = epoch;
  to.index = index;
}

/// The parts of a shard that belong to a chunk: whole blocks, except where the two ends of the chunk cut a block.
std::vector<row_source::piece> row_source::pieces(int epoch, int shard, std::int64_t index) const {
  const std::int64_t length = data_.chunks.block;
  const std::int64_t rows = data_.plan.size(shard);
  std::vector<std::uint32_t> blocks(static_cast<std::size_t>((rows + length - 1) / length));
  std::iota(blocks.begin(), blocks.end(), 0U);
  shuffle(blocks, random_stream(settings_.seed, purpose::blocks, static_cast<std::uint32_t>(epoch),
                                static_cast<std::uint32_t>(shard)));
  const std::int64_t begin = index * data_.chunks.rows;
  const std::int64_t end = begin + data_.chunks.rows;
  std::vector<piece> out;
  std::int64_t dealt = 0;  // Rows of the epoch that come before the block.
  for (const std::uint32_t block : blocks) {
    const std::int64_t first = block * length;
    const std::int64_t size = std::min(length, rows - first);
    const std::int64_t from = std::max(begin, dealt) - dealt;
    const std::int64_t to = std::min(end, dealt + size) - dealt;
    if (from < to) {
      out.push_back({data_.plan.begin(shard) + first + from, data_.plan.begin(shard) + first + to});
    }
    dealt += size;
  }
  return out;
}

/// Appends `rows` rows of the data set, from `first` on, to the order, and shuffles them.
void row_source::deal(chunk& to, int shard, std::int64_t first, std::int64_t rows, int epoch,
                      std::int64_t index) const {
  const auto begin = to.order.size();
  to.order.resize(begin + static_cast<std::size_t>(rows));
  const auto dealt = std::span(to.order).subspan(begin);
  std::iota(dealt.begin(), dealt.end(), static_cast<std::uint32_t>(first));
  // Without streaming a shard has one chunk, which holds its rows of the whole epoch.
  shuffle(dealt, random_stream(settings_.seed, purpose::shuffle, static_cast<std::uint32_t>(epoch),
                               static_cast<std::uint32_t>(index * data_.plan.shards + shard)));
  to.begin.push_back(to.order.size());
}

}  // namespace spikesweep
