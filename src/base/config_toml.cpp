#include <algorithm>
#include <sstream>

#include <fmt/format.h>
#include <toml++/toml.h>

#include <spikesweep/base/config_table.hpp>
#include <spikesweep/base/error.hpp>

#include "toml_depth.hpp"

namespace spikesweep {

namespace {

/// One key of a TOML text with its value.
struct assignment {
  std::string key;
  config_value value;
  config_place place;
};

std::string one_line(std::string text) {
  std::replace_if(
      text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) < 0x20; }, ' ');
  return text;
}

std::string toml_text(const toml::node& node) {
  std::ostringstream text;
  node.visit([&](const auto& value) { text << value; });
  constexpr std::size_t longest = 80;
  return one_line(text.str()).substr(0, longest);
}

[[noreturn]] void refuse_type(const config_entry& entry, const toml::node& node, const config_place& place) {
  throw input_error(fmt::format("{}: key '{}' = {} has the wrong type; allowed: {}", place.text(), entry.key,
                                toml_text(node), entry.allowed()));
}

double number_of(const config_entry& entry, const toml::node& node, const config_place& place) {
  if (!node.is_number()) {
    refuse_type(entry, node, place);
  }
  return without_sign_of_zero(*node.value<double>());
}

std::map<std::string, double> numbers_of(const config_entry& entry, const toml::table& table,
                                         const config_place& place) {
  std::map<std::string, double> numbers;
  for (const auto& [key, item] : table) {
    numbers.emplace(std::string(key.str()), number_of(entry, item, place));
  }
  return numbers;
}

config_value value_of(const config_entry& entry, const toml::node& node, const config_place& place) {
  if (const auto* flag = node.as_boolean()) {
    return flag->get();
  }
  if (const auto* whole = node.as_integer()) {
    return whole->get();
  }
  if (const auto* number = node.as_floating_point()) {
    return without_sign_of_zero(number->get());
  }
  if (const auto* word = node.as_string()) {
    return word->get();
  }
  if (const auto* list = node.as_array()) {
    if (!list->empty() && list->is_homogeneous<toml::table>()) {
      std::vector<std::map<std::string, double>> tables;
      for (const toml::node& item : *list) {
        tables.push_back(numbers_of(entry, *item.as_table(), place));
      }
      return tables;
    }
    std::vector<double> numbers;
    for (const toml::node& item : *list) {
      numbers.push_back(number_of(entry, item, place));
    }
    return numbers;
  }
  if (const auto* table = node.as_table()) {
    return numbers_of(entry, *table, place);
  }
  refuse_type(entry, node, place);
}

bool is_section(const config_table& known, const std::string& key) {
  const std::string beginning = key + '.';
  return std::any_of(known.entries().begin(), known.entries().end(),
                     [&](const config_entry& entry) { return entry.key.compare(0, beginning.size(), beginning) == 0; });
}

void collect(const config_table& known, const toml::table& table, const std::string& beginning,
             const std::string& source, std::vector<assignment>& found) {
  for (const auto& [name, node] : table) {
    const std::string key = beginning + std::string(name.str());
    const int line = static_cast<int>(name.source().begin.line);
    const config_place place{source, line};
    if (const config_entry* entry = known.find(key)) {
      found.push_back({key, value_of(*entry, node, place), place});
    } else if (is_section(known, key)) {
      const auto* section = node.as_table();
      if (section == nullptr) {
        throw input_error(fmt::format("{}: '{}' = {} is a section, not a value; write [{}] and its keys below",
                                      place.text(), key, toml_text(node), key));
      }
      collect(known, *section, key + '.', source, found);
    } else {
      known.refuse_unknown(key, place);
    }
  }
}

void apply(config_table& table, std::vector<assignment> assignments) {
  // In the order of the text, so that the first mistake is reported first; TOML tables are sorted by name.
  std::stable_sort(assignments.begin(), assignments.end(), [&](const assignment& a, const assignment& b) {
    const bool a_first = table.find(a.key)->first;
    const bool b_first = table.find(b.key)->first;
    return a_first != b_first ? a_first : a.place.line < b.place.line;
  });
  for (const assignment& each : assignments) {
    table.set(each.key, each.value, each.place);
  }
}

/// Throws input_error unless toml++ can read the text without running out of stack.
void check_depth(std::string_view text, const std::string& source) {
  if (const auto fault = find_toml_depth_fault(text)) {
    throw input_error(fmt::format("{}: {}; no key needs as many, see configs/README.md for the keys that there are",
                                  config_place{source, fault->line}.text(), fault->what));
  }
}

/// The TOML table of "KEY = VALUE"; a value that is no TOML is taken as a word.
toml::table parse_assignment(const std::string& key, const std::string& value) {
  const auto quoted = [](const std::string& text) {
    std::string escaped;
    for (const char c : text) {
      escaped += c == '"' || c == '\\' ? std::string{'\\', c} : std::string{c};
    }
    return '"' + escaped + '"';
  };
  const std::string text = "value = " + value;
  try {
    // Too deep: a word without quotes, too.
    if (toml::table table = find_toml_depth_fault(text) ? toml::table() : toml::parse(text); table.size() == 1) {
      return table;
    }
  } catch (const toml::parse_error&) {
    // A word without quotes, most likely.
  }
  try {
    return toml::parse("value = " + quoted(value));
  } catch (const toml::parse_error& error) {
    throw input_error(fmt::format("--set: key '{}': {}", key, one_line(std::string(error.description()))));
  }
}

}  // namespace

void read_toml(config_table& table, std::string_view text, const std::string& source) {
  check_depth(text, source);
  toml::table parsed;
  try {
    parsed = toml::parse(text);
  } catch (const toml::parse_error& error) {
    const config_place place{source, static_cast<int>(error.source().begin.line)};
    throw input_error(fmt::format("{}: not valid TOML: {}", place.text(), one_line(std::string(error.description()))));
  }
  std::vector<assignment> assignments;
  collect(table, parsed, "", source, assignments);
  apply(table, std::move(assignments));
}

std::vector<std::string> apply_overrides(config_table& table, std::span<const std::string> overrides,
                                         const std::string& section) {
  std::vector<assignment> assignments;
  std::vector<std::string> keys;
  const config_place place{"--set", 0};
  for (const std::string& text : overrides) {
    const std::size_t equals = text.find('=');
    if (equals == std::string::npos || equals == 0) {
      throw input_error(fmt::format("--set: '{}' is not of the form key=value", one_line(text)));
    }
    const auto trimmed = [](std::string_view part) {
      const std::size_t begin = part.find_first_not_of(' ');
      return begin == std::string_view::npos ? std::string()
                                             : std::string(part.substr(begin, part.find_last_not_of(' ') - begin + 1));
    };
    std::string key = trimmed(std::string_view(text).substr(0, equals));
    const std::string value = trimmed(std::string_view(text).substr(equals + 1));
    const std::string in_section = section + '.' + key;
    if (table.find(key) == nullptr && table.find(in_section) != nullptr) {
      key = in_section;
    }
    const config_entry* entry = table.find(key);
    if (entry == nullptr) {
      table.refuse_unknown(key, place);
    }
    const toml::table parsed = parse_assignment(key, value);
    assignments.push_back({key, value_of(*entry, *parsed.get("value"), place), place});
    keys.push_back(key);
  }
  apply(table, std::move(assignments));
  return keys;
}

}  // namespace spikesweep
