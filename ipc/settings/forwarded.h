// Settings of what an endpoint tells origins about where a request came from, and whom it believes about it.
#pragma once
#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "base/settings/describe.h"
#include "ipc/settings/checks.h"

namespace sluice::ipc {

enum class ForwardedField : std::uint8_t { kForwarded, kXForwardedFor, kXForwardedProto, kXForwardedHost, kXRealIp };
constexpr auto choices(ForwardedField) {
  using settings::Choice;
  return std::array{
      Choice{ForwardedField::kForwarded, "forwarded", "Forwarded (RFC 7239), with the parameters below"},
      Choice{ForwardedField::kXForwardedFor, "x-forwarded-for", "the addresses that it came through"},
      Choice{ForwardedField::kXForwardedProto, "x-forwarded-proto", "the scheme that the client used"},
      Choice{ForwardedField::kXForwardedHost, "x-forwarded-host", "the host that the client asked for"},
      Choice{ForwardedField::kXRealIp, "x-real-ip", "the address of the client alone"},
  };
}

enum class ForwardedParameter : std::uint8_t { kFor, kBy, kHost, kProto };
constexpr auto choices(ForwardedParameter) {
  using settings::Choice;
  return std::array{
      Choice{ForwardedParameter::kFor, "for", "the address of who connected to us"},
      Choice{ForwardedParameter::kBy, "by", "the endpoint, as \"_NAME\""},
      Choice{ForwardedParameter::kHost, "host", "the host that was asked for"},
      Choice{ForwardedParameter::kProto, "proto", "the scheme"},
  };
}

struct ForwardedSettings {
  std::vector<std::string> trust;
  std::vector<ForwardedField> emit;
  std::vector<ForwardedParameter> parameters = {ForwardedParameter::kFor, ForwardedParameter::kHost,
                                                ForwardedParameter::kProto};

  static constexpr std::string_view about =
      "Forwarded, X-Forwarded-For, -Proto, -Host, -Port, -Prefix and X-Real-IP. From a client that is not trusted they "
      "are removed, because they may say anything; from a trusted one they are passed on, and Forwarded and "
      "X-Forwarded-For are appended to. Its client is then the client of the request for hooks and the access log.";
  static constexpr void describe(auto& f) {
    using S = ForwardedSettings;
    f(&S::trust, "trust",
      "Networks of the proxies in front of us, such as \"10.0.0.0/8\", or \"unix\" for clients of UNIX sockets.")
        .check(kTrusted);
    f(&S::emit, "emit", "Fields that we add where the request does not have them yet.");
    f(&S::parameters, "parameters", "Parameters of our element in Forwarded.");
  }
};
static_assert(settings::complete<ForwardedSettings>());

}  // namespace sluice::ipc
