#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include <spikesweep/store/hdf5.hpp>
#include <spikesweep/store/sweep_file.hpp>

namespace spikesweep {

/// One member of the record of a task in the file.
struct record_field {
  const char* name;
  const char* units;
  const char* description;
  std::variant<std::uint32_t task_record::*, std::uint64_t task_record::*, std::int64_t task_summary::*,
               double task_summary::*>
      member;

  hdf5::object_id memory_type() const;
  void* at(task_record& record) const;
  const void* at(const task_record& record) const { return at(const_cast<task_record&>(record)); }
  std::size_t size() const;
};

/// The members of a record in their order in the file, which is that of the checksum. The last one is the checksum
/// itself; the state is no member, since it is written after the record.
std::span<const record_field> record_table();

/// Records in the file: one compound value a task. One write instead of one a member, each of which takes 5 us.
inline constexpr const char* records_dataset = "tasks/records";
inline constexpr const char* states_dataset = "tasks/state";
/// The type of a record in the file and of pack_records().
hdf5::datatype_handle record_type();
/// Bytes of one record.
std::size_t record_size();
/// Records as they lie in the file, member after member without gaps.
std::vector<std::byte> pack_records(std::span<const task_record> records);
/// Into records, whose states are left alone.
void unpack_records(std::span<const std::byte> packed, std::span<task_record> records);

/// The record of a task that was not run.
task_record planned_record(const sweep_description& description, std::int64_t task);
/// The same of all tasks.
std::vector<task_record> planned_records(const sweep_description& description);

/// Writes the records of all tasks into a file that was created for them. Serial.
void write_records(hdf5::group& root, const std::vector<task_record>& records);

inline constexpr const char* tasks_group = "tasks";
inline constexpr const char* transitions_group = "transitions";
inline constexpr const char* provenance_group = "provenance";

/// The members that the records of one file have: those of older formats lack some, whose values are then 0. HDF5
/// itself reads and writes the members that both sides know.
class record_members {
 public:
  /// All of them.
  record_members();
  explicit record_members(const hdf5::dataset& records);
  /// Those that the checksum covers: all but itself.
  std::span<const record_field* const> hashed() const { return hashed_; }

 private:
  std::vector<const record_field*> hashed_;
};

/// The checksum of a record whose rows are given: the packed bytes of every column, in the order of columns_of().
class record_hash {
 public:
  record_hash();
  record_hash(const record_hash&) = delete;
  record_hash& operator=(const record_hash&) = delete;
  record_hash(record_hash&& other) noexcept : state_(std::exchange(other.state_, nullptr)) {}
  ~record_hash();
  void add(std::span<const std::byte> column_bytes);
  std::uint64_t finish(const task_record& record, const record_members& members = {});

 private:
  void* state_;
};

}  // namespace spikesweep
