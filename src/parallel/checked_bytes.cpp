#include <boost/archive/detail/archive_serializer_map.hpp>
#include <boost/archive/impl/archive_serializer_map.ipp>
#include <boost/archive/impl/basic_binary_iarchive.ipp>
#include <boost/archive/impl/basic_binary_iprimitive.ipp>

#include <spikesweep/parallel/checked_bytes.hpp>

namespace boost::archive {

// Boost has these parts of its own archives in its library; an archive of ours brings them along.
template class detail::archive_serializer_map<spikesweep::checked_archive>;
template class basic_binary_iprimitive<spikesweep::checked_archive, char, std::char_traits<char>>;
template class basic_binary_iarchive<spikesweep::checked_archive>;
template class binary_iarchive_impl<spikesweep::checked_archive, char, std::char_traits<char>>;

}  // namespace boost::archive

namespace spikesweep {

void checked_archive::check_length(std::size_t count) {
  const std::streamsize left = m_sb.in_avail();
  if (left < 0 ? count > 0 : count > static_cast<std::size_t>(left)) {
    throw boost::archive::archive_exception(boost::archive::archive_exception::input_stream_error);
  }
}

}  // namespace spikesweep
