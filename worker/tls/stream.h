// TlsStream: TLS over any ByteStream, as a ByteStream. Client and server are the same from the end of the handshake on.
//
// It shares the signals of the stream below: `readable()` stays set while decrypted or undecrypted bytes wait in here,
// so whoever waits for one waits for the other. Records are read through a pooled block that is given back as soon as
// it is empty, and BoringSSL frees its own buffers between records: an idle connection holds neither. What the stream
// below does not take at once stays in BoringSSL as one record; the caller offers the same bytes again, as after any
// write that took less than all.
//
// The end of the stream is a close_notify; an end without one is an error (RFC 8446 section 6.1), so that nobody takes
// a cut for an end. Owned by the connection it belongs to, together with the stream below.
#pragma once
#include <openssl/base.h>

#include <memory>
#include <optional>
#include <string>

#include "base/buffer.h"
#include "base/loop.h"
#include "base/result.h"
#include "base/scope.h"
#include "base/task.h"
#include "worker/flow/stream.h"
#include "worker/tls/sessions.h"

namespace sluice::worker {

class ServerCertificate;
class Signature;
class Signer;
class Tickets;

class TlsStream final : public ByteStream {
 public:
  /// `ssl` has its role and everything else that the handshake needs. Lifetime: `under` outlives it.
  TlsStream(Loop& loop, ByteStream& under, bssl::UniquePtr<SSL> ssl);
  ~TlsStream() override;

  /// To be awaited before anything is read or written. Errors: kTlsCertificate, kTlsProtocol, kTlsAlert; kUnavailable
  /// and kOverload when there is no signature; kClosed when the peer leaves in the middle, kTimeout at the deadline and
  /// others of the system; the side is the caller's to say.
  Task<Result<>> handshake(Deadline deadline);

  [[nodiscard]] sys::Io read(std::span<char> into) override;
  [[nodiscard]] sys::Io write(std::span<const iovec> from) override;
  [[nodiscard]] Error why(const sys::Io& io, std::string_view call) const override;
  /// A close_notify, and then the end of the stream below.
  void shutdown_write() override;
  void reset_on_close() override;
  [[nodiscard]] Signal& readable() override { return under_.readable(); }
  [[nodiscard]] Signal& writable() override { return under_.writable(); }
  void confirm() override { under_.confirm(); }
  [[nodiscard]] bool broken() override { return failure_.has_value() || under_.broken(); }
  [[nodiscard]] bool peer_closed() const override { return ended_ || under_.peer_closed(); }
  [[nodiscard]] int plain_socket() const override { return -1; }

  /// Before an orderly close, when nothing is under way: says close_notify if it can be said at once.
  void take_leave();

  /// Sessions that the peer offers go there. `checked`: of the session that this one wants to resume. Lifetime: shared.
  void keep_sessions(std::shared_ptr<TlsSessions> sessions, Nanos checked) {
    sessions_ = std::move(sessions);
    checked_ = checked;
  }
  /// Of the callbacks of BoringSSL: the stream of a handshake.
  [[nodiscard]] static TlsStream& of(const SSL& ssl);
  /// … says what is wrong with the peer's certificate.
  void blame_certificate(std::string why) { certificate_fault_ = std::move(why); }
  /// … says what else is wrong, where BoringSSL would only say that something is.
  void blame(Error why) { failure_ = std::move(why); }
  /// … has chosen what a client is shown. Lifetime: outlives the stream.
  void show(const ServerCertificate& certificate) { certificate_ = &certificate; }
  /// Of a server; null before the choice.
  [[nodiscard]] const ServerCertificate* certificate() const { return certificate_; }
  /// A server's signature is made there. Lifetime: outlives the handshake.
  void sign_by(Signer& signer);
  /// … seals the sessions of its client there. Lifetime: outlives the stream.
  void seal_by(const Tickets& tickets) { tickets_ = &tickets; }
  [[nodiscard]] const Tickets* tickets() const { return tickets_; }
  /// … during the handshake of a server.
  [[nodiscard]] Signature* signature() { return signature_.get(); }
  /// … has got a session that may be resumed.
  void take_session(bssl::UniquePtr<SSL_SESSION> session);

  [[nodiscard]] SSL& ssl() { return *ssl_; }
  /// "TLSv1.3"
  [[nodiscard]] std::string_view version() const;
  /// What ALPN chose; empty when the peer did not.
  [[nodiscard]] std::string_view protocol() const;
  /// That a client has asked for by SNI; empty when it has not.
  [[nodiscard]] std::string_view server_name() const;
  /// The handshake took up an earlier session.
  [[nodiscard]] bool resumed() const;

 private:
  friend struct TlsBio;
  /// For BoringSSL: as read(2) and write(2), -1 and a mark on the BIO for "later".
  int pull(BIO& bio, std::span<char> into);
  int push(BIO& bio, std::span<const char> from);

  /// A call of BoringSSL has failed for good.
  void fail_with(int ssl_error);
  [[nodiscard]] Error explain(int ssl_error) const;
  [[nodiscard]] Signal* wanted_by(int ssl_error);
  Task<> finish_leaving();

  Loop& loop_;
  ByteStream& under_;
  bssl::UniquePtr<SSL> ssl_;
  Buffer in_;  // records read and not yet given to BoringSSL
  std::optional<sys::Io> under_failure_;
  std::optional<Error> failure_;
  std::string certificate_fault_;
  const ServerCertificate* certificate_ = nullptr;
  const Tickets* tickets_ = nullptr;
  std::unique_ptr<Signature> signature_;  // during the handshake
  std::shared_ptr<TlsSessions> sessions_;
  Nanos checked_{0};
  bool established_ = false;
  bool ended_ = false;              // the peer has said close_notify
  bool cut_ = false;                // the stream below has ended
  bool silent_ = false;             // nothing more is to be said: it will be reset
  std::unique_ptr<Scope> leaving_;  // while the stream below does not take the close_notify
};

}  // namespace sluice::worker
