// The table behind error.h: one row per code.
#include "base/error.h"

#include <array>
#include <cerrno>
#include <cstring>

#include "base/check.h"

namespace sluice {
namespace {
constexpr std::array kFacts = {
    CodeFacts{Code::kInternal, "internal", 500, "proxy_internal_error"},
    CodeFacts{Code::kSystem, "system", 502, "proxy_internal_error"},
    CodeFacts{Code::kTimeout, "timeout", 504, "connection_timeout"},
    CodeFacts{Code::kClosed, "closed", 502, "connection_terminated"},
    CodeFacts{Code::kReset, "reset", 502, "connection_terminated"},
    CodeFacts{Code::kRefused, "refused", 502, "connection_refused"},
    CodeFacts{Code::kUnreachable, "unreachable", 502, "destination_ip_unroutable"},
    CodeFacts{Code::kDnsFailure, "dns_failure", 502, "dns_error"},
    CodeFacts{Code::kDnsTimeout, "dns_timeout", 504, "dns_timeout"},
    CodeFacts{Code::kForbidden, "forbidden", 403, "http_request_denied"},
    CodeFacts{Code::kDestinationForbidden, "destination_forbidden", 403, "destination_ip_prohibited"},
    CodeFacts{Code::kUnauthorized, "unauthorized", 407, "http_request_denied"},
    CodeFacts{Code::kLoop, "loop", 508, "proxy_loop_detected"},
    CodeFacts{Code::kTooLarge, "too_large", 413, "http_request_error"},
    CodeFacts{Code::kBadSyntax, "bad_syntax", 400, "http_request_error"},
    CodeFacts{Code::kUnsupported, "unsupported", 501, "http_request_error"},
    CodeFacts{Code::kNoRoute, "no_route", 404, "destination_not_found"},
    CodeFacts{Code::kMisdirected, "misdirected", 421, "http_request_denied"},
    CodeFacts{Code::kOverload, "overload", 503, "connection_limit_reached"},
    CodeFacts{Code::kTooMany, "too_many", 429, "http_request_denied"},
    CodeFacts{Code::kUnavailable, "unavailable", 503, "destination_unavailable"},
    CodeFacts{Code::kTlsCertificate, "tls_certificate", 502, "tls_certificate_error"},
    CodeFacts{Code::kTlsProtocol, "tls_protocol", 502, "tls_protocol_error"},
    CodeFacts{Code::kTlsAlert, "tls_alert", 502, "tls_alert_received"},
    CodeFacts{Code::kBadConfig, "bad_config", 500, "proxy_configuration_error"},
    CodeFacts{Code::kProtocol, "protocol", 500, "proxy_internal_error"},
};
constexpr bool rows_in_order() {
  for (std::size_t i = 0; i < kFacts.size(); ++i)
    if (static_cast<std::size_t>(kFacts[i].code) != i) return false;
  return kFacts.size() == static_cast<std::size_t>(Code::kProtocol) + 1;
}
static_assert(rows_in_order(), "one row per code, in the order of the enum");

Code code_of_errno(int number) {
  switch (number) {
    case ECONNREFUSED:
      return Code::kRefused;
    case ECONNRESET:
    case EPIPE:
      return Code::kReset;
    case ETIMEDOUT:
      return Code::kTimeout;
    case ENETUNREACH:
    case EHOSTUNREACH:
    case EADDRNOTAVAIL:
      return Code::kUnreachable;
    case EMFILE:
    case ENFILE:
    case ENOMEM:
    case ENOBUFS:
      return Code::kOverload;
    default:
      return Code::kSystem;
  }
}
}  // namespace

Error Error::from_errno(int number, std::string_view call) {
  Error error(code_of_errno(number), std::string(call));
  error.sys_ = number;
  return error;
}

Error&& Error::during(std::string_view step) && {
  what_ = what_.empty() ? std::string(step) : std::string(step) + ": " + what_;
  return std::move(*this);
}

std::string Error::message() const {
  std::string text = what_.empty() ? std::string(name(code_)) : what_;
  if (sys_ != 0) {
    text += ": ";
    text += strerrordesc_np(sys_) != nullptr ? strerrordesc_np(sys_) : "unknown error";
    if (const char* symbol = strerrorname_np(sys_); symbol != nullptr) text += std::string(" (") + symbol + ")";
  }
  return text;
}

const CodeFacts& facts(Code code) {
  return kFacts.at(static_cast<std::size_t>(code));
}
std::string_view name(Code code) {
  return facts(code).name;
}
std::string_view name(Side side) {
  switch (side) {
    case Side::kUs:
      return "proxy";
    case Side::kClient:
      return "client";
    case Side::kOrigin:
      return "origin";
  }
  SLUICE_CHECK(false, "no such side");
}

}  // namespace sluice
