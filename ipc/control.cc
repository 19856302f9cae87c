// See control.h.
#include "ipc/control.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "ipc/text.h"

namespace sluice::ipc {
namespace {

using nlohmann::json;

// Looked at before parsing, because the parser builds its document as deep as the text is.
bool too_deep(std::string_view text) {
  std::size_t depth = 0;
  bool in_string = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (in_string) {
      if (c == '\\') ++i;
      if (c == '"') in_string = false;
    } else if (c == '"') {
      in_string = true;
    } else if (c == '{' || c == '[') {
      if (++depth > kMaxControlDepth) return true;
    } else if ((c == '}' || c == ']') && depth > 0) {
      --depth;
    }
  }
  return false;
}

Result<json> parse_object(std::string_view line) {
  if (too_deep(line)) return fail(Code::kBadSyntax, "JSON nested too deeply");
  json value = json::parse(line, nullptr, /*allow_exceptions=*/false);
  if (value.is_discarded()) return fail(Code::kBadSyntax, "not a line of JSON");
  if (!value.is_object()) return fail(Code::kBadSyntax, "not a JSON object");
  return value;
}

std::string line_of(const json& value) {
  return value.dump(-1, ' ', /*ensure_ascii=*/false, json::error_handler_t::replace) + '\n';
}

bool is_text(const json& object, const char* key) {
  const auto found = object.find(key);
  return found != object.end() && found->is_string();
}

Code code_named(std::string_view wanted) {
  for (std::uint8_t i = 0; i <= static_cast<std::uint8_t>(Code::kProtocol); ++i)
    if (name(static_cast<Code>(i)) == wanted) return static_cast<Code>(i);
  return Code::kInternal;
}

}  // namespace

Result<std::optional<std::string>> LineSplitter::next() {
  for (;;) {
    const std::size_t end = bytes_.find('\n', std::max(begin_, searched_));
    const std::size_t length = std::min(end, bytes_.size()) - begin_;
    if (length > longest_) return fail(Code::kTooLarge, "a line of more than " + std::to_string(longest_) + " bytes");
    if (end == std::string::npos) {
      bytes_.erase(0, begin_);
      begin_ = 0;
      searched_ = bytes_.size();
      return std::nullopt;
    }
    std::string line = bytes_.substr(begin_, length);
    begin_ = end + 1;
    if (line.find_first_not_of(" \t\r") != std::string::npos) return line;
  }
}

Result<json> parse_request(std::string_view line) {
  Result<json> request = parse_object(line);
  if (!request) return request;
  if (!is_text(*request, "command") || command_of(*request).empty())
    return fail(Code::kBadSyntax, "a request needs a \"command\"");
  return request;
}

const std::string& command_of(const json& request) {
  return request.find("command")->get_ref<const std::string&>();
}

std::string request_line(const json& request) {
  return line_of(request);
}
std::string item_line(const json& item) {
  return line_of(json{{"item", item}});
}
std::string result_line(const json& result) {
  return line_of(json{{"done", true}, {"result", result}});
}
std::string error_line(const Error& error) {
  return line_of(json{{"done", true}, {"error", {{"code", name(error.code())}, {"message", error.message()}}}});
}

Result<json> parse_reply(std::string_view line) {
  Result<json> reply = parse_object(line);
  if (!reply) return fail(Code::kProtocol, "the supervisor's answer is " + reply.error().what());
  const auto done = reply->find("done");
  const bool is_done = done != reply->end() && done->is_boolean() && done->get<bool>();
  const auto error = reply->find("error");
  const bool is_error =
      error != reply->end() && error->is_object() && is_text(*error, "code") && is_text(*error, "message");
  const int shapes = static_cast<int>(!is_done && reply->contains("item")) +
                     static_cast<int>(is_done && reply->contains("result")) + static_cast<int>(is_done && is_error);
  if (shapes != 1) return fail(Code::kProtocol, "the supervisor's answer has neither item, result nor error");
  return reply;
}

ReplyKind kind_of(const json& reply) {
  if (reply.contains("item")) return ReplyKind::kItem;
  return reply.contains("result") ? ReplyKind::kResult : ReplyKind::kError;
}

Error error_of(const json& reply) {
  const json& error = *reply.find("error");
  const auto text = [&](const char* key) { return error.find(key)->get_ref<const std::string&>(); };
  return Error(code_named(text("code")), printable(text("message")));
}

}  // namespace sluice::ipc
