// Fields that HTTP/2 does not have, in either direction: it says the same in other ways, or not at all (RFC 9113
// section 8.2.2). A message that comes with one is malformed; what we send is rid of them here, whoever has put them
// in.
#pragma once
#include "proto/http/field_id.h"

namespace sluice::http2 {

[[nodiscard]] constexpr bool belongs_to_http1(http::FieldId id) {
  using http::FieldId;
  switch (id) {
    case FieldId::kConnection:
    case FieldId::kHost:
    case FieldId::kHttp2Settings:
    case FieldId::kKeepAlive:
    case FieldId::kProxyConnection:
    case FieldId::kTe:
    case FieldId::kTransferEncoding:
    case FieldId::kUpgrade:
      return true;
    default:
      return false;
  }
}

}  // namespace sluice::http2
