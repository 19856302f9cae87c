// The server's end of HTTP/2: the first byte chooses how the client's bytes are cut and what becomes of requests, the
// rest are its frames behind the preface. Whatever they are, the session stays within its limits: of streams, of bytes
// that wait, of heads; requests that it announces are what HTTP allows, once; and what it has announced it takes back,
// ends or keeps.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/buffer.h"
#include "base/check.h"
#include "proto/http/ascii.h"
#include "proto/http2/server_session.h"

namespace {
using namespace sluice;
using http2::Last;

http2::SessionLimits tight() {
  http2::SessionLimits limits;
  limits.head = {.start_line = 512, .head = 2048, .fields = 20};
  limits.trailers = 256;
  limits.trailer_fields = 4;
  limits.streams = 8;
  limits.stream_window = 1024;
  limits.connection_window = 65'535;
  return limits;
}

class Server {
 public:
  explicit Server(std::uint8_t choice)
      : choice_(choice), session_(tight(), [] { return std::make_unique<http2::Stream>(); }, Nanos(0)) {}

  void feed(std::string_view bytes) {
    const std::string piece(bytes);  // an allocation of its own, so that ASan sees a read beyond it
    session_.feed(piece, Nanos(0));
    while (http2::Stream* const stream = session_.next_arrived()) {
      look_at(*stream);
      serve(*stream);
    }
    reap();
    SLUICE_CHECK(session_.streams() <= 2 * tight().streams + 2, "more streams than there may be");
    write();
  }

 private:
  void look_at(http2::Stream& stream) {
    SLUICE_CHECK(std::ranges::find(open_, &stream) == open_.end(), "a request was announced twice");
    if (stream.fault()) return;
    http::RequestHead& head = stream.head();
    SLUICE_CHECK(!head.method_text().empty() && !head.authority().host.empty(), "a request without method or host");
    SLUICE_CHECK(head.fields().count(http::FieldId::kHost) == 1, "not one Host");
    SLUICE_CHECK(head.fields().size() <= tight().head.fields + 2, "too many fields");
    for (const http::Field field : head.fields()) {
      SLUICE_CHECK(http::is_token(field.name) && http::is_field_value(field.value), "a field that HTTP does not allow");
      SLUICE_CHECK(field.id != http::FieldId::kConnection && field.id != http::FieldId::kTransferEncoding,
                   "a field of the connection");
    }
  }

  void serve(http2::Stream& stream) {
    open_.push_back(&stream);
    if ((choice_ & 1U) != 0) return;  // nobody answers
    http::ResponseHead head;
    head.set_status(200);
    if ((choice_ & 2U) != 0) {
      session_.answer(stream, head, Last::kYes);
      return;
    }
    session_.answer(stream, head, Last::kNo);
    session_.offer(stream, kBody, (choice_ & 4U) != 0 ? Last::kYes : Last::kNo, nullptr);
  }

  void reap() {
    while (http2::Stream* const stream = session_.next_gone()) {
      SLUICE_CHECK(std::erase(open_, stream) == 1, "a stream that nobody has heard of was taken back");
      session_.drop(*stream, http2::ErrorCode::kCancel);
    }
    for (http2::Stream* const stream : std::vector(open_)) {
      const std::string_view body = stream->take_body();
      SLUICE_CHECK(body.size() <= 2048, "more of a body waits than the window lets through");
      if (!stream->finished() || !stream->taken()) continue;
      std::erase(open_, stream);
      session_.drop(*stream, http2::ErrorCode::kInternalError);
    }
  }

  void write() {
    Buffer out;
    while (session_.fill(out, Nanos(0))) {
      SLUICE_CHECK(out.size() <= 2 * Buffer::kBlock, "a block overflows");
      out.clear();
    }
    reap();
  }

  static constexpr std::string_view kBody = "what everybody gets";
  std::uint8_t choice_;
  http2::ServerSession session_;
  std::vector<http2::Stream*> open_;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 1) return 0;
  const std::uint8_t choice = data[0];
  std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  Server server(choice);
  server.feed(http2::kPreface);
  const std::size_t piece = (choice & 8U) != 0 ? std::size_t{choice} / 16 + 1 : std::max<std::size_t>(bytes.size(), 1);
  while (!bytes.empty()) {
    server.feed(bytes.substr(0, piece));
    bytes.remove_prefix(std::min(piece, bytes.size()));
  }
  return 0;
}
