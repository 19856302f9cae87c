// Arbitrary bytes on the control socket, for both sides. The first byte says in which steps they arrive; lines must be
// the same however that is, and a value that was parsed must survive being written and parsed again.
#include <algorithm>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <string_view>
#include <vector>

#include "base/check.h"
#include "ipc/control.h"
#include "ipc/text.h"

namespace sluice::ipc {
namespace {

constexpr std::size_t kLongest = 256;

std::vector<std::string> lines_of(std::string_view bytes, std::size_t step) {
  LineSplitter splitter(kLongest);
  std::vector<std::string> lines;
  while (!bytes.empty()) {
    const std::size_t now = std::min(step, bytes.size());
    splitter.feed(bytes.substr(0, now));
    bytes.remove_prefix(now);
    for (;;) {
      const auto line = splitter.next();
      if (!line) return lines;
      if (!*line) break;
      SLUICE_CHECK((*line)->size() <= kLongest, "a line beyond the bound");
      lines.push_back(**line);
    }
  }
  return lines;
}

void check_line(const std::string& line) {
  if (const auto request = parse_request(line)) {
    SLUICE_CHECK(!command_of(*request).empty(), "a request without a command");
    const auto again = parse_request(request_line(*request));
    SLUICE_CHECK(again && *again == *request, "a request that changes when it is written");
  }
  if (const auto reply = parse_reply(line); reply && kind_of(*reply) == ReplyKind::kError)
    SLUICE_CHECK(is_printable(error_of(*reply).what()), "an error that cannot be shown");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  const std::vector<std::string> lines = lines_of(bytes, bytes.size());
  SLUICE_CHECK(lines == lines_of(bytes, std::size_t{data[0]} + 1), "lines depend on how they arrive");
  std::ranges::for_each(lines, check_line);
  return 0;
}

}  // namespace sluice::ipc
