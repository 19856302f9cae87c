// See plan.h.
#include "tests/restart/load/plan.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <map>
#include <utility>

namespace sluice::load {
namespace {

const std::map<std::string_view, Mode> kModes = {
    {"churn", Mode::kChurn},   {"burst", Mode::kBurst},       {"keep", Mode::kKeep},       {"hold", Mode::kHold},
    {"upload", Mode::kUpload}, {"download", Mode::kDownload}, {"connect", Mode::kConnect}, {"upgrade", Mode::kUpgrade},
    {"flows", Mode::kFlows},   {"shots", Mode::kShots}};

// a prime, so that pieces of usual sizes never begin at the same byte
constexpr std::size_t kPatternSize = 65521;

}  // namespace

std::expected<Plan, std::string> Plan::read(const std::vector<std::string_view>& arguments) {
  Plan plan;
  for (std::size_t i = 0; i + 1 < arguments.size(); i += 2) {
    const std::string_view name = arguments[i];
    const std::string_view value = arguments[i + 1];
    if (name == "--mode") {
      const auto mode = kModes.find(value);
      if (mode == kModes.end()) return std::unexpected(fmt::format("there is no mode {}", value));
      plan.mode = mode->second;
      continue;
    }
    std::uint64_t number = 0;
    if (std::from_chars(value.data(), value.data() + value.size(), number).ec != std::errc())
      return std::unexpected(fmt::format("{} wants a number", name));
    const std::chrono::milliseconds millis{number};
    if (name == "--port")
      plan.port = static_cast<std::uint16_t>(number);
    else if (name == "--target")
      plan.target = static_cast<std::uint16_t>(number);
    else if (name == "--connections")
      plan.connections = static_cast<std::uint32_t>(number);
    else if (name == "--rate")
      plan.rate = static_cast<double>(number);
    else if (name == "--think")
      plan.think = millis;
    else if (name == "--timeout")
      plan.timeout = millis;
    else if (name == "--every")
      plan.every = millis;
    else if (name == "--size")
      plan.size = number;
    else if (name == "--pace")
      plan.pace = number;
    else
      return std::unexpected(fmt::format("there is no option {}", name));
  }
  if (arguments.size() % 2 != 0) return std::unexpected(fmt::format("{} wants a value", arguments.back()));
  if (plan.port == 0) return std::unexpected("--port is missing");
  return plan;
}

Pattern::Pattern() : bytes_(kPatternSize, '\0') {
  std::uint32_t state = 1;
  for (char& byte : bytes_) {
    state = state * 1664525U + 1013904223U;
    byte = static_cast<char>(state >> 24U);
  }
}

std::string_view Pattern::piece(std::uint64_t offset, std::uint64_t most) const {
  return std::string_view(bytes_).substr(offset % kPatternSize, most);
}

bool Pattern::matches(std::uint64_t offset, std::string_view bytes) const {
  while (!bytes.empty()) {
    const std::string_view wanted = piece(offset, bytes.size());
    if (!bytes.starts_with(wanted)) return false;
    bytes.remove_prefix(wanted.size());
    offset += wanted.size();
  }
  return true;
}

sockaddr_in loopback(std::uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

}  // namespace sluice::load
