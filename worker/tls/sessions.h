// TlsSessions: sessions of one server that a later connection may resume, so that it saves the certificate and its
// check. Sessions of TLS 1.3 are for one connection each (RFC 8446 appendix C.4); an older one may be used again. They
// belong to one server and one set of TLS settings, like the connections in its pool.
#pragma once
#include <openssl/base.h>

#include <cstddef>
#include <vector>

#include "base/time.h"

namespace sluice::worker {

class TlsSessions {
 public:
  static constexpr std::size_t kMost = 8;
  /// The peer's certificate is looked at anew after this time.
  static constexpr Nanos kMostAge = std::chrono::hours(1);

  TlsSessions();
  ~TlsSessions();
  TlsSessions(TlsSessions&&) = delete;

  struct Kept {
    bssl::UniquePtr<SSL_SESSION> session;  ///< null: there is none
    Nanos checked{0};                      ///< when the peer's certificate was, perhaps by an earlier session
  };

  void keep(Kept session);
  /// The newest one.
  [[nodiscard]] Kept take(Nanos now);

 private:
  std::vector<Kept> kept_;  // the newest one is the last
};

}  // namespace sluice::worker
