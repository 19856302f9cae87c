// See stream.h.
#include "worker/tls/stream.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <cstring>

#include "base/ascii.h"
#include "base/check.h"
#include "worker/tls/signer.h"

namespace sluice::worker {
namespace {

constexpr std::size_t kReadSpace = 4096;  // the least worth a read: more is offered when the block has it
constexpr std::size_t kRecord = SSL3_RT_MAX_PLAIN_LENGTH;

int bounded(std::size_t size) {
  return static_cast<int>(std::min<std::size_t>(size, INT_MAX));
}

// The bytes of several pieces, record by record: pieces that fill one are taken as they are, small ones are copied
// together.
class Pieces {
 public:
  explicit Pieces(std::span<const iovec> pieces) : rest_(pieces) { skip_empty(); }

  [[nodiscard]] bool empty() const { return rest_.empty(); }
  [[nodiscard]] std::span<const char> next(std::span<char> scratch) const {
    const std::span<const char> first = at(0);
    if (first.size() >= scratch.size() || rest_.size() == 1) return first;
    std::size_t filled = 0;
    for (std::size_t i = 0; i < rest_.size() && filled < scratch.size(); ++i) {
      const std::span<const char> piece = at(i);
      const std::size_t taken = std::min(piece.size(), scratch.size() - filled);
      if (taken != 0) std::memcpy(scratch.data() + filled, piece.data(), taken);
      filled += taken;
    }
    return scratch.first(filled);
  }
  void consume(std::size_t count) {
    while (count > 0) {
      const std::size_t taken = std::min(count, at(0).size());
      offset_ += taken;
      count -= taken;
      skip_empty();
    }
  }

 private:
  [[nodiscard]] std::span<const char> at(std::size_t index) const {
    const std::span<const char> piece(static_cast<const char*>(rest_[index].iov_base), rest_[index].iov_len);
    return index == 0 ? piece.subspan(offset_) : piece;
  }
  void skip_empty() {
    while (!rest_.empty() && at(0).empty()) {
      rest_ = rest_.subspan(1);
      offset_ = 0;
    }
  }

  std::span<const iovec> rest_;
  std::size_t offset_ = 0;
};

constexpr sys::Io kAgain{.kind = sys::Io::Kind::kAgain};
constexpr sys::Io kFailed{.kind = sys::Io::Kind::kFailed, .error = EPROTO};
sys::Io done(std::size_t bytes) {
  return {.kind = sys::Io::Kind::kDone, .bytes = bytes};
}

}  // namespace

// The functions that BoringSSL calls for its records.
struct TlsBio {
  static TlsStream& stream(BIO* bio) { return *static_cast<TlsStream*>(BIO_get_data(bio)); }
  static int read(BIO* bio, char* out, int length) {
    return stream(bio).pull(*bio, {out, static_cast<std::size_t>(length)});
  }
  static int write(BIO* bio, const char* in, int length) {
    return stream(bio).push(*bio, {in, static_cast<std::size_t>(length)});
  }
  static long control(BIO*, int command, long, void*) { return command == BIO_CTRL_FLUSH ? 1 : 0; }
  static const BIO_METHOD* method() {
    static const bssl::UniquePtr<BIO_METHOD> kMethod = make();
    return kMethod.get();
  }

 private:
  static bssl::UniquePtr<BIO_METHOD> make() {
    bssl::UniquePtr<BIO_METHOD> method(BIO_meth_new(0, "byte stream"));
    SLUICE_CHECK(method != nullptr, "out of memory");
    BIO_meth_set_read(method.get(), read);
    BIO_meth_set_write(method.get(), write);
    BIO_meth_set_ctrl(method.get(), control);
    return method;
  }
};

TlsStream::TlsStream(Loop& loop, ByteStream& under, bssl::UniquePtr<SSL> ssl)
    : loop_(loop), under_(under), ssl_(std::move(ssl)) {
  BIO* const bio = BIO_new(TlsBio::method());
  SLUICE_CHECK(bio != nullptr, "out of memory");
  BIO_set_data(bio, this);
  BIO_set_init(bio, 1);
  SSL_set_bio(ssl_.get(), bio, bio);  // takes the one reference
  SSL_set_app_data(ssl_.get(), this);
  SSL_set_mode(ssl_.get(), SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  SSL_set_shed_handshake_config(ssl_.get(), 1);
}

TlsStream::~TlsStream() = default;

TlsStream& TlsStream::of(const SSL& ssl) {
  return *static_cast<TlsStream*>(SSL_get_app_data(&ssl));
}

int TlsStream::pull(BIO& bio, std::span<char> into) {
  BIO_clear_retry_flags(&bio);
  if (in_.empty()) {
    if (!under_.readable().is_set()) {
      BIO_set_retry_read(&bio);
      return -1;
    }
    const sys::Io io = under_.read(in_.space(kReadSpace));
    if (io.again()) BIO_set_retry_read(&bio);
    if (io.failed()) under_failure_ = io;
    if (io.done() && io.bytes == 0) cut_ = true;
    if (!io.done() || io.bytes == 0) {
      in_.release();
      return io.done() ? 0 : -1;
    }
    in_.commit(io.bytes);
  }
  const std::size_t taken = std::min(into.size(), in_.size());
  std::memcpy(into.data(), in_.view().data(), taken);
  in_.consume(taken);
  if (in_.empty()) in_.release();
  return static_cast<int>(taken);
}

int TlsStream::push(BIO& bio, std::span<const char> from) {
  BIO_clear_retry_flags(&bio);
  if (!under_.writable().is_set()) {
    BIO_set_retry_write(&bio);
    return -1;
  }
  const iovec piece{.iov_base = const_cast<char*>(from.data()), .iov_len = from.size()};  // only read from
  const sys::Io io = under_.write({&piece, 1});
  if (io.done()) return static_cast<int>(io.bytes);
  if (io.again()) BIO_set_retry_write(&bio);
  if (io.failed()) under_failure_ = io;
  return -1;
}

void TlsStream::sign_by(Signer& signer) {
  signature_ = std::make_unique<Signature>(signer);
}

// What a handshake waits for; null when it has failed.
Signal* TlsStream::wanted_by(int ssl_error) {
  switch (ssl_error) {
    case SSL_ERROR_WANT_READ:
      return &under_.readable();
    case SSL_ERROR_WANT_WRITE:
      return &under_.writable();
    case SSL_ERROR_WANT_PRIVATE_KEY_OPERATION:
      return &signature_->ended();
    default:
      return nullptr;
  }
}

Task<Result<>> TlsStream::handshake(Deadline deadline) {
  for (;;) {
    ERR_clear_error();
    const int came_to = SSL_do_handshake(ssl_.get());
    if (came_to == 1) break;
    const int error = SSL_get_error(ssl_.get(), came_to);
    Signal* const wanted = wanted_by(error);
    if (wanted == nullptr) {
      fail_with(error);
      co_return fail(*failure_);
    }
    const Wake wake = co_await wanted->wait(loop_, deadline);
    if (wake == Wake::kTimeout) {
      const bool signing = error == SSL_ERROR_WANT_PRIVATE_KEY_OPERATION;
      co_return fail(Code::kTimeout, signing ? "the TLS handshake waited for the keyholder until its time was over"
                                             : "the TLS handshake was not done in time");
    }
  }
  signature_.reset();
  established_ = true;
  if (!in_.empty()) under_.readable().set();
  co_return Result<>();
}

sys::Io TlsStream::read(std::span<char> into) {
  if (failure_) return kFailed;
  std::size_t got = 0;
  while (got < into.size()) {
    ERR_clear_error();
    const int came = SSL_read(ssl_.get(), into.data() + got, bounded(into.size() - got));
    if (came > 0) {
      got += static_cast<std::size_t>(came);
      continue;
    }
    const int error = SSL_get_error(ssl_.get(), came);
    if (error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE) return got == 0 ? kAgain : done(got);
    if (error == SSL_ERROR_ZERO_RETURN) {
      ended_ = true;
    } else {
      fail_with(error);
    }
    under_.readable().set();  // what came before the end is told first
    if (got != 0 || ended_) return done(got);
    return kFailed;
  }
  if (!in_.empty() || SSL_pending(ssl_.get()) != 0) under_.readable().set();
  return done(got);
}

sys::Io TlsStream::write(std::span<const iovec> from) {
  if (failure_) return kFailed;
  thread_local std::array<char, kRecord> scratch;
  std::size_t written = 0;
  for (Pieces pieces(from); !pieces.empty();) {
    const std::span<const char> record = pieces.next(scratch);
    ERR_clear_error();
    const int took = SSL_write(ssl_.get(), record.data(), bounded(record.size()));
    if (took > 0) {
      pieces.consume(static_cast<std::size_t>(took));
      written += static_cast<std::size_t>(took);
      continue;
    }
    const int error = SSL_get_error(ssl_.get(), took);
    if (error == SSL_ERROR_WANT_WRITE || error == SSL_ERROR_WANT_READ) return written == 0 ? kAgain : done(written);
    fail_with(error);
    return kFailed;
  }
  return done(written);
}

Error TlsStream::why(const sys::Io& io, std::string_view call) const {
  return failure_ ? *failure_ : Error::from_errno(io.error, call);
}

void TlsStream::shutdown_write() {
  if (failure_ || silent_ || !established_) return under_.shutdown_write();
  ERR_clear_error();
  const int said = SSL_shutdown(ssl_.get());
  if (said < 0 && SSL_get_error(ssl_.get(), said) == SSL_ERROR_WANT_WRITE) {
    if (leaving_ == nullptr) leaving_ = std::make_unique<Scope>();
    leaving_->spawn([this] { return finish_leaving(); });
    return;
  }
  under_.shutdown_write();
}

// The stream below is full: its end waits until it has taken the close_notify.
Task<> TlsStream::finish_leaving() {
  for (;;) {
    const Wake wake = co_await under_.writable().wait(loop_, Deadline::never());
    static_cast<void>(wake);
    ERR_clear_error();
    const int said = SSL_shutdown(ssl_.get());
    if (said < 0 && SSL_get_error(ssl_.get(), said) == SSL_ERROR_WANT_WRITE) continue;
    under_.shutdown_write();
    co_return;
  }
}

void TlsStream::take_leave() {
  if (failure_ || silent_ || !established_) return;
  ERR_clear_error();
  const int said = SSL_shutdown(ssl_.get());
  static_cast<void>(said);  // whoever does not listen any more does not need it
}

void TlsStream::reset_on_close() {
  silent_ = true;
  under_.reset_on_close();
}

void TlsStream::take_session(bssl::UniquePtr<SSL_SESSION> session) {
  if (sessions_ == nullptr) return;
  sessions_->keep({.session = std::move(session), .checked = resumed() ? checked_ : loop_.now()});
}

std::string_view TlsStream::version() const {
  return SSL_get_version(ssl_.get());
}

std::string_view TlsStream::protocol() const {
  const std::uint8_t* name = nullptr;
  unsigned size = 0;
  SSL_get0_alpn_selected(ssl_.get(), &name, &size);
  return {reinterpret_cast<const char*>(name), size};
}

std::string_view TlsStream::server_name() const {
  const char* const name = SSL_get_servername(ssl_.get(), TLSEXT_NAMETYPE_host_name);
  return name != nullptr ? name : "";
}

bool TlsStream::resumed() const {
  return SSL_session_reused(ssl_.get()) == 1;
}

void TlsStream::fail_with(int ssl_error) {
  Error cause = explain(ssl_error);  // in any case: it empties the queue
  if (!failure_) failure_ = std::move(cause);
}

// What BoringSSL has put into its queue, oldest first: the first one is the cause.
Error TlsStream::explain(int ssl_error) const {
  const std::uint32_t cause = ERR_peek_error();
  ERR_clear_error();
  if (!certificate_fault_.empty()) return Error(Code::kTlsCertificate, certificate_fault_);
  if (ssl_error == SSL_ERROR_SSL && ERR_GET_LIB(cause) == ERR_LIB_SSL && ERR_GET_REASON(cause) >= SSL_AD_REASON_OFFSET)
    return Error(Code::kTlsAlert, std::string("the peer's TLS alert: ") +
                                      SSL_alert_desc_string_long(ERR_GET_REASON(cause) - SSL_AD_REASON_OFFSET));
  if (under_failure_) return Error::from_errno(under_failure_->error, established_ ? "TLS" : "TLS handshake");
  if (cut_)
    return Error(Code::kClosed, established_ ? "the TLS stream ended without close_notify"
                                             : "closed in the middle of the TLS handshake");
  const char* const reason = ERR_reason_error_string(cause);
  std::string text = reason == nullptr ? "unknown" : reason;
  std::ranges::transform(text, text.begin(), [](char c) { return c == '_' ? ' ' : to_lower(c); });
  return Error(Code::kTlsProtocol, "TLS: " + text);
}

}  // namespace sluice::worker
