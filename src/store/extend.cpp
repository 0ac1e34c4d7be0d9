#include <algorithm>
#include <cstring>
#include <set>
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

/// Copies what is finished from a sweep file into the new file of a sweep that it has grown into.
class transfer {
 public:
  transfer(const sweep_reader& old_file, const hdf5::group& from, const sweep_description& description, hdf5::group& to,
           const std::function<void()>& poll)
      : old_(old_file), before_(old_file.description()), after_(description), from_(from), to_(to), poll_(poll) {}

  void run() {
    take_finished_tasks();
    for (const task_block& block : blocks_) {
      copy_rows(block);
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

  std::int64_t longest_block() const {
    std::size_t row = 1;
    for (const column& c : column_table()) {
      row = std::max(row, c.row_bytes(after_.sampling.layout));
    }
    const std::int64_t task = after_.sampling.transitions * static_cast<std::int64_t>(row);
    return std::max<std::int64_t>(1, block_bytes / std::max<std::int64_t>(1, task));
  }

  std::set<std::int64_t> damaged_tasks() const {
    constexpr std::int64_t parts = 64;  // Between them it is asked whether to give up.
    std::set<std::int64_t> damaged;
    for (std::int64_t part = 0; part < parts; ++part) {
      poll();
      const auto found = old_.damaged_tasks(before_.tasks() * part / parts, before_.tasks() * (part + 1) / parts);
      damaged.insert(found.begin(), found.end());
    }
    return damaged;
  }

  /// Every checked record, at its new place; and blocks of the tasks that have rows.
  void take_finished_tasks() {
    records_ = planned_records(after_);
    const std::vector<task_record> old_records = old_.records();
    const std::set<std::int64_t> damaged = damaged_tasks();
    const std::int64_t longest = longest_block();
    for (std::int64_t task = 0; task < before_.tasks(); ++task) {
      const task_record& old_record = old_records[static_cast<std::size_t>(task)];
      if (old_record.state == task_state::pending || damaged.contains(task)) {
        continue;
      }
      const std::int64_t to = moved(task);
      task_record& record = records_[static_cast<std::size_t>(to)];
      const task_record planned = record;
      record = old_record;
      record.point = planned.point;
      record.replicate = planned.replicate;
      record.first_row = planned.first_row;
      if (record.rows == 0) {
        record.checksum = record_hash().finish(record);
      } else if (!blocks_.empty() && blocks_.back().from + blocks_.back().count == task &&
                 blocks_.back().to + blocks_.back().count == to && blocks_.back().count < longest) {
        ++blocks_.back().count;
      } else {
        blocks_.push_back({task, to, 1});
      }
    }
  }

  /// Also computes the checksums of the block's records.
  void copy_rows(const task_block& block) {
    const auto per_task = static_cast<std::size_t>(after_.sampling.transitions);
    std::vector<record_hash> hashes(static_cast<std::size_t>(block.count));
    const std::size_t rows = per_task * hashes.size();
    for (const column& c : column_table()) {
      poll();
      const std::string path = std::string(transitions_group) + '/' + c.path;
      const std::size_t task_bytes = c.row_bytes(after_.sampling.layout) * per_task;
      std::vector<std::byte> bytes(task_bytes * hashes.size());
      from_.open_dataset(path).read_rows(static_cast<hdf5::length>(block.from) * per_task, rows, c.memory_type(),
                                         bytes.data());
      for (std::size_t i = 0; i < hashes.size(); ++i) {
        hashes[i].add(std::span(bytes).subspan(i * task_bytes, task_bytes));
      }
      to_.open_dataset(path).write_rows(static_cast<hdf5::length>(block.to) * per_task, rows, c.memory_type(),
                                        bytes.data());
    }
    for (std::size_t i = 0; i < hashes.size(); ++i) {
      task_record& record = records_[static_cast<std::size_t>(block.to) + i];
      record.checksum = hashes[i].finish(record);
    }
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
  std::vector<task_record> records_;  ///< Of the new file.
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
