// See access_log.h. A line is appended to the batch in place; keys are literals and names were made JSON strings at
// start, so what remains per record is copying and escaping.
#include "worker/telemetry/access_log.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <climits>
#include <cmath>
#include <iterator>
#include <limits>
#include <utility>

#include "base/ascii.h"
#include "base/error.h"
#include "ipc/settings/tenant.h"
#include "proto/http/ascii.h"
#include "proto/http/fields.h"

namespace sluice::worker {
namespace {

// The most a text takes in the line, escaped. Together they stay below kMaxLine.
constexpr std::size_t kMostPath = 4096;
constexpr std::size_t kMostText = 512;
constexpr std::size_t kMostFieldValue = 1024;
// Header fields stop here, so that a line with many of them stays below kMaxLine too.
constexpr std::size_t kFieldsEnd = AccessLog::kMaxLine - kMostFieldValue - 512;
// While the output is full it is asked again this often.
constexpr Millis kAskAgain{10};

std::string json_string(std::string_view text) {
  std::string json;
  append_json_string(json, text);
  return json;
}

void append_number(std::string& out, std::string_view key, std::uint64_t value) {
  const fmt::format_int text(value);
  out += key;
  out.append(text.data(), text.size());
}

void append_micros(std::string& out, std::string_view key, std::chrono::nanoseconds value) {
  const auto micros = std::chrono::duration_cast<std::chrono::microseconds>(value).count();
  append_number(out, key, static_cast<std::uint64_t>(std::max<std::int64_t>(micros, 0)));
}

// As much of the text as takes at most `most` bytes when escaped; an ellipsis says that something is missing.
void append_text(std::string& out, std::string_view key, std::string_view text, std::size_t most = kMostText) {
  constexpr std::string_view kEllipsis = "\xe2\x80\xa6";
  if (text.empty()) return;
  out += key;
  const std::size_t start = out.size();
  std::string_view part = text.substr(0, most);
  for (;;) {
    append_json_string(out, part);
    const std::size_t grown = out.size() - start;
    const bool cut = part.size() < text.size();
    if (grown <= most && !cut) return;
    if (grown + kEllipsis.size() <= most) break;
    out.resize(start);
    // escaping made it longer than it may be: shrink in proportion, which ends because `grown` is above `most`
    part = part.substr(0, std::min(part.size() - 1, part.size() * (most - kEllipsis.size()) / grown));
    // not in the middle of a UTF-8 sequence
    while (!part.empty() && (static_cast<unsigned char>(text[part.size()]) & 0xc0U) == 0x80) part.remove_suffix(1);
  }
  out.insert(out.size() - 1, kEllipsis);
}

std::uint64_t mix(
    std::uint64_t value) {  // splitmix64's finaliser: every bit of the input moves every bit of the output
  value += 0x9e3779b97f4a7c15U;
  value = (value ^ (value >> 30U)) * 0xbf58476d1ce4e5b9U;
  value = (value ^ (value >> 27U)) * 0x94d049bb133111ebU;
  return value ^ (value >> 31U);
}

std::uint64_t sample_limit(double share) {
  if (!(share > 0)) return 0;
  if (share >= 1) return std::numeric_limits<std::uint64_t>::max();
  return static_cast<std::uint64_t>(std::ldexp(share, 64));
}

std::string_view quoted_name(const std::vector<std::string>& names, std::uint32_t index) {
  return index < names.size() ? std::string_view(names[index]) : std::string_view();
}

}  // namespace

AccessLog::AccessLog(LogOutput& output, const ipc::AccessLogSettings& settings, const TrafficNames& names)
    : output_(output) {
  adopt(settings, names);
}

void AccessLog::adopt(const ipc::AccessLogSettings& settings, const TrafficNames& names) {
  enabled_ = settings.enabled;
  errors_always_ = settings.errors_always;
  query_ = settings.query;
  sample_below_ = sample_limit(settings.sample);
  request_fields_ = wanted_fields(settings.request_fields, settings.redact);
  response_fields_ = wanted_fields(settings.response_fields, settings.redact);
  endpoints_.clear();
  upstreams_.clear();
  std::ranges::transform(names.endpoints, std::back_inserter(endpoints_), json_string);
  std::ranges::transform(names.upstreams, std::back_inserter(upstreams_), json_string);
  if (enabled_) text_.reserve(kMostHeld + kMaxLine);
}

std::vector<AccessLog::WantedField> AccessLog::wanted_fields(const std::vector<std::string>& names,
                                                             const std::vector<std::string>& redact) {
  std::vector<WantedField> wanted;
  for (const std::string& name : names) {
    const bool redacted =
        std::ranges::any_of(redact, [&name](const std::string& other) { return http::equal_ignore_case(other, name); });
    const std::string lower = lower_case(name);
    if (std::ranges::find(wanted, lower, &WantedField::name) != wanted.end()) continue;
    wanted.push_back({.name = lower, .key = json_string(lower) + ":", .redacted = redacted});
  }
  return wanted;
}

bool AccessLog::wants(const AccessRecord& record) const {
  if (!enabled_) return false;
  const bool failed = record.ended != Ended::kOk || record.error != nullptr || record.status >= 500;
  if (failed && errors_always_) return true;
  if (sample_below_ == std::numeric_limits<std::uint64_t>::max()) return true;
  return mix(mix(record.connection) ^ record.request) < sample_below_;
}

void AccessLog::append(const AccessRecord& record) {
  if (text_.size() >= kMostHeld) {
    ++lost_;
    return;
  }
  append_line(record);
  ++written_;
  gathered_.set();
  if (text_.size() >= kBatch && !full_) flush();
}

void AccessLog::append_time() {
  using namespace std::chrono;
  const auto now = floor<microseconds>(wall_now());
  const auto second = floor<seconds>(now);
  if (second.time_since_epoch().count() != second_) {
    second_ = second.time_since_epoch().count();
    second_text_ = log_time(second).substr(0, std::string_view("2026-01-31T10:00:00.").size());
  }
  std::array<char, 6> digits{};
  auto micros = static_cast<std::uint32_t>((now - second).count());
  for (auto digit = digits.rbegin(); digit != digits.rend(); ++digit, micros /= 10)
    *digit = static_cast<char>('0' + micros % 10);
  text_ += R"({"time":")";
  text_ += second_text_;
  text_.append(digits.data(), digits.size());
}

void AccessLog::append_line(const AccessRecord& record) {
  const bool tunnel = record.kind == AccessRecord::Kind::kTunnel;
  const std::size_t start = text_.size();
  append_time();
  text_ += tunnel ? R"(Z","level":"info","event":"tunnel")" : R"(Z","level":"info","event":"request")";
  append_number(text_, R"(,"connection":)", record.connection);
  append_number(text_, R"(,"request":)", record.request);
  if (const auto endpoint = quoted_name(endpoints_, record.endpoint); !endpoint.empty())
    (text_ += R"(,"endpoint":)") += endpoint;
  append_text(text_, R"(,"client":)", record.client);
  append_text(text_, R"(,"peer":)", record.peer);
  append_text(text_, R"(,"user":)", record.user);
  append_text(text_, R"(,"method":)", record.method);
  append_text(text_, R"(,"scheme":)", record.scheme);
  append_text(text_, R"(,"authority":)", record.authority);
  append_text(text_, R"(,"path":)", query_ ? record.path : record.path.substr(0, record.path.find('?')), kMostPath);
  append_text(text_, R"(,"version":)", record.version);
  if (record.status != 0) append_number(text_, R"(,"status":)", record.status);
  if (const auto upstream = quoted_name(upstreams_, record.upstream); !upstream.empty())
    (text_ += R"(,"upstream":)") += upstream;
  if (!record.origin.empty()) {
    append_text(text_, R"(,"origin":)", record.origin);
    text_ += record.origin_reused ? R"(,"reused":true)" : R"(,"reused":false)";
  }
  append_number(text_, R"(,"bytes_in":)", record.bytes_in);
  append_number(text_, R"(,"bytes_out":)", record.bytes_out);
  append_micros(text_, R"(,"duration_us":)", record.duration);
  if (record.first_byte.count() > 0) append_micros(text_, R"(,"first_byte_us":)", record.first_byte);
  if (record.queued.count() > 0) append_micros(text_, R"(,"queue_us":)", record.queued);
  if (record.dial.count() > 0) append_micros(text_, R"(,"dial_us":)", record.dial);
  ((text_ += R"(,"ended":")") += name(record.ended)) += '"';
  append_text(text_, R"(,"reason":)", record.reason);
  if (record.error != nullptr) {
    ((text_ += R"(,"error":")") += name(record.error->code())) += '"';
    append_text(text_, R"(,"detail":)", record.error->message());
  }
  if (record.verdict != Verdict::kNone) ((text_ += R"(,"verdict":")") += name(record.verdict)) += '"';
  if (record.request_fields != nullptr)
    append_text(text_, R"(,"user_agent":)", record.request_fields->find(http::FieldId::kUserAgent).value_or(""));
  append_fields(R"(,"request_fields":{)", request_fields_, record.request_fields, start + kFieldsEnd);
  append_fields(R"(,"response_fields":{)", response_fields_, record.response_fields, start + kFieldsEnd);
  text_ += "}\n";
}

// Lines of the same name are one value, joined as RFC 9110 section 5.3 does. Fields beyond `end` are left out.
void AccessLog::append_fields(std::string_view key, const std::vector<WantedField>& wanted, const http::Fields* fields,
                              std::size_t end) {
  if (fields == nullptr) return;
  bool any = false;
  std::string joined;
  for (const WantedField& want : wanted) {
    const std::size_t count = fields->count(want.name);
    if (count == 0 || text_.size() > end) continue;
    text_ += any ? "," : key;
    any = true;
    text_ += want.key;
    if (want.redacted) {
      text_ += R"("[redacted]")";
      continue;
    }
    joined.clear();
    for (const http::Field& field : *fields) {
      if (!http::equal_ignore_case(field.name, want.name)) continue;
      if (!joined.empty()) joined += ", ";
      joined += field.value.substr(0, kMostFieldValue);
      if (joined.size() > kMostFieldValue) break;
    }
    if (joined.empty())
      text_ += R"("")";
    else
      append_text(text_, "", joined, kMostFieldValue);
  }
  if (any) text_ += '}';
}

// Goes out in pieces of whole lines that a pipe takes entirely or not at all, so a full pipe never holds half a line.
void AccessLog::flush() {
  std::string_view rest(text_);
  full_ = false;
  if (lost_ != lost_said_) say_lost();
  while (!rest.empty() && !full_) {
    const std::size_t line_end = rest.substr(0, PIPE_BUF).rfind('\n');
    const std::string_view piece = rest.substr(0, (line_end != rest.npos ? line_end : rest.find('\n')) + 1);
    if (!output_.write(piece)) {
      full_ = true;
      break;
    }
    rest.remove_prefix(piece.size());
  }
  text_.erase(0, text_.size() - rest.size());
  if (text_.empty()) gathered_.clear();
}

void AccessLog::say_lost() {
  JsonLine line = Log::begin(LogLevel::kWarn, "access log lost");
  line.add("lines", lost_ - lost_said_);
  if (output_.write(std::move(line).take() + "\n"))
    lost_said_ = lost_;
  else
    full_ = true;
}

Task<> AccessLog::run(Loop& loop) {
  for (;;) {
    co_await gathered_.wait(loop, Deadline::never());
    co_await loop.yield();  // behind everybody who is ready: what they log goes out in the same batch
    flush();
    if (full_) co_await loop.sleep(kAskAgain);
  }
}

}  // namespace sluice::worker
