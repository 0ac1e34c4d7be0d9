#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include <spikesweep/base/config_table.hpp>
#include <spikesweep/base/error.hpp>
#include <spikesweep/base/nearest.hpp>

namespace spikesweep {

namespace {

/// Whole numbers up to this are exact in a double.
constexpr double largest_whole = 9007199254740992.0;

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
    return static_cast<std::int64_t>(*number);
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

config_entry config_section::entry(const std::string& key, config_type type, std::string description) const {
  config_entry made;
  made.key = name_.empty() ? key : name_ + '.' + key;
  made.type = type;
  made.group = group_;
  made.description = std::move(description);
  return made;
}

void config_section::flag(const std::string& key, bool& target, std::string description) {
  config_entry made = entry(key, config_type::flag, std::move(description));
  made.set = [&target](const config_value& value) { target = std::get<bool>(value); };
  made.get = [&target] { return std::optional<config_value>(target); };
  table_.add(std::move(made));
}

void config_section::add_number(const std::string& key, config_range range, std::string unit, std::string description,
                                std::function<void(double)> set, std::function<double()> get) {
  config_entry made = entry(key, config_type::number, std::move(description));
  made.unit = std::move(unit);
  made.minimum = range.minimum;
  made.maximum = range.maximum;
  made.set = [set = std::move(set)](const config_value& value) { set(std::get<double>(value)); };
  made.get = [get = std::move(get)] { return std::optional<config_value>(get()); };
  table_.add(std::move(made));
}

void config_section::add_whole(const std::string& key, config_range range, std::string unit, std::string description,
                               std::function<void(std::int64_t)> set, std::function<std::int64_t()> get) {
  config_entry made = entry(key, config_type::whole, std::move(description));
  made.unit = std::move(unit);
  made.minimum = range.minimum;
  made.maximum = range.maximum;
  made.set = [set = std::move(set)](const config_value& value) { set(std::get<std::int64_t>(value)); };
  made.get = [get = std::move(get)] { return std::optional<config_value>(get()); };
  table_.add(std::move(made));
}

void config_section::add_choice(const std::string& key, std::vector<std::string> choices, std::string description,
                                std::function<void(const std::string&)> set, std::function<std::string()> get) {
  config_entry made = entry(key, config_type::choice, std::move(description));
  made.choices = std::move(choices);
  made.set = [set = std::move(set)](const config_value& value) { set(std::get<std::string>(value)); };
  made.get = [get = std::move(get)] { return std::optional<config_value>(get()); };
  table_.add(std::move(made));
}

}  // namespace spikesweep
