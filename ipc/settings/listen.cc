// See listen.h.
#include "ipc/settings/listen.h"

namespace sluice::ipc {
namespace {
constexpr std::string_view kDualWord = "dual:";
}

Result<ListenAddress> ListenAddress::parse(std::string_view text) {
  const bool dual = text.starts_with(kDualWord);
  Result<SocketAddress> address = SocketAddress::parse(dual ? text.substr(kDualWord.size()) : text);
  if (!address) return fail(std::move(address).error());
  // an IPv6 socket takes IPv4 clients only when it is bound to the unspecified address
  if (dual && (address->is_unix() || !address->ip().is_v6() || !address->ip().is_unspecified()))
    return fail(Code::kBadSyntax,
                "\"" + std::string(text) + "\" is not dual:[::]:PORT, the one address that has both stacks");
  if (address->is_ip() && address->ip().is_v6() && address->ip().unmapped().is_v4())
    return fail(Code::kBadSyntax, "\"" + std::string(text) + "\" is an IPv4 address written as IPv6");
  return ListenAddress{*std::move(address), dual ? Stack::kDual : Stack::kSingle};
}

std::string ListenAddress::text() const {
  return (stack == Stack::kDual ? "dual:" : "") + address.text();
}

}  // namespace sluice::ipc
