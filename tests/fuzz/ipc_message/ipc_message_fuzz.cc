// Arbitrary packets from the other process, both directions. Whatever the decoder takes must be within the bounds of
// the table, printable, and come back as the same bytes: there is one spelling of every message.
#include <cstdint>
#include <string_view>

#include "base/check.h"
#include "ipc/messages.h"
#include "ipc/peer.h"

namespace sluice::ipc {
namespace {

template <class Message>
void check(const Result<Message>& message, std::string_view packet, std::size_t fds) {
  if (!message) {
    SLUICE_CHECK(message.error().code() == Code::kProtocol, "a refusal is a protocol error");
    return;
  }
  const Result<std::string> again = encode(*message, fds);
  SLUICE_CHECK(again && *again == packet, "what was decoded encodes to something else");
  Conversation conversation;
  const bool permitted = conversation.permit(rule_of(*message)).has_value();
  SLUICE_CHECK(permitted == rule_of(*message).allowed_in(Phase::kStarting), "the table and the conversation disagree");
}

}  // namespace

// The first byte says how many descriptors came along.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view packet(reinterpret_cast<const char*>(data) + 1, size - 1);
  const std::size_t fds = data[0];
  check(decode_from_worker(packet, fds), packet, fds);
  check(decode_from_supervisor(packet, fds), packet, fds);
  return 0;
}

}  // namespace sluice::ipc
