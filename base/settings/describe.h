// Settings that describe themselves: a plain struct with plain defaults, and one function that names its fields.
//
//   struct Pool {
//     std::uint32_t max_idle = 64;
//     Milliseconds idle_timeout{50'000};
//     static constexpr std::string_view about = "Connections kept open to the origin.";
//     static constexpr void describe(auto& f) {
//       f(&Pool::max_idle, "max_idle", "Idle connections kept, per worker.").range(0, 10'000).zero("keep none");
//       f(&Pool::idle_timeout, "idle_timeout", "Close an idle connection after this time.").range(1s, 1h);
//     }
//   };
//   static_assert(settings::complete<Pool>());   // a field forgotten in describe() does not compile
//
// From it come the reader, the commented default file, the JSON schema, the wire form and the comparison on reload
// (settings.h). describe() runs once per type, into a table of Field and Type; everything that walks the table is
// ordinary code in .cc files. Fields: bool, integers, double, std::string, Milliseconds, Size, enums that have
// choices(), sections, Node (a section that is somebody else's business), std::vector and std::map<std::string, …> of
// those.
#pragma once
#include <chrono>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "base/settings/arity.h"
#include "base/settings/units.h"

namespace sluice::settings {

/// One value of an enum: constexpr auto choices(LogFormat) { return std::array{Choice{LogFormat::kJson, "json", "…"}};
/// }
template <class E>
struct Choice {
  E value;
  std::string_view name;
  std::string_view doc;
};
template <class E>
concept Chosen = std::is_enum_v<E> && requires(E value) { choices(value).size(); };
/// The name that a configuration uses for the value.
template <Chosen E>
[[nodiscard]] constexpr std::string_view name_of(E value) {
  for (const auto& choice : choices(value))
    if (choice.value == value) return choice.name;
  return "?";
}

/// A rule for texts that a type cannot express. `find_fault` returns what is wrong with the text, or an empty string.
struct Check {
  std::string_view expected;  ///< for the documentation: "an address such as 127.0.0.1:8080 or unix:/path"
  std::string (*find_fault)(std::string_view text);
};

/// What describe() may say about a field beyond its type. Rules for a list or map hold for each of its scalars.
struct Rules {
  struct Range {
    std::int64_t low = std::numeric_limits<std::int64_t>::min();
    std::int64_t high = std::numeric_limits<std::int64_t>::max();
  };
  std::optional<Range> range;  // integers, bytes, milliseconds
  double real_low = std::numeric_limits<double>::lowest();
  double real_high = std::numeric_limits<double>::max();
  std::string_view zero;  // what 0 means; 0 is then allowed outside the range too
  std::vector<std::string_view> one_of;
  const Check* check = nullptr;
  const Check* key_check = nullptr;
  bool secret = false;
  bool filled = false;
};

struct Type;  // type.h

struct Field {
  std::string_view name;
  std::string_view doc;
  std::size_t offset;
  const Type* type;
  Rules rules;
};

/// A struct with describe(), as a table.
struct Section {
  std::string_view about;
  std::vector<Field> fields;
  const void* defaults;  ///< an object as constructed

  [[nodiscard]] const Field* find(std::string_view name) const;
};

/// A struct that describes itself.
template <class T>
concept Described = std::is_class_v<T> && requires { std::string_view(T::about); };

// --- what describe() is called with
// ------------------------------------------------------------------------------------

/// Returned by f(…); the rules can be chained.
class RuleWriter {
 public:
  explicit RuleWriter(Rules& rules) : rules_(rules) {}
  /// Lowest and highest value allowed: integers, doubles, durations or sizes, like the field.
  template <class T, class U>
  RuleWriter& range(T low, U high) {
    if constexpr (std::floating_point<T>) {
      rules_.real_low = low;
      rules_.real_high = high;
    } else {
      rules_.range = Rules::Range{number(low), number(high)};
    }
    return *this;
  }
  template <class T>
  RuleWriter& at_least(T low) {
    static_assert(!std::floating_point<T>, "use range()");
    rules_.range = Rules::Range{.low = number(low)};
    return *this;
  }
  /// 0 is allowed, and means this ("no limit", "off").
  RuleWriter& zero(std::string_view meaning) { return rules_.zero = meaning, *this; }
  RuleWriter& one_of(std::initializer_list<std::string_view> values) { return rules_.one_of = values, *this; }
  RuleWriter& check(const Check& check) { return rules_.check = &check, *this; }
  /// For the keys of a map.
  RuleWriter& key_check(const Check& check) { return rules_.key_check = &check, *this; }
  /// Never shown in messages or by `config`.
  RuleWriter& secret() { return rules_.secret = true, *this; }
  /// Neither an empty text nor an empty list.
  RuleWriter& filled() { return rules_.filled = true, *this; }

 private:
  template <std::integral T>
  static std::int64_t number(T value) {
    return static_cast<std::int64_t>(value);
  }
  static std::int64_t number(Milliseconds value) { return value.count(); }
  static std::int64_t number(Size value) { return static_cast<std::int64_t>(value.bytes()); }

  Rules& rules_;
};

/// Counts the fields that describe() names, at compile time.
struct FieldCounter {
  struct NoRules {
    constexpr const NoRules& range(auto, auto) const { return *this; }
    constexpr const NoRules& at_least(auto) const { return *this; }
    constexpr const NoRules& zero(std::string_view) const { return *this; }
    constexpr const NoRules& one_of(std::initializer_list<std::string_view>) const { return *this; }
    constexpr const NoRules& check(const Check&) const { return *this; }
    constexpr const NoRules& key_check(const Check&) const { return *this; }
    constexpr const NoRules& secret() const { return *this; }
    constexpr const NoRules& filled() const { return *this; }
  };
  std::size_t count = 0;
  constexpr NoRules operator()(auto, std::string_view, std::string_view) { return ++count, NoRules{}; }
  constexpr void group(auto) { ++count; }
};

/// Does describe() name every field of the struct?
template <Described S>
consteval bool complete() {
  FieldCounter counter;
  S::describe(counter);
  return counter.count == arity<S>();
}

}  // namespace sluice::settings
