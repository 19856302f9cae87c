// See blame.h.
#include "worker/flow/blame.h"

namespace sluice::worker {
namespace {

std::string_view timeout_type(Stage stage) {
  switch (stage) {
    case Stage::kRequest:
    case Stage::kConnecting:
      return "connection_timeout";
    case Stage::kAwaiting:
    case Stage::kSwitching:
      return "http_response_timeout";
    case Stage::kAnswered:
      return "connection_read_timeout";
  }
  return "connection_timeout";
}

// Of an origin whose answer is not what HTTP allows, or not what we take.
std::string_view response_type(Code code, Stage stage) {
  if (stage == Stage::kSwitching) return "http_upgrade_failed";
  if (code == Code::kUnsupported) return "http_response_transfer_coding";
  if (code == Code::kTooLarge)
    return stage == Stage::kAnswered ? "http_response_body_size" : "http_response_header_section_size";
  return "http_protocol_error";
}

}  // namespace

std::uint16_t status_for(const Error& error) {
  const std::uint16_t status = facts(error.code()).status;
  if (error.side() == Side::kClient && error.code() == Code::kTimeout) return 408;
  // whatever an origin does wrong, the client did not, and what it asked for is offered
  if (error.side() == Side::kOrigin && status != 503 && status != 504) return 502;
  return status;
}

std::string_view error_type(const Error& error, Stage stage) {
  const Code code = error.code();
  const bool client = error.side() == Side::kClient;
  switch (code) {
    case Code::kTimeout:
      return client ? "http_request_error" : timeout_type(stage);
    case Code::kClosed:
    case Code::kReset:
      return stage == Stage::kAnswered ? "http_response_incomplete" : facts(code).proxy_status;
    case Code::kBadSyntax:
    case Code::kTooLarge:
    case Code::kUnsupported:
      return error.side() == Side::kOrigin ? response_type(code, stage) : facts(code).proxy_status;
    default:
      return facts(code).proxy_status;
  }
}

}  // namespace sluice::worker
