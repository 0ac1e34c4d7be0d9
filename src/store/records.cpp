#include "records.hpp"

#include <array>
#include <cstddef>
#include <cstring>
#include <new>
#include <string>

#include <xxhash.h>

#include <spikesweep/base/error.hpp>

namespace spikesweep {

namespace {

using record = task_record;
using summary = task_summary;

const std::array<record_field, 12> fields{{
    {"point", "1", "point of the task: row of /design/points", &record::point, true},
    {"replicate", "1", "replicate of the task", &record::replicate, true},
    {"first_row", "1", "first of the task's rows in /transitions", &record::first_row, true},
    {"rows", "1", "rows in use; 0 if the task failed", &record::rows},
    {"simulated_s", "s", "length of the trajectory behind the transitions", &summary::simulated_s},
    {"spikes_E", "spikes", "E spikes of the trajectory", &summary::spikes_E},
    {"spikes_I", "spikes", "I spikes of the trajectory", &summary::spikes_I},
    {"phases", "1", "phases that are not quiet", &summary::phases},
    {"capped", "1", "of these, ended by their cap", &summary::capped},
    {"empty", "1", "phases of any kind without a spike", &summary::empty},
    {"grown", "1", "MFEs that grew", &summary::grown},
    {"events", "1", "network events simulated, burn-in and excursions included", &summary::events},
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

void write_records(hdf5::group& root, const std::vector<task_record>& records) {
  const std::string group = std::string(tasks_group) + '/';
  for (const record_field& field : record_table()) {
    std::vector<std::byte> numbers(records.size() * field.size());
    for (std::size_t t = 0; t < records.size(); ++t) {
      std::memcpy(numbers.data() + t * field.size(), field.at(records[t]), field.size());
    }
    root.open_dataset(group + field.name).write_all(field.memory_type(), numbers.data());
  }
  std::vector<std::uint64_t> checksums;
  std::vector<std::uint8_t> states;
  for (const task_record& record : records) {
    checksums.push_back(record.checksum);
    states.push_back(static_cast<std::uint8_t>(record.state));
  }
  root.open_dataset(group + "checksum").write_all(hdf5::memory_type<std::uint64_t>(), checksums.data());
  root.open_dataset(group + "state").write_all(hdf5::memory_type<std::uint8_t>(), states.data());
}

hid_t record_field::memory_type() const {
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

std::uint64_t record_hash::finish(const task_record& r) {
  auto* state = static_cast<XXH3_state_t*>(state_);
  XXH3_64bits_update(state, &r.state, sizeof r.state);
  for (const record_field& field : record_table()) {
    XXH3_64bits_update(state, field.at(r), field.size());
  }
  return XXH3_64bits_digest(state);
}

}  // namespace spikesweep
