// A small application's settings with every kind of field, for the tests of settings.
#pragma once
#include <array>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "base/settings/settings.h"

namespace sluice::settings {

using namespace std::chrono_literals;

enum class Fruit : std::uint8_t { kApple, kQuince };
constexpr auto choices(Fruit) {
  return std::array{Choice{Fruit::kApple, "apple", "keeps the doctor away"},
                    Choice{Fruit::kQuince, "quince", "wants to be cooked"}};
}

inline std::string even_fault(std::string_view text) {
  return text.size() % 2 == 0 ? "" : "has an odd number of letters";
}
inline constexpr Check kEven{"a text of even length", even_fault};

struct Inner {
  std::uint32_t depth = 3;
  std::vector<std::uint16_t> ports = {443};

  static constexpr std::string_view about = "A section in a section.";
  static constexpr void describe(auto& f) {
    f(&Inner::depth, "depth", "How deep.").range(1, 9);
    f(&Inner::ports, "ports", "Ports, each of them checked.").range(1, 65535);
  }
};
static_assert(complete<Inner>());

struct Shared {
  Milliseconds wait = 5s;

  static constexpr std::string_view about = "Options that several sections have.";
  static constexpr void describe(auto& f) {
    f(&Shared::wait, "wait", "How long to wait.").range(1ms, 1h).zero("for ever");
  }
};
static_assert(complete<Shared>());

struct Item {
  std::string name;
  double weight = 0.5;
  Shared shared;

  static constexpr std::string_view about = "One of several.";
  static constexpr void describe(auto& f) {
    f(&Item::name, "name", "What it is called.").filled();
    f(&Item::weight, "weight", "Its part of the whole.").range(0.0, 1.0);
    f.group(&Item::shared);
  }
};
static_assert(complete<Item>());

struct Demo {
  bool enabled = true;
  std::int32_t offset = -1;
  std::string title = "two words";
  std::string word = "ab";
  std::string password;
  Milliseconds wait = 90s;
  Size room = Size::kib(64);
  Fruit fruit = Fruit::kQuince;
  std::vector<std::string> hosts = {"a.example", "b.example"};
  std::map<std::string, std::vector<std::string>> names;
  Inner inner;
  std::vector<Item> items;
  Node extra = Node::map();

  static constexpr std::string_view about = "Settings of a demonstration.";
  static constexpr void describe(auto& f) {
    f(&Demo::enabled, "enabled", "Do anything at all.");
    f(&Demo::offset, "offset", "A number that may be negative.").range(-10, 10);
    f(&Demo::title, "title",
      "A text. This sentence is so long that it has to be broken into several lines, which is done between words and "
      "never inside of one.");
    f(&Demo::word, "word", "A checked text.").check(kEven);
    f(&Demo::password, "password", "Nobody should see it.").secret().check(kEven);
    f(&Demo::wait, "wait", "A duration.").range(1s, 1h).zero("off");
    f(&Demo::room, "room", "A size.").at_least(Size::kib(1));
    f(&Demo::fruit, "fruit", "A choice.");
    f(&Demo::hosts, "hosts", "A list.").one_of({"a.example", "b.example", "c.example"});
    f(&Demo::names, "names", "A map of lists.");
    f(&Demo::inner, "inner", "");
    f(&Demo::items, "items", "");
    f(&Demo::extra, "extra", "Somebody else's section.");
  }
  void validate(Problems& problems) const {
    if (items.size() > 2) problems.add("items[2]", "is one too many");
    if (enabled && inner.depth == 7) problems.add("inner.depth", "7 is not for those who are enabled");
  }
};
static_assert(complete<Demo>());

}  // namespace sluice::settings
