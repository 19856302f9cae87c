// See check.h.
#include "app/keyholder/check.h"

#include <openssl/evp.h>
#include <openssl/x509.h>

#include <array>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "app/keyholder/key_store.h"
#include "ipc/peer.h"
#include "worker/tls/key_id.h"
#include "worker/tls/pem.h"

namespace sluice::keyholder {
namespace {

constexpr int kFailed = 1;
constexpr int kChannel = 3;
constexpr std::size_t kMostInput = std::size_t{16} << 20;

int complain(std::string_view why) {
  std::fprintf(stderr, "%.*s\n", static_cast<int>(why.size()), why.data());
  return kFailed;
}

}  // namespace

std::string fault_of(std::string_view certificates, const Fd& key) {
  const Result<std::vector<bssl::UniquePtr<X509>>> chain = worker::certificates_of(certificates);
  if (!chain) return "the certificate cannot be used: " + chain.error().message();
  const Result<bssl::UniquePtr<EVP_PKEY>> secret = read_key(key);
  if (!secret) return "the key cannot be used: " + secret.error().message();
  const bssl::UniquePtr<EVP_PKEY> shown(X509_get_pubkey(chain->front().get()));
  if (shown == nullptr) return "the certificate has a key that cannot be read";
  return worker::key_id(*shown) == worker::key_id(**secret) ? "" : "the key is not that of the first certificate";
}

int check() {
  std::string input;
  std::array<char, 65536> block;
  while (const std::size_t got = std::fread(block.data(), 1, block.size(), stdin)) {
    input.append(block.data(), got);
    if (input.size() > kMostInput) return complain("too much input");
  }
  const nlohmann::json certificates = nlohmann::json::parse(input, nullptr, /*allow_exceptions=*/false);
  ipc::WorkerEnd end{Fd(kChannel)};
  const Result<ipc::WorkerEnd::Received> keys = end.receive_blocking(Deadline(steady_now() + Millis(1000)));
  if (!keys) return complain(keys.error().message());
  if (!certificates.is_array() || certificates.size() != keys->fds.size())
    return complain("not as many certificates as keys");
  nlohmann::json faults = nlohmann::json::array();
  for (std::size_t i = 0; i < keys->fds.size(); ++i) {
    if (!certificates[i].is_string()) return complain("a certificate that is no text");
    faults.push_back(fault_of(certificates[i].get_ref<const std::string&>(), keys->fds[i]));
  }
  const std::string text = faults.dump(-1, ' ', /*ensure_ascii=*/false, nlohmann::json::error_handler_t::replace);
  return std::fputs(text.c_str(), stdout) >= 0 && std::fflush(stdout) == 0 ? 0 : kFailed;
}

}  // namespace sluice::keyholder
