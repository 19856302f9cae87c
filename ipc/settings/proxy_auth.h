// Settings of who may use a forward endpoint.
#pragma once
#include <map>
#include <string>

#include "base/settings/describe.h"
#include "ipc/settings/checks.h"

namespace sluice::ipc {

struct ProxyAuthSettings {
  bool enabled = false;
  std::string realm = "sluice";
  std::map<std::string, std::string> users;

  static constexpr std::string_view about =
      "Users of a forward endpoint, by Proxy-Authorization with Basic (RFC 7617). Others are answered with 407. The "
      "connection to the proxy is not encrypted, so keep it where nobody listens.";
  static constexpr void describe(auto& f) {
    using S = ProxyAuthSettings;
    f(&S::enabled, "enabled", "Serve only users that say who they are.");
    f(&S::realm, "realm", "What clients show to their users when they ask for the password.").check(kRealm).filled();
    f(&S::users, "users",
      "Name and password of each user, the password as `sluicectl password` prints it: "
      "\"pbkdf2-sha256:ITERATIONS:SALT:HASH\".")
        .check(kPassword)
        .key_check(kUser)
        .filled()
        .secret();
  }
};
static_assert(settings::complete<ProxyAuthSettings>());

}  // namespace sluice::ipc
