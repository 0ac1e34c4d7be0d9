#include <system_error>
#include <utility>

#include <fmt/format.h>

#include <spikesweep/base/error.hpp>
#include <spikesweep/base/log.hpp>
#include <spikesweep/base/stopwatch.hpp>
#include <spikesweep/store/atomic_file.hpp>
#include <spikesweep/store/sweep_file.hpp>
#include <spikesweep/store/unfinished_result.hpp>

namespace spikesweep {

namespace {

/// The name of the entry that every file begins with: its bytes say what the parts are of.
constexpr std::string_view header_name = "spikesweep unfinished result 1";

}  // namespace

std::filesystem::path unfinished_file(const std::filesystem::path& output) {
  return real_output(output) += ".unfinished";
}

unfinished_result::unfinished_result(const std::filesystem::path& output, const origin& of)
    : path_(unfinished_file(output)),
      header_(fmt::format("version {}\nmade from {}\n{}", SPIKESWEEP_VERSION, of.from, of.settings)) {
  take_up();
}

unfinished_result::~unfinished_result() {
  if (unsynced_) {
    try {
      file_->sync();
    } catch (const environment_error&) {  // Nobody relies on it.
    }
  }
}

void unfinished_result::take_up() {
  std::error_code unknown;
  if (!std::filesystem::exists(path_, unknown)) {
    return;
  }
  try {
    file_.emplace(path_, entry_file::use::go_on);
  } catch (const environment_error& error) {
    throw environment_error(std::string(error.what()) + "; get the right to write it, or name another output");
  }
  const auto header = file_->at(0);
  if (!header || header->name != header_name || header->bytes != header_) {
    const bool holds_nothing = file_->is_beginning_of(header_name, header_);  // A full disk, or a kill.
    file_.reset();
    if (holds_nothing) {
      std::filesystem::remove(path_, unknown);
    } else {
      keep_aside(path_);
    }
    return;
  }
  std::uint64_t end = entry_file::bytes_of(header_name, header_.size());
  while (const auto part = file_->at(end)) {
    places_[part->name] = end;
    end += entry_file::bytes_of(part->name, part->bytes.size());
  }
  if (end < file_->bytes()) {
    log_info(
        fmt::format("{}: the last {} bytes are no whole part, and are dropped", path_.string(), file_->bytes() - end));
    file_->cut(end);
  }
}

void unfinished_result::append(std::string_view name, std::string_view bytes) {
  try {
    file_->append(name, bytes);
  } catch (const environment_error& error) {
    throw environment_error(fmt::format("{}; {} parts of the result are saved; make room, and the same command goes on",
                                        error.what(), places_.size()));
  }
  unsynced_ = true;
}

void unfinished_result::add(const std::string& part, std::string_view bytes) {
  if (has(part)) {
    throw internal_error("part '" + part + "' of " + path_.string() + " is finished already");
  }
  if (!file_) {
    file_.emplace(path_, entry_file::use::begin);
    append(header_name, header_);
  }
  const std::uint64_t begin = file_->bytes();
  append(part, bytes);
  places_[part] = begin;
  if (seconds_since(synced_) >= sweep_writer::sync_every_s) {
    file_->sync();
    unsynced_ = false;
    synced_ = steady_clock::now();
  }
}

std::string unfinished_result::read(const std::string& part) const {
  const auto found = places_.find(part);
  if (found == places_.end()) {
    throw internal_error("no part '" + part + "' in " + path_.string());
  }
  auto entry = file_->at(found->second);
  if (!entry || entry->name != part) {
    throw environment_error(path_.string() +
                            " has changed while it was in use; remove it, and start the command again");
  }
  return std::move(entry->bytes);
}

void unfinished_result::remove() {
  if (!file_) {
    return;
  }
  file_.reset();
  unsynced_ = false;
  places_.clear();
  std::error_code ignored;  // It is of no use any more, and of no harm.
  std::filesystem::remove(path_, ignored);
}

}  // namespace spikesweep
