#pragma once

#include <optional>
#include <sstream>
#include <string>
#include <utility>

#include <boost/archive/archive_exception.hpp>
#include <boost/archive/binary_iarchive_impl.hpp>
#include <boost/serialization/array_optimization.hpp>
#include <boost/serialization/collection_size_type.hpp>
#include <boost/serialization/string.hpp>
#include <boost/serialization/vector.hpp>

namespace spikesweep {

/// Reads what to_bytes() wrote, from a file that may hold anything: no length is believed that is longer than what is
/// left to read. Everything else is Boost's own.
class checked_archive : public boost::archive::binary_iarchive_impl<checked_archive, char, std::char_traits<char>> {
  using base = boost::archive::binary_iarchive_impl<checked_archive, char, std::char_traits<char>>;
  using primitives = boost::archive::basic_binary_iprimitive<checked_archive, char, std::char_traits<char>>;
  friend class boost::archive::detail::interface_iarchive<checked_archive>;
  friend class boost::archive::basic_binary_iarchive<checked_archive>;
  friend class boost::archive::load_access;

 public:
  explicit checked_archive(std::istream& stream) : base(stream, boost::archive::no_header) {}

  using primitives::load;
  void load(std::string& text) {
    std::size_t bytes = 0;
    load(bytes);
    check_length(bytes);
    text.resize(bytes);
    load_binary(text.data(), bytes);
  }
  template <class T>
  void load_override(T& value) {
    base::load_override(value);
  }
  void load_override(boost::serialization::collection_size_type& count) {
    base::load_override(count);
    check_length(count);
  }

 private:
  /// Every element takes a byte at least.
  void check_length(std::size_t count);
};

}  // namespace spikesweep

BOOST_SERIALIZATION_USE_ARRAY_OPTIMIZATION(spikesweep::checked_archive)

namespace spikesweep {

/// The value of what to_bytes() made; nothing if the bytes are not those of such a value.
template <class Value>
std::optional<Value> value_in(std::string bytes) {
  std::istringstream stream(std::move(bytes));
  try {
    Value value{};
    checked_archive(stream) >> value;
    return stream.peek() == std::istringstream::traits_type::eof() ? std::optional(std::move(value)) : std::nullopt;
  } catch (const boost::archive::archive_exception&) {
    return std::nullopt;
  }
}

}  // namespace spikesweep
