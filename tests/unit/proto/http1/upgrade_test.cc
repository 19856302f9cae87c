#include "proto/http1/upgrade.h"

#include <gtest/gtest.h>

#include <array>
#include <string>

#include "proto/http/semantics.h"
#include "tests/unit/proto/http1/feeding.h"

namespace sluice::http1 {
namespace {
using http::Fault;

constexpr std::array<std::string_view, 1> kWebSocket = {"websocket"};

std::optional<std::string> wanted(const std::string& line, const std::string& fields) {
  const FedRequest fed = parse_request(line + "\r\nHost: a:1\r\n" + fields + "\r\n");
  EXPECT_TRUE(fed.outcome);
  const auto found = wanted_upgrade(*fed.head, kWebSocket);
  return found ? std::optional<std::string>(*found) : std::nullopt;
}

TEST(Http1Upgrade, TakesPartOnlyInAllowedProtocols) {
  const std::string get = "GET / HTTP/1.1";
  EXPECT_EQ(wanted(get, "Connection: Upgrade\r\nUpgrade: websocket\r\n"), "websocket");
  EXPECT_EQ(wanted(get, "Connection: keep-alive, upgrade\r\nUpgrade: h2c, WebSocket\r\n"), "WebSocket");
  EXPECT_EQ(wanted(get, "Connection: Upgrade\r\nUpgrade: h2c\r\n"), std::nullopt);
  EXPECT_EQ(wanted(get, "Connection: Upgrade\r\nUpgrade: websocket/13\r\n"), std::nullopt);
  EXPECT_EQ(wanted(get, "Connection: Upgrade\r\n"), std::nullopt);
  EXPECT_EQ(wanted(get, "Upgrade: websocket\r\n"), std::nullopt);
}

TEST(Http1Upgrade, TakesNoPartWhereTheNewProtocolWouldBeginInDoubt) {
  const std::string upgrade = "Connection: Upgrade\r\nUpgrade: websocket\r\n";
  EXPECT_EQ(wanted("GET / HTTP/1.0", upgrade), std::nullopt);
  EXPECT_EQ(wanted("CONNECT a:1 HTTP/1.1", upgrade), std::nullopt);
  EXPECT_EQ(wanted("POST / HTTP/1.1", upgrade + "Content-Length: 5\r\n"), std::nullopt);
  EXPECT_EQ(wanted("POST / HTTP/1.1", upgrade + "Transfer-Encoding: chunked\r\n"), std::nullopt);
  EXPECT_EQ(wanted("GET / HTTP/1.1", upgrade + "Content-Length: 0\r\n"), "websocket");
}

TEST(Http1Upgrade, SurvivesTheRemovalOfHopByHopFields) {
  const FedRequest fed = parse_request(
      "GET / HTTP/1.1\r\nHost: a\r\nConnection: upgrade, HTTP2-Settings\r\nUpgrade: websocket\r\nHTTP2-Settings: "
      "x\r\n\r\n");
  http::Fields& fields = fed.head->fields();
  const std::optional<std::string_view> protocol = wanted_upgrade(*fed.head, kWebSocket);
  ASSERT_TRUE(protocol);
  const http::ConnectionFacts facts = http::read_connection(fields, fed.head->version());
  EXPECT_TRUE(facts.upgrade);
  ASSERT_TRUE(http::remove_hop_by_hop(fields, http::Direction::kRequest, facts));
  EXPECT_FALSE(fields.has("Upgrade"));
  EXPECT_FALSE(fields.has("HTTP2-Settings"));
  declare_upgrade(fields, *protocol);
  EXPECT_EQ(fields.find("Connection"), "upgrade");
  EXPECT_EQ(fields.find("Upgrade"), "websocket");
}

TEST(Http1Upgrade, LeavesTheWishForTrailersInConnection) {
  http::Fields fields;
  ASSERT_TRUE(fields.add("Connection", "TE"));
  declare_upgrade(fields, "websocket");
  EXPECT_EQ(fields.find("Connection"), "TE, upgrade");
  EXPECT_EQ(fields.count("Connection"), 1U);
}

TEST(Http1Upgrade, BelievesOnlyASwitchToWhatWasOffered) {
  const auto check = [](const std::string& start, const std::string& fields, std::string_view offered) {
    const FedResponse fed = parse_response(start + "\r\n" + fields + "\r\n");
    EXPECT_TRUE(fed.outcome);
    return check_switch(*fed.head, offered).has_value();
  };
  const std::string switching = "HTTP/1.1 101 Switching Protocols";
  const std::string good = "Connection: Upgrade\r\nUpgrade: WebSocket\r\n";
  EXPECT_TRUE(check(switching, good, "websocket"));
  EXPECT_FALSE(check(switching, good, ""));
  EXPECT_FALSE(check(switching, good, "connect-udp"));
  EXPECT_FALSE(check(switching, "Upgrade: websocket\r\n", "websocket"));
  EXPECT_FALSE(check(switching, "Connection: Upgrade\r\n", "websocket"));
  EXPECT_FALSE(check(switching, "Connection: Upgrade\r\nUpgrade: websocket, h2c\r\n", "websocket"));
  EXPECT_FALSE(check("HTTP/1.1 200 OK", good, "websocket"));
  EXPECT_FALSE(check("HTTP/1.0 101 x", good, "websocket"));
}

}  // namespace
}  // namespace sluice::http1
