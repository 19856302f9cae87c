// Layout of heads and chunks.
#include "proto/http1/writer.h"

#include <array>
#include <charconv>
#include <cstring>

#include "base/check.h"
#include "proto/http/ascii.h"

namespace sluice::http1 {
namespace {
using http::FieldId;

// Copies into space that was asked for with the exact size.
class Layout {
 public:
  Layout(Buffer& out, std::size_t size) : out_(out), start_(out.space(size).data()), at_(start_), size_(size) {}
  void put(std::string_view bytes) {
    if (bytes.empty()) return;
    std::memcpy(at_, bytes.data(), bytes.size());
    at_ += bytes.size();
  }
  void field(std::string_view name, std::string_view value) {
    put(name);
    put(": ");
    put(value);
    put("\r\n");
  }
  void finish() {
    SLUICE_CHECK(at_ == start_ + size_, "a head was not as long as announced");
    out_.commit(size_);
  }

 private:
  Buffer& out_;
  char* start_;
  char* at_;
  std::size_t size_;
};

constexpr std::string_view kVersion = " HTTP/1.1\r\n";
constexpr std::string_view kEnd = "\r\n";

std::size_t host_lines_size(const http::Fields& fields) {
  if (!fields.has(FieldId::kHost)) return 0;
  std::size_t size = 0;
  for (const http::Field field : fields)
    if (field.id == FieldId::kHost) size += field.name.size() + field.value.size() + 4;
  return size;
}

struct Hex {
  std::array<char, kChunkPrefixMax> text;
  std::size_t size;
  [[nodiscard]] std::string_view view() const { return {text.data(), size}; }
};
Hex chunk_line(std::uint64_t size) {
  Hex line{};
  char* end = std::to_chars(line.text.begin(), line.text.end() - 2, size, 16).ptr;
  *end++ = '\r';
  *end++ = '\n';
  line.size = static_cast<std::size_t>(end - line.text.data());
  return line;
}
}  // namespace

void write_request_head(Buffer& out, const http::RequestHead& head, http::TargetForm form) {
  std::array<std::string_view, 4> target;
  const std::string_view path = head.path_and_query();
  switch (form) {
    case http::TargetForm::kOrigin:
    case http::TargetForm::kAsterisk:
      target = {path};
      break;
    case http::TargetForm::kAuthority:
      target = {head.authority().text};
      break;
    case http::TargetForm::kAbsolute:
      SLUICE_CHECK(!head.scheme().empty() && !head.authority().text.empty(),
                   "an absolute target needs scheme and host");
      target = {head.scheme(), "://", head.authority().text, path == "*" ? "" : path};
      break;
  }
  const std::string_view host = head.authority().text;
  std::size_t size = head.method_text().size() + 1 + kVersion.size() + std::string_view("Host: \r\n").size() +
                     host.size() + head.fields().wire_size() - host_lines_size(head.fields()) + kEnd.size();
  for (const std::string_view part : target) size += part.size();
  Layout layout(out, size);
  layout.put(head.method_text());
  layout.put(" ");
  for (const std::string_view part : target) layout.put(part);
  layout.put(kVersion);
  layout.field("Host", host);
  for (const http::Field field : head.fields())
    if (field.id != FieldId::kHost) layout.field(field.name, field.value);
  layout.put(kEnd);
  layout.finish();
}

void write_response_head(Buffer& out, const http::ResponseHead& head) {
  SLUICE_CHECK(head.status() >= 100 && head.status() <= 599, "a response without a status");
  constexpr std::string_view kStart = "HTTP/1.1 ";
  const std::array<char, 4> status = {static_cast<char>('0' + head.status() / 100),
                                      static_cast<char>('0' + head.status() / 10 % 10),
                                      static_cast<char>('0' + head.status() % 10), ' '};
  Layout layout(out, kStart.size() + status.size() + head.reason().size() + kEnd.size() + head.fields().wire_size() +
                         kEnd.size());
  layout.put(kStart);
  layout.put({status.data(), status.size()});
  layout.put(head.reason());
  layout.put(kEnd);
  for (const http::Field field : head.fields()) layout.field(field.name, field.value);
  layout.put(kEnd);
  layout.finish();
}

void write_continue(Buffer& out) {
  out.append("HTTP/1.1 100 Continue\r\n\r\n");
}

void write_chunk(Buffer& out, std::string_view data) {
  SLUICE_CHECK(!data.empty(), "an empty chunk would end the body");
  const Hex line = chunk_line(data.size());
  Layout layout(out, line.size + data.size() + kChunkSuffix.size());
  layout.put(line.view());
  layout.put(data);
  layout.put(kChunkSuffix);
  layout.finish();
}

void write_chunk_prefix(Buffer& out, std::uint64_t size) {
  SLUICE_CHECK(size != 0, "an empty chunk would end the body");
  out.append(chunk_line(size).view());
}

void write_last_chunk(Buffer& out, const http::Fields& trailers) {
  Layout layout(out, 3 + trailers.wire_size() + kEnd.size());
  layout.put("0\r\n");
  for (const http::Field field : trailers) layout.field(field.name, field.value);
  layout.put(kEnd);
  layout.finish();
}

void write_last_chunk(Buffer& out) {
  out.append("0\r\n\r\n");
}

}  // namespace sluice::http1
