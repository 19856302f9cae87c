// See key_store.h.
#include "app/keyholder/key_store.h"

#include <openssl/digest.h>
#include <openssl/ec_key.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/mem.h>
#include <openssl/rsa.h>
#include <openssl/ssl.h>
#include <unistd.h>

#include <cerrno>

#include "worker/tls/key_id.h"
#include "worker/tls/pem.h"

namespace sluice::keyholder {
namespace {

constexpr std::size_t kMostFile = std::size_t{64} << 10;

// Overwritten before it is given back.
class Secret {
 public:
  Secret() : bytes_(kMostFile + 1, '\0') {}
  Secret(Secret&&) = delete;
  ~Secret() { OPENSSL_cleanse(bytes_.data(), bytes_.size()); }

  [[nodiscard]] Result<> read(const Fd& file) {
    while (size_ < bytes_.size()) {
      const ssize_t got = ::pread(file.get(), bytes_.data() + size_, bytes_.size() - size_, static_cast<off_t>(size_));
      if (got < 0 && errno == EINTR) continue;
      if (got < 0) return fail_errno(errno, "the key cannot be read");
      if (got == 0) break;
      size_ += static_cast<std::size_t>(got);
    }
    if (size_ > kMostFile) return fail(Code::kBadConfig, "the file of the key is longer than 64 KiB");
    return {};
  }
  [[nodiscard]] std::string_view text() const { return std::string_view(bytes_).substr(0, size_); }

 private:
  std::string bytes_;
  std::size_t size_ = 0;
};

Result<> check_kind(const EVP_PKEY& key) {
  if (worker::key_kind(key) != worker::KeyKind::kOther) return {};
  return fail(Code::kBadConfig, "the key is neither ECDSA with P-256, P-384 or P-521 nor RSA with 2048 to 8192 bits");
}

bool prepare(EVP_MD_CTX& digest, std::uint16_t algorithm, EVP_PKEY& key) {
  EVP_PKEY_CTX* context = nullptr;
  const EVP_MD* const hash = SSL_get_signature_algorithm_digest(algorithm);
  if (SSL_get_signature_algorithm_key_type(algorithm) != EVP_PKEY_id(&key) || hash == nullptr) return false;
  if (EVP_DigestSignInit(&digest, &context, hash, nullptr, &key) != 1) return false;
  if (SSL_is_signature_algorithm_rsa_pss(algorithm) == 0) return true;
  return EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_PSS_PADDING) == 1 &&
         EVP_PKEY_CTX_set_rsa_pss_saltlen(context, -1) == 1;  // as long as the hash (RFC 8446 section 4.2.3)
}

bool sign_with(EVP_PKEY& key, const ipc::SignRequest& request, std::string& signature) {
  bssl::ScopedEVP_MD_CTX digest;
  if (!prepare(*digest.get(), request.algorithm, key)) return false;
  const auto* const input = reinterpret_cast<const std::uint8_t*>(request.input.data());
  std::size_t size = static_cast<std::size_t>(EVP_PKEY_size(&key));
  signature.resize(size);
  if (EVP_DigestSign(digest.get(), reinterpret_cast<std::uint8_t*>(signature.data()), &size, input,
                     request.input.size()) != 1)
    return false;
  signature.resize(size);
  return size <= ipc::SignAnswer::kMostSignature;
}

}  // namespace

Result<bssl::UniquePtr<EVP_PKEY>> read_key(const Fd& file) {
  Secret text;
  if (Result<> read = text.read(file); !read) return fail(std::move(read).error());
  Result<bssl::UniquePtr<EVP_PKEY>> key = worker::key_of(text.text());
  if (!key) return fail(std::move(key).error());
  if (Result<> usable = check_kind(**key); !usable) return fail(std::move(usable).error());
  return key;
}

KeyStore::KeyStore() = default;
KeyStore::~KeyStore() = default;

Result<> KeyStore::add(std::string_view tenant, const Fd& file) {
  Result<bssl::UniquePtr<EVP_PKEY>> key = read_key(file);
  if (!key) return fail(std::move(key).error());
  std::string id = worker::key_id(**key);
  keys_.insert_or_assign({std::string(tenant), std::move(id)}, *std::move(key));
  return {};
}

ipc::SignAnswer KeyStore::sign(const std::string& tenant, const ipc::SignRequest& request) const {
  ipc::SignAnswer answer{.number = request.number, .came_to = ipc::Signing::kUnknownKey, .signature = {}};
  const auto found = keys_.find({tenant, request.key});
  if (found == keys_.end()) return answer;
  answer.came_to = ipc::Signing::kDone;
  if (!sign_with(*found->second, request, answer.signature)) {
    answer.came_to = ipc::Signing::kRefused;
    answer.signature.clear();
  }
  ERR_clear_error();
  return answer;
}

}  // namespace sluice::keyholder
