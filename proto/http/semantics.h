// What a proxy must do to a message whatever the version of HTTP: the rules of RFC 9110 section 7 and a few of
// section 10.
//
// Pure functions over Fields and heads. The order on the way through: read_connection() (it needs the fields that the
// next step removes), remove_hop_by_hop(), check_via(), append_via(), spend_max_forwards().
#pragma once
#include <cstdint>
#include <string_view>

#include "proto/http/fault.h"
#include "proto/http/fields.h"
#include "proto/http/head.h"

namespace sluice::http {

/// What Connection and the fields of one hop say.
struct ConnectionFacts {
  bool close = false;
  bool keep_alive = false;
  bool upgrade = false;   ///< "Connection: upgrade" with an Upgrade field, and not HTTP/1.0 (RFC 9110 section 7.8)
  bool trailers = false;  ///< "TE: trailers": the sender of this request takes trailers
};
[[nodiscard]] ConnectionFacts read_connection(const Fields& fields, Version version);

/// Whether an HTTP/1 connection may carry another message after this one (RFC 9112 section 9.3).
[[nodiscard]] bool persists(const ConnectionFacts& facts, Version version);

enum class Direction : std::uint8_t { kRequest, kResponse };

/// Removes what was meant for this hop alone: every field that Connection names, Connection itself, Keep-Alive,
/// Proxy-Connection, TE, Transfer-Encoding, Upgrade, HTTP2-Settings; Proxy-Authorization from requests, because we
/// consume it, and Proxy-Authenticate and Proxy-Authentication-Info from responses, because they came from a proxy
/// behind us that asked us. "TE: trailers" stays, with the Connection: TE that it needs, when `facts.trailers` says so:
/// we pass trailers on.
///
/// Errors: kProtectedNomination when Connection names a field that frames, routes, authenticates or tells where the
/// message has been (Host, Content-*, Authorization, Cookie, Forwarded, X-Forwarded-*, Via, …). Such a nomination has
/// no honest use (RFC 9110 section 7.6.1 forbids it for fields meant for all recipients) and is how a client strips a
/// field that a proxy before us added and an origin behind us trusts. Refusing the message tells the sender; ignoring
/// the nomination would hide an attack.
[[nodiscard]] Parsed<> remove_hop_by_hop(Fields& fields, Direction direction, const ConnectionFacts& facts);

/// Whether a field may come after the body: not what frames, routes, authenticates, or says how the body is to be read
/// (RFC 9110 section 6.5.1).
[[nodiscard]] bool may_be_trailer(FieldId id);
/// Removes what may not.
void drop_unfit_trailers(Fields& fields);

/// Errors: kForwardingLoop when a Via member was received by `pseudonym`: the message has been here (RFC 9110
/// section 7.6.3).
[[nodiscard]] Parsed<> check_via(const Fields& fields, std::string_view pseudonym);
/// Appends "1.1 pseudonym", with the version that the message came in. `pseudonym` is a token or host[:port].
void append_via(Fields& fields, Version received, std::string_view pseudonym);

enum class Forwarding : std::uint8_t { kForward, kAnswerHere };
/// OPTIONS and TRACE: counts Max-Forwards down; at 0 we are the one to answer (RFC 9110 section 7.6.2). Other methods
/// are left alone. Errors: kBadMaxForwards.
[[nodiscard]] Parsed<Forwarding> spend_max_forwards(RequestHead& head);

/// True when the client waits for a 100 before its body. An HTTP/1.0 client never does (RFC 9110 section 10.1.1).
/// Errors: kBadExpectation for any expectation but 100-continue.
[[nodiscard]] Parsed<bool> expects_continue(const RequestHead& head);

/// True when "no-transform" binds whoever would change the body (RFC 9110 section 7.7).
[[nodiscard]] bool forbids_transform(const Fields& fields);

}  // namespace sluice::http
