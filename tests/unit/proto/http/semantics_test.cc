#include "proto/http/semantics.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <initializer_list>
#include <string>
#include <utility>
#include <vector>

namespace sluice::http {
namespace {
using testing::ElementsAre;
using testing::IsEmpty;
using Line = std::pair<std::string_view, std::string_view>;

void fill(Fields& fields, std::initializer_list<Line> lines) {
  for (const auto& [name, value] : lines) ASSERT_TRUE(fields.add(name, value));
}
std::vector<std::string> names(const Fields& fields) {
  std::vector<std::string> all;
  for (const Field field : fields) all.emplace_back(field.name);
  return all;
}
Parsed<> strip(Fields& fields, Direction direction) {
  return remove_hop_by_hop(fields, direction, read_connection(fields, Version::kHttp11));
}

TEST(HopByHop, RemovesWhatConnectionNamesAndWhatIsAlwaysForOneHop) {
  Fields fields;
  fill(fields, {{"Host", "a"},
                {"Connection", "close, x-hop"},
                {"connection", "Keep-Alive, , Other"},
                {"X-Hop", "1"},
                {"Keep-Alive", "timeout=5"},
                {"Proxy-Connection", "keep-alive"},
                {"OTHER", "2"},
                {"x-hop", "3"},
                {"TE", "gzip"},
                {"Transfer-Encoding", "chunked"},
                {"Upgrade", "h2c"},
                {"HTTP2-Settings", "x"},
                {"Proxy-Authorization", "Basic x"},
                {"Authorization", "Basic y"},
                {"X-End", "4"}});
  ASSERT_TRUE(strip(fields, Direction::kRequest));
  EXPECT_THAT(names(fields), ElementsAre("Host", "Authorization", "X-End"));
}

TEST(HopByHop, RemovesFromResponsesToo) {
  Fields fields;
  fill(fields, {{"Connection", "X-Hop"},
                {"X-Hop", "1"},
                {"Keep-Alive", "timeout=5"},
                {"Upgrade", "h2c"},
                {"Proxy-Authenticate", "Basic"},
                {"Proxy-Authentication-Info", "x"},
                {"WWW-Authenticate", "Basic"},
                {"Trailer", "Expires"}});
  ASSERT_TRUE(strip(fields, Direction::kResponse));
  EXPECT_THAT(names(fields), ElementsAre("WWW-Authenticate", "Trailer"));
}

TEST(HopByHop, KeepsTheWishForTrailers) {
  Fields fields;
  fill(fields, {{"TE", "gzip;q=1, Trailers"}, {"Connection", "TE"}});
  ASSERT_TRUE(strip(fields, Direction::kRequest));
  EXPECT_EQ(fields.find("TE"), "trailers");
  EXPECT_EQ(fields.find("Connection"), "TE");
  EXPECT_EQ(fields.size(), 2U);
}

TEST(HopByHop, RefusesToStripWhatOthersRelyOn) {
  for (const std::string_view name :
       {"Host", "content-length", "Authorization", "Cookie", "X-Forwarded-For", "x-forwarded-proto",
        "X-Forwarded-Anything", "X-Real-IP", "Forwarded", "Via", "Content-Type", "Set-Cookie", "Cache-Control"}) {
    Fields fields;
    fill(fields, {{"Connection", "close"}, {"Connection", name}, {"X-Other", "1"}});
    ASSERT_TRUE(fields.add(name, "value"));
    EXPECT_EQ(strip(fields, Direction::kRequest), fault(Fault::kProtectedNomination)) << name;
    EXPECT_EQ(fields.size(), 4U) << "nothing is removed";
  }
}

TEST(Connection, SaysWhetherItPersists) {
  struct Case {
    std::string_view value;
    Version version;
    bool persists;
  };
  const Case cases[] = {
      {"", Version::kHttp11, true},           {"close", Version::kHttp11, false},
      {"Close", Version::kHttp11, false},     {"keep-alive, close", Version::kHttp11, false},
      {"closed", Version::kHttp11, true},     {"", Version::kHttp10, false},
      {"Keep-Alive", Version::kHttp10, true}, {"keep-alive, close", Version::kHttp10, false},
  };
  for (const Case& one : cases) {
    Fields fields;
    fill(fields, {{"Connection", one.value}});
    EXPECT_EQ(persists(read_connection(fields, one.version), one.version), one.persists) << one.value;
  }
}

TEST(Connection, AsksForAnUpgradeOnlyWithBothFields) {
  Fields fields;
  fill(fields, {{"Connection", "keep-alive, Upgrade"}});
  EXPECT_FALSE(read_connection(fields, Version::kHttp11).upgrade);
  fill(fields, {{"Upgrade", "websocket"}});
  EXPECT_TRUE(read_connection(fields, Version::kHttp11).upgrade);
  EXPECT_FALSE(read_connection(fields, Version::kHttp10).upgrade);
}

TEST(Via, IsAppendedAndFindsLoops) {
  Fields fields;
  fill(fields, {{"Via", "1.0 fred, HTTP/1.1 p.example.net:8080 (a comment)"}, {"Via", "1.1 sluice-b"}});
  EXPECT_TRUE(check_via(fields, "sluice-a"));
  EXPECT_TRUE(check_via(fields, "sluice"));
  EXPECT_TRUE(check_via(fields, "1.0"));
  append_via(fields, Version::kHttp10, "sluice-a");
  EXPECT_EQ(fields.count(FieldId::kVia), 3U);
  EXPECT_EQ(check_via(fields, "sluice-a"), fault(Fault::kForwardingLoop));
  EXPECT_EQ(check_via(fields, "SLUICE-B"), fault(Fault::kForwardingLoop));
  EXPECT_EQ(check_via(fields, "fred"), fault(Fault::kForwardingLoop));
  EXPECT_EQ(check_via(fields, "p.example.net:8080"), fault(Fault::kForwardingLoop));
  std::vector<std::string> values;
  for (const Field field : fields) values.emplace_back(field.value);
  EXPECT_EQ(values.back(), "1.0 sluice-a");
}

TEST(Via, NamesTheVersionThatTheMessageCameIn) {
  for (const auto& [version, text] : {std::pair{Version::kHttp10, "1.0 x"},
                                      {Version::kHttp11, "1.1 x"},
                                      {Version::kHttp2, "2 x"},
                                      {Version::kHttp3, "3 x"}}) {
    Fields fields;
    append_via(fields, version, "x");
    EXPECT_EQ(fields.find(FieldId::kVia), text);
  }
}

Parsed<Forwarding> spend(RequestHead& head, std::string_view method, std::initializer_list<Line> lines) {
  head.clear();
  EXPECT_TRUE(head.start(method, "/", Version::kHttp11));
  fill(head.fields(), lines);
  return spend_max_forwards(head);
}

TEST(MaxForwards, CountsDownForOptionsAndTrace) {
  RequestHead head;
  EXPECT_EQ(spend(head, "TRACE", {{"Max-Forwards", "0"}}), Forwarding::kAnswerHere);
  EXPECT_EQ(spend(head, "OPTIONS", {{"Max-Forwards", "10"}}), Forwarding::kForward);
  EXPECT_EQ(head.fields().find("max-forwards"), "9");
  EXPECT_EQ(spend(head, "OPTIONS", {}), Forwarding::kForward);
  EXPECT_EQ(spend(head, "GET", {{"Max-Forwards", "0"}}), Forwarding::kForward);
  EXPECT_EQ(head.fields().find("max-forwards"), "0");
  for (const std::string_view bad : {"", "-1", "+1", "1x", "99999999999", "1, 2"})
    EXPECT_EQ(spend(head, "TRACE", {{"Max-Forwards", bad}}), fault(Fault::kBadMaxForwards)) << bad;
  EXPECT_EQ(spend(head, "TRACE", {{"Max-Forwards", "1"}, {"Max-Forwards", "2"}}), fault(Fault::kBadMaxForwards));
}

Parsed<bool> expects(Version version, std::initializer_list<Line> lines) {
  RequestHead head;
  EXPECT_TRUE(head.start("POST", "/", version));
  fill(head.fields(), lines);
  return expects_continue(head);
}

TEST(Expect, KnowsOnlyContinue) {
  EXPECT_EQ(expects(Version::kHttp11, {}), false);
  EXPECT_EQ(expects(Version::kHttp11, {{"Expect", "100-Continue"}}), true);
  EXPECT_EQ(expects(Version::kHttp10, {{"Expect", "100-continue"}}), false);
  EXPECT_EQ(expects(Version::kHttp11, {{"Expect", "200-ok"}}), fault(Fault::kBadExpectation));
  EXPECT_EQ(expects(Version::kHttp11, {{"Expect", "100-continue, x"}}), fault(Fault::kBadExpectation));
}

TEST(CacheControl, MayForbidTransforming) {
  Fields fields;
  fill(fields, {{"Cache-Control", "private=\"no-transform\""}});
  EXPECT_FALSE(forbids_transform(fields));
  fill(fields, {{"Cache-Control", "max-age=1, No-Transform"}});
  EXPECT_TRUE(forbids_transform(fields));
}

}  // namespace
}  // namespace sluice::http
