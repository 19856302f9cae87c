// See name_service.h; resolv.conf(5), hosts(5).
#include "supervisor/name_service.h"

#include <algorithm>
#include <fstream>
#include <sstream>

#include "base/ascii.h"
#include "base/net/address.h"

namespace sluice::supervisor {
namespace {

constexpr std::size_t kMaxServers = 3;
constexpr std::size_t kMaxNames = 10'000;

// The words of each line, comments taken off.
template <class Take>
void each_line(std::string_view text, Take take) {
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    std::string_view line = text.substr(0, end);
    text = end == std::string_view::npos ? std::string_view() : text.substr(end + 1);
    line = line.substr(0, line.find_first_of("#;"));
    std::vector<std::string> words;
    std::istringstream in{std::string(line)};
    for (std::string word; in >> word;) words.push_back(std::move(word));
    if (words.size() >= 2) take(words);
  }
}

std::string contents(const char* path) {
  std::ifstream file(path);
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

}  // namespace

std::vector<std::string> servers_in(std::string_view resolv_conf) {
  std::vector<std::string> servers;
  each_line(resolv_conf, [&](const std::vector<std::string>& words) {
    if (words[0] == "nameserver" && servers.size() < kMaxServers && IpAddress::parse(words[1]))
      servers.push_back(words[1]);
  });
  return servers;
}

std::map<std::string, std::vector<std::string>> names_in(std::string_view hosts) {
  std::map<std::string, std::vector<std::string>> names;
  each_line(hosts, [&](const std::vector<std::string>& words) {
    if (!IpAddress::parse(words[0])) return;
    for (std::size_t i = 1; i < words.size(); ++i) {
      if (!is_host_name(words[i]) || names.size() >= kMaxNames) continue;
      std::vector<std::string>& addresses = names[lower_case(words[i])];
      if (std::find(addresses.begin(), addresses.end(), words[0]) == addresses.end()) addresses.push_back(words[0]);
    }
  });
  return names;
}

void fill_name_service(ipc::ResolverSettings& resolver) {
  if (resolver.servers.empty()) resolver.servers = servers_in(contents("/etc/resolv.conf"));
  if (resolver.servers.empty()) resolver.servers = {"127.0.0.1"};
  resolver.hosts.merge(names_in(contents("/etc/hosts")));
}

}  // namespace sluice::supervisor
