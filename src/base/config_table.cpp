#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include <spikesweep/base/config_table.hpp>
#include <spikesweep/base/error.hpp>
#include <spikesweep/base/nearest.hpp>

namespace spikesweep {

namespace {

/// A bound as people write it: whole numbers in full.
std::string bound_text(double bound) {
  return bound == std::floor(bound) && std::abs(bound) <= largest_whole ? fmt::format("{:.0f}", bound)
                                                                        : fmt::format("{}", bound);
}

/// Long enough to recognise a value, short enough for one line.
std::string shortened(std::string text) {
  constexpr std::size_t longest = 80;
  std::replace_if(
      text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) < 0x20; }, ' ');
  return text.size() <= longest ? text : text.substr(0, longest - 3) + "...";
}

std::string type_name(const config_entry& entry) {
  switch (entry.type) {
    case config_type::flag:
      return "true or false";
    case config_type::whole:
      return "a whole number";
    case config_type::number:
      return "a number";
    case config_type::choice:
      return "a word";
    case config_type::axis:
      return "a list of numbers or a table of min and max";
    case config_type::points:
      return "a list of tables of values";
    case config_type::file:
      return "the name of a file";
  }
  throw internal_error("unknown type of a configuration key");
}

/// A number as the entry's own type, or nothing if the value is no number.
std::optional<double> as_number(const config_value& value) {
  if (const auto* whole = std::get_if<std::int64_t>(&value)) {
    return static_cast<double>(*whole);
  }
  if (const auto* number = std::get_if<double>(&value)) {
    return *number;
  }
  return std::nullopt;
}

/// Converts a value to the type that the entry's setter takes. Throws input_error with the reason alone.
config_value converted(const config_entry& entry, const config_value& value) {
  const auto wrong_type = [&] { return input_error("is not " + type_name(entry)); };
  switch (entry.type) {
    case config_type::flag:
      if (!std::holds_alternative<bool>(value)) {
        throw wrong_type();
      }
      return value;
    case config_type::file:
      if (!std::holds_alternative<std::string>(value)) {
        throw wrong_type();
      }
      return value;
    case config_type::choice: {
      const auto* word = std::get_if<std::string>(&value);
      if (word == nullptr) {
        throw wrong_type();
      }
      if (std::find(entry.choices.begin(), entry.choices.end(), *word) == entry.choices.end()) {
        const std::string near = nearest_name(*word, entry.choices);
        throw input_error("is unknown" + (near.empty() ? "" : "; did you mean '" + near + "'?"));
      }
      return value;
    }
    case config_type::axis:
      if (!std::holds_alternative<std::vector<double>>(value) &&
          !std::holds_alternative<std::map<std::string, double>>(value)) {
        throw wrong_type();
      }
      return value;
    case config_type::points: {
      using tables = std::vector<std::map<std::string, double>>;
      if (const auto* list = std::get_if<std::vector<double>>(&value); list != nullptr && list->empty()) {
        return tables();  // What an empty list is a list of cannot be seen.
      }
      if (!std::holds_alternative<tables>(value)) {
        throw wrong_type();
      }
      return value;
    }
    case config_type::whole:
    case config_type::number:
      break;
  }
  const std::optional<double> number = as_number(value);
  if (!number) {
    throw wrong_type();
  }
  if (!std::isfinite(*number)) {
    throw input_error("is not finite");
  }
  if (entry.type == config_type::whole && *number != std::floor(*number)) {
    throw input_error("is not a whole number");
  }
  if (*number < entry.minimum || *number > entry.maximum) {
    throw input_error("is out of range");
  }
  if (entry.type == config_type::whole) {
    // A whole number beyond 2^53 is a double of another value.
    const auto* exact = std::get_if<std::int64_t>(&value);
    if (exact != nullptr && *exact > static_cast<std::int64_t>(entry.maximum)) {
      throw input_error("is out of range");
    }
    return exact != nullptr ? *exact : static_cast<std::int64_t>(*number);
  }
  return *number;
}

}  // namespace

std::string to_text(const config_value& value) {
  struct {
    std::string operator()(bool flag) const { return flag ? "true" : "false"; }
    std::string operator()(std::int64_t whole) const { return fmt::format("{}", whole); }
    std::string operator()(double number) const { return fmt::format("{}", number); }
    std::string operator()(const std::string& word) const { return fmt::format("\"{}\"", word); }
    std::string operator()(const std::vector<double>& list) const { return fmt::format("[{}]", fmt::join(list, ", ")); }
    std::string operator()(const std::map<std::string, double>& table) const {
      std::string text;
      for (const auto& [key, number] : table) {
        text += fmt::format("{}{} = {}", text.empty() ? "" : ", ", key, number);
      }
      return "{" + text + "}";
    }
    std::string operator()(const std::vector<std::map<std::string, double>>& tables) const {
      std::string text;
      for (const auto& table : tables) {
        text += (text.empty() ? "" : ", ") + (*this)(table);
      }
      return "[" + text + "]";
    }
  } const text;
  return std::visit(text, value);
}

std::string config_place::text() const {
  return line > 0 ? fmt::format("{}:{}", source, line) : source;
}

std::string config_entry::allowed() const {
  switch (type) {
    case config_type::flag:
      return "true, false";
    case config_type::choice:
      return fmt::format("{}", fmt::join(choices, ", "));
    case config_type::axis:
      return fmt::format("[v, v, ...], {{min, max}} or {{min, max, steps}} within {} to {}{}", bound_text(minimum),
                         bound_text(maximum), unit == "1" ? "" : " " + unit);
    case config_type::points:
      return "[{PARAMETER = v, ...}, ...] with every axis in each, within the axes' ranges";
    case config_type::file:
      return "the name of a file";
    case config_type::whole:
    case config_type::number:
      break;
  }
  return fmt::format("{}{} to {}{}", type == config_type::whole ? "whole numbers " : "", bound_text(minimum),
                     bound_text(maximum), unit == "1" ? "" : " " + unit);
}

void config_table::add(config_entry entry) {
  if (find(entry.key) != nullptr) {
    throw internal_error("configuration key '" + entry.key + "' is defined twice");
  }
  entries_.push_back(std::move(entry));
}

const config_entry* config_table::find(std::string_view key) const {
  const auto found =
      std::find_if(entries_.begin(), entries_.end(), [key](const config_entry& entry) { return entry.key == key; });
  return found == entries_.end() ? nullptr : &*found;
}

void config_table::set(const std::string& key, const config_value& value, const config_place& place) {
  const config_entry* entry = find(key);
  if (entry == nullptr) {
    refuse_unknown(key, place);
  }
  try {
    entry->set(converted(*entry, value));
  } catch (const input_error& reason) {
    throw input_error(fmt::format("{}: key '{}' = {} {}; allowed: {}", place.text(), key, shortened(to_text(value)),
                                  reason.what(), entry->allowed()));
  }
  places_[key] = place;
}

std::optional<config_place> config_table::place_of(const std::string& key) const {
  const auto found = places_.find(key);
  return found == places_.end() ? std::nullopt : std::optional(found->second);
}

void config_table::refuse(const std::string& key, const std::string& reason, const std::string& source) const {
  const config_entry* entry = find(key);
  if (entry == nullptr) {
    throw internal_error("no configuration key '" + key + "' to refuse");
  }
  const std::optional<config_value> value = entry->get();
  throw input_error(fmt::format("{}: key '{}'{} {}", place_of(key).value_or(config_place{source, 0}).text(), key,
                                value ? " = " + shortened(to_text(*value)) : "", reason));
}

void config_table::refuse_unknown(const std::string& key, const config_place& place) const {
  const auto last_part = [](std::string_view name) { return name.substr(name.rfind('.') + 1); };
  const auto beginning = [](std::string_view name) { return name.substr(0, name.rfind('.') + 1); };
  std::vector<std::string> keys, siblings, last_parts;
  std::string near;
  for (const config_entry& entry : entries_) {
    keys.push_back(entry.key);
    last_parts.emplace_back(last_part(entry.key));
    if (beginning(entry.key) == beginning(key)) {
      siblings.push_back(entry.key);
    }
    // A key in the wrong section, or without one.
    if (near.empty() && last_part(entry.key) == last_part(key)) {
      near = entry.key;
    }
  }
  if (near.empty()) {
    near = nearest_name(key, siblings);
  }
  if (near.empty()) {
    near = nearest_name(key, keys);
  }
  if (near.empty()) {
    const std::string part = nearest_name(last_part(key), last_parts);
    const auto found = std::find(last_parts.begin(), last_parts.end(), part);
    near = found == last_parts.end() ? "" : keys[static_cast<std::size_t>(found - last_parts.begin())];
  }
  throw input_error(fmt::format("{}: unknown key '{}'; {}", place.text(), shortened(key),
                                near.empty() ? "configs/README.md lists every key" : "did you mean '" + near + "'?"));
}

std::vector<std::pair<std::string, std::string>> config_table::values(config_group group) const {
  std::vector<std::pair<std::string, std::string>> all;
  for (const config_entry& entry : entries_) {
    const std::optional<config_value> value = entry.group == group ? entry.get() : std::nullopt;
    if (value) {
      all.emplace_back(entry.key, to_text(*value));
    }
  }
  return all;
}

namespace {

config_type type_of(setting_type type) {
  switch (type) {
    case setting_type::flag:
      return config_type::flag;
    case setting_type::whole:
      return config_type::whole;
    case setting_type::number:
      return config_type::number;
    case setting_type::word:
      return config_type::choice;
  }
  throw internal_error("unknown type of a setting");
}

config_value as_config_value(const setting_value& value) {
  return std::visit(
      [](auto other) -> config_value {
        if constexpr (std::same_as<decltype(other), std::string_view>) {
          return std::string(other);
        } else {
          return other;
        }
      },
      value);
}

/// A value of the setting's own type, which the config table has made sure of. Refers to a word of `value`.
setting_value as_setting_value(setting_type type, const config_value& value) {
  switch (type) {
    case setting_type::flag:
      return std::get<bool>(value);
    case setting_type::whole:
      return std::get<std::int64_t>(value);
    case setting_type::number:
      return std::get<double>(value);
    case setting_type::word:
      return std::string_view(std::get<std::string>(value));
  }
  throw internal_error("unknown type of a setting");
}

}  // namespace

config_entry entry_of(const setting_info& row, std::string_view section, config_group group,
                      std::function<setting_value()> get, std::function<void(const setting_value&)> set) {
  config_entry made;
  made.key = section.empty() ? std::string(row.key) : fmt::format("{}.{}", section, row.key);
  made.type = type_of(row.type);
  made.group = group;
  made.description = row.description;
  if (row.type == setting_type::whole || row.type == setting_type::number) {
    made.unit = row.unit;
    made.minimum = row.range.minimum;
    made.maximum = row.range.maximum;
  }
  if (row.words != nullptr) {
    const auto words = row.words();
    made.choices.assign(words.begin(), words.end());
  }
  if (row.absent) {
    made.absent = as_config_value(*row.absent);
  }
  made.get = [get = std::move(get)] { return std::optional<config_value>(as_config_value(get())); };
  made.set = [set = std::move(set), type = row.type](const config_value& value) { set(as_setting_value(type, value)); };
  return made;
}

}  // namespace spikesweep
