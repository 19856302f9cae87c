// The table behind describe(): Type says how to get at a value of a kind without knowing its C++ type.
//
// Everything templated about settings is here, and it is small: per C++ type one constant Type with a few function
// pointers, per struct one Section filled in on first use. Included where a struct is read or written (settings.h), not
// where it is declared (describe.h).
#pragma once
#include <array>
#include <cstdint>
#include <functional>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/settings/describe.h"
#include "base/settings/document.h"

namespace sluice::settings {

enum class Kind : std::uint8_t {
  kBool,
  kInteger,
  kReal,
  kText,
  kDuration,
  kSize,
  kChoice,
  kSection,
  kList,
  kMap,
  kOpaque,
};

/// A scalar of any kind: bool, integer, milliseconds, bytes and choice in `number`.
struct Value {
  std::int64_t number = 0;
  double real = 0;
  std::string text;
  bool operator==(const Value&) const = default;
};

struct ChoiceName {
  std::int64_t value;
  std::string_view name;
  std::string_view doc;
};

struct Type {
  /// Called for each element; the key is empty in a list.
  using Visit = std::function<void(std::string_view key, const void* element)>;

  Kind kind;
  // scalars
  Value (*get)(const void* object) = nullptr;
  void (*set)(void* object, const Value& value) = nullptr;
  std::int64_t least = 0;  // of an integer's C++ type
  std::int64_t most = 0;
  std::span<const ChoiceName> choices;
  // lists and maps
  const Type* element = nullptr;
  std::size_t (*size)(const void* object) = nullptr;
  void (*each)(const void* object, const Visit& visit) = nullptr;
  void (*clear)(void* object) = nullptr;
  /// A new element at the end or under the key. Lifetime: until the next one.
  void* (*append)(void* object, std::string_view key) = nullptr;
  // sections
  const Section& (*section)() = nullptr;
};

template <class T>
constexpr const Type& type_of();
template <Described S>
const Section& section_of();

namespace detail {

template <class T>
const T& as(const void* object) {
  return *static_cast<const T*>(object);
}
template <class T>
T& as(void* object) {
  return *static_cast<T*>(object);
}

template <class T>
struct Of;  // no such kind of field: see the list in describe.h

template <>
struct Of<bool> {
  static constexpr Type type{.kind = Kind::kBool,
                             .get = [](const void* o) { return Value{.number = as<bool>(o) ? 1 : 0}; },
                             .set = [](void* o, const Value& v) { as<bool>(o) = v.number != 0; }};
};
template <std::integral T>
struct Of<T> {
  static constexpr Type type{.kind = Kind::kInteger,
                             .get = [](const void* o) { return Value{.number = static_cast<std::int64_t>(as<T>(o))}; },
                             .set = [](void* o, const Value& v) { as<T>(o) = static_cast<T>(v.number); },
                             .least = static_cast<std::int64_t>(std::numeric_limits<T>::min()),
                             .most = std::in_range<std::int64_t>(std::numeric_limits<T>::max())
                                         ? static_cast<std::int64_t>(std::numeric_limits<T>::max())
                                         : std::numeric_limits<std::int64_t>::max()};
};
template <>
struct Of<double> {
  static constexpr Type type{.kind = Kind::kReal,
                             .get = [](const void* o) { return Value{.real = as<double>(o)}; },
                             .set = [](void* o, const Value& v) { as<double>(o) = v.real; }};
};
template <>
struct Of<std::string> {
  static constexpr Type type{.kind = Kind::kText,
                             .get = [](const void* o) { return Value{.text = as<std::string>(o)}; },
                             .set = [](void* o, const Value& v) { as<std::string>(o) = v.text; }};
};
template <>
struct Of<Milliseconds> {
  static constexpr Type type{.kind = Kind::kDuration,
                             .get = [](const void* o) { return Value{.number = as<Milliseconds>(o).count()}; },
                             .set = [](void* o, const Value& v) { as<Milliseconds>(o) = Milliseconds(v.number); }};
};
template <>
struct Of<Size> {
  static constexpr Type type{
      .kind = Kind::kSize,
      .get = [](const void* o) { return Value{.number = static_cast<std::int64_t>(as<Size>(o).bytes())}; },
      .set = [](void* o, const Value& v) { as<Size>(o) = Size(static_cast<std::uint64_t>(v.number)); }};
};
template <Chosen E>
struct Of<E> {
  static constexpr auto names = [] {
    constexpr auto kChoices = choices(E{});
    std::array<ChoiceName, kChoices.size()> out{};
    for (std::size_t i = 0; i < out.size(); ++i)
      out[i] = {static_cast<std::int64_t>(kChoices[i].value), kChoices[i].name, kChoices[i].doc};
    return out;
  }();
  static constexpr Type type{.kind = Kind::kChoice,
                             .get = [](const void* o) { return Value{.number = static_cast<std::int64_t>(as<E>(o))}; },
                             .set = [](void* o, const Value& v) { as<E>(o) = static_cast<E>(v.number); },
                             .choices = names};
};
template <>
struct Of<Node> {
  static constexpr Type type{.kind = Kind::kOpaque};
};
template <Described S>
struct Of<S> {
  static constexpr Type type{.kind = Kind::kSection, .section = &section_of<S>};
};
template <class E>
struct Of<std::vector<E>> {
  static_assert(!std::same_as<E, bool>, "std::vector<bool> has no elements to point at");
  using List = std::vector<E>;
  static constexpr Type type{.kind = Kind::kList,
                             .element = &Of<E>::type,
                             .size = [](const void* o) { return as<List>(o).size(); },
                             .each =
                                 [](const void* o, const Type::Visit& visit) {
                                   for (const E& element : as<List>(o)) visit({}, &element);
                                 },
                             .clear = [](void* o) { as<List>(o).clear(); },
                             .append = [](void* o, std::string_view) -> void* { return &as<List>(o).emplace_back(); }};
};
template <class E>
struct Of<std::map<std::string, E>> {
  using Map = std::map<std::string, E>;
  static constexpr Type type{
      .kind = Kind::kMap,
      .element = &Of<E>::type,
      .size = [](const void* o) { return as<Map>(o).size(); },
      .each =
          [](const void* o, const Type::Visit& visit) {
            for (const auto& [key, element] : as<Map>(o)) visit(key, &element);
          },
      .clear = [](void* o) { as<Map>(o).clear(); },
      .append = [](void* o, std::string_view key) -> void* { return &as<Map>(o)[std::string(key)]; }};
};

/// Fills a Section's table: the other thing that describe() is called with.
template <class S>
class FieldWriter {
 public:
  FieldWriter(Section& section, const S& sample) : section_(section), sample_(sample) {}

  template <class M>
  RuleWriter operator()(M S::* member, std::string_view name, std::string_view doc) {
    section_.fields.push_back({name, doc, offset(member), &type_of<M>(), {}});
    return RuleWriter(section_.fields.back().rules);
  }
  /// The fields of a member section, as if they were this struct's own.
  template <Described M>
  void group(M S::* member) {
    for (Field field : section_of<M>().fields) {
      field.offset += offset(member);
      section_.fields.push_back(std::move(field));
    }
  }

 private:
  template <class M>
  std::size_t offset(M S::* member) const {
    return static_cast<std::size_t>(reinterpret_cast<const char*>(&(sample_.*member)) -
                                    reinterpret_cast<const char*>(&sample_));
  }
  Section& section_;
  const S& sample_;
};

}  // namespace detail

template <class T>
constexpr const Type& type_of() {
  return detail::Of<T>::type;
}

/// The table of a struct, made on first use.
template <Described S>
const Section& section_of() {
  static const S defaults{};
  static const Section section = [] {
    Section made{.about = S::about, .fields = {}, .defaults = &defaults};
    detail::FieldWriter<S> writer(made, defaults);
    S::describe(writer);
    return made;
  }();
  return section;
}

}  // namespace sluice::settings
