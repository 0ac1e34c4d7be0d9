#pragma once

#include <concepts>
#include <cstdint>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

namespace spikesweep {

/// JSON text of one value. Doubles are the shortest text that reads back to the same bits; non-finite ones are null.
std::string json_text(double value);
std::string json_text(std::string_view value);
std::string json_text(bool value);
template <std::integral T>
requires(!std::same_as<T, bool>) std::string json_text(T value) {
  return std::to_string(value);
}
inline std::string json_text(const char* value) {
  return json_text(std::string_view(value));
}

/// One JSON object, keys in the order in which they were added.
class json_object {
 public:
  template <class T>
  json_object& add(std::string_view key, const T& value) {
    append(key, json_text(value));
    return *this;
  }
  template <class T>
  json_object& add(std::string_view key, const std::vector<T>& values) {
    std::string list;
    for (const T& value : values) {
      list += (list.empty() ? "" : ", ") + json_text(value);
    }
    append(key, "[" + list + "]");
    return *this;
  }

  /// The object, on one line.
  std::string text() const { return "{" + members_ + "}"; }

 private:
  void append(std::string_view key, const std::string& value);

  std::string members_;
};

inline std::string json_text(const json_object& object) {
  return object.text();
}

}  // namespace spikesweep
