#include "restart/saved_state.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <string>

#include "tests/unit/restart/example_state.h"

namespace sluice::restart {
namespace {

TEST(SavedState, ComesBackAsItWentOut) {
  const std::string text = write_state(example_state());
  const Result<SavedState> read = read_state(text);
  ASSERT_TRUE(read) << read.error().message();
  EXPECT_EQ(write_state(*read), text);
  EXPECT_EQ(read->generations.at(0).tenants.at(0).workers.at(0).process.at(0).log.line, "half a li");
}

TEST(SavedState, NamesEveryDescriptor) {
  std::vector<std::int32_t> all = descriptors_of(example_state());
  std::ranges::sort(all);
  const std::vector<std::int32_t> expected = {10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22};
  EXPECT_EQ(all, expected);
}

TEST(SavedState, OfAnotherVersionIsRefusedBeforeAnythingElse) {
  const Result<SavedState> read = read_state(R"({"version":2,"something":"new"})");
  ASSERT_FALSE(read);
  EXPECT_EQ(read.error().code(), Code::kUnsupported);
  EXPECT_NE(read.error().message().find("version 2, this program knows version 1"), std::string::npos);
}

TEST(SavedState, NamesItsWriterAlsoWhenNothingElseIsUnderstood) {
  EXPECT_EQ(writer_of(write_state(example_state())), 10);
  std::string negative = write_state(example_state());
  const std::string_view open = "\"open\":3";
  negative.replace(negative.find(open), open.size(), "\"open\":-3");
  EXPECT_FALSE(read_state(negative));
  EXPECT_EQ(writer_of(negative), 10);
  EXPECT_EQ(writer_of(R"({"version":2,"program":{"fd":7,"new":[]},"something":"new"})"), 7);
  for (const std::string_view nobody :
       {"", "{", "[]", "{}", R"({"program":7})", R"({"program":{}})", R"({"program":{"fd":"x"}})",
        R"({"program":{"fd":2}})", R"({"program":{"fd":-5}})"})
    EXPECT_EQ(writer_of(nobody), kNoFd) << nobody;
}

TEST(SavedState, WithAFieldThatIsNotKnownIsRefused) {
  std::string text = write_state(example_state());
  text.replace(text.find("\"started\""), 9, "\"begun\"");
  const Result<SavedState> read = read_state(text);
  ASSERT_FALSE(read);
  EXPECT_EQ(read.error().code(), Code::kBadSyntax);
}

TEST(SavedState, WithoutAFieldHasItsDefault) {
  std::string text = write_state(example_state());
  const std::size_t at = text.find("\"log_rest\"");
  text.erase(at, text.find("\"protections\"", at) - at);
  const Result<SavedState> read = read_state(text);
  ASSERT_TRUE(read) << read.error().message();
  EXPECT_EQ(read->log_rest, "");
}

TEST(SavedState, IsRefusedWhenItIsCutAnywhere) {
  const std::string text = write_state(example_state());
  for (std::size_t size = 0; size < text.size(); ++size) EXPECT_FALSE(read_state(text.substr(0, size))) << size;
}

TEST(SavedState, IsRefusedWhenItDoesNotHoldTogether) {
  const std::pair<const char*, std::function<void(SavedState&)>> cases[] = {
      {"a descriptor twice", [](SavedState& state) { state.own_slab = state.log_fd; }},
      {"a standard descriptor", [](SavedState& state) { state.own_slab = 2; }},
      {"no control socket", [](SavedState& state) { state.control.fd = kNoFd; }},
      {"nobody serves", [](SavedState& state) { state.serving = 1; }},
      {"a generation from the future", [](SavedState& state) { state.last_generation = 1; }},
      {"generations out of order", [](SavedState& state) { state.generations.push_back(state.generations.front()); }},
      {"memory that is not there", [](SavedState& state) { state.slabs.clear(); }},
      {"a process without memory",
       [](SavedState& state) { state.generations.at(0).tenants.at(0).workers.at(0).slab = -1; }},
      {"two processes",
       [](SavedState& state) {
         SavedWorker& worker = state.generations.at(0).tenants.at(0).workers.at(0);
         worker.process.push_back(worker.process.front());
       }},
      {"a phase by no move", [](SavedState& state) { state.upgrades.at(1).events.at(1).phase = "probation"; }},
      {"a phase that is none", [](SavedState& state) { state.upgrades.at(1).events.at(1).phase = "holiday"; }},
      {"an outcome that is none", [](SavedState& state) { state.upgrades.at(0).outcome = "splendid"; }},
      {"two upgrades of one number", [](SavedState& state) { state.upgrades.at(0).number = 2; }},
      {"a running upgrade that is not there", [](SavedState& state) { state.running = 9; }},
      {"a client of no upgrade", [](SavedState& state) { state.clients.at(0).upgrade = 9; }},
      {"more listening than sockets", [](SavedState& state) { state.addresses.at(0).listening = 3; }},
  };
  for (const auto& [what, spoil] : cases) {
    SavedState state = example_state();
    spoil(state);
    EXPECT_FALSE(read_state(write_state(state))) << what;
  }
}

}  // namespace
}  // namespace sluice::restart
