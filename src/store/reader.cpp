#include <cerrno>
#include <cstring>
#include <fstream>
#include <optional>
#include <span>
#include <string>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <spikesweep/base/error.hpp>
#include <spikesweep/store/file_format.hpp>
#include <spikesweep/store/snapshot.hpp>
#include <spikesweep/store/sweep_file.hpp>

#include "columns.hpp"
#include "description_file.hpp"
#include "figure_records.hpp"
#include "records.hpp"

namespace spikesweep {

namespace {

hdf5::file open_existing(const std::filesystem::path& path) {
  hdf5::check_readable(path);
  try {
    return hdf5::file::open(path);
  } catch (const input_error& reason) {
    throw input_error(path.string() + " is truncated or no sweep file (" + reason.what() +
                      "); restore it, or remove it or name another one");
  }
}

hdf5::file open_checked(const std::filesystem::path& path) {
  hdf5::file opened = open_existing(path);
  check_format(opened.root(), sweep_format);
  return opened;
}

/// Whether this version writes such a state.
bool is_known(task_state state) {
  return static_cast<int>(state) < task_state_count;
}

}  // namespace

struct sweep_reader::impl {
  explicit impl(const std::filesystem::path& path)
      : file(open_checked(path)),
        version(file.root().read_string_attribute("spikesweep_version")),
        description(read_description(file.root())),
        states_data(file.root().open_dataset(states_dataset)),
        records_data(file.root().open_dataset(records_dataset)),
        type_of_record(record_type()),
        members(records_data) {
    if (file.root().has(figures_dataset)) {
      figures_data.emplace(file.root().open_dataset(figures_dataset));
      figures_in_file = figure_members(*figures_data);
    }
    table = columns_of(description.sampling.layout);
    for (const column& c : table) {
      columns.push_back(file.root().open_dataset(std::string(transitions_group) + '/' + c.path));
    }
    check_shapes();
  }

  const hdf5::dataset& dataset_of(const column& c) const {
    return columns[static_cast<std::size_t>(&c - table.data())];
  }

  // What a damaged or foreign file could get wrong without HDF5 noticing.
  void check_shapes() const {
    for (const column& c : table) {
      hdf5::extent expected{static_cast<hdf5::length>(description.rows())};
      if (c.width != nullptr) {
        expected.push_back(c.row_numbers(description.sampling.layout));
      }
      check_shape(dataset_of(c), expected);
    }
    const hdf5::extent expected{static_cast<hdf5::length>(description.tasks())};
    check_shape(states_data, expected);
    check_shape(records_data, expected);
    if (figures_data) {
      check_shape(*figures_data, expected);
    }
  }

  void check_shape(const hdf5::dataset& data, const hdf5::extent& expected) const {
    if (data.shape() != expected) {
      throw input_error(data.where().path + " in " + data.where().file +
                        " does not have the size that the settings in the file ask for");
    }
    data.check_size();
  }

  template <class T>
  std::vector<T> provenance(const std::string& name) const {
    const hdf5::dataset data = file.root().open_dataset(fmt::format("{}/{}", provenance_group, name));
    check_shape(data, {static_cast<hdf5::length>(description.tasks())});
    return data.read<T>();
  }

  // Packed rows of a column, first to first + rows.
  std::vector<std::byte> rows_of(const column& c, std::uint64_t first, std::uint64_t rows) const {
    std::vector<std::byte> bytes(c.row_bytes(description.sampling.layout) * rows);
    if (rows > 0) {
      dataset_of(c).read_rows(first, rows, c.memory_type(), bytes.data());
    }
    return bytes;
  }

  /// Of the tasks [first, first + count), as they lie in the file; none if it has none.
  std::vector<std::byte> packed_figures(std::int64_t first, std::int64_t count) const {
    std::vector<std::byte> packed;
    if (figures_data && count > 0) {
      const auto tasks = static_cast<hdf5::length>(count);
      packed.resize(figures_in_file.bytes() * tasks);
      figures_data->read_rows(static_cast<hdf5::length>(first), tasks, figures_in_file.type().id(), packed.data());
    }
    return packed;
  }

  bool checksum_holds(std::int64_t task, const task_record& record) const {
    record_hash hash;
    for (const column& c : table) {
      hash.add(rows_of(c, record.first_row, record.rows));
    }
    hash.add(packed_figures(task, 1));
    return hash.finish(record, members) == record.checksum;
  }

  // A state that nobody knows is damage, which is repaired, unless the checksum vouches for it.
  void refuse_newer_states(std::int64_t first, const std::vector<task_record>& records) const {
    for (std::size_t i = 0; i < records.size(); ++i) {
      const task_record& record = records[i];
      const std::size_t t = static_cast<std::size_t>(first) + i;
      if (!is_known(record.state) && record.rows <= description.sampling.transitions &&
          record.first_row == t * static_cast<std::uint64_t>(description.sampling.transitions) &&
          checksum_holds(static_cast<std::int64_t>(t), record)) {
        throw input_error("task " + std::to_string(t) + " in " + file.root().where().file + " is in state " +
                          std::to_string(static_cast<int>(record.state)) +
                          ", which this spikesweep " SPIKESWEEP_VERSION
                          " does not know: use the newer version that has worked on the file, or sweep anew with "
                          "--fresh or into another output file");
      }
    }
  }

  /// Those of the tasks [first, last): what is pinned, else as it is in the file now. The file may have a million
  /// tasks, so nothing else is read.
  std::vector<task_record> records(std::int64_t first, std::int64_t last) const {
    if (pinned) {
      return {pinned->begin() + first, pinned->begin() + last};
    }
    std::vector<task_record> records(static_cast<std::size_t>(last - first));
    if (records.empty()) {
      return records;
    }
    const auto from = static_cast<hdf5::length>(first);
    // The state first: it is written last, so that a task that has one has all the rest.
    std::vector<std::uint8_t> states(records.size());
    states_data.read_rows(from, states.size(), hdf5::memory_type<std::uint8_t>(), states.data());
    std::vector<std::byte> packed(records.size() * record_size());
    records_data.read_rows(from, records.size(), type_of_record.id(), packed.data());
    unpack_records(packed, records);
    for (std::size_t i = 0; i < records.size(); ++i) {
      records[i].state = static_cast<task_state>(states[i]);
    }
    refuse_newer_states(first, records);
    return records;
  }

  void check_range(std::int64_t first, std::int64_t last) const {
    if (first < 0 || first > last || last > description.tasks()) {
      throw internal_error("tasks [" + std::to_string(first) + ", " + std::to_string(last) + ") of " +
                           std::to_string(description.tasks()));
    }
  }

  hdf5::file file;
  std::string version;
  sweep_description description;
  hdf5::dataset states_data;
  hdf5::dataset records_data;
  hdf5::datatype_handle type_of_record;
  record_members members;
  std::optional<hdf5::dataset> figures_data;  ///< Files of older formats have none.
  figure_members figures_in_file;
  std::optional<std::vector<task_record>> pinned;
  std::vector<column> table;
  std::vector<hdf5::dataset> columns;  ///< As in table. Kept open: opening takes longer than reading rows.
};

sweep_reader::sweep_reader(const std::filesystem::path& path) : impl_(std::make_unique<impl>(path)) {}
sweep_reader::sweep_reader(sweep_reader&&) noexcept = default;
sweep_reader& sweep_reader::operator=(sweep_reader&&) noexcept = default;
sweep_reader::~sweep_reader() = default;

const sweep_description& sweep_reader::description() const {
  return impl_->description;
}

const std::string& sweep_reader::version() const {
  return impl_->version;
}

void sweep_reader::pin(std::vector<task_record> records) {
  impl_->pinned = std::move(records);
}

std::string sweep_reader::digest() const {
  return sweep_digest(impl_->description, records());
}

std::vector<task_record> sweep_reader::records() const {
  return records(0, impl_->description.tasks());
}

std::vector<task_record> sweep_reader::records(std::int64_t first_task, std::int64_t last_task) const {
  impl_->check_range(first_task, last_task);
  return impl_->records(first_task, last_task);
}

std::vector<task_figures> sweep_reader::figures(std::int64_t first_task, std::int64_t last_task) const {
  impl_->check_range(first_task, last_task);
  const auto tasks = static_cast<std::size_t>(last_task - first_task);
  if (!impl_->figures_data) {
    return std::vector<task_figures>(tasks);
  }
  const std::vector<std::byte> packed = impl_->packed_figures(first_task, last_task - first_task);
  const std::size_t bytes = impl_->figures_in_file.bytes();
  std::vector<task_figures> out;
  for (std::size_t i = 0; i < tasks; ++i) {
    out.push_back(impl_->figures_in_file.unpack(std::span(packed).subspan(i * bytes, bytes)));
  }
  return out;
}

std::vector<task_provenance> sweep_reader::provenance() const {
  const auto core_s = impl_->provenance<double>("core_s");
  const auto rank = impl_->provenance<std::int32_t>("rank");
  const auto attempts = impl_->provenance<std::uint8_t>("attempts");
  const auto finished_at = impl_->provenance<double>("finished_at");
  std::vector<task_provenance> all(core_s.size());
  for (std::size_t t = 0; t < all.size(); ++t) {
    all[t] = {core_s[t], rank.at(t), attempts.at(t), finished_at.at(t)};
  }
  return all;
}

std::vector<std::string> sweep_reader::log() const {
  auto lines = impl_->file.root().read_strings(std::string(provenance_group) + "/log");
  std::erase(lines, std::string());
  return lines;
}

sweep_rows sweep_reader::read_rows(std::int64_t first_task, std::int64_t last_task) const {
  impl_->check_range(first_task, last_task);
  const sweep_description& d = impl_->description;
  const std::vector<task_record> asked_for = impl_->records(first_task, last_task);
  const auto per_task = static_cast<std::uint64_t>(d.sampling.transitions);
  sweep_rows out;
  std::vector<std::int64_t> done;
  for (std::int64_t task = first_task; task < last_task; ++task) {
    if (asked_for[static_cast<std::size_t>(task - first_task)].state == task_state::done) {
      done.push_back(task);
      out.point.insert(out.point.end(), per_task, static_cast<std::int32_t>(task / d.replicates));
    }
  }
  out.block = transition_block(d.sampling.layout, static_cast<std::int64_t>(out.point.size()));
  for (const column& c : impl_->table) {
    std::int64_t row = 0;
    for (std::size_t i = 0; i < done.size();) {
      // Neighbouring tasks are read at once.
      std::size_t end = i + 1;
      while (end < done.size() && done[end] == done[end - 1] + 1) {
        ++end;
      }
      const std::uint64_t rows = (end - i) * per_task;
      unpack(c, d.sampling.layout, impl_->rows_of(c, static_cast<std::uint64_t>(done[i]) * per_task, rows), row,
             out.block);
      row += static_cast<std::int64_t>(rows);
      i = end;
    }
  }
  return out;
}

transition_block sweep_reader::rows_of_task(std::int64_t task, std::int64_t first, std::int64_t rows) const {
  impl_->check_range(task, task + 1);
  const sampling_settings& sampling = impl_->description.sampling;
  if (first < 0 || rows < 0 || first + rows > sampling.transitions) {
    throw internal_error("rows [" + std::to_string(first) + ", " + std::to_string(first + rows) + ") of task " +
                         std::to_string(task));
  }
  transition_block out(sampling.layout, rows);
  const auto begin = static_cast<std::uint64_t>(task * sampling.transitions + first);
  for (const column& c : impl_->table) {
    unpack(c, sampling.layout, impl_->rows_of(c, begin, static_cast<std::uint64_t>(rows)), 0, out);
  }
  return out;
}

std::vector<std::int64_t> sweep_reader::damaged_tasks(std::int64_t first_task, std::int64_t last_task) const {
  const std::vector<task_record> records = this->records(first_task, last_task);
  std::vector<std::int64_t> damaged;
  for (std::int64_t task = first_task; task < last_task; ++task) {
    if (!is_sound(task, records[static_cast<std::size_t>(task - first_task)])) {
      damaged.push_back(task);
    }
  }
  return damaged;
}

bool sweep_reader::is_sound(std::int64_t task, const task_record& record) const {
  return record.state == task_state::pending || (is_in_place(task, record) && impl_->checksum_holds(task, record));
}

bool sweep_reader::is_in_place(std::int64_t task, const task_record& record) const {
  const sweep_description& d = impl_->description;
  const auto expected_rows = record.state == task_state::done ? d.sampling.transitions : 0;
  const task_record planned = planned_record(d, task);
  return record.rows == expected_rows && record.first_row == planned.first_row && record.point == planned.point &&
         record.replicate == planned.replicate && is_known(record.state);
}

std::vector<std::int64_t> sweep_reader::damaged_tasks() const {
  return damaged_tasks(0, impl_->description.tasks());
}

void check_is_sweep_file(const std::filesystem::path& path) {
  check_format_name(open_existing(path).root(), sweep_format);
}

void check_sweep_file(const std::filesystem::path& path, const sweep_description& description) {
  const sweep_reader reader(path);
  static_cast<void>(reader.records());  // Refuses states that this version does not know.
  const std::vector<std::string> found = differences(reader.description(), description);
  if (found.empty()) {
    return;
  }
  const bool has_grown = growth_obstacles(reader.description(), description).empty();
  throw input_error(fmt::format("{} holds another sweep: {}; {}use another output, or the settings in this one",
                                path.string(), fmt::join(found, "; "),
                                has_grown ? "--extend grows it to this config and keeps what is done; or " : ""));
}

}  // namespace spikesweep
