// What holds requests together.
#include "worker/offramp/balance_key.h"

#include <gtest/gtest.h>

namespace sluice::worker {
namespace {

TEST(BalanceKey, FindsACookieByItsWholeName) {
  http::Fields fields;
  fields.add(http::FieldId::kCookie, "sid=wrong2; asid=wrong; si=wrong; empty=");
  fields.add(http::FieldId::kCookie, "x=1;\tuser=alice ; user=bob");
  EXPECT_EQ(cookie_value(fields, "user"), "alice");
  EXPECT_EQ(cookie_value(fields, "sid"), "wrong2");
  EXPECT_EQ(cookie_value(fields, "id"), std::nullopt);
  EXPECT_EQ(cookie_value(fields, "empty"), "");
}

TEST(BalanceKey, TheSourceIsTheAddressWithoutThePort) {
  http::RequestHead request;
  const ipc::HashSettings settings{.by = ipc::HashBy::kSource};
  const auto key = [&](std::string_view peer) {
    return balance_key(settings, request, SocketAddress::parse(peer).value());
  };
  EXPECT_EQ(key("192.0.2.1:1000"), key("192.0.2.1:2000"));
  EXPECT_NE(key("192.0.2.1:1000"), key("192.0.2.2:1000"));
  EXPECT_EQ(key("unix:/x"), std::nullopt);
}

TEST(BalanceKey, AFieldThatIsMissingOrEmptyIsNoKey) {
  http::RequestHead request;
  const ipc::HashSettings header{.by = ipc::HashBy::kHeader, .name = "X-User"};
  const ipc::HashSettings cookie{.by = ipc::HashBy::kCookie, .name = "user"};
  const SocketAddress peer;
  EXPECT_EQ(balance_key(header, request, peer), std::nullopt);
  EXPECT_EQ(balance_key(cookie, request, peer), std::nullopt);
  ASSERT_TRUE(request.fields().add("x-user", ""));
  EXPECT_EQ(balance_key(header, request, peer), std::nullopt);
  ASSERT_TRUE(request.fields().set("x-user", "alice"));
  request.fields().add(http::FieldId::kCookie, "user=alice");
  EXPECT_NE(balance_key(header, request, peer), std::nullopt);
  EXPECT_EQ(balance_key(header, request, peer), balance_key(cookie, request, peer));
}

}  // namespace
}  // namespace sluice::worker
