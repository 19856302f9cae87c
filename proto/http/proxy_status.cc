// See proxy_status.h.
#include "proto/http/proxy_status.h"

#include "proto/http/structured.h"

namespace sluice::http {
namespace {
constexpr std::size_t kMostText = 256;  // of a host name, or of a sentence
}

std::string to_text(const ProxyStatus& status) {
  std::string text;
  append_sf_name(text, status.name.substr(0, kMostText));
  if (!status.error.empty()) (text += "; error=") += status.error;
  if (!status.next_hop.empty()) append_sf_string(text += "; next-hop=", status.next_hop.substr(0, kMostText));
  if (status.received_status != 0) (text += "; received-status=") += std::to_string(status.received_status);
  if (!status.details.empty()) append_sf_string(text += "; details=", status.details.substr(0, kMostText));
  return text;
}

}  // namespace sluice::http
