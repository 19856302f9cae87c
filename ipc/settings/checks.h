// Rules for single texts of the configuration, named so that describe() can refer to them.
#pragma once
#include "base/settings/describe.h"

namespace sluice::ipc {

std::string name_fault(std::string_view text);
std::string listen_fault(std::string_view text);
std::string server_fault(std::string_view text);
std::string resolver_fault(std::string_view text);
std::string network_fault(std::string_view text);
std::string trusted_fault(std::string_view text);
std::string ip_fault(std::string_view text);
std::string host_name_fault(std::string_view text);
std::string host_pattern_fault(std::string_view text);
std::string path_prefix_fault(std::string_view text);
std::string file_path_fault(std::string_view text);
std::string field_name_fault(std::string_view text);
std::string token_fault(std::string_view text);
std::string account_fault(std::string_view text);
std::string optional_name_fault(std::string_view text);
std::string optional_path_prefix_fault(std::string_view text);
std::string rule_field_fault(std::string_view text);
std::string field_template_fault(std::string_view text);
std::string page_fault(std::string_view text);
std::string realm_fault(std::string_view text);
std::string user_fault(std::string_view text);
std::string password_fault(std::string_view text);
std::string probe_path_fault(std::string_view text);
std::string probe_host_fault(std::string_view text);
std::string tls_name_fault(std::string_view text);
std::string pem_certificates_fault(std::string_view text);
std::string pem_revocation_lists_fault(std::string_view text);
std::string pem_key_fault(std::string_view text);
std::string base64_fault(std::string_view text);
std::string pin_fault(std::string_view text);

/// What a pin of a key begins with.
inline constexpr std::string_view kPinPrefix = "sha256/";

inline constexpr settings::Check kName{"a name (a-z, 0-9, - and _, at most 63 bytes)", name_fault};
inline constexpr settings::Check kListen{"an address to listen on", listen_fault};
inline constexpr settings::Check kServer{"a server (HOST:PORT)", server_fault};
inline constexpr settings::Check kResolver{"an IP address with or without a port", resolver_fault};
inline constexpr settings::Check kNetwork{"a network (10.0.0.0/8) or an IP address", network_fault};
inline constexpr settings::Check kTrusted{"a network, an IP address or \"unix\"", trusted_fault};
inline constexpr settings::Check kIp{"an IP address", ip_fault};
inline constexpr settings::Check kHostName{"a host name", host_name_fault};
inline constexpr settings::Check kHostPattern{"a host name, exact or \"*.example.org\"", host_pattern_fault};
inline constexpr settings::Check kPathPrefix{"a path that begins with \"/\"", path_prefix_fault};
inline constexpr settings::Check kFilePath{"an absolute path, or empty", file_path_fault};
inline constexpr settings::Check kFieldName{"a header field's name", field_name_fault};
inline constexpr settings::Check kToken{"a token (RFC 9110), or empty", token_fault};
inline constexpr settings::Check kAccount{"a name or a number, or empty", account_fault};
inline constexpr settings::Check kOptionalName{"a name, or empty", optional_name_fault};
inline constexpr settings::Check kOptionalPathPrefix{"a path that begins with \"/\", or empty",
                                                     optional_path_prefix_fault};
inline constexpr settings::Check kRuleField{"a header field's name, of no field that frames or belongs to one hop",
                                            rule_field_fault};
inline constexpr settings::Check kFieldTemplate{"a header field's value with placeholders", field_template_fault};
inline constexpr settings::Check kPage{"text with placeholders", page_fault};
inline constexpr settings::Check kRealm{"printable ASCII without quotes and backslashes", realm_fault};
inline constexpr settings::Check kUser{"a user's name (no \":\", no control characters)", user_fault};
inline constexpr settings::Check kPassword{"what `sluicectl password` prints", password_fault};
inline constexpr settings::Check kProbePath{"a path that begins with \"/\", or empty", probe_path_fault};
inline constexpr settings::Check kProbeHost{"a host with or without a port, or empty", probe_host_fault};
inline constexpr settings::Check kTlsName{"a host name or an IP address, or empty", tls_name_fault};
inline constexpr settings::Check kPemCertificates{"certificates as PEM, or empty", pem_certificates_fault};
inline constexpr settings::Check kPemRevocationLists{"lists of revoked certificates as PEM, or empty",
                                                     pem_revocation_lists_fault};
inline constexpr settings::Check kPemKey{"a private key as PEM, or empty", pem_key_fault};
inline constexpr settings::Check kBase64{"base64, or empty", base64_fault};
inline constexpr settings::Check kPin{"\"sha256/\" and 32 bytes as base64", pin_fault};

}  // namespace sluice::ipc
