#pragma once

#include <sstream>
#include <string>
#include <utility>

#include <boost/archive/binary_iarchive.hpp>
#include <boost/archive/binary_oarchive.hpp>
#include <boost/iostreams/device/array.hpp>
#include <boost/iostreams/stream.hpp>
#include <boost/serialization/array.hpp>
#include <boost/serialization/deque.hpp>
#include <boost/serialization/vector.hpp>

#include <spikesweep/base/error.hpp>

// The state of a task in the middle of its work, as bytes. The bytes are the machine's own, and go back into the
// program that wrote them.
namespace spikesweep {

/// The bytes that `put(archive)` writes.
template <class Put>
std::string progress_bytes(const Put& put) {
  std::ostringstream text;
  boost::archive::binary_oarchive archive(text, boost::archive::no_header);
  put(archive);
  return std::move(text).str();
}

/// Lets `take(archive)` read what one call of progress_bytes() wrote, where it is: the bytes of a task's rows may be
/// hundreds of megabytes. Throws internal_error if it is something else.
template <class Take>
void read_progress(const std::string& bytes, const Take& take) {
  try {
    boost::iostreams::stream<boost::iostreams::array_source> text(bytes.data(), bytes.size());
    boost::archive::binary_iarchive archive(text, boost::archive::no_header);
    take(archive);
  } catch (const boost::archive::archive_exception& error) {
    throw internal_error(std::string("a task cannot go on from where it was saved: ") + error.what());
  }
}

}  // namespace spikesweep
