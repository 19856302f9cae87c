// Our end of HTTP/2 towards an origin: the first byte chooses what is asked and how the origin's bytes are cut, the
// rest are its frames. Whatever they are, heads that are handed out are what HTTP allows and within the limits, bodies
// stay within the window, nothing is written into a head that was forgotten, and what is dropped is never touched
// again.
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/buffer.h"
#include "base/check.h"
#include "proto/http/ascii.h"
#include "proto/http2/client_session.h"

namespace {
using namespace sluice;
using http2::Last;

http2::ClientLimits tight() {
  http2::ClientLimits limits;
  limits.head = 2048;
  limits.fields = 20;
  limits.trailers = 256;
  limits.trailer_fields = 4;
  limits.stream_window = 1024;
  return limits;
}

struct Request {
  http2::ClientStream stream;
  std::unique_ptr<http::ResponseHead> head = std::make_unique<http::ResponseHead>();
};

class Asker {
 public:
  explicit Asker(std::uint8_t choice) : choice_(choice), session_(tight(), Nanos(0)) {
    for (std::size_t i = 0; i < requests_.size(); ++i) ask(i);
    write();
  }
  ~Asker() {
    for (std::unique_ptr<Request>& request : requests_)
      if (request != nullptr) session_.drop(request->stream, http2::ErrorCode::kCancel);
  }

  void feed(std::string_view bytes) {
    const std::string piece(bytes);  // an allocation of its own, so that ASan sees a read beyond it
    session_.feed(piece, Nanos(0));
    for (std::size_t i = 0; i < requests_.size(); ++i) look_at(i);
    write();
  }

 private:
  void ask(std::size_t index) {
    requests_.at(index) = std::make_unique<Request>();
    http::RequestHead head;
    SLUICE_CHECK(head.start(index % 2 == 0 ? "GET" : "HEAD", "/", http::Version::kHttp11).has_value(), "no head");
    head.fields().add(http::FieldId::kHost, "a.example");
    SLUICE_CHECK(head.settle_host().has_value(), "no host");
    const bool body = (choice_ & 1U) != 0;
    session_.ask(requests_.at(index)->stream, head, "http", body ? Last::kNo : Last::kYes);
    if (body) session_.offer(requests_.at(index)->stream, kBody, (choice_ & 2U) != 0 ? Last::kYes : Last::kNo, nullptr);
  }

  void look_at(std::size_t index) {
    Request& request = *requests_.at(index);
    http2::ClientStream& stream = request.stream;
    while (!stream.fault() && !stream.malformed() && stream.take_head(*request.head)) {
      const http::ResponseHead& head = *request.head;
      SLUICE_CHECK(head.status() >= 100 && head.status() <= 599 && head.status() != 101, "a status that is none");
      SLUICE_CHECK(head.fields().size() <= tight().fields, "too many fields");
      for (const http::Field field : head.fields()) {
        SLUICE_CHECK(http::is_token(field.name) && http::is_field_value(field.value), "a field that is none");
        SLUICE_CHECK(field.id != http::FieldId::kConnection && field.id != http::FieldId::kTransferEncoding,
                     "a field of the connection");
      }
    }
    if ((choice_ & 4U) != 0) SLUICE_CHECK(stream.take_body().size() <= 2048, "more waits than the window lets through");
    if (!stream.closed() && !stream.fault() && !stream.malformed()) return;
    stream.forget_head();
    session_.drop(stream, http2::ErrorCode::kCancel);
    ask(index);
  }

  void write() {
    Buffer out;
    while (session_.fill(out, Nanos(0))) {
      SLUICE_CHECK(out.size() <= 2 * Buffer::kBlock, "a block overflows");
      out.clear();
    }
  }

  static constexpr std::string_view kBody = "what everybody sends";
  std::uint8_t choice_;
  http2::ClientSession session_;
  std::array<std::unique_ptr<Request>, 3> requests_;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 1) return 0;
  const std::uint8_t choice = data[0];
  std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  Asker asker(choice);
  const std::size_t piece = (choice & 8U) != 0 ? std::size_t{choice} / 16 + 1 : std::max<std::size_t>(bytes.size(), 1);
  while (!bytes.empty()) {
    asker.feed(bytes.substr(0, piece));
    bytes.remove_prefix(std::min(piece, bytes.size()));
  }
  return 0;
}
