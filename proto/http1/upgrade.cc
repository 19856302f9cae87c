// The rules of upgrade.h.
#include "proto/http1/upgrade.h"

#include "proto/http/ascii.h"
#include "proto/http/semantics.h"
#include "proto/http1/framing.h"

namespace sluice::http1 {
using http::FieldId;

std::optional<std::string_view> wanted_upgrade(const http::RequestHead& head,
                                               std::span<const std::string_view> allowed) {
  if (!head.fields().has(FieldId::kUpgrade) || head.method() == http::Method::kConnect) return std::nullopt;
  if (!http::read_connection(head.fields(), head.version()).upgrade) return std::nullopt;
  const http::Parsed<Framing> framing = request_framing(head);
  if (!framing || !framing->empty()) return std::nullopt;
  for (const std::string_view protocol : head.fields().members(FieldId::kUpgrade))
    for (const std::string_view one : allowed)
      if (http::equal_ignore_case(protocol, one)) return protocol;
  return std::nullopt;
}

void declare_upgrade(http::Fields& fields, std::string_view protocol) {
  // "TE: trailers" stays on a request only with its own name in Connection (http::remove_hop_by_hop)
  fields.set(FieldId::kConnection, fields.has_token(FieldId::kConnection, "TE") ? "TE, upgrade" : "upgrade");
  fields.set(FieldId::kUpgrade, protocol);
}

http::Parsed<> check_switch(const http::ResponseHead& head, std::string_view offered) {
  if (head.status() != 101 || offered.empty() || head.version() == http::Version::kHttp10)
    return http::fault(http::Fault::kBadUpgrade);
  if (!head.fields().has_token(FieldId::kConnection, "upgrade")) return http::fault(http::Fault::kBadUpgrade);
  std::size_t protocols = 0;
  for (const std::string_view protocol : head.fields().members(FieldId::kUpgrade)) {
    if (!http::equal_ignore_case(protocol, offered)) return http::fault(http::Fault::kBadUpgrade);
    ++protocols;
  }
  if (protocols != 1) return http::fault(http::Fault::kBadUpgrade);
  return {};
}

}  // namespace sluice::http1
