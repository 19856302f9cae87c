// Target forms and the meeting of target and Host.
#include "proto/http/head.h"

#include <algorithm>
#include <cstring>

#include "base/check.h"
#include "proto/http/ascii.h"

namespace sluice::http {

std::string_view RequestHead::query() const {
  const std::size_t mark = path_and_query_.find('?');
  return mark == std::string_view::npos ? std::string_view() : path_and_query_.substr(mark + 1);
}

Parsed<> RequestHead::start(std::string_view method, std::string_view target, Version version) {
  if (!is_token(method)) return fault(Fault::kBadMethod);
  if (target.empty() || !std::ranges::all_of(target, is_target_byte)) return fault(Fault::kBadTarget);
  method_ = method_of(method);
  method_text_ = method;
  target_ = target;
  version_ = version;
  scheme_ = {};
  authority_ = {};
  path_and_query_ = {};
  if (method_ == Method::kConnect) {
    form_ = TargetForm::kAuthority;
    const Parsed<Authority> authority = parse_authority(target);
    if (!authority) return fault(authority.error());
    if (!authority->port) return fault(Fault::kNoConnectPort);  // RFC 9110 section 9.3.6
    authority_ = *authority;
    return {};
  }
  if (target.front() == '/') {
    form_ = TargetForm::kOrigin;
    path_and_query_ = target;
    return {};
  }
  if (target == "*") {
    if (method_ != Method::kOptions) return fault(Fault::kBadTarget);
    form_ = TargetForm::kAsterisk;
    path_and_query_ = target;
    return {};
  }
  return start_absolute();
}

Parsed<> RequestHead::start_absolute() {
  form_ = TargetForm::kAbsolute;
  const Parsed<AbsoluteUri> uri = parse_absolute(target_);
  if (!uri) return fault(uri.error());
  scheme_ = default_port(uri->scheme) == 443 ? "https" : "http";
  authority_ = uri->authority;
  if (!uri->path_and_query.empty() && uri->path_and_query.front() == '/') {
    path_and_query_ = uri->path_and_query;
  } else if (uri->path_and_query.empty()) {
    // RFC 9112 section 3.2.4: OPTIONS of a URI without path and query asks about the server as a whole.
    path_and_query_ = method_ == Method::kOptions ? "*" : "/";
  } else {
    const std::span<char> rooted = fields_.allocate(uri->path_and_query.size() + 1);
    rooted[0] = '/';
    std::memcpy(rooted.data() + 1, uri->path_and_query.data(), uri->path_and_query.size());
    path_and_query_ = {rooted.data(), rooted.size()};
  }
  return {};
}

Parsed<> RequestHead::start(const RequestTarget& target, Version version) {
  if (!is_token(target.method)) return fault(Fault::kBadMethod);
  if (target.method == "CONNECT") return start(target.method, target.authority, version);
  method_ = method_of(target.method);
  method_text_ = target.method;
  version_ = version;
  target_ = target.path;
  form_ = TargetForm::kAbsolute;
  scheme_ = {};
  authority_ = {};
  path_and_query_ = {};
  if (target.path.empty() || !std::ranges::all_of(target.path, is_target_byte)) return fault(Fault::kBadTarget);
  if (target.path == "*") {
    if (method_ != Method::kOptions) return fault(Fault::kBadTarget);
  } else if (target.path.front() != '/') {
    return fault(Fault::kBadTarget);
  }
  path_and_query_ = target.path;
  const std::uint16_t port = default_port(target.scheme);
  if (port == 0) return fault(Fault::kUnknownScheme);
  scheme_ = port == 443 ? "https" : "http";
  if (target.authority.empty()) return {};  // Host may have it
  const Parsed<Authority> authority = parse_authority(target.authority);
  if (!authority) return fault(authority.error());
  authority_ = *authority;
  return {};
}

// RFC 9113 section 8.3.1: :authority decides, and a Host beside it must say the same.
Parsed<> RequestHead::settle_authority() {
  const std::size_t hosts = fields_.count(FieldId::kHost);
  if (hosts > 1) return fault(Fault::kRepeatedHost);
  if (hosts == 0) {
    if (authority_.text.empty()) return fault(Fault::kNoHost);
    fields_.add_checked(field_name(FieldId::kHost), authority_.text, FieldId::kHost);
    return {};
  }
  const std::string_view text = *fields_.find(FieldId::kHost);
  if (!authority_.text.empty()) {
    if (!equal_ignore_case(text, authority_.text)) return fault(Fault::kHostDiffers);
    return {};
  }
  const Parsed<Authority> host = parse_authority(text);
  if (!host) return fault(Fault::kBadHost);
  authority_ = *host;
  return {};
}

Parsed<> RequestHead::settle_host() {
  if (version_ >= Version::kHttp2) return settle_authority();
  const std::size_t hosts = fields_.count(FieldId::kHost);
  if (hosts > 1) return fault(Fault::kRepeatedHost);
  if (hosts == 0) {
    if (version_ == Version::kHttp11) return fault(Fault::kNoHost);
    return {};
  }
  const std::string_view text = *fields_.find(FieldId::kHost);
  const bool target_decides = form_ == TargetForm::kAbsolute || form_ == TargetForm::kAuthority;
  if (text.empty()) {
    // Legal where the target says where to go, or where nothing has to be found; an origin-form target needs a host.
    if (form_ == TargetForm::kOrigin) return fault(Fault::kBadHost);
    return {};
  }
  const Parsed<Authority> host = parse_authority(text);
  if (!host) return fault(Fault::kBadHost);
  // An absolute target wins over a Host that differs (RFC 9112 section 3.2.2). Host is checked all the same: behind us
  // may be a server that looks at it.
  if (!target_decides) {
    authority_ = *host;
  } else if (!equal_ignore_case(text, authority_.text)) {
    fields_.set(FieldId::kHost, authority_.text);  // whoever looks at Host sees where the request really goes
  }
  return {};
}

Result<> RequestHead::set_method(std::string_view method) {
  if (!is_token(method)) return fail(Code::kBadSyntax, "a method that is not a token");
  if ((method == "CONNECT") != (method_ == Method::kConnect))
    return fail(Code::kBadSyntax, "CONNECT cannot become another method, nor another method CONNECT");
  method_ = method_of(method);
  method_text_ = fields_.keep(method);
  return {};
}

Result<> RequestHead::set_scheme(std::string_view scheme) {
  if (scheme != "http" && scheme != "https") return fail(Code::kBadSyntax, "a scheme other than http and https");
  scheme_ = scheme == "https" ? "https" : "http";
  return {};
}

Result<> RequestHead::set_authority(std::string_view authority) {
  const Parsed<Authority> checked = parse_authority(authority);
  if (!checked) return fail(Code::kBadSyntax, std::string(facts(checked.error()).why));
  if (method_ == Method::kConnect && !checked->port) return fail(Code::kBadSyntax, "CONNECT needs a port");
  authority_ = *parse_authority(fields_.keep(authority));
  fields_.set(FieldId::kHost, authority_.text);
  return {};
}

Result<> RequestHead::set_path(std::string_view path_and_query) {
  if (method_ == Method::kConnect) return fail(Code::kBadSyntax, "CONNECT has no path");
  if (path_and_query.empty() || path_and_query.front() != '/' || !std::ranges::all_of(path_and_query, is_target_byte))
    return fail(Code::kBadSyntax, "a path that does not begin with / or holds a byte that must be percent-encoded");
  path_and_query_ = fields_.keep(path_and_query);
  return {};
}

void RequestHead::clear() {
  method_ = Method::kOther;
  form_ = TargetForm::kOrigin;
  version_ = Version::kHttp11;
  method_text_ = target_ = scheme_ = path_and_query_ = {};
  authority_ = {};
  fields_.clear();
}

void ResponseHead::set_status(std::uint16_t status) {
  SLUICE_CHECK(status >= 100 && status <= 599, "a status of our own making is out of range");
  status_ = status;
  reason_ = reason_phrase(status);
}

Parsed<> ResponseHead::start(std::uint16_t status, std::string_view reason, Version version) {
  if (status < 100 || status > 599) return fault(Fault::kBadStatus);
  status_ = status;
  reason_ = reason;
  version_ = version;
  return {};
}

void ResponseHead::clear() {
  status_ = 0;
  version_ = Version::kHttp11;
  reason_ = {};
  fields_.clear();
}

}  // namespace sluice::http
