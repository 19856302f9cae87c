// A whole session: bytes in both directions through the on-ramp, the exchange and the off-ramp, cut and interleaved as
// the input says. Whatever happens, what comes out can be read in one way, no request gets two answers, and when both
// ends are gone so is the session, with every coroutine and every connection.
//
// The input is a list of steps; each begins with a byte that says what is done (its low three bits) and how long the
// bytes are that follow (the rest, in steps of 8, or to the next line end when it is 31: text can be written as text).
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/check.h"
#include "tests/fuzz/http1_session/judge.h"
#include "tests/fuzz/http1_session/world.h"

namespace {
using namespace sluice;
using fuzz::Life;
using fuzz::Peer;
using fuzz::World;

enum Step : std::uint8_t {
  kClientSends,
  kOriginSends,
  kTurns,
  kClientEnds,
  kOriginEnds,
  kOriginResets,
  kOriginAnswers,  // a whole plain answer
  kClientSendsAll,
};

constexpr std::string_view kAnswer = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
constexpr int kTurnsForAnything = 600;  // far more than any way through the session needs
constexpr std::size_t kMostSteps = 64;

// One life and what its client has sent.
struct Play {
  Life& life;
  std::string sent;
};

Peer* last_origin(Life& life) {
  return life.origins().empty() ? nullptr : life.origins().back().get();
}

void client_sends(Play& play, std::string_view bytes) {
  play.sent.append(bytes);
  play.life.client().send(bytes);
}

Task<> step(Play& play, std::uint8_t what, std::string_view bytes) {
  Peer* const origin = last_origin(play.life);
  switch (static_cast<Step>(what & 7U)) {
    case kClientSends:
      client_sends(play, bytes);
      break;
    case kOriginSends:
      if (origin != nullptr) origin->send(bytes);
      break;
    case kTurns:
      co_await play.life.turn(static_cast<int>(bytes.size()));
      break;
    case kClientEnds:
      play.life.client().end();
      break;
    case kOriginEnds:
      if (origin != nullptr) origin->end();
      break;
    case kOriginResets:
      if (origin != nullptr) origin->reset();
      break;
    case kOriginAnswers:
      if (origin != nullptr) origin->send(kAnswer);
      break;
    case kClientSendsAll:
      client_sends(play, bytes);
      co_await play.life.turn(24);
      break;
  }
  co_await play.life.turn(4);
}

// The bytes of a step: `length` of them, or up to the next line end.
std::string_view take(std::string_view& input, std::uint8_t first) {
  const std::size_t wanted = first >> 3U;
  std::size_t size = wanted * 8;
  if (wanted == 31) {
    const std::size_t end = input.find('\n');
    size = end == std::string_view::npos ? input.size() : end + 1;
  }
  const std::string_view bytes = input.substr(0, size);
  input.remove_prefix(bytes.size());
  return bytes;
}

Task<> play_all(Play& play, std::string_view input) {
  co_await play.life.turn(1);
  for (std::size_t i = 0; i < kMostSteps && !input.empty(); ++i) {
    const auto first = static_cast<std::uint8_t>(input.front());
    input.remove_prefix(1);
    const std::string_view bytes = take(input, first);
    co_await step(play, first, bytes);
  }
  // everybody leaves
  play.life.client().reset();
  int turns = 0;
  while (!play.life.over()) {
    for (const auto& origin : play.life.origins()) origin->reset();
    SLUICE_CHECK(++turns < kTurnsForAnything, "both ends are gone and the session is not");
    co_await play.life.turn(1);
  }
  World::get().loop.stop();
}
}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view input(reinterpret_cast<const char*>(data), size);
  if (input.empty() || size > 4096) return 0;
  const fuzz::Kind kind = (input.front() & 1) != 0 ? fuzz::Kind::kForward : fuzz::Kind::kReverse;
  input.remove_prefix(1);
  World& world = World::get();
  {
    Life life(world, kind);
    Play play{.life = life, .sent = {}};
    {
      Scope scope;
      scope.spawn([&] { return play_all(play, input); });
      world.loop.run();
    }
    fuzz::judge_answers(play.sent, life.client().received);
    if (kind == fuzz::Kind::kReverse)
      for (const auto& origin : life.origins()) fuzz::judge_requests(origin->received);
  }
  SLUICE_CHECK(frames::live() == 0, "coroutines are left behind");
  return 0;
}
