// See sessions.h.
#include "worker/tls/sessions.h"

#include <openssl/ssl.h>

#include <utility>

namespace sluice::worker {

TlsSessions::TlsSessions() = default;
TlsSessions::~TlsSessions() = default;

void TlsSessions::keep(Kept session) {
  if (kept_.size() == kMost) kept_.erase(kept_.begin());
  kept_.push_back(std::move(session));
}

TlsSessions::Kept TlsSessions::take(Nanos now) {
  std::erase_if(kept_, [now](const Kept& kept) { return now - kept.checked >= kMostAge; });
  if (kept_.empty()) return {};
  Kept& newest = kept_.back();
  if (SSL_SESSION_should_be_single_use(newest.session.get()) == 0)
    return {.session = bssl::UpRef(newest.session), .checked = newest.checked};
  Kept taken = std::move(newest);
  kept_.pop_back();
  return taken;
}

}  // namespace sluice::worker
