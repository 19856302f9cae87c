// See log_line.h. The scanner follows RFC 8259; depth is bounded, and a top-level key with an escape in it is refused
// because it could spell a stamped one.
#include "supervisor/log_line.h"

#include <algorithm>
#include <array>

namespace sluice::supervisor {
namespace {

constexpr std::size_t kMaxDepth = 16;
constexpr std::array<std::string_view, 3> kStamped = {"tenant", "worker", "pid"};

class Scanner {
 public:
  explicit Scanner(std::string_view text) : text_(text) {}

  bool object_alone() { return object(0) && at_ == text_.size(); }

 private:
  bool next_is(char c) const { return at_ < text_.size() && text_[at_] == c; }
  bool take(char c) {
    if (!next_is(c)) return false;
    ++at_;
    return true;
  }
  void spaces() {
    while (next_is(' ') || next_is('\t')) ++at_;
  }

  // Leaves the raw text between the quotes in `raw_`.
  bool string() {
    if (!take('"')) return false;
    const std::size_t start = at_;
    while (at_ < text_.size()) {
      const char c = text_[at_++];
      if (c == '"') {
        raw_ = text_.substr(start, at_ - 1 - start);
        return true;
      }
      if (static_cast<unsigned char>(c) < 0x20) return false;
      if (c == '\\' && !escape()) return false;
    }
    return false;
  }
  bool escape() {
    if (at_ == text_.size()) return false;
    const char c = text_[at_++];
    if (c != 'u') return std::string_view("\"\\/bfnrt").contains(c);
    for (int i = 0; i < 4; ++i) {
      if (at_ == text_.size() || !std::string_view("0123456789abcdefABCDEF").contains(text_[at_])) return false;
      ++at_;
    }
    return true;
  }

  bool digits() {
    const std::size_t start = at_;
    while (at_ < text_.size() && text_[at_] >= '0' && text_[at_] <= '9') ++at_;
    return at_ > start;
  }
  bool number() {
    (void)take('-');
    if (!take('0') && !digits()) return false;
    if (take('.') && !digits()) return false;
    if (next_is('e') || next_is('E')) {
      ++at_;
      if (!take('+')) (void)take('-');
      return digits();
    }
    return true;
  }
  bool word(std::string_view text) {
    if (!text_.substr(at_).starts_with(text)) return false;
    at_ += text.size();
    return true;
  }

  bool value(std::size_t depth) {
    if (at_ == text_.size() || depth > kMaxDepth) return false;
    switch (text_[at_]) {
      case '"':
        return string();
      case '{':
        return object(depth);
      case '[':
        return array(depth);
      case 't':
        return word("true");
      case 'f':
        return word("false");
      case 'n':
        return word("null");
      default:
        return number();
    }
  }
  bool object(std::size_t depth) {
    if (!take('{')) return false;
    spaces();
    if (take('}')) return true;
    do {
      spaces();
      if (!string() || (depth == 0 && !own_key())) return false;
      spaces();
      if (!take(':')) return false;
      spaces();
      if (!value(depth + 1)) return false;
      spaces();
    } while (take(','));
    return take('}');
  }
  bool array(std::size_t depth) {
    if (!take('[')) return false;
    spaces();
    if (take(']')) return true;
    do {
      spaces();
      if (!value(depth + 1)) return false;
      spaces();
    } while (take(','));
    return take(']');
  }
  bool own_key() const { return !raw_.contains('\\') && std::ranges::find(kStamped, raw_) == kStamped.end(); }

  std::string_view text_;
  std::string_view raw_;
  std::size_t at_ = 0;
};

}  // namespace

LogStamp::LogStamp(std::string_view tenant, std::uint32_t worker, std::int64_t pid) {
  JsonLine line;
  line.add("tenant", tenant).add("worker", worker).add("pid", pid);
  const std::string object = std::move(line).take();
  members_ = object.substr(1, object.size() - 2);
}

bool may_pass(std::string_view line) {
  return Scanner(line).object_alone() && is_utf8(line);
}

std::string stamped(const LogStamp& stamp, std::string_view line) {
  std::string out;
  if (may_pass(line)) {
    std::string_view own = line.substr(1);
    while (own.starts_with(' ') || own.starts_with('\t')) own.remove_prefix(1);
    out.reserve(line.size() + stamp.members().size() + 3);
    out.append("{").append(stamp.members());
    if (own != "}") out += ',';
    out.append(own);
  } else {
    JsonLine wrapped = Log::begin(LogLevel::kError, "stderr");
    wrapped.add("text", line);
    out = std::move(wrapped).take();
    out.insert(1, stamp.members() + ",");
  }
  out += '\n';
  return out;
}

}  // namespace sluice::supervisor
