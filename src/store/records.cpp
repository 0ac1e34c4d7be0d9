#include "records.hpp"

#include <array>
#include <cstddef>
#include <cstring>
#include <new>
#include <string>

#include <xxhash.h>

#include <spikesweep/base/error.hpp>

#include "hdf5_detail.hpp"

namespace spikesweep {

namespace {

using record = task_record;
using summary = task_summary;

const std::array<record_field, 14> fields{{
    {"point", "1", "point of the task: row of /design/points", &record::point},
    {"replicate", "1", "replicate of the task", &record::replicate},
    {"first_row", "1", "first of the task's rows in /transitions", &record::first_row},
    {"rows", "1", "rows in use; 0 if the task failed", &record::rows},
    {"simulated_s", "s", "length of the trajectory behind the transitions", &summary::simulated_s},
    {"spikes_E", "spikes", "E spikes of the trajectory", &summary::spikes_E},
    {"spikes_I", "spikes", "I spikes of the trajectory", &summary::spikes_I},
    {"phases", "1", "phases that are not quiet", &summary::phases},
    {"capped", "1", "of these, ended by their cap", &summary::capped},
    {"empty", "1", "phases of any kind without a spike", &summary::empty},
    {"grown", "1", "MFEs that grew", &summary::grown},
    {"events", "1", "network events simulated, burn-in and excursions included", &summary::events},
    {"left_out", "1", "excursions that ran away, whose last phase is left out", &summary::left_out},
    {"checksum", "1", "XXH3-64 of the task's rows, its figures, its state and the other members", &record::checksum},
}};

}  // namespace

std::span<const record_field> record_table() {
  return fields;
}

task_record planned_record(const sweep_description& description, std::int64_t task) {
  const task_identity identity = description.identity(task);
  task_record record;
  record.point = identity.point;
  record.replicate = identity.replicate;
  record.first_row = static_cast<std::uint64_t>(task * description.sampling.transitions);
  return record;
}

std::vector<task_record> planned_records(const sweep_description& description) {
  std::vector<task_record> records;
  for (std::int64_t task = 0; task < description.tasks(); ++task) {
    records.push_back(planned_record(description, task));
  }
  return records;
}

hdf5::datatype_handle record_type() {
  hdf5::datatype_handle type(H5Tcreate(H5T_COMPOUND, record_size()));
  std::size_t offset = 0;
  for (const record_field& field : record_table()) {
    if (H5Tinsert(type.id(), field.name, offset, hdf5::file_type(field.memory_type())) < 0) {
      throw internal_error(std::string("HDF5 makes no member ") + field.name);
    }
    offset += field.size();
  }
  return type;
}

std::size_t record_size() {
  std::size_t size = 0;
  for (const record_field& field : record_table()) {
    size += field.size();
  }
  return size;
}

std::vector<std::byte> pack_records(std::span<const task_record> records) {
  std::vector<std::byte> packed(records.size() * record_size());
  std::byte* to = packed.data();
  for (const task_record& record : records) {
    for (const record_field& field : record_table()) {
      std::memcpy(to, field.at(record), field.size());
      to += field.size();
    }
  }
  return packed;
}

void unpack_records(std::span<const std::byte> packed, std::span<task_record> records) {
  if (packed.size() != records.size() * record_size()) {
    throw internal_error(std::to_string(packed.size()) + " bytes are not " + std::to_string(records.size()) +
                         " records");
  }
  const std::byte* from = packed.data();
  for (task_record& record : records) {
    for (const record_field& field : record_table()) {
      std::memcpy(field.at(record), from, field.size());
      from += field.size();
    }
  }
}

void write_records(hdf5::group& root, const std::vector<task_record>& records) {
  std::vector<std::uint8_t> states;
  for (const task_record& record : records) {
    states.push_back(static_cast<std::uint8_t>(record.state));
  }
  root.open_dataset(records_dataset).write_all(record_type().id(), pack_records(records).data());
  root.open_dataset(states_dataset).write_all(hdf5::memory_type<std::uint8_t>(), states.data());
}

hdf5::object_id record_field::memory_type() const {
  return std::visit([]<class T, class C>(T C::*) { return hdf5::memory_type<T>(); }, member);
}

std::size_t record_field::size() const {
  return std::visit([]<class T, class C>(T C::*) { return sizeof(T); }, member);
}

void* record_field::at(task_record& r) const {
  return std::visit(
      [&r]<class T, class C>(T C::*field) -> void* {
        if constexpr (std::same_as<C, task_record>) {
          return &(r.*field);
        } else {
          return &(r.summary.*field);
        }
      },
      member);
}

record_members::record_members() {
  for (const record_field& field : record_table().first(record_table().size() - 1)) {
    hashed_.push_back(&field);
  }
}

record_members::record_members(const hdf5::dataset& records) : record_members() {
  const hdf5::datatype_handle type(H5Dget_type(records.id()));
  std::erase_if(hashed_, [&](const record_field* field) { return H5Tget_member_index(type.id(), field->name) < 0; });
  H5Eclear2(H5E_DEFAULT);
}

record_hash::record_hash() : state_(XXH3_createState()) {
  if (state_ == nullptr) {
    throw std::bad_alloc();
  }
  XXH3_64bits_reset(static_cast<XXH3_state_t*>(state_));
}

record_hash::~record_hash() {
  XXH3_freeState(static_cast<XXH3_state_t*>(state_));
}

void record_hash::add(std::span<const std::byte> bytes) {
  XXH3_64bits_update(static_cast<XXH3_state_t*>(state_), bytes.data(), bytes.size());
}

std::uint64_t record_hash::finish(const task_record& r, const record_members& members) {
  auto* state = static_cast<XXH3_state_t*>(state_);
  XXH3_64bits_update(state, &r.state, sizeof r.state);
  for (const record_field* field : members.hashed()) {
    XXH3_64bits_update(state, field->at(r), field->size());
  }
  return XXH3_64bits_digest(state);
}

}  // namespace spikesweep
