// See server_certificates.h.
#include "worker/tls/server_certificates.h"

#include <openssl/pool.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <algorithm>

#include "base/check.h"
#include "base/net/address.h"
#include "base/net/host_name.h"
#include "worker/tls/pem.h"

namespace sluice::worker {
namespace {

// Only subjectAltNames count (RFC 9525 section 2).
std::vector<std::string> names_in(X509& certificate) {
  std::vector<std::string> names;
  const bssl::UniquePtr<GENERAL_NAMES> found(
      static_cast<GENERAL_NAMES*>(X509_get_ext_d2i(&certificate, NID_subject_alt_name, nullptr, nullptr)));
  if (found == nullptr) return names;
  for (std::size_t i = 0; i < sk_GENERAL_NAME_num(found.get()); ++i) {
    const GENERAL_NAME* const one = sk_GENERAL_NAME_value(found.get(), i);
    if (one->type != GEN_DNS) continue;
    const auto* const text = reinterpret_cast<const char*>(ASN1_STRING_get0_data(one->d.dNSName));
    names.push_back(lower_case({text, static_cast<std::size_t>(ASN1_STRING_length(one->d.dNSName))}));
  }
  return names;
}

bssl::UniquePtr<CRYPTO_BUFFER> der_of(X509& certificate) {
  std::uint8_t* der = nullptr;
  const int size = i2d_X509(&certificate, &der);
  SLUICE_CHECK(size > 0, "out of memory");
  bssl::UniquePtr<CRYPTO_BUFFER> buffer(CRYPTO_BUFFER_new(der, static_cast<std::size_t>(size), nullptr));
  OPENSSL_free(der);
  SLUICE_CHECK(buffer != nullptr, "out of memory");
  return buffer;
}

const ServerCertificate* usable(const std::vector<const ServerCertificate*>& list, const ClientAbilities& client) {
  const auto able = [&](const ServerCertificate* one) { return client.verify(one->kind()); };
  const auto cheap = [&](const ServerCertificate* one) { return one->kind() != KeyKind::kRsa && able(one); };
  auto found = std::ranges::find_if(list, cheap);
  if (found == list.end()) found = std::ranges::find_if(list, able);
  return found != list.end() ? *found : nullptr;
}

}  // namespace

Result<std::unique_ptr<const ServerCertificate>> ServerCertificate::read(std::string_view pem) {
  Result<std::vector<bssl::UniquePtr<X509>>> chain = certificates_of(pem);
  if (!chain) return fail(std::move(chain).error());
  auto out = std::make_unique<ServerCertificate>();
  const bssl::UniquePtr<EVP_PKEY> key(X509_get_pubkey(chain->front().get()));
  if (key == nullptr) return fail(Code::kBadConfig, "the certificate has a key that cannot be read");
  out->kind_ = key_kind(*key);
  if (out->kind_ == KeyKind::kOther)
    return fail(Code::kBadConfig, "the certificate has a key of a kind that is not used");
  out->key_ = key_id(*key);
  out->names_ = names_in(*chain->front());
  for (const bssl::UniquePtr<X509>& one : *chain) out->owned_.push_back(der_of(*one));
  for (const bssl::UniquePtr<CRYPTO_BUFFER>& one : out->owned_) out->chain_.push_back(one.get());
  out->leaf_ = std::move(chain->front());
  return out;
}

bool ServerCertificate::covers(std::string_view host) const {
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  host = without_root(host);
  if (const Result<IpAddress> ip = IpAddress::parse(host); ip)
    return X509_check_ip(leaf_.get(), ip->bytes().data(), ip->bytes().size(), 0) == 1;
  return X509_check_host(leaf_.get(), host.data(), host.size(), X509_CHECK_FLAG_NEVER_CHECK_SUBJECT, nullptr) == 1;
}

void ServerCertificates::add(std::unique_ptr<const ServerCertificate> certificate) {
  for (const std::string& name : certificate->names()) {
    List& list = name.starts_with("*.") ? wildcards_[name.substr(2)] : exact_[name];
    list.push_back(certificate.get());
  }
  order_.push_back(certificate.get());
  all_.push_back(std::move(certificate));
}

const ServerCertificate* ServerCertificates::choose(std::string_view name, const ClientAbilities& client) const {
  const std::string asked = canonical_name(name);
  if (const auto found = exact_.find(asked); found != exact_.end())
    if (const ServerCertificate* const one = usable(found->second, client)) return one;
  if (const std::size_t dot = asked.find('.'); dot != std::string::npos)
    if (const auto found = wildcards_.find(asked.substr(dot + 1)); found != wildcards_.end())
      if (const ServerCertificate* const one = usable(found->second, client)) return one;
  return usable(order_, client);
}

}  // namespace sluice::worker
