// See proxy_header.h.
#include "worker/onramp/proxy_header.h"

#include <array>
#include <string>

namespace sluice::worker {
namespace {

std::unexpected<Error> bad(Code code, std::string what) {
  return fail(Error(code, std::move(what)).from(Side::kClient));
}

// One look at what has come. Empty: not whole yet; otherwise the header has been read.
Result<std::optional<proxy_protocol::Header>> look(SocketStream& stream) {
  std::array<char, proxy_protocol::kMaxHeader> bytes;  // NOLINT(cppcoreguidelines-pro-type-member-init): read into
  const sys::Io seen = stream.peek(bytes);
  if (seen.again()) return std::nullopt;
  if (seen.failed()) return fail(Error::from_errno(seen.error, "recv").from(Side::kClient));
  if (seen.bytes == 0) return bad(Code::kClosed, "closed before the PROXY header");
  proxy_protocol::Header header;
  const auto size = proxy_protocol::parse({bytes.data(), seen.bytes}, header);
  if (!size) return bad(Code::kBadSyntax, std::string(proxy_protocol::name(size.error())));
  if (*size == 0) {
    if (stream.peer_closed()) return bad(Code::kClosed, "closed in the middle of the PROXY header");
    stream.readable().clear();  // until more bytes bring an edge
    return std::nullopt;
  }
  const sys::Io taken = stream.read(std::span(bytes).first(*size));
  if (!taken.done() || taken.bytes != *size) return bad(Code::kReset, "the PROXY header cannot be read");
  header.tlvs = {};  // they pointed into `bytes`
  return header;
}

}  // namespace

Task<Result<std::optional<proxy_protocol::Addresses>>> take_proxy_header(Loop& loop, SocketStream& stream,
                                                                         Deadline deadline) {
  for (;;) {
    const Wake wake = co_await stream.readable().wait(loop, deadline);
    if (wake == Wake::kTimeout) co_return bad(Code::kTimeout, "no PROXY header in time");
    Result<std::optional<proxy_protocol::Header>> header = look(stream);
    if (!header) co_return fail(std::move(header.error()));
    if (*header) co_return std::move((*header)->addresses);
  }
}

}  // namespace sluice::worker
