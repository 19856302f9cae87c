// The control protocol: what sluicectl and the supervisor say to each other over the control socket, one JSON object a
// line.
//
//   request   {"command":"status", …arguments}
//   replies   {"item":{…}} any number of times, then {"done":true,"result":{…}} or
//             {"done":true,"error":{"code":"…","message":"…"}}
//
// Here are the lines and their values, for both sides; no I/O. Lines are bounded in length and depth and are UTF-8. The
// socket is the operator's, so a bad line is answered with an error and not with a kill. Callers that look into values
// include <nlohmann/json.hpp> themselves.
#pragma once
#include <cstddef>
#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace sluice::ipc {

inline constexpr std::size_t kMaxControlRequest = std::size_t{64} * 1024;
inline constexpr std::size_t kMaxControlReply = std::size_t{16} * 1024 * 1024;
inline constexpr std::size_t kMaxControlDepth = 16;

/// Cuts a byte stream into lines.
class LineSplitter {
 public:
  explicit LineSplitter(std::size_t longest) : longest_(longest) {}

  void feed(std::string_view bytes) { bytes_ += bytes; }
  /// The next line without its end, nullopt while none is complete. Blank lines are passed over. Errors: kTooLarge, for
  /// good, when a line grows beyond the bound.
  [[nodiscard]] Result<std::optional<std::string>> next();
  /// Is there the beginning of a line whose end has not come?
  [[nodiscard]] bool in_line() const { return begin_ < bytes_.size(); }
  /// What has been fed and not taken.
  [[nodiscard]] std::string_view rest() const { return std::string_view(bytes_).substr(begin_); }

 private:
  std::size_t longest_;
  std::string bytes_;
  std::size_t begin_ = 0;
  std::size_t searched_ = 0;
};

/// A request line: an object with a "command". Errors: kBadSyntax, with a sentence.
[[nodiscard]] Result<nlohmann::json> parse_request(std::string_view line);
/// The "command" of a request that parse_request() made.
[[nodiscard]] const std::string& command_of(const nlohmann::json& request);

/// Lines with their ends. Text that is not UTF-8 is made so.
[[nodiscard]] std::string request_line(const nlohmann::json& request);
[[nodiscard]] std::string item_line(const nlohmann::json& item);
[[nodiscard]] std::string result_line(const nlohmann::json& result);
[[nodiscard]] std::string error_line(const Error& error);

enum class ReplyKind : std::uint8_t { kItem, kResult, kError };
/// A reply line: an object of one of the three shapes. Errors: kProtocol.
[[nodiscard]] Result<nlohmann::json> parse_reply(std::string_view line);
[[nodiscard]] ReplyKind kind_of(const nlohmann::json& reply);
/// The error in a kError reply: the supervisor's code and its sentence, printable.
[[nodiscard]] Error error_of(const nlohmann::json& reply);

}  // namespace sluice::ipc
