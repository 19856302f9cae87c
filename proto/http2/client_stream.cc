// See client_stream.h.
#include "proto/http2/client_stream.h"

#include "proto/http/method.h"
#include "proto/http2/client_session.h"

namespace sluice::http2 {

bool ClientStream::take_head(http::ResponseHead& into) {
  if (built_) {
    built_ = false;
    into_ = nullptr;
    return true;
  }
  if (whole_ != 0) {
    const http::ResponseHead& head = *early_.front();
    into.clear();
    // it was read from a status that may be
    const auto same = into.start(head.status(), head.reason(), head.version());
    static_cast<void>(same);
    into.fields().copy_from(head.fields());
    early_.erase(early_.begin());
    --whole_;
    into_ = nullptr;
    return true;
  }
  into_ = &into;
  return false;
}

void ClientStream::forget_head() {
  if (building_ == into_) building_ = nullptr;
  into_ = nullptr;
  built_ = false;
}

void ClientStream::begin_head() {
  status_ = 0;
  head_bytes_ = 0;
  head_fields_ = 0;
  if (into_ != nullptr && !built_ && early_.empty()) {
    building_ = into_;
  } else {
    building_ = early_.emplace_back(std::make_unique<http::ResponseHead>()).get();
  }
  building_->clear();
}

void ClientStream::end_head(bool last) {
  if (building_ != nullptr && !fault_) {
    const auto status = static_cast<std::uint16_t>(status_);
    if (const auto made = building_->start(status, http::reason_phrase(status), http::Version::kHttp2); !made)
      fault_ = made.error();
  }
  const bool interim = status_ >= 100 && status_ < 200;
  if (!interim) final_ = true;
  if (interim && last && !fault_) fault_ = http::Fault::kBadStatus;  // an answer that never comes
  if (building_ == nullptr) return;
  if (building_ == into_) {
    built_ = true;
  } else {
    ++whole_;
  }
  building_ = nullptr;
}

bool ClientStream::release_body() {
  Buffer& last = in_[handed_];
  const std::size_t done = last.size();
  if (done == 0) return false;
  last.release();
  return session_ != nullptr && session_->give_credit(*this, done);
}

std::string_view ClientStream::take_body() {
  release_body();
  handed_ ^= 1U;
  return in_[handed_].view();
}

}  // namespace sluice::http2
