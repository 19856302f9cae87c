// Error: what went wrong, whose fault it was and whether trying again is safe.
//
// A proxy asks three questions of every failure: what do I tell the client, whom do I blame in the metrics, may I
// retry. Error answers all three, so that no caller has to guess. Code is one flat list; error.cc holds one table that
// says for each code which HTTP status, which Proxy-Status error type (RFC 9209 section 2.3) and which log level belong
// to it. Adding a code is adding a row there. Errors are values: they move freely and own their text.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>

namespace sluice {

enum class Code : std::uint8_t {
  kInternal,              ///< a bug or an impossible answer from a library
  kSystem,                ///< a system call failed; sys() has errno
  kTimeout,               ///< a deadline passed
  kClosed,                ///< the peer closed, in order, where it should not have
  kReset,                 ///< the peer reset the connection
  kRefused,               ///< nobody listens at the address
  kUnreachable,           ///< no route, host or network unreachable
  kDnsFailure,            ///< the name does not resolve
  kDnsTimeout,            ///< no resolver answered in time
  kForbidden,             ///< refused by policy
  kDestinationForbidden,  ///< the address really connected to is not allowed
  kUnauthorized,          ///< credentials missing or wrong
  kLoop,                  ///< the request has been here before
  kTooLarge,              ///< a size limit was passed
  kBadSyntax,             ///< bytes that are not what the protocol allows
  kUnsupported,           ///< legal, but not offered here
  kNoRoute,               ///< the configuration knows no place for it
  kMisdirected,           ///< right somewhere, but not on this connection
  kOverload,              ///< a limit on load was reached
  kTooMany,               ///< this client asks for more than its share
  kUnavailable,           ///< no healthy server, or draining
  kTlsCertificate,        ///< the peer's certificate is not the right one
  kTlsProtocol,           ///< what came is not TLS, or not what both sides can
  kTlsAlert,              ///< the peer ended the handshake with an alert
  kBadConfig,             ///< the configuration says something impossible
  kProtocol,              ///< a peer process broke the IPC rules
};

enum class Side : std::uint8_t { kUs, kClient, kOrigin };

enum class Retry : std::uint8_t {
  kNo,           ///< the origin may have acted on it
  kYes,          ///< nothing was sent
  kUnprocessed,  ///< the server says, or must, that it has not looked at it: safe there, too, for any request
  kIfReused,     ///< safe when the connection was a reused one that died before its first answer byte
};

class Error {
 public:
  explicit Error(Code code, std::string what = {}) : code_(code), what_(std::move(what)) {}

  /// An error for a failed system call: maps errno to the nearest code and keeps the number.
  static Error from_errno(int number, std::string_view call);

  Error& from(Side side) & {
    side_ = side;
    return *this;
  }
  Error&& from(Side side) && {
    side_ = side;
    return std::move(*this);
  }
  Error&& retry(Retry retry) && {
    retry_ = retry;
    return std::move(*this);
  }
  Error&& during(std::string_view step) &&;

  [[nodiscard]] Code code() const { return code_; }
  [[nodiscard]] Side side() const { return side_; }
  [[nodiscard]] Retry retry() const { return retry_; }
  /// errno of the failed call, 0 when the error did not come from one.
  [[nodiscard]] int sys() const { return sys_; }
  [[nodiscard]] const std::string& what() const { return what_; }
  /// One line for people: "reading the response head: connection reset (ECONNRESET)".
  [[nodiscard]] std::string message() const;

 private:
  Code code_;
  Side side_ = Side::kUs;
  Retry retry_ = Retry::kNo;
  int sys_ = 0;
  std::string what_;
};

/// What each code means to the outside.
struct CodeFacts {
  Code code;
  std::string_view name;          ///< metric label and log value, stable
  std::uint16_t status;           ///< HTTP status when the proxy answers for it
  std::string_view proxy_status;  ///< RFC 9209 error type, empty where none fits
};
[[nodiscard]] const CodeFacts& facts(Code code);
[[nodiscard]] std::string_view name(Code code);
[[nodiscard]] std::string_view name(Side side);

}  // namespace sluice
