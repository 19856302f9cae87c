#include "worker/flow/proxy_auth.h"

#include <gtest/gtest.h>

namespace sluice::worker {
namespace {
// "a:b", "a:c", "x:b"
constexpr std::string_view kRight = "Basic YTpi";
constexpr std::string_view kWrongPassword = "Basic YTpj";
constexpr std::string_view kWrongUser = "Basic eDpi";

ipc::ProxyAuthSettings settings() {
  ipc::ProxyAuthSettings made;
  made.enabled = true;
  made.users["a"] = PasswordEntry::make("b", "saltsalt", 2).text();
  made.users["other"] = PasswordEntry::make("b", "saltsalt", 2).text();
  return made;
}

std::string user_of(const ProxyAuth& auth, std::initializer_list<std::string_view> values) {
  http::Fields fields;
  for (const std::string_view value : values) EXPECT_TRUE(fields.add("Proxy-Authorization", value));
  return std::string(auth.user_of(fields).value_or("nobody"));
}

TEST(ProxyAuth, KnowsAUserByTheRightPasswordAlone) {
  const ProxyAuth auth(settings());
  EXPECT_TRUE(auth.required());
  for (int round = 0; round < 3; ++round) {  // the shortcut must not let more in than the password
    EXPECT_EQ(user_of(auth, {kWrongPassword}), "nobody");
    EXPECT_EQ(user_of(auth, {kRight}), "a");
    EXPECT_EQ(user_of(auth, {kWrongUser}), "nobody");
    EXPECT_EQ(user_of(auth, {}), "nobody");
    EXPECT_EQ(user_of(auth, {kRight, kRight}), "nobody");
    EXPECT_EQ(user_of(auth, {"Bearer YTpi"}), "nobody");
  }
}

TEST(ProxyAuth, SaysWhatItWants) {
  EXPECT_EQ(ProxyAuth(settings()).challenge(), R"(Basic realm="sluice", charset="UTF-8")");
  EXPECT_FALSE(ProxyAuth(ipc::ProxyAuthSettings()).required());
}

}  // namespace
}  // namespace sluice::worker
