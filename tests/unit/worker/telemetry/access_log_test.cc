// What a line of the access log says, and that it is JSON whatever the network sent.
#include "worker/telemetry/access_log.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <random>

#include "base/error.h"
#include "ipc/settings/tenant.h"
#include "proto/http/fields.h"

namespace sluice::worker {
namespace {

using nlohmann::json;
using std::chrono::microseconds;

class Lines final : public LogOutput {
 public:
  bool write(std::string_view text) override {
    text_ += text;
    return true;
  }
  [[nodiscard]] std::vector<json> parsed() const {
    std::vector<json> all;
    std::size_t at = 0;
    while (at < text_.size()) {
      const std::size_t end = text_.find('\n', at);
      EXPECT_NE(end, std::string::npos) << "the last line has no end";
      if (end == std::string::npos) break;
      EXPECT_LE(end + 1 - at, AccessLog::kMaxLine);
      all.push_back(json::parse(text_.substr(at, end - at), nullptr, false));
      EXPECT_FALSE(all.back().is_discarded()) << text_.substr(at, end - at);
      at = end + 1;
    }
    return all;
  }

  [[nodiscard]] const std::string& text() const { return text_; }

 private:
  std::string text_;
};

const TrafficNames kNames{.endpoints = {"web", "we\"ird"}, .upstreams = {"pool"}};

json line_of(const AccessRecord& record, const ipc::AccessLogSettings& options = {}) {
  Lines lines;
  {
    AccessLog log(lines, options, kNames);
    log.write(record);
  }
  const auto all = lines.parsed();
  EXPECT_EQ(all.size(), 1U);
  return all.empty() ? json() : all.front();
}

AccessRecord usual() {
  return {.status = 200,
          .upstream = 0,
          .connection = 7,
          .request = 3,
          .client = "192.0.2.1:40000",
          .origin = "198.51.100.2:80",
          .method = "GET",
          .scheme = "http",
          .authority = "a.example",
          .path = "/x?token=secret",
          .version = "HTTP/1.1",
          .bytes_in = 120,
          .bytes_out = 3400,
          .duration = microseconds(1234),
          .first_byte = microseconds(900)};
}

TEST(AccessLog, SaysEverythingAboutARequest) {
  http::Fields fields;
  fields.add(http::FieldId::kUserAgent, "curl/8");
  AccessRecord record = usual();
  record.request_fields = &fields;
  record.origin_reused = true;
  json line = line_of(record);
  EXPECT_THAT(line.at("time").get<std::string>(),
              testing::MatchesRegex(R"([0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{6}Z)"));
  line.erase("time");
  const json expected = {
      {"level", "info"},          {"event", "request"},          {"connection", 7},       {"request", 3},
      {"endpoint", "web"},        {"client", "192.0.2.1:40000"}, {"method", "GET"},       {"scheme", "http"},
      {"authority", "a.example"}, {"path", "/x?token=secret"},   {"version", "HTTP/1.1"}, {"status", 200},
      {"upstream", "pool"},       {"origin", "198.51.100.2:80"}, {"reused", true},        {"bytes_in", 120},
      {"bytes_out", 3400},        {"duration_us", 1234},         {"first_byte_us", 900},  {"ended", "ok"},
      {"user_agent", "curl/8"}};
  EXPECT_EQ(line, expected);
}

TEST(AccessLog, SaysWhyATunnelEndedAndWhatWentWrong) {
  const Error error = Error(Code::kTimeout, "no byte for 60 s").from(Side::kOrigin);
  const json line = line_of({.kind = AccessRecord::Kind::kTunnel,
                             .ended = Ended::kTimeout,
                             .verdict = Verdict::kAllowed,
                             .endpoint = 1,
                             .method = "CONNECT",
                             .error = &error,
                             .reason = "idle"});
  EXPECT_EQ(line.at("event"), "tunnel");
  EXPECT_EQ(line.at("endpoint"), "we\"ird");
  EXPECT_EQ(line.at("reason"), "idle");
  EXPECT_EQ(line.at("ended"), "timeout");
  EXPECT_EQ(line.at("error"), "timeout");
  EXPECT_EQ(line.at("detail"), "no byte for 60 s");
  EXPECT_EQ(line.at("verdict"), "allowed");
  EXPECT_FALSE(line.contains("status"));
  EXPECT_FALSE(line.contains("origin"));
}

TEST(AccessLog, LeavesTheQueryOutIfSoConfigured) {
  EXPECT_EQ(line_of(usual(), {.query = false}).at("path"), "/x");
}

TEST(AccessLog, LogsConfiguredFieldsAndRedactsSomeOfThem) {
  http::Fields request;
  http::Fields response;
  ASSERT_TRUE(request.add("X-Team", "red"));
  ASSERT_TRUE(request.add("x-team", "blue"));
  ASSERT_TRUE(request.add("Authorization", "Basic c2VjcmV0"));
  ASSERT_TRUE(request.add("X-Unlogged", "secret"));
  ASSERT_TRUE(response.add("Server", "old"));
  AccessRecord record = usual();
  record.request_fields = &request;
  record.response_fields = &response;
  const json line = line_of(record, {.request_fields = {"X-Team", "authorization", "x-absent"},
                                     .response_fields = {"server", "set-cookie"},
                                     .redact = {"AUTHORIZATION", "set-cookie"}});
  EXPECT_EQ(line.at("request_fields"), json({{"x-team", "red, blue"}, {"authorization", "[redacted]"}}));
  EXPECT_EQ(line.at("response_fields"), json({{"server", "old"}}));
  EXPECT_THAT(line.dump(), testing::Not(testing::HasSubstr("c2VjcmV0")));
}

TEST(AccessLog, StaysJsonForAnyBytes) {
  std::mt19937 random(20261123);
  for (int round = 0; round < 300; ++round) {
    std::string bytes(std::uniform_int_distribution<std::size_t>(0, 9000)(random), '\0');
    const int kind = round % 4;
    for (char& c : bytes) {
      const auto byte = static_cast<unsigned char>(random());
      c = static_cast<char>(kind == 0 ? byte : kind == 1 ? byte % 32 : kind == 2 ? 0x80 + byte % 128 : byte % 128);
    }
    http::Fields fields;
    fields.add_checked("x", bytes, http::FieldId::kOther);
    fields.add_checked("user-agent", bytes, http::FieldId::kUserAgent);
    const Error error(Code::kBadSyntax, bytes);
    const json line = line_of({.ended = Ended::kClient,
                               .client = bytes,
                               .origin = bytes,
                               .method = bytes,
                               .scheme = bytes,
                               .authority = bytes,
                               .path = bytes,
                               .version = bytes,
                               .request_fields = &fields,
                               .response_fields = &fields,
                               .error = &error,
                               .reason = bytes},
                              {.request_fields = std::vector<std::string>(40, "x"), .response_fields = {"x"}});
    EXPECT_EQ(line.at("ended"), "client");
  }
}

TEST(AccessLog, CutsLongTextsBetweenCharactersAndSaysSo) {
  AccessRecord record = usual();
  std::string path = "/";
  for (int i = 0; i < 3000; ++i) path += "é";
  record.path = path;
  const auto logged = line_of(record).at("path").get<std::string>();
  EXPECT_LT(logged.size(), 4200U);
  EXPECT_GT(logged.size(), 3900U);
  EXPECT_THAT(logged, testing::EndsWith("é…"));
  EXPECT_THAT(path, testing::StartsWith(logged.substr(0, logged.size() - 3)));
}

TEST(AccessLog, EscapesWhatATerminalWouldObey) {
  AccessRecord record = usual();
  record.path = "/\x1b[2J\x7f\xc2\x9b";
  Lines lines;
  {
    AccessLog log(lines, {}, kNames);
    log.write(record);
  }
  EXPECT_THAT(lines.text(), testing::HasSubstr(R"("path":"/\u001b[2J\u007f\u009b")"));
}

}  // namespace
}  // namespace sluice::worker
