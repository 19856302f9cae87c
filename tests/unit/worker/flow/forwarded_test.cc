#include "worker/flow/forwarded.h"

#include <gtest/gtest.h>

#include <initializer_list>
#include <string>
#include <utility>

namespace sluice::worker {
namespace {
using http::FieldId;
using ipc::ForwardedField;
using ipc::ForwardedParameter;
using Line = std::pair<std::string_view, std::string_view>;

SocketAddress address(std::string_view text) {
  return *SocketAddress::parse(text);
}

struct Fixture {
  explicit Fixture(std::initializer_list<Line> lines) {
    EXPECT_TRUE(request.start("GET", "/", http::Version::kHttp11));
    EXPECT_TRUE(request.fields().add("Host", "web.test:8080"));
    for (const auto& [name, value] : lines) EXPECT_TRUE(request.fields().add(name, value));
    EXPECT_TRUE(request.settle_host());
    settings.name = "web";
    settings.forwarded.trust = {"10.0.0.0/8", "2001:db8::/32"};
  }
  // Both steps, as the exchange does them.
  void pass(std::string_view from) {
    const ForwardedRules rules(settings);
    const SocketAddress peer = address(from);
    client = rules.receive(request.fields(), peer);
    const SocketAddress effective = client ? SocketAddress(*client, 0) : peer;
    if (rules.has_to_say(request.fields()))
      rules.say(request, {.peer = peer, .client = effective, .transport = transport});
  }
  [[nodiscard]] std::string value(FieldId id) const {
    EXPECT_LE(request.fields().count(id), 1U);
    return std::string(request.fields().find(id).value_or("none"));
  }
  [[nodiscard]] std::string client_text() const { return client ? client->text() : "peer"; }

  http::RequestHead request;
  ipc::EndpointSettings settings;
  std::optional<IpAddress> client;
  Transport transport = Transport::kClear;
};

TEST(Forwarded, OfAnUntrustedClientIsRemoved) {
  Fixture f({{"Forwarded", "for=1.1.1.1"},
             {"X-Forwarded-For", "1.1.1.1"},
             {"X-Forwarded-Proto", "https"},
             {"X-Forwarded-Host", "a"},
             {"X-Forwarded-Port", "1"},
             {"X-Forwarded-Prefix", "/x"},
             {"X-Real-IP", "1.1.1.1"}});
  f.pass("192.0.2.7:1000");
  EXPECT_EQ(f.client_text(), "peer");
  EXPECT_EQ(f.request.fields().size(), 1U);  // Host
}

TEST(Forwarded, OfAnUntrustedClientIsReplacedByOurs) {
  Fixture f({{"Forwarded", "for=1.1.1.1"}, {"X-Forwarded-For", "1.1.1.1"}, {"X-Forwarded-Proto", "https"}});
  f.settings.forwarded.emit = {ForwardedField::kForwarded, ForwardedField::kXForwardedFor,
                               ForwardedField::kXForwardedProto, ForwardedField::kXForwardedHost,
                               ForwardedField::kXRealIp};
  f.settings.forwarded.parameters = {ForwardedParameter::kFor, ForwardedParameter::kBy, ForwardedParameter::kHost,
                                     ForwardedParameter::kProto};
  f.pass("[2001:db9::1]:1000");
  EXPECT_EQ(f.value(FieldId::kForwarded), R"(for="[2001:db9::1]";by=_web;host="web.test:8080";proto=http)");
  EXPECT_EQ(f.value(FieldId::kXForwardedFor), "2001:db9::1");
  EXPECT_EQ(f.value(FieldId::kXForwardedProto), "http");
  EXPECT_EQ(f.value(FieldId::kXForwardedHost), "web.test:8080");
  EXPECT_EQ(f.value(FieldId::kXRealIp), "2001:db9::1");
}

TEST(Forwarded, SchemeIsThatOfTheConnectionWhateverTheRequestSays) {
  for (const Transport transport : {Transport::kClear, Transport::kTls})
    for (const std::string_view said : {"http", "https"}) {
      Fixture f({});
      ASSERT_TRUE(f.request.set_scheme(said));
      f.settings.forwarded.emit = {ForwardedField::kForwarded, ForwardedField::kXForwardedProto};
      f.settings.forwarded.parameters = {ForwardedParameter::kProto};
      f.transport = transport;
      f.pass("192.0.2.7:1000");
      const std::string scheme = transport == Transport::kTls ? "https" : "http";
      EXPECT_EQ(f.value(FieldId::kXForwardedProto), scheme);
      EXPECT_EQ(f.value(FieldId::kForwarded), "proto=" + scheme);
    }
}

TEST(Forwarded, OfATrustedProxyIsAppendedToAndNamesTheClient) {
  Fixture f({{"X-Forwarded-For", "6.6.6.6, 192.0.2.9"},
             {"X-Forwarded-For", "10.9.9.9"},
             {"X-Forwarded-Proto", "https"},
             {"X-Forwarded-Port", "443"}});
  f.settings.forwarded.emit = {ForwardedField::kXForwardedProto, ForwardedField::kXRealIp};
  f.pass("10.0.0.1:1000");
  EXPECT_EQ(f.client_text(), "192.0.2.9");  // what stands before it, the client may have written
  EXPECT_EQ(f.value(FieldId::kXForwardedFor), "6.6.6.6, 192.0.2.9, 10.9.9.9, 10.0.0.1");
  EXPECT_EQ(f.value(FieldId::kXForwardedProto), "https");
  EXPECT_EQ(f.value(FieldId::kXForwardedPort), "443");
  EXPECT_EQ(f.value(FieldId::kXRealIp), "192.0.2.9");
  EXPECT_EQ(f.value(FieldId::kForwarded), "none");
}

TEST(Forwarded, WinsOverXForwardedFor) {
  Fixture f({{"Forwarded", R"(for="[2001:db7::5]:99";proto=https, for=10.1.1.1)"}, {"X-Forwarded-For", "7.7.7.7"}});
  f.pass("10.0.0.1:1000");
  EXPECT_EQ(f.client_text(), "2001:db7::5");
  EXPECT_EQ(f.value(FieldId::kForwarded),
            R"(for="[2001:db7::5]:99";proto=https, for=10.1.1.1, for=10.0.0.1;host="web.test:8080";proto=http)");
  EXPECT_EQ(f.value(FieldId::kXForwardedFor), "7.7.7.7, 10.0.0.1");
}

TEST(Forwarded, IsMadeFromTheOtherChainWhenOnlyThatCame) {
  Fixture f({{"X-Forwarded-For", "192.0.2.9, 2001:db8::2, unknown"}});
  f.settings.forwarded.emit = {ForwardedField::kForwarded};
  f.settings.forwarded.parameters = {ForwardedParameter::kFor};
  f.pass("10.0.0.1:1000");
  EXPECT_EQ(f.client_text(), "peer");  // the last one is unknown
  EXPECT_EQ(f.value(FieldId::kForwarded), R"(for=192.0.2.9, for="[2001:db8::2]", for=unknown, for=10.0.0.1)");
  EXPECT_EQ(f.value(FieldId::kXForwardedFor), "192.0.2.9, 2001:db8::2, unknown, 10.0.0.1");

  Fixture back({{"Forwarded", R"(for=192.0.2.9;proto=https, for="[2001:db8::2]:1", for=_x, host=a)"}});
  back.settings.forwarded.emit = {ForwardedField::kXForwardedFor};
  back.settings.forwarded.parameters = {ForwardedParameter::kFor};
  back.pass("10.0.0.1:1000");
  EXPECT_EQ(back.value(FieldId::kXForwardedFor), "192.0.2.9, 2001:db8::2, _x, unknown, 10.0.0.1");
}

TEST(Forwarded, ThatCannotBeReadIsNotBelievedAndNotPassedOn) {
  Fixture f({{"Forwarded", R"(for="6.6.6.6, for=192.0.2.1)"}, {"X-Forwarded-For", "6.6.6.6;, 192.0.2.1"}});
  f.pass("10.0.0.1:1000");
  EXPECT_EQ(f.client_text(), "peer");
  EXPECT_EQ(f.value(FieldId::kForwarded), "none");
  EXPECT_EQ(f.value(FieldId::kXForwardedFor), "none");
}

TEST(Forwarded, MayTrustUnixSocketsAndMappedAddresses) {
  Fixture f({{"X-Forwarded-For", "192.0.2.9"}});
  f.settings.forwarded.trust = {"unix"};
  f.settings.forwarded.emit = {ForwardedField::kForwarded};
  f.settings.forwarded.parameters = {ForwardedParameter::kFor};
  f.pass("unix:/x");
  EXPECT_EQ(f.client_text(), "192.0.2.9");
  EXPECT_EQ(f.value(FieldId::kForwarded), "for=192.0.2.9, for=unknown");

  Fixture mapped({{"X-Forwarded-For", "192.0.2.9"}});
  mapped.pass("[::ffff:10.0.0.1]:1000");
  EXPECT_EQ(mapped.client_text(), "192.0.2.9");
  EXPECT_EQ(mapped.value(FieldId::kXForwardedFor), "192.0.2.9, 10.0.0.1");
}

TEST(Forwarded, HasNothingToSayByDefault) {
  Fixture f({});
  EXPECT_FALSE(ForwardedRules(f.settings).has_to_say(f.request.fields()));
}

}  // namespace
}  // namespace sluice::worker
