// See proxy_auth.h.
#include "worker/flow/proxy_auth.h"

#include "base/check.h"
#include "proto/http/basic_credentials.h"

namespace sluice::worker {

ProxyAuth::ProxyAuth(const ipc::ProxyAuthSettings& settings)
    : required_(settings.enabled),
      challenge_("Basic realm=\"" + settings.realm + "\", charset=\"UTF-8\""),
      nobody_(PasswordEntry::make({}, "no such user", PasswordEntry::kUsualIterations)) {
  for (const auto& [name, text] : settings.users) {
    Result<PasswordEntry> entry = PasswordEntry::parse(text);
    SLUICE_CHECK(entry.has_value(), "a password entry that the configuration's checks let through does not parse");
    users_.emplace(name, User{.entry = *std::move(entry)});
  }
}

bool ProxyAuth::verify(User& user, std::string_view password) {
  const Sha256Digest shortcut = user.entry.shortcut(password);
  if (user.known && equal_in_constant_time(*user.known, shortcut)) return true;
  if (!user.entry.verify(password)) return false;
  user.known = shortcut;
  return true;
}

std::optional<std::string_view> ProxyAuth::user_of(const http::Fields& fields) const {
  const std::optional<std::string_view> value = fields.find(http::FieldId::kProxyAuthorization);
  if (!value || fields.count(http::FieldId::kProxyAuthorization) != 1) return std::nullopt;
  http::BasicCredentials credentials;
  if (!credentials.parse(*value)) return std::nullopt;
  const auto user = users_.find(credentials.user());
  if (user == users_.end()) {
    static_cast<void>(nobody_.verify(credentials.password()));  // as long as a wrong password takes
    return std::nullopt;
  }
  if (!verify(user->second, credentials.password())) return std::nullopt;
  return user->first;
}

}  // namespace sluice::worker
