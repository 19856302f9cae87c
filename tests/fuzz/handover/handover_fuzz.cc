// What a worker of another generation says: packets and, behind the first byte, the state of a connection. Whatever is
// taken is within its bounds and comes back as the same bytes.
#include <cstdint>
#include <string_view>

#include "base/check.h"
#include "restart/handover.h"

namespace sluice::restart {

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  if (const Result<Parcel> parcel = decode_parcel(bytes)) {
    const Result<std::string> again = encode(*parcel);
    SLUICE_CHECK(again && *again == bytes, "a packet was decoded that encodes to something else");
  } else {
    SLUICE_CHECK(parcel.error().code() == Code::kProtocol, "a refusal is a protocol error");
  }
  if (const Result<MovedConnection> state = decode_state(bytes)) {
    SLUICE_CHECK(state->descriptors() <= kMostDescriptors, "more descriptors than may be");
    const Result<std::string> again = encode_state(*state);
    SLUICE_CHECK(again && *again == bytes, "a state was decoded that encodes to something else");
  } else {
    SLUICE_CHECK(state.error().code() == Code::kProtocol, "a refusal is a protocol error");
  }
  return 0;
}

}  // namespace sluice::restart
