// Arbitrary packets between a worker and the keyholder, both directions. Whatever the decoder takes must be within its
// bounds and come back as the same bytes: there is one spelling of every packet.
#include <cstdint>
#include <string_view>

#include "base/check.h"
#include "ipc/signing.h"

namespace sluice::ipc {
namespace {

template <class Item>
void check(const Result<std::vector<Item>>& items, std::string_view packet) {
  if (!items) {
    SLUICE_CHECK(items.error().code() == Code::kProtocol, "a refusal is a protocol error");
    return;
  }
  SLUICE_CHECK(!items->empty() && items->size() <= kMostSignatures, "too few or too many");
  const Result<std::string> again = encode(*items);
  SLUICE_CHECK(again && *again == packet, "what was decoded encodes to something else");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view packet(reinterpret_cast<const char*>(data), size);
  const Result<std::vector<SignRequest>> requests = decode_requests(packet);
  check(requests, packet);
  if (requests)
    for (const SignRequest& one : *requests)
      SLUICE_CHECK(one.key.size() == SignRequest::kKeyBytes && one.input.size() <= SignRequest::kMostInput,
                   "a request out of its bounds");
  check(decode_answers(packet), packet);
  return 0;
}

}  // namespace sluice::ipc
