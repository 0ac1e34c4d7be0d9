#include <cerrno>
#include <chrono>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <thread>
#include <vector>

#include <fcntl.h>
#include <unistd.h>

#include <fmt/format.h>

#include <spikesweep/base/error.hpp>
#include <spikesweep/base/stopwatch.hpp>
#include <spikesweep/base/token.hpp>
#include <spikesweep/parallel/collective.hpp>
#include <spikesweep/parallel/launch.hpp>
#include <spikesweep/store/atomic_file.hpp>
#include <spikesweep/store/shared_files.hpp>
#include <spikesweep/store/text_file.hpp>

namespace spikesweep {

namespace {

/// How long the caches of a network file system may hide a new file.
constexpr std::chrono::seconds hidden_at_most{10};
constexpr std::chrono::milliseconds between_looks{50};

/// A small file beside another one, with a text that nobody can know before. Removed at the end.
class token {
 public:
  explicit token(const std::filesystem::path& beside) : text_(new_token()) {
    name_ = ".spikesweep-" + text_;
    path_ = directory_of(beside) / name_;
    const int descriptor = ::open(path_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    const bool written =
        descriptor >= 0 && ::write(descriptor, text_.data(), text_.size()) == static_cast<ssize_t>(text_.size());
    const int error = errno;
    if (descriptor >= 0) {
      ::close(descriptor);
    }
    if (!written) {
      remove();
      throw environment_error("cannot write " + path_.string() + ": " + std::strerror(error));
    }
  }
  token(const token&) = delete;
  token& operator=(const token&) = delete;
  ~token() { remove(); }

  const std::string& name() const { return name_; }
  const std::string& text() const { return text_; }

  static std::filesystem::path directory_of(const std::filesystem::path& file) {
    return std::filesystem::absolute(real_output(file)).parent_path();
  }

 private:
  void remove() const {
    std::error_code none;
    std::filesystem::remove(path_, none);
  }

  std::string name_;
  std::string text_;
  std::filesystem::path path_;
};

/// What rank 0 tells the others of its token.
struct token_words {
  std::string host;
  std::string name;
  std::string text;

  template <class Archive>
  void serialize(Archive& archive, unsigned /*version*/) {
    archive& host& name& text;
  }
};

void check_seen(const token_words& of_root, const std::filesystem::path& file) {
  const std::filesystem::path directory = token::directory_of(file);
  const auto begin = steady_clock::now();
  while (find_text(directory / of_root.name) != of_root.text) {
    if (steady_clock::now() - begin > hidden_at_most) {
      throw environment_error(
          fmt::format("this node does not see {} as node {} does: all nodes have to share the directory of the output; "
                      "name one on a file system that they share",
                      directory.string(), of_root.host));
    }
    std::this_thread::sleep_for(between_looks);
  }
  const int descriptor = ::open(file.c_str(), O_RDWR | O_CLOEXEC);
  if (descriptor < 0) {
    throw environment_error(fmt::format("this node cannot write {}, and node {} can: {}", file.string(), of_root.host,
                                        std::strerror(errno)));
  }
  ::close(descriptor);
}

/// Whether Open MPI may have named a file so, beside one of this name.
bool is_leftover(std::string_view name, std::string_view of) {
  if (!name.starts_with(of)) {
    return false;
  }
  name.remove_prefix(of.size());
  for (const std::string_view kind : {".data.", ".metadata."}) {
    if (name.starts_with(kind)) {
      name.remove_prefix(kind.size());
      return !name.empty() && name.find_first_not_of("0123456789") == std::string_view::npos;
    }
  }
  return false;
}

}  // namespace

void remove_leftovers(const std::filesystem::path& file) {
  std::error_code none;
  const std::string of = file.filename().string();
  std::vector<std::filesystem::path> found;
  const std::filesystem::directory_iterator end;
  for (std::filesystem::directory_iterator it(token::directory_of(file), none); !none && it != end;
       it.increment(none)) {
    if (is_leftover(it->path().filename().string(), of)) {
      found.push_back(it->path());
    }
  }
  for (const std::filesystem::path& path : found) {
    if (std::filesystem::is_regular_file(path, none) && std::filesystem::file_size(path, none) == 0) {
      std::filesystem::remove(path, none);
    }
  }
}

void check_shared(const communicator& ranks, const std::filesystem::path& file) {
  if (ranks.size() == 1) {
    return;
  }
  std::optional<token> made;
  const token_words words = on_root(ranks, [&] {
    made.emplace(file);
    return token_words{host_name(), made->name(), made->text()};
  });
  on_every_rank(ranks, [&] { check_seen(words, file); });
}

void check_same_contents(const communicator& ranks, const std::filesystem::path& file, const std::string& contents) {
  check_same_words(ranks, {contents}, "other contents in " + file.string(),
                   "use a file system that all nodes share, or give every node the same copy");
}

}  // namespace spikesweep
