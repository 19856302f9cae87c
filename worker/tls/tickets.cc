// See tickets.h.
#include "worker/tls/tickets.h"

#include <openssl/err.h>
#include <openssl/mem.h>
#include <openssl/rand.h>

#include <algorithm>
#include <array>

#include "base/check.h"

namespace sluice::worker {
namespace {

constexpr std::size_t kNonce = 12;
constexpr std::size_t kName = ipc::TicketKeys::kName;

const std::uint8_t* bytes_of(const std::string& text) {
  return reinterpret_cast<const std::uint8_t*>(text.data());
}

}  // namespace

void Tickets::set(ipc::TicketKeys keys) {
  keys_.clear();
  for (ipc::TicketKeys::Item& item : keys.items) {
    auto key = std::make_unique<Key>();
    key->name = std::move(item.name);
    const bool ready = key->name.size() == kName && item.secret.size() == ipc::TicketKeys::kSecret &&
                       EVP_AEAD_CTX_init(key->context.get(), EVP_aead_aes_256_gcm_siv(), bytes_of(item.secret),
                                         item.secret.size(), EVP_AEAD_DEFAULT_TAG_LENGTH, nullptr) == 1;
    SLUICE_CHECK(ready, "the message has keys of the right size");
    OPENSSL_cleanse(item.secret.data(), item.secret.size());
    keys_.push_back(std::move(key));
  }
}

std::optional<std::size_t> Tickets::seal(std::span<std::uint8_t> out, std::span<const std::uint8_t> session) const {
  if (keys_.empty() || out.size() < session.size() + kOverhead) return std::nullopt;
  const Key& key = *keys_.front();
  std::array<std::uint8_t, kNonce> nonce{};
  RAND_bytes(nonce.data(), nonce.size());
  std::size_t size = 0;
  if (EVP_AEAD_CTX_seal(key.context.get(), out.data(), &size, out.size() - kNonce - kName, nonce.data(), nonce.size(),
                        session.data(), session.size(), bytes_of(key.name), kName) != 1) {
    ERR_clear_error();
    return std::nullopt;
  }
  std::ranges::copy(nonce, out.subspan(size).begin());
  std::copy_n(bytes_of(key.name), kName, out.subspan(size + kNonce).begin());
  return size + kNonce + kName;
}

std::optional<std::size_t> Tickets::open(std::span<std::uint8_t> out, std::span<const std::uint8_t> ticket) const {
  if (ticket.size() < kOverhead) return std::nullopt;
  const std::span<const std::uint8_t> name = ticket.last(kName);
  const auto named = [&](const std::unique_ptr<const Key>& key) {
    return std::equal(name.begin(), name.end(), bytes_of(key->name));
  };
  const auto key = std::ranges::find_if(keys_, named);
  if (key == keys_.end()) return std::nullopt;
  const std::span<const std::uint8_t> sealed = ticket.first(ticket.size() - kName - kNonce);
  std::array<std::uint8_t, kNonce> nonce{};
  std::ranges::copy(ticket.subspan(sealed.size(), kNonce), nonce.begin());
  std::size_t size = 0;
  if (EVP_AEAD_CTX_open((*key)->context.get(), out.data(), &size, out.size(), nonce.data(), nonce.size(), sealed.data(),
                        sealed.size(), bytes_of((*key)->name), kName) != 1) {
    ERR_clear_error();
    return std::nullopt;
  }
  return size;
}

}  // namespace sluice::worker
