// RequestHead and ResponseHead: what a message says before its body, whatever the version of HTTP that carried it.
//
// All text is a view into the arena of the head's Fields and lives until clear(). Hooks see these types. Where a
// request goes is scheme(), authority() and path_and_query(): they are taken from the target and from Host by the rules
// of RFC 9112 section 3.2 (an absolute target wins), and a writer makes the target and Host from them again. So
// changing where a request goes is set_authority() and set_path(); a Host line changed in fields() is not what is
// written.
#pragma once
#include <cstdint>
#include <string_view>

#include "base/result.h"
#include "proto/http/authority.h"
#include "proto/http/fault.h"
#include "proto/http/fields.h"
#include "proto/http/method.h"

namespace sluice::http {

/// RFC 9112 section 3.2.
enum class TargetForm : std::uint8_t {
  kOrigin,     ///< /path?query
  kAbsolute,   ///< http://host/path?query, what a forward proxy is asked for
  kAuthority,  ///< host:port, only of CONNECT
  kAsterisk,   ///< *, only of OPTIONS
};

/// What says where a request goes where there is no request line: the pseudo-fields of RFC 9113 section 8.3.1. Empty:
/// not there.
struct RequestTarget {
  std::string_view method;
  std::string_view scheme;
  std::string_view authority;
  std::string_view path;
};

class RequestHead {
 public:
  [[nodiscard]] Method method() const { return method_; }
  [[nodiscard]] std::string_view method_text() const { return method_text_; }
  /// The request target as received.
  [[nodiscard]] std::string_view target() const { return target_; }
  [[nodiscard]] TargetForm form() const { return form_; }
  [[nodiscard]] Version version() const { return version_; }

  /// "http" or "https"; empty until somebody says (an origin-form target does not) and for CONNECT.
  [[nodiscard]] std::string_view scheme() const { return scheme_; }
  /// Host and port of the target, or of Host. The text is empty when an HTTP/1.0 client named no host.
  [[nodiscard]] const Authority& authority() const { return authority_; }
  [[nodiscard]] std::string_view host() const { return authority_.host; }
  [[nodiscard]] std::optional<std::uint16_t> port() const { return authority_.port; }
  /// "/path?query", never empty but for CONNECT; "*" for OPTIONS of the server as a whole.
  [[nodiscard]] std::string_view path_and_query() const { return path_and_query_; }
  /// The path alone, without "?query".
  [[nodiscard]] std::string_view path() const { return path_and_query_.substr(0, path_and_query_.find('?')); }
  /// What follows the first "?"; empty without one.
  [[nodiscard]] std::string_view query() const;

  [[nodiscard]] Fields& fields() { return fields_; }
  [[nodiscard]] const Fields& fields() const { return fields_; }

  /// Changes. Errors: kBadSyntax, and nothing has changed.
  [[nodiscard]] Result<> set_method(std::string_view method);
  [[nodiscard]] Result<> set_scheme(std::string_view scheme);
  /// host[:port]; Host is written from it.
  [[nodiscard]] Result<> set_authority(std::string_view authority);
  /// "/path?query".
  [[nodiscard]] Result<> set_path(std::string_view path_and_query);

  void clear();

  /// For parsers: takes method, target and version, whose bytes live in the arena of fields(), and splits the target.
  /// Errors: kBadMethod, kBadTarget and those of authority.h.
  [[nodiscard]] Parsed<> start(std::string_view method, std::string_view target, Version version);
  /// The same for a request without a request line. Its form is kAbsolute, as scheme and host are named: a proxy can be
  /// asked so.
  [[nodiscard]] Parsed<> start(const RequestTarget& target, Version version);
  /// For parsers, after start() and with all fields in: reconciles target and Host (RFC 9112 section 3.2). From HTTP/2
  /// on Host is made where there is none.
  /// Errors: kNoHost, kRepeatedHost, kBadHost, kHostDiffers.
  [[nodiscard]] Parsed<> settle_host();

 private:
  [[nodiscard]] Parsed<> start_absolute();
  [[nodiscard]] Parsed<> settle_authority();

  Method method_ = Method::kOther;
  TargetForm form_ = TargetForm::kOrigin;
  Version version_ = Version::kHttp11;
  std::string_view method_text_;
  std::string_view target_;
  std::string_view scheme_;
  std::string_view path_and_query_;
  Authority authority_;
  Fields fields_;
};

class ResponseHead {
 public:
  [[nodiscard]] std::uint16_t status() const { return status_; }
  /// As the origin worded it; may be empty.
  [[nodiscard]] std::string_view reason() const { return reason_; }
  [[nodiscard]] Version version() const { return version_; }
  [[nodiscard]] Fields& fields() { return fields_; }
  [[nodiscard]] const Fields& fields() const { return fields_; }

  /// 100 to 599, with the usual reason phrase; any other status is a bug and aborts.
  void set_status(std::uint16_t status);
  void clear();

  /// For parsers: `reason` lives in the arena of fields(). Errors: kBadStatus.
  [[nodiscard]] Parsed<> start(std::uint16_t status, std::string_view reason, Version version);

 private:
  std::uint16_t status_ = 0;
  Version version_ = Version::kHttp11;
  std::string_view reason_;
  Fields fields_;
};

}  // namespace sluice::http
