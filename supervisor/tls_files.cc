// See tls_files.h.
#include "supervisor/tls_files.h"

#include <fmt/format.h>

#include "ipc/settings/checks.h"
#include "restart/outcome.h"
#include "supervisor/setting_file.h"

namespace sluice::supervisor {
namespace {
constexpr std::size_t kMostBytes = std::size_t{1} << 20;

class Files {
 public:
  Files(std::string path, settings::Problems& problems) : path_(std::move(path)), problems_(problems) {}

  /// A file that others will read.
  void look_at(std::string_view name, const std::string& file) {
    if (Result<Fd> opened = open_setting(file); !opened) unreadable(name, file, opened.error());
  }

  /// The text takes the file's place, so that a file that changes on disk is a change of the settings.
  void read(std::string_view name, std::string& file, std::string& text, const settings::Check& check) {
    if (file.empty()) return;
    Result<std::string> found = read_setting(file, kMostBytes);
    if (!found) {
      unreadable(name, file, found.error());
      return;
    }
    std::string fault = check.find_fault(*found);
    if (found->empty()) fault = "is empty";
    if (found->size() > kMostBytes) fault = "is too long: 1 MiB at most";
    if (!fault.empty()) {
      problems_.add(fmt::format("{}.{}_file", path_, name), fmt::format("\"{}\" {}", file, fault));
      return;
    }
    text = *std::move(found);
    file.clear();
  }

 private:
  void unreadable(std::string_view name, const std::string& file, const Error& error) {
    problems_.add({.file = {},
                   .mark = {},
                   .path = fmt::format("{}.{}_file", path_, name),
                   .text = fmt::format("\"{}\" {}", file, error.message()),
                   .cause = std::string(restart::name(restart::Outcome::kUnreadable))});
  }

  std::string path_;
  settings::Problems& problems_;
};

void read_files(ipc::EndpointTlsSettings& tls, const std::string& path, settings::Problems& problems) {
  if (!tls.enabled) return;
  for (std::size_t i = 0; i < tls.certificates.size(); ++i) {
    Files files(fmt::format("{}.certificates[{}]", path, i), problems);
    files.read("certificate", tls.certificates[i].certificate_file, tls.certificates[i].certificate,
               ipc::kPemCertificates);
    files.look_at("key", tls.certificates[i].key_file);
  }
}
}  // namespace

void read_tls_files(ipc::Settings& settings, settings::Problems& problems) {
  for (std::size_t i = 0; i < settings.tenants.size(); ++i) {
    std::vector<ipc::EndpointSettings>& endpoints = settings.tenants[i].endpoints;
    for (std::size_t j = 0; j < endpoints.size(); ++j)
      read_files(endpoints[j].tls, fmt::format("tenants[{}].endpoints[{}].tls", i, j), problems);
    for (std::size_t j = 0; j < settings.tenants[i].upstreams.size(); ++j) {
      ipc::UpstreamTlsSettings& tls = settings.tenants[i].upstreams[j].tls;
      Files files(fmt::format("tenants[{}].upstreams[{}].tls", i, j), problems);
      files.read("ca", tls.ca_file, tls.ca, ipc::kPemCertificates);
      files.read("crl", tls.crl_file, tls.crl, ipc::kPemRevocationLists);
      files.read("certificate", tls.certificate_file, tls.certificate, ipc::kPemCertificates);
      files.read("key", tls.key_file, tls.key, ipc::kPemKey);
    }
  }
}

}  // namespace sluice::supervisor
