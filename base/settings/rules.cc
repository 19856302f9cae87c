// See rules.h.
#include "base/settings/rules.h"

#include <algorithm>
#include <array>
#include <charconv>

#include "base/settings/json_scalar.h"

namespace sluice::settings {
namespace {

std::string number(const Type& type, std::int64_t value) {
  return text_of(type, Value{.number = value});
}

std::string print_real(double value) {
  std::array<char, 32> out{};
  const auto [end, error] = std::to_chars(out.begin(), out.end(), value);
  std::string text(out.begin(), end);
  return text.find_first_of(".e") == std::string::npos ? text + ".0" : text;
}

bool has_real_range(const Rules& rules) {
  return rules.real_low != std::numeric_limits<double>::lowest();
}

std::string listed(const std::vector<std::string_view>& names) {
  std::string out;
  for (const std::string_view name : names) {
    if (!out.empty()) out += ", ";
    out += name;
  }
  return out;
}

// "1 to 65535", "at least 1": the limits in words, or nothing.
std::string limits(const Type& type, const Rules& rules) {
  if (type.kind == Kind::kReal)
    return has_real_range(rules) ? print_real(rules.real_low) + " to " + print_real(rules.real_high) : "";
  if (!rules.range) return {};
  if (rules.range->high == std::numeric_limits<std::int64_t>::max())
    return "at least " + number(type, rules.range->low);
  return number(type, rules.range->low) + " to " + number(type, rules.range->high);
}

std::string noun(const Type& type, const Rules& rules) {
  switch (type.kind) {
    case Kind::kBool:
      return "true or false";
    case Kind::kInteger:
      return "a whole number";
    case Kind::kReal:
      return "a number";
    case Kind::kText:
      if (!rules.one_of.empty()) return "one of " + listed(rules.one_of);
      return rules.check != nullptr ? std::string(rules.check->expected) : "a text";
    case Kind::kDuration:
      return "a duration";
    case Kind::kSize:
      return "a size";
    case Kind::kChoice: {
      std::vector<std::string_view> names;
      for (const ChoiceName& choice : type.choices) names.push_back(choice.name);
      return "one of " + listed(names);
    }
    case Kind::kSection:
    case Kind::kOpaque:
      return "a section";
    case Kind::kList:
      return "a list";
    case Kind::kMap:
      return "a map";
  }
  return {};
}

std::string outside(const std::string& low, const std::string& high, const Rules& rules) {
  const std::string between = "between " + low + " and " + high;
  return rules.zero.empty() ? "is not " + between : "is neither 0 (" + std::string(rules.zero) + ") nor " + between;
}

}  // namespace

std::string broken_rule(const Type& type, const Rules& rules, const Value& value) {
  switch (type.kind) {
    case Kind::kReal:
      if (!rules.zero.empty() && value.real == 0) return {};
      if (has_real_range(rules) && (value.real < rules.real_low || value.real > rules.real_high))
        return outside(print_real(rules.real_low), print_real(rules.real_high), rules);
      return {};
    case Kind::kText:
      if (rules.filled && value.text.empty()) return "must not be empty";
      if (!rules.one_of.empty() && std::ranges::find(rules.one_of, value.text) == rules.one_of.end())
        return not_one_of(value.text, rules.one_of);
      return rules.check != nullptr ? rules.check->find_fault(value.text) : std::string();
    case Kind::kInteger:
    case Kind::kDuration:
    case Kind::kSize:
      if (!rules.range || (!rules.zero.empty() && value.number == 0)) return {};
      if (value.number >= rules.range->low && value.number <= rules.range->high) return {};
      if (rules.range->high == std::numeric_limits<std::int64_t>::max())
        return "is less than " + number(type, rules.range->low);
      return outside(number(type, rules.range->low), number(type, rules.range->high), rules);
    default:
      return {};
  }
}

std::string expected(const Type& type, const Rules& rules) {
  std::string out = noun(type, rules);
  if (const std::string range = limits(type, rules); !range.empty())
    out += (range.starts_with("at") ? ", " : " from ") + range;
  if (!rules.zero.empty()) out += ", or 0 (" + std::string(rules.zero) + ")";
  return out;
}

std::string described(const Type& type, const Rules& rules) {
  const std::string filled = rules.filled ? ", not empty" : "";
  if (type.kind == Kind::kMap) {
    const std::string keys = rules.key_check != nullptr ? std::string(rules.key_check->expected) : "a text";
    return "a map from " + keys + " to " + described(*type.element, rules);
  }
  if (type.kind == Kind::kList) {
    Rules inner = rules;
    inner.filled = false;
    return "a list" + filled + ", each of them " + described(*type.element, inner);
  }
  return expected(type, rules) + (type.kind == Kind::kText ? filled : "");
}

std::string text_of(const Type& type, const Value& value) {
  switch (type.kind) {
    case Kind::kBool:
      return value.number != 0 ? "true" : "false";
    case Kind::kInteger:
      return std::to_string(value.number);
    case Kind::kReal:
      return print_real(value.real);
    case Kind::kDuration:
      return sluice::text_of(Milliseconds(value.number));
    case Kind::kSize:
      return Size(static_cast<std::uint64_t>(value.number)).text();
    case Kind::kChoice:
      for (const ChoiceName& choice : type.choices)
        if (choice.value == value.number) return std::string(choice.name);
      return "?";
    default:
      return value.text;
  }
}

std::string not_one_of(std::string_view word, const std::vector<std::string_view>& names) {
  std::string text = "is not one of " + listed(names);
  if (const std::string_view meant = nearest(word, names); !meant.empty())
    text += "; did you mean \"" + std::string(meant) + "\"?";
  return text;
}

std::string step_of(std::string_view key) {
  if (key.empty() || key.find_first_of(".[]\"") != std::string_view::npos) return "[" + json_quoted(key) + "]";
  return std::string(key);
}

}  // namespace sluice::settings
