#pragma once

#include <sstream>
#include <string>
#include <utility>

#include <boost/archive/binary_iarchive.hpp>
#include <boost/archive/binary_oarchive.hpp>
#include <boost/serialization/string.hpp>
#include <boost/serialization/vector.hpp>

namespace spikesweep {

/// The bytes of a value, whose type Boost.Serialization has to know. Only the same version of the program, on the same
/// kind of machine, reads them.
template <class Value>
std::string to_bytes(const Value& value) {
  std::ostringstream stream;
  boost::archive::binary_oarchive(stream, boost::archive::no_header) << value;
  return std::move(stream).str();
}

/// The value of what to_bytes() made.
template <class Value>
Value from_bytes(std::string bytes) {
  std::istringstream stream(std::move(bytes));
  Value value{};
  boost::archive::binary_iarchive(stream, boost::archive::no_header) >> value;
  return value;
}

}  // namespace spikesweep
