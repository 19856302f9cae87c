// See placeholders.h.
#include "worker/flow/placeholders.h"

#include "base/json_text.h"

namespace sluice::worker {
namespace {
using ipc::Placeholder;

std::string_view path_of(std::string_view target) {
  return target.substr(0, target.find('?'));
}
std::string_view query_of(std::string_view target) {
  const std::size_t mark = target.find('?');
  return mark == target.npos ? std::string_view() : target.substr(mark + 1);
}

void append_host(std::string& out, const http::Authority& authority) {
  const bool brackets = authority.kind == http::HostKind::kIpv6;
  if (brackets) out += '[';
  out += authority.host;
  if (brackets) out += ']';
}

void append_html(std::string& out, std::string_view text) {
  for (const char c : text) {
    switch (c) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '"':
        out += "&quot;";
        break;
      case '\'':
        out += "&#39;";
        break;
      default:
        out += c;
    }
  }
}
}  // namespace

void append_placeholder(std::string& out, Placeholder placeholder, const RequestFacts& facts) {
  const http::RequestHead& request = facts.core.request;
  switch (placeholder) {
    case Placeholder::kScheme:
      out += request.scheme().empty() ? "http" : request.scheme();
      return;
    case Placeholder::kAuthority:
      out += facts.authority.text;
      return;
    case Placeholder::kHost:
      append_host(out, facts.authority);
      return;
    case Placeholder::kPath:
      out += path_of(facts.target);
      return;
    case Placeholder::kQuery:
      out += query_of(facts.target);
      return;
    case Placeholder::kTarget:
      out += facts.target;
      return;
    case Placeholder::kMethod:
      out += request.method_text();
      return;
    case Placeholder::kClient:
      out += facts.core.client().is_unix() ? std::string("unix") : facts.core.client().ip().unmapped().text();
      return;
    case Placeholder::kUser:
      if (facts.core.identity != nullptr) out += facts.core.identity->user;
      return;
    case Placeholder::kRequestId:
      ((out += std::to_string(facts.connection)) += '-') += std::to_string(facts.request);
      return;
    case Placeholder::kEndpoint:
      out += facts.endpoint;
      return;
    case Placeholder::kStatus:
      out += std::to_string(facts.status);
      return;
    case Placeholder::kReason:
      out += http::reason_phrase(facts.status);
      return;
  }
}

void append_escaped(std::string& out, std::string_view text, Escape escape) {
  switch (escape) {
    case Escape::kNone:
      out += text;
      return;
    case Escape::kHtml:
      append_html(out, text);
      return;
    case Escape::kJson: {
      // as a string without its quotes, which the template has
      std::string quoted;
      append_json_string(quoted, text);
      out += std::string_view(quoted).substr(1, quoted.size() - 2);
      return;
    }
  }
}

std::string rendered(const TemplateText& text, const RequestFacts& facts, Escape escape) {
  std::string out;
  std::string value;
  text.render(out, [&](std::string& into, std::size_t name) {
    value.clear();
    append_placeholder(value, static_cast<Placeholder>(name), facts);
    append_escaped(into, value, escape);
  });
  return out;
}

}  // namespace sluice::worker
