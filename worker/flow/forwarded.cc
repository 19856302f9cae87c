// See forwarded.h.
#include "worker/flow/forwarded.h"

#include <algorithm>
#include <array>

#include "base/check.h"

namespace sluice::worker {
namespace {
using http::FieldId;
using http::ForwardedChain;
using http::ForwardedNode;
using ipc::ForwardedField;
using ipc::ForwardedParameter;

constexpr std::array kAll = {FieldId::kForwarded,      FieldId::kXForwardedFor,    FieldId::kXForwardedHost,
                             FieldId::kXForwardedPort, FieldId::kXForwardedPrefix, FieldId::kXForwardedProto,
                             FieldId::kXRealIp};

// All lines of a list as one: some origins read the first line only.
std::string joined(const http::Fields& fields, FieldId id) {
  std::string text;
  for (const std::string_view member : fields.members(id)) {
    if (!text.empty()) text += ", ";
    text += member;
  }
  return text;
}

ForwardedNode node_of(const SocketAddress& peer) {
  if (peer.is_unix()) return {};
  return {.kind = ForwardedNode::Kind::kAddress, .address = peer.ip().unmapped(), .obfuscated = {}};
}

// As X-Forwarded-For has it: no brackets, no quotes.
void append_bare(std::string& out, const ForwardedNode& node) {
  if (node.kind == ForwardedNode::Kind::kAddress) {
    out += node.address.text();
  } else {
    http::append_node(out, node);
  }
}

std::string_view scheme_of(Transport transport) {
  return transport == Transport::kTls ? "https" : "http";
}

// The chain in the form of the other field.
std::string as_forwarded(const ForwardedChain& chain) {
  std::string text;
  for (std::size_t i = 0; i < chain.size(); ++i) http::append_node(text += i == 0 ? "for=" : ", for=", chain[i]);
  return text;
}
std::string as_x_forwarded_for(const ForwardedChain& chain) {
  std::string text;
  for (std::size_t i = 0; i < chain.size(); ++i) append_bare(text += i == 0 ? "" : ", ", chain[i]);
  return text;
}

void append_member(std::string& list, std::string_view member) {
  if (!list.empty() && !member.empty()) list += ", ";
  list += member;
}
}  // namespace

ForwardedRules::ForwardedRules(const ipc::EndpointSettings& settings)
    : settings_(settings.forwarded), by_("_" + settings.name), emits_(!settings.forwarded.emit.empty()) {
  std::vector<std::string> networks = settings_.trust;
  trusts_unix_ = std::erase(networks, "unix") != 0;
  Result<Networks> parsed = Networks::parse(networks);
  SLUICE_CHECK(parsed.has_value(), "a network that the configuration's checks let through does not parse");
  trusted_ = *std::move(parsed);
}

bool ForwardedRules::trusts(const SocketAddress& peer) const {
  return peer.is_unix() ? trusts_unix_ : trusted_.contains(peer.ip().unmapped());
}

bool ForwardedRules::emits(ForwardedField field) const {
  return std::ranges::find(settings_.emit, field) != settings_.emit.end();
}

// From the nearest on: who passed it on is believed as long as it is trusted itself.
std::optional<IpAddress> ForwardedRules::client_of(const ForwardedChain& chain) const {
  std::optional<IpAddress> client;
  for (std::size_t i = chain.size(); i-- > 0;) {
    if (chain[i].kind != ForwardedNode::Kind::kAddress) break;
    client = chain[i].address;
    if (!trusted_.contains(*client)) break;
  }
  return client;
}

std::optional<IpAddress> ForwardedRules::receive(http::Fields& fields, const SocketAddress& peer) const {
  if (!trusts(peer)) {
    for (const FieldId id : kAll) fields.remove(id);
    return std::nullopt;
  }
  const ForwardedChain forwarded = http::read_forwarded(fields);
  const ForwardedChain legacy = http::read_x_forwarded_for(fields);
  // a chain that cannot be read hides something: the origin is not to read it either
  if (forwarded.malformed()) fields.remove(FieldId::kForwarded);
  if (legacy.malformed()) fields.remove(FieldId::kXForwardedFor);
  if (forwarded.size() != 0 && !forwarded.malformed()) return client_of(forwarded);
  return legacy.malformed() ? std::nullopt : client_of(legacy);
}

std::string ForwardedRules::our_element(const http::RequestHead& request, const Arrival& arrival) const {
  std::string text;
  for (const ForwardedParameter parameter : settings_.parameters) {
    if (parameter == ForwardedParameter::kHost && request.authority().text.empty()) continue;
    if (!text.empty()) text += ';';
    switch (parameter) {
      case ForwardedParameter::kFor:
        http::append_node(text += "for=", node_of(arrival.peer));
        break;
      case ForwardedParameter::kBy:
        http::append_value(text += "by=", by_);
        break;
      case ForwardedParameter::kHost:
        http::append_value(text += "host=", request.authority().text);
        break;
      case ForwardedParameter::kProto:
        http::append_value(text += "proto=", scheme_of(arrival.transport));
        break;
    }
  }
  return text;
}

void ForwardedRules::say(http::RequestHead& request, const Arrival& arrival) const {
  http::Fields& fields = request.fields();
  std::string forwarded = joined(fields, FieldId::kForwarded);
  std::string legacy = joined(fields, FieldId::kXForwardedFor);
  const bool says_forwarded = !forwarded.empty() || emits(ForwardedField::kForwarded);
  const bool says_legacy = !legacy.empty() || emits(ForwardedField::kXForwardedFor);
  if (says_forwarded && forwarded.empty()) {
    forwarded = as_forwarded(http::read_x_forwarded_for(fields));
  } else if (says_legacy && legacy.empty()) {
    legacy = as_x_forwarded_for(http::read_forwarded(fields));
  }
  if (says_forwarded) {
    append_member(forwarded, our_element(request, arrival));
    if (!forwarded.empty()) fields.set(FieldId::kForwarded, forwarded);
  }
  if (says_legacy) {
    std::string ours;
    append_bare(ours, node_of(arrival.peer));
    append_member(legacy, ours);
    fields.set(FieldId::kXForwardedFor, legacy);
  }
  if (emits(ForwardedField::kXForwardedProto) && !fields.has(FieldId::kXForwardedProto))
    fields.set(FieldId::kXForwardedProto, scheme_of(arrival.transport));
  if (emits(ForwardedField::kXForwardedHost) && !fields.has(FieldId::kXForwardedHost) &&
      !request.authority().text.empty())
    fields.set(FieldId::kXForwardedHost, request.authority().text);
  if (emits(ForwardedField::kXRealIp) && arrival.client.is_ip())
    fields.set(FieldId::kXRealIp, arrival.client.ip().unmapped().text());
}

}  // namespace sluice::worker
