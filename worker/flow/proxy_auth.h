// ProxyAuth: who may use a forward endpoint (Proxy-Authorization, RFC 9110 section 11.7, with Basic of RFC 7617).
//
// A password is verified the slow way once (base/password.h); afterwards it is known again by a cheap digest, so that
// each further request of that user costs one HMAC. Who guesses always takes the slow way, an unknown user too, so the
// time tells nothing. One per endpoint; only the worker's one thread uses it.
#pragma once
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "base/password.h"
#include "ipc/settings/proxy_auth.h"
#include "proto/http/fields.h"

namespace sluice::worker {

class ProxyAuth {
 public:
  /// The settings have been checked when the configuration was read.
  explicit ProxyAuth(const ipc::ProxyAuthSettings& settings);

  [[nodiscard]] bool required() const { return required_; }
  /// The user whose credentials the request has; nothing when it has none or wrong ones. Lifetime: as this object.
  [[nodiscard]] std::optional<std::string_view> user_of(const http::Fields& fields) const;
  /// The value of Proxy-Authenticate.
  [[nodiscard]] const std::string& challenge() const { return challenge_; }

 private:
  struct User {
    PasswordEntry entry;
    std::optional<Sha256Digest> known = std::nullopt;  // the shortcut of the password that was right
  };
  [[nodiscard]] static bool verify(User& user, std::string_view password);

  bool required_;
  std::string challenge_;
  mutable std::map<std::string, User, std::less<>> users_;  // mutable: verifying remembers
  PasswordEntry nobody_;
};

}  // namespace sluice::worker
