#include "worker/flow/blame.h"

#include <gtest/gtest.h>

namespace sluice::worker {
namespace {

Error error(Code code, Side side) {
  return Error(code).from(side);
}

TEST(Blame, AnswersASlowClientWith408AndASlowOriginWith504) {
  EXPECT_EQ(status_for(error(Code::kTimeout, Side::kClient)), 408);
  EXPECT_EQ(status_for(error(Code::kTimeout, Side::kOrigin)), 504);
}

TEST(Blame, NeverBlamesAClientForItsOrigin) {
  EXPECT_EQ(status_for(error(Code::kBadSyntax, Side::kClient)), 400);
  EXPECT_EQ(status_for(error(Code::kBadSyntax, Side::kOrigin)), 502);
  EXPECT_EQ(status_for(error(Code::kTooLarge, Side::kOrigin)), 502);
  EXPECT_EQ(status_for(error(Code::kUnsupported, Side::kOrigin)), 502);
  EXPECT_EQ(status_for(error(Code::kOverload, Side::kUs)), 503);
  EXPECT_EQ(status_for(error(Code::kDestinationForbidden, Side::kUs)), 403);
}

TEST(Blame, TellsTimeoutsApartByTheirStage) {
  const Error late = error(Code::kTimeout, Side::kOrigin);
  EXPECT_EQ(error_type(late, Stage::kConnecting), "connection_timeout");
  EXPECT_EQ(error_type(late, Stage::kAwaiting), "http_response_timeout");
  EXPECT_EQ(error_type(late, Stage::kAnswered), "connection_read_timeout");
  EXPECT_EQ(error_type(error(Code::kTimeout, Side::kClient), Stage::kAwaiting), "http_request_error");
}

TEST(Blame, TellsWhatIsWrongWithAResponse) {
  EXPECT_EQ(error_type(error(Code::kClosed, Side::kOrigin), Stage::kAwaiting), "connection_terminated");
  EXPECT_EQ(error_type(error(Code::kClosed, Side::kOrigin), Stage::kAnswered), "http_response_incomplete");
  EXPECT_EQ(error_type(error(Code::kBadSyntax, Side::kOrigin), Stage::kAwaiting), "http_protocol_error");
  EXPECT_EQ(error_type(error(Code::kBadSyntax, Side::kOrigin), Stage::kSwitching), "http_upgrade_failed");
  EXPECT_EQ(error_type(error(Code::kTooLarge, Side::kOrigin), Stage::kAwaiting), "http_response_header_section_size");
  EXPECT_EQ(error_type(error(Code::kUnsupported, Side::kOrigin), Stage::kAnswered), "http_response_transfer_coding");
}

TEST(Blame, SaysThatTheRequestIsWrongWhereTheClientSentIt) {
  EXPECT_EQ(error_type(error(Code::kBadSyntax, Side::kClient), Stage::kRequest), "http_request_error");
  EXPECT_EQ(error_type(error(Code::kLoop, Side::kClient), Stage::kRequest), "proxy_loop_detected");
  EXPECT_EQ(error_type(error(Code::kUnauthorized, Side::kClient), Stage::kRequest), "http_request_denied");
}

}  // namespace
}  // namespace sluice::worker
