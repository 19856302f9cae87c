// The table behind fault.h: one row per fault.
#include "proto/http/fault.h"

#include <array>
#include <string>

namespace sluice::http {
namespace {
constexpr std::array kFacts = {
    FaultFacts{Fault::kStartLineTooLong, "start_line_too_long", Code::kTooLarge, 414, "the start line is too long"},
    FaultFacts{Fault::kHeadTooLarge, "head_too_large", Code::kTooLarge, 431, "the head has too many bytes"},
    FaultFacts{Fault::kTooManyFields, "too_many_fields", Code::kTooLarge, 431, "the head has too many fields"},
    FaultFacts{Fault::kTooManyEmptyLines, "too_many_empty_lines", Code::kBadSyntax, 400,
               "too many empty lines before the request line"},
    FaultFacts{Fault::kBareCr, "bare_cr", Code::kBadSyntax, 400, "a carriage return without a line feed"},
    FaultFacts{Fault::kBareLf, "bare_lf", Code::kBadSyntax, 400, "a line feed without a carriage return"},
    FaultFacts{Fault::kControlByte, "control_byte", Code::kBadSyntax, 400, "a control byte in the head"},
    FaultFacts{Fault::kBadStartLine, "bad_start_line", Code::kBadSyntax, 400, "the start line has the wrong shape"},
    FaultFacts{Fault::kBadMethod, "bad_method", Code::kBadSyntax, 400, "the method is not a token"},
    FaultFacts{Fault::kBadTarget, "bad_target", Code::kBadSyntax, 400, "the request target is malformed"},
    FaultFacts{Fault::kBadVersion, "bad_version", Code::kUnsupported, 505, "the version is neither 1.0 nor 1.1"},
    FaultFacts{Fault::kBadStatus, "bad_status", Code::kBadSyntax, 502, "the status is not between 100 and 599"},
    FaultFacts{Fault::kObsFold, "obs_fold", Code::kBadSyntax, 400, "a field line is folded"},
    FaultFacts{Fault::kSpaceBeforeColon, "space_before_colon", Code::kBadSyntax, 400,
               "white space between field name and colon"},
    FaultFacts{Fault::kBadFieldName, "bad_field_name", Code::kBadSyntax, 400, "a field name is not a token"},
    FaultFacts{Fault::kParsersDisagree, "parsers_disagree", Code::kBadSyntax, 400,
               "two parsers read the head differently"},
    FaultFacts{Fault::kNoHost, "no_host", Code::kBadSyntax, 400, "a request of HTTP/1.1 without Host"},
    FaultFacts{Fault::kRepeatedHost, "repeated_host", Code::kBadSyntax, 400, "more than one Host"},
    FaultFacts{Fault::kBadHost, "bad_host", Code::kBadSyntax, 400, "Host is not a host with an optional port"},
    FaultFacts{Fault::kHostDiffers, "host_differs", Code::kBadSyntax, 400, "Host is not what :authority says"},
    FaultFacts{Fault::kBadAuthority, "bad_authority", Code::kBadSyntax, 400,
               "the target's authority is not a host with an optional port"},
    FaultFacts{Fault::kUserInfo, "user_info", Code::kBadSyntax, 400, "the target holds user information"},
    FaultFacts{Fault::kNoConnectPort, "no_connect_port", Code::kBadSyntax, 400, "CONNECT without a port"},
    FaultFacts{Fault::kUnknownScheme, "unknown_scheme", Code::kBadSyntax, 400, "the scheme is neither http nor https"},
    FaultFacts{Fault::kBadContentLength, "bad_content_length", Code::kBadSyntax, 400,
               "Content-Length is not one plain number"},
    FaultFacts{Fault::kRepeatedContentLength, "repeated_content_length", Code::kBadSyntax, 400,
               "Content-Length is given more than once"},
    FaultFacts{Fault::kLengthAndCoding, "length_and_coding", Code::kBadSyntax, 400,
               "both Content-Length and Transfer-Encoding"},
    FaultFacts{Fault::kUnknownCoding, "unknown_coding", Code::kUnsupported, 501,
               "a transfer coding other than chunked"},
    FaultFacts{Fault::kCodingNotChunked, "coding_not_chunked", Code::kBadSyntax, 400,
               "Transfer-Encoding is malformed or repeats chunked"},
    FaultFacts{Fault::kCodingInHttp10, "coding_in_http10", Code::kBadSyntax, 400, "Transfer-Encoding in HTTP/1.0"},
    FaultFacts{Fault::kConnectWithBody, "connect_with_body", Code::kBadSyntax, 400, "CONNECT announces a body"},
    FaultFacts{Fault::kBodyTooLarge, "body_too_large", Code::kTooLarge, 413, "the body is too large"},
    FaultFacts{Fault::kBadChunkSize, "bad_chunk_size", Code::kBadSyntax, 400, "a chunk size is not hexadecimal"},
    FaultFacts{Fault::kChunkTooLarge, "chunk_too_large", Code::kBadSyntax, 400, "a chunk size overflows"},
    FaultFacts{Fault::kBadChunkExtension, "bad_chunk_extension", Code::kBadSyntax, 400,
               "a chunk extension is malformed"},
    FaultFacts{Fault::kChunkExtensionsTooLong, "chunk_extensions_too_long", Code::kTooLarge, 413,
               "too many bytes of chunk extensions"},
    FaultFacts{Fault::kBadChunkEnd, "bad_chunk_end", Code::kBadSyntax, 400, "a chunk does not end in CRLF"},
    FaultFacts{Fault::kTrailersTooLarge, "trailers_too_large", Code::kTooLarge, 413, "the trailers are too large"},
    FaultFacts{Fault::kBadTrailer, "bad_trailer", Code::kBadSyntax, 400, "a trailer line is malformed"},
    FaultFacts{Fault::kBodyCutShort, "body_cut_short", Code::kClosed, 400, "the body ended before its end"},
    FaultFacts{Fault::kProtectedNomination, "protected_nomination", Code::kBadSyntax, 400,
               "Connection names a field that is not its to remove"},
    FaultFacts{Fault::kBadMaxForwards, "bad_max_forwards", Code::kBadSyntax, 400, "Max-Forwards is not a number"},
    FaultFacts{Fault::kBadExpectation, "bad_expectation", Code::kUnsupported, 417,
               "an expectation other than 100-continue"},
    FaultFacts{Fault::kForwardingLoop, "forwarding_loop", Code::kLoop, 508, "the message has been here before"},
    FaultFacts{Fault::kBadUpgrade, "bad_upgrade", Code::kBadSyntax, 400, "the upgrade request is malformed"},
};
constexpr bool rows_in_order() {
  for (std::size_t i = 0; i < kFacts.size(); ++i)
    if (static_cast<std::size_t>(kFacts[i].fault) != i) return false;
  return kFacts.size() == static_cast<std::size_t>(Fault::kBadUpgrade) + 1;
}
static_assert(rows_in_order(), "one row per fault, in the order of the enum");
}  // namespace

const FaultFacts& facts(Fault fault) {
  return kFacts.at(static_cast<std::size_t>(fault));
}

Error as_error(Fault fault, Side side) {
  const FaultFacts& row = facts(fault);
  return Error(row.code, std::string(row.why)).from(side);
}

}  // namespace sluice::http
