// PROXY headers: whatever comes, reading ends within its bounds, a verdict does not change when more bytes come, and
// what was understood means the same when it is written again.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/check.h"
#include "proto/proxy_protocol/header.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace sluice::proxy_protocol;
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  Header header;
  const auto parsed = parse(bytes, header);
  for (std::size_t cut = 0; cut < size && cut <= kMaxHeader; ++cut) {
    Header partial;
    const auto earlier = parse(bytes.substr(0, cut), partial);
    if (!earlier) {
      SLUICE_CHECK(!parsed && parsed.error() == earlier.error(), "a refusal was taken back");
      break;
    }
    SLUICE_CHECK(*earlier == 0 || (parsed && *parsed == *earlier), "the end of the header moved");
    if (*earlier != 0) break;
  }
  if (!parsed) return 0;
  SLUICE_CHECK(*parsed <= size && *parsed <= kMaxHeader, "beyond the bytes or the bound");
  if (*parsed == 0) {
    SLUICE_CHECK(size < kMaxHeader, "more than the longest header, and still no verdict");
    return 0;
  }
  static_cast<void>(header.tlv(TlvType::kUniqueId));
  if (!header.addresses || header.addresses->source.is_unix()) return 0;
  for (const Version version : {Version::kV1, Version::kV2}) {
    const std::string written = write(version, header.addresses);
    Header again;
    const auto reread = parse(written, again);
    SLUICE_CHECK(reread && *reread == written.size() && again.addresses, "cannot read what was written");
    SLUICE_CHECK(again.addresses->source.ip().unmapped() == header.addresses->source.ip().unmapped() &&
                     again.addresses->source.port() == header.addresses->source.port() &&
                     again.addresses->destination.ip().unmapped() == header.addresses->destination.ip().unmapped() &&
                     again.addresses->destination.port() == header.addresses->destination.port(),
                 "says something else");
  }
  return 0;
}
