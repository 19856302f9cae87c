// Fault: everything that can be wrong with an HTTP message, one enumerator each.
//
// Parsers answer with a Fault instead of an Error because refusing must be as cheap as accepting (an attacker chooses
// how often it happens) and because the on-ramp needs the exact status to answer with. The table in fault.cc says, for
// each fault, which status a server answers, which Code it is to the rest of the proxy and a sentence for the log. When
// the message came from an origin the status does not apply: any fault there is a 502.
#pragma once
#include <cstdint>
#include <expected>
#include <string_view>

#include "base/error.h"

namespace sluice::http {

enum class Fault : std::uint8_t {
  // size limits
  kStartLineTooLong,
  kHeadTooLarge,
  kTooManyFields,
  kTooManyEmptyLines,
  // the shape of the head
  kBareCr,
  kBareLf,
  kControlByte,
  kBadStartLine,
  kBadMethod,
  kBadTarget,
  kBadVersion,
  kBadStatus,
  kObsFold,
  kSpaceBeforeColon,
  kBadFieldName,
  kParsersDisagree,
  // host and target
  kNoHost,
  kRepeatedHost,
  kBadHost,
  kHostDiffers,
  kBadAuthority,
  kUserInfo,
  kNoConnectPort,
  kUnknownScheme,
  // framing
  kBadContentLength,
  kRepeatedContentLength,
  kLengthAndCoding,
  kUnknownCoding,
  kCodingNotChunked,
  kCodingInHttp10,
  kConnectWithBody,
  kBodyTooLarge,
  // chunks and trailers
  kBadChunkSize,
  kChunkTooLarge,
  kBadChunkExtension,
  kChunkExtensionsTooLong,
  kBadChunkEnd,
  kTrailersTooLarge,
  kBadTrailer,
  kBodyCutShort,
  // semantics
  kProtectedNomination,
  kBadMaxForwards,
  kBadExpectation,
  kForwardingLoop,
  kBadUpgrade,
};

struct FaultFacts {
  Fault fault;
  std::string_view name;  ///< metric label and log value, stable
  Code code;              ///< what it is to the rest of the proxy
  std::uint16_t status;   ///< what a server answers a client that did this
  std::string_view why;   ///< one sentence for the log and for the hook writer
};

[[nodiscard]] const FaultFacts& facts(Fault fault);

/// The Error for a fault; `side` is who sent the faulty message.
[[nodiscard]] Error as_error(Fault fault, Side side);

/// A value, or what was wrong with the message.
template <class T = void>
using Parsed = std::expected<T, Fault>;

[[nodiscard]] inline std::unexpected<Fault> fault(Fault what) {
  return std::unexpected<Fault>(what);
}

}  // namespace sluice::http
