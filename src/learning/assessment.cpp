#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <string_view>
#include <tuple>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <spikesweep/base/error.hpp>
#include <spikesweep/base/json_text.hpp>
#include <spikesweep/learning/assessment.hpp>
#include <spikesweep/network/figures.hpp>
#include <spikesweep/store/digest.hpp>

namespace spikesweep {

namespace {

using nlohmann::ordered_json;

constexpr const char* dataset_name = "assessment";
/// A digest of the text behind it, the end of a line, the text, and zeros to the end.
constexpr std::size_t room = 8192;
constexpr std::size_t digest_length = 32;

std::string digest_of(std::string_view text) {
  return digest().add(text).text();
}

std::string text_of(const assessment& found) {
  ordered_json errors = ordered_json::object();
  for (const assessment::figure_error& e : found.errors) {
    errors[e.name] = {{"median", e.median}, {"worst", e.worst}};
  }
  return json_text({{"words", found.words}, {"to_be_used", found.to_be_used}, {"errors", errors}});
}

assessment parse(std::string_view text) {
  const ordered_json object = parse_json(text);
  assessment found{object.at("words").get<std::string>(), object.at("to_be_used").get<bool>(), {}};
  for (const auto& [name, error] : object.at("errors").items()) {
    if (std::ranges::none_of(figure_table(), [&name](const figure& f) { return f.name == name; })) {
      continue;  // Of another version.
    }
    found.errors.push_back({name, error.at("median").get<double>(), error.at("worst").get<double>()});
  }
  return found;
}

}  // namespace

const assessment::figure_error* assessment::of(const std::string& figure) const {
  const auto found = std::ranges::find(errors, figure, &figure_error::name);
  return found == errors.end() ? nullptr : &*found;
}

void reserve_assessment(hdf5::file& file) {
  hdf5::group& root = file.root();
  root.write_string(dataset_name, std::string(room, '\0'),
                    {"1",
                     "what the last validation found: a checksum, then JSON with words, whether the model is to be "
                     "used, and errors of its figures at the test points; empty before"});
  file.leave_unsealed(root.open_dataset(dataset_name));
}

std::optional<assessment> read_assessment(const hdf5::group& root) {
  if (!root.has(dataset_name)) {
    return std::nullopt;
  }
  const std::string block = root.read_string(dataset_name);
  if (block.size() <= digest_length || digest_of(std::string_view(block).substr(digest_length + 1)) !=
                                           std::string_view(block).substr(0, digest_length)) {
    return std::nullopt;
  }
  try {
    return parse(std::string_view(block).substr(digest_length + 1));
  } catch (const nlohmann::json::exception&) {
    return std::nullopt;
  }
}

void write_assessment(const std::filesystem::path& model, const assessment& found) {
  std::uint64_t first = 0;
  std::uint64_t length = 0;
  {
    const hdf5::file file = hdf5::file::open(model);
    if (!file.root().has(dataset_name)) {
      return;
    }
    std::tie(first, length) = file.root().open_dataset(dataset_name).bytes();
  }
  const std::string text = text_of(found);
  std::string block = digest_of(text) + '\n' + text;
  if (block.size() >= length) {
    throw internal_error(fmt::format("an assessment of {} bytes has no room in {}", block.size(), model.string()));
  }
  block.resize(length, '\0');
  errno = 0;
  std::fstream out(model, std::ios::binary | std::ios::in | std::ios::out);
  if (!out.seekp(static_cast<std::streamoff>(first)) ||
      !out.write(block.data(), static_cast<std::streamsize>(block.size())) || !out.flush()) {
    throw environment_error("cannot write " + model.string() + ": " + std::strerror(errno));
  }
}

}  // namespace spikesweep
