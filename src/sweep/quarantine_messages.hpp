#pragma once

#include <algorithm>
#include <concepts>
#include <cstdint>
#include <sstream>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include <boost/archive/binary_iarchive.hpp>
#include <boost/archive/binary_oarchive.hpp>
#include <boost/serialization/array_wrapper.hpp>
#include <boost/serialization/binary_object.hpp>
#include <boost/serialization/split_free.hpp>
#include <boost/serialization/string.hpp>
#include <boost/serialization/vector.hpp>

#include <spikesweep/sweep/quarantine.hpp>

/// How requests and results pass between two processes of the same program: types that are plain bytes go as bytes.
namespace spikesweep {

/// What the process of a quarantine says.
struct quarantine_message {
  enum kind_type : char {
    alive,  ///< The simulator polls.
    begun,  ///< The task is in hand from now on.
    ended   ///< The task ended with this result.
  };
  kind_type kind = alive;
  std::int64_t task = 0;
  task_result result;
};

}  // namespace spikesweep

namespace boost::serialization {

template <class Archive, class Plain>
void plain_bytes(Archive& archive, Plain& value) {
  static_assert(std::is_trivially_copyable_v<Plain>);
  auto bytes = make_binary_object(&value, sizeof value);
  archive& bytes;
}

template <class Archive>
void serialize(Archive& archive, spikesweep::network_task& task, unsigned) {
  archive& task.network& task.label;  // It begins: it is not known how far it came.
  plain_bytes(archive, task.identity);
}

template <class Archive>
void save(Archive& archive, const spikesweep::sampling_settings& settings, unsigned) {
  for (const auto& row : spikesweep::sampling_table()) {
    std::visit(
        [&]<class T>(const T& value) {
          if constexpr (std::same_as<T, std::string_view>) {
            archive << std::string(value);
          } else {
            archive << value;
          }
        },
        row.get(settings));
  }
  plain_bytes(archive, settings.layout);
  plain_bytes(archive, settings.simulation);
  const std::size_t ranges = settings.swept.size();
  archive << ranges;
  for (const spikesweep::swept_range& range : settings.swept) {
    archive << std::string(range.parameter->name) << range.minimum << range.maximum;
  }
}

template <class Archive>
void load(Archive& archive, spikesweep::sampling_settings& settings, unsigned) {
  for (const auto& row : spikesweep::sampling_table()) {
    std::visit(
        [&]<class T>(const T&) {
          std::conditional_t<std::same_as<T, std::string_view>, std::string, T> value{};
          archive >> value;
          row.set(settings, T(value));
        },
        row.get(settings));
  }
  plain_bytes(archive, settings.layout);
  plain_bytes(archive, settings.simulation);
  std::size_t ranges = 0;
  archive >> ranges;
  for (std::size_t i = 0; i < ranges; ++i) {
    std::string name;
    spikesweep::swept_range range{};
    archive >> name >> range.minimum >> range.maximum;
    range.parameter = &spikesweep::find_parameter(name);
    settings.swept.push_back(range);
  }
}

template <class Archive>
void serialize(Archive& archive, spikesweep::sampling_settings& settings, unsigned version) {
  split_free(archive, settings, version);
}

template <class Archive>
void serialize(Archive& archive, spikesweep::quarantine_request& request, unsigned) {
  plain_bytes(archive, request.section);
  archive& request.sampling& request.tasks;
}

template <class Archive>
void serialize(Archive& archive, spikesweep::count_matrix& matrix, unsigned) {
  Eigen::Index rows = matrix.rows();
  Eigen::Index columns = matrix.cols();
  archive& rows& columns;
  matrix.resize(rows, columns);
  archive& make_array(matrix.data(), static_cast<std::size_t>(matrix.size()));
}

template <class Archive>
void serialize(Archive& archive, spikesweep::task_result& result, unsigned) {
  auto& block = result.block;
  archive& result.state& block.before& block.after& block.spikes& block.spike_times_E& block.spike_times_I;
  archive& block.duration& block.phase& block.perturbed& block.capped& result.summary& result.figures;
}

template <class Archive>
void serialize(Archive& archive, spikesweep::quarantine_message& message, unsigned) {
  archive& message.kind& message.task& message.result;
}

}  // namespace boost::serialization

namespace spikesweep {

template <class Message>
std::string packed(const Message& message) {
  std::ostringstream text;
  boost::archive::binary_oarchive(text, boost::archive::no_header) << message;
  return std::move(text).str();
}

template <class Message>
Message unpacked(std::string bytes) {
  std::istringstream text(std::move(bytes));
  Message message;
  boost::archive::binary_iarchive(text, boost::archive::no_header) >> message;
  return message;
}

}  // namespace spikesweep
