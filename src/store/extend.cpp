#include <algorithm>
#include <cstring>
#include <optional>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <spikesweep/base/error.hpp>
#include <spikesweep/base/log.hpp>
#include <spikesweep/parallel/collective.hpp>
#include <spikesweep/store/atomic_file.hpp>
#include <spikesweep/store/sweep_file.hpp>

#include "columns.hpp"
#include "create.hpp"
#include "description_file.hpp"
#include "figure_records.hpp"
#include "hdf5_detail.hpp"
#include "records.hpp"

namespace spikesweep {

namespace {

/// Most bytes of rows in memory at a time, unless a single task has more.
constexpr std::int64_t block_bytes = 64 << 20;

/// Neighbouring tasks of the old file that are neighbours in the new one as well.
struct task_block {
  std::int64_t from = 0;  ///< The first of them in the old file.
  std::int64_t to = 0;    ///< And in the new one.
  std::int64_t count = 0;
};

/// The rows of a block in one column, as they lie in the file.
using column_bytes = std::vector<std::byte>;

/// Copies what is finished from a sweep file into the new file of a sweep that it has grown into.
class transfer {
 public:
  transfer(const sweep_reader& old_file, const hdf5::group& from, const sweep_description& description, hdf5::group& to,
           const std::function<void()>& poll)
      : old_(old_file),
        before_(old_file.description()),
        after_(description),
        from_(from),
        to_(to),
        poll_(poll),
        old_records_(old_file.records()),
        records_(planned_records(description)) {
    if (from.has(figures_dataset)) {
      figures_from_.emplace(from.open_dataset(figures_dataset));
      members_of_figures_ = figure_members(*figures_from_);
    }
    table_ = columns_of(after_.sampling.layout);
    for (const column& c : table_) {
      const std::string path = std::string(transitions_group) + '/' + c.path;
      columns_from_.push_back(from.open_dataset(path));
      columns_to_.push_back(to.open_dataset(path));
    }
  }

  void run() {
    take_finished_tasks();
    for (const task_block& block : blocks_) {
      copy(block);
    }
    write_records(to_, records_);
    const hdf5::group provenance = from_.open_group(provenance_group);
    for (const std::string& name : provenance.names()) {
      copy_provenance(std::string(provenance_group) + '/' + name);
    }
  }

 private:
  /// Where a task of the old file is in the new one.
  std::int64_t moved(std::int64_t task) const {
    const task_identity identity = before_.identity(task);
    return static_cast<std::int64_t>(identity.point) * after_.replicates + identity.replicate;
  }

  std::size_t task_bytes(const column& c) const {
    return c.row_bytes(after_.sampling.layout) * static_cast<std::size_t>(after_.sampling.transitions);
  }

  /// Tasks.
  std::int64_t longest_block() const {
    std::size_t task = 1;
    for (const column& c : table_) {
      task += task_bytes(c);
    }
    return std::max<std::int64_t>(1, block_bytes / static_cast<std::int64_t>(task));
  }

  /// The figures of a task, as they lie in the old file and in the new one. An older file may have none.
  struct moved_figures {
    std::vector<std::byte> before;
    std::vector<std::byte> after;
  };
  moved_figures figures_of(std::int64_t task) const {
    moved_figures out;
    task_figures figures;
    if (figures_from_) {
      out.before.resize(members_of_figures_.bytes());
      figures_from_->read_rows(static_cast<hdf5::length>(task), 1, members_of_figures_.type().id(), out.before.data());
      figures = members_of_figures_.unpack(out.before);
    }
    out.after = figure_members().pack(figures);
    return out;
  }

  /// Finds blocks of the tasks that have rows, and takes over those that failed.
  void take_finished_tasks() {
    const std::int64_t longest = longest_block();
    for (std::int64_t task = 0; task < before_.tasks(); ++task) {
      const task_record& old_record = old_records_[static_cast<std::size_t>(task)];
      if (old_record.state == task_state::pending || !old_.is_in_place(task, old_record)) {
        continue;
      }
      const std::int64_t to = moved(task);
      if (old_record.rows == 0) {
        record_hash hash;
        if (sound_with_figures(task, hash)) {
          take(task, record_hash());
        }
      } else if (!blocks_.empty() && blocks_.back().from + blocks_.back().count == task &&
                 blocks_.back().to + blocks_.back().count == to && blocks_.back().count < longest) {
        ++blocks_.back().count;
      } else {
        blocks_.push_back({task, to, 1});
      }
    }
  }

  /// Whether the checksum of a task holds. `rows`: the hash of its rows.
  bool sound_with_figures(std::int64_t task, record_hash& rows) const {
    const task_record& record = old_records_[static_cast<std::size_t>(task)];
    rows.add(figures_of(task).before);
    return rows.finish(record, members_) == record.checksum;
  }

  /// Puts the record and the figures of a task at their new place. `rows`: the hash of its rows.
  void take(std::int64_t task, record_hash&& rows) {
    const std::vector<std::byte> figures = figures_of(task).after;
    figures_to_.write_rows(static_cast<hdf5::length>(moved(task)), 1, figure_members().type().id(), figures.data());
    rows.add(figures);
    task_record& record = records_[static_cast<std::size_t>(moved(task))];
    const task_record planned = record;
    record = old_records_[static_cast<std::size_t>(task)];
    record.point = planned.point;
    record.replicate = planned.replicate;
    record.first_row = planned.first_row;
    record.checksum = rows.finish(record);
  }

  /// Reads the rows of a block once: they are tested, written, and covered by new checksums.
  void copy(const task_block& block) {
    const auto count = static_cast<std::size_t>(block.count);
    std::vector<record_hash> old_hashes(count);
    std::vector<record_hash> new_hashes(count);
    std::vector<column_bytes> rows;
    for (std::size_t i = 0; i < columns_from_.size(); ++i) {
      poll();
      const column& c = table_[i];
      const std::size_t bytes = task_bytes(c);
      column_bytes& of_column = rows.emplace_back(bytes * count);
      columns_from_[i].read_rows(first_row(block.from), first_row(block.count), c.memory_type(), of_column.data());
      for (std::size_t task = 0; task < count; ++task) {
        const auto of_task = std::span(of_column).subspan(task * bytes, bytes);
        old_hashes[task].add(of_task);
        new_hashes[task].add(of_task);
      }
    }
    for (std::size_t first = 0; first < count;) {
      std::size_t last = first;
      while (last < count && holds(block.from, last, old_hashes)) {
        take(block.from + static_cast<std::int64_t>(last), std::move(new_hashes[last]));
        ++last;
      }
      write(rows, block, first, last);
      first = last + 1;  // A damaged task is left out.
    }
  }

  bool holds(std::int64_t first_task, std::size_t task, std::vector<record_hash>& hashes) const {
    return sound_with_figures(first_task + static_cast<std::int64_t>(task), hashes[task]);
  }

  /// The rows of the tasks [first, last) of a block.
  void write(const std::vector<column_bytes>& rows, const task_block& block, std::size_t first, std::size_t last) {
    for (std::size_t i = 0; i < columns_to_.size() && first < last; ++i) {
      const column& c = table_[i];
      columns_to_[i].write_rows(first_row(block.to + static_cast<std::int64_t>(first)),
                                first_row(static_cast<std::int64_t>(last - first)), c.memory_type(),
                                rows[i].data() + first * task_bytes(c));
    }
  }

  /// Of a task; also the rows of so many tasks.
  hdf5::length first_row(std::int64_t task) const {
    return static_cast<hdf5::length>(task * after_.sampling.transitions);
  }

  /// One dataset, whatever it holds: that of pending tasks too, whose attempts count, and what is not per task.
  void copy_provenance(const std::string& path) {
    if (!to_.has(path)) {
      return;  // An older version's.
    }
    const hdf5::dataset source = from_.open_dataset(path);
    hdf5::dataset target = to_.open_dataset(path);
    const hdf5::datatype_handle type(H5Dget_type(source.id()));
    const std::size_t size = H5Tget_size(type.id());
    const bool per_task = source.shape() == hdf5::extent{static_cast<hdf5::length>(before_.tasks())} &&
                          target.shape() == hdf5::extent{static_cast<hdf5::length>(after_.tasks())};
    if (!per_task && source.shape() != target.shape()) {
      return;
    }
    std::size_t numbers = 1;
    for (const hdf5::length length : source.shape()) {
      numbers *= length;
    }
    std::vector<std::byte> bytes(numbers * size);
    source.read_all(type.id(), bytes.data());
    if (per_task) {
      std::vector<std::byte> spread(static_cast<std::size_t>(after_.tasks()) * size);
      for (std::size_t task = 0; task < numbers; ++task) {
        std::memcpy(spread.data() + static_cast<std::size_t>(moved(static_cast<std::int64_t>(task))) * size,
                    bytes.data() + task * size, size);
      }
      bytes = std::move(spread);
    }
    target.write_all(type.id(), bytes.data());
  }

  void poll() const {
    if (poll_) {
      poll_();
    }
  }

  const sweep_reader& old_;
  const sweep_description& before_;
  const sweep_description& after_;
  const hdf5::group& from_;
  hdf5::group& to_;
  const std::function<void()>& poll_;
  std::vector<task_record> old_records_;
  std::vector<task_record> records_;  ///< Of the new file.
  record_members members_ = record_members(from_.open_dataset(records_dataset));
  std::optional<hdf5::dataset> figures_from_;
  figure_members members_of_figures_;  ///< In the old file.
  hdf5::dataset figures_to_ = to_.open_dataset(figures_dataset);
  std::vector<column> table_;
  std::vector<hdf5::dataset> columns_from_;  ///< As in table_.
  std::vector<hdf5::dataset> columns_to_;    ///< Likewise.
  std::vector<task_block> blocks_;
};

void check_growth(const std::filesystem::path& file, const sweep_description& stored, const sweep_description& given) {
  const std::vector<std::string> obstacles = growth_obstacles(stored, given);
  if (obstacles.empty()) {
    return;
  }
  throw input_error(fmt::format(
      "{} cannot be extended to this config: {}; allowed: more replicates; more points, within ranges that hold all {} "
      "points of the file (design.points counts them all); other ranges only if sweep.synthetic_share is 0. Use "
      "another output otherwise",
      file.string(), fmt::join(obstacles, "; "), stored.points.size()));
}

}  // namespace

bool extend_sweep_file(const std::filesystem::path& path, const sweep_description& description,
                       const std::function<void()>& poll) {
  const std::filesystem::path file = std::filesystem::canonical(path);  // A link stays a link.
  const sweep_reader before(file);
  if (differences(before.description(), description).empty()) {
    return false;
  }
  check_growth(path, before.description(), description);
  atomic_file target(file);
  write_new_sweep_file(target, description);
  {
    // Through MPI-IO like any other write of rows: HDF5 then leaves the metadata as they are.
    const hdf5::file from = hdf5::file::open(file);
    hdf5::file to = hdf5::file::open_parallel(target.path(), self());
    transfer(before, from.root(), description, to.root(), poll).run();
    to.close();
  }
  target.commit();
  log_info(path.string() + " has grown from " + std::to_string(before.description().tasks()) + " to " +
           std::to_string(description.tasks()) + " tasks");
  return true;
}

}  // namespace spikesweep
