#include "worker/tls/websocket_key.h"

#include <gtest/gtest.h>

namespace sluice::worker {
namespace {

TEST(WebsocketKey, IsAnsweredAsTheRfcSays) {  // RFC 6455 section 1.3
  EXPECT_EQ(websocket_accept("dGhlIHNhbXBsZSBub25jZQ=="), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
}

TEST(WebsocketKey, IsSixteenBytesThatNobodyGuesses) {
  const std::string one = websocket_key();
  EXPECT_EQ(one.size(), 24U);
  EXPECT_NE(one, websocket_key());
}

}  // namespace
}  // namespace sluice::worker
