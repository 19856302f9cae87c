// See certificates.h.
#include "supervisor/certificates.h"

#include <fmt/format.h>
#include <unistd.h>

#include <nlohmann/json.hpp>
#include <vector>

#include "ipc/peer.h"
#include "restart/outcome.h"
#include "supervisor/config.h"
#include "supervisor/setting_file.h"
#include "supervisor/tenant.h"

namespace sluice::supervisor {
namespace {

using nlohmann::json;

struct Pair {
  std::string path;
  const ipc::CertificateSettings* settings;
};

// What one run takes: a tool run may have 64 descriptors, and 1 MiB of input.
constexpr std::size_t kMostPairs = 32;
constexpr std::size_t kMostText = std::size_t{512} << 10;

std::vector<Pair> pairs_in(const ipc::Settings& settings) {
  std::vector<Pair> pairs;
  for (std::size_t i = 0; i < settings.tenants.size(); ++i)
    for (std::size_t j = 0; j < settings.tenants[i].endpoints.size(); ++j) {
      const ipc::EndpointTlsSettings& tls = settings.tenants[i].endpoints[j].tls;
      for (std::size_t k = 0; tls.enabled && k < tls.certificates.size(); ++k)
        pairs.push_back({.path = fmt::format("tenants[{}].endpoints[{}].tls.certificates[{}]", i, j, k),
                         .settings = &tls.certificates[k]});
    }
  return pairs;
}

// One sentence for each, empty where all is well.
Result<std::vector<std::string>> ask(const Application& keyholder, std::span<const Pair> pairs) {
  Result<ipc::ChannelPair> channel = ipc::channel_pair();
  if (!channel) return fail(std::move(channel).error());
  json certificates = json::array();
  ipc::Keys keys;
  std::vector<Fd> files;
  std::vector<int> fds;
  for (const Pair& pair : pairs) {
    Result<Fd> file = open_setting(pair.settings->key_file);
    if (!file) return fail(std::move(file).error().during(pair.settings->key_file));
    certificates.push_back(pair.settings->certificate);
    keys.items.push_back({.tenant = "check"});
    fds.push_back(file->get());
    files.push_back(*std::move(file));
  }
  ipc::SupervisorEnd end(std::move(channel->supervisor));
  if (Result<> posted = end.post(keys, fds); !posted) return fail(std::move(posted).error());
  PrivateIds ids;
  RunRequest request{.binary = keyholder.binary.get(),
                     .arguments = {"sluice-keyholder", "--check"},
                     .input = certificates.dump(),
                     .channel = channel->worker.get(),
                     .ids = std::nullopt};
  if (::geteuid() == 0) request.ids = ids.of(kKeyholderTenant);
  const Result<Output> output = run_sandboxed(request);
  if (!output) return fail(output.error());
  const json said = json::parse(output->output, nullptr, /*allow_exceptions=*/false);
  if (output->status != 0 || !said.is_array() || said.size() != pairs.size())
    return fail(Code::kBadConfig, fmt::format("it ended with status {}: {}", output->status,
                                              output->errors.substr(0, output->errors.find('\n'))));
  std::vector<std::string> faults;
  for (const json& one : said) faults.push_back(one.is_string() ? one.get<std::string>() : "is not understood");
  return faults;
}

}  // namespace

void check_certificates(const ipc::Settings& settings, settings::Problems& problems) {
  const std::vector<Pair> pairs = pairs_in(settings);
  if (pairs.empty()) return;
  Application keyholder{.path = beside_us("sluice-keyholder"), .binary = {}, .about = {}, .identity = {}};
  Result<Fd> binary = open_binary(keyholder.path);
  if (!binary) {
    problems.add(pairs.front().path, "the keyholder cannot be run: " + binary.error().message());
    return;
  }
  keyholder.binary = *std::move(binary);
  for (std::size_t at = 0; at < pairs.size();) {
    std::size_t text = 0;
    std::size_t count = 0;
    while (at + count < pairs.size() && count < kMostPairs && (count == 0 || text < kMostText))
      text += pairs[at + count++].settings->certificate.size();
    const std::span<const Pair> batch = std::span(pairs).subspan(at, count);
    at += count;
    const Result<std::vector<std::string>> faults = ask(keyholder, batch);
    if (!faults) {
      problems.add(batch.front().path, "cannot be checked: " + faults.error().message());
      continue;
    }
    for (std::size_t i = 0; i < batch.size(); ++i)
      if (!(*faults)[i].empty())
        problems.add({.file = {},
                      .mark = {},
                      .path = batch[i].path,
                      .text = (*faults)[i],
                      .cause = std::string(restart::name(restart::Outcome::kCertificate))});
  }
}

}  // namespace sluice::supervisor
