// See signer.h.
#include "worker/tls/signer.h"

#include <algorithm>
#include <utility>
#include <vector>

namespace sluice::worker {
namespace {
constexpr Millis kPatience(10'000);  // a keyholder that does not read for so long hangs; the supervisor ends it
}

Signer::~Signer() = default;

void Signer::connect(Fd channel) {
  talking_.cancel();
  channel_ = std::make_unique<ipc::Channel>(std::move(channel), 0);
  channel_->attach(loop_);
  unsent_.clear();
  for (const auto& [number, signature] : waiting_) unsent_.push_back(number);
  std::ranges::sort(unsent_);
  if (!unsent_.empty()) to_send_.set();
  talking_.spawn([this] { return send(); });
  talking_.spawn([this] { return pump(); });
  talking_.spawn([this] { return listen(); });
}

Result<> Signer::ask(Signature& signature) {
  if (waiting_.size() >= kMostWaiting) return fail(Code::kOverload, "too many handshakes wait for the keyholder");
  signature.request_.number = ++last_;
  waiting_.emplace(last_, &signature);
  unsent_.push_back(last_);
  to_send_.set();
  return {};
}

void Signer::forget(std::uint64_t number) {
  waiting_.erase(number);
}

Task<> Signer::send() {
  for (;;) {
    const Wake wake = co_await to_send_.wait(loop_, Deadline::never());
    static_cast<void>(wake);
    co_await loop_.yield();  // what others ask for in this turn goes with it
    to_send_.clear();
    if (const Result<> sent = send_unsent(); !sent) co_return;  // listen() finds out that it is over
  }
}

Result<> Signer::send_unsent() {
  while (!unsent_.empty()) {
    std::vector<ipc::SignRequest> batch;
    std::size_t taken = 0;
    for (; taken < unsent_.size() && batch.size() < ipc::kMostSignatures; ++taken)
      if (const auto found = waiting_.find(unsent_[taken]); found != waiting_.end())
        batch.push_back(found->second->request_);
    if (!batch.empty()) {
      const Result<std::string> bytes = ipc::encode(batch);
      if (!bytes) return fail(bytes.error());
      if (Result<> posted = channel_->post(*bytes, {}); !posted) return posted;
    }
    unsent_.erase(unsent_.begin(), unsent_.begin() + static_cast<std::ptrdiff_t>(taken));
  }
  return {};
}

Task<> Signer::pump() {
  const Error error = co_await channel_->pump(kPatience);
  static_cast<void>(error);  // the keyholder has gone or hangs: the supervisor sends another
}

Task<> Signer::listen() {
  for (;;) {
    const Result<ipc::Packet> packet = co_await channel_->receive(Deadline::never());
    if (!packet) co_return;
    Result<std::vector<ipc::SignAnswer>> answers = ipc::decode_answers(packet->bytes);
    if (!answers) co_return;
    for (ipc::SignAnswer& answer : *answers) take(std::move(answer));
  }
}

void Signer::take(ipc::SignAnswer answer) {
  const auto found = waiting_.find(answer.number);
  if (found == waiting_.end()) return;  // given up meanwhile
  Signature& signature = *found->second;
  waiting_.erase(found);
  signature.answer_ = std::move(answer);
  signature.ended_.set();
}

Signature::~Signature() {
  if (request_.number != 0) signer_.forget(request_.number);
}

Result<> Signature::begin(std::string key, std::uint16_t algorithm, std::string_view input) {
  if (input.size() > ipc::SignRequest::kMostInput) return fail(Code::kProtocol, "too much to sign");
  request_.key = std::move(key);
  request_.algorithm = algorithm;
  request_.input = input;
  return signer_.ask(*this);
}

Result<std::string_view> Signature::bytes() const {
  switch (answer_.came_to) {
    case ipc::Signing::kDone:
      return std::string_view(answer_.signature);
    case ipc::Signing::kUnknownKey:
      return fail(Code::kUnavailable, "the keyholder does not have the certificate's key");
    case ipc::Signing::kRefused:
      return fail(Code::kUnavailable, "the keyholder cannot sign with this key");
  }
  return fail(Code::kUnavailable, "no signature");
}

}  // namespace sluice::worker
