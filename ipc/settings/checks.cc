// See checks.h: each returns what is wrong with the text, to be read after the text itself, or nothing.
#include "ipc/settings/checks.h"

#include <algorithm>
#include <array>

#include "base/ascii.h"
#include "base/json_text.h"
#include "base/net/address.h"
#include "base/net/cidr.h"
#include "base/password.h"
#include "base/template_text.h"
#include "ipc/settings/listen.h"
#include "ipc/settings/placeholders.h"

namespace sluice::ipc {
namespace {

bool is_lower(char c) {
  return c >= 'a' && c <= 'z';
}
bool is_digit(char c) {
  return c >= '0' && c <= '9';
}
bool is_alpha(char c) {
  return is_lower(c) || (c >= 'A' && c <= 'Z');
}

// RFC 9110 section 5.6.2
bool is_token(std::string_view text) {
  constexpr std::string_view kMarks = "!#$%&'*+-.^_`|~";
  return !text.empty() &&
         std::ranges::all_of(text, [&](char c) { return is_alpha(c) || is_digit(c) || kMarks.contains(c); });
}

// The reason in an Error that begins with the text in quotes, which the caller says itself.
template <class T>
std::string fault_of(const Result<T>& result) {
  if (result) return {};
  const std::string& what = result.error().what();
  const std::size_t quote = what.find("\" ", 1);
  return quote == std::string::npos ? what : what.substr(quote + 2);
}

}  // namespace

std::string name_fault(std::string_view text) {
  constexpr std::size_t kMost = 63;
  const bool good =
      std::ranges::all_of(text, [](char c) { return is_lower(c) || is_digit(c) || c == '-' || c == '_'; });
  if (text.empty()) return "is no name: it must not be empty";
  if (text.size() > kMost) return "is too long: a name has at most 63 bytes";
  if (!good || text.front() == '-' || text.front() == '_')
    return "is no name: use a-z, 0-9, - and _, beginning with a letter or a digit";
  return {};
}

std::string listen_fault(std::string_view text) {
  return fault_of(ListenAddress::parse(text));
}

std::string server_fault(std::string_view text) {
  return fault_of(HostPort::parse(text));
}

std::string resolver_fault(std::string_view text) {
  if (IpAddress::parse(text)) return {};
  const Result<SocketAddress> address = SocketAddress::parse(text);
  if (!address || address->is_unix()) return "is not an IP address with or without a port";
  return address->port() == 0 ? "has port 0" : "";
}

std::string network_fault(std::string_view text) {
  return fault_of(Network::parse(text));
}
std::string trusted_fault(std::string_view text) {
  return text == "unix" ? "" : network_fault(text);
}
std::string ip_fault(std::string_view text) {
  return fault_of(IpAddress::parse(text));
}

std::string host_name_fault(std::string_view text) {
  return is_host_name(text) ? "" : "is not a host name";
}

std::string host_pattern_fault(std::string_view text) {
  const std::string_view name = text.starts_with("*.") ? text.substr(2) : text;
  if (is_host_name(name) || (name == text && IpAddress::parse(text))) return {};
  return "is not a host name, exact or \"*.example.org\" (and has no port)";
}

std::string path_prefix_fault(std::string_view text) {
  if (!text.starts_with('/')) return "does not begin with \"/\"";
  // compared with the request's path as it was sent: what cannot stand there would never match
  const bool visible = std::ranges::all_of(text, [](char c) { return c > ' ' && c < '\x7f' && c != '?' && c != '#'; });
  return visible ? "" : "holds a character that a path cannot hold (percent-encode it)";
}

std::string probe_path_fault(std::string_view text) {
  if (text.empty()) return {};
  if (!text.starts_with('/')) return "does not begin with \"/\"";
  const bool visible = std::ranges::all_of(text, [](char c) { return c > ' ' && c < '\x7f' && c != '#'; });
  return visible ? "" : "holds a character that a target cannot hold (percent-encode it)";
}

std::string probe_host_fault(std::string_view text) {
  if (text.empty() || is_host_name(text) || HostPort::parse(text)) return {};
  const Result<IpAddress> ip = IpAddress::parse(text);
  return ip && ip->is_v4() ? "" : "is not a host with or without a port (IPv6 in brackets, with one)";
}

std::string file_path_fault(std::string_view text) {
  if (text.empty() || text.starts_with('/')) return {};
  return "is not an absolute path";
}

std::string field_name_fault(std::string_view text) {
  return is_token(text) ? "" : "is not a header field's name";
}
std::string token_fault(std::string_view text) {
  return text.empty() || is_token(text) ? "" : "is not a token (letters, digits and !#$%&'*+-.^_`|~)";
}

std::string account_fault(std::string_view text) {
  constexpr std::size_t kMost = 64;
  const bool good =
      std::ranges::all_of(text, [](char c) { return is_alpha(c) || is_digit(c) || c == '-' || c == '_' || c == '.'; });
  return good && text.size() <= kMost && !text.starts_with('-') ? "" : "is not a user's or group's name or number";
}

std::string optional_name_fault(std::string_view text) {
  return text.empty() ? "" : name_fault(text);
}
std::string optional_path_prefix_fault(std::string_view text) {
  return text.empty() ? "" : path_prefix_fault(text);
}

std::string rule_field_fault(std::string_view text) {
  constexpr std::array<std::string_view, 15> kOurs = {
      "connection",          "content-length",   "expect",       "host",
      "http2-settings",      "keep-alive",       "max-forwards", "proxy-authenticate",
      "proxy-authorization", "proxy-connection", "te",           "trailer",
      "transfer-encoding",   "upgrade",          "via"};
  if (!is_token(text)) return "is not a header field's name";
  if (std::ranges::find(kOurs, lower_case(text)) != kOurs.end())
    return "frames the message, routes it or belongs to one hop, so it is not to be changed by a rule";
  return {};
}

std::string field_template_fault(std::string_view text) {
  const auto bad = [](char c) { return (static_cast<unsigned char>(c) < ' ' && c != '\t') || c == '\x7f'; };
  const auto blank = [](char c) { return c == ' ' || c == '\t'; };
  if (std::ranges::any_of(text, bad)) return "holds a control character";
  if (!text.empty() && (blank(text.front()) || blank(text.back()))) return "begins or ends with a blank";
  const Result<TemplateText> parsed = TemplateText::parse(text, kRequestPlaceholders);
  return parsed ? "" : parsed.error().what();
}

std::string page_fault(std::string_view text) {
  constexpr std::size_t kMost = 256UL * 1024;
  if (text.size() > kMost) return "is too long: a page has at most 256 KiB";
  if (!is_utf8(text)) return "is not UTF-8";
  const Result<TemplateText> parsed = TemplateText::parse(text, kErrorPlaceholders);
  return parsed ? "" : parsed.error().what();
}

std::string realm_fault(std::string_view text) {
  const bool good = std::ranges::all_of(text, [](char c) { return c >= ' ' && c <= '~' && c != '"' && c != '\\'; });
  return good ? "" : "holds a quote, a backslash or something that is not printable ASCII";
}

std::string user_fault(std::string_view text) {
  constexpr std::size_t kMost = 128;
  if (text.empty() || text.size() > kMost) return "is no user's name: 1 to 128 bytes";
  const bool good =
      std::ranges::all_of(text, [](char c) { return c != ':' && static_cast<unsigned char>(c) >= ' ' && c != '\x7f'; });
  return good ? "" : "is no user's name: it holds a colon or a control character";
}

std::string password_fault(std::string_view text) {
  const Result<PasswordEntry> entry = PasswordEntry::parse(text);
  return entry ? "" : entry.error().what() + "; `sluicectl password` prints one that is right";
}

std::string tls_name_fault(std::string_view text) {
  return text.empty() || is_host_name(text) || IpAddress::parse(text) ? "" : "is no host name and no IP address";
}

// Only whether it is the right kind of thing: who links a parser reads it.
std::string pem_certificates_fault(std::string_view text) {
  return text.empty() || text.contains("-----BEGIN CERTIFICATE-----") ? "" : "holds no certificate as PEM";
}

std::string pem_revocation_lists_fault(std::string_view text) {
  return text.empty() || text.contains("-----BEGIN X509 CRL-----") ? ""
                                                                   : "holds no list of revoked certificates as PEM";
}

std::string pem_key_fault(std::string_view text) {
  if (text.empty()) return {};
  if (text.contains("-----BEGIN ENCRYPTED PRIVATE KEY-----") || text.contains("Proc-Type: 4,ENCRYPTED"))
    return "holds a key that is encrypted: nobody is there to be asked for the password";
  return text.contains("PRIVATE KEY-----") ? "" : "holds no private key as PEM";
}

// RFC 4648 section 4: groups of four, the last one filled up with at most two "=".
std::string base64_fault(std::string_view text) {
  const std::size_t digits = std::min(text.find('='), text.size());
  const bool good = text.size() % 4 == 0 && text.size() - digits <= 2 &&
                    std::ranges::all_of(text.substr(digits), [](char c) { return c == '='; }) &&
                    std::ranges::all_of(text.substr(0, digits),
                                        [](char c) { return is_alpha(c) || is_digit(c) || c == '+' || c == '/'; });
  return good ? "" : "is no base64";
}

std::string pin_fault(std::string_view text) {
  constexpr std::size_t kSize = 44;  // 43 digits of 32 bytes, and one "="
  const bool good = text.starts_with(kPinPrefix) && text.size() == kPinPrefix.size() + kSize &&
                    base64_fault(text.substr(kPinPrefix.size())).empty() && text.find('=') == text.size() - 1;
  return good ? "" : "is no pin: \"sha256/\" and the base64 of 32 bytes";
}

}  // namespace sluice::ipc
