#pragma once

#include <concepts>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include <spikesweep/base/error.hpp>

/// Tables of settings: one row a setting, beside the struct that holds it. Config keys with their help and ranges,
/// the datasets in files, and the comparison of a file with a config all come from the row. A new setting costs a
/// member and a row.
///
///     constexpr std::array rows{
///         number_setting<&box::length>("length", {0, 10}, "mm", "length of the box"),
///         choice_setting<&box::paint, colour::red, colour::green>("paint", "colour of the box").absent_means("red"),
///     };
namespace spikesweep {

/// Allowed range of a number, both ends included.
struct setting_range {
  double minimum;
  double maximum;
};

/// Whole numbers up to 2^53 are exact in a double, and so in JSON and in Python's floats.
inline constexpr double largest_whole = 9007199254740992.0;
inline constexpr setting_range any_seed{0, largest_whole};

/// What kind of value a setting takes.
enum class setting_type { flag, whole, number, word };

/// A value of a setting. A word refers to text that lives as long as the program.
using setting_value = std::variant<bool, std::int64_t, double, std::string_view>;

/// As people write it; doubles as the shortest text that reads back to the same bits.
std::string to_text(const setting_value& value);

/// A setting without the struct that it belongs to.
struct setting_info {
  std::string_view key;  ///< Its name in the config, without the section, and in files.
  setting_type type = setting_type::number;
  int bytes = 0;          ///< Size of the member: a whole number is stored with this size.
  std::string_view unit;  ///< "1" if dimensionless, and of flags and words.
  setting_range range{};  ///< Of numbers.
  std::string_view description;
  std::vector<std::string_view> (*words)() = nullptr;  ///< The allowed words; null unless the type is word.
  /// The value that was in force when a file without this setting was written; nothing: every file has it.
  std::optional<setting_value> absent = {};
};

/// One row: a setting of the struct S.
template <class S>
struct setting : setting_info {
  setting_value (*get)(const S&);
  /// Takes a value of the right type. Ranges are the config's business; a word that is not allowed throws input_error.
  void (*set)(S&, const setting_value&);

  /// The row of a setting that older files lack: for them it has this value.
  constexpr setting absent_means(setting_value value) const {
    setting row = *this;
    row.absent = value;
    return row;
  }
};

namespace settings_detail {

template <class Member>
struct member_traits;
template <class S, class T>
struct member_traits<T S::*> {
  using owner = S;
};
template <auto Member>
using owner_of = typename member_traits<decltype(Member)>::owner;

/// values.*first.*second...
template <auto... Path>
auto& at(auto& values) {
  return (values.*....*Path);
}

template <class S, auto... Path>
setting_value get(const S& values) {
  using T = std::remove_cvref_t<decltype(at<Path...>(values))>;
  if constexpr (std::same_as<T, bool> || std::floating_point<T>) {
    return at<Path...>(values);
  } else {
    return static_cast<std::int64_t>(at<Path...>(values));
  }
}

template <class S, auto... Path>
void set(S& values, const setting_value& value) {
  auto& target = at<Path...>(values);
  using T = std::remove_cvref_t<decltype(target)>;
  if constexpr (std::same_as<T, bool> || std::floating_point<T>) {
    target = std::get<T>(value);
  } else {
    target = static_cast<T>(std::get<std::int64_t>(value));
  }
}

template <auto First, auto... Rest>
constexpr auto row(setting_type type, std::string_view key, setting_range range, std::string_view unit,
                   std::string_view description) {
  using S = owner_of<First>;
  using T = std::remove_cvref_t<decltype(at<First, Rest...>(std::declval<S&>()))>;
  return setting<S>{{key, type, sizeof(T), unit, range, description}, get<S, First, Rest...>, set<S, First, Rest...>};
}

}  // namespace settings_detail

/// Rows of a number, a whole number and a flag. `Path` is a pointer to a member of the struct, or several that lead to
/// a member of a member.
template <auto... Path>
constexpr auto number_setting(std::string_view key, setting_range range, std::string_view unit,
                              std::string_view description) {
  return settings_detail::row<Path...>(setting_type::number, key, range, unit, description);
}
template <auto... Path>
constexpr auto whole_setting(std::string_view key, setting_range range, std::string_view unit,
                             std::string_view description) {
  return settings_detail::row<Path...>(setting_type::whole, key, range, unit, description);
}
template <auto... Path>
constexpr auto flag_setting(std::string_view key, std::string_view description) {
  return settings_detail::row<Path...>(setting_type::flag, key, {}, "1", description);
}

/// The row of a choice between the values of an enumeration, which are written as name_of() calls them.
template <auto Member, auto... Values>
constexpr auto choice_setting(std::string_view key, std::string_view description) {
  using S = settings_detail::owner_of<Member>;
  setting<S> row{{key, setting_type::word, 0, "1", {}, description}, nullptr, nullptr};
  row.words = +[] { return std::vector<std::string_view>{name_of(Values)...}; };
  row.get = +[](const S& values) { return setting_value(std::string_view(name_of(values.*Member))); };
  row.set = +[](S& values, const setting_value& value) {
    const auto word = std::get<std::string_view>(value);
    const bool known = ((name_of(Values) == word && (values.*Member = Values, true)) || ...);
    if (!known) {
      throw input_error("'" + std::string(word) + "' is unknown");
    }
  };
  return row;
}

}  // namespace spikesweep
