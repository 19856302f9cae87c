#include "worker/flow/slow_request.h"

#include <gtest/gtest.h>

#include <string>

namespace sluice::worker {
namespace {
using namespace std::chrono_literals;

class Lines final : public LogOutput {
 public:
  bool write(std::string_view line) override {
    text += line;
    return true;
  }
  std::string text;
};

std::string said(const AccessRecord& record, std::chrono::nanoseconds limit) {
  Lines lines;
  Log log(lines, LogLevel::kWarn);
  log_if_slow(log, record, "web", limit);
  return lines.text;
}

TEST(SlowRequest, IsLoggedWithItsPhases) {
  AccessRecord record;
  record.connection = 17;
  record.request = 3;
  record.path = "/slow?secret=1";
  record.duration = 1500ms;
  record.first_byte = 1200ms;
  record.dial = 200ms;
  record.queued = 30ms;
  const std::string text = said(record, 1s);
  for (const std::string_view part :
       {R"("event":"slow request")", R"("connection":17)", R"("request":3)", R"("path":"/slow")", R"("queue_us":30000)",
        R"("dial_us":200000)", R"("first_byte_us":1200000)", R"("total_us":1500000)", R"("limit_us":1000000)"})
    EXPECT_NE(text.find(part), text.npos) << part << " in " << text;
  EXPECT_EQ(text.find("secret"), text.npos);
  EXPECT_EQ(said(record, 2s), "");
}

TEST(SlowRequest, CountsATunnelUpToItsBeginning) {
  AccessRecord record;
  record.kind = AccessRecord::Kind::kTunnel;
  record.duration = 1h;
  record.first_byte = 5ms;
  EXPECT_EQ(said(record, 1s), "");
  record.first_byte = 1s;
  EXPECT_NE(said(record, 1s), "");
}

}  // namespace
}  // namespace sluice::worker
