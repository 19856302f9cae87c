// See sessions.h.
#include "worker/tls/sessions.h"

#include <openssl/ssl.h>

#include <utility>

namespace sluice::worker {

TlsSessions::TlsSessions() = default;
TlsSessions::~TlsSessions() = default;

void TlsSessions::keep(bssl::UniquePtr<SSL_SESSION> session, Nanos now) {
  if (kept_.size() == kMost) kept_.erase(kept_.begin());
  kept_.push_back({.session = std::move(session), .since = now});
}

bssl::UniquePtr<SSL_SESSION> TlsSessions::take(Nanos now) {
  while (!kept_.empty()) {
    Kept& newest = kept_.back();
    if (now - newest.since >= kMostAge) {  // and so are all others
      kept_.clear();
      break;
    }
    if (SSL_SESSION_should_be_single_use(newest.session.get()) == 0) return bssl::UpRef(newest.session);
    bssl::UniquePtr<SSL_SESSION> taken = std::move(newest.session);
    kept_.pop_back();
    return taken;
  }
  return nullptr;
}

}  // namespace sluice::worker
