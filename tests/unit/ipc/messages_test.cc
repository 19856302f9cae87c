// Every message there and back, and everything that is not quite one refused.
#include "ipc/messages.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <iterator>

#include "ipc/peer.h"

namespace sluice::ipc {
namespace {

using testing::HasSubstr;

// One of each, every field different from what a fresh struct has.
std::vector<FromSupervisor> from_supervisor() {
  return {
      Configure{.generation = 1ULL << 40U, .tenant = "acme", .worker_index = 3, .log_level = sluice::LogLevel::kDebug},
      Listeners{.items = {{.socket = 9, .endpoint_index = 1, .address = "[::1]:80"},
                          {.socket = 10,
                           .endpoint_index = 70'000,
                           .address = "x",
                           .duty = Duty::kReadAfter,
                           .place = 3,
                           .places = 4}}},
      Slabs{.items = {{.tenant = "", .worker_index = 0}, {.tenant = "acme", .worker_index = 2, .number = 1}}},
      Begin{},
      Drain{.idle_ms = 1,
            .request_ms = 123'456'789'012,
            .upload_ms = 3,
            .tunnel_ms = 4,
            .flow_ms = 5,
            .spread_percent = 20},
      Stop{},
      SetLogLevel{.level = sluice::LogLevel::kError},
      Accept{},
      Pause{.keep = {{.socket = 7}, {.socket = 70'000}}, .next_generation = 8, .next_workers = 4},
      Mailboxes{.items = {{.generation = 1ULL << 33U, .worker_index = 2}, {.generation = 9, .worker_index = 0}}},
      HandOver{.idle = false, .tunnels = true},
      TakeOver{},
      Keys{.items = {{.tenant = "acme"}, {.tenant = "other"}}},
      KeyUser{.tenant = "acme"},
      Keyholder{},
      TicketKeys{
          .items = {{.name = std::string(16, '\xff'), .secret = std::string(32, '\0')}, {.name = "a", .secret = "b"}}},
      Reconfigure{.number = 7},
      Adopt{.number = 1ULL << 40U},
      SaveState{.number = 9},
      ParentState{.version = "1.2.3"}};
}
std::vector<FromWorker> from_worker() {
  return {Hello{.application = "http_firewall", .version = "1.2.3"},
          Protections{.items = {{.name = "seccomp", .on = true, .why = ""},
                                {.name = "cgroup", .on = false, .why = "no permission, größer"}}},
          Ready{},
          Failed{.why = "no memory"},
          Drained{},
          Prepared{.number = 7, .able = false, .why = "größer"}};
}

std::size_t fds_of(const FromSupervisor& message) {
  return std::visit(
      [](const auto& m) -> std::size_t {
        if constexpr (requires { m.descriptors(); }) return m.descriptors();
        return 0;
      },
      message);
}
std::size_t fds_of(const FromWorker& /*message*/) {
  return 0;
}
Result<FromSupervisor> decode(const FromSupervisor& /*like*/, std::string_view packet, std::size_t fds) {
  return decode_from_supervisor(packet, fds);
}
Result<FromWorker> decode(const FromWorker& /*like*/, std::string_view packet, std::size_t fds) {
  return decode_from_worker(packet, fds);
}

template <class Variant>
void check_round_trip(const std::vector<Variant>& messages) {
  ASSERT_EQ(messages.size(), std::variant_size_v<Variant>);
  for (std::size_t i = 0; i < messages.size(); ++i) {
    const Variant& message = messages[i];
    ASSERT_EQ(message.index(), i) << "one of each, in the order of the table";
    SCOPED_TRACE(rule_of(message).name);
    const std::size_t fds = fds_of(message);
    const Result<std::string> packet = encode(message, fds);
    ASSERT_TRUE(packet);
    const Result<Variant> back = decode(message, *packet, fds);
    ASSERT_TRUE(back) << back.error().message();
    EXPECT_EQ(back->index(), i);
    EXPECT_EQ(*encode(*back, fds), *packet);

    // shorter by any number of bytes, longer by one, with more or fewer descriptors
    for (std::size_t size = 0; size < packet->size(); ++size) {
      const auto cut = decode(message, std::string_view(*packet).substr(0, size), fds);
      ASSERT_FALSE(cut) << size;
      EXPECT_EQ(cut.error().code(), Code::kProtocol);
    }
    EXPECT_FALSE(decode(message, *packet + '\0', fds));
    EXPECT_FALSE(decode(message, *packet, fds + 1));
    EXPECT_FALSE(encode(message, fds + 1));
    // a header that announces what came is not enough: the message itself says how many it wants
    std::string more = *packet;
    more[4] = static_cast<char>(fds + 1);
    EXPECT_FALSE(decode(message, more, fds + 1));
  }
}

TEST(Messages, FromTheSupervisorTravelWholeOrNotAtAll) {
  check_round_trip(from_supervisor());
}
TEST(Messages, FromAWorkerTravelWholeOrNotAtAll) {
  check_round_trip(from_worker());
}

TEST(Messages, KeepTheirFields) {
  const auto configure = std::get<Configure>(*decode_from_supervisor(*encode(from_supervisor()[0], 2), 2));
  EXPECT_EQ(configure.generation, 1ULL << 40U);
  EXPECT_EQ(configure.tenant, "acme");
  EXPECT_EQ(configure.log_level, sluice::LogLevel::kDebug);
  const auto listeners = std::get<Listeners>(*decode_from_supervisor(*encode(from_supervisor()[1], 2), 2));
  EXPECT_EQ(listeners.items[1].endpoint_index, 70'000U);
  EXPECT_EQ(listeners.items[0].address, "[::1]:80");
  const auto protections = std::get<Protections>(*decode_from_worker(*encode(from_worker()[1], 0), 0));
  EXPECT_TRUE(protections.items[0].on);
  EXPECT_EQ(protections.items[1].why, "no permission, größer");
}

TEST(Messages, FitIntoTheirRowsAtTheLimitsOfTheirFields) {
  Listeners listeners;
  Slabs slabs;
  for (std::size_t i = 0; i < kMaxFds; ++i) {
    listeners.items.push_back({.endpoint_index = 0, .address = std::string(kMaxAddress, 'a')});
    slabs.items.push_back({.tenant = std::string(kMaxName, 't'), .worker_index = 0});
  }
  EXPECT_TRUE(encode(listeners, kMaxFds));
  EXPECT_TRUE(encode(slabs, kMaxFds));
  listeners.items.emplace_back();
  EXPECT_FALSE(encode(listeners, kMaxFds + 1));
  EXPECT_TRUE(encode(Failed{.why = std::string(kMaxSentence, 'w')}, 0));
  EXPECT_TRUE(encode(Hello{.application = std::string(kMaxName, 'a'), .version = std::string(kMaxName, 'v')}, 0));
  EXPECT_FALSE(encode(Hello{.application = std::string(kMaxName + 1, 'a')}, 0));
}

TEST(Messages, CutALongSentenceAndCleanIt) {
  const auto back = decode_from_worker(*encode(Failed{.why = "\x1b" + std::string(2000, 'x')}, 0), 0);
  EXPECT_EQ(std::get<Failed>(*back).why, "\xEF\xBF\xBD" + std::string(kMaxSentence - 3, 'x'));
}

TEST(Messages, RefuseWhatTheOtherSideMaySay) {
  const auto upside_down = decode_from_worker(*encode(Stop{}, 0), 0);
  ASSERT_FALSE(upside_down);
  EXPECT_THAT(upside_down.error().message(), HasSubstr("type 6, which the peer may not send"));
  EXPECT_FALSE(decode_from_supervisor(*encode(Ready{}, 0), 0));
}

TEST(Messages, RefuseAnotherVersionOfTheProtocol) {
  std::string packet = *encode(Ready{}, 0);
  packet[0] = 99;
  EXPECT_THAT(decode_from_worker(packet, 0).error().message(), HasSubstr("speaks version 99"));
}

TEST(Messages, RefuseFieldsWithoutMeaning) {
  std::string level = *encode(SetLogLevel{}, 0);
  level.back() = 4;
  EXPECT_FALSE(decode_from_supervisor(level, 0));
  std::string hello = *encode(Hello{.application = "ab", .version = "1"}, 0);
  hello[10] = '\x1b';  // an escape sequence for the operator's terminal
  EXPECT_FALSE(decode_from_worker(hello, 0));
  std::string reserved = *encode(Ready{}, 0);
  reserved[6] = 1;
  EXPECT_FALSE(decode_from_worker(reserved, 0));
}

TEST(Conversation, LetsAWorkerSayEachThingOnce) {
  Conversation conversation;
  ASSERT_TRUE(conversation.permit(rule_of(FromWorker(Hello{}))));
  const Result<> again = conversation.permit(rule_of(FromWorker(Hello{})));
  ASSERT_FALSE(again);
  EXPECT_THAT(again.error().message(), HasSubstr("the worker said Hello twice"));
}

TEST(Conversation, GoesFromStartingOverServingToDraining) {
  Conversation conversation;
  const auto may = [&](const auto& message) { return Conversation(conversation).permit(rule_of(message)).has_value(); };
  using S = FromSupervisor;
  using W = FromWorker;
  EXPECT_EQ(conversation.phase(), Phase::kStarting);
  EXPECT_TRUE(may(S(Configure{})) && may(S(Listeners{})) && may(S(Slabs{})) && may(S(Begin{})) && may(S(Stop{})));
  EXPECT_TRUE(may(W(Hello{})) && may(W(Protections{})) && may(W(Failed{})));
  EXPECT_FALSE(may(S(Drain{})) || may(W(Drained{})) || may(S(Accept{})) || may(S(Pause{})));

  ASSERT_TRUE(conversation.permit(rule_of(W(Ready{}))));
  EXPECT_EQ(conversation.phase(), Phase::kServing);
  EXPECT_TRUE(may(S(Drain{})) && may(S(Stop{})) && may(S(SetLogLevel{})) && may(S(Slabs{})) && may(W(Failed{})));
  EXPECT_TRUE(may(S(Listeners{})) && may(S(Accept{})) && may(S(Pause{})));
  EXPECT_FALSE(may(S(Configure{})) || may(S(Begin{})));
  EXPECT_FALSE(may(W(Hello{})) || may(W(Protections{})) || may(W(Ready{})) || may(W(Drained{})));

  ASSERT_TRUE(conversation.permit(rule_of(S(Drain{}))));
  EXPECT_EQ(conversation.phase(), Phase::kDraining);
  EXPECT_TRUE(may(W(Drained{})) && may(W(Failed{})) && may(S(Stop{})) && may(S(SetLogLevel{})) && may(S(Drain{})));
  EXPECT_FALSE(may(S(Accept{})) || may(S(Pause{})) || may(S(Listeners{})) || may(W(Ready{})));
  EXPECT_TRUE(may(W(Prepared{}))) << "the question may have come before Drain";
  EXPECT_FALSE(may(S(Reconfigure{})) || may(S(Adopt{})));
}

// A row as docs/ipc.md shows it.
std::string documented(const Rule& rule) {
  std::string phases;
  for (const Phase phase : {Phase::kStarting, Phase::kServing, Phase::kDraining}) {
    if (!rule.allowed_in(phase)) continue;
    phases += (phases.empty() ? "" : ", ") + std::string(name(phase));
  }
  if (rule.moves_to) phases += " → " + std::string(name(*rule.moves_to));
  return fmt::format("| {} | {} | {} | {} | {} | {} |", rule.type, rule.name, phases,
                     rule.times == Times::kOnce ? "once" : "any", rule.max_fds, rule.max_size);
}

TEST(Messages, AreDocumentedAsTheyAre) {
  std::ifstream file("docs/ipc.md");
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  const auto check = [&](const auto& message) { EXPECT_THAT(text, HasSubstr(documented(rule_of(message)))); };
  std::ranges::for_each(from_supervisor(), check);
  std::ranges::for_each(from_worker(), check);
}

}  // namespace
}  // namespace sluice::ipc
